"""The page's coordinate map as it travels in a report: enough to carry any page point back to the photo and forth.

A projective map through the page's four corners, and where curl, folds or steps leave it, a regular grid of what is
missing, interpolated bilinearly. The grid's step is the widest of `STEPS_PX` that stays within `TOLERANCE_PX`, checked
halfway between its nodes, where bilinear interpolation is worst.
"""

from __future__ import annotations

from typing import Annotated

import numpy as np
from pydantic import Field

from clausescan.geometry import Homography, PointMap, Points
from clausescan.schema.clauses import Strict

TOLERANCE_PX = 0.25
STEPS_PX = (256, 128, 64, 32, 16)

Pair = tuple[float, float]
Quad = tuple[Pair, Pair, Pair, Pair]
"""Four (x, y) corners, clockwise from the text's top left."""
Row = tuple[float, float, float]


class DisplacementGrid(Strict):
    """What the projective map misses, in photo pixels, at the nodes of a regular page grid, row by row."""

    step_px: Annotated[int, Field(ge=1)]
    """Page pixels between nodes; the first node is page point (0, 0)."""
    columns: Annotated[int, Field(ge=2)]
    rows: Annotated[int, Field(ge=2)]
    dx: tuple[float, ...]
    dy: tuple[float, ...]


class PageMap(Strict):
    """Page pixels to photo pixels and back; fulfils `clausescan.geometry.PointMap` with the photo as source."""

    photo_size_px: tuple[int, int]
    """Width and height of the photo, EXIF orientation applied."""
    page_size_px: tuple[int, int]
    """Width and height of the rectified page."""
    corners_photo_px: Quad
    """The sheet's outline on the photo, clockwise from the page's own top left; may leave the frame."""
    turned_degrees: int
    """Clockwise turn of the photo that put the page upright."""
    homography_page_to_photo: tuple[Row, Row, Row]
    grid: DisplacementGrid | None
    max_error_px: float
    """Largest difference from the rectifier's own map, in photo pixels, measured between the nodes."""

    def inverse(self, points: Points) -> Points:
        """(N, 2) page points to photo points. Beyond the page the grid's border value holds."""
        flat = Homography(np.array(self.homography_page_to_photo)).forward(points)
        return flat if self.grid is None else flat + _interpolate(self.grid, points)

    def forward(self, points: Points) -> Points:
        """(N, 2) photo points to page points, by fixed-point iteration where there is a grid."""
        flat = Homography(np.array(self.homography_page_to_photo))
        page = flat.inverse(points)
        for _ in range(0 if self.grid is None else 30):
            assert self.grid is not None
            step = flat.inverse(points - _interpolate(self.grid, page))
            done = float(np.abs(step - page).max(initial=0.0)) < 1e-3
            page = step
            if done:
                break
        return page


def sample(
    photo_to_page: PointMap,
    photo_size_px: tuple[int, int],
    page_size_px: tuple[int, int],
    corners_photo_px: Points,
    turned_degrees: int,
) -> PageMap:
    """Any map of the rectifier as a `PageMap`. Sizes are (width, height)."""
    width, height = page_size_px
    corners = np.array([[0, 0], [width, 0], [width, height], [0, height]], np.float64)
    matrix = projective(corners, photo_to_page.inverse(corners))
    flat = Homography(matrix)
    grid, error = None, _largest(_missing(flat, photo_to_page, *_nodes(page_size_px, STEPS_PX[-2])))
    if error > TOLERANCE_PX:
        grid, error = _grid(flat, photo_to_page, page_size_px)
    rows = tuple((float(r[0]), float(r[1]), float(r[2])) for r in matrix)
    return PageMap(
        photo_size_px=photo_size_px,
        page_size_px=page_size_px,
        corners_photo_px=as_quad(corners_photo_px),
        turned_degrees=int(turned_degrees),
        homography_page_to_photo=(rows[0], rows[1], rows[2]),
        grid=grid,
        max_error_px=round(error, 3),
    )


def as_quad(points: Points) -> Quad:
    """(4, 2) as plain numbers, to a tenth of a pixel."""
    p = [(round(float(x), 1), round(float(y), 1)) for x, y in points]
    return p[0], p[1], p[2], p[3]


def projective(source: Points, target: Points) -> Points:
    """The 3x3 matrix that takes four source points to four target points (Hartley and Zisserman 2004, section 4.1)."""
    rows = []
    for (x, y), (u, v) in zip(source, target, strict=True):
        rows += [[x, y, 1, 0, 0, 0, -u * x, -u * y], [0, 0, 0, x, y, 1, -v * x, -v * y]]
    solved = np.linalg.solve(np.array(rows, np.float64), target.reshape(8))
    return np.append(solved, 1.0).reshape(3, 3)


def _nodes(page_size_px: tuple[int, int], step: int) -> tuple[Points, int, int]:
    columns, rows = (int(np.ceil(s / step)) + 1 for s in page_size_px)
    y, x = np.mgrid[0:rows, 0:columns] * float(step)
    return np.c_[x.ravel(), y.ravel()], columns, rows


def _missing(flat: Homography, photo_to_page: PointMap, nodes: Points, *_: int) -> Points:
    return photo_to_page.inverse(nodes) - flat.forward(nodes)


def _largest(difference: Points) -> float:
    return float(np.linalg.norm(difference, axis=1).max(initial=0.0))


def _grid(flat: Homography, photo_to_page: PointMap, page_size_px: tuple[int, int]) -> tuple[DisplacementGrid, float]:
    grid, error = None, np.inf
    for step in STEPS_PX:
        nodes, columns, rows = _nodes(page_size_px, step)
        missing = np.round(_missing(flat, photo_to_page, nodes), 2)
        grid = DisplacementGrid(
            step_px=step,
            columns=columns,
            rows=rows,
            dx=tuple(missing[:, 0].tolist()),
            dy=tuple(missing[:, 1].tolist()),
        )
        half, _, _ = _nodes(page_size_px, max(step // 2, 1))
        half = half[(half[:, 0] <= page_size_px[0]) & (half[:, 1] <= page_size_px[1])]
        error = _largest(_missing(flat, photo_to_page, half) - _interpolate(grid, half))
        if error <= TOLERANCE_PX:
            break
    assert grid is not None
    return grid, error


def _interpolate(grid: DisplacementGrid, points: Points) -> Points:
    d = np.stack([np.array(grid.dx), np.array(grid.dy)], axis=-1).reshape(grid.rows, grid.columns, 2)
    x = np.clip(points[:, 0] / grid.step_px, 0, grid.columns - 1)
    y = np.clip(points[:, 1] / grid.step_px, 0, grid.rows - 1)
    i, j = np.minimum(x.astype(int), grid.columns - 2), np.minimum(y.astype(int), grid.rows - 2)
    u, v = (x - i)[:, None], (y - j)[:, None]
    upper = d[j, i] * (1 - u) + d[j, i + 1] * u
    lower = d[j + 1, i] * (1 - u) + d[j + 1, i + 1] * u
    return np.asarray(upper * (1 - v) + lower * v, np.float64)
