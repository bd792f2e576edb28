"""Three ways of compressing a page to a few visual tokens, trained alike, judged by what the language model can find in them.

The Perceiver Resampler, the C-Abstractor and our anchored queries (`model.resampler`) each begin with random weights before the
same language model and line choice, taught on transcripts alone (stage C), which has never been shown a visual token. All
learn the line choice on the same pages in the same order for the same number of steps. The transcript is masked: one mask a
word tells where lines and paragraphs begin and how many words they hold, and nothing of what they say; that must come from
the visual tokens. The sightings of stage D are used as far as they are on disk, one page in memory at a time.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator, Sequence
from copy import deepcopy
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, get_args

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.utils.flop_counter import FlopCounterMode

from clausescan.errors import InputError, UsageError
from clausescan.files import write_atomic
from clausescan.model.choice import best_runs
from clausescan.model.resampler import Kind, Resampler
from clausescan.model.vocabulary import LINE, MASK, PARAGRAPH, Vocabulary, paragraph_starts
from clausescan.schema.clauses import CLAUSE_TYPES
from clausescan.train.checkpoints import Average, load_checkpoint, save_checkpoint
from clausescan.train.clause_losses import Teacher, Understanding
from clausescan.train.labels import LabelledPage
from clausescan.train.sightings import Sighting
from clausescan.train.split import held_out_contract
from clausescan.train.targets import page_places, tags_of

KINDS: tuple[Kind, ...] = get_args(Kind)


@dataclass(frozen=True)
class CompressorRun:
    """What all compressors' runs are made of; `begin` is the checkpoint of stage C."""

    out: Path
    begin: Path
    tokenizer: Path
    budget: int = 256
    steps: int = 200
    accumulate: int = 4
    """Pages a step."""
    rate: float = 3e-4
    resampler_rate: float = 1.5e-3
    warmup: int = 10
    most_held_out: int = 60
    """Held-out pages that are judged, those with clauses first."""
    seed: int = 7


@dataclass(frozen=True)
class SeenPage:
    """A labelled page and the file of its sighting."""

    page: LabelledPage
    file: Path

    def sighting(self) -> Sighting:
        """What the trained reader saw."""
        return Sighting(*torch.load(self.file, weights_only=True))


def seen_pages(pages: Sequence[LabelledPage], index: Sequence[dict[str, Any]], folder: Path) -> list[SeenPage]:
    """The labelled pages whose sighting is on disk; `index` is that of the packed contracts."""
    rows = {(row["pdf"], row["page"]): n for n, row in enumerate(index)}
    files = [folder / f"{rows[p.pdf, p.index]}.pt" for p in pages]
    return [SeenPage(page, file) for page, file in zip(pages, files, strict=True) if file.exists()]


def masked(vocabulary: Vocabulary, page: LabelledPage) -> tuple[Tensor, Tensor]:
    """A page without its words: a mark a line, one mask a word (T,), and where the masks stand (W,)."""
    tokens: list[int] = []
    first: list[int] = []
    for words, begins in zip(page.lines, paragraph_starts(page.middles()), strict=True):
        tokens.append(vocabulary.id[PARAGRAPH if begins else LINE])
        first += range(len(tokens), len(tokens) + len(words))
        tokens += [vocabulary.id[MASK]] * len(words)
    return torch.tensor(tokens), torch.tensor(first)


def page_loss(model: Understanding, teacher: Teacher, seen: SeenPage, budget: int) -> tuple[Tensor, Tensor]:
    """The choice loss of one page by visual tokens alone, and the scores (W, types, 3)."""
    visual = model.resampler(*seen.sighting().of_lines(), budget)
    tokens, first = masked(teacher.vocabulary, seen.page)
    return teacher.choice_loss(model, tokens, first, torch.from_numpy(tags_of(seen.page)), visual)


@torch.no_grad()
def judge(model: Understanding, teacher: Teacher, pages: Sequence[SeenPage], budget: int) -> dict[str, float]:
    """Mean loss, word F1 and presence F1 over pages."""
    words, presence, losses = np.zeros(3, int), np.zeros(3, int), []
    for seen in pages:
        with torch.autocast("cpu", torch.bfloat16):
            loss, scores = page_loss(model, teacher, seen, budget)
        losses.append(float(loss))
        log_p = F.log_softmax(scores, -1).double().numpy()
        for tags, kind in zip(tags_of(seen.page), range(len(CLAUSE_TYPES)), strict=True):
            found = np.zeros(len(tags), bool)
            for run in best_runs(log_p[:, kind], page_places(seen.page)):
                found[run.first : run.last + 1] = True
                found[list(run.outside)] = False
            true = tags > 0
            words += ((found & true).sum(), found.sum(), true.sum())
            presence += (found.any() and true.any(), found.any(), true.any())
    f1 = [2 * float(n[0]) / max(1, int(n[1] + n[2])) for n in (words, presence)]
    return {"loss": float(np.mean(losses)), "word_f1": f1[0], "presence_f1": f1[1]}


def operations(resampler: Resampler, features: int, budget: int) -> int:
    """Floating-point operations of compressing so many features."""
    channels = resampler.enter.in_features
    still = deepcopy(resampler).requires_grad_(False)  # the counter follows gradients, and would look for one
    with FlopCounterMode(display=False) as counter, torch.no_grad():
        still(torch.zeros(features, channels), torch.zeros(features, 2), budget)
    return int(counter.get_total_flops())


def train_one(run: CompressorRun, kind: Kind, pages: Sequence[SeenPage], log: Callable[[str], None]) -> dict[str, Any]:
    """Train or resume one compressor, and judge it on the held-out pages: its row of the figures."""
    torch.manual_seed(run.seed)
    vocabulary = Vocabulary(run.tokenizer)
    teacher = Teacher(vocabulary, {})
    model = Understanding(len(vocabulary))
    if not load_checkpoint(run.begin, model, averaged=True):
        raise InputError(f"{run.begin} is missing; `clausescan train clauses` makes it")
    model.resampler = Resampler(kind=kind)
    fresh = list(model.resampler.parameters())
    taught = [p for part in (model.language, model.choice) for p in part.parameters()]
    groups = [{"params": fresh, "top": run.resampler_rate}, {"params": taught, "top": run.rate}]
    optimiser = torch.optim.AdamW(groups, lr=run.rate, betas=(0.9, 0.97), weight_decay=0.05)
    average = Average(model, 0.98)
    learn = [p for p in pages if not held_out_contract(p.page.pdf)]
    unseen = sorted((p for p in pages if held_out_contract(p.page.pdf)), key=lambda p: not p.page.clauses)[: run.most_held_out]
    if len(learn) < run.accumulate or not unseen:
        raise UsageError("too few sightings are on disk; `clausescan train clauses --visual` makes them")
    path = run.out / f"{kind}-{run.budget}-{run.steps}-{run.seed}.pt"  # another setting is another run, never gone on with
    done = path.with_suffix(".seconds")
    step = load_checkpoint(path, model, optimiser, average)
    spent = float(done.read_text()) if step else 0.0
    order = list(_order(len(learn), run.steps * run.accumulate, run.seed))
    began = last_save = time.perf_counter()
    total = 0.0
    while step < run.steps:
        share = min(1.0, (step + 1) / run.warmup) * max(0.02, 0.5 * (1 + np.cos(np.pi * step / run.steps)))
        for group in optimiser.param_groups:
            group["lr"] = group["top"] * float(share)
        optimiser.zero_grad()
        for at in order[step * run.accumulate : (step + 1) * run.accumulate]:
            with torch.autocast("cpu", torch.bfloat16):
                loss, _ = page_loss(model, teacher, learn[at], run.budget)
            (loss / run.accumulate).backward()  # type: ignore[no-untyped-call]
            total += float(loss.detach()) / run.accumulate
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimiser.step()
        average.update(model, step)
        step += 1
        if step % 10 == 0:
            log(f"{kind} step {step} of {run.steps}, loss {total / 10:.4f}")
            total = 0.0
        if time.perf_counter() - last_save > 120 or step == run.steps:
            last_save = time.perf_counter()
            write_atomic(done, str(spent + last_save - began).encode())
            save_checkpoint(path, model, optimiser, step, {k: str(v) for k, v in asdict(run).items()}, average)
    with average.shown(model):
        figures = judge(model, teacher, unseen, run.budget)
    typical = int(np.median([len(p.sighting().features) for p in unseen]))
    return {
        "kind": kind,
        "parameters": sum(p.numel() for p in fresh),
        "features": typical,
        "operations": operations(model.resampler, typical, run.budget),
        "steps": run.steps,
        "pages": run.steps * run.accumulate,
        "held_out": len(unseen),
        "seconds": float(done.read_text()),
        **figures,
    }


def _order(pages: int, count: int, seed: int) -> Iterator[int]:
    """The first `count` pages of shuffled epochs: the same for every compressor."""
    for epoch in range(-(-count // pages)):
        yield from np.random.default_rng((seed, epoch)).permutation(pages)[: count - epoch * pages].tolist()


def train(run: CompressorRun, pages: Sequence[SeenPage], kinds: Sequence[Kind], log: Callable[[str], None]) -> Path:
    """Train the kinds in turn; the figures so far are in `compressors.json` after each. Returns its path."""
    run.out.mkdir(parents=True, exist_ok=True)
    target = run.out / "compressors.json"
    rows: list[dict[str, Any]] = []
    for kind in kinds:
        rows.append(train_one(run, kind, pages, log))
        log(f"{kind}: held-out loss {rows[-1]['loss']:.4f}, word F1 {rows[-1]['word_f1']:.4f}")
        data = {"budget": run.budget, "accumulate": run.accumulate, "seed": run.seed, "rows": rows}
        write_atomic(target, (json.dumps(data, indent=1) + "\n").encode())
    return target
