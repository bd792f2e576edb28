"""Copying drills: "which periods stand here?", "which sums?" on any passage, answered by `clausescan.quantities`.

Labelled clauses are few; these are endless, and teach the language model to read numbers out of a passage and write them as JSON.
"""

from __future__ import annotations

import json
from dataclasses import dataclass

import numpy as np

from clausescan.quantities import amounts, durations

LEAST_LINES, MOST_LINES = 2, 9


@dataclass(frozen=True)
class Drill:
    """A question, the lines it is about (first and last, included), and the answer."""

    ask: str
    first_line: int
    last_line: int
    answer: str


def draw_drill(lines: list[list[str]], rng: np.random.Generator) -> Drill | None:
    """A drill about a random passage of a page; None when the tried passages hold no number."""
    for _ in range(6):
        first = int(rng.integers(max(1, len(lines) - LEAST_LINES)))
        last = min(len(lines) - 1, first + int(rng.integers(LEAST_LINES, MOST_LINES)))
        words = [w for line in lines[first : last + 1] for w in line]
        periods = [
            {"value": int(d.value), "unit": d.unit} for d in durations(words) if d.value.is_integer() and 1 <= d.value <= 9999
        ]
        sums = [
            {"amount": int(m.amount) if m.amount.is_integer() else m.amount, "currency": m.currency}
            for m in amounts(words)
            if m.currency is not None
        ]
        for ask, key, found in (("periods", "notice_periods", periods), ("sums", "amounts", sums)):
            unique = list({json.dumps(f): f for f in found}.values())
            if unique and (len(unique) <= 6):
                return Drill(ask, first, last, json.dumps({key: unique}, separators=(",", ":")))
    return None
