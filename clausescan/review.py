"""The machine's clauses and what readers made of them, side by side."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from clausescan.schema.clauses import ClauseType
from clausescan.schema.corrections import Correction
from clausescan.schema.found import CLAUSES, Clause, Evidence, OwnClause
from clausescan.schema.report import Report
from clausescan.schema.values import Fields

Status = Literal["accepted", "rejected", "corrected"]
_STATUS: dict[str, Status] = {"accept": "accepted", "reject": "rejected", "edit": "corrected"}


@dataclass(frozen=True)
class Review:
    """One clause as the machine gave it and as its readers have it."""

    machine: Clause
    clause: Clause
    """With the readers' type, text and fields; the machine's where they left it. Evidence and uncertain words that no
    longer fit are left out."""
    status: Status | None = None
    """Of the last act; None where nobody has looked at it, or all was taken back."""
    by: str | None = None
    at: str | None = None

    @property
    def changed(self) -> tuple[str, ...]:
        """Which of type, text and fields differ from the machine's."""
        return tuple(name for name in ("type", "text", "fields") if getattr(self.clause, name) != getattr(self.machine, name))

    @property
    def said(self) -> str | None:
        """`corrected by NAME, 2026-11-24 12:59 UTC`; None where there is nothing to say."""
        if self.status is None or self.at is None:
            return None
        return f"{self.status} by {self.by}, {self.at[:10]} {self.at[11:16]} UTC"


def reviews(clauses: Sequence[Clause], corrections: Sequence[Correction], first: int = 0) -> tuple[Review, ...]:
    """A review for each clause. `first` is the index in the report of the first of them."""
    out = [Review(clause, clause) for clause in clauses]
    for correction in corrections:
        at = correction.clause - first
        if 0 <= at < len(out):
            out[at] = _after(out[at], correction)
    return tuple(out)


def report_reviews(report: Report) -> tuple[Review, ...]:
    """A review for each of the report's clauses."""
    return reviews(report.clauses, report.corrections)


def shown_types(report: Report) -> tuple[ClauseType, ...]:
    """The types that were asked for, and behind them those to which readers have corrected clauses."""
    return tuple(dict.fromkeys([*report.types, *(review.clause.type for review in report_reviews(report))]))


def _after(review: Review, correction: Correction) -> Review:
    if correction.act == "undo":
        return Review(review.machine, review.machine)
    clause = _edited(review.clause, correction) if correction.act == "edit" else review.clause
    return Review(review.machine, clause, _STATUS[correction.act], correction.by, correction.at)


def _edited(clause: Clause, correction: Correction) -> Clause:
    kind = correction.type or clause.type
    text = clause.text if correction.text is None else correction.text
    fields = clause.fields if correction.fields is None else correction.fields
    same_text = text == clause.text
    changes = {
        "type": kind,
        "text": text,
        "fields": fields,
        "uncertain_words": clause.uncertain_words if same_text else (),
        "field_evidence": tuple(e for e in clause.field_evidence if same_text and _still(e, clause.fields, fields)),
    }
    return CLAUSES.get(kind, OwnClause).model_validate(dict(clause) | changes)


def _still(evidence: Evidence, before: Fields | None, after: Fields | None) -> bool:
    """Whether the words stand for the same value as before."""
    old, new = getattr(before, evidence.field, None), getattr(after, evidence.field, None)
    return old is not None and old == new
