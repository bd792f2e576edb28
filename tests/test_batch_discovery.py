import os
import random
from pathlib import Path

import pytest

from clausescan.batch.discovery import base_names, find, natural


@pytest.fixture
def tree(tmp_path):
    names = "a.jpg B.PNG notes.txt sub/c.heic sub/deep/d.pdf sub/deep/.hidden.jpg .git/e.jpg out/f.json out/g.png drafts/h.jpg"
    for name in names.split():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    os.mkfifo(tmp_path / "pipe.jpg")
    (tmp_path / "loop").symlink_to(tmp_path)
    return tmp_path


def test_photos_are_found_in_natural_order_without_our_own(tree):
    assert find(tree, out=tree / "out").photos == ("a.jpg", "B.PNG", "drafts/h.jpg", "sub/c.heic", "sub/deep/d.pdf")
    names = [f"p{i}.jpg" for i in range(12)]
    assert sorted(random.Random(0).sample(names, 12), key=natural) == names
    assert sorted(["²", "1", "a1b", "a"], key=natural)


@pytest.mark.parametrize(
    ("include", "exclude", "expected"),
    [
        (["*.jpg"], [], "a.jpg drafts/h.jpg"),
        (["*.JPG", "sub/**/*.pdf"], [], "a.jpg drafts/h.jpg sub/deep/d.pdf"),
        (["sub"], [], "sub/c.heic sub/deep/d.pdf"),
        (["sub/*"], ["d.*"], "sub/c.heic"),
        (["**/d.pdf"], [], "sub/deep/d.pdf"),
        (["/*.[jp]*"], [], "a.jpg B.PNG"),
        (["[!a].p?g"], ["out"], "B.PNG"),
        (["notes.txt"], [], "notes.txt"),
        ([], ["drafts/", "su?", "out"], "a.jpg B.PNG"),
        ([], ["./drafts", "././sub", "/out"], "a.jpg B.PNG"),
        ([], ["**/deep/**", "g.png", "[z-a]"], "a.jpg B.PNG drafts/h.jpg sub/c.heic"),
    ],
)
def test_patterns(tree, include, exclude, expected):
    assert find(tree, include, exclude).photos == tuple(expected.split())


def test_patterns_that_nothing_matches_are_told(tree):
    assert find(tree, ["*.jpg", "*.jpeg"], ["drafts", "photos/drafts"]).unused == ("*.jpeg", "photos/drafts")


@pytest.mark.parametrize(
    ("include", "exclude"),
    [
        ([], ["drafts", "drafts/secret"]),
        ([], ["drafts/secret", "./Drafts/"]),
        ([], [".git"]),
        ([], [".git/hooks/*"]),
        ([], [".hidden.jpg"]),
        ([".hidden.jpg"], []),
        (["*.jpg", "drafts/*"], ["drafts"]),
        (["*.jpg", "drafts"], ["drafts"]),
        (["*.jpg", "drafts/2023/**/*.jpg"], ["drafts"]),
        (["drafts/h.jpg"], ["h.*"]),
        ([], ["out/g.png", "loop/drafts", "closed/*.jpg"]),
    ],
)
def test_what_is_passed_over_is_no_reason_to_doubt_a_pattern(tree, monkeypatch, include, exclude):
    def scandir(path, real=os.scandir):
        if Path(path).name == "closed":
            raise PermissionError(13, "Permission denied", str(path))
        return real(path)

    (tree / "closed").mkdir()
    monkeypatch.setattr(os, "scandir", scandir)
    assert find(tree, include, exclude, out=tree / "out").unused == ()


@pytest.mark.parametrize("pattern", ["*.jpgg", "draft/*", "draftss", "draftss/secret", "*/secret", "sub/secret", ".gitt"])
def test_a_misspelt_pattern_is_told_beside_an_excluded_folder(tree, pattern):
    assert find(tree, [], ["drafts", pattern]).unused == (pattern,)
    assert find(tree, ["*.jpg", pattern], ["drafts"]).unused == (pattern,)


def test_names_that_are_no_text_are_told(tree):
    (tree / os.fsdecode(b"bad\xff.jpg")).touch()
    found = find(tree, exclude=["out"])
    assert len(found.photos) == 5
    assert found.closed == (r"bad\udcff.jpg",)


def test_results_of_another_batch_are_no_photos(tree):
    (tree / "sub/deep/.clausescan").mkdir()
    assert find(tree, exclude=["out", "drafts"]).photos == ("a.jpg", "B.PNG", "sub/c.heic")
    (tree / ".clausescan").mkdir()  # of the folder that was named
    assert find(tree, exclude=["out", "drafts"]).photos == ("a.jpg", "B.PNG", "sub/c.heic")


@pytest.mark.parametrize("pattern", ["sub", "SU?/", "sub/**", "sub/*", "/sub"])
def test_an_excluded_folder_is_not_opened(tree, monkeypatch, pattern):
    opened, scandir = [], os.scandir
    monkeypatch.setattr(os, "scandir", lambda path: (opened.append(os.path.relpath(path, tree)), scandir(path))[1])
    assert find(tree, exclude=[pattern, "out"]).photos == ("a.jpg", "B.PNG", "drafts/h.jpg")
    assert sorted(opened) == [".", "drafts"]


def test_an_excluded_folder_is_not_told_as_closed(tree, monkeypatch):
    def scandir(path, real=os.scandir):
        if Path(path).name == "deep":
            raise PermissionError(13, "Permission denied", str(path))
        return real(path)

    monkeypatch.setattr(os, "scandir", scandir)
    assert find(tree).closed == ("sub/deep",)
    assert find(tree, exclude=["deep"]).closed == ()


def test_every_common_suffix_of_what_can_be_decoded_is_taken(tmp_path):
    names = [f"{i}{suffix}" for i, suffix in enumerate((".jfif", ".JIF", ".mpo", ".hif", ".heics", ".dib"))]
    for name in names:
        (tmp_path / name).touch()
    assert find(tmp_path).photos == tuple(names)


def test_results_are_called_after_the_photo():
    assert base_names(["a.jpg", "sub/a.png"]) == {"a.jpg": "a", "sub/a.png": "sub/a"}
    assert base_names(["a.jpg", "A.png", "b.x.tif"]) == {"a.jpg": "a.jpg", "A.png": "A.png", "b.x.tif": "b.x"}
    assert base_names(["Results.jpg", "sub/results.jpg"]) == {"Results.jpg": "Results.jpg", "sub/results.jpg": "sub/results"}


def test_the_second_page_of_another_photo_keeps_its_own_name():
    assert base_names(["a.pdf", "a-2.jpg", "b-2.jpg"]) == {"a.pdf": "a", "a-2.jpg": "a-2.jpg", "b-2.jpg": "b-2"}


def test_a_folder_that_may_be_listed_but_not_entered(tree, monkeypatch):
    monkeypatch.setattr(Path, "is_file", lambda self: (_ for _ in ()).throw(PermissionError()) if self.name == "c.heic" else True)
    found = find(tree, exclude=["out"])
    assert "sub/c.heic" in found.closed and "sub/c.heic" not in found.photos
