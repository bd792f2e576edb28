"""What it costs the language model to take in a prompt, by its length: measured as far as it fits, fitted beyond.

Two ways of attention are measured: written out as the model does it for its short prompts, its scores a square in memory, and
fused (`scaled_dot_product_attention`), which keeps no square but computes it all the same. Seconds and memory are polynomials
of the length: attention's operations and, written out, its scores grow with the square, everything else in proportion.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal
from unittest.mock import patch

import torch
import torch.nn.functional as F
from torch import Tensor

from clausescan.bench.measure import Fit, Process, available_mb, fit, forget_peak, peak_mb
from clausescan.model import language
from clausescan.model.engine import load
from clausescan.model.language import LanguageModel

Attention = Literal["written out", "fused"]
ATTENTIONS: tuple[Attention, ...] = ("written out", "fused")
FIRST_LENGTHS = (512, 1024, 1536, 2048, 3072, 4096)
"""These fit any machine that runs the model; longer ones double."""
MEMORY_SHARE = 0.6
"""Of the free memory that a length may be foreseen to need."""


@dataclass(frozen=True)
class Prefill:
    """One length: seconds (median) and MB beyond what the process held, of one pass over so many positions."""

    attention: Attention
    length: int
    seconds: float
    memory_mb: float


@dataclass(frozen=True)
class PrefillCurve:
    """What was measured, and the curves through it: seconds of degree 2, memory of degree 2 (written out) or 1 (fused)."""

    attention: Attention
    rows: tuple[Prefill, ...]
    seconds: Fit
    memory: Fit

    def at(self, length: int) -> tuple[float, float, bool]:
        """(seconds, MB, measured?) of a length."""
        for row in self.rows:
            if row.length == length:
                return row.seconds, row.memory_mb, True
        return self.seconds(length), self.memory(length), False


def operations(model: LanguageModel, length: int) -> int:
    """Floating-point operations of one pass over so many positions, which all see each other; no logits."""
    width = model.embedding.embedding_dim
    linear = sum(p.numel() for layer in model.layers for p in layer.parameters() if p.dim() == 2)
    return 2 * length * linear + 4 * length * length * width * len(model.layers)


def fused(q: Tensor, k: Tensor, v: Tensor, mask: Tensor | None = None) -> Tensor:
    """`language.attend` by torch's kernel that never holds the square of scores."""
    return F.scaled_dot_product_attention(q, k, v, mask)


_loaded: dict[Path | None, tuple[LanguageModel, float]] = {}


def _language(folder: Path | None) -> tuple[LanguageModel, float]:
    """The language model, and the MB this process held when it had just been loaded and warmed up."""
    if folder not in _loaded:
        model = load(folder).model.language
        model(torch.zeros(1, 64, model.embedding.embedding_dim), 64)
        _loaded[folder] = model, forget_peak()
    return _loaded[folder]


@torch.no_grad()
def one_length(folder: Path | None, attention: Attention, length: int, runs: int) -> Prefill:
    """Measure one length in this process."""
    model, held_mb = _language(folder)
    embedded = torch.randn(1, length, model.embedding.embedding_dim, generator=torch.Generator().manual_seed(length)) * 0.02
    attend = fused if attention == "fused" else language.attend
    seconds, memory = [], []
    with patch.object(language, "attend", attend), torch.autocast("cpu", torch.bfloat16):
        for _ in range(runs):
            forget_peak()
            began = time.perf_counter()
            model(embedded, length)
            seconds.append(time.perf_counter() - began)
            memory.append(peak_mb() - held_mb)
    return Prefill(attention, length, statistics.median(seconds), max(memory))


def lengths(longest: int) -> Iterator[int]:
    """Growing lengths up to the longest, which is the last."""
    for length in FIRST_LENGTHS:
        if length < longest:
            yield length
    length = 2 * FIRST_LENGTHS[-1]
    while length < longest:
        yield length
        length *= 2
    yield longest


def curve(rows: Sequence[Prefill]) -> PrefillCurve:
    """The curves through what was measured of one attention."""
    x = [row.length for row in rows]
    degree = 2 if rows[0].attention == "written out" else 1
    memory = fit(x, [max(row.memory_mb, 0.1) for row in rows], degree)
    return PrefillCurve(rows[0].attention, tuple(rows), fit(x, [row.seconds for row in rows], 2), memory)


def measured(own: Process, folder: Path | None, attention: Attention, longest: int, limit_s: float, runs: int) -> PrefillCurve:
    """Growing lengths, as long as the next is foreseen to take no more than `limit_s` and a share of the free memory."""
    rows: list[Prefill] = []
    for length in lengths(longest):
        if len(rows) >= 4:
            foreseen = curve(rows)
            memory_mb = MEMORY_SHARE * available_mb()
            if foreseen.seconds(length) > limit_s or foreseen.memory(length) > memory_mb:
                continue
        rows.append(own.call(one_length, folder, attention, length, runs if length <= FIRST_LENGTHS[-1] else 1))
    return curve(rows)
