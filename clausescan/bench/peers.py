"""Ours beside OCR engines with the same classifier behind them, on the same labelled photos in one run.

What stands behind an engine: its lines and words become a `Reading`; our language model's line choice and answers
(`stages.TextOnly`: the same weights, the transcript alone, no visual tokens) find the clauses and their fields in it, and the
same grounding places them on the photo. Each engine reads the photo as taken (turned upright by its EXIF tag) and, for
fairness, the sheet that our rectifier made of it. Each way has a process of its own, loaded and warmed up with one photo before
the clock starts; photo by photo all ways take turns, so that what else the machine does falls on all alike. Seconds run from
the file to the clauses.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from clausescan.bench.labelled import LabelledPhoto
from clausescan.bench.measure import Process, Spread, peak_mb, process, spread
from clausescan.bench.ocrengines import ENGINES, Engine
from clausescan.bench.reading import Figures, compare
from clausescan.bench.scoring import Scores
from clausescan.bench.stages import PageResult, TextOnly, decoded, grounded, piped
from clausescan.config import ExtractConfig
from clausescan.errors import UnreadablePageError
from clausescan.geometry import Homography
from clausescan.model.engine import load
from clausescan.page import Photo
from clausescan.rectify import rectify
from clausescan.schema.report import TextLine

OURS = "clausescan"


@dataclass(frozen=True)
class Way:
    """One way from a photo to clauses: ours, or an engine on the photo as taken or on our flattened sheet."""

    engine: str
    flattened: bool = False

    def __str__(self) -> str:
        return self.engine if self.engine == OURS else f"{self.engine} on {'our sheet' if self.flattened else 'the photo'}"


@dataclass(frozen=True)
class Answered:
    """What a way made of one photo: clauses as the report's JSON has them, lines on the photo, seconds by stage."""

    clauses: list[dict[str, Any]]
    lines: tuple[TextLine, ...]
    seconds: dict[str, float]


class Runner:
    """A way, loaded, in its own process."""

    def __init__(self, way: Way, folder: Path | None, budget: int, threads: int) -> None:
        self.way, self.config = way, ExtractConfig(budget=budget)
        self.model = load(folder)
        self.text_only = TextOnly(self.model)
        self.engine: Engine | None = None if way.engine == OURS else ENGINES[way.engine](threads)

    def answer(self, file: Path) -> Answered:
        """One photo's clauses, timed."""
        if self.engine is None:
            began = time.perf_counter()
            report, lines = piped(file, self.config, self.model)
            seconds = dict(report.seconds) | {"total": time.perf_counter() - began}
            clauses = [c.model_dump(mode="json") for c in report.clauses]
            return Answered(clauses, lines, seconds)
        seconds = {}
        began = last = time.perf_counter()

        def done(stage: str) -> None:
            nonlocal last
            now = time.perf_counter()
            seconds[stage], last = now - last, now

        photo = decoded(file)
        done("decode")
        result = self._with_engine(photo, self.engine, done)
        seconds["total"] = time.perf_counter() - began
        return Answered([c.model_dump(mode="json") for c in result.clauses], result.lines, seconds)

    def _with_engine(self, photo: Photo, engine: Engine, done: Callable[[str], None]) -> PageResult:
        if not self.way.flattened:
            reading = engine.read(photo.rgb)
            done("read")
            result = grounded(reading, Homography.identity(), self.text_only.find)
            done("find")
            return result
        try:
            page = rectify(photo, readability=self.model.readability)
        except UnreadablePageError:
            done("rectify")
            return PageResult((), ())
        done("rectify")
        reading = engine.read(page.gray)
        done("read")
        result = grounded(reading, page.photo_to_page, self.text_only.find)
        done("find")
        return result

    def memory_mb(self) -> float:
        """Peak of this process and, beside it, of the engine's own."""
        return peak_mb() + (self.engine.memory_mb if self.engine is not None else 0.0)


_runner: list[Runner] = []


def _start(way: Way, folder: Path | None, budget: int, threads: int) -> None:
    _runner[:] = [Runner(way, folder, budget, threads)]


def _answer(file: Path) -> Answered:
    return _runner[0].answer(file)


def _memory() -> float:
    return _runner[0].memory_mb()


@dataclass
class WayResult:
    """A way's figures over all photos."""

    way: Way
    scores: Scores = field(default_factory=Scores)
    reading: Figures = field(default_factory=Figures)
    seconds: list[float] = field(default_factory=list)
    stages: dict[str, list[float]] = field(default_factory=dict)
    ratios: list[float] = field(default_factory=list)
    """Our seconds over this way's, a photo each."""
    memory_mb: float = 0.0

    @property
    def time(self) -> Spread:
        """Seconds a photo."""
        return spread(self.seconds)

    def add(self, page: LabelledPhoto, answered: Answered, ours: float) -> None:
        """Take in one photo."""
        self.scores.add(page, answered.clauses)
        self.reading.add(compare(answered.lines, page))
        self.seconds.append(answered.seconds["total"])
        self.ratios.append(ours / answered.seconds["total"])
        for stage, value in answered.seconds.items():
            self.stages.setdefault(stage, []).append(value)


def ways(engines: Sequence[str]) -> list[Way]:
    """Ours, then each engine both ways."""
    return [Way(OURS), *(Way(engine, flattened) for engine in engines for flattened in (False, True))]


def run(
    pages: Sequence[LabelledPhoto],
    engines: Sequence[str],
    folder: Path | None,
    budget: int,
    threads: int,
    news: Callable[[str], None],
) -> list[WayResult]:
    """All ways over all photos, ours first."""
    results = [WayResult(way) for way in ways(engines)]
    with ExitStack() as stack:
        processes: list[Process] = []
        for result in results:
            own = stack.enter_context(process(threads))
            own.call(_start, result.way, folder, budget, threads)
            own.call(_answer, pages[0].file)  # off the clock: first calls allocate and compile
            processes.append(own)
        for number, page in enumerate(pages, 1):
            answers = [own.call(_answer, page.file) for own in processes]
            for result, answered in zip(results, answers, strict=True):
                result.add(page, answered, answers[0].seconds["total"])
            told = ", ".join(f"{r.way} {r.seconds[-1]:.2f} s" for r in results)
            news(f"{number}/{len(pages)} {page.id}: {told}")
        for result, own in zip(results, processes, strict=True):
            result.memory_mb = own.call(_memory)
    return results
