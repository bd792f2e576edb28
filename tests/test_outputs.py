import csv
import io
import os
import sys
from pathlib import Path
from types import SimpleNamespace

import pypdfium2
import pytest
from PIL import Image

from clausescan import cli, scan
from clausescan.errors import InternalError, ModelError
from clausescan.schema.report import Report
from tests import specimen

ALL = "json,jsonl,csv,html,pdf,png,coco,w3c"


@pytest.fixture
def run(capsysbinary, monkeypatch, fake_model):
    monkeypatch.setattr(scan._Run, "model", property(lambda self: fake_model))

    def call(*arguments):
        status = cli.run_command([str(a) for a in arguments])
        out, err = capsysbinary.readouterr()
        return status, out.decode(), err.decode()

    return call


def test_files_are_named_after_the_first_photo(run, photo_file, tmp_path):
    out = tmp_path / "new" / "results"
    assert run("extract", photo_file, photo_file, "--format", ALL, "--out", out) == (0, "", "")
    suffixes = "json jsonl csv html pdf png coco.json w3c.json".split()
    assert set(os.listdir(out)) == {f"page.{suffix}" for suffix in suffixes} | {"page-2.png"}
    assert len(Report.model_validate_json((out / "page.json").read_text()).clauses) == 6


def test_a_folder_alone_gets_json(run, photo_file, tmp_path):
    assert run("extract", photo_file, "--out", tmp_path / "r") == (0, "", "")
    assert os.listdir(tmp_path / "r") == ["page.json"]


def test_one_text_format_goes_to_standard_output(run, photo_file):
    status, out, _ = run("extract", photo_file, "--format", "csv")
    rows = list(csv.DictReader(io.StringIO(out, newline="")))
    assert (status, len(rows)) == (0, 3)
    status, out, _ = run("extract", photo_file, "--format", "jsonl")
    assert Report.model_validate_json(out).clauses[0].text.startswith("11. Termination")


def test_json_may_be_asked_for_beside_it(run, photo_file, tmp_path):
    assert run("extract", photo_file, "--format", "html", "--out", tmp_path / "o", "--json", tmp_path / "r.json") == (0, "", "")
    assert Report.model_validate_json((tmp_path / "r.json").read_text()).clauses
    _, out, _ = run("extract", photo_file, "--format", "html", "--out", tmp_path / "o", "--json", "-")
    assert Report.model_validate_json(out).clauses


@pytest.mark.parametrize(
    "arguments",
    [("--format", "docx"), ("--format", ""), ("--format", "pdf"), ("--format", "csv,html"), ("--format", "csv", "--json", "-")],
)
def test_usage_errors_end_with_2(run, photo_file, arguments, fake_model):
    status, out, err = run("extract", photo_file, *arguments)
    assert (status, out, len(err.splitlines()), fake_model.pages) == (2, "", 1, 0)


def test_a_photo_is_never_overwritten(run, photo_file, tmp_path, fake_model):
    second = photo_file.with_name("page-2.png")
    second.write_bytes(photo_file.read_bytes())
    for photos in ([photo_file], [tmp_path / "page.jpg", second]):
        status, _, err = run("extract", *photos, "--format", "png", "--out", photo_file.parent)
        assert (status, fake_model.pages) == (2, 0)
        assert "overwritten" in err


def test_a_folder_that_cannot_be_made_ends_with_5_before_anything_is_read(run, photo_file, tmp_path, fake_model):
    (tmp_path / "file").touch()
    for out in (tmp_path / "file", tmp_path / "file" / "under"):
        status, _, err = run("extract", photo_file, "--format", "csv", "--out", out)
        assert (status, fake_model.pages) == (5, 0)
        assert "cannot write" in err


def test_an_unreadable_page_is_shown_with_its_reason(run, photo_file, tmp_path, fake_model):
    fake_model.text = specimen.reading(())
    assert run("extract", photo_file, "--format", ALL, "--out", tmp_path / "o")[0] == 3
    assert "unreadable" in (tmp_path / "o" / "page.html").read_text()


def test_the_overlay_of_a_later_page_overwrites_no_photo_either(run, photo_file, fake_model):
    second = photo_file.with_name("p-2.png")
    second.write_bytes(photo_file.read_bytes())
    status, _, err = run("extract", photo_file, second, "--overlay", photo_file.with_name("p.png"))
    assert (status, fake_model.pages) == (2, 0)
    assert "p-2.png" in err and "overwritten" in err


def test_a_json_file_is_written_beside_a_format_on_standard_output(run, photo_file, tmp_path):
    status, out, _ = run("extract", photo_file, "--format", "csv", "--json", tmp_path / "r.json")
    assert status == 0 and out.startswith("number,file,")
    assert len(Report.model_validate_json((tmp_path / "r.json").read_bytes()).clauses) == 3


def test_pictures_bear_their_pages_numbers(run, photo_file, tmp_path):
    broken = tmp_path / "broken.png"
    broken.write_bytes(b"nothing")
    pictures = ("--overlay", tmp_path / "o.png", "--format", "png", "--out", tmp_path / "out")
    assert run("extract", photo_file, broken, photo_file, *pictures)[0] == 6
    assert sorted(os.listdir(tmp_path / "out")) == ["page-3.png", "page.png"]
    assert sorted(p.name for p in tmp_path.glob("o*.png")) == ["o-3.png", "o.png"]


def test_a_name_that_is_no_text_is_written_out(run, photo_file, tmp_path):
    path = os.fsencode(tmp_path) + b"/caf\xe9.png"
    with open(path, "wb") as stream:
        stream.write(photo_file.read_bytes())
    assert run("extract", os.fsdecode(path), "--json", tmp_path / "r.json")[0] == 0
    report = Report.model_validate_json((tmp_path / "r.json").read_bytes())
    assert report.pages[0].source.name == "caf\\udce9.png"


def test_no_overlay_of_an_earlier_run_stays_for_a_page_that_cannot_be_decoded(run, photo_file, tmp_path):
    second, marked = tmp_path / "second.png", [tmp_path / "m.png", tmp_path / "m-2.png"]
    second.write_bytes(photo_file.read_bytes())
    assert run("extract", photo_file, second, "--overlay", marked[0], "--json", tmp_path / "j.json")[0] == 0
    assert all(path.exists() for path in marked)
    second.write_bytes(b"torn")
    assert run("extract", photo_file, second, "--overlay", marked[0], "--json", tmp_path / "j.json")[0] == 6
    assert [path.exists() for path in marked] == [True, False]
    assert run("extract", second, "--overlay", marked[0])[0] == 3
    assert not marked[0].exists()


def test_the_json_may_lie_in_the_new_folder_but_not_under_a_formats_name(run, photo_file, tmp_path):
    out = tmp_path / "results"
    assert run("extract", photo_file, "--format", "csv", "--out", out, "--json", out / "page.json") == (0, "", "")
    assert set(os.listdir(out)) == {"page.csv", "page.json"}
    for option in ("--json", "--overlay"):
        status, _, err = run("extract", photo_file, "--format", "csv", "--out", out, option, out / "page.csv")
        assert (status, "page.csv, which --format writes" in err) == (2, True)


@pytest.fixture
def old(tmp_path):
    """Overlays of an earlier run's three pages, and one that is none of theirs."""
    names = [tmp_path / name for name in ("o.jpg", "o-2.jpg", "o-3.jpg", "o-4.jpg")]
    for name in names:
        name.write_bytes(b"old")
    return names


def left(names):
    return [name.exists() for name in names]


def document(folder, kind):
    """Three pages of one file, none of them large enough to be read."""
    path = folder / f"tiny.{kind}"
    if kind == "pdf":
        sheets = pypdfium2.PdfDocument.new()
        for _ in range(3):
            sheets.new_page(3, 3)
        sheets.save(path)
    else:
        frames = [Image.new("RGB", (10, 10 + n)) for n in range(3)]
        frames[0].save(path, save_all=True, append_images=frames[1:])
    return path


@pytest.mark.parametrize("kind", ["pdf", "tiff"])
def test_no_overlay_stays_beside_a_document_whose_pages_all_fail(run, tmp_path, old, kind, monkeypatch):
    path = document(tmp_path, kind)
    assert run("extract", path, "--overlay", old[0])[0] == 3
    assert left(old) == [False, False, False, True]
    for name in old:
        name.write_bytes(b"old")
    monkeypatch.setattr(sys, "stdin", SimpleNamespace(buffer=io.BytesIO(path.read_bytes())))
    assert run("extract", "-", "--overlay", old[0])[0] == 3
    assert left(old) == [False, False, False, True]


@pytest.mark.parametrize(("error", "status"), [(InternalError("defect"), 1), (ModelError("no weights"), 4), (KeyError(), 1)])
def test_no_overlay_stays_beside_an_error_of_the_whole_document(run, tmp_path, photo_file, old, monkeypatch, error, status):
    def fails(self):
        raise error

    monkeypatch.setattr(scan._Run, "model", property(fails))
    pages = tmp_path / "p.tiff"
    frames = [Image.open(photo_file).convert("1") for _ in range(2)]
    frames[0].save(pages, save_all=True, append_images=frames[1:], compression="group4")
    assert run("extract", pages, photo_file, "--overlay", old[0])[0] == status
    assert left(old) == [False, False, False, True]


def test_a_folder_under_a_later_pages_name_does_not_hide_the_error(run, tmp_path):
    (tmp_path / "q-2.jpg").mkdir()
    path = document(tmp_path, "pdf")
    for photos in ([path], [path, path]):
        status, _, err = run("extract", *photos, "--overlay", tmp_path / "q.jpg")
        assert (status, "too small" in err) == (3, True)
    assert (tmp_path / "q-2.jpg").is_dir()


def test_an_old_overlay_that_cannot_be_removed_is_told_beside_the_error(run, tmp_path, old, photo_file, monkeypatch):
    def refuse(self, missing_ok=False):
        raise PermissionError(13, "Permission denied")

    path = document(tmp_path, "pdf")
    with monkeypatch.context() as patch:
        patch.setattr(Path, "unlink", refuse)
        status, _, err = run("extract", path, "--overlay", old[0])
        assert (status, "cannot remove" in err, "too small" in err) == (3, True, True)
        status, _, err = run("extract", photo_file, path, "--overlay", old[0])
        assert (status, "o-2.jpg" in err and "cannot remove" in err) == (5, True)


def test_a_mistyped_name_destroys_nothing(run, tmp_path, old, photo_file, fake_model):
    assert run("extract", tmp_path / "typo.jpg", "--overlay", old[0])[0] == 3
    assert run("extract", tmp_path, "--overlay", old[0])[0] == 3
    assert run("extract", photo_file, "--pages", "0", "--overlay", old[0])[0] == 2
    assert run("extract", document(tmp_path, "tiff"), "--max-pages", "2", "--overlay", old[0])[0] == 2
    assert {name.read_bytes() for name in old} == {b"old"}
    assert run("extract", photo_file, tmp_path / "typo.jpg", "--overlay", old[0])[0] == 6
    assert [name.read_bytes() == b"old" for name in old] == [False, True, True, True]
    (tmp_path / "empty.jpg").touch()
    assert run("extract", photo_file, tmp_path / "empty.jpg", "--overlay", old[0])[0] == 6
    assert left(old) == [True, False, True, True]


def test_a_usage_error_makes_no_folder(run, photo_file, tmp_path, fake_model):
    out = tmp_path / "new"
    for arguments in (
        ("--json", photo_file),
        ("--json", out / "page.csv"),
        ("--overlay", out / "x.gif"),
        ("--overlay", out / "o.png", "--json", out / "o.png"),
        ("--overlay", out / "o.png", "--json", out / "o-2.png"),
    ):
        assert run("extract", photo_file, "--format", "csv", "--out", out, *arguments)[0] == 2
    for target in (tmp_path / "none" / "r.json", tmp_path):
        assert run("extract", photo_file, "--format", "csv", "--out", out, "--json", target)[0] == 5
    assert (out.exists(), fake_model.pages) == (False, 0)
    assert run("extract", photo_file, "--format", "csv", "--out", out / "deep", "--json", out / "r.json")[0] == 0


@pytest.mark.parametrize(
    ("overlay", "status"), [("page-2.png", 2), ("pa.png", 0), ("page-two.png", 0), ("page.jpg", 0), ("page-2.jpg", 0)]
)
def test_overlay_and_format_never_write_the_same_file(run, small_photo, tmp_path, overlay, status):
    out = tmp_path / "out"
    got, _, err = run("extract", small_photo, small_photo, "--format", "png", "--out", out, "--overlay", out / overlay)
    assert (got, "page-2.png, which --format writes" in err) == (status, status == 2)


def test_neither_does_a_later_page_of_the_overlay(run, small_photo, tmp_path):
    photo = small_photo.rename(tmp_path / "a-2.png")
    out = tmp_path / "out"
    got, _, err = run("extract", photo, photo, "--format", "png", "--out", out, "--overlay", out / "a.png")
    assert (got, "a-2.png, which --format writes" in err) == (2, True)


def test_a_link_to_a_photo_under_a_later_pages_name_is_not_written_through(run, photo_file, tmp_path, fake_model):
    (tmp_path / "r").mkdir()
    link = tmp_path / "r" / "m-2.png"
    link.symlink_to(photo_file)
    status, _, err = run("extract", photo_file, link, "--overlay", tmp_path / "r" / "m.png")
    assert (status, fake_model.pages, "overwritten" in err) == (2, 0, True)
