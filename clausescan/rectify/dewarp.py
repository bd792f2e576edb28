"""Lines made straight and level: a smooth vertical displacement of the page, fitted to its text lines."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.polynomial import chebyshev
from numpy.typing import NDArray

from clausescan.geometry import Points
from clausescan.page import READING_WIDTH
from clausescan.rectify.textlines import LOW, Track

CELL = 64.0
"""Page px between two nodes of a displacement's grid."""
_ORDER_X, _ORDER_Y = 6, 4
Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Displacement:
    """A map that moves each point straight up or down: (x, y) to (x, y + d(x, y)), both in page px.

    `grid` is (R, C): d in px at x = CELL * column, y = CELL * row; bilinear between nodes, constant beyond them.
    """

    grid: Floats

    def __post_init__(self) -> None:
        if self.grid.ndim != 2 or min(self.grid.shape) < 2 or not np.isfinite(self.grid).all():
            raise ValueError("a displacement needs a finite grid of at least 2 x 2 nodes")
        if float(np.abs(np.diff(self.grid, axis=0)).max()) > 0.8 * CELL:
            raise ValueError("a displacement must not fold the page")

    def shift(self, points: Points) -> Floats:
        """The displacement d at (N, 2) points, (N,) px."""
        rows, cols = self.grid.shape
        u, v = np.clip(points[:, 0] / CELL, 0, cols - 1), np.clip(points[:, 1] / CELL, 0, rows - 1)
        i, j = np.minimum(v.astype(int), rows - 2), np.minimum(u.astype(int), cols - 2)
        fu, fv = u - j, v - i
        top = self.grid[i, j] * (1 - fu) + self.grid[i, j + 1] * fu
        low = self.grid[i + 1, j] * (1 - fu) + self.grid[i + 1, j + 1] * fu
        return np.asarray(top * (1 - fv) + low * fv, np.float64)

    def forward(self, points: Points) -> Points:
        """Curved page to straight page, (N, 2)."""
        return np.asarray(points + np.c_[np.zeros(len(points)), self.shift(points)], np.float64)

    def inverse(self, points: Points) -> Points:
        """Straight page back to curved page, (N, 2), by fixed-point iteration, exact to 0.05 px."""
        found = np.array(points, np.float64)
        for _ in range(60):
            wrong = points[:, 1] - found[:, 1] - self.shift(found)
            found[:, 1] += wrong
            if not len(wrong) or float(np.abs(wrong).max()) < 0.01:
                break
        return found


def fit(tracks: list[Track], height: int) -> Displacement | None:
    """The displacement of a page `height` px high that levels the lines; None with fewer than 3 lines to go by."""
    tracks = [t for t in tracks if len(t.points) >= 8] or tracks
    if len(tracks) < 3:
        return None
    points = np.concatenate([t.points for t in tracks]) / LOW
    owner = np.repeat(np.arange(len(tracks)), [len(t.points) for t in tracks])
    span = (points.min(axis=0), points.max(axis=0))
    basis = _basis(points, span)
    weight = np.ones(len(points))
    p, q = np.meshgrid(np.arange(1, _ORDER_X + 1), np.arange(_ORDER_Y + 1), indexing="ij")
    ridge = np.diag((0.02 * ((p - 1) ** 2 + 2 * q**2)).ravel()) * len(points) / 100
    found: Floats = np.zeros(basis.shape[1])
    for _ in range(8):
        a, b = _within(basis, owner, weight), _within(points[:, 1:], owner, weight)[:, 0]
        found = np.asarray(np.linalg.solve(a.T @ (weight[:, None] * a) + ridge, -a.T @ (weight * b)), np.float64)
        residual = b + a @ found
        scale = max(2.0 * float(np.median(np.abs(residual))), 1.0)
        weight = 1 / (1 + (residual / scale) ** 2)
    xs, ys = np.arange(0, READING_WIDTH + CELL, CELL), np.arange(0, height + CELL, CELL)
    nodes = np.stack(np.meshgrid(xs, ys), axis=-1).reshape(-1, 2)
    grid = (_basis(nodes, span) @ found).reshape(len(ys), len(xs))
    grid += _leftover(points, residual, weight, grid.shape)
    grid -= np.median(grid)
    return None if float(np.abs(np.diff(grid, axis=0)).max()) > 0.5 * CELL else Displacement(np.asarray(grid, np.float64))


def _basis(points: Points, span: tuple[Floats, Floats]) -> Floats:
    """Products of Chebyshev polynomials, (N, terms), those of y alone left out.

    Beyond the text they go straight on in x and stay constant in y.
    """
    middle, half = (span[0] + span[1]) / 2, np.maximum((span[1] - span[0]) / 2, 100.0)
    u = (points - middle) / half
    inner = np.clip(u, -1, 1)
    across = chebyshev.chebvander(inner[:, 0], _ORDER_X)
    inside = chebyshev.chebvander(np.clip(inner[:, 0] * 0.98, -1, 1), _ORDER_X)
    beyond = np.minimum(np.abs(u[:, 0] - inner[:, 0]), 0.2)[:, None]
    across = across + beyond * (across - inside) / 0.02
    down = chebyshev.chebvander(inner[:, 1], _ORDER_Y)
    return np.asarray((across[:, 1:, None] * down[:, None, :]).reshape(len(points), -1), np.float64)


def _within(values: Floats, owner: NDArray[np.intp], weight: Floats) -> Floats:
    """Values less their weighted mean over each line: (N, K)."""
    total = np.bincount(owner, weight)
    mean = np.stack([np.bincount(owner, weight * column) for column in values.T], axis=1) / total[:, None]
    return np.asarray(values - mean[owner], np.float64)


def _leftover(points: Points, residual: Floats, weight: Floats, shape: tuple[int, ...]) -> Floats:
    """What the polynomial could not take (creases), averaged over neighbours: (R, C) px to be added to the grid."""
    total, mass = np.zeros(shape, np.float32), np.zeros(shape, np.float32)
    cells = np.minimum(np.round(points / CELL).astype(int), (shape[1] - 1, shape[0] - 1))
    np.add.at(total, (cells[:, 1], cells[:, 0]), (weight * residual).astype(np.float32))
    np.add.at(mass, (cells[:, 1], cells[:, 0]), weight.astype(np.float32))
    total_near, mass_near = (
        cv2.GaussianBlur(part, (0, 0), sigmaX=0.8, sigmaY=1.6, borderType=cv2.BORDER_CONSTANT) for part in (total, mass)
    )
    return np.asarray(-total_near / (mass_near + 0.5), np.float64)
