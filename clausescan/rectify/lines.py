"""Straight lines that may be a sheet's sides: found in a small copy of the photo, merged, each with its edge support.

All coordinates are `small_px`: pixels of the small copy.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from clausescan.geometry import Points

NEAR, FAR = 2.5, 6.0
"""Distances from a line, in small px, at which the colours on its two sides are compared."""
STEP = 3.0
"""Distance between two samples along a line, in small px."""
_KEEP = 14
"""Lines kept for each of the two directions."""
Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Line:
    """A line through `point` (2,) along the unit vector `along` (2,), with running sums of its edge support.

    `totals` is (M+1, 4): running sums, over samples `STEP` apart from `first` on, of the bounded colour step across the
    line (3 Lab components, each vector at most 1 long) and of the number of samples.
    """

    point: Floats
    along: Floats
    first: float
    totals: Floats

    @property
    def inside(self) -> int:
        """How many samples lie within the picture."""
        return len(self.totals) - 1


def without_text(lab: NDArray[np.uint8]) -> NDArray[np.float32]:
    """(H, W, 3) uint8 Lab to float32, with print closed over and grain smoothed; straight edges stay where they are."""
    light = cv2.morphologyEx(lab[..., 0], cv2.MORPH_CLOSE, np.ones((7, 7), np.uint8))
    parts = [cv2.medianBlur(light, 3), cv2.medianBlur(lab[..., 1], 7), cv2.medianBlur(lab[..., 2], 7)]
    smooth = np.asarray(cv2.GaussianBlur(cv2.merge(parts).astype(np.float32), (0, 0), 1.0), np.float32)
    smooth[..., 1:] *= 1.5
    return smooth


def colour_step(field: NDArray[np.float32], points: Points, normal: Floats, reach: float) -> Floats:
    """Colour at `reach` on one side minus on the other: (N, 3), for (N, 2) points and a normal (2,) or (N, 2)."""
    sides = [
        cv2.remap(field, *_split(points + sign * reach * normal), cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)[0]
        for sign in (1.0, -1.0)
    ]
    return np.asarray(sides[0] - sides[1], np.float64)


def _split(points: Points) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    return points[None, :, 0].astype(np.float32), points[None, :, 1].astype(np.float32)


def texture(field: NDArray[np.float32]) -> float:
    """The colour step that chance alone makes: the median over the picture, bounded to 1.5..6 Lab units."""
    d = np.abs(field[::4, 8::4] - field[::4, :-8:4]).sum(axis=2)
    return float(np.clip(2.0 * np.median(d), 2.0, 7.0))


def segments(field: NDArray[np.float32], masks: list[NDArray[np.uint8]]) -> Floats:
    """Line segments (N, 4) x0 y0 x1 y1 of the picture, of its colour, and of the masks (0 or 255) of likely sheets."""
    detector = cv2.createLineSegmentDetector(cv2.LSD_REFINE_NONE, 0.8)
    pictures = [*masks]
    base = cv2.blur(field, (81, 81))
    relief = field - base
    pictures.append(np.asarray(np.clip(relief[..., 0] * 5 + 128, 0, 255), np.uint8))
    chroma = relief[..., 1:].reshape(-1, 2)
    _, vectors = np.linalg.eigh(chroma[::7].T @ chroma[::7])
    colour = np.asarray(chroma @ vectors[:, -1], np.float32).reshape(field.shape[:2])
    if float(np.std(colour)) > 0.8:
        pictures.append(np.asarray(np.clip(colour * 6 + 128, 0, 255), np.uint8))
    found = [np.zeros((0, 4))]
    for picture in pictures:
        lines = detector.detect(cv2.copyMakeBorder(picture, 2, 2, 2, 2, cv2.BORDER_REPLICATE))[0]
        if lines is not None:
            found.append(lines.reshape(-1, 4).astype(np.float64) - 2)
    every = np.concatenate(found)
    length = np.hypot(every[:, 2] - every[:, 0], every[:, 3] - every[:, 1])
    return np.asarray(every[length > 0.03 * max(field.shape[:2])], np.float64)


def merge(pieces: Floats) -> list[tuple[Floats, Floats, float]]:
    """Segments on one line joined: a list of (point, unit direction, length in small px), longest first."""
    lengths = np.hypot(pieces[:, 2] - pieces[:, 0], pieces[:, 3] - pieces[:, 1])
    order = np.argsort(-lengths)[:400]
    pieces, lengths = pieces[order], lengths[order]
    free = np.ones(len(pieces), bool)
    ends = pieces.reshape(-1, 2, 2)
    along = (ends[:, 1] - ends[:, 0]) / np.maximum(lengths[:, None], 1e-6)
    out: list[tuple[Floats, Floats, float]] = []
    for i in range(len(pieces)):
        if not free[i]:
            continue
        point, way = ends[i].mean(axis=0), along[i]
        members = np.zeros(len(pieces), bool)
        for _ in range(3):
            normal = np.array([-way[1], way[0]])
            off = np.abs((ends - point) @ normal).max(axis=1)
            members = free & (off < 4.0) & (np.abs(along @ normal) < 0.06)
            members[i] = True
            point, way = _fit(ends[members].reshape(-1, 2), np.repeat(lengths[members], 2))
        free &= ~members
        out.append((point, way, float(lengths[members].sum())))
    return sorted(out, key=lambda line: -line[2])


def _fit(points: Points, weights: Floats) -> tuple[Floats, Floats]:
    centre = np.average(points, axis=0, weights=weights)
    spread = (points - centre) * weights[:, None]
    _, vectors = np.linalg.eigh(spread.T @ (points - centre))
    return centre, np.asarray(vectors[:, -1], np.float64)


def measured(field: NDArray[np.float32], point: Floats, along: Floats, scale: float) -> Line | None:
    """The line with its support measured all across the picture; None where it does not cross the picture.

    `scale` is the colour step that counts as half an edge.
    """
    h, w = field.shape[:2]
    low, high = -1e9, 1e9
    for axis, size in ((0, w - 1.0), (1, h - 1.0)):
        if abs(along[axis]) > 1e-9:
            a, b = sorted(((0 - point[axis]) / along[axis], (size - point[axis]) / along[axis]))
            low, high = max(low, a), min(high, b)
        elif not 0 <= point[axis] <= size:
            return None
    count = int((high - low) / STEP)
    if count < 8:
        return None
    t = low + STEP * (np.arange(count) + 0.5)
    points = point + t[:, None] * along
    normal = np.array([-along[1], along[0]])
    step = 0.5 * (colour_step(field, points, normal, NEAR) + colour_step(field, points, normal, FAR))
    bounded = step / (scale + np.linalg.norm(step, axis=1, keepdims=True))
    return Line(point, along, low, np.r_[np.zeros((1, 4)), np.cumsum(np.c_[bounded, np.ones(count)], axis=0)])


def frame_lines(width: int, height: int) -> list[Line]:
    """The picture's own four sides: left, right (upright), top, bottom (level); without support."""
    nothing = np.zeros((1, 4))
    across, down = np.array([1.0, 0.0]), np.array([0.0, 1.0])
    return [
        Line(np.array([0.0, 0.0]), down, 0.0, nothing),
        Line(np.array([width - 1.0, 0.0]), down, 0.0, nothing),
        Line(np.array([0.0, 0.0]), across, 0.0, nothing),
        Line(np.array([0.0, height - 1.0]), across, 0.0, nothing),
    ]


def two_directions(field: NDArray[np.float32], masks: list[NDArray[np.uint8]], scale: float) -> tuple[list[Line], list[Line]]:
    """The likeliest sides, in two groups about square to each other: level ones, then upright ones, frame sides included."""
    h, w = field.shape[:2]
    joined = merge(segments(field, masks))[:80]
    angle = np.array([np.arctan2(line[1][1], line[1][0]) for line in joined])
    weight = np.array([line[2] for line in joined])
    main = float(np.angle(np.sum(weight * np.exp(4j * angle)))) / 4 if len(joined) else 0.0
    main = 0.0 if abs(main) < np.pi / 9 else main
    groups: tuple[list[Line], list[Line]] = ([], [])
    strength: tuple[list[float], list[float]] = ([], [])
    for (point, along, length), a in zip(joined, angle, strict=True):
        group = 0 if abs(np.cos(a - main)) > np.sqrt(0.5) else 1
        line = measured(field, point, along, scale)
        if line is not None:
            steps = np.linalg.norm(np.diff(line.totals[:, :3], axis=0), axis=1)
            groups[group].append(line)
            strength[group].append(length * 0.5 + STEP * float(steps.sum()))
    sides = frame_lines(w, h)
    best = [[groups[g][i] for i in np.argsort(strength[g])[::-1][:_KEEP]] for g in (0, 1)]
    return best[0] + sides[2:], best[1] + sides[:2]
