"""What the page does with files that are dropped, with forms that are sent and with those who sign in, without a browser."""

import zipfile
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest

from clausescan.config import ExtractConfig
from clausescan.page import Photo
from clausescan.photo import pages
from clausescan.schema.corrections import MAX_NAME_CHARS
from clausescan.schema.report import Verdict
from clausescan.ui import preferences
from clausescan.ui.downloads import download
from clausescan.ui.joblist import joblist_html
from clausescan.ui.pipeline import Pipeline
from clausescan.ui.preferences import Preferences
from clausescan.ui.server import may_enter
from clausescan.ui.view import view_html
from tests import specimen
from tests.test_export_formats import Tags
from tests.uidesk import entered, review_of, upload
from tests.uiserver import wait_for

pytest.importorskip("gradio")


@pytest.fixture
def page(done, workspaces, home, monkeypatch):
    """The page's handlers, called as by a tab that shows the document; what it warns of is in `warnings`."""
    from clausescan.ui import handlers
    from clausescan.ui.desk import Desk

    made = handlers.Handlers(Desk(workspaces, Pipeline(lambda config: None), ExtractConfig(), home, signed_in=False))
    made.warnings = []
    monkeypatch.setattr(handlers.gr, "Warning", lambda message, **_: made.warnings.append(message))
    return made


def act(page, workspace, **data):
    """The view after an act of the page's script."""
    return page.act(workspace.key, SimpleNamespace(_data=data), SimpleNamespace(username=None))[3]


# Files that are dropped


def test_page_10_comes_after_page_2():
    from clausescan.ui.desk import documents_of

    paths = [Path(f"page {i}.jpg") for i in (10, 2, 1)]
    assert documents_of(paths, together=True) == [[Path(f"page {i}.jpg") for i in (1, 2, 10)]]
    assert documents_of(paths, together=False) == [[path] for path in paths]
    assert documents_of([], together=True) == []


def test_what_is_taken_before_the_limit_is_shown_with_a_warning(page, done, tmp_path, monkeypatch):
    workspace, _ = done
    monkeypatch.setattr("clausescan.ui.workspace.MOST_DOCUMENTS", 2)
    dropped = [str(upload(tmp_path, f"<b>{name}.png")) for name in "xyz"]
    cleared, _, jobs, *_ = page.upload(workspace.key, dropped, SimpleNamespace(username=None))
    assert cleared is None
    assert jobs.count("<li") == len(workspace.documents) == 2
    assert page.warnings == ["1 of 3 documents were taken: 2 documents are the most at once; remove some first"]
    preferences.save(Preferences(model="gone/model"))
    page.upload(workspace.key, dropped, SimpleNamespace(username=None))
    assert page.warnings[1].startswith("the chosen model is not on this machine")
    model = page.open(workspace.key, SimpleNamespace(username=None))[8]
    assert model.value == "gone/model"
    assert "gone/model" in dict(map(reversed, model.choices))  # or Gradio would refuse every further choice


def test_uploads_go_even_if_the_page_can_do_nothing_with_them(page, tmp_path, monkeypatch):
    monkeypatch.setattr("clausescan.ui.workspace.UPLOAD_SECONDS", 0.1)
    dropped, taken = upload(tmp_path, "dropped.png"), upload(tmp_path, "taken.png")
    page.upload("a key of before", [str(dropped)], SimpleNamespace(username=None))
    page.photograph("a key of before", str(taken), SimpleNamespace(username=None))
    assert page.warnings == ["this page was started anew; reload it"] * 2
    wait_for(lambda: not dropped.exists() and not taken.exists(), 10)


@pytest.mark.parametrize("mode", ["RGB", "RGBA", "L"])
def test_a_photo_of_the_camera_is_taken_where_it_arrived(page, tmp_path, mode):
    """A copy of it in another mode would leave what was uploaded to nobody."""
    from gradio.data_classes import ImageData

    from clausescan.ui.blocks import _Page

    path = tmp_path / "taken.png"
    specimen.picture().convert(mode).save(path)
    taken = _Page(page.desk).camera.preprocess(ImageData(path=str(path), orig_name=path.name))
    assert taken == str(path)
    [photo] = pages((taken,), ExtractConfig())
    assert isinstance(photo, Photo)
    assert photo.rgb.shape == (*specimen.picture().size[::-1], 3)


# Downloads


def test_documents_of_several_pages_and_one_name_have_folders(done, tmp_path):
    _, document = done
    page = document.report.pages[0]
    twice = document.report.model_copy(update={"pages": (page, page.model_copy(update={"index": 1}))})
    several = replace(document, sources=document.sources * 2, report=twice)
    archive = download([several, replace(several, number=2), replace(document, number=3)], "png", tmp_path)
    with zipfile.ZipFile(archive) as packed:
        assert packed.namelist() == [
            "page/page.png",
            "page/page-2.png",
            "page-2/page-2.png",
            "page-2/page-2-2.png",
            "page-3/page-3.png",
        ]
    assert list(archive.parent.iterdir()) == [archive]
    with zipfile.ZipFile(download([document, replace(document, number=2)], "csv", tmp_path)) as packed:
        assert packed.namelist() == ["page.csv", "page-2.csv"]
    with zipfile.ZipFile(download([several], "png", tmp_path)) as packed:
        assert packed.namelist() == ["page.png", "page-2.png"]


def test_no_name_leaves_the_folder(done, tmp_path):
    _, document = done
    for name in ("..png", "...png", ".png"):
        odd = replace(document, sources=(document.sources[0].with_name(name),))
        folder = tmp_path / f"of {name}"
        path = download([odd], "csv", folder)
        [place] = folder.iterdir()
        assert place.resolve() in path.resolve().parents
        assert path.name in ("document.csv", "png.csv")


def test_the_link_to_a_download_goes_with_its_file_alone(page, done, tmp_path):
    workspace, document = done
    other = workspace.add([upload(tmp_path, "other.png")], ExtractConfig())
    waiting = workspace.add([upload(tmp_path, "waiting.png")], ExtractConfig())
    other.tell(status="done", report=document.report)
    nobody = SimpleNamespace(username=None)

    def remove(removed):
        data = {"act": "remove", "document": removed.number}
        return page.act(workspace.key, SimpleNamespace(_data=data), nobody)[5]

    assert "page.csv" in page.download_one(workspace.key, "csv", nobody)
    assert "clausescan.csv.zip" in page.download_all(workspace.key, "csv", nobody)
    workspace.show(other.number)
    assert "other.csv" in page.download_one(workspace.key, "csv", nobody)
    [taken] = workspace.downloads.glob("*/*/other.csv")
    assert not isinstance(remove(waiting), str)  # it is left alone, and so is the archive, which lacks that document
    assert len(list(workspace.downloads.iterdir())) == 3
    assert not isinstance(remove(document), str)
    assert taken.exists()
    assert len(list(workspace.downloads.iterdir())) == 1
    assert remove(other) == ""
    assert not taken.exists()
    assert page.warnings == []


# Forms


def test_the_view_names_the_form_that_was_saved(page, done):
    workspace, document = done
    form = {"act": "save", "document": document.number, "clause": 0}
    view = act(page, workspace, **form, sent=7, entered=entered(review_of(done, 0), text="Other words."))
    assert 'data-saved="7"' in view
    assert [c.text for c in document.report.corrections] == ["Other words."]
    view = act(page, workspace, **form, sent=8, entered=entered(review_of(done, 0)))
    assert 'data-saved="8"' in view  # there was nothing to change
    view = act(page, workspace, act="accept", document=document.number, clause=1)
    assert "data-saved" not in view
    assert "data-saved" not in act(page, workspace, **form, sent='"><script>', entered=entered(review_of(done, 0)))


def test_the_view_names_no_form_that_was_wrong_or_refused(page, done, monkeypatch):
    workspace, document = done
    form = {"act": "save", "document": document.number, "clause": 0, "sent": 7}
    wrong = {"termination.notice_periods": "soon"}
    view = act(page, workspace, **form, entered=entered(review_of(done, 0), **wrong))
    assert "data-saved" not in view
    assert 'aria-invalid="true"' in view
    workspace.shown = None  # another one is looked at: not its form was wrong
    assert 'aria-invalid="true"' not in act(page, workspace, **form, entered=entered(review_of(done, 0), **wrong))
    workspace.remove(document.number)
    assert not isinstance(act(page, workspace, **form, entered={}), str)
    assert page.warnings == ["this document is no longer there"]


def test_removing_a_result_is_asked_about(page, done):
    workspace, document = done

    def asked():
        return next(a.get("data-ask") for a in Tags(joblist_html(workspace)).every("button") if a["data-act"] == "remove")

    assert asked() == "Remove page.png with its result? This cannot be undone."
    for clause in (0, 1):
        act(page, workspace, act="accept", document=document.number, clause=clause)
    assert asked() == "Remove page.png with its result and what was done to its clauses (2 acts)? This cannot be undone."
    document.report, document.status = None, "failed"
    assert asked() is None


@pytest.mark.parametrize(
    ("user", "given", "enters"),
    [
        ("Grace", "correct horse", True),
        ("Grace", "wrong horse", False),
        (" ", "correct horse", False),
        ("x" * MAX_NAME_CHARS, "correct horse", True),
        ("x" * (MAX_NAME_CHARS + 1), "correct horse", False),
    ],
)
def test_names_that_corrections_cannot_carry_do_not_sign_in(user, given, enters):
    assert may_enter("correct horse", user, given) is enters


# Verdicts


def test_no_clause_is_denied_that_may_be_there(done):
    _, document = done
    bare = {"clauses": (), "corrections": ()}
    absent = {kind: Verdict(verdict="absent", reason=None, confidence=0.9) for kind in document.report.types}
    unclear = {"indemnity": Verdict(verdict="cannot_tell", reason="undecided", confidence=None)}
    document.report = document.report.model_copy(update=bare | {"verdicts": absent})
    assert "No clause of the chosen types was found." in view_html(document, str)
    document.report = document.report.model_copy(update=bare | {"verdicts": absent | unclear})
    shown = view_html(document, str)
    assert "No clause is quoted from this document; whether it has one cannot be told: Indemnity." in shown
    assert "was found." not in shown
    assert specimen.CANARY not in shown
