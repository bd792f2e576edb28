"""Points, boxes and coordinate maps; knows nothing of pixels' contents.

Points are float64 arrays of shape (N, 2), (x, y), x to the right, y down; integer coordinates are pixel centres.
A quad is (4, 2), clockwise from the text's top left.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

Points = NDArray[np.float64]


class PointMap(Protocol):
    """A coordinate map with its inverse: `inverse(forward(p))` is `p` to within a pixel inside the page."""

    def forward(self, points: Points) -> Points:
        """Map (N, 2) source points to target points."""
        ...

    def inverse(self, points: Points) -> Points:
        """Map (N, 2) target points back to source points."""
        ...


@dataclass(frozen=True)
class Homography:
    """A projective map by its 3x3 matrix, source to target; the identity by default."""

    matrix: Points

    def __post_init__(self) -> None:
        if self.matrix.shape != (3, 3) or abs(np.linalg.det(self.matrix)) < 1e-12:
            raise ValueError("a homography needs an invertible 3x3 matrix")

    @classmethod
    def identity(cls) -> Homography:
        """The map that changes nothing."""
        return cls(np.eye(3))

    def forward(self, points: Points) -> Points:
        """Map (N, 2) source points."""
        return _project(self.matrix, points)

    def inverse(self, points: Points) -> Points:
        """Map (N, 2) target points back."""
        return _project(np.asarray(np.linalg.inv(self.matrix), np.float64), points)


def _project(matrix: Points, points: Points) -> Points:
    homogeneous = np.c_[points, np.ones(len(points))] @ matrix.T
    return np.asarray(homogeneous[:, :2] / homogeneous[:, 2:], np.float64)


@dataclass(frozen=True)
class Chain:
    """Several maps one after the other, the first applied first."""

    maps: tuple[PointMap, ...] = ()

    def forward(self, points: Points) -> Points:
        """Map (N, 2) source points through all maps."""
        for step in self.maps:
            points = step.forward(points)
        return points

    def inverse(self, points: Points) -> Points:
        """Map (N, 2) target points back through all maps."""
        for step in reversed(self.maps):
            points = step.inverse(points)
        return points


def ribbon(centre: Points, height: float) -> tuple[Points, Points]:
    """Upper and lower edge of a band of `height` along the polyline `centre` (N >= 2 points)."""
    tangent = np.gradient(centre, axis=0)
    normal = np.c_[-tangent[:, 1], tangent[:, 0]]
    normal /= np.maximum(np.linalg.norm(normal, axis=1, keepdims=True), 1e-9)
    return centre - normal * height / 2, centre + normal * height / 2


def bounding_box(points: Points) -> tuple[float, float, float, float]:
    """(x0, y0, x1, y1) of (N, 2) points."""
    low, high = points.min(axis=0), points.max(axis=0)
    return float(low[0]), float(low[1]), float(high[0]), float(high[1])


def box_quad(box: tuple[float, float, float, float]) -> Points:
    """The box's corners, clockwise from the top left."""
    x0, y0, x1, y1 = box
    return np.array([[x0, y0], [x1, y0], [x1, y1], [x0, y1]], np.float64)
