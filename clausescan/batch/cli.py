"""`clausescan batch`: a folder of photos at once."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from clausescan.batch.settings import BatchSettings, default_workers
from clausescan.clausetypes.finding import select
from clausescan.config import MAX_TIMEOUT_S, ExtractConfig, page_numbers
from clausescan.errors import UsageError, printable
from clausescan.export.formats import FORMATS, parse_formats
from clausescan.options import Budget, Bytes, Dpi, Model, MostPages, Pages, Pixels, Types, TypesClass, TypesFrom

app = typer.Typer(rich_markup_mode=None, add_completion=False)

Patterns = list[str]


@app.command()
def batch(
    folder: Annotated[Path, typer.Argument(help="A folder of photos and PDFs, searched through.")],
    out: Annotated[Path, typer.Option(metavar="DIR", help="Where the results go; made if need be.")],
    formats: Annotated[
        str, typer.Option("--format", metavar="LIST", help=f"Of {', '.join(FORMATS)}; every photo gets JSON.")
    ] = "json",
    include: Annotated[Patterns, typer.Option(metavar="GLOB", help="Only such files, as 2023/**/*.jpg; repeatable.")] = [],  # noqa: B006
    exclude: Annotated[Patterns, typer.Option(metavar="GLOB", help="No such files or folders; repeatable.")] = [],  # noqa: B006
    workers: Annotated[int | None, typer.Option(help="Processes; by default one a core, at most 4.")] = None,
    timeout: Annotated[float, typer.Option(help="Seconds a photo or PDF may take.")] = 600.0,
    memory: Annotated[int | None, typer.Option(metavar="MB", help="Memory a worker may use.")] = None,
    documents: Annotated[
        str | None,
        typer.Option(metavar="REGEX", help="With one named group; files whose group is equal are one contract."),
    ] = None,
    manifest: Annotated[
        Path | None, typer.Option(metavar="FILE", help="CSV or JSON with document and file: which files are one contract.")
    ] = None,
    retry_failed: Annotated[
        bool, typer.Option("--retry-failed", help="Do photos again that failed before, in whole or in part.")
    ] = False,
    types: Types = None,
    types_from: TypesFrom = None,
    types_class: TypesClass = [],  # noqa: B006
    budget: Budget = 256,
    model: Model = None,
    answer_timeout: Annotated[float, typer.Option(help="Seconds a server may take for one answer.")] = ExtractConfig.timeout_s,
    parallel: Annotated[int, typer.Option(help="Questions a server is asked at once by each worker.")] = ExtractConfig.parallel,
    pages: Pages = None,
    pdf_dpi: Dpi = ExtractConfig.pdf_dpi,
    max_pixels: Pixels = ExtractConfig.max_pixels,
    max_bytes: Bytes = ExtractConfig.max_bytes,
    max_pages: MostPages = ExtractConfig.max_pages,
) -> int:
    """Find the clauses of every photo in a folder; goes on where it was interrupted."""
    if not 0 < answer_timeout <= MAX_TIMEOUT_S:
        raise UsageError(f"--answer-timeout must lie above 0 and be at most {MAX_TIMEOUT_S} seconds")
    chosen, own_types = select(types, types_from)
    config = ExtractConfig(
        types=chosen,
        own_types=own_types,
        own_classes=tuple(types_class),
        budget=budget,
        model=model,
        timeout_s=answer_timeout,
        parallel=parallel,
        max_pixels=max_pixels,
        max_bytes=max_bytes,
        max_pages=max_pages,
        pdf_pages=None if pages is None else page_numbers(pages),
        pdf_dpi=pdf_dpi,
    )
    settings = BatchSettings(
        folder=folder,
        out=out,
        config=config,
        formats=parse_formats(formats),
        include=tuple(include),
        exclude=tuple(exclude),
        workers=default_workers(config) if workers is None else workers,
        timeout=timeout,
        memory_mb=memory,
        documents=documents,
        manifest=manifest,
        retry_failed=retry_failed,
    )
    from clausescan.batch.progress import shown
    from clausescan.batch.run import run_batch

    outcome = run_batch(settings, shown())
    counts = ", ".join(f"{number} {status}" for status, number in sorted(outcome.statuses.items()))
    sys.stdout.write(f"{sum(outcome.statuses.values())} photos: {counts}\n")
    for path in outcome.closed:
        sys.stderr.write(f"clausescan: {printable(path)}: cannot be opened, or has a name that is no text\n")
    for pattern in outcome.unused:
        sys.stderr.write(f"clausescan: nothing in {printable(str(folder))} matches the pattern {printable(pattern)}\n")
    return outcome.exit_code
