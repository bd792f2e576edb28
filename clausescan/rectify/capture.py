"""What is wrong with a capture, and where; and whether there is any print at all."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from clausescan.geometry import PointMap, Points, box_quad
from clausescan.page import READING_WIDTH, Defect
from clausescan.rectify.textlines import LOW, Track, ink_map, line_band, profile

_FAINT = 0.12
"""Darkness, as a part of the paper's, under which marks are not taken for print."""
_SMALL_PRINT = 9.0
"""x-height in photo px under which letters are hard to tell apart; at half of it none can be read."""
_SHARP, _ILLEGIBLE = 0.42, 0.8
"""Width of the letters' edges over their height: sharp below the first, illegible from the second on."""
_PART = 0.15
"""Part of a page's lines that may be hard to read before it counts."""
_HIDES = 0.5
"""Severity of what may hide a clause."""
_AT_BORDER = 0.01
"""Distance from the frame, as a part of its longer side, at which a side of the sheet is the frame's own."""
_PIECE = 6
"""Points of a track, about 7 % of the page's width, that are judged at once to be letters or a leader's dots."""
_LEADER, _LETTERED = 0.55, 0.7
"""Of a line's usual letters, the height under which a piece is a leader; and the part of pieces from which a line has none."""
_LONG = 0.25
"""Part of the page's width."""
_PARALLEL = 1.2
"""Degrees by which neighbouring lines of print may differ in slope."""
Floats = NDArray[np.float64]


def printed(low: NDArray[np.uint8], tracks: list[Track]) -> list[Track]:
    """The tracks that are lines of print: dark enough against paper and its grain, and broken into letters."""
    paper = cv2.blur(cv2.morphologyEx(low, cv2.MORPH_CLOSE, np.ones((15, 15), np.uint8)), (15, 15)).astype(np.float32)
    dark = np.asarray((paper - low) / np.maximum(paper, 16.0), np.float32)
    grain = float(np.median(np.abs(dark - cv2.GaussianBlur(dark, (0, 0), 3))))
    out = []
    for track in tracks:
        along = line_band(dark, track)[6:13].mean(axis=0)
        depth = float(np.percentile(along, 85) - np.percentile(along, 5))
        if depth < max(0.5 * _FAINT, 3 * grain):
            continue
        on = along > np.percentile(along, 5) + 0.5 * depth
        changes = int((on[1:] != on[:-1]).sum())
        if changes / len(on) > 0.06:
            out.append(track)
    return out


def parallel(tracks: list[Track]) -> bool:
    """Whether tracks run alike, as a page's lines do; those that chance finds in a texture run each its own way.

    Each is held against those next above and below it, so that lines fanned out by a view or a curl still count. One or two have
    nothing to be held against, and must be long.
    """
    if len(tracks) < 3:
        return any(float(np.ptp(t.points[:, 0])) > _LONG * LOW * READING_WIDTH for t in tracks)
    return disagreement(tracks) < _PARALLEL


def disagreement(tracks: list[Track]) -> float:
    """Median over the tracks of the difference of slope, in degrees, to the median of 8 neighbours; 0 below 3 tracks."""
    if len(tracks) < 3:
        return 0.0
    middles = np.array([t.points.mean(axis=0) for t in tracks])
    slopes = np.array([t.slope_degrees for t in tracks])
    apart = np.linalg.norm(middles[:, None] - middles, axis=2)
    near = np.argsort(apart, axis=1)[:, 1:9]
    length = np.array([len(t.points) for t in tracks])
    return float(np.median(np.repeat(np.abs(slopes - np.median(slopes[near], axis=1)), length)))


def letter_height(low: NDArray[np.uint8], tracks: list[Track]) -> float:
    """The median x-height in page px, from the lines' profiles without their leaders; 0 without lines."""
    ink = ink_map(low)
    heights = [core.stop - core.start for _, core in (profile(ink, part) for t in tracks for part in _without_leaders(ink, t))]
    return float(np.median(heights)) / LOW if heights else 0.0


def _without_leaders(ink: NDArray[np.float32], track: Track) -> list[Track]:
    """The track, or, where a good part of it is dots or a rule, what of it is letters, each part at most `_PIECE` points long."""
    if len(track.points) < 2 * _PIECE:
        return [track]
    pieces = [Track(points) for points in np.array_split(track.points, len(track.points) // _PIECE)]
    heights = np.array([core.stop - core.start for _, core in (profile(ink, piece) for piece in pieces)])
    letters = heights > _LEADER * np.percentile(heights, 80)
    if letters.mean() > _LETTERED:
        return [track]
    return [piece for piece, kept in zip(pieces, letters, strict=True) if kept]


def defects(
    page: NDArray[np.uint8],
    low: NDArray[np.uint8],
    tracks: list[Track],
    to_page: PointMap,
    corners: Points,
    sides: tuple[bool, ...],
    size: tuple[int, int],
) -> tuple[Defect, ...]:
    """All that is wrong with a capture. `page` (not yet evened) and `low` show the page, `size` is the photo's (w, h).

    `sides` says which of the sheet's sides, in the order of its `corners`, were seen.
    """
    height = letter_height(low, tracks)
    found = [
        _too_small(height, tracks, to_page),
        _blurred(page, tracks, height, to_page),
        _too_dark(low),
        _glare(low, to_page),
        _cut_off(tracks, to_page, corners, sides, size),
    ]
    return tuple(d for d in found if d is not None)


def _severity(value: float, fine: float, hopeless: float) -> float:
    return float(np.clip((value - fine) / (hopeless - fine), 0, 1))


def _text_quad(tracks: list[Track], to_page: PointMap) -> Points:
    points = np.concatenate([t.points for t in tracks]) / LOW
    low, high = points.min(axis=0) - 30, points.max(axis=0) + 30
    return to_page.inverse(box_quad((float(low[0]), float(low[1]), float(high[0]), float(high[1]))))


def _too_small(height: float, tracks: list[Track], to_page: PointMap) -> Defect | None:
    if not tracks:
        return None
    middles = np.array([t.points[len(t.points) // 2] for t in tracks]) / LOW
    step = np.linalg.norm(to_page.inverse(middles + np.array([0.0, 1.0])) - to_page.inverse(middles), axis=1)
    severity = _severity(-height * float(np.median(step)), -_SMALL_PRINT, -_SMALL_PRINT / 2)
    return Defect("letters_too_small", severity, _text_quad(tracks, to_page)) if severity > 0 else None


def edge_width(page: NDArray[np.uint8], tracks: list[Track], height: float) -> Floats:
    """Width in page px of the letters' edges, line by line: contrast over steepest slope."""
    widths = []
    for track in tracks:
        x0, x1 = (int(track.points[k, 0] / LOW) for k in (0, -1))
        y = int(np.median(track.points[:, 1]) / LOW)
        reach = int(height) + 4
        strip = page[max(0, y - reach) : y + reach, x0:x1].astype(np.float32)
        if strip.shape[0] < 5 or strip.shape[1] < 20:
            continue
        across, down = (np.abs(cv2.Sobel(strip, cv2.CV_32F, dx, 1 - dx, scale=0.125)) for dx in (1, 0))
        slope = np.maximum(across, down)
        contrast = float(np.percentile(strip, 90) - np.percentile(strip, 2))
        widths.append(contrast / max(float(np.percentile(slope, 98.5)), 0.5))
    return np.array(widths)


def _blurred(page: NDArray[np.uint8], tracks: list[Track], height: float, to_page: PointMap) -> Defect | None:
    widths = edge_width(page, tracks, height)
    if not len(widths):
        return None
    relative = widths / max(height, 8.0)
    severity = _severity(float(np.median(relative)), _SHARP, _ILLEGIBLE)
    if float((relative > (_SHARP + _ILLEGIBLE) / 2).mean()) > _PART:  # a sharp page with a part that can hardly be read
        severity = max(severity, _HIDES)
    return Defect("blurred", severity, _text_quad(tracks, to_page)) if severity > 0 else None


def _too_dark(low: NDArray[np.uint8]) -> Defect | None:
    severity = _severity(-float(np.percentile(low, 75)), -70, -25)
    return Defect("too_dark", severity) if severity > 0 else None


def _glare(low: NDArray[np.uint8], to_page: PointMap) -> Defect | None:
    """A burnt-out spot: white to the limit over a part of a page whose paper is darker elsewhere."""
    burnt = cv2.morphologyEx((low >= 252).astype(np.uint8), cv2.MORPH_OPEN, np.ones((15, 15), np.uint8))
    count, _, stats, _ = cv2.connectedComponentsWithStats(burnt)
    if count < 2 or float(np.median(low)) > 240:
        return None
    x, y, w, h, area = (int(v) for v in stats[1 + int(np.argmax(stats[1:, cv2.CC_STAT_AREA]))])
    severity = _severity(area / low.size, 0.005, 0.15)
    quad = to_page.inverse(box_quad((x / LOW, y / LOW, (x + w) / LOW, (y + h) / LOW)))
    return Defect("glare", severity, quad) if severity > 0 else None


def _cut_off(
    tracks: list[Track], to_page: PointMap, corners: Points, sides: tuple[bool, ...], size: tuple[int, int]
) -> Defect | None:
    """The sheet leaves the frame, a side of a sheet that is seen is the frame's, or lines of print run up to the border."""
    limit = np.array(size, np.float64)
    over = np.maximum(np.maximum(-corners, corners - limit), 0) / limit.max()
    severity = _severity(float(over.max()), 0.004, 0.25)
    if sum(sides) >= 2:
        outside = [corners < _AT_BORDER * limit.max(), corners > limit - 1 - _AT_BORDER * limit.max()]
        for n, seen in enumerate(sides):
            side = [n, (n + 1) % 4]
            if not seen and any(beyond[side].all(axis=0).any() for beyond in outside):
                severity = max(severity, _HIDES)
    if tracks:
        ends = to_page.inverse(np.concatenate([t.points[[0, -1]] for t in tracks]) / LOW)
        near = np.minimum(ends, limit - 1 - ends).min(axis=1) < 0.012 * limit.max()
        if near.sum() >= 3:
            severity = max(severity, 0.3 + 0.7 * float(near.mean()))
    if severity <= 0:
        return None
    return Defect("cut_off", severity, np.clip(corners, 0, limit - 1))
