"""Text lines on a flat, roughly level page: their middles followed from left to right.

Coordinates are `low_px`: the page at :data:`LOW` times its reading size.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from clausescan.geometry import Points
from clausescan.page import READING_WIDTH

LOW = 1 / 3
"""Scale of the page that lines are looked for on: 683 px wide, where small print is 4 px high."""
_STEP = 8
"""Low px between two places along a line."""
_LEAST = 5
"""Places a line must have to count."""
REACH = 9
"""Low px above and below a line's middle that its profile covers."""
Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Track:
    """A line's middle: (N, 2) points in low px, left to right, `_STEP` apart."""

    points: Points

    @property
    def slope_degrees(self) -> float:
        """Slope of the straight line through it."""
        return float(np.degrees(np.arctan(np.polyfit(self.points[:, 0], self.points[:, 1], 1)[0])))


def ink_map(low: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Print against paper, (H, W) float32, 0 (paper) to 1 (the darkest print nearby); grain and shadows are 0."""
    paper = cv2.morphologyEx(low, cv2.MORPH_CLOSE, np.ones((15, 15), np.uint8))
    paper = cv2.blur(paper, (15, 15)).astype(np.float32)
    dark = np.clip((paper - low) / np.maximum(paper, 16.0), 0, 1)
    top = cv2.dilate(dark, np.ones((9, 9), np.uint8))
    top = cv2.blur(top, (61, 61))
    ink = np.clip(dark / np.maximum(1.2 * top, 0.10) - 0.25, 0, 1)
    h, w = ink.shape
    ink[: h // 100 + 3] = ink[-(h // 100 + 3) :] = 0
    ink[:, : w // 80] = ink[:, -(w // 80) :] = 0
    solid = cv2.morphologyEx((ink > 0.2).astype(np.uint8), cv2.MORPH_OPEN, np.ones((9, 9), np.uint8))
    ink[cv2.dilate(solid, np.ones((15, 15), np.uint8)) > 0] = 0
    long = cv2.morphologyEx((ink > 0.15).astype(np.uint8), cv2.MORPH_OPEN, np.ones((1, 41), np.uint8))
    tall = cv2.morphologyEx((ink > 0.15).astype(np.uint8), cv2.MORPH_OPEN, np.ones((41, 1), np.uint8))
    ink[cv2.dilate(cv2.bitwise_or(long, tall), np.ones((5, 5), np.uint8)) > 0] = 0
    return np.asarray(ink, np.float32)


def find_tracks(low: NDArray[np.uint8]) -> list[Track]:
    """The page's text lines, top to bottom; lines shorter than about 5 letters are left out."""
    ink = ink_map(low)
    smooth = cv2.GaussianBlur(ink, (0, 0), sigmaX=9, sigmaY=1.8)
    columns = np.arange(_STEP // 2, READING_WIDTH * LOW, _STEP).astype(int)
    columns = columns[columns < ink.shape[1]]
    strips = smooth[:, columns].astype(np.float64)
    inner = strips[1:-1]
    is_peak = (inner >= strips[:-2]) & (inner > strips[2:]) & (inner > 0.035)
    open_tracks: list[list[tuple[float, float]]] = []
    done: list[list[tuple[float, float]]] = []
    for n, x in enumerate(columns):
        rows = np.flatnonzero(is_peak[:, n]) + 1
        a, b, c = strips[rows - 1, n], strips[rows, n], strips[rows + 1, n]
        exact = rows + 0.5 * (a - c) / np.minimum(a - 2 * b + c, -1e-9)
        open_tracks, ended = _extend(open_tracks, float(x), exact)
        done += ended
    every = [np.array(t, np.float64) for t in done + open_tracks if len(t) >= _LEAST]
    return [Track(p) for p in sorted(every, key=lambda p: float(p[:, 1].mean()))]


def _extend(
    tracks: list[list[tuple[float, float]]], x: float, peaks: Floats
) -> tuple[list[list[tuple[float, float]]], list[list[tuple[float, float]]]]:
    """Each track goes on at the nearest peak (within 2 px of where it heads); the rest end; free peaks start new ones."""
    taken = np.zeros(len(peaks), bool)
    going, ended = [], []
    for track in tracks:
        ahead = track[-1][1]
        if len(track) >= 4:
            ahead += (track[-1][1] - track[-4][1]) / 3
        k = int(np.argmin(np.abs(peaks - ahead))) if len(peaks) else -1
        if k >= 0 and not taken[k] and abs(peaks[k] - ahead) < 2.0:
            taken[k] = True
            track.append((x, float(peaks[k])))
            going.append(track)
        else:
            ended.append(track)
    going += [[(x, float(y))] for y in peaks[~taken]]
    return going, ended


def unevenness(tracks: list[Track]) -> float:
    """How far lines are from straight and level: the median over lines, weighted by length, of their rms rise, in page px."""
    if not tracks:
        return 0.0
    rms = np.array([float(np.std(t.points[:, 1])) for t in tracks]) / LOW
    weight = np.array([len(t.points) for t in tracks], np.float64)
    order = np.argsort(rms)
    half = np.searchsorted(np.cumsum(weight[order]), weight.sum() / 2)
    return float(rms[order][min(int(half), len(rms) - 1)])


def profile(ink: NDArray[np.float32], track: Track, reach: int = REACH) -> tuple[Floats, slice]:
    """A line's mean ink by height, (2 * reach + 1,), top to bottom along its own curve; and the rows of its x-height.

    `ink`, the track and `reach` are of one scale.
    """
    mean = np.asarray(line_band(ink, track, reach).mean(axis=1), np.float64)
    near = 2 * reach // 9
    first = reach - near
    peak = first + int(np.argmax(mean[first : reach + near + 1]))
    high = mean > 0.5 * mean[peak]
    top = base = peak
    while top > 0 and high[top - 1]:
        top -= 1
    while base < 2 * reach and high[base + 1]:
        base += 1
    return mean, slice(top, base + 1)


def line_band(picture: NDArray[np.float32], track: Track, reach: int = REACH) -> NDArray[np.float32]:
    """The picture along a line, straightened: (2 * reach + 1, length) float32."""
    x = track.points[:, 0]
    xs = np.arange(int(x[0]), int(x[-1]) + 1)
    centre = x.mean()
    ys = np.polyval(np.polyfit(x - centre, track.points[:, 1], min(3, len(x) - 1)), xs - centre)
    rows = np.arange(-reach, reach + 1)
    across = np.repeat(xs[None].astype(np.float32), len(rows), axis=0)
    return np.asarray(cv2.remap(picture, across, (ys[None] + rows[:, None]).astype(np.float32), cv2.INTER_LINEAR), np.float32)
