"""One page on its way through the stages: what each of them made of it, how long it took, and where its way ended."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from clausescan.answer import PageAnswer
from clausescan.errors import ClausescanError, InternalError, described
from clausescan.ground import PhotoWords, reading_confidence
from clausescan.page import Defect, Page, Photo, Reading
from clausescan.photo import Failure
from clausescan.schema import pagemap
from clausescan.schema.found import Clause
from clausescan.schema.pagemap import PageMap
from clausescan.schema.report import DefectReport, Reason, Source, StepReport

OnStage = Callable[[int, str], None]
"""Called as each stage begins, with the page's index and the stage's name, one of `STAGES`. What it raises ends the run."""
STAGES = ("decode", "rectify", "read", "find", "ground")
"""Of one page, in order."""


@dataclass
class PageWork:
    """One page on its way through the stages."""

    index: int
    source: Source
    photo: Photo | None = None
    page: Page | None = None
    map: PageMap | None = None
    reading: Reading | None = None
    words: PhotoWords | None = None
    answer: PageAnswer | None = None
    status: str = "read"
    reason: Reason | None = None
    message: str | None = None
    seconds: dict[str, float] = field(default_factory=dict)
    on_stage: OnStage | None = None

    @contextmanager
    def timed(self, stage: str) -> Iterator[None]:
        """Tell that a stage begins; add the wall time of a block to it."""
        if self.on_stage and stage not in self.seconds:
            self.on_stage(self.index, stage)
        began = time.perf_counter()
        try:
            yield
        finally:
            self.seconds[stage] = round(self.seconds.get(stage, 0.0) + time.perf_counter() - began, 4)

    def give_up(self, status: str, reason: Reason, message: str) -> None:
        """End this page's way."""
        self.status, self.reason, self.message = status, reason, message

    @property
    def confidence(self) -> float | None:
        """Mean confidence of the page's words, lines that could not be read counted as 0; None where no word was read."""
        words = [w for line in self.reading.lines for w in line.words if w.text.strip()] if self.reading else []
        return reading_confidence(words) * (1 - self.reading.unread) if self.reading and words else None

    @property
    def defects(self) -> tuple[Defect, ...]:
        """What is wrong with the capture."""
        return self.page.defects if self.page else ()

    def common(self) -> dict[str, Any]:
        """What reports and transcripts both say about the page."""
        steps = self.page.steps if self.page else ()
        return {
            "index": self.index,
            "source": self.source,
            "status": self.status,
            "reason": self.reason,
            "message": self.message,
            "map": self.map,
            "defects": tuple(_defect(d) for d in self.defects),
            "steps": tuple(
                StepReport(name=s.name, kept=s.kept, before=_number(s.before), after=_number(s.after), note=s.note) for s in steps
            ),
            "reading_confidence": self.confidence,
            "seconds": self.seconds,
        }

    def tokens(self, clauses: Sequence[Clause]) -> int:
        """The most visual tokens that any one question about the page was given."""
        return max([self.answer.visual_tokens if self.answer else 0, *(c.visual_tokens for c in clauses)])


def source_of(item: Photo | Failure) -> Source:
    """Which file, and which page of it, was decoded or could not be."""
    return Source(name=item.name, sha256=item.sha256, size_bytes=item.size_bytes, page_index=item.page_index)


def _defect(defect: Defect) -> DefectReport:
    quad = None if defect.quad_photo_px is None else pagemap.as_quad(defect.quad_photo_px)
    return DefectReport(kind=defect.kind, severity=round(float(defect.severity), 3), quad=quad)


def _number(value: float | None) -> float | None:
    return None if value is None else round(float(value), 4)


@contextmanager
def guarded(name: str) -> Iterator[None]:
    """Around a stage: a defect of ours that an odd page brings out becomes that page's error, or it would lose the others."""
    try:
        yield
    except (ClausescanError, MemoryError):
        raise
    except Exception as error:
        raise InternalError(f"{name}: {described(error)}; please report it") from None
