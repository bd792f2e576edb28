"""`clausescan train`: one command a stage. Every stage resumes where it was killed; see GUIDE.md beside this file."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

app = typer.Typer(
    help="Train the compact model, stage by stage (for developers; needs the contracts).",
    no_args_is_help=True,
    add_completion=False,
)

Data = Annotated[Path, typer.Option(help="Folder with cuad/ and pages/.")]
Work = Annotated[Path, typer.Option(help="Folder for caches and checkpoints.")]
Threads = Annotated[int, typer.Option(min=1, help="One while anything else runs; all cores when nothing does.")]
Steps = Annotated[int, typer.Option(min=1, help="Optimiser steps in all.")]
Decay = Annotated[int, typer.Option(min=0, help="Last steps, over which the learning rate falls.")]


@app.command()
def pack(data: Data, work: Work) -> None:
    """Read the text layer of every contract PDF into one compact file (90 s)."""
    from clausescan.train.contracts import pack as run

    typer.echo(f"{run(data / 'cuad' / 'pdf', work / 'contracts.npz')} pages")


@app.command()
def lines(data: Data, work: Work, steps: Steps = 3000, decay: Decay = 900, threads: Threads = 1, device: str = "cpu") -> None:
    """Stage A: the page encoder finds text lines on simulated photos."""
    from clausescan.train.teach_lines import LinesRun, train

    train(LinesRun(work / "contracts.npz", data / "cuad" / "pdf", work / "lines", steps, decay, threads=threads, device=device))


@app.command()
def reader(
    data: Data,
    work: Work,
    steps: Steps = 9000,
    decay: Decay = 2500,
    threads: Threads = 1,
    device: str = "cpu",
    rate: Annotated[float, typer.Option(help="Peak learning rate.")] = 1.5e-3,
) -> None:
    """Stage B: the line reader, on lines of simulated photos."""
    from clausescan.train.teach_reader import ReaderRun, train

    out = work / "reader"
    train(ReaderRun(work / "contracts.npz", data / "cuad" / "pdf", out, steps, decay, rate=rate, threads=threads, device=device))


@app.command()
def language(work: Work, steps: Steps = 2500, decay: Decay = 700, threads: Threads = 1) -> None:
    """Stage 0: the tokenizer, and the language model on contract text."""
    from clausescan.train.teach_language import LanguageRun, train

    train(LanguageRun(work / "contracts.npz", work / "language", steps=steps, decay_steps=decay, threads=threads))


def _labelled(
    data: Path, work: Path, visual: bool, workers: int = 1, share: float = 1.0
) -> tuple[list[Any], list[Any] | None, dict[str, str]]:
    """The labelled pages, what the trained reader sees on them (None where not asked for), and the prompts' short forms."""
    from clausescan import prompt
    from clausescan.schema.clauses import CLAUSE_TYPES
    from clausescan.train.contracts import Contracts
    from clausescan.train.labels import hand_labelled, own_labelled

    contracts = Contracts(work / "contracts.npz")
    pages = hand_labelled(data / "pages" / "pages.jsonl") + own_labelled(contracts)
    shorts = {str(t): p.short for t, p in prompt.load(CLAUSE_TYPES).items()}
    if not visual:
        return pages, None, shorts
    from clausescan.train.sightings import sightings

    seen = sightings(
        pages, work / "contracts.npz", data / "cuad" / "pdf", work / "reader" / "reader.pt", work / "sightings", workers, share
    )
    return pages, seen, shorts


@app.command()
def clauses(
    data: Data,
    work: Work,
    epochs: Annotated[int, typer.Option(min=1)] = 4,
    workers: Annotated[int, typer.Option(min=1, help="Processes that average their gradients.")] = 1,
    visual: Annotated[bool, typer.Option(help="Stage D: show visual tokens of the trained reader as well.")] = False,
    rate: Annotated[float, typer.Option(help="Peak learning rate.")] = 4e-4,
    share: Annotated[float, typer.Option(help="Of the pages that are photographed and seen for stage D.")] = 1.0,
    study: Annotated[bool, typer.Option(help="Begin with all pages of the contracts, by masked words and weak labels.")] = True,
    composed: Annotated[int, typer.Option(min=0, help="Pages composed of our own passages, added to the real ones.")] = 400,
) -> None:
    """Stages C and D: which words are clauses, and the answers about them, on pages labelled by reading."""
    import numpy as np

    from clausescan.train.clause_run import ClauseRun
    from clausescan.train.contracts import Contracts
    from clausescan.train.passages import composed_pages, load_passages
    from clausescan.train.spans import span_tags
    from clausescan.train.targets import tags_of
    from clausescan.train.teach_clauses import train
    from clausescan.train.weak import WeakPage, contract_pages, known_tags

    pages, sights, shorts = _labelled(data, work, visual, workers, share)
    contracts = Contracts(work / "contracts.npz")
    spans = span_tags(contracts, data / "cuad")
    known = {(p.pdf, p.index) for p in pages}
    early: list[WeakPage] = []
    if study and not visual:
        early = [WeakPage(p, known_tags(p, tags_of(p), spans.get((p.pdf, p.index)))) for p in pages]
        early += [WeakPage(p, known_tags(p, None, spans.get((p.pdf, p.index)))) for p in contract_pages(contracts, known)]
        early = [early[i] for i in np.random.default_rng(11).permutation(len(early))]
    own = composed_pages(load_passages(), composed)
    language, tokenizer = work / "language" / "language.pt", work / "language" / "tokenizer.json"
    out, begin = (work / "clauses-visual", work / "clauses" / "clauses.pt") if visual else (work / "clauses", None)
    run = ClauseRun(
        out, language, tokenizer, begin, visual_share=0.75 if visual else 0.0, epochs=epochs, rate=rate, workers=workers
    )
    seen = None if sights is None else [*sights, *[None] * len(own)]
    train(run, [*pages, *own], shorts, seen, early, {k: v for k, v in spans.items() if k in known})


@app.command()
def compressors(
    data: Data,
    work: Work,
    steps: Steps = 300,
    threads: Threads = 1,
    sightings: Annotated[Path | None, typer.Option(help="Folder of stage D's sightings.")] = None,
) -> None:
    """Perceiver Resampler, C-Abstractor and ours at equal compute: how many words can be told by their visual tokens."""
    import torch

    from clausescan.train.compressors import KINDS, CompressorRun, seen_pages, train
    from clausescan.train.contracts import Contracts

    torch.set_num_threads(threads)
    pages, _, _ = _labelled(data, work, visual=False)
    seen = seen_pages(pages, Contracts(work / "contracts.npz").index, sightings or work / "sightings")
    run = CompressorRun(work / "compressors", work / "language" / "tokenizer.json", steps=steps)
    typer.echo(str(train(run, seen, KINDS, lambda text: typer.echo(text, err=True))))


@app.command()
def mean(
    checkpoints: Annotated[list[Path], typer.Argument(help="Checkpoints of stages C or D that began from one another.")],
    work: Work,
) -> None:
    """The mean of several runs' weights in place of stage D's, often better than each; it can be begun from, not gone on with."""
    from clausescan.train.checkpoints import mean_checkpoint

    mean_checkpoint(checkpoints, work / "clauses-visual" / "clauses.pt")


@app.command()
def assemble(data: Data, work: Work, out: Annotated[Path, typer.Option(help="Folder for the model that ships.")]) -> None:
    """Calibrate presence and fields, choose the further types worth offering, join the checkpoints into the folder that ships."""
    from clausescan.schema.clauses import CLAUSE_TYPES
    from clausescan.train import field_shifts
    from clausescan.train.assemble import assemble as run
    from clausescan.train.calibrate import calibrate
    from clausescan.train.contracts import Contracts
    from clausescan.train.offered import measure
    from clausescan.train.spans import span_tags

    checkpoint, tokenizer = work / "clauses-visual" / "clauses.pt", work / "language" / "tokenizer.json"
    pages, sights, shorts = _labelled(data, work, True, share=0.0)
    found = calibrate(checkpoint, tokenizer, pages, sights, shorts)
    typer.echo(f"expected calibration error {found.error_before:.4f} before, {found.error_after:.4f} after")
    shifts = {}
    for name, odds in field_shifts.measure(checkpoint, tokenizer, pages, sights, shorts).items():
        shifts[name] = 0.0 if name in field_shifts.UNSHIFTED else odds.best_shift()
        typer.echo(f"{name:24} F1 {odds.f1(0.0):.3f}, shifted by {shifts[name]:+.1f} {odds.f1(shifts[name]):.3f}")
    contracts = Contracts(work / "contracts.npz")
    further = measure(checkpoint, tokenizer, contracts, span_tags(contracts, data / "cuad"))
    for kind, figures in further.items():
        typer.echo(f"{kind:20} {figures}")
    offered = (*CLAUSE_TYPES, *(kind for kind, figures in further.items() if figures.offered))
    parts = (work / "lines" / "lines.pt", work / "reader" / "reader.pt", checkpoint, tokenizer)
    typer.echo(str(run(*parts, out, offered, presence_scale=found.scale, presence_shift=found.shift, field_shifts=shifts)))


@app.command()
def samples(out: Annotated[Path, typer.Option(help="Folder with source/; photos and truth.json go there.")]) -> None:
    """Set the texts of samples/source as pages, photograph them, and write their truth."""
    from clausescan.train.samples import write_samples

    for news in write_samples(out):
        typer.echo(news)
