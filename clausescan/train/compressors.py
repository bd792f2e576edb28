"""Three ways of compressing a page to a few visual tokens, trained alike, judged by how much of its text can be had from them.

The Perceiver Resampler, the C-Abstractor and our anchored queries (`model.resampler`) each begin with random weights, as does
the probe behind them: it goes through the visual tokens as through the text, and says by the token at a word's share of the page,
and its neighbours, how the word begins. All see the same pages in the same order with the same budgets for the same number of
steps; a probe without any tokens shows what is told by nothing. The sightings of stage D are used as far as they are on disk, one
page in memory at a time.

Legend: W words of a page, M features, n visual tokens (the budget), D width, V vocabulary.
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
from clausescan.model.resampler import BUDGETS, Kind, Resampler
from clausescan.model.vocabulary import Vocabulary
from clausescan.train.checkpoints import Average, load_checkpoint, save_checkpoint
from clausescan.train.labels import LabelledPage
from clausescan.train.sightings import Sighting
from clausescan.train.split import held_out_contract

KINDS: tuple[Kind | None, ...] = (*get_args(Kind), None)
"""Those that are compared; None is the probe without tokens."""


NOTHING = "nothing"
"""The row of the probe that is given no tokens."""
WIDTH = 320
BESIDE = 1
"""Visual tokens on each side of a word's own that the probe sees as well."""


@dataclass(frozen=True)
class CompressorRun:
    """What all compressors' runs are made of."""

    out: Path
    tokenizer: Path
    steps: int = 300
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


def words_at(vocabulary: Vocabulary, page: LabelledPage, sighting: Sighting) -> tuple[Tensor, Tensor]:
    """Where each word's middle lies among a page's features, 0 to 1, (W,), and the first token (W,) of each."""
    shares: list[Tensor] = []
    for number, row in enumerate(page.boxes):
        own = torch.nonzero(sighting.line == number)[:, 0]
        middle = torch.tensor([(x0 + x1) / 2 / page.size_pt[0] for x0, _, x1, _ in row])
        nearest = (sighting.places[own, 0] - middle[:, None]).abs().argmin(1)
        shares.append((own[nearest] + 0.5) / len(sighting.line))
    return torch.cat(shares), torch.tensor([vocabulary.word(word)[0] for line in page.lines for word in line])


class WordProbe(nn.Module):
    """Scores, by the visual tokens around a share of the page, which token the word there begins with."""

    def __init__(self, vocabulary: int) -> None:
        super().__init__()
        self.begin = nn.Linear((2 * BESIDE + 1) * WIDTH + 1, WIDTH)
        self.leave = nn.Sequential(nn.GELU(), nn.LayerNorm(WIDTH), nn.Linear(WIDTH, vocabulary))

    def forward(self, shares: Tensor, visual: Tensor) -> Tensor:
        """Shares (W,) and visual tokens (n, D) to scores (W, V)."""
        n = len(visual)
        at = (shares * n).long().clamp(0, n - 1)
        window = (at[:, None] + torch.arange(-BESIDE, BESIDE + 1)).clamp(0, n - 1)  # (W, 2 * BESIDE + 1)
        within = (shares * n - at).to(visual.dtype)[:, None]  # how far into its own token's share
        return self.leave(self.begin(torch.cat((visual[window].flatten(1), within), 1)))  # type: ignore[no-any-return]


class Pair(nn.Module):
    """A compressor, or none, and its probe."""

    def __init__(self, kind: Kind | None, vocabulary: int) -> None:
        super().__init__()
        self.resampler = None if kind is None else Resampler(kind=kind)
        self.probe = WordProbe(vocabulary)

    def forward(self, sighting: Sighting, shares: Tensor, budget: int) -> Tensor:
        """Scores (W, V) of the words at `shares` by `budget` visual tokens of the page."""
        if self.resampler is None:
            return self.probe(shares * 0, torch.zeros(budget, WIDTH))  # type: ignore[no-any-return]
        return self.probe(shares, self.resampler(*sighting.of_lines(), budget))  # type: ignore[no-any-return]


@torch.no_grad()
def judge(pair: Pair, vocabulary: Vocabulary, pages: Sequence[SeenPage], budget: int) -> dict[str, float]:
    """Loss in nats a word, and the share of words whose first token is told right, over all words of the pages."""
    loss, right, count = 0.0, 0, 0
    for seen in pages:
        sighting = seen.sighting()
        shares, tokens = words_at(vocabulary, seen.page, sighting)
        with torch.autocast("cpu", torch.bfloat16):
            scores = pair(sighting, shares, budget).float()
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
            page, sighting = learn[order[at]].page, learn[order[at]].sighting()
            shares, tokens = words_at(vocabulary, page, sighting)
            with torch.autocast("cpu", torch.bfloat16):
                loss = F.cross_entropy(pair(sighting, shares, budgets[at]).float(), tokens)
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
