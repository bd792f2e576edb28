"""The sheet on the photo: candidates from colour, lines and text, one score for all, then each side refined.

Works on a small copy (`small_px`, longest side :data:`SMALL`); the answer is in `photo_px`.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from clausescan.geometry import Points
from clausescan.rectify.lines import Line, texture, two_directions, without_text

SMALL = 800
"""Longest side, in px, of the copy on which the sheet is looked for."""
NEUTRAL = 0.30
"""Support given to a part of a side that the frame hides: less than a seen edge, more than a missing one."""
_SHORTLIST = 40
Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Sheet:
    """A sheet's outline, (4, 2) clockwise on the photo from its upper left corner as the photo lies."""

    corners_photo_px: Points
    score: float
    sides: tuple[float, ...]
    """Edge support of the top, right, bottom and left side, 0..1; 0 where the frame stands for the side."""


def small_copy(rgb: NDArray[np.uint8]) -> tuple[NDArray[np.uint8], float]:
    """The photo shrunk to `SMALL` (never enlarged), and small px a photo px."""
    h, w = rgb.shape[:2]
    scale = min(1.0, SMALL / max(h, w))
    size = (max(16, round(w * scale)), max(16, round(h * scale)))
    return np.asarray(cv2.resize(rgb, size, interpolation=cv2.INTER_AREA), np.uint8), scale


def ink(gray: NDArray[np.uint8], reach: int = 11) -> NDArray[np.float32]:
    """How much darker than its surroundings each pixel is, as a part of them: (H, W) float32, 0..1."""
    paper = cv2.morphologyEx(gray, cv2.MORPH_CLOSE, np.ones((reach, reach), np.uint8))
    paper = cv2.blur(paper, (reach, reach)).astype(np.float32)
    return np.asarray(np.clip((paper - gray) / np.maximum(paper, 16.0), 0, 1), np.float32)


def text_mass(gray: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Where print lies: (H, W) float32, 0 or 1, from dense, contrasty, fine dark marks."""
    marks = (ink(gray) > 0.10).astype(np.float32)
    dense = cv2.blur(marks, (25, 25))
    fine = cv2.blur(np.abs(cv2.Laplacian(gray, cv2.CV_32F)), (25, 25))
    return np.asarray(((dense > 0.10) & (dense < 0.75) & (fine > 5.0)).astype(np.float32) * marks)


def colour_masks(field: NDArray[np.float32]) -> list[NDArray[np.uint8]]:
    """Likely sheets (0 or 255) by colour: what differs from the border, and what a GrabCut from there keeps."""
    h, w = field.shape[:2]
    scale = 220 / max(h, w)
    low = cv2.resize(field, (round(w * scale), round(h * scale)), interpolation=cv2.INTER_AREA)
    lh, lw = low.shape[:2]
    border = np.concatenate([low[:4].reshape(-1, 3), low[-4:].reshape(-1, 3), low[:, :4].reshape(-1, 3), low[:, -4:].reshape(-1, 3)])
    _, _, centres = cv2.kmeans(border, 3, None, (3, 10, 1.0), 1, cv2.KMEANS_PP_CENTERS)
    far = np.min(np.linalg.norm(low[:, :, None] - centres[None, None], axis=3), axis=2)
    level = cv2.normalize(far, None, 0, 255, cv2.NORM_MINMAX).astype(np.uint8)
    _, mask = cv2.threshold(level, 0, 255, cv2.THRESH_BINARY + cv2.THRESH_OTSU)
    out = [_biggest(mask)]
    seed = np.full((lh, lw), cv2.GC_PR_BGD, np.uint8)
    seed[out[0] > 0] = cv2.GC_PR_FGD
    seed[lh // 4 : 3 * lh // 4, lw // 4 : 3 * lw // 4] = cv2.GC_PR_FGD
    seed[lh * 2 // 5 : lh * 3 // 5, lw * 2 // 5 : lw * 3 // 5] = cv2.GC_FGD
    seed[:3] = seed[-3:] = np.where(seed[:3] == cv2.GC_PR_FGD, cv2.GC_PR_FGD, cv2.GC_PR_BGD)
    if (seed % 2 == 0).any():
        cv2.setRNGSeed(7)
        bytes_ = np.clip(low, 0, 255).astype(np.uint8)
        cv2.grabCut(bytes_, seed, None, np.zeros((1, 65)), np.zeros((1, 65)), 2, cv2.GC_INIT_WITH_MASK)
        out.append(_biggest(np.where(seed % 2 == 1, 255, 0).astype(np.uint8)))
    return [cv2.resize(m, (w, h), interpolation=cv2.INTER_CUBIC) for m in out]


def _biggest(mask: NDArray[np.uint8]) -> NDArray[np.uint8]:
    mask = cv2.morphologyEx(mask, cv2.MORPH_OPEN, np.ones((3, 3), np.uint8))
    count, labels, stats, _ = cv2.connectedComponentsWithStats(mask)
    if count < 2:
        return np.zeros_like(mask)
    best = 1 + int(np.argmax(stats[1:, cv2.CC_STAT_AREA]))
    return cv2.morphologyEx(np.where(labels == best, 255, 0).astype(np.uint8), cv2.MORPH_CLOSE, np.ones((9, 9), np.uint8))


def meeting(a: Line, b: Line) -> Floats | None:
    """Where two lines meet, (2,); None for nearly parallel ones."""
    cross = a.along[0] * b.along[1] - a.along[1] * b.along[0]
    if abs(cross) < 0.3:
        return None
    d = b.point - a.point
    return np.asarray(a.point + a.along * ((d[0] * b.along[1] - d[1] * b.along[0]) / cross), np.float64)


def side_support(line: Line, a: Floats, b: Floats) -> tuple[float, Floats]:
    """Support of the side from `a` to `b`, 0..1, less what goes on beyond its ends; and the colour step (3,)."""
    ta, tb = float((a - line.point) @ line.along), float((b - line.point) @ line.along)
    step, seen = line.support(ta, tb)
    length = tb - ta
    beyond = 0.0
    for end, way in ((tb, length), (ta, -length)):
        more, part = line.support(end + 0.03 * way, end + 0.15 * way)
        if part > 0.5:
            beyond += 0.5 * float(np.linalg.norm(more))
    value = float(np.linalg.norm(step))
    return seen * (value - 0.4 * min(beyond, value)) + (1 - seen) * NEUTRAL, step * np.sign(length)


def outline_quads(level: list[Line], upright: list[Line], width: int, height: int) -> list[tuple[float, Points, tuple[float, ...]]]:
    """All plausible outlines made of two lines of each group: (score, corners (4, 2), support of each side), best first."""
    out: list[tuple[float, Points, tuple[float, ...]]] = []
    meet = [[meeting(a, b) for b in upright] for a in level]
    margin = 0.25 * max(width, height)
    for i, top in enumerate(level):
        for j, bottom in enumerate(level):
            for k, left in enumerate(upright):
                for m, right in enumerate(upright):
                    if i == j or k == m:
                        continue
                    points = (meet[i][k], meet[i][m], meet[j][m], meet[j][k])
                    if any(p is None for p in points):
                        continue
                    quad = np.array(points, np.float64)
                    if (quad < -margin).any() or (quad > (width + margin, height + margin)).any() or not plausible(quad, width * height):
                        continue
                    sides = []
                    for n, line in enumerate((top, right, bottom, left)):
                        sides.append(side_support(line, quad[n], quad[(n + 1) % 4])[0])
                    lengths = np.linalg.norm(np.roll(quad, -1, axis=0) - quad, axis=1)
                    score = 0.5 * float(np.average(sides, weights=lengths)) + 0.5 * float(np.mean(np.sort(sides)[:2]))
                    out.append((score, quad, tuple(sides)))
    return sorted(out, key=lambda entry: -entry[0])


def plausible(quad: Points, frame_area: float) -> bool:
    """Clockwise, convex, corners of 50 to 130 degrees, sides of one kind not too unlike, at least a tenth of the frame."""
    edge = np.roll(quad, -1, axis=0) - quad
    length = np.linalg.norm(edge, axis=1)
    if length.min() < 20:
        return False
    unit = edge / length[:, None]
    after = np.roll(unit, -1, axis=0)
    turn = unit[:, 0] * after[:, 1] - unit[:, 1] * after[:, 0]
    if turn.min() < np.sin(np.deg2rad(50)) or (np.abs((unit * after).sum(axis=1)) > np.cos(np.deg2rad(50))).any():
        return False
    if edge[0, 0] <= 0 and edge[1, 1] <= 0:
        return False
    area = 0.5 * abs(float(np.sum(quad[:, 0] * np.roll(quad[:, 1], -1) - np.roll(quad[:, 0], -1) * quad[:, 1])))
    pairs = np.sort(length.reshape(2, 2).T, axis=1)
    aspect = (length[0] + length[2]) / (length[1] + length[3])
    return bool(area > 0.1 * frame_area and (pairs[:, 0] / pairs[:, 1] > 0.5).all() and 0.4 < aspect < 2.5)


def find_sheet(rgb: NDArray[np.uint8]) -> Sheet:
    """The likeliest sheet on the photo; the frame itself where nothing better is seen. Corners still unrefined."""
    small, scale = small_copy(rgb)
    h, w = small.shape[:2]
    field = without_text(cv2.cvtColor(small, cv2.COLOR_RGB2Lab))
    step = texture(field)
    level, upright = two_directions(field, colour_masks(field), step)
    quads = outline_quads(level, upright, w, h)[:_SHORTLIST]
    frame = np.array([[0, 0], [w - 1, 0], [w - 1, h - 1], [0, h - 1]], np.float64)
    quads.append((NEUTRAL, frame, (0.0, 0.0, 0.0, 0.0)))
    text = text_mass(cv2.cvtColor(small, cv2.COLOR_RGB2GRAY))
    roughness = np.hypot(cv2.Sobel(field[..., 0], cv2.CV_32F, 1, 0, scale=0.25), cv2.Sobel(field[..., 0], cv2.CV_32F, 0, 1, scale=0.25))
    rough = np.minimum(roughness / step, 1.0)
    judged = [(score + _content(quad, text, rough), quad, sides) for score, quad, sides in quads]
    score, quad, sides = max(judged, key=lambda entry: entry[0])
    return Sheet((quad + 0.5) / scale - 0.5, score, sides)


def _content(quad: Points, text: NDArray[np.float32], rough: NDArray[np.float32]) -> float:
    """What the inside says for an outline: text within it, an even inside, and size."""
    h, w = text.shape
    mask = np.zeros((h, w), np.uint8)
    cv2.fillConvexPoly(mask, np.round(quad * 16).astype(np.int32), 1, shift=4)
    inside = mask > 0
    held = float(text[inside].sum() / max(float(text.sum()), 1.0)) if text.sum() > 0.002 * h * w else 1.0
    core = cv2.erode(cv2.copyMakeBorder(mask, 1, 1, 1, 1, cv2.BORDER_CONSTANT), np.ones((13, 13), np.uint8))[1:-1, 1:-1] > 0
    uneven = float(rough[core].mean()) if core.any() else 1.0
    return 0.5 * held - 0.6 * uneven + 0.1 * float(np.sqrt(inside.mean()))
