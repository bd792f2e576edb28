"""From four corners to a page of its true proportions, and pictures of that page at any scale."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from clausescan.geometry import Homography, PointMap, Points
from clausescan.page import READING_WIDTH

LEAST_ASPECT, MOST_ASPECT = 0.45, 2.5
"""Bounds of a page's height over its width."""
PAPERS = (1.4142, 11 / 8.5)
"""Height over width of A4 and US Letter."""
_FOCAL = 0.75
"""Focal length over the photo's longer side where the corners do not tell: a phone's main camera (26 to 28 mm equivalent)."""
_CELL = 16
"""Page px between two nodes at which a map is evaluated exactly; between them it is interpolated."""


def true_aspect(corners: Points, width: int, height: int) -> float:
    """Height over width of the rectangle seen as `corners` (4, 2), on a photo of `width` x `height` px.

    Zhang and He, Whiteboard scanning and image enhancement (2007), section 3: the principal point is the photo's middle,
    the focal length comes from the corners where they tell it, else it is a phone's.
    """
    longer = max(width, height)
    centred = (corners - (width / 2, height / 2)) / longer
    m1, m2, m4, m3 = np.c_[centred, np.ones(4)]
    k2 = np.dot(np.cross(m1, m4), m3) / np.dot(np.cross(m2, m4), m3)
    k3 = np.dot(np.cross(m1, m4), m2) / np.dot(np.cross(m3, m4), m2)
    n2, n3 = k2 * m2 - m1, k3 * m3 - m1
    tilt = n2[2] * n3[2]
    focal = _FOCAL
    if abs(tilt) > 0.01:
        squared = -(n2[0] * n3[0] + n2[1] * n3[1]) / tilt
        if 0.5**2 < squared < 1.5**2:
            focal = float(np.sqrt(_FOCAL * np.sqrt(squared)))
    metric = np.array([1 / focal**2, 1 / focal**2, 1.0])
    return float(np.sqrt((n3**2 @ metric) / (n2**2 @ metric)))


def snapped(aspect: float) -> float:
    """The aspect drawn to A4's or Letter's when near (wholly within 3 %, fading out to 7 %), within the allowed bounds."""
    paper = min(PAPERS, key=lambda p: abs(np.log(aspect / p)))
    off = abs(float(np.log(aspect / paper)))
    pull = float(np.clip((0.07 - off) / 0.04, 0, 1))
    return float(np.clip(aspect * (paper / aspect) ** pull, LEAST_ASPECT, MOST_ASPECT))


def page_height(aspect: float) -> int:
    """Height in px of a page `READING_WIDTH` wide."""
    return round(READING_WIDTH * aspect)


def page_corners(width: float, height: float) -> Points:
    """The outer corners of a picture, (4, 2), half a pixel outside its corner pixels' centres."""
    return np.array([[0, 0], [width, 0], [width, height], [0, height]], np.float64) - 0.5


def photo_to_page(corners: Points, height: int) -> Homography:
    """The homography that brings `corners` (4, 2) on the photo to the corners of a page `READING_WIDTH` x `height`."""
    target = page_corners(READING_WIDTH, height)
    return Homography(_homography(corners, target))


def turned_about(corners: Points, angle: float) -> Points:
    """The least rectangle around `corners` (4, 2) whose sides are turned clockwise by `angle` radians from their first side's."""
    along = corners[1] - corners[0]
    angle += float(np.arctan2(along[1], along[0]))
    axes = np.array([[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]])
    (x0, y0), (x1, y1) = (corners @ axes.T).min(axis=0), (corners @ axes.T).max(axis=0)
    return np.asarray(np.array([[x0, y0], [x1, y0], [x1, y1], [x0, y1]]) @ axes, np.float64)


def half_turn(height: int) -> Homography:
    """The page turned by 180 degrees about its middle."""
    return Homography(np.array([[-1, 0, READING_WIDTH - 1], [0, -1, height - 1], [0, 0, 1]], np.float64))


def quarter_turns(turns: int, width: int, height: int) -> Homography:
    """The map of a picture of that size turned anticlockwise by `turns` (1 to 3) right angles, as `numpy.rot90` does."""
    across, down = width - 1.0, height - 1.0
    matrices = {
        1: [[0, 1, 0], [-1, 0, across], [0, 0, 1]],
        2: [[-1, 0, across], [0, -1, down], [0, 0, 1]],
        3: [[0, -1, down], [1, 0, 0], [0, 0, 1]],
    }
    return Homography(np.array(matrices[turns], np.float64))


def _homography(source: Points, target: Points) -> Points:
    rows = []
    for (x, y), (u, v) in zip(source, target, strict=True):
        rows.append([x, y, 1, 0, 0, 0, -u * x, -u * y])
        rows.append([0, 0, 0, x, y, 1, -v * x, -v * y])
    solved = np.linalg.solve(np.array(rows), target.ravel())
    return np.append(solved, 1.0).reshape(3, 3)


def picture(
    gray: NDArray[np.uint8], to_page: PointMap, height: int, scale: float = 1.0, shrink: float = 1.0
) -> NDArray[np.uint8]:
    """The page, `scale` times its reading size, sampled from a photo: (scale * height, scale * READING_WIDTH) uint8.

    `gray` is the photo, itself `shrink` times its own size. Where the page has fewer px than the photo, the photo is blurred
    first, so that fine print does not turn into moire.
    """
    h, w = round(height * scale), round(READING_WIDTH * scale)
    xs = (np.arange(-1, w // _CELL + 2) + 0.5) * _CELL - 0.5
    ys = (np.arange(-1, h // _CELL + 2) + 0.5) * _CELL - 0.5
    nodes = np.stack(np.meshgrid(xs, ys), axis=-1)
    flat = (to_page.inverse((nodes.reshape(-1, 2) + 0.5) / scale - 0.5) + 0.5) * shrink - 0.5
    grid = np.clip(flat, -1e5, 1e5).reshape(*nodes.shape).astype(np.float32)
    steps = np.linalg.norm(np.diff(grid, axis=1), axis=2) / _CELL
    coarse = float(np.median(steps))
    if coarse > 1.25:
        gray = np.asarray(cv2.GaussianBlur(gray, (0, 0), 0.4 * float(np.sqrt(coarse**2 - 1))), np.uint8)
    fine = cv2.resize(grid, (len(xs) * _CELL, len(ys) * _CELL), interpolation=cv2.INTER_LINEAR)
    x, y = (fine[_CELL : _CELL + h, _CELL : _CELL + w, axis] for axis in (0, 1))
    fixed = cv2.convertMaps(x, y, cv2.CV_16SC2)
    return np.asarray(cv2.remap(gray, *fixed, cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE), np.uint8)
