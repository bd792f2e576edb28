"""The page with models other than our own, and with a clause type of the user's own: chosen in the settings, shown as any."""

import pytest

from clausescan.clausetypes.finding import user_folder
from clausescan.config import ExtractConfig
from clausescan.providers import registry
from clausescan.ui import preferences
from clausescan.ui.pipeline import Pipeline
from clausescan.ui.preferences import Preferences
from clausescan.ui.view import view_html
from clausescan.ui.workspace import Workspaces
from tests import fakeserver, owntypes, specimen
from tests.uiserver import wait_for

pytestmark = pytest.mark.usefixtures("one_thread")

pytest.importorskip("gradio")


@pytest.fixture
def read(tmp_path, monkeypatch, flat):
    """Drop a page of these lines with this model on the command line and these settings; the document, when it is done."""
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.setattr(registry, "compact", lambda folder: specimen.FakeModel(specimen.reading(owntypes.LINES)))
    from clausescan.ui.desk import Desk

    def run(model, **settings):
        (tmp_path / "private").mkdir()
        pipeline = Pipeline(registry.open_model)
        desk = Desk(Workspaces(tmp_path / "private"), pipeline, ExtractConfig(model=model), tmp_path, signed_in=False)
        assert (model, model) in desk.models()
        pipeline.start()
        workspace = desk.workspaces.open("", None)
        (tmp_path / "page.png").write_bytes(specimen.png(owntypes.LINES, shrink=4))
        document = workspace.add([tmp_path / "page.png"], desk.config(Preferences(model=model, **settings)))
        pipeline.submit(workspace, document)
        wait_for(lambda: not workspace.busy, 60)
        pipeline.end()
        assert document.status == "done", document.message
        return document

    return run


def test_a_server_answers_the_page(read):
    with fakeserver.served() as server:
        document = read(server.option)
    assert document.report.model.name == "openai:some/model:7b"
    shown = view_html(document, str)
    assert [c.type for c in document.report.clauses] == ["termination", "liability_cap", "indemnity"]
    assert "Termination" in shown and "1,000,000" in shown


def test_a_type_of_the_users_own_is_shown(read, tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    user_folder().parent.mkdir(parents=True)
    owntypes.write(user_folder())
    with fakeserver.served(owntypes.replying()) as server:
        document = read(server.option, types=("termination", owntypes.NAME))
    shown = view_html(document, str)
    (clause,) = document.report.clauses
    assert clause.fields.model_dump(mode="json") == owntypes.FIELDS
    assert "Force majeure" in shown and "acts of God" in shown


def test_a_model_in_a_folder(read, tiny_model):
    document = read(str(tiny_model("idefics3")))
    assert document.report.model.name == "idefics3"
    assert set(document.report.verdicts) == {"termination", "indemnity", "liability_cap"}


def test_damaged_settings_stop_no_work(tmp_path, monkeypatch):
    from clausescan.ui.desk import Desk

    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    preferences.save(Preferences(budget=64))
    desk = Desk(Workspaces(tmp_path), Pipeline(registry.open_model), ExtractConfig(), tmp_path, signed_in=False)
    assert desk.preferences(None).budget == 64
    preferences.path_of(None).write_bytes(b"{")
    assert desk.config(desk.preferences(None)).budget == ExtractConfig().budget
