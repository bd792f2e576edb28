"""The sheet on the photo: candidates from colour, lines and text, one score for all, then each side refined.

Works on a small copy (`small_px`, longest side :data:`SMALL`); the answer is in `photo_px`.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from clausescan.geometry import Points
from clausescan.rectify.lines import STEP, Line, texture, two_directions, without_text

SMALL = 800
"""Longest side, in px, of the copy on which the sheet is looked for."""
NEUTRAL = 0.30
"""Support given to a part of a side that the frame hides: less than a seen edge, more than a missing one."""
_SHORTLIST = 40
_ATTEMPTS = 8
"""Starts of the k-means over the border's colours, of which the best is kept: one start may end anywhere."""
_AGREE = 0.15
"""Worth of the paper being lighter than the desk (or darker) along all four sides alike: a shadow's border is not."""
_BOX_HOLDS = 0.9
"""Part of the print that a sheet holds, unless other sheets lie beside it."""
_ALIKE = 3.0
"""Steps of lightness (of 255) by which ground that is darker than the outline's inside may still be the same paper."""
_EVEN = 0.1
"""Roughness, 0 to 1, of bare paper: no desk but a bare one is as even."""
Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Sheet:
    """A sheet's outline, (4, 2) clockwise on the photo from its upper left corner as the photo lies."""

    corners_photo_px: Points
    score: float
    sides: tuple[float, ...]
    """Edge support of the top, right, bottom and left side, 0..1; 0 where the frame stands for the side."""
    held: float = 1.0
    """Part of the photo's print that lies within."""


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
    scale = 150 / max(h, w)
    low = np.asarray(cv2.resize(field, (round(w * scale), round(h * scale)), interpolation=cv2.INTER_AREA), np.float32)
    lh, lw = low.shape[:2]
    border = np.concatenate([part.reshape(-1, 3) for part in (low[:4], low[-4:], low[:, :4], low[:, -4:])])
    nearest = np.zeros((len(border), 1), np.int32)
    cv2.setRNGSeed(7)  # k-means and GrabCut draw from one stream: the same photo must give the same page every time
    _, _, centres = cv2.kmeans(border, 3, nearest, (3, 10, 1.0), _ATTEMPTS, cv2.KMEANS_PP_CENTERS)
    far = np.min(np.linalg.norm(low[:, :, None] - centres[None, None], axis=3), axis=2)
    level = cv2.normalize(far, np.empty_like(far), 0, 255, cv2.NORM_MINMAX).astype(np.uint8)
    _, mask = cv2.threshold(level, 0, 255, cv2.THRESH_BINARY + cv2.THRESH_OTSU)
    out = [_biggest(mask)]
    seed = np.full((lh, lw), cv2.GC_PR_BGD, np.uint8)
    seed[out[0] > 0] = cv2.GC_PR_FGD
    seed[lh // 4 : 3 * lh // 4, lw // 4 : 3 * lw // 4] = cv2.GC_PR_FGD
    seed[lh * 2 // 5 : lh * 3 // 5, lw * 2 // 5 : lw * 3 // 5] = cv2.GC_FGD
    seed[:3] = seed[-3:] = np.where(seed[:3] == cv2.GC_PR_FGD, cv2.GC_PR_FGD, cv2.GC_PR_BGD)
    if (seed % 2 == 0).any():
        bytes_ = np.clip(low, 0, 255).astype(np.uint8)
        cv2.grabCut(bytes_, seed, (0, 0, 0, 0), np.zeros((1, 65)), np.zeros((1, 65)), 2, cv2.GC_INIT_WITH_MASK)
        out.append(_biggest(np.where(seed % 2 == 1, 255, 0).astype(np.uint8)))
    return [np.asarray(cv2.resize(m, (w, h), interpolation=cv2.INTER_CUBIC), np.uint8) for m in out]


def _biggest(mask: NDArray[np.uint8]) -> NDArray[np.uint8]:
    mask = np.asarray(cv2.morphologyEx(mask, cv2.MORPH_OPEN, np.ones((3, 3), np.uint8)), np.uint8)
    count, labels, stats, _ = cv2.connectedComponentsWithStats(mask)
    if count < 2:
        return np.zeros_like(mask)
    best = 1 + int(np.argmax(stats[1:, cv2.CC_STAT_AREA]))
    whole = np.where(labels == best, 255, 0).astype(np.uint8)
    return np.asarray(cv2.morphologyEx(whole, cv2.MORPH_CLOSE, np.ones((9, 9), np.uint8)), np.uint8)


def outline_quads(
    level: list[Line], upright: list[Line], width: int, height: int
) -> list[tuple[float, Points, tuple[float, ...]]]:
    """All plausible outlines made of two lines of each group: (score, corners (4, 2), support of each side), best first."""
    level = sorted(level, key=lambda line: _at_middle(line, width / 2, height / 2, 1))
    upright = sorted(upright, key=lambda line: _at_middle(line, width / 2, height / 2, 0))
    levels, uprights = np.arange(len(level)), np.arange(len(upright))
    i, j, k, m = (c.ravel() for c in np.meshgrid(levels, levels, uprights, uprights, indexing="ij"))
    some = (i < j) & (k < m)
    i, j, k, m = i[some], j[some], k[some], m[some]
    meet = _meetings(level, upright)
    quads = np.stack([meet[i, k], meet[i, m], meet[j, m], meet[j, k]], axis=1)
    good = plausible(quads, width, height)
    quads, i, j, k, m = quads[good], i[good], j[good], k[good], m[good]
    if not len(quads):
        return []
    top, right = supports(level, i, quads[:, 0], quads[:, 1]), supports(upright, m, quads[:, 1], quads[:, 2])
    bottom, left = supports(level, j, quads[:, 3], quads[:, 2]), supports(upright, k, quads[:, 0], quads[:, 3])
    sides = np.stack([top[0], right[0], bottom[0], left[0]], axis=1)
    lighter = np.stack([top[1], right[1], -bottom[1], -left[1]], axis=1)
    lengths = np.linalg.norm(np.roll(quads, -1, axis=1) - quads, axis=2)
    score = 0.5 * (sides * lengths).sum(axis=1) / lengths.sum(axis=1) + 0.5 * np.sort(sides, axis=1)[:, :2].mean(axis=1)
    score += _AGREE * np.abs(lighter.sum(axis=1)) / np.maximum(np.abs(lighter).sum(axis=1), 0.5)
    return [(float(score[n]), quads[n], tuple(map(float, sides[n]))) for n in np.argsort(-score)[:_SHORTLIST]]


def _at_middle(line: Line, x: float, y: float, axis: int) -> float:
    other = 1 - axis
    t = ((x, y)[other] - line.point[other]) / (line.along[other] or 1e-9)
    return float(line.point[axis] + t * line.along[axis])


def _meetings(level: list[Line], upright: list[Line]) -> Floats:
    """Where each level line meets each upright one: (A, B, 2); far away (1e6) for nearly parallel ones."""
    p, u = np.array([line.point for line in level])[:, None], np.array([line.along for line in level])[:, None]
    q, v = np.array([line.point for line in upright])[None], np.array([line.along for line in upright])[None]
    cross = u[..., 0] * v[..., 1] - u[..., 1] * v[..., 0]
    d = q - p
    t = (d[..., 0] * v[..., 1] - d[..., 1] * v[..., 0]) / np.where(np.abs(cross) < 0.3, 1e-9, cross)
    return np.asarray(np.clip(p + u * t[..., None], -1e6, 1e6), np.float64)


def supports(lines: list[Line], which: NDArray[np.intp], start: Points, end: Points) -> tuple[Floats, Floats]:
    """The sides from `start` to `end`, (N, 2), on `lines[which]`: (N,) support, less what goes on beyond their ends.

    And, (N,), how much lighter (-1..1) the right-hand side of the way is.
    """
    longest = max(len(line.totals) for line in lines)
    totals = np.stack([np.pad(line.totals, ((0, longest - len(line.totals)), (0, 0)), mode="edge") for line in lines])
    inside = np.array([line.inside for line in lines])[which]
    first = np.array([line.first for line in lines])[which]
    point, along = np.array([line.point for line in lines])[which], np.array([line.along for line in lines])[which]
    ta, tb = ((start - point) * along).sum(axis=1), ((end - point) * along).sum(axis=1)

    def mean_step(low: Floats, high: Floats) -> tuple[Points, Floats]:
        low, high = np.minimum(low, high), np.maximum(low, high)
        a, b = (np.clip(np.round((t - first) / STEP), 0, inside).astype(np.intp) for t in (low, high))
        step = (totals[which, b, :3] - totals[which, a, :3]) / np.maximum(b - a, 1)[:, None]
        return step, np.minimum(1.0, (b - a) * STEP / np.maximum(high - low, 1e-6))

    step, seen = mean_step(ta, tb)
    value = np.linalg.norm(step, axis=1)
    length = tb - ta
    beyond = np.zeros(len(ta))
    for at, way in ((tb, length), (ta, -length)):
        more, part = mean_step(at + 0.03 * way, at + 0.15 * way)
        beyond += 0.5 * np.linalg.norm(more, axis=1) * (part > 0.5)
    support = seen * (value - 0.4 * np.minimum(beyond, value)) + (1 - seen) * NEUTRAL
    return np.asarray(support, np.float64), np.asarray(step[:, 0] * np.sign(length), np.float64)


def plausible(quads: Points, width: int, height: int) -> NDArray[np.bool_]:
    """Which of (N, 4, 2) are clockwise, convex, of 50 to 130 degrees, of fair proportions, and a tenth of the frame or more."""
    margin = 0.25 * max(width, height)
    edge = np.roll(quads, -1, axis=1) - quads
    length = np.linalg.norm(edge, axis=2)
    unit = edge / np.maximum(length[..., None], 1e-9)
    after = np.roll(unit, -1, axis=1)
    turn = unit[..., 0] * after[..., 1] - unit[..., 1] * after[..., 0]
    nxt = np.roll(quads, -1, axis=1)
    area = 0.5 * np.sum(quads[..., 0] * nxt[..., 1] - nxt[..., 0] * quads[..., 1], axis=1)
    across, down = length[:, ::2], length[:, 1::2]
    aspect = across.sum(axis=1) / np.maximum(down.sum(axis=1), 1e-9)
    return np.asarray(
        (quads > -margin).all(axis=(1, 2))
        & (quads < (width + margin, height + margin)).all(axis=(1, 2))
        & (turn > np.sin(np.deg2rad(50))).all(axis=1)
        & (length.min(axis=1) > 20)
        & (area > 0.1 * width * height)
        & (across.min(axis=1) > 0.5 * across.max(axis=1))
        & (down.min(axis=1) > 0.5 * down.max(axis=1))
        & (aspect > 0.4)
        & (aspect < 2.5)
    )


def find_sheet(rgb: NDArray[np.uint8]) -> Sheet:
    """The likeliest sheet on the photo; the frame itself where nothing better is seen. Corners still unrefined."""
    small, scale = small_copy(rgb)
    h, w = small.shape[:2]
    field = without_text(np.asarray(cv2.cvtColor(small, cv2.COLOR_RGB2Lab), np.uint8))
    step = texture(field)
    level, upright = two_directions(field, colour_masks(field), step)
    quads = outline_quads(level, upright, w, h)
    frame = np.array([[0, 0], [w - 1, 0], [w - 1, h - 1], [0, h - 1]], np.float64)
    quads.append((NEUTRAL, frame, (0.0, 0.0, 0.0, 0.0)))
    text = text_mass(np.asarray(cv2.cvtColor(small, cv2.COLOR_RGB2GRAY), np.uint8))
    across, down = (cv2.Sobel(field[..., 0], cv2.CV_32F, dx, 1 - dx, scale=0.25) for dx in (1, 0))
    rough = np.minimum(np.hypot(across, down) / step, 1.0)
    judged = []
    for score, quad, sides in quads:
        content, held = _content(quad, text, rough, field[..., 0])
        judged.append(Sheet((quad + 0.5) / scale - 0.5, score + content, sides, held))
    return max(judged, key=lambda sheet: sheet.score)


def _content(
    quad: Points, text: NDArray[np.float32], rough: NDArray[np.float32], light: NDArray[np.float32]
) -> tuple[float, float]:
    """What the inside says for an outline: text within it, an even inside, and size; and the part of all text that it holds.

    An outline on ground that is as light, even, and holds print as well, is a part of a page, such as a shaded box.
    """
    h, w = text.shape
    mask = np.zeros((h, w), np.uint8)
    cv2.fillConvexPoly(mask, np.round(quad * 16).astype(np.int32), 1, shift=4)
    inside = mask > 0
    held = float(text[inside].sum() / max(float(text.sum()), 1.0)) if text.sum() > 0.002 * h * w else 1.0
    if held < _BOX_HOLDS and not inside.all():
        darker = float(np.median(light[inside]) - np.median(light[~inside]))
        if darker < _ALIKE and float(np.median(rough[~inside])) < _EVEN:
            return -1.0, held
    core = cv2.erode(cv2.copyMakeBorder(mask, 1, 1, 1, 1, cv2.BORDER_CONSTANT), np.ones((13, 13), np.uint8))[1:-1, 1:-1] > 0
    uneven = float(rough[core].mean()) if core.any() else 1.0
    return 0.5 * held - 0.6 * uneven + 0.1 * float(np.sqrt(inside.mean())), held
