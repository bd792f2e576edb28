"""The page's workspaces, queue, downloads and settings, without a browser."""

import os
import threading
import time
from dataclasses import replace

import pytest

from clausescan.config import ExtractConfig
from clausescan.errors import InputError, ModelError, OutputError, UsageError
from clausescan.export.formats import FORMATS
from clausescan.schema.clauses import CLAUSE_TYPES
from clausescan.schema.corrections import Correction
from clausescan.ui import downloads, preferences
from clausescan.ui.downloads import FORMAT_NAMES, download
from clausescan.ui.joblist import state
from clausescan.ui.pipeline import Pipeline
from clausescan.ui.preferences import Preferences
from clausescan.ui.workspace import forget_later, now
from tests import specimen
from tests.uidesk import upload
from tests.uiserver import wait_for

# The workspace and the queue


def test_a_key_opens_only_its_own_users_workspace(workspaces):
    mine = workspaces.open("", "ada")
    assert workspaces.open(mine.key, "ada") is mine
    other = workspaces.open(mine.key, "mallory")
    assert other is not mine
    with pytest.raises(UsageError):
        workspaces.find(mine.key, "mallory")
    with pytest.raises(UsageError):
        workspaces.find("guess", None)
    assert len(mine.key) >= 32


def test_an_upload_stays_for_a_moment_for_whoever_sent_the_same(workspaces, tmp_path, monkeypatch):
    monkeypatch.setattr("clausescan.ui.workspace.UPLOAD_SECONDS", 0.2)
    path = upload(tmp_path)
    spaces = [workspaces.open("", None) for _ in range(3)]
    documents = [space.add([path], ExtractConfig()) for space in spaces]
    assert documents[0].sources[0] != documents[1].sources[0]
    forget_later([path])
    time.sleep(0.15)
    spaces.pop().remove(documents.pop().number)  # which leaves the upload as old as it is
    wait_for(lambda: not path.exists(), 5)
    assert all(document.sources[0].is_file() for document in documents)
    with pytest.raises(OutputError, match=r"page\.png cannot be kept"):
        workspaces.open("", None).add([path], ExtractConfig())


def test_removing_a_document_deletes_its_files(done):
    workspace, document = done
    assert document.previews[0].path.is_file()
    assert workspace.shown == document.number
    workspace.remove(document.number)
    assert not document.folder.exists()
    assert workspace.shown is None
    with pytest.raises(UsageError):
        workspace.find(document.number)


@pytest.fixture
def two(done, tmp_path):
    """A workspace with two documents that are done."""
    workspace, document = done
    other = workspace.add([upload(tmp_path, "other.png")], ExtractConfig())
    other.tell(status="done", report=document.report)
    return workspace, document, other


def test_a_document_takes_only_the_downloads_along_that_hold_it(two):
    workspace, document, other = two
    assert not workspace.ready
    held = [[document], [document, other], [other]]
    taken = [download(documents, "csv", workspace.downloads) for documents in held]
    for path, documents in zip(taken, held, strict=True):
        workspace.keep(path, documents)
    workspace.remove(document.number)
    assert [path.exists() for path in taken] == [False, False, True]
    assert len(list(workspace.downloads.iterdir())) == 1
    assert workspace.ready
    workspace.remove(other.number)
    assert list(workspace.downloads.iterdir()) == []
    assert not workspace.ready


def test_a_download_of_what_is_removed_while_it_is_made_does_not_stay(two):
    workspace, document, other = two
    path = download([document, other], "csv", workspace.downloads)
    workspace.remove(other.number)
    with pytest.raises(UsageError, match="removed meanwhile"):
        workspace.keep(path, [document, other])
    assert list(workspace.downloads.iterdir()) == []


def test_a_download_that_fails_leaves_nothing(two, monkeypatch):
    workspace, document, other = two
    write = downloads.write

    def fail(document, formats, base):
        if document is other:
            raise OutputError("no space is left")
        return write(document, formats, base)

    monkeypatch.setattr(downloads, "write", fail)
    with pytest.raises(OutputError):
        download([document, other], "csv", workspace.downloads)
    assert list(workspace.downloads.iterdir()) == []


def test_one_clock_for_all_uploads_that_came_together(tmp_path, monkeypatch):
    monkeypatch.setattr("clausescan.ui.workspace.UPLOAD_SECONDS", 0.3)
    paths = [tmp_path / f"{i}.png" for i in range(300)]
    for path in paths:
        path.touch()
    before = threading.active_count()
    forget_later(paths)
    assert threading.active_count() <= before + 1
    wait_for(lambda: not any(path.exists() for path in paths), 10)


def test_users_take_turns(workspaces, tmp_path, fake_model):
    order, gate = [], threading.Event()

    def opener(config):
        gate.wait(20)
        return fake_model

    pipeline = Pipeline(opener)
    pipeline.start()
    first, second = workspaces.open("", None), workspaces.open("", None)
    for workspace, name in ((first, "a1"), (first, "a2"), (first, "a3"), (second, "b1")):
        document = workspace.add([upload(tmp_path, f"{name}.png")], ExtractConfig())
        document.changed = lambda d=document: order.append(d.name) if d.status == "done" else None
        pipeline.submit(workspace, document)
        if name == "a1":
            wait_for(lambda d=document: d.status == "running", 20)
    gate.set()
    wait_for(lambda: not first.busy and not second.busy, 30)
    pipeline.end()
    assert [name.split(".")[0] for name in order] == ["a1", "b1", "a2", "a3"]


def test_a_failure_is_told_in_our_own_words(workspaces, tmp_path, flat):
    def opener(config):
        raise ModelError("the weights are damaged") if config.budget == 64 else RuntimeError(specimen.CANARY)

    pipeline = Pipeline(opener)
    pipeline.start()
    workspace = workspaces.open("", None)
    documents = [workspace.add([upload(tmp_path)], ExtractConfig(budget=budget)) for budget in (64, 128)]
    for document in documents:
        pipeline.submit(workspace, document)
    wait_for(lambda: not workspace.busy, 20)
    pipeline.end()
    assert state(documents[0]) == "failed: the weights are damaged"
    assert "RuntimeError" in state(documents[1])
    assert specimen.CANARY not in state(documents[1])


def test_stages_are_told_in_order_and_may_end_the_run(photo_file, fake_model):
    from clausescan import pagework, scan

    told = []
    scan.extract([photo_file, photo_file], model=fake_model, on_stage=lambda page, stage: told.append((page, stage)))
    assert told == [(page, stage) for page in (0, 1) for stage in pagework.STAGES] + [(2, "decode")]

    class StopError(Exception):
        pass

    def stop(page, stage):
        if stage == "read":
            raise StopError

    with pytest.raises(StopError):
        scan.extract(photo_file, model=fake_model, on_stage=stop)


def test_every_format_can_be_chosen():
    assert tuple(FORMAT_NAMES) == tuple(FORMATS)


def test_downloads_have_names_of_their_own(done, tmp_path):
    workspace, document = done
    workspace.correct(document.number, Correction(clause=0, by="x", at=now(), act="accept"))
    twins = [document, replace(document, number=2)]
    one = download([document], "csv", tmp_path)
    assert (one.name, one.read_text().count("accepted")) == ("page.csv", 1)
    assert download(twins, "csv", tmp_path).name == "clausescan.csv.zip"
    assert one.parent != download([document], "csv", tmp_path).parent
    assert one.exists()
    os.utime(one.parent.parent, (0, 0))
    download([document], "csv", tmp_path)
    assert not one.exists()  # one of long ago
    with pytest.raises(UsageError):
        download([], "csv", tmp_path)
    with pytest.raises(UsageError):
        download([document], "docx", tmp_path)


# The settings


def test_settings_are_kept(home):
    assert preferences.load() == Preferences()
    chosen = Preferences(types=("indemnity",), budget=64, name="Ada", theme="dark", together=True)
    preferences.save(chosen)
    assert preferences.load() == chosen
    assert preferences.load("someone else") == Preferences()
    assert chosen.reader == "Ada"
    assert Preferences().reader == preferences.account()


@pytest.mark.parametrize("content", [b"", b"{", b'{"budget": 7}', b'{"types": []}', b'{"more": 1}', b"\xff"])
def test_damaged_settings_are_named(home, content):
    preferences.save(Preferences())
    preferences.path_of(None).write_bytes(content)
    with pytest.raises(InputError, match=r"ui\.json are damaged"):
        preferences.load()


def test_types_are_kept_in_their_order():
    assert Preferences.model_validate_json('{"types": ["indemnity", "termination"]}').types == ("indemnity", "termination")
    assert Preferences().types == CLAUSE_TYPES
