"""What looking at a page costs the page encoder, by the page's pixels."""

from __future__ import annotations

import statistics
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import torch
from torch.utils.flop_counter import FlopCounterMode

from clausescan.bench.measure import Fit, fit, forget_peak, load_average, peak_mb
from clausescan.model.encoder import MULTIPLE
from clausescan.model.engine import load

MEGAPIXELS = (1.0, 2.0, 4.0, 8.0, 12.0)
ASPECT = 2**0.5
"""Height over width of a page."""


@dataclass(frozen=True)
class EncoderCost:
    """One size of page: median and fastest wall seconds, floating-point operations, memory beyond the weights."""

    size: tuple[int, int]
    seconds: float
    fastest: float
    operations: int
    memory_mb: float
    load_average: float

    @property
    def megapixels(self) -> float:
        """Of the page as the encoder sees it."""
        return self.size[0] * self.size[1] / 1e6


@dataclass(frozen=True)
class EncoderCosts:
    """All sizes, with straight lines through their seconds and their operations, by pixels."""

    rows: tuple[EncoderCost, ...]
    seconds: Fit
    operations: Fit


def page_size(megapixels: float) -> tuple[int, int]:
    """(width, height) of a page of about so many megapixels, multiples of what the encoder wants."""
    width = (megapixels * 1e6 / ASPECT) ** 0.5
    w, h = (max(MULTIPLE, round(side / MULTIPLE) * MULTIPLE) for side in (width, width * ASPECT))
    return w, h


def costs(folder: Path | None, runs: int) -> Iterator[EncoderCost]:
    """Each size's cost in this process, in bfloat16 as in the pipeline; sizes take turns, so that disturbance is shared."""
    encoder = load(folder).model.encoder
    generator = torch.Generator().manual_seed(1)
    sizes = [page_size(mpx) for mpx in MEGAPIXELS]
    seconds: dict[tuple[int, int], list[float]] = {size: [] for size in sizes}
    loads: dict[tuple[int, int], list[float]] = {size: [] for size in sizes}
    memory = dict.fromkeys(sizes, 0.0)
    operations = dict.fromkeys(sizes, 0)
    with torch.no_grad(), torch.autocast("cpu", torch.bfloat16):
        encoder(torch.zeros(1, 1, 64, 64))
        held_mb = forget_peak()
        for turn in range(runs + 1):
            for w, h in sizes:
                page = torch.rand(1, 1, h, w, generator=generator)
                forget_peak()
                began = time.perf_counter()
                if turn == 0:  # the first turn warms up, and counts
                    with FlopCounterMode(display=False) as counter:
                        encoder(page)
                    operations[w, h] = counter.get_total_flops()
                else:
                    encoder(page)
                    seconds[w, h].append(time.perf_counter() - began)
                    loads[w, h].append(load_average())
                memory[w, h] = max(memory[w, h], peak_mb() - held_mb)
    for size in sizes:
        yield EncoderCost(
            size, statistics.median(seconds[size]), min(seconds[size]), operations[size], memory[size], max(loads[size])
        )


def measured(folder: Path | None, runs: int) -> EncoderCosts:
    """Costs and the lines through them."""
    rows = tuple(costs(folder, runs))
    x = [row.megapixels for row in rows]
    return EncoderCosts(rows, fit(x, [r.seconds for r in rows], 1), fit(x, [float(r.operations) for r in rows], 1))
