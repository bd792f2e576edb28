"""From a line's logits to words: best path, each character's place and probability, and the second head's reading.

Frames are `FRAME` strip px wide; `Strip.x` carries them to the page.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from rapidfuzz.distance import Levenshtein

from clausescan.geometry import box_quad
from clausescan.model.charset import BLANK, CHARACTERS
from clausescan.model.encoder import CELL
from clausescan.model.linefinder import TextLine
from clausescan.model.strips import FRAME, Strip
from clausescan.page import Line, Word

ASCENT, DESCENT = 1.0, 0.75
"""Box edges above and below the x-height's middle, in x-heights (median over real pages).

To the ascenders, and half-way into the descenders.
"""

LEAST_ALIKE, LEAST_SURE = 0.5, 0.6
"""Below both likeness of the two readings and mean probability, a line is no text."""


@dataclass(frozen=True)
class Letters:
    """Characters read along a line, their centres (px) and probabilities."""

    text: str
    x: NDArray[np.float64]
    p: NDArray[np.float64]


def best_path(log_p: NDArray[np.float32], strip: Strip) -> Letters:
    """Greedy CTC decoding of (F, K) log-probabilities: repeats merged, blanks dropped."""
    best = log_p.argmax(1)
    top = log_p[np.arange(len(best)), best]
    starts = np.flatnonzero(np.r_[True, best[1:] != best[:-1]])
    ends = np.r_[starts[1:], len(best)]
    keep = best[starts] != BLANK
    starts, ends = starts[keep], ends[keep]
    text = "".join(CHARACTERS[c - 1] for c in best[starts])
    x = strip.x(FRAME * (starts + ends) / 2)
    p = np.exp(np.array([top[a:b].max() for a, b in zip(starts, ends, strict=True)], np.float64))
    return Letters(text, x.astype(np.float64), p)


def is_text(letters: Letters, other: Letters) -> bool:
    """Whether a line holds print at all: a sheet's edge or a shadow is read with no certainty, and differently by each head.

    Of 555 true lines of hard simulated photos one falls below both bounds, and nine tenths of its letters were wrong.
    """
    if not len(letters.p):
        return False
    alike = Levenshtein.normalized_similarity(letters.text, other.text)
    return alike >= LEAST_ALIKE or float(letters.p.mean()) >= LEAST_SURE


def words_of(letters: Letters, line: TextLine, other: Letters) -> Line | None:
    """A line's words with boxes; `other` is the second head's reading of the same line."""
    text = letters.text
    spans, start = [], 0
    for part in text.split(" "):
        if part:
            spans.append((start, start + len(part)))
        start += len(part) + 1
    if not spans:
        return None
    steps = np.diff(letters.x)
    pitch = float(np.clip(np.median(steps), 0.5 * line.x_height, 2 * line.x_height)) if len(steps) else line.x_height
    seconds = second_readings(text, other.text, spans)
    words = []
    for (a, b), second in zip(spans, seconds, strict=True):
        left, right = letters.x[a] - 0.5 * pitch, letters.x[b - 1] + 0.5 * pitch
        if a > 0:
            left = max(left, float(letters.x[a - 1]))
        if b < len(text):
            right = min(right, float(letters.x[b]))
        y0, y1 = (line.y_at(x / CELL - 0.5) for x in (left, right))
        up, down = ASCENT * line.x_height, DESCENT * line.x_height
        quad = np.array([[left, y0 - up], [right, y1 - up], [right, y1 + down], [left, y0 + down]], np.float64)
        box = (float(left), float(min(y0, y1) - up), float(right), float(max(y0, y1) + down))
        words.append(
            Word(
                text[a:b],
                box,
                quad if right > left else box_quad(box),
                float(np.exp(np.log(letters.p[a:b] + 1e-9).mean())),
                second,
            )
        )
    columns = np.arange(line.first, line.last + 1)
    centre = np.c_[(columns + 0.5) * CELL, line.y].astype(np.float64)
    return Line(tuple(words), centre, (ASCENT + DESCENT) * line.x_height)


def second_readings(text: str, other: str, spans: list[tuple[int, int]]) -> list[str | None]:
    """For each word (a span of `text`) what `other` reads there if it differs, else None."""
    if text == other:
        return [None] * len(spans)
    where = np.zeros(len(text) + 1, np.int64)  # text index to other index
    changed = np.zeros(len(text) + 1, bool)
    for op in Levenshtein.opcodes(text, other):
        n = op.src_end - op.src_start
        if n:
            where[op.src_start : op.src_end] = np.linspace(op.dest_start, op.dest_end, n, endpoint=False).astype(int)
        if op.tag != "equal":
            changed[op.src_start : max(op.src_end, op.src_start + 1)] = True
    where[len(text)] = len(other)
    return [other[where[a] : where[b]].strip() if changed[a:b].any() else None for a, b in spans]
