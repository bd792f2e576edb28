"""`clausescan ui`: the page in a browser."""

from __future__ import annotations

import getpass
import os
import sys
from pathlib import Path
from typing import Annotated

import typer

from clausescan.config import ExtractConfig
from clausescan.ui.server import PORT, ServerSettings, is_loopback, serve

PASSWORD = "CLAUSESCAN_UI_PASSWORD"  # noqa: S105 (the name of a variable)
app = typer.Typer(rich_markup_mode=None, add_completion=False)


@app.command()
def ui(
    host: Annotated[str, typer.Option(help="Address to listen on; others than loopback need a password.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="Port to listen on; 0 for any that is free.")] = PORT,
    browser: Annotated[
        bool | None, typer.Option("--browser/--no-browser", help="Open the page in a browser; by default on a terminal.")
    ] = None,
    certificate: Annotated[Path | None, typer.Option(metavar="FILE", help="PEM certificate for HTTPS.")] = None,
    key: Annotated[Path | None, typer.Option(metavar="FILE", help="PEM key of the certificate.")] = None,
    model: Annotated[
        str | None, typer.Option(metavar="WHICH", help="A model to choose on the page beside the shipped and fetched ones.")
    ] = None,
    timeout: Annotated[float, typer.Option(help="Seconds a server may take for one answer.")] = ExtractConfig.timeout_s,
    parallel: Annotated[int, typer.Option(help="Questions a server is asked at once.")] = ExtractConfig.parallel,
    pdf_dpi: Annotated[int, typer.Option("--pdf-dpi", help="Resolution at which PDF pages are drawn.")] = ExtractConfig.pdf_dpi,
    max_pixels: Annotated[int, typer.Option(help="Refuse photos with more pixels.")] = ExtractConfig.max_pixels,
    max_bytes: Annotated[int, typer.Option(help="Refuse larger files.")] = ExtractConfig.max_bytes,
) -> int:
    """Open the page: drop photos, read their clauses, correct them, download them.

    Only this machine can reach it unless --host says otherwise; then the environment variable CLAUSESCAN_UI_PASSWORD, or
    what is typed on the terminal, is the password that everyone needs.
    """
    config = ExtractConfig(
        model=model, timeout_s=timeout, parallel=parallel, pdf_dpi=pdf_dpi, max_pixels=max_pixels, max_bytes=max_bytes
    )
    shown = sys.stdout.isatty() if browser is None else browser
    serve(ServerSettings(host, port, _password(host), shown, certificate, key, config))
    return 0


def _password(host: str) -> str | None:
    """The password, if the page is to have one. Asked for where it is needed and somebody can type it."""
    given = os.environ.pop(PASSWORD, None)  # processes that are started later need not know it
    if given is None and not is_loopback(host) and sys.stdin.isatty():
        given = getpass.getpass("Password for the page: ")
    return given
