"""From the --model option to a model, the cache, fetching, and the commands about models. The hub is a fake one."""

import json
import shutil
from types import SimpleNamespace

import pytest

from clausescan.config import ExtractConfig
from clausescan.errors import ModelError, UsageError
from clausescan.providers import fetch, registry, store
from clausescan.providers.glance import GlanceThenRead
from clausescan.providers.served import ServedModel
from tests import fakeserver, specimen

pytestmark = pytest.mark.usefixtures("one_thread")

NAME, COMMIT = "someone/tiny-llava", "a" * 40


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    monkeypatch.setattr(store, "root", lambda: tmp_path / "cache")
    monkeypatch.setattr(fetch, "root", lambda: tmp_path / "cache")
    monkeypatch.setattr(registry, "compact", lambda folder: specimen.FakeModel(name=f"compact:{folder}"))
    return tmp_path / "cache"


@pytest.fixture(scope="module")
def tiny(tiny_model):
    return tiny_model("llava")


@pytest.fixture
def hub(monkeypatch, tiny):
    """Has one model, with files that must not come along."""
    hub = SimpleNamespace(commit=COMMIT, calls=[], spoil=lambda folder: None)
    names = [*(p.name for p in tiny.iterdir()), "pytorch_model.bin", "modeling.py", "README.md", "onnx/model.safetensors"]

    def model_info(self, name, revision=None, files_metadata=False):
        hub.calls.append(("info", name, revision))
        lfs = {"model.safetensors": SimpleNamespace(sha256=store.file_sha256(tiny / "model.safetensors"))}
        return SimpleNamespace(sha=hub.commit, siblings=[SimpleNamespace(rfilename=n, lfs=lfs.get(n)) for n in names])

    def snapshot_download(name, revision, local_dir, allow_patterns):
        hub.calls.append(("download", name, revision))
        local_dir.mkdir()
        (local_dir / ".cache").mkdir()
        for file in allow_patterns:
            shutil.copy(tiny / file, local_dir / file)
        hub.spoil(local_dir)

    import huggingface_hub

    monkeypatch.setattr(huggingface_hub.HfApi, "model_info", model_info)
    monkeypatch.setattr(huggingface_hub, "snapshot_download", snapshot_download)
    return hub


def opened(model):
    return registry.open_model(ExtractConfig(model=model))


def test_each_kind_of_option(tmp_path, tiny):
    assert opened(None).name == "compact:None"
    (tmp_path / "ours").mkdir()
    (tmp_path / "ours" / "manifest.json").write_text("{}")
    assert opened(str(tmp_path / "ours")).name == f"compact:{tmp_path / 'ours'}"
    other = opened(str(tiny))
    assert isinstance(other, GlanceThenRead)
    assert other.name == "llava"
    served = registry.open_model(ExtractConfig(model="openai:http://localhost:1#m", timeout_s=5, parallel=2))
    assert isinstance(served.asker, ServedModel)
    assert (served.name, served.weights_sha256) == ("openai:m", "0" * 64)


@pytest.mark.parametrize(
    "name",
    ["nobody/nothing", "nothing", "./nothing", "../x/y", "a/b/c", "https://huggingface.co/a/b", "x" * 5000, "a\0b", "", "a/.."],
)
def test_a_mistyped_name_is_told_without_a_network(name):
    with pytest.raises(ModelError, match="never fetched"):
        opened(name)


def test_a_folder_without_a_model(tmp_path):
    with pytest.raises(ModelError, match="holds no model"):
        opened(str(tmp_path))


def test_a_malformed_address_is_a_usage_error():
    with pytest.raises(UsageError):
        opened("openai:localhost")


def test_fetched_once_then_used_offline(hub, cache, loopback_only):
    found = fetch.fetch(NAME)
    assert (found.name, found.revision) == (NAME, COMMIT)
    names = {p.name for p in found.folder.iterdir()}
    assert {"model.safetensors", "config.json", "tokenizer.json", store.RECORD} <= names
    assert not names & {"pytorch_model.bin", "modeling.py", "README.md", "onnx", ".cache"}
    assert [p.name for p in cache.iterdir()] == ["someone--tiny-llava"]
    assert opened(NAME).name == NAME
    assert fetch.fetch(NAME) == found
    assert fetch.fetch(NAME, COMMIT) == found
    assert [c[0] for c in hub.calls] == ["info", "download", "info"]
    assert hub.calls[1] == ("download", NAME, COMMIT)
    assert loopback_only == []


def test_another_revision_takes_the_place_of_the_old_one(hub):
    fetch.fetch(NAME)
    hub.commit = "b" * 40
    assert fetch.fetch(NAME, "main").revision == "b" * 40
    assert [f.revision for f in store.fetched()] == ["b" * 40]


@pytest.mark.parametrize("kind", ["cut", "interrupted"])
def test_a_download_that_fails_leaves_what_was_there(hub, cache, kind):
    fetch.fetch(NAME)
    hub.commit = "b" * 40

    def spoil(folder):
        if kind == "interrupted":
            raise KeyboardInterrupt
        (folder / "model.safetensors").write_bytes(b"half")

    hub.spoil = spoil
    with pytest.raises((ModelError, KeyboardInterrupt)):
        fetch.fetch(NAME)
    assert [p.name for p in cache.iterdir()] == ["someone--tiny-llava"]
    assert [f.revision for f in store.fetched()] == [COMMIT]


@pytest.mark.parametrize("spoil", ["change", "add", "remove", "record"])
def test_what_is_not_what_was_fetched_is_not_loaded(hub, spoil):
    folder = fetch.fetch(NAME).folder
    if spoil == "change":
        (folder / "tokenizer_config.json").write_text("{}")
    elif spoil == "add":
        (folder / "extra.safetensors").write_bytes(b"")
    elif spoil == "remove":
        (folder / "tokenizer.json").unlink()
    else:
        (folder / store.RECORD).write_text("[]")
    with pytest.raises(ModelError, match="fetch"):
        opened(NAME)
    fetch.fetch(NAME, COMMIT)  # as it says
    assert opened(NAME).name == NAME


def test_what_the_hub_refuses_is_told_in_our_words(monkeypatch, tmp_path):
    import httpx2
    import huggingface_hub
    from huggingface_hub import errors

    reply = httpx2.Response(404, request=httpx2.Request("GET", "https://hub"))
    for error, match in (
        (errors.RepositoryNotFoundError("x", response=reply), "no model named"),
        (errors.RevisionNotFoundError("x", response=reply), "no such revision"),
        (errors.GatedRepoError("x", response=reply), "terms"),
        (errors.OfflineModeIsEnabled("x"), "HF_HUB_OFFLINE"),
        (httpx2.ConnectError("x"), "cannot be fetched now"),
    ):

        def refuse(self, *_, error=error, **__):
            raise error

        monkeypatch.setattr(huggingface_hub.HfApi, "model_info", refuse)
        with pytest.raises(ModelError, match=match):
            fetch.fetch("nobody/nothing")


@pytest.mark.parametrize("name", ["x", "a/b/c", "../b", "a/..", "http://a/b", "a/b\n"])
def test_what_is_no_hub_id_is_not_asked_for(hub, name):
    with pytest.raises(ModelError, match="OWNER/NAME"):
        fetch.fetch(name)
    assert hub.calls == []


def test_a_model_without_safetensors_is_not_fetched(hub, monkeypatch):
    monkeypatch.setattr(fetch, "wanted", lambda file: file.endswith(".json"))
    with pytest.raises(ModelError, match="safetensors"):
        fetch.fetch(NAME)
    assert [c[0] for c in hub.calls] == ["info"]


def test_the_hubs_client_asks_and_tells_nothing_else(monkeypatch, loopback_only):
    """No list of programs to tell apart, no name of the one that runs this."""
    from huggingface_hub import constants
    from huggingface_hub.utils import _detect_agent

    monkeypatch.setattr(constants, "HF_HUB_DISABLE_TELEMETRY", False)
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
    monkeypatch.setattr(_detect_agent, "_read_cached_registry", lambda *_, **__: None)
    monkeypatch.setattr(_detect_agent, "_registry", None)
    with fakeserver.served() as server:
        monkeypatch.setattr(constants, "ENDPOINT", server.url)
        server.listed = {"id": NAME, "sha": COMMIT, "siblings": []}
        with pytest.raises(ModelError, match="has no safetensors"):
            fetch.fetch(NAME)
    assert [path.split("?")[0] for path in server.paths] == [f"/v1/api/models/{NAME}"]


def test_the_commands(run, hub):
    status, out, _ = run("models")
    assert status == 0
    assert "built in: clausescan-compact" in out
    assert "SmolVLM" in out
    assert "fetched:" not in out
    status, out, err = run("models", "fetch", NAME, "--revision", "main")
    assert (status, out.split()[:2], err) == (0, [NAME, COMMIT], "")
    status, out, _ = run("models")
    assert f"fetched: {NAME} at {COMMIT[:12]}" in out
    status, out, err = run("models", "fetch", "no name")
    assert (status, out) == (4, "")
    assert "OWNER/NAME" in err


def test_a_server_is_asked_for_its_models_only_when_it_is_named(run):
    with fakeserver.served() as server:
        run("models")
        assert server.paths == []
        status, out, _ = run("models", "--server", server.option)
        assert (status, "reachable" in out, "WITHOUT" in out) == (0, True, False)
        status, out, _ = run("models", "--server", f"openai:{server.url}#other")
        assert (status, "WITHOUT" in out) == (4, True)
        server.listed = {"data": [{"id": "other:latest"}]}
        assert run("models", "--server", f"openai:{server.url}#other")[0] == 0
        assert run("models", "--server", f"openai:{server.url}#other:7b")[0] == 4
    assert set(server.paths) == {"/v1/models"}
    assert run("models", "--server", "nonsense")[0] == 2


def test_extract_takes_every_kind_by_one_option(run, flat, small_photo, tmp_path):
    with fakeserver.served() as server:
        status, out, err = run(
            "extract",
            small_photo,
            small_photo,
            "--model",
            server.option,
            "--parallel",
            2,
            "--timeout",
            20,
            "--overlay",
            tmp_path / "o.png",
        )
    assert (status, err) == (0, "")
    report = json.loads(out)
    assert len(report["clauses"]) == 6
    assert report["model"]["name"] == "openai:some/model:7b"
    assert (tmp_path / "o.png").is_file()
    assert (tmp_path / "o-2.png").is_file()
    assert run("extract", small_photo, "--model", "openai:nowhere")[0] == 2
    assert run("extract", small_photo, "--timeout", 0)[0] == 2
    assert run("extract", small_photo, "--parallel", 0)[0] == 2
    assert run("extract", small_photo, "--model", "mistyped/name")[0] == 4
