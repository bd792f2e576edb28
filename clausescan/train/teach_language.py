"""Stage 0: the tokenizer, and the language model on contract text.

Windows of the contracts' pages, as the reader would give them (line and paragraph marks and all). The first part of each
window is looked at both ways, with words masked out and to be filled in; the rest is to be continued. So one model learns
to understand what is given and to write.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor, nn

from clausescan.model.language import LanguageModel
from clausescan.model.vocabulary import MASK, Vocabulary, paragraph_starts, train_vocabulary
from clausescan.train.checkpoints import load_checkpoint, save_checkpoint
from clausescan.train.contracts import UNITS, Contracts, PageText
from clausescan.train.split import held_out_contract

ANSWER_EXAMPLES = (
    '{"heading_words":2,"continues_from_previous":false,"continues_on_next":true,"for_convenience":true,"for_cause":false,'
    '"notice_periods":[{"value":30,"unit":"days"}],"cure_periods":[{"value":2,"unit":"business_days"}]}',
    '{"heading_words":0,"continues_from_previous":true,"continues_on_next":false,"mutual":false,'
    '"indemnifying_parties":["Company"],"defend":true}',
    '{"heading_words":3,"continues_from_previous":false,"continues_on_next":false,"amounts":[{"amount":100000,"currency":"USD"}],'
    '"fee_months":[12],"excludes_consequential":true,"excludes_all":false,"uncapped":false}',
)
"""Shown to the tokenizer so that the answers' keys become single tokens."""


@dataclass(frozen=True)
class LanguageRun:
    """What a run of the language model's training is made of."""

    contracts: Path
    out: Path
    vocabulary: int = 2048
    steps: int = 2500
    decay_steps: int = 600
    batch: int = 4
    window: int = 1024
    rate: float = 1.5e-3
    warmup: int = 100
    weight_decay: float = 0.05
    mask_share: float = 0.25
    seed: int = 1
    threads: int = 1


def page_lines(text: PageText) -> tuple[list[list[str]], list[bool]]:
    """A page's words by line, and which lines begin paragraphs."""
    lines = [[w for w, _ in line] for line in text.words()]
    numbers = text.chars[:, 7]
    starts = np.flatnonzero(np.r_[True, np.diff(numbers) != 0]) if len(numbers) else np.zeros(0, np.intp)
    return lines, paragraph_starts([float(text.chars[s, 5]) / UNITS for s in starts])


def learn_vocabulary(run: LanguageRun, contracts: Contracts) -> Vocabulary:
    """The tokenizer, trained once on the contracts kept for training."""
    file = run.out / "tokenizer.json"
    if not file.exists():
        texts = (
            " " + " ".join(w for w, _ in line)
            for i, row in enumerate(contracts.index)
            if not held_out_contract(row["pdf"])
            for line in contracts[i].words()
        )
        train_vocabulary((t for part in (texts, ANSWER_EXAMPLES * 400) for t in part), run.vocabulary, file)
    return Vocabulary(file)


def streams(contracts: Contracts, vocabulary: Vocabulary, validation: bool) -> list[NDArray[np.int32]]:
    """Each contract as one run of tokens, page after page."""
    out: dict[str, list[int]] = {}
    for i, row in enumerate(contracts.index):
        if held_out_contract(row["pdf"]) == validation:
            out.setdefault(row["pdf"], []).extend(vocabulary.lines(*page_lines(contracts[i]))[0])
    return [np.array(v, np.int32) for v in out.values()]


def windows(run: LanguageRun, tokens: list[NDArray[np.int32]], first_step: int, validation: bool) -> Iterator[NDArray[np.int32]]:
    """(batch, window) token arrays; the same step always gives the same batch."""
    long = [t for t in tokens if len(t) > run.window]
    share = np.array([len(t) for t in long], float)
    share /= share.sum()
    step = first_step
    while True:
        rng = np.random.default_rng((run.seed + (1000 if validation else 0), step))
        rows = []
        for _ in range(run.batch):
            stream = long[int(rng.choice(len(long), p=share))]
            start = int(rng.integers(len(stream) - run.window))
            rows.append(stream[start : start + run.window])
        yield np.stack(rows)
        step += 1


def masked(batch: NDArray[np.int32], given: int, run: LanguageRun, vocabulary: Vocabulary, step: int) -> tuple[Tensor, Tensor]:
    """Inputs with masked spans, and targets (-100 where nothing is asked)."""
    rng = np.random.default_rng((run.seed + 7, step))
    x = batch.astype(np.int64).copy()
    target = np.full_like(x, -100)
    target[:, given:-1] = x[:, given + 1 :]
    chosen = np.zeros(x.shape, bool)
    chosen[:, :given] = rng.random((x.shape[0], given)) < run.mask_share / 2.2
    chosen[:, 1:given] |= chosen[:, : given - 1] & (rng.random((x.shape[0], given - 1)) < 0.6)
    chosen[:, 1:given] |= chosen[:, : given - 1] & (rng.random((x.shape[0], given - 1)) < 0.5)
    target[chosen] = x[chosen]
    roll = rng.random(x.shape)
    x[chosen & (roll < 0.85)] = vocabulary.id[MASK]
    other = chosen & (roll >= 0.85) & (roll < 0.93)
    x[other] = rng.integers(8, len(vocabulary), int(other.sum()))
    return torch.from_numpy(x), torch.from_numpy(target)


def text_loss(model: LanguageModel, x: Tensor, target: Tensor, given: int) -> tuple[Tensor, float, float]:
    """Mean loss, and its two parts: filling in and continuing (nats a token)."""
    hidden = model(model.embedding(x), given)
    asked = target != -100
    each = F.cross_entropy(model.logits(hidden[asked]).float(), target[asked], reduction="none")
    filling = (torch.arange(x.shape[1])[None] < given).expand_as(x)[asked]
    return each.mean(), float(each[filling].mean().detach()), float(each[~filling].mean().detach())


def train(run: LanguageRun, log: Any = print) -> Path:
    """Train or resume; returns the checkpoint's path. Prints a line every 25 steps and held-out losses every 250."""
    torch.set_num_threads(run.threads)
    torch.manual_seed(run.seed)
    contracts = Contracts(run.contracts)
    vocabulary = learn_vocabulary(run, contracts)
    model = LanguageModel(len(vocabulary))
    plain = [p for p in model.parameters() if p.ndim >= 2]
    other = [p for p in model.parameters() if p.ndim < 2]
    groups = [{"params": plain, "weight_decay": run.weight_decay}, {"params": other, "weight_decay": 0.0}]
    optimiser = torch.optim.AdamW(groups, lr=run.rate, betas=(0.9, 0.97))
    path = run.out / "language.pt"
    step = load_checkpoint(path, model, optimiser)
    batches = windows(run, streams(contracts, vocabulary, False), step, False)
    unseen = streams(contracts, vocabulary, True)
    sums = np.zeros(2)
    started = last_save = time.time()
    while step < run.steps:
        rng = np.random.default_rng((run.seed + 3, step))
        share = rng.uniform(0.03, 0.3) if rng.random() < 0.85 else rng.uniform(0.5, 0.9)
        given = int(run.window * share)
        x, target = masked(next(batches), given, run, vocabulary, step)
        rate = run.rate * min(1.0, (step + 1) / run.warmup, max(0.02, (run.steps - step) / max(1, run.decay_steps)))
        for group in optimiser.param_groups:
            group["lr"] = rate
        with torch.autocast("cpu", torch.bfloat16):
            loss, filling, continuing = text_loss(model, x, target, given)
        optimiser.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimiser.step()
        step += 1
        sums += np.array([filling, continuing]) / 25
        if step % 25 == 0:
            log(
                f"step {step} filling {sums[0]:.3f} continuing {sums[1]:.3f} {(time.time() - started) / 25:.2f} s/step",
                flush=True,
            )
            sums[:] = 0
            started = time.time()
        if time.time() - last_save > 180 or step == run.steps:
            save_checkpoint(path, model, optimiser, step, {k: str(v) for k, v in asdict(run).items()})
            last_save = time.time()
        if step % 250 == 0 or step == run.steps:
            f, c = evaluate(model, run, unseen, vocabulary)
            log(f"step {step} held-out contracts: filling {f:.3f} continuing {c:.3f}", flush=True)
            started = time.time()
    return path


@torch.no_grad()
def evaluate(
    model: LanguageModel, run: LanguageRun, unseen: list[NDArray[np.int32]], vocabulary: Vocabulary
) -> tuple[float, float]:
    """Held-out losses: filling in and continuing."""
    sums = np.zeros(2)
    for n, batch in zip(range(6), windows(run, unseen, 0, True), strict=False):
        given = run.window * 7 // 10
        x, target = masked(batch, given, run, vocabulary, n)
        with torch.autocast("cpu", torch.bfloat16):
            sums += np.array(text_loss(model, x, target, given)[1:]) / 6
    return float(sums[0]), float(sums[1])
