"""`clausescan bench`: the figures of the README and the model card, measured on this machine."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

app = typer.Typer(help="Measure time, memory and quality (for developers).", no_args_is_help=True, add_completion=False)

Labelled = Annotated[Path, typer.Argument(help="Labelled set: truth.json and its photos.")]
Model = Annotated[Path | None, typer.Option(help="Folder of another compact model.")]
Out = Annotated[Path | None, typer.Option(help="Folder for the figures as JSON, and for pictures.")]
Threads = Annotated[int, typer.Option(min=1, help="Of each thing that is measured.")]
Most = Annotated[int | None, typer.Option(min=1, help="Only the first so many photos.")]


@app.callback()
def main() -> None:
    """Measure time, memory and quality (for developers)."""


def _news(text: str) -> None:
    """Progress, on standard error, so that standard output holds the figures alone."""
    sys.stderr.write(text + "\n")


@app.command()
def photos(
    folder: Annotated[Path, typer.Argument(help="Folder of photos.")],
    out: Annotated[Path | None, typer.Option(help="Folder for the reports, one JSON a photo.")] = None,
    budget: Annotated[int, typer.Option(help="Visual tokens: 64, 128 or 256.")] = 256,
    peer: Annotated[bool, typer.Option(help="Run Tesseract 5 on each photo as well.")] = False,
    model: Model = None,
) -> None:
    """Extract every photo of a folder; print time a stage, peak memory, and the time beside Tesseract's."""
    from clausescan.bench.photos import run, summary

    rows = []
    for row in run(folder, out, budget, peer, model):
        rows.append(row)
        beside = "" if row.peer is None else f"  tesseract {row.peer:.2f} s"
        typer.echo(f"{row.photo}  {row.ours:.2f} s{beside}")
    typer.echo(summary(rows))


@app.command()
def reading(folder: Labelled, model: Model = None) -> None:
    """Read every photo of a labelled set; print error rates by level and what the marks of disagreement caught."""
    from clausescan.bench.reading import run as compare
    from clausescan.model.engine import load

    for level, figures in compare(folder, load(model)).items():
        typer.echo(f"{level:8}{figures}")


@app.command()
def tokens(
    folder: Labelled,
    out: Out = None,
    model: Model = None,
    compressors: Annotated[Path | None, typer.Option(help="What `clausescan train compressors` wrote, to be shown too.")] = None,
    threads: Threads = 2,
    limit: Annotated[float, typer.Option(min=0.1, help="Longest prefill to run, in seconds; longer ones are fitted.")] = 60.0,
    runs: Annotated[int, typer.Option(min=1, help="Prefills a length, of which the median counts.")] = 5,
    most: Most = None,
) -> None:
    """Our 64, 128 and 256 visual tokens beside a squashed page and a tiled photo: quality, operations, time, memory."""
    from clausescan.bench.labelled import labelled_photos
    from clausescan.bench.measure import circumstances, weights_hash
    from clausescan.bench.shown import load_compressors, tokens_report
    from clausescan.bench.tokens import run

    trained = None if compressors is None else load_compressors(compressors)
    pages = labelled_photos(folder, most)
    about = circumstances(threads) | {"photos": len(pages), "weights": weights_hash(model)}
    tokens_report(run(pages, model, threads, limit, runs, _news), trained, about, out)


@app.command()
def encoder(
    out: Out = None,
    model: Model = None,
    threads: Threads = 2,
    runs: Annotated[int, typer.Option(min=1, help="Runs a size, of which the median counts.")] = 7,
) -> None:
    """The page encoder's time and operations over 1, 2, 4, 8 and 12 megapixels, with the line through them."""
    from clausescan.bench.encodercost import measured
    from clausescan.bench.measure import circumstances, process
    from clausescan.bench.shown import encoder_report

    about = circumstances(threads) | {"runs": runs}
    with process(threads) as own:
        encoder_report(own.call(measured, model, runs), about, out)


@app.command()
def peers(
    folder: Labelled,
    out: Out = None,
    model: Model = None,
    engines: Annotated[str, typer.Option(help="Of tesseract, rapidocr; with a comma between them.")] = "tesseract,rapidocr",
    budget: Annotated[int, typer.Option(help="Our visual tokens: 64, 128 or 256.")] = 256,
    threads: Threads = 2,
    most: Most = None,
) -> None:
    """Ours beside OCR engines with the same classifier behind them: quality, time, memory, on the same photos in one run."""
    from clausescan.bench.labelled import labelled_photos
    from clausescan.bench.measure import circumstances, weights_hash
    from clausescan.bench.ocrengines import ENGINES, version_of
    from clausescan.bench.peers import run
    from clausescan.bench.shown import peers_report
    from clausescan.errors import UsageError

    names = list(dict.fromkeys(engines.split(",")))
    unknown = [name for name in names if name not in ENGINES]
    if unknown:
        raise UsageError(f"--engines: {unknown[0]!r} is none of {', '.join(ENGINES)}")
    pages = labelled_photos(folder, most)
    about = circumstances(threads) | {name: version_of(name) for name in names}
    about |= {"photos": len(pages), "budget": budget, "weights": weights_hash(model)}
    peers_report(run(pages, names, model, budget, threads, _news), about, out)


@app.command()
def heldout(
    data: Annotated[Path, typer.Option(help="Folder with pages/, as for training.")],
    work: Annotated[Path, typer.Option(help="Folder with contracts.npz, made by `clausescan train pack`.")],
    out: Out = None,
    model: Model = None,
    pages: Annotated[int, typer.Option(min=1, help="A group; there are four.")] = 30,
    seed: int = 1,
    threads: Threads = 2,
) -> None:
    """Reading and finding on fonts and contracts that training never saw, beside those it did; pages are composed here."""
    import torch

    from clausescan.bench.heldout import run
    from clausescan.bench.measure import circumstances
    from clausescan.bench.shown import heldout_report
    from clausescan.model.engine import load
    from clausescan.train.contracts import Contracts
    from clausescan.train.labels import hand_labelled, own_labelled

    torch.set_num_threads(threads)
    contracts = Contracts(work / "contracts.npz")
    labelled = hand_labelled(data / "pages" / "pages.jsonl") + own_labelled(contracts)
    loaded = load(model)
    about = circumstances(threads) | {"seed": seed, "weights": loaded.weights_sha256}
    heldout_report(run(labelled, contracts, loaded, pages, seed, _news), about, out)
