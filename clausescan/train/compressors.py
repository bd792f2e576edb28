"""Three ways of compressing a page to a few visual tokens, trained alike, judged by how much of its text can be had from them.

The Perceiver Resampler, the C-Abstractor and our anchored queries (`model.resampler`) each begin with random weights, as does
the probe behind them: asked for a place on the page, it looks at the visual tokens and says which word stands there. All see
the same pages in the same order with the same budgets for the same number of steps; a probe without any tokens shows what places
alone tell. The sightings of stage D are used as far as they are on disk, one page in memory at a time.

Legend: W words of a page, n visual tokens (the budget), D width, V vocabulary.
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

from clausescan.errors import UsageError
from clausescan.files import write_atomic
from clausescan.model.resampler import BUDGETS, PLACE_DIMS, Kind, Resampler, place_features
from clausescan.model.vocabulary import Vocabulary
from clausescan.train.checkpoints import Average, load_checkpoint, save_checkpoint
from clausescan.train.labels import LabelledPage
from clausescan.train.sightings import Sighting
from clausescan.train.split import held_out_contract

KINDS: tuple[Kind | None, ...] = (*get_args(Kind), None)
"""Those that are compared; None is the probe without tokens."""


NOTHING = "nothing"
"""The row of the probe that is given no tokens."""
WIDTH, HEADS, LAYERS = 320, 5, 2


@dataclass(frozen=True)
class CompressorRun:
    """What all compressors' runs are made of."""

    out: Path
    tokenizer: Path
    steps: int = 5000
    accumulate: int = 4
    """Pages a step, each with a budget drawn from `BUDGETS`."""
    rate: float = 1e-3
    warmup: int = 20
    most_held_out: int = 60
    """Held-out pages that are judged."""
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


def words_at(vocabulary: Vocabulary, page: LabelledPage) -> tuple[Tensor, Tensor]:
    """Places (W, 2) of a page's words, x and y over its width, and the first token (W,) of each."""
    boxes = [box for row in page.boxes for box in row]
    places = [((x0 + x1) / 2 / page.size_pt[0], (y0 + y1) / 2 / page.size_pt[0]) for x0, y0, x1, y1 in boxes]
    return torch.tensor(places), torch.tensor([vocabulary.word(word)[0] for line in page.lines for word in line])


class WordProbe(nn.Module):
    """Asked for places on a page, looks at its visual tokens, and scores which token the word there begins with."""

    def __init__(self, vocabulary: int) -> None:
        super().__init__()
        self.place = nn.Linear(2 * PLACE_DIMS, WIDTH)
        self.look = nn.ModuleList(nn.MultiheadAttention(WIDTH, HEADS, batch_first=True) for _ in range(LAYERS))
        self.before = nn.ModuleList(nn.LayerNorm(WIDTH) for _ in range(LAYERS))
        self.think = nn.ModuleList(
            nn.Sequential(nn.LayerNorm(WIDTH), nn.Linear(WIDTH, 2 * WIDTH), nn.GELU(), nn.Linear(2 * WIDTH, WIDTH))
            for _ in range(LAYERS)
        )
        self.leave = nn.Sequential(nn.LayerNorm(WIDTH), nn.Linear(WIDTH, vocabulary))

    def forward(self, places: Tensor, visual: Tensor | None) -> Tensor:
        """Places (W, 2) and visual tokens (n, D), or none, to scores (W, V)."""
        x = self.place(place_features(places))[None]  # (1, W, D)
        for look, before, think in zip(self.look, self.before, self.think, strict=True):
            if visual is not None:
                x = x + look(before(x), visual[None], visual[None], need_weights=False)[0]
            x = x + think(x)
        return self.leave(x[0])  # type: ignore[no-any-return]


class Pair(nn.Module):
    """A compressor, or none, and its probe."""

    def __init__(self, kind: Kind | None, vocabulary: int) -> None:
        super().__init__()
        self.resampler = None if kind is None else Resampler(kind=kind)
        self.probe = WordProbe(vocabulary)

    def forward(self, sighting: Sighting, places: Tensor, budget: int) -> Tensor:
        """Scores (W, V) of the words at `places` by `budget` visual tokens of the page."""
        visual = None if self.resampler is None else self.resampler(*sighting.of_lines(), budget)
        return self.probe(places, visual)  # type: ignore[no-any-return]


@torch.no_grad()
def judge(pair: Pair, vocabulary: Vocabulary, pages: Sequence[SeenPage], budget: int) -> dict[str, float]:
    """Loss in nats a word, and the share of words whose first token is told right, over all words of the pages."""
    loss, right, count = 0.0, 0, 0
    for seen in pages:
        places, tokens = words_at(vocabulary, seen.page)
        with torch.autocast("cpu", torch.bfloat16):
            scores = pair(seen.sighting(), places, budget).float()
        loss += float(F.cross_entropy(scores, tokens, reduction="sum"))
        right += int((scores.argmax(-1) == tokens).sum())
        count += len(tokens)
    return {"loss": loss / count, "accuracy": right / count}


def operations(resampler: Resampler, features: int, budget: int) -> int:
    """Floating-point operations of compressing so many features."""
    channels = resampler.enter.in_features
    still = deepcopy(resampler).requires_grad_(False)  # the counter follows gradients, and would look for one
    with FlopCounterMode(display=False) as counter, torch.no_grad():
        still(torch.zeros(features, channels), torch.zeros(features, 2), budget)
    return int(counter.get_total_flops())


def train_one(run: CompressorRun, kind: Kind | None, pages: Sequence[SeenPage], log: Callable[[str], None]) -> dict[str, Any]:
    """Train or resume one compressor, or the probe without any, and judge it on the held-out pages: its row of the figures."""
    torch.manual_seed(run.seed)
    vocabulary, name = Vocabulary(run.tokenizer), kind or NOTHING
    pair = Pair(kind, len(vocabulary))
    optimiser = torch.optim.AdamW(pair.parameters(), lr=run.rate, betas=(0.9, 0.97), weight_decay=0.05)
    average = Average(pair, 0.98)
    learn = [p for p in pages if not held_out_contract(p.page.pdf)]
    unseen = [p for p in pages if held_out_contract(p.page.pdf)][: run.most_held_out]
    if len(learn) < run.accumulate or not unseen:
        raise UsageError("too few sightings are on disk; `clausescan train clauses --visual` makes them")
    path = run.out / f"{name}-{run.steps}-{run.seed}.pt"  # another setting is another run, never gone on with
    done = path.with_suffix(".seconds")
    step = load_checkpoint(path, pair, optimiser, average)
    spent = float(done.read_text()) if step else 0.0
    order = list(_order(len(learn), run.steps * run.accumulate, run.seed))
    budgets = np.random.default_rng(run.seed).choice(BUDGETS, len(order)).tolist()
    began = last_save = time.perf_counter()
    total = 0.0
    while step < run.steps:
        share = min(1.0, (step + 1) / run.warmup) * max(0.02, 0.5 * (1 + np.cos(np.pi * step / run.steps)))
        for group in optimiser.param_groups:
            group["lr"] = run.rate * float(share)
        optimiser.zero_grad()
        for at in range(step * run.accumulate, (step + 1) * run.accumulate):
            seen = learn[order[at]]
            places, tokens = words_at(vocabulary, seen.page)
            with torch.autocast("cpu", torch.bfloat16):
                loss = F.cross_entropy(pair(seen.sighting(), places, budgets[at]).float(), tokens)
            (loss / run.accumulate).backward()  # type: ignore[no-untyped-call]
            total += float(loss.detach()) / run.accumulate
        nn.utils.clip_grad_norm_(pair.parameters(), 1.0)
        optimiser.step()
        average.update(pair, step)
        step += 1
        if step % 20 == 0:
            log(f"{name} step {step} of {run.steps}, loss {total / 20:.4f}")
            total = 0.0
        if time.perf_counter() - last_save > 120 or step == run.steps:
            last_save = time.perf_counter()
            write_atomic(done, str(spent + last_save - began).encode())
            save_checkpoint(path, pair, optimiser, step, {k: str(v) for k, v in asdict(run).items()}, average)
    with average.shown(pair):
        figures = {str(budget): judge(pair, vocabulary, unseen, budget) for budget in BUDGETS}
    typical = int(np.median([len(p.sighting().features) for p in unseen]))
    return {
        "kind": name,
        "parameters": 0 if pair.resampler is None else sum(p.numel() for p in pair.resampler.parameters()),
        "features": typical,
        "operations": 0 if pair.resampler is None else operations(pair.resampler, typical, BUDGETS[-1]),
        "steps": run.steps,
        "pages": run.steps * run.accumulate,
        "held_out": len(unseen),
        "seconds": float(done.read_text()),
        "figures": figures,
    }


def _order(pages: int, count: int, seed: int) -> Iterator[int]:
    """The first `count` pages of shuffled epochs: the same for every compressor."""
    for epoch in range(-(-count // pages)):
        yield from np.random.default_rng((seed, epoch)).permutation(pages)[: count - epoch * pages].tolist()


def train(run: CompressorRun, pages: Sequence[SeenPage], kinds: Sequence[Kind | None], log: Callable[[str], None]) -> Path:
    """Train the kinds in turn; the figures so far are in `compressors.json` after each. Returns its path."""
    run.out.mkdir(parents=True, exist_ok=True)
    target = run.out / "compressors.json"
    rows: list[dict[str, Any]] = []
    for kind in kinds:
        rows.append(train_one(run, kind, pages, log))
        told = ", ".join(f"{budget}: {figures['accuracy']:.4f}" for budget, figures in rows[-1]["figures"].items())
        log(f"{rows[-1]['kind']}: words told right by visual tokens: {told}")
        data = {"accumulate": run.accumulate, "seed": run.seed, "rows": rows}
        write_atomic(target, (json.dumps(data, indent=1) + "\n").encode())
    return target
