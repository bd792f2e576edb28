"""Each side of a found sheet followed at higher resolution: sub-pixel edge points, a smooth curve, corners where curves meet."""

from __future__ import annotations

from dataclasses import dataclass, replace

import cv2
import numpy as np
from numpy.typing import NDArray

from clausescan.geometry import Points
from clausescan.rectify.sheet import Sheet

_SAMPLES = 96
"""Places along a side at which its edge is looked for."""
_LONGEST = 1800
"""Longest side, in px, of the copy the fine pass works on."""
_LEAST_SEEN = 0.15
"""Edge support under which a side is left as it was found."""
Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Curve:
    """A side: from `start` along `chord` (2,), off it by a polynomial of t (0 at the start, 1 at the end), `offsets` highest power first.

    Outside `low`..`high`, the part of t that was seen, it goes on straight.
    """

    start: Floats
    chord: Floats
    offsets: Floats
    low: float = 0.0
    high: float = 1.0

    @property
    def normal(self) -> Floats:
        """Unit normal of the chord, (2,), pointing out of a clockwise outline's inside (to the left of its way)."""
        return np.array([self.chord[1], -self.chord[0]]) / float(np.hypot(*self.chord))

    def at(self, t: float) -> tuple[Floats, Floats]:
        """Point (2,) and tangent (2,) at t."""
        inner = float(np.clip(t, self.low, self.high))
        slope = float(np.polyval(np.polyder(self.offsets), inner)) if len(self.offsets) > 1 else 0.0
        off = float(np.polyval(self.offsets, inner)) + slope * (t - inner)
        return self.start + t * self.chord + off * self.normal, self.chord + slope * self.normal


def refine_sides(rgb: NDArray[np.uint8], sheet: Sheet) -> Sheet:
    """The sheet with its corners moved to where its followed sides meet."""
    h, w = rgb.shape[:2]
    corners = sheet.corners_photo_px
    for longest, reach, degree in ((900, 14.0, 3), (_LONGEST, 7.0, 3)):
        scale = min(1.0, longest / max(h, w))
        size = (round(w * scale), round(h * scale))
        picture = cv2.cvtColor(cv2.resize(rgb, size, interpolation=cv2.INTER_AREA), cv2.COLOR_RGB2Lab)
        quad = (corners + 0.5) * scale - 0.5
        curves = [
            _follow(picture, quad[n], quad[(n + 1) % 4], reach, degree) if sheet.sides[n] > _LEAST_SEEN else _straight(quad, n)
            for n in range(4)
        ]
        moved = np.array([_crossing(curves[n - 1], curves[n]) for n in range(4)])
        far = np.linalg.norm(moved - quad, axis=1) > 4 * reach
        moved[far] = quad[far]
        corners = (moved + 0.5) / scale - 0.5
    return replace(sheet, corners_photo_px=corners)


def _straight(quad: Points, n: int) -> Curve:
    return Curve(quad[n], quad[(n + 1) % 4] - quad[n], np.zeros(1))


def _follow(lab: NDArray[np.uint8], start: Floats, end: Floats, reach: float, degree: int) -> Curve:
    """The edge near the straight side from `start` to `end`; that side itself where too little of it is seen."""
    h, w = lab.shape[:2]
    plain = Curve(start, end - start, np.zeros(1))
    t = np.linspace(0.01, 0.99, _SAMPLES)
    points = start + t[:, None] * plain.chord
    seen = (points > 2).all(axis=1) & (points < (w - 3, h - 3)).all(axis=1)
    if seen.sum() < _SAMPLES // 4:
        return plain
    t, points = t[seen], points[seen]
    offsets = np.arange(-reach, reach + 0.01, 0.5)
    strip = _strip(lab, points, plain.normal, offsets)
    response = _response(strip)
    path = _best_path(response)
    exact = offsets[path] + 0.5 * _peak(response, path)
    strength = response[np.arange(len(path)), path]
    return _fit(plain, t, exact, np.clip(strength, 0.05, 1.0), degree)


def _strip(lab: NDArray[np.uint8], points: Points, normal: Floats, offsets: Floats) -> Floats:
    """Lab along the side's normals: (samples, offsets, 3), lightly smoothed along the side."""
    x = (points[:, None, 0] + offsets * normal[0]).astype(np.float32)
    y = (points[:, None, 1] + offsets * normal[1]).astype(np.float32)
    strip = cv2.remap(lab, x, y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE).astype(np.float32)
    return np.asarray(cv2.GaussianBlur(strip, (0, 0), sigmaX=1.0, sigmaY=1.2), np.float64)


def _response(strip: Floats) -> Floats:
    """How like the sheet's edge each place is: (samples, offsets), about 0..1; the colour step in the side's own direction."""
    gap = 3
    step = np.zeros_like(strip)
    step[:, gap:-gap] = strip[:, : -2 * gap] - strip[:, 2 * gap :]
    overall = np.median(strip[:, : strip.shape[1] // 3], axis=(0, 1)) - np.median(strip[:, -(strip.shape[1] // 3) :], axis=(0, 1))
    overall = overall / max(float(np.linalg.norm(overall)), 1e-6)
    value = step @ overall
    limit = max(float(np.percentile(value.max(axis=1), 60)), 1.0)
    return np.asarray(np.clip(value / limit, -0.5, 1.2), np.float64)


def _best_path(response: Floats) -> NDArray[np.intp]:
    """The offset index at each sample (samples,) that follows high response without jumping (dynamic programming)."""
    count, width = response.shape
    jump = 0.25 * np.abs(np.arange(-2, 3))
    total = response[0].copy()
    back = np.zeros((count, width), np.intp)
    for row in range(1, count):
        padded = np.pad(total, 2, constant_values=-1e9)
        choice = np.stack([padded[k : k + width] - jump[k] for k in range(5)])
        best = np.argmax(choice, axis=0)
        back[row] = np.arange(width) + best - 2
        total = choice[best, np.arange(width)] + response[row]
    path = np.zeros(count, np.intp)
    path[-1] = int(np.argmax(total))
    for row in range(count - 1, 0, -1):
        path[row - 1] = back[row, path[row]]
    return path


def _peak(response: Floats, path: NDArray[np.intp]) -> Floats:
    """Sub-sample shift, -0.5..0.5, of the parabola through each path point and its neighbours."""
    rows = np.arange(len(path))
    inner = np.clip(path, 1, response.shape[1] - 2)
    a, b, c = response[rows, inner - 1], response[rows, inner], response[rows, inner + 1]
    bend = a - 2 * b + c
    return np.asarray(np.clip(np.where(bend < -1e-6, 0.5 * (a - c) / np.where(bend < -1e-6, bend, -1), 0.0), -0.5, 0.5), np.float64)


def _fit(plain: Curve, t: Floats, offsets: Floats, weights: Floats, degree: int) -> Curve:
    basis = np.vander(t - 0.5, degree + 1)
    ridge = np.diag([0.02 * 4.0**power if power > 1 else 0.0 for power in range(degree, -1, -1)])
    weight = weights.copy()
    found = np.zeros(degree + 1)
    for _ in range(6):
        found = np.linalg.solve(basis.T @ (weight[:, None] * basis) + ridge, basis.T @ (weight * offsets))
        residual = np.abs(offsets - basis @ found)
        spread = max(1.5 * float(np.median(residual)), 0.3)
        weight = weights / (1 + (residual / spread) ** 2)
    about_start = np.poly1d(found)(np.poly1d([1.0, -0.5])).coeffs if np.any(found) else np.zeros(1)
    return replace(plain, offsets=np.asarray(about_start, np.float64), low=float(t[0]), high=float(t[-1]))


def _crossing(before: Curve, after: Curve) -> Floats:
    """Where the end of one side meets the start of the next, (2,)."""
    t, u = 1.0, 0.0
    point = after.start
    for _ in range(4):
        p, v = before.at(t)
        q, z = after.at(u)
        cross = v[0] * z[1] - v[1] * z[0]
        if abs(cross) < 1e-6:
            return point
        d = q - p
        a = (d[0] * z[1] - d[1] * z[0]) / cross
        point = p + a * v
        t = float(np.clip(t + a, 0.5, 1.5))
        u = float(np.clip(((point - after.start) @ after.chord) / (after.chord @ after.chord), -0.5, 0.5))
    return np.asarray(point, np.float64)
