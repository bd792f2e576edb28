"""Batches with models other than our own: on a server, in a folder, chosen by one option."""

import json
import shutil
from pathlib import Path

import pytest

from clausescan import cli
from clausescan.batch import run as batch_run
from clausescan.batch.job import work
from clausescan.batch.settings import BatchSettings, default_workers, result_key
from clausescan.config import ExtractConfig
from clausescan.errors import ModelError, UsageError
from clausescan.providers import registry
from clausescan.schema.report import Report
from tests import fakeserver, specimen

pytestmark = pytest.mark.usefixtures("one_thread")

ROOT = Path(__file__).parents[1]
SERVER = "openai:http://127.0.0.1:9/v1#some/model"


@pytest.fixture
def photos(tmp_path):
    folder = tmp_path / "photos"
    folder.mkdir()
    for name in "ab":
        (folder / f"{name}.png").write_bytes(specimen.png(shrink=4))
    return folder


@pytest.fixture
def in_process(monkeypatch, flat):
    """No worker processes, and the fake reader in front of the other model."""
    monkeypatch.setattr(registry, "compact", lambda folder: specimen.FakeModel())

    def run(jobs, workers, limits, loader, config):
        model = registry.open_model(config)
        return (work(job, model) for job in jobs)

    monkeypatch.setattr(batch_run.run_batch, "__kwdefaults__", batch_run.run_batch.__kwdefaults__ | {"runner": run})


def batch(*arguments):
    return cli.run_command(["batch", *map(str, arguments)])


@pytest.mark.usefixtures("in_process")
def test_a_batch_against_a_server(photos, tmp_path, capsys):
    with fakeserver.served() as server:
        arguments = (photos, "--out", tmp_path / "out", "--model", server.option, "--parallel", 2, "--format", "csv")
        assert batch(*arguments) == 0
        asked = len(server.bodies)
        assert asked == 2 * 4  # the page and three passages, a photo
        assert batch(*arguments[:-4], "--format", "csv", "--parallel", 3) == 0
        assert len(server.bodies) == asked  # how a server is asked makes no other result
    report = Report.model_validate_json((tmp_path / "out" / "a.json").read_bytes())
    assert (report.model.name, len(report.clauses)) == ("openai:some/model:7b", 3)
    assert "2 photos: 2 done" in capsys.readouterr().out


@pytest.mark.usefixtures("in_process")
def test_a_server_that_is_not_there_fails_each_photo(photos, tmp_path, monkeypatch):
    from clausescan.providers.served import ServedModel

    monkeypatch.setattr(ServedModel.__init__, "__kwdefaults__", ServedModel.__init__.__kwdefaults__ | {"wait": lambda s: None})
    assert batch(photos, "--out", tmp_path / "out", "--model", SERVER) == 6
    lines = (tmp_path / "out" / "results.jsonl").read_text().splitlines()
    assert [json.loads(line)["files"][0]["reason"] for line in lines] == ["model", "model"]


@pytest.mark.usefixtures("in_process")
def test_a_batch_with_a_model_in_a_folder(photos, tmp_path, tiny_model):
    (photos / "b.png").unlink()
    assert batch(photos, "--out", tmp_path / "out", "--model", tiny_model("idefics3")) in (0, 6)
    report = Report.model_validate_json((tmp_path / "out" / "a.json").read_bytes())
    assert report.model.name == "idefics3"


@pytest.mark.weights
def test_a_worker_of_its_own_asks_the_server(tmp_path):
    (tmp_path / "photos").mkdir()
    shutil.copy(ROOT / "samples" / "services-agreement.jpg", tmp_path / "photos")
    with fakeserver.served() as server:
        assert batch(tmp_path / "photos", "--out", tmp_path / "out", "--model", server.option, "--workers", 1) == 0
        assert len(server.bodies) == 1  # nothing that it lists stands on this page
    report = Report.model_validate_json((tmp_path / "out" / "services-agreement.json").read_bytes())
    assert (report.model.name, report.clauses, len(report.unplaced)) == ("openai:some/model:7b", (), 3)


def test_the_key_tells_models_apart(photos, tmp_path, tiny_model):
    def key(model, **options):
        config = ExtractConfig(model=model, **options)
        return result_key(BatchSettings(photos, tmp_path / "out", config), registry.identity(config))

    shutil.copytree(tiny_model("idefics3"), tmp_path / "model")
    own, served, local = key(None), key(SERVER), key(str(tmp_path / "model"))
    assert len({own, served, local, key(SERVER.replace("some", "other"))}) == 4
    assert key(SERVER, parallel=9, timeout_s=5) == served
    (tmp_path / "model" / "README.md").write_text("of no account")
    assert key(str(tmp_path / "model")) == local
    for name in ("model.safetensors", "config.json", "tokenizer_config.json"):
        file = tmp_path / "model" / name
        before = file.read_bytes()
        file.write_bytes(before[:-1] + b"x")
        assert key(str(tmp_path / "model")) != local
        file.write_bytes(before)
    (tmp_path / "model" / "chat_template.jinja").write_text("{{ messages }}")
    assert key(str(tmp_path / "model")) != local


def test_a_model_that_is_not_there_or_not_named_well(photos, tmp_path, capsys):
    assert batch(photos, "--out", tmp_path / "out", "--model", tmp_path / "none") == ModelError.exit_code
    assert batch(photos, "--out", tmp_path / "out", "--model", "openai:nonsense") == UsageError.exit_code
    assert not (tmp_path / "out").exists()
    assert capsys.readouterr().err.count("\n") == 2


def test_one_worker_for_a_model_that_takes_the_whole_machine(tmp_path):
    (tmp_path / "model").mkdir()
    assert default_workers(ExtractConfig(model=str(tmp_path / "model"))) == 1
    assert 1 <= default_workers(ExtractConfig(model=SERVER)) <= 4


def test_a_key_that_cannot_be_sent_ends_as_with_extract(photos, tmp_path, monkeypatch):
    monkeypatch.setenv("CLAUSESCAN_API_KEY", "two\nlines")
    assert batch(photos, "--out", tmp_path / "out", "--model", SERVER, "--workers", 1) == UsageError.exit_code


def test_the_time_for_an_answer_is_told_by_its_own_name(photos, tmp_path, capsys):
    assert batch(photos, "--out", tmp_path / "out", "--answer-timeout", 0) == UsageError.exit_code
    assert "--answer-timeout" in capsys.readouterr().err
