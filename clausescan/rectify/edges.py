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
_T = np.linspace(0, 1, _SAMPLES)
_PASSES = ((900, 14.0, 200.0), (1800, 7.0, 30.0))
"""For each pass: the longest side, in px, of the copy it works on, how far from the side it looks, and the curve's stiffness."""
_FAR = 0.5
"""Part of its reach that a side may move; one that moved more may not have got there yet and is followed once more."""
_LEAST_SEEN = 0.15
"""Edge support under which a side is left as it was found."""
_RIGID = 100.0
"""Times stiffer than elsewhere a side is where it goes on unseen."""
_CORNER, _LEAN = 4, 2
"""Samples unseen at an end that are too few to matter; seen samples that one unseen sample leans on."""
Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Curve:
    """A side: from `start` along `chord` (2,), off it by `offsets` (_SAMPLES,) px at even steps of t, 0 to 1.

    Beyond its ends it goes on straight.
    """

    start: Floats
    chord: Floats
    offsets: Floats

    @property
    def normal(self) -> Floats:
        """Unit normal of the chord, (2,), pointing out of a clockwise outline."""
        return np.array([self.chord[1], -self.chord[0]]) / float(np.hypot(*self.chord))

    def points(self) -> Points:
        """The curve at even steps of t, (_SAMPLES, 2)."""
        return self.start + _T[:, None] * self.chord + self.offsets[:, None] * self.normal

    def at(self, t: float) -> tuple[Floats, Floats]:
        """Point (2,) and tangent (2,) at t."""
        last = _SAMPLES - 1
        k = int(np.clip(np.floor(t * last), 0, last - 1))
        near = slice(max(0, k - 2), min(last, k + 3) + 1)
        slope, off = np.polyfit(_T[near] - t, self.offsets[near], 1)
        if 0 <= t <= 1:
            off = float(np.interp(t, _T, self.offsets))
        return self.start + t * self.chord + off * self.normal, self.chord + slope * self.normal

    def scaled(self, factor: float) -> Curve:
        """The same side on a copy of the photo `factor` times as large."""
        return Curve((self.start + 0.5) * factor - 0.5, self.chord * factor, self.offsets * factor)


def refine_sides(rgb: NDArray[np.uint8], sheet: Sheet) -> Sheet:
    """The sheet with its corners moved to where its followed sides meet."""
    h, w = rgb.shape[:2]
    corners = sheet.corners_photo_px
    curves = [Curve(corners[n], corners[(n + 1) % 4] - corners[n], np.zeros(_SAMPLES)) for n in range(4)]
    for longest, reach, stiffness in _PASSES:
        scale = min(1.0, longest / max(h, w))
        size = (round(w * scale), round(h * scale))
        picture = np.asarray(cv2.cvtColor(cv2.resize(rgb, size, interpolation=cv2.INTER_AREA), cv2.COLOR_RGB2Lab), np.uint8)
        for n in range(4):
            if sheet.sides[n] > _LEAST_SEEN:
                before = curves[n].scaled(scale)
                after = _follow(picture, before, reach, stiffness)
                if float(np.abs(after.offsets - before.offsets).max()) > _FAR * reach:
                    after = _follow(picture, after, reach, stiffness)
                curves[n] = after.scaled(1 / scale)
    moved = np.array([_crossing(curves[n - 1], curves[n]) for n in range(4)])
    far = np.linalg.norm(moved - corners, axis=1) > 0.05 * max(h, w)
    moved[far] = corners[far]
    return replace(sheet, corners_photo_px=moved)


def _follow(lab: NDArray[np.uint8], side: Curve, reach: float, stiffness: float) -> Curve:
    """The edge within `reach` px of the side; that side itself where too little of it is seen."""
    h, w = lab.shape[:2]
    points = side.points()
    seen = np.asarray((points > 2).all(axis=1) & (points < (w - 3, h - 3)).all(axis=1), np.bool_)
    seen[[0, -1]] = False
    if seen.sum() < _SAMPLES // 4:
        return side
    places = np.flatnonzero(seen)
    offsets = np.arange(-reach, reach + 0.01, 0.5)
    response = _response(_strip(lab, points[places], side.normal, offsets))
    path = _best_path(response)
    exact = offsets[path] + 0.5 * _peak(response, path)
    strength = np.clip(response[np.arange(len(path)), path], 0.05, 1.0)
    return replace(side, offsets=_smoothed(side.offsets[places] + exact, strength, places, stiffness * _rigidity(places)))


def _rigidity(places: NDArray[np.intp]) -> Floats:
    """What to multiply the stiffness at each inner sample by, (_SAMPLES - 2,): much where a side goes on unseen.

    What is not seen at an end, n samples, goes on straight from the nearest `_LEAN` * n that are seen, taken together: a few
    would lend it a chance direction, all would not let the rest of the side bend.
    """
    rigid = np.ones(_SAMPLES - 2)
    before, after = int(places[0]) - 1, _SAMPLES - 2 - int(places[-1])
    if before > _CORNER:
        rigid[: before + _LEAN * before] = _RIGID
    if after > _CORNER:
        rigid[max(0, len(rigid) - after - _LEAN * after) :] = _RIGID
    return rigid


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
    jump = 0.15 * np.abs(np.arange(-3, 4))
    total = response[0].copy()
    back = np.zeros((count, width), np.intp)
    for row in range(1, count):
        padded = np.pad(total, 3, constant_values=-1e9)
        choice = np.stack([padded[k : k + width] - jump[k] for k in range(7)])
        best = np.argmax(choice, axis=0)
        back[row] = np.arange(width) + best - 3
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
    bent = bend < -1e-6
    shift = np.where(bent, 0.5 * (a - c) / np.where(bent, bend, -1), 0.0)
    return np.asarray(np.clip(shift, -0.5, 0.5), np.float64)


def _smoothed(offsets: Floats, weights: Floats, places: NDArray[np.intp], stiffness: Floats) -> Floats:
    """Offsets (_SAMPLES,) of a smooth side through those seen at `places`; straight on where nothing is seen.

    Whittaker's smoother, reweighted against outliers.
    """
    bend = np.diff(np.eye(_SAMPLES), 2, axis=0)
    fixed = bend.T @ (stiffness[:, None] * bend) + 1e-9 * np.eye(_SAMPLES)
    weight = weights.copy()
    found = np.zeros(_SAMPLES)
    for _ in range(6):
        full, goal = np.zeros(_SAMPLES), np.zeros(_SAMPLES)
        full[places], goal[places] = weight, weight * offsets
        found = np.asarray(np.linalg.solve(fixed + np.diag(full), goal), np.float64)
        residual = np.abs(offsets - found[places])
        spread = max(2.0 * float(np.median(residual)), 0.4)
        weight = weights / (1 + (residual / spread) ** 2)
    return found


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
