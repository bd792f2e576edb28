"""The page's private folder, its door, and how it starts and ends."""

import os
import signal
import socket
import subprocess
import sys

import pytest

from clausescan import cli
from clausescan.errors import OutputError, UsageError
from clausescan.ui import folders
from clausescan.ui.folders import private_folder, sweep
from clausescan.ui.guard import Guard
from clausescan.ui.server import ServerSettings, _browse, is_loopback, listening
from tests.uiserver import FAKE, ROOT, environment, running, wait_for

# The private folder


def test_the_private_folder_is_private_and_goes(tmp_path):
    with private_folder(tmp_path / "ui") as folder:
        assert folder.stat().st_mode & 0o777 == 0o700
        (folder / "photo.jpg").write_bytes(b"x")
    assert not folder.exists()


def test_what_dead_pages_left_is_swept_and_nothing_else(tmp_path):
    code = (
        "import sys, os, pathlib\nfrom clausescan.ui.folders import private_folder\n"
        "with private_folder(pathlib.Path(sys.argv[1])) as folder:\n"
        "    (folder / 'photo.jpg').write_bytes(b'x'); print(folder, flush=True); sys.stdin.read()\n"
    )
    started = [
        subprocess.Popen(
            [sys.executable, "-c", code, tmp_path], cwd=ROOT, env=environment(tmp_path / "h"), stdin=-1, stdout=-1, text=True
        )
        for _ in range(2)
    ]
    dead, alive = (tmp_path / process.stdout.readline().strip() for process in started)
    started[0].kill()
    started[0].wait()
    assert (dead / "photo.jpg").exists()
    assert sweep(tmp_path) == [dead]
    assert not dead.exists()
    assert (alive / "photo.jpg").exists()
    started[1].communicate("")
    assert not alive.exists()


def test_a_folder_that_cannot_be_made_is_an_output_error(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(OutputError), private_folder(tmp_path / "file" / "ui"):
        pass
    assert folders.root().parts[-2:] == ("clausescan", "ui")


# The door


@pytest.mark.parametrize(
    ("host", "origin", "passes"),
    [
        ("127.0.0.1:7860", None, True),
        ("localhost:7860", "http://localhost:7860", True),
        ("[::1]:7860", None, True),
        ("evil.example", None, False),
        ("127.0.0.1.evil.example", None, False),
        ("", None, False),
        ("[", None, False),
        ("127.0.0.1:7860", "http://evil.example", False),
        ("127.0.0.1:7860", "http://127.0.0.1:9999", False),
        ("127.0.0.1:7860", "null", False),
    ],
)
def test_only_the_page_itself_may_ask(host, origin, passes):
    import asyncio

    sent, asked = [], []

    async def app(scope, receive, send):
        asked.append(scope)
        await send({"type": "http.response.start", "status": 200, "headers": [(b"cache-control", b"public")]})

    async def send(message):
        sent.append(message)

    headers = [(b"host", host.encode())] + ([(b"origin", origin.encode())] if origin else [])
    guard = Guard(app, frozenset({"localhost", "127.0.0.1", "::1"}))
    asyncio.run(guard({"type": "http", "path": "/", "headers": headers}, None, send))
    assert bool(asked) is passes
    assert sent[0]["status"] == (200 if passes else 403)
    if passes:
        assert dict(sent[0]["headers"])[b"cache-control"] == b"no-store"
        assert b"connect-src 'self'" in dict(sent[0]["headers"])[b"content-security-policy"]


def test_hosts():
    assert all(map(is_loopback, ("127.0.0.1", "127.8.8.8", "::1", "localhost")))
    assert not any(map(is_loopback, ("0.0.0.0", "192.168.1.2", "::", "box.local", "")))


@pytest.mark.parametrize(
    "arguments",
    [
        ("--host", "0.0.0.0"),
        ("--host", "192.168.1.2"),
        ("--host", "box.local"),
        ("--port", "70000"),
        ("--port", "-1"),
        ("--certificate", "README.md"),
        ("--timeout", "0"),
        ("--max-pixels", "0"),
    ],
)
def test_usage_errors_end_with_2_before_anything_is_served(arguments, capsys, monkeypatch):
    monkeypatch.delenv("CLAUSESCAN_UI_PASSWORD", raising=False)
    monkeypatch.setattr("sys.stdin", open(os.devnull))  # noqa: SIM115
    assert cli.run_command(["ui", *arguments]) == 2
    assert len(capsys.readouterr().err.splitlines()) == 1


def test_a_short_password_is_refused():
    with pytest.raises(UsageError, match="8 characters"):
        ServerSettings("0.0.0.0", password="short")
    assert "sesame sesame" not in repr(ServerSettings("0.0.0.0", password="sesame sesame"))


def test_a_busy_port_is_told_with_a_free_one():
    with socket.socket() as busy:
        busy.bind(("127.0.0.1", 0))
        busy.listen()
        port = busy.getsockname()[1]
        with (
            pytest.raises(UsageError, match=rf"port {port} of 127\.0\.0\.1 is in use; (\d+) is free") as told,
            listening("127.0.0.1", port),
        ):
            pass
    free = int(str(told.value).rsplit(" ", 1)[1])
    assert free > port
    with listening("127.0.0.1", free):
        pass


def test_the_browser_is_opened_by_no_module_of_the_current_folder(tmp_path, monkeypatch):
    (tmp_path / "webbrowser.py").write_text("import pathlib; pathlib.Path('planted').touch()")
    browser = tmp_path / "browser"
    browser.write_text(f'#!/bin/sh\necho "$1" > {tmp_path}/opened.tmp && mv {tmp_path}/opened.tmp {tmp_path}/opened\n')
    browser.chmod(0o755)
    monkeypatch.chdir(tmp_path)
    _browse("http://127.0.0.1:7860/", os.environ | {"BROWSER": f"{browser} %s"})
    wait_for(lambda: (tmp_path / "opened").exists() or (tmp_path / "planted").exists(), 30)
    assert not (tmp_path / "planted").exists()
    assert (tmp_path / "opened").read_text() == "http://127.0.0.1:7860/\n"


def test_without_gradio_it_says_what_to_install(capsys, monkeypatch):
    import importlib.util

    found = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name, *rest: None if name == "gradio" else found(name, *rest))
    assert cli.run_command(["ui", "--port", "0"]) == 2
    assert "pip install 'clausescan[ui]'" in capsys.readouterr().err


def test_its_help_loads_nothing_heavy():
    code = (
        "import sys\nfrom clausescan import cli\ncli.run_command(['ui', '--help'])\n"
        "heavy = [m for m in ('torch', 'gradio', 'cv2', 'numpy', 'pandas', 'fastapi') if m in sys.modules]\n"
        "sys.exit(repr(heavy) if heavy else 0)"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")
    assert "--host" in done.stdout


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_it_ends_clean(tmp_path, number):
    with running(tmp_path / "home", FAKE) as server:
        assert len(list(server.cache.glob("page-*"))) == 1
        assert server.end(number) == 0
    assert [p.name for p in server.cache.iterdir()] == ["lock"]
    assert "Traceback" not in server.log.read_text()
