"""Starts and ends the page: privacy before any import, a port, a private folder, the server, and nothing left behind."""

from __future__ import annotations

import contextlib
import errno
import functools
import hmac
import importlib.util
import ipaddress
import logging
import os
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Any

from clausescan.config import ExtractConfig
from clausescan.errors import InputError, UsageError
from clausescan.schema.corrections import MAX_NAME_CHARS
from clausescan.ui.folders import private_folder, root
from clausescan.ui.guard import LOOPBACK, Guard

if TYPE_CHECKING:
    from clausescan.ui.pipeline import Opener, Pipeline

PORT = 7860
MOST_TRIED = 100
"""Ports above a busy one that are looked at for a free one."""
SHORTEST_PASSWORD = 8
ENVIRONMENT = {
    "GRADIO_ANALYTICS_ENABLED": "False",
    "GRADIO_RUN_HISTORY": "False",
    "GRADIO_SHARE": "False",
    "GRADIO_MCP_SERVER": "False",
    "GRADIO_SSR_MODE": "False",
    "GRADIO_WATCH_DIRS": "",
    "GRADIO_ALLOWED_PATHS": "",
    "GRADIO_ROOT_PATH": "",
    "GRADIO_DEBUG": "0",
    "HF_HUB_OFFLINE": "1",
    "HF_HUB_DISABLE_TELEMETRY": "1",
    "DO_NOT_TRACK": "1",
}
"""Set before Gradio is imported: it reads some of them only then, and starts a call home at once."""
LOGGERS = ("gradio", "uvicorn", "uvicorn.error", "uvicorn.access", "asyncio", "httpx", "multipart", "python_multipart")
"""Of libraries, which may log what they were given: silenced, whatever the level."""


@dataclass(frozen=True)
class ServerSettings:
    """Where the page is served, and to whom. Raises `UsageError` where that makes no sense."""

    host: str = "127.0.0.1"
    port: int = PORT
    """0 for any free one."""
    password: str | None = field(default=None, repr=False)
    browser: bool = False
    """Open the page in the user's browser."""
    certificate: Path | None = None
    """PEM file for HTTPS, with `key`."""
    key: Path | None = None
    config: ExtractConfig = field(default_factory=ExtractConfig)
    """Limits, and a model to choose beside the one that ships."""

    def __post_init__(self) -> None:
        if not 0 <= self.port <= 65535:
            raise UsageError("--port must lie between 0 and 65535")
        if not is_loopback(self.host) and self.password is None:
            raise UsageError(
                f"--host {self.host} lets other machines reach the page: put a password into CLAUSESCAN_UI_PASSWORD first"
            )
        if self.password is not None and len(self.password) < SHORTEST_PASSWORD:
            raise UsageError(f"the password needs at least {SHORTEST_PASSWORD} characters")
        if (self.certificate is None) != (self.key is None):
            raise UsageError("--certificate and --key are needed together")
        for path in (self.certificate, self.key):
            if path is not None and not path.is_file():
                raise InputError(f"{path}: no such file")


def is_loopback(host: str) -> bool:
    """Whether only this machine can reach an address. A name other than localhost may lead anywhere."""
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def serve(settings: ServerSettings, opener: Opener | None = None) -> None:
    """Serve the page until Ctrl-C or SIGTERM. `opener` makes the model; by default the one that `--model` names.

    Raises `UsageError` for a busy port or where Gradio is not installed, and `OutputError` for a folder that cannot be made.
    """
    _check_installed()
    from clausescan.ui.pipeline import Pipeline

    environment = dict(os.environ)
    os.environ.update(ENVIRONMENT)
    with listening(settings.host, settings.port) as listener, private_folder(root()) as folder, _all_files_in(folder):
        _silence()
        pipeline = Pipeline(opener or _open_model)
        pipeline.start()
        try:
            with _ending_on_signals():
                _run(settings, listener, folder, pipeline, environment)
        finally:
            pipeline.end()


@contextlib.contextmanager
def listening(host: str, port: int) -> Iterator[socket.socket]:
    """A socket bound to the address. Raises `UsageError` when it is busy, with the next free port, or not this machine's."""
    try:
        family, _, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)[0]
    except OSError:
        raise UsageError(f"--host {host} is no address of this machine") from None
    with socket.socket(family, socket.SOCK_STREAM) as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind(address)
            listener.listen()
        except OSError as error:
            if error.errno == errno.EADDRINUSE:
                raise UsageError(f"port {port} of {host} is in use{_offer(family, address)}") from None
            raise UsageError(f"cannot listen on port {port} of {host}: {error.strerror}") from None
        yield listener


def _offer(family: socket.AddressFamily, address: Any) -> str:
    """The next free port above a busy one, in words."""
    for port in range(address[1] + 1, min(address[1] + 1 + MOST_TRIED, 65536)):
        with contextlib.suppress(OSError), socket.socket(family, socket.SOCK_STREAM) as trial:
            trial.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            trial.bind((address[0], port, *address[2:]))
            trial.listen()
            return f"; {port} is free: clausescan ui --port {port}"
    return "; --port 0 takes any that is free"


def _browse(address: str, environment: Mapping[str, str]) -> None:
    """Open the page in the user's browser: in a process of its own, since a text browser runs until it is left, and in the
    environment that the page was started in, or the browser would keep its files in the page's folder. -P: no module of the
    folder that the page was started in is run.
    """
    quiet: dict[str, Any] = dict.fromkeys(("stdin", "stdout", "stderr"), subprocess.DEVNULL)
    with contextlib.suppress(OSError):
        command = [sys.executable, "-P", "-m", "webbrowser", address]
        subprocess.Popen(command, env=environment, start_new_session=True, **quiet)  # noqa: S603 (no shell, our own address)


def _run(
    settings: ServerSettings, listener: socket.socket, folder: Path, pipeline: Pipeline, environment: Mapping[str, str]
) -> None:
    import uvicorn

    hosts = frozenset({*LOOPBACK, settings.host}) if is_loopback(settings.host) else None
    options: dict[str, Any] = {"log_config": None, "access_log": False, "log_level": "critical", "server_header": False}
    if settings.certificate is not None:
        options |= {"ssl_certfile": settings.certificate, "ssl_keyfile": settings.key}
    app = Guard(application(settings, folder, pipeline), hosts)
    server = uvicorn.Server(uvicorn.Config(app, timeout_graceful_shutdown=1, ws="none", **options))
    address = _address(settings, listener)
    sys.stdout.write(f"clausescan is at {address} (Ctrl-C ends it and removes what was uploaded)\n")
    if not is_loopback(settings.host) and settings.certificate is None:
        sys.stderr.write("clausescan: without --certificate, photos and the password travel unencrypted on your network\n")
    sys.stdout.flush()
    if settings.browser:
        _browse(address, environment)
    server.run(sockets=[listener])


def application(settings: ServerSettings, folder: Path, pipeline: Pipeline) -> Any:
    """The page as an ASGI application, without the guard."""
    import gradio as gr
    from fastapi import FastAPI

    from clausescan.ui.blocks import build, style, theme
    from clausescan.ui.desk import Desk
    from clausescan.ui.workspace import Workspaces

    desk = Desk(Workspaces(folder), pipeline, settings.config, folder, signed_in=settings.password is not None)
    blocks = build(desk)
    blocks.queue(default_concurrency_limit=16)
    password = settings.password
    about = f"Any name of at most {MAX_NAME_CHARS} characters, which your corrections will carry, and the password of this page."
    return gr.mount_gradio_app(
        FastAPI(docs_url=None, redoc_url=None, openapi_url=None),
        blocks,
        path="/",
        auth=None if password is None else functools.partial(may_enter, password),
        auth_message=about if password else None,
        allowed_paths=[str(folder)],
        favicon_path=str(files("clausescan.ui").joinpath("static", "icon.png")),
        footer_links=[],
        run_history=False,
        enable_monitoring=False,
        max_file_size=settings.config.max_bytes,
        pwa=True,
        ssr_mode=False,
        show_error=False,
        theme=theme(),
        css=style(),
    )


def may_enter(password: str, user: str, given: str) -> bool:
    """Whether someone signs in with the password and a name that corrections can carry."""
    return bool(user.strip()) and len(user) <= MAX_NAME_CHARS and hmac.compare_digest(given.encode(), password.encode())


def _address(settings: ServerSettings, listener: socket.socket) -> str:
    port = listener.getsockname()[1]
    host = f"[{settings.host}]" if ":" in settings.host else settings.host
    return f"http{'s' * (settings.certificate is not None)}://{host}:{port}/"


def _open_model(config: ExtractConfig) -> Any:
    from clausescan.providers.registry import open_model

    return open_model(config)


def _check_installed() -> None:
    missing = [name for name in ("gradio", "uvicorn") if importlib.util.find_spec(name) is None]
    if missing:
        raise UsageError(f"the page needs {' and '.join(missing)}: pip install 'clausescan[ui]'")


@contextlib.contextmanager
def _all_files_in(folder: Path) -> Iterator[None]:
    """Uploads, and the temporary files of every library, go into the private folder."""
    uploads = folder / "uploads"
    uploads.mkdir(mode=0o700)
    before = tempfile.tempdir
    tempfile.tempdir = os.environ["GRADIO_TEMP_DIR"] = os.environ["TMPDIR"] = str(uploads)
    try:
        yield
    finally:
        tempfile.tempdir = before


def _silence() -> None:
    """No library writes to the terminal; errors reach the user on the page, in our own words."""
    for name in LOGGERS:
        logger = logging.getLogger(name)
        logger.handlers, logger.propagate, logger.disabled = [logging.NullHandler()], False, True


@contextlib.contextmanager
def _ending_on_signals() -> Iterator[None]:
    """Ctrl-C and SIGTERM end the block, and what is around it is cleared up."""

    class Ended(BaseException):
        pass

    def end(*_: object) -> None:
        raise Ended

    before = {number: signal.signal(number, end) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        with contextlib.suppress(Ended):
            yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
