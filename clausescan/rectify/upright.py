"""Which way is up: whether lines run across or down, then which of the two ways the letters stand."""

from __future__ import annotations

from collections.abc import Callable

import cv2
import numpy as np
from numpy.typing import NDArray

from clausescan.geometry import Points
from clausescan.rectify.light import PAPER
from clausescan.rectify.textlines import LOW, Track, ink_map, profile

Readability = Callable[[NDArray[np.uint8]], float]
CROP = 512
"""Side, in page px, of a crop that the model is asked to read."""
PAGE_REACH = 27
"""Page px above and below a line's middle that its profile covers."""
_SLOPES = np.arange(-6.5, 7.0) * 0.04
"""Slopes that lines are tried at, up to 15 degrees; not 0, since a picture that is not resampled looks sharper than others."""
_SLANTS = np.arange(-43.5, 45.0, 3.0)
"""Angles that lines are tried at, in degrees; with those a quarter turn further they go all round. Not 0, as above."""
_SLANT_SIDE = 480
"""Shorter side in px of the photo on which the text's slant is measured."""
_LEAST_SIDE = 32
"""Px of that photo that the circle must measure."""
_SURE = 0.10
"""Difference of two readings' confidence that settles the question with one crop."""


def across_over_down(low: NDArray[np.uint8]) -> tuple[float, float]:
    """Above 1 where text lines run across, below where they run down, 1 without text; and, of lines across, their slope.

    The slope is dy / dx of most of them, to about 0.01, at most 0.26.
    """
    ink = cv2.resize(ink_map(low), None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA)
    across, down = (_sharpness(np.ascontiguousarray(part, np.float32)) for part in (ink, ink.T))
    k = int(np.clip(np.argmax(across), 1, len(across) - 2))
    a, b, c = across[k - 1 : k + 2]
    shift = float(np.clip(0.5 * (a - c) / min(float(a - 2 * b + c), -1e-9), -1.0, 1.0))
    return float(across.max() + 1e-6) / float(down.max() + 1e-6), float(_SLOPES[k] + shift * (_SLOPES[1] - _SLOPES[0]))


def _sharpness(ink: NDArray[np.float32]) -> NDArray[np.float64]:
    """How sharply lines and the gaps between them part, taken to rise by each of `_SLOPES` to the right: (slopes,)."""
    h, w = ink.shape
    found = []
    for slope in _SLOPES:
        level = cv2.warpAffine(ink, np.array([[1, 0, 0], [-slope, 1, slope * w / 2]]), (w, h), flags=cv2.INTER_LINEAR)
        found.append(_parting(np.asarray(level, np.float32)))
    return np.array(found)


def _parting(level: NDArray[np.float32]) -> float:
    """How sharply rows of ink and the gaps between them part."""
    return float((np.diff(cv2.blur(level, (21, 1)), axis=0) ** 2).sum())


def slant(gray: NDArray[np.uint8], outline: Points) -> tuple[float, float]:
    """How most text lines inside an outline (4, 2) on a photo (H, W) are turned from its rows or columns, and how surely.

    Degrees, clockwise, -45 to 45 and to about 3; and how many times as sharply as along the outline's sides the lines part there.

    Judged within a circle, which holds the same print however it is turned; 0 and 1 where it would be too small.
    """
    scale = _SLANT_SIDE / min(gray.shape)
    size = [max(8, round(n * scale)) for n in gray.shape[::-1]]
    ink = ink_map(np.asarray(cv2.resize(gray, size, interpolation=cv2.INTER_AREA), np.uint8)).astype(np.float32)
    inside = np.zeros(ink.shape, np.uint8)
    cv2.fillConvexPoly(inside, np.round(outline * scale).astype(np.int32), 1)
    inner = np.asarray(cv2.erode(inside, np.ones((9, 9), np.uint8), borderValue=0), np.uint8)  # without the sheet's own edges
    x, y, w, h = cv2.boundingRect(inner)
    side = min(w, h)
    if side < _LEAST_SIDE:
        return 0.0, 1.0
    x, y = x + (w - side) // 2, y + (h - side) // 2
    disc = np.zeros(ink.shape, np.uint8)
    cv2.circle(disc, (x + side // 2, y + side // 2), side // 2, 1, -1)
    cut = np.ascontiguousarray((ink * (inner & disc))[y : y + side, x : x + side])

    def parting(degrees: float) -> float:
        turn = cv2.getRotationMatrix2D(((side - 1) / 2, (side - 1) / 2), degrees, 1.0)
        level = np.asarray(cv2.warpAffine(cut, turn, (side, side), flags=cv2.INTER_LINEAR), np.float32)
        return max(_parting(level), _parting(np.ascontiguousarray(level.T)))

    sharp = [parting(degrees) for degrees in _SLANTS]
    k = int(np.argmax(sharp))
    own = max(parting(degrees if abs(degrees) > 1 else 1.5) for degrees in directions(outline))
    return float(_SLANTS[k]), (sharp[k] + 1e-6) / (own + 1e-6)


def directions(outline: Points) -> tuple[float, float]:
    """How the middle lines across and down an outline (4, 2) are turned from rows or columns: degrees, clockwise, -45 to 45."""
    across = outline[1] + outline[2] - outline[0] - outline[3]
    down = outline[2] + outline[3] - outline[0] - outline[1]
    turned = [float(np.degrees(np.arctan2(v[1], v[0]))) for v in (across, down)]
    return tuple((degrees + 45) % 90 - 45 for degrees in turned)  # type: ignore[return-value]


def standing(page: NDArray[np.uint8], tracks: list[Track]) -> float:
    """Above 0 where letters stand, below where they hang, about -1..1. `page` is at reading size, evenly lit.

    Two signs of English print: more ink rises above x-height than falls below the baseline, and lines start in step but end
    raggedly.
    """
    ink = np.maximum(PAPER - 10 - page.astype(np.float32), 0)
    balance, mass = 0.0, 1e-6
    for track in tracks:
        rows, core = profile(ink, Track((track.points + 0.5) / LOW - 0.5), PAGE_REACH)
        reach = max(2, (core.stop - core.start) * 11 // 20)
        above = float(rows[max(0, core.start - reach) : core.start].sum())
        below = float(rows[core.stop : core.stop + reach].sum())
        balance += (above - below) * len(track.points)
        mass += (above + below) * len(track.points)
    starts, ends = (_in_step(np.array([t.points[k, 0] for t in tracks if len(t.points) > 9])) for k in (0, -1))
    return balance / mass + 0.5 * (starts - ends) / (starts + ends + 20)


def _in_step(places: NDArray[np.float64]) -> int:
    """How many ordered pairs of lines begin (or end) at one place, to 9 low px."""
    return int((np.abs(places[:, None] - places) < 9).sum()) - len(places)


def text_rich_crops(page: NDArray[np.uint8], count: int = 2) -> list[NDArray[np.uint8]]:
    """The `count` crops of up to CROP x CROP px with the most print, not overlapping."""
    h, w = page.shape
    side = min(CROP, h, w)
    small = cv2.resize(page, (w // 4, h // 4), interpolation=cv2.INTER_AREA)
    mass = cv2.blur(np.abs(cv2.Laplacian(small, cv2.CV_32F)), (side // 4, side // 4))
    crops = []
    for _ in range(count):
        inner = mass[side // 8 : mass.shape[0] - side // 8 + 1, side // 8 : mass.shape[1] - side // 8 + 1]
        y, x = (int(v) for v in np.unravel_index(int(np.argmax(inner)), inner.shape))
        y0, x0 = min(4 * y, h - side), min(4 * x, w - side)
        crops.append(page[y0 : y0 + side, x0 : x0 + side])
        mass[max(0, y - side // 8) : y + side * 3 // 8, max(0, x - side // 8) : x + side * 3 // 8] = -1
    return crops


def hangs(page: NDArray[np.uint8], readability: Readability) -> tuple[bool, float, float]:
    """Whether the page is upside down by the model's own confidence; and that confidence as it lies, and turned."""
    asis, turned = [], []
    for crop in text_rich_crops(page):
        asis.append(readability(crop))
        turned.append(readability(np.ascontiguousarray(crop[::-1, ::-1])))
        if abs(asis[0] - turned[0]) > _SURE:
            break
    return float(np.mean(turned)) > float(np.mean(asis)), float(np.mean(asis)), float(np.mean(turned))
