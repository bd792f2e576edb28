"""Visual tokens: a page squashed to one small square, a photo cut into many, and our fixed budgets, on the same labelled photos.

| row | quality | language model |
|---|---|---|
| squashed | our pipeline, its page shrunk to 336 x 336 px after rectifying and blown up again before reading | 576 positions |
| tiles | not run: no model here is trained on them | 576 positions a tile, the same language model |
| ours | the whole pipeline | the budget and the page's transcript |

Every row's prefill is measured on the same language model with random inputs: its cost does not depend on them. Rows of others
leave out their own vision towers and transcripts, which is in their favour.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from pathlib import Path
from statistics import mean, median
from typing import Any
from unittest.mock import patch

import torch
from torch import Tensor
from torch.utils.flop_counter import FlopCounterMode

from clausescan import prompt
from clausescan.bench import prefill
from clausescan.bench.labelled import LabelledPhoto
from clausescan.bench.measure import Process, peak_mb, process
from clausescan.bench.prefill import ATTENTIONS, Attention, PrefillCurve
from clausescan.bench.reading import Figures, compare
from clausescan.bench.scoring import Scores
from clausescan.bench.squash import SIDE_PX, TOKENS, squashed, tiles
from clausescan.bench.stages import PageResult, decoded, grounded, piped
from clausescan.config import BUDGETS, ExtractConfig
from clausescan.errors import UnreadablePageError
from clausescan.ground import reading_confidence
from clausescan.model.engine import load
from clausescan.rectify import rectify
from clausescan.scan import UNREADABLE
from clausescan.schema.clauses import CLAUSE_TYPES
from clausescan.schema.report import TextLine

FRAME_4K = (12 * SIDE_PX, 12 * SIDE_PX)
"""A square photo of 4,032 px: 144 tiles."""


@dataclass(frozen=True)
class Sighted:
    """What one photo gave: clauses, lines, and until the language model's first output over the page, seconds and positions."""

    clauses: list[dict[str, Any]]
    lines: tuple[TextLine, ...]
    refused: bool
    """Whether the product would call the page unreadable."""
    seconds: float | None = None
    positions: int | None = None
    vision_operations: int | None = None
    """Encoder, line reader and resampler."""


class Setup:
    """Our model at one budget, or on squashed pages, loaded in its own process."""

    def __init__(self, folder: Path | None, budget: int, squash: bool) -> None:
        self.model, self.budget, self.squash = load(folder), budget, squash
        self.prompts = prompt.load(CLAUSE_TYPES)

    def see(self, file: Path) -> Sighted:
        """One photo."""
        return self._squashed(file) if self.squash else self._whole(file)

    def _whole(self, file: Path) -> Sighted:
        config, network = ExtractConfig(budget=self.budget), self.model.model
        noted: list[tuple[float, int]] = []
        choose = network.choose

        def probe(visual: Tensor | None, tokens: Tensor, first: Tensor) -> Tensor:
            scores = choose(visual, tokens, first)
            noted.append((time.perf_counter(), len(tokens) + (0 if visual is None else len(visual))))
            return scores

        with patch.object(network, "choose", probe):
            began = time.perf_counter()
            report, lines = piped(file, config, self.model)
        clauses = [c.model_dump(mode="json") for c in report.clauses]
        if not noted:
            return Sighted(clauses, lines, True)
        at, positions = noted[0]
        return Sighted(clauses, lines, False, at - began, positions, self._vision_operations(file))

    def _vision_operations(self, file: Path) -> int:
        """Counted in a pass of their own, since counting takes time."""
        gray = rectify(decoded(file), readability=self.model.readability).gray
        with FlopCounterMode(display=False) as counter, torch.no_grad():
            self.model.model.visual_tokens(self.model.look(gray), self.budget)
        return int(counter.get_total_flops())

    def _squashed(self, file: Path) -> Sighted:
        try:
            page = rectify(decoded(file), readability=self.model.readability)
        except UnreadablePageError:
            return Sighted([], (), True)
        small = squashed(page.gray)
        reading = self.model.read(small)
        words = [w for line in reading.lines for w in line.words]
        refused = not words or reading_confidence(words) < UNREADABLE
        found: PageResult = grounded(
            reading, page.photo_to_page, lambda seen: self.model.find(small, seen, self.prompts, self.budget)
        )
        return Sighted([c.model_dump(mode="json") for c in found.clauses], found.lines, refused)


_setup: list[Setup] = []


def _start(folder: Path | None, budget: int, squash: bool) -> None:
    _setup[:] = [Setup(folder, budget, squash)]


def _see(file: Path) -> Sighted:
    return _setup[0].see(file)


def _language_operations(folder: Path | None, length: int) -> int:
    return prefill.operations(load(folder).model.language, length)


@dataclass
class TokenRow:
    """One line of the comparison; figures that were not measured are None."""

    name: str
    ours: bool
    visual_tokens: int
    positions: int = 0
    scores: Scores | None = None
    reading: Figures | None = None
    refused: int = 0
    vision_operations: float | None = None
    language_operations: int = 0
    prefill_s: float = 0.0
    prefill_mb: float = 0.0
    prefill_measured: bool = True
    first_output_s: float | None = None
    """Median seconds from the file to the language model's first output over the page."""
    peak_mb: float | None = None

    def figures(self) -> dict[str, Any]:
        """For JSON."""
        return {
            "name": self.name,
            "visual_tokens": self.visual_tokens,
            "language_model_positions": self.positions,
            **({} if self.scores is None else self.scores.figures()),
            "reading_cer": None if self.reading is None else self.reading.cer,
            "pages_refused": self.refused,
            "vision_operations": self.vision_operations,
            "language_model_operations": self.language_operations,
            "prefill_seconds": self.prefill_s,
            "prefill_mb": self.prefill_mb,
            "prefill_measured": self.prefill_measured,
            "first_output_seconds": self.first_output_s,
            "peak_mb": self.peak_mb,
        }


@dataclass
class Comparison:
    """All rows, and the curves behind the prefill of the long ones."""

    rows: list[TokenRow] = field(default_factory=list)
    curves: dict[Attention, PrefillCurve] = field(default_factory=dict)


def run(
    pages: Sequence[LabelledPhoto], folder: Path | None, threads: int, limit_s: float, runs: int, news: Callable[[str], None]
) -> Comparison:
    """Measure everything; `limit_s` bounds one prefill, beyond which it is fitted."""
    rows = [
        TokenRow(f"page squashed to {SIDE_PX} x {SIDE_PX}", False, TOKENS),
        *(TokenRow(f"ours, {budget} tokens", True, budget) for budget in BUDGETS),
    ]
    with ExitStack() as stack:
        processes: list[Process] = []
        for row in rows:
            own = stack.enter_context(process(threads))
            own.call(_start, folder, row.visual_tokens if row.ours else max(BUDGETS), not row.ours)
            own.call(_see, pages[0].file)  # off the clock: first calls allocate and compile
            processes.append(own)
        seen: list[list[Sighted]] = [[] for _ in rows]
        for number, page in enumerate(pages, 1):
            for own, so_far in zip(processes, seen, strict=True):
                so_far.append(own.call(_see, page.file))
            news(f"{number}/{len(pages)} {page.id}")
        for row, own, so_far in zip(rows, processes, seen, strict=True):
            _sum_up(row, pages, so_far)
            if row.ours:
                row.peak_mb = own.call(peak_mb)
    many = [tiles(*page.size) for page in pages]
    typical, large = sorted(many)[len(many) // 2], tiles(*FRAME_4K)
    rows[1:1] = [
        TokenRow(f"{typical} tiles of {SIDE_PX} px, these photos", False, typical * TOKENS),
        TokenRow(f"{large} tiles of {SIDE_PX} px, {FRAME_4K[0]:,} x {FRAME_4K[1]:,}", False, large * TOKENS),
    ]
    news("prefill of the language model")
    with process(threads) as own:
        short = [row for row in rows if row.visual_tokens <= TOKENS]
        curves: dict[Attention, PrefillCurve] = {}
        for row in rows:
            row.positions = row.positions or row.visual_tokens
            row.language_operations = own.call(_language_operations, folder, row.positions)
        for row in short:  # before the long ones, which leave the process large
            exact = own.call(prefill.one_length, folder, "written out", row.positions, runs)
            row.prefill_s, row.prefill_mb = exact.seconds, exact.memory_mb
        for attention in ATTENTIONS:
            longest = max(row.positions for row in rows)
            curves[attention] = prefill.measured(own, folder, attention, longest, limit_s, runs)
    out = [split for row in rows for split in ([row] if row in short else _by_attention(row, curves))]
    return Comparison(out, curves)


def _by_attention(row: TokenRow, curves: dict[Attention, PrefillCurve]) -> list[TokenRow]:
    out = []
    for attention, curve in curves.items():
        seconds, memory, measured = curve.at(row.positions)
        name = f"{row.name}; attention {attention}"
        out.append(replace(row, name=name, prefill_s=seconds, prefill_mb=memory, prefill_measured=measured))
    return out


def _sum_up(row: TokenRow, pages: Sequence[LabelledPhoto], seen: Sequence[Sighted]) -> None:
    row.scores, row.reading = Scores(), Figures()
    for page, sighted in zip(pages, seen, strict=True):
        row.scores.add(page, sighted.clauses)
        row.reading.add(compare(sighted.lines, page))
    row.refused = sum(sighted.refused for sighted in seen)
    seconds = [s.seconds for s in seen if s.seconds is not None]
    positions = [s.positions for s in seen if s.positions is not None]
    operations = [s.vision_operations for s in seen if s.vision_operations is not None]
    if seconds and positions and operations:
        row.first_output_s, row.positions = median(seconds), round(mean(positions))
        row.vision_operations = mean(operations)
