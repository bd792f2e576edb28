"""Found, absent, or cannot tell: the three answers about one clause type, on one page and on a document."""

from __future__ import annotations

from collections.abc import Sequence
from typing import get_args

from clausescan.page import Defect
from clausescan.schema.found import Clause
from clausescan.schema.report import Reason, Verdict

UNDECIDED = 0.25
"""With no clause found, a presence probability from here on is too high to call the type absent."""
BAD_CAPTURE = 0.5
"""With no clause found, a capture defect of this severity may hide one."""
POOR_READING = 0.7
"""With no clause found, a page read with less confidence than this may hold one."""

REASONS: dict[str, Reason] = {reason: reason for reason in get_args(Reason)}
"""The known reason keys; a defect's kind is one of them."""


def page_verdict(
    clauses: Sequence[Clause], presence: float | None, defects: Sequence[Defect], reading_confidence: float | None
) -> Verdict:
    """The answer about one type on one page that was read.

    `presence` is the model's calibrated probability that the page holds such a clause, None if it gave none.
    """
    if clauses:
        certainty = max(c.confidence for c in clauses)
        return _verdict("found", None, certainty if presence is None else max(presence, certainty))
    if presence is None or presence >= UNDECIDED:
        return _verdict("cannot_tell", "undecided", None)
    worst = max(defects, key=lambda d: d.severity, default=None)
    if worst is not None and worst.severity >= BAD_CAPTURE:
        return _verdict("cannot_tell", REASONS.get(worst.kind, "unreadable"), None)
    if reading_confidence is None or reading_confidence < POOR_READING:
        return _verdict("cannot_tell", "uncertain_reading", None)
    return _verdict("absent", None, 1.0 - presence)


def unreadable_verdict(reason: Reason) -> Verdict:
    """The answer about every type on a page that could not be read."""
    return _verdict("cannot_tell", reason, None)


def untaught_verdict() -> Verdict:
    """The answer about a type that the model was never taught."""
    return _verdict("cannot_tell", "needs_a_larger_model", None)


def document_verdict(pages: Sequence[Verdict]) -> Verdict:
    """Found if any page has it; absent only if every page could be told."""
    found = [v for v in pages if v.verdict == "found"]
    if found:
        return max(found, key=lambda v: v.confidence or 0.0)
    unclear = [v for v in pages if v.verdict == "cannot_tell"]
    if unclear or not pages:
        return unclear[0] if unclear else _verdict("cannot_tell", "failed", None)
    return min(pages, key=lambda v: v.confidence or 0.0)


def _verdict(verdict: str, reason: Reason | None, confidence: float | None) -> Verdict:
    rounded = None if confidence is None else round(min(max(float(confidence), 0.0), 1.0), 4)
    return Verdict.model_validate({"verdict": verdict, "reason": reason, "confidence": rounded})
