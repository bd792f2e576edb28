import ipaddress
import signal
import socket
import sys

import pytest
from hypothesis import settings

from clausescan import cli, scan
from tests import specimen

settings.register_profile("steady", deadline=None, derandomize=True)
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:  # run in a shell's background, where every child would inherit it
    signal.signal(signal.SIGINT, signal.default_int_handler)
settings.load_profile("steady")  # a busy machine is no failure, and a run can be repeated


@pytest.fixture(autouse=True)
def loopback_only(monkeypatch):
    """No test reaches beyond this machine; a try fails the test even if its error is swallowed."""
    tries = []

    def guard(address):
        host = address[0] if isinstance(address, tuple) else None
        if host is None or host in ("localhost", ""):
            return
        try:
            if ipaddress.ip_address(host).is_loopback:
                return
        except ValueError:
            pass
        tries.append(host)
        raise OSError("this test tried to reach another host")

    connect, connect_ex, sendto, lookup = (
        socket.socket.connect,
        socket.socket.connect_ex,
        socket.socket.sendto,
        socket.getaddrinfo,
    )
    monkeypatch.setattr(socket.socket, "connect", lambda self, address: (guard(address), connect(self, address))[1])
    monkeypatch.setattr(socket.socket, "connect_ex", lambda self, address: (guard(address), connect_ex(self, address))[1])
    monkeypatch.setattr(socket.socket, "sendto", lambda self, data, *rest: (guard(rest[-1]), sendto(self, data, *rest))[1])
    monkeypatch.setattr(
        socket, "getaddrinfo", lambda host, *rest, **named: (guard((host or "",)), lookup(host, *rest, **named))[1]
    )
    yield tries
    assert not tries, f"tried to reach {tries}"


@pytest.fixture
def one_thread():
    """For tiny models, which wait for a second thread longer than they work."""
    import torch

    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@pytest.fixture
def run(capsysbinary):
    """Run a command line in this process: (status, stdout, stderr)."""

    def call(*arguments):
        status = cli.run_command([str(a) for a in arguments])
        out, err = capsysbinary.readouterr()
        return status, out.decode(), err.decode()

    return call


@pytest.fixture
def terminal(monkeypatch):
    """Standard output that takes itself for a terminal of 140 columns."""
    import functools

    import rich.console

    from clausescan import tables

    monkeypatch.setattr(sys.stdout.__class__, "isatty", lambda self: True, raising=False)
    monkeypatch.setattr(tables, "Console", functools.partial(rich.console.Console, width=140, force_terminal=False))


@pytest.fixture
def photo_file(tmp_path):
    path = tmp_path / "page.png"
    path.write_bytes(specimen.png())
    return path


@pytest.fixture
def small_photo(tmp_path):
    """The same page at a quarter of the size, where only its words matter: quicker to write in every format."""
    path = tmp_path / "page.png"
    path.write_bytes(specimen.png(shrink=4))
    return path


@pytest.fixture(scope="session")
def tiny_model(tmp_path_factory):
    """The folder of a tiny model of another house by its kind, made once; to be copied before it is changed."""
    root = tmp_path_factory.mktemp("tiny")

    def folder(kind):
        from tests import tinymodels

        return root / kind if (root / kind).exists() else tinymodels.MAKERS[kind](root / kind, kind)

    return folder


@pytest.fixture
def flat(monkeypatch):
    """The photo is the page: the rectifier has tests of its own."""
    monkeypatch.setattr(scan, "rectify", specimen.flat_rectify)


@pytest.fixture
def fake_model(monkeypatch, flat):
    return specimen.FakeModel()


@pytest.fixture
def home(tmp_path, monkeypatch):
    """A configuration folder of the test's own."""
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    return tmp_path


@pytest.fixture
def workspaces(tmp_path):
    """The page's users, in a private folder."""
    from clausescan.ui.workspace import Workspaces

    (tmp_path / "private").mkdir()
    return Workspaces(tmp_path / "private")


@pytest.fixture
def done(workspaces, tmp_path, fake_model):
    """A workspace with one document that is done."""
    from clausescan.config import ExtractConfig
    from clausescan.ui.pipeline import Pipeline
    from tests.uidesk import upload
    from tests.uiserver import wait_for

    pipeline = Pipeline(lambda config: fake_model)
    pipeline.start()
    workspace = workspaces.open("", None)
    document = workspace.add([upload(tmp_path)], ExtractConfig())
    pipeline.submit(workspace, document)
    wait_for(lambda: not workspace.busy, 20)
    pipeline.end()
    assert document.status == "done", document.message
    return workspace, document
