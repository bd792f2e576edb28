"""`clausescan bench`: the figures of the README and the model card, measured on this machine."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

app = typer.Typer(help="Measure time, memory and quality (for developers).", no_args_is_help=True)


@app.callback()
def main() -> None:
    """Measure time, memory and quality (for developers)."""


@app.command()
def photos(
    folder: Annotated[Path, typer.Argument(help="Folder of photos.")],
    out: Annotated[Path | None, typer.Option(help="Folder for the reports, one JSON a photo.")] = None,
    budget: Annotated[int, typer.Option(help="Visual tokens: 64, 128 or 256.")] = 256,
    peer: Annotated[bool, typer.Option(help="Run Tesseract 5 on each photo as well.")] = False,
    model: Annotated[Path | None, typer.Option(help="Folder of another compact model.")] = None,
) -> None:
    """Extract every photo of a folder; print time a stage, peak memory, and the time beside Tesseract's."""
    from clausescan.bench.photos import run, summary

    rows = run(folder, out, budget, peer, model)
    for row in rows:
        beside = "" if row.peer is None else f"  tesseract {row.peer:.2f} s"
        typer.echo(f"{row.photo}  {row.ours:.2f} s{beside}")
    typer.echo(summary(rows))


@app.command()
def reading(
    folder: Annotated[Path, typer.Argument(help="Labelled set: truth.json and its photos.")],
    model: Annotated[Path | None, typer.Option(help="Folder of another compact model.")] = None,
) -> None:
    """Read every photo of a labelled set; print error rates by level and what the marks of disagreement caught."""
    from clausescan.bench.reading import run as compare
    from clausescan.model.engine import load

    for level, figures in compare(folder, load(model)).items():
        typer.echo(f"{level:8}{figures}")
