"""Pages with a stretch of another set into them: the same clauses among other neighbours, so that none is learnt by heart."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from clausescan.model.vocabulary import paragraph_starts
from clausescan.train.labels import LabelledClause, LabelledPage

HEADING_WORDS = 6
"""A line of at most so many words without a full stop may be a heading, which is not parted from what follows."""
MOST_WORDS = 900
"""A page that grows beyond is cut off behind the stretch that was set in."""
GAP_PT = 26.0
"""From the last line's middle before a joint to the first behind it."""
FurtherTags = NDArray[np.int64]


def joints(page: LabelledPage) -> list[int]:
    """Lines before which the page can be parted: a paragraph begins there, inside no clause and behind no heading."""
    begins = paragraph_starts(page.middles())
    out = []
    for n in range(1, len(page.lines)):
        before = page.lines[n - 1]
        heading = len(before) <= HEADING_WORDS and not before[-1].endswith((".", ";"))
        if begins[n] and not heading and not any(c.first[0] < n <= c.last[0] for c in page.clauses):
            out.append(n)
    return out


def mixed(
    page: LabelledPage,
    other: LabelledPage,
    rng: np.random.Generator,
    further: tuple[FurtherTags | None, FurtherTags | None] = (None, None),
) -> tuple[LabelledPage, FurtherTags | None] | None:
    """`page` with a stretch of `other` at one of its joints; None where one of them has too few joints.

    `further` are both pages' (types, words) tags by CUAD's spans; the mixed page's are returned, None unless both have some.
    """
    own, theirs = joints(page), joints(other)
    if not own or len(theirs) < 2:
        return None
    at = int(rng.choice(own))
    low, high = sorted(int(n) for n in rng.choice(theirs, 2, replace=False))
    words = sum(map(len, page.lines[:at])) + sum(map(len, other.lines[low:high]))
    end = len(page.lines)
    while end > at and words + sum(map(len, page.lines[at:end])) > MOST_WORDS:
        end = max(n for n in (at, *own) if n < end)
    pieces = [(page, 0, at), (other, low, high), (page, at, end)]
    tags = None
    if further[0] is not None and further[1] is not None:
        both = (further[0], further[1], further[0])
        tags = np.concatenate([_tags_of_lines(t, *piece) for t, piece in zip(both, pieces, strict=True)], 1)
    return _joined([piece for piece in pieces if piece[1] < piece[2]]), tags


def _tags_of_lines(tags: FurtherTags, page: LabelledPage, first: int, end: int) -> FurtherTags:
    starts = np.cumsum([0, *map(len, page.lines)])
    return tags[:, starts[first] : starts[end]]


def _joined(pieces: Sequence[tuple[LabelledPage, int, int]]) -> LabelledPage:
    lines: list[tuple[str, ...]] = []
    boxes: list[tuple[tuple[float, float, float, float], ...]] = []
    clauses: list[LabelledClause] = []
    below = pieces[0][0].middles()[0]
    for page, first, end in pieces:
        middles = page.middles()
        down, shift = below - middles[first], len(lines) - first
        lines += page.lines[first:end]
        boxes += [tuple((x0, y0 + down, x1, y1 + down) for x0, y0, x1, y1 in line) for line in page.boxes[first:end]]
        clauses += [_moved(c, shift) for c in page.clauses if first <= c.first[0] and c.last[0] < end]
        below = middles[end - 1] + down + GAP_PT
    whole = pieces[0][0]
    size = (whole.size_pt[0], max(whole.size_pt[1], below))
    return replace(whole, size_pt=size, lines=tuple(lines), boxes=tuple(boxes), clauses=tuple(clauses))


def _moved(clause: LabelledClause, lines: int) -> LabelledClause:
    return replace(
        clause,
        first=(clause.first[0] + lines, clause.first[1]),
        last=(clause.last[0] + lines, clause.last[1]),
        skip_lines=tuple(n + lines for n in clause.skip_lines),
    )
