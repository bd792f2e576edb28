"""From line maps to text lines: ridges are traced, joined across wide gaps, and put into reading order.

A cell of a line map is 8 x 8 px. All results are in page pixels.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import cv2
import numpy as np
from numpy.typing import NDArray

from clausescan.model.encoder import CELL

BAND_THRESHOLD = 0.45
MIN_COLUMNS = 2
JOIN_GAP = 9.0
"""In x-heights: the widest gap inside one line."""
NUMBER_COLUMNS = 16
NUMBER_GAP = 20.0
"""Cells and x-heights: a part this short, such as a section number, may stand this far from the rest."""
LEVEL = 0.55
"""In x-heights: how far two parts of one line may differ in height."""
COLUMN_LINES = 8
"""Lines on each side that make two columns."""


@dataclass(frozen=True, eq=False)
class TextLine:
    """The middle of a line: `y` (T,) px at the centres of cell columns from `first` on; x-height and mean band score."""

    first: int
    y: NDArray[np.float32]
    x_height: float
    score: float

    @property
    def last(self) -> int:
        """The last cell column, included."""
        return self.first + len(self.y) - 1

    def y_at(self, column: float) -> float:
        """Height at a column; beyond the ends the line goes on straight."""
        n = min(len(self.y), 12)
        if column < self.first and n > 3:
            slope = (self.y[n - 1] - self.y[0]) / (n - 1)
            return float(self.y[0] + slope * (column - self.first))
        if column > self.last and n > 3:
            slope = (self.y[-1] - self.y[-n]) / (n - 1)
            return float(self.y[-1] + slope * (column - self.last))
        return float(np.interp(column, np.arange(self.first, self.last + 1), self.y))


def find_lines(maps: NDArray[np.float32]) -> list[TextLine]:
    """Text lines in reading order from (3, h, w) maps: band probability, offset to the middle (cells), log x-height / 16 px."""
    band, offset, size = maps
    rows = np.arange(band.shape[0], dtype=np.float32)[:, None] + 0.5
    ridge = (band > BAND_THRESHOLD) & (np.abs(offset) <= 0.62)
    joined = cv2.dilate(ridge.astype(np.uint8), np.ones((1, 3), np.uint8))
    count, labels = cv2.connectedComponents(joined, connectivity=8)
    labels[~ridge] = 0
    ys, xs = np.nonzero(labels)
    of = labels[ys, xs]
    order = np.argsort(of, kind="stable")
    ys, xs, of = ys[order], xs[order], of[order]
    cuts = np.searchsorted(of, np.arange(1, count + 1))
    lines = []
    height = (rows + offset) * CELL
    for a, b in pairwise(cuts.tolist()):
        line = _trace(xs[a:b], height[ys[a:b], xs[a:b]], band[ys[a:b], xs[a:b]], size[ys[a:b], xs[a:b]])
        if line is not None:
            lines.append(line)
    return reading_order(join(lines))


def _trace(
    x: NDArray[np.int64], y: NDArray[np.float32], weight: NDArray[np.float32], size: NDArray[np.float32]
) -> TextLine | None:
    if len(x) == 0:
        return None
    first, last = int(x.min()), int(x.max())
    if last - first + 1 < MIN_COLUMNS:
        return None
    total = np.bincount(x - first, weight, last - first + 1)
    mean = np.bincount(x - first, weight * y, last - first + 1) / np.maximum(total, 1e-6)
    known = np.flatnonzero(total > 0)
    filled = np.interp(np.arange(last - first + 1), known, mean[known])
    if len(filled) >= 5:  # a running median against single cells that fell to a neighbouring line
        padded = np.pad(filled, 2, mode="edge")
        filled = np.median(np.lib.stride_tricks.sliding_window_view(padded, 5), axis=1)
    return TextLine(first, filled.astype(np.float32), float(np.exp(np.median(size)) * 16), float(weight.mean()))


def join(lines: list[TextLine]) -> list[TextLine]:
    """Join parts of one line across gaps, but not across the gutter between columns."""
    gutter = find_gutter(lines)
    parts = sorted(lines, key=lambda line: line.first)
    used = [False] * len(parts)
    out = []
    for i, start in enumerate(parts):
        if used[i]:
            continue
        line = start
        while True:
            best, distance = -1, 1e9
            for j in range(i + 1, len(parts)):
                if used[j] or parts[j].first <= line.last - 2:
                    continue
                gap = (parts[j].first - line.last) * CELL
                unit = max(line.x_height, parts[j].x_height)
                short = min(len(line.y), len(parts[j].y)) <= NUMBER_COLUMNS
                if gap > (NUMBER_GAP if short else JOIN_GAP) * unit or gap >= distance:
                    continue
                middle = (line.last + parts[j].first) / 2
                if abs(line.y_at(middle) - parts[j].y_at(middle)) > LEVEL * unit:
                    continue
                if gutter is not None and line.last <= gutter + 1 and parts[j].first >= gutter - 1:
                    continue
                best, distance = j, gap
            if best < 0:
                break
            used[best] = True
            line = _concatenate(line, parts[best])
        out.append(line)
    return [line for line in out if len(line.y) >= MIN_COLUMNS]


def _concatenate(a: TextLine, b: TextLine) -> TextLine:
    columns = np.arange(a.first, b.last + 1)
    known = np.r_[np.arange(a.first, a.last + 1), np.arange(max(b.first, a.last + 1), b.last + 1)]
    tail = b.y[max(0, a.last + 1 - b.first) :]
    y = np.interp(columns, known, np.r_[a.y, tail])
    share = len(a.y) / (len(a.y) + len(b.y))
    x_height = a.x_height if share > 0.5 else b.x_height
    return TextLine(a.first, y.astype(np.float32), x_height, a.score * share + b.score * (1 - share))


def find_gutter(lines: list[TextLine]) -> float | None:
    """The column of cells between two text columns or two facing pages, or None.

    Before it many lines end in step, after it many begin in step, and of the lines at their height few cross it.
    """
    if len(lines) < 2 * COLUMN_LINES:
        return None
    left, right = min(line.first for line in lines), max(line.last for line in lines)
    long = [line for line in lines if line.last - line.first > (right - left) // 5]
    best, score = None, 0.0
    for column in range(left + (right - left) * 35 // 100, left + (right - left) * 65 // 100):
        before = [line for line in long if line.last <= column + 1]
        after = [line for line in long if line.first >= column - 1]
        if min(len(before), len(after)) < COLUMN_LINES:
            continue
        end, start = np.percentile([line.last for line in before], 90), np.percentile([line.first for line in after], 10)
        before = [line for line in before if line.last > end - 12]
        after = [line for line in after if line.first < start + 8]
        sides = min(len(before), len(after))
        heights = [[_middle(line) for line in side] for side in (before, after)]
        top, bottom = max(map(min, heights)), min(map(max, heights))
        at_their_height = [line for line in lines if top <= _middle(line) <= bottom]
        crossing = sum(line.first < column - 1 and line.last > column + 1 for line in at_their_height)
        if sides >= COLUMN_LINES and sides > 1.5 * crossing and sides > score:
            best, score = float(column), float(sides)
    return best


def _middle(line: TextLine) -> float:
    return float(line.y.mean())


def _by_rows(lines: list[TextLine]) -> list[TextLine]:
    """From the top, and lines of one height beside each other from the left."""
    rows: list[list[TextLine]] = []
    for line in sorted(lines, key=_middle):
        row = rows[-1] if rows else []
        beside = all(line.first > other.last or line.last < other.first for other in row)
        if row and beside and _middle(line) - _middle(row[0]) < LEVEL * min(line.x_height, row[0].x_height):
            row.append(line)
        else:
            rows.append([line])
    return [line for row in rows for line in sorted(row, key=lambda line: line.first)]


def reading_order(lines: list[TextLine]) -> list[TextLine]:
    """From the top; where the page has two columns, the left one before the right one between full-width lines."""
    gutter = find_gutter(lines)
    if gutter is None:
        return _by_rows(lines)
    full = _by_rows([line for line in lines if line.first < gutter - 2 and line.last > gutter + 2])
    edges = [_middle(line) for line in full] + [float("inf")]
    out: list[TextLine] = []
    floor = float("-inf")
    for n, edge in enumerate(edges):
        block = [line for line in lines if line not in full and floor <= _middle(line) < edge]
        for side in (True, False):
            out += _by_rows([line for line in block if (line.last <= gutter + 2) == side])
        if n < len(full):
            out.append(full[n])
        floor = edge
    return out
