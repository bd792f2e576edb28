"""Text lines cut from the page as strips of one height: straightened along their own curve, their letters of one size.

The only resampling between the rectified page and the line reader. A strip's pixel (u, v) shows the page at
`Strip.x(u)` and `v - STRIP_HEIGHT / 2` strip pixels below the line's middle (half an x-height above the baseline).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

STRIP_HEIGHT = 40
X_HEIGHT = 15.0
"""Strip pixels an x-height: 10 pt print then keeps its size."""
FRAME = 4
"""Strip pixels a step of the reader, so that "ll" survives."""
STRIP_CELL = 8
"""Strip pixels a feature: two frames."""
MARGIN = 8.0
"""Strip pixels before a line's first letter and after its last."""
_HALVE_FROM = 26.0
"""X-height in page px from which letters are cut from the halved page, so that shrinking does not alias."""


@dataclass(frozen=True)
class Strip:
    """Where a strip lies: page x of its left edge, page px a strip px, and its width in strip px (a multiple of 8)."""

    left: float
    scale: float
    width: int

    def x(self, u: NDArray[np.floating[Any]]) -> NDArray[np.float64]:
        """Page x of strip px `u`, edges counted (pixel centres at + 0.5)."""
        return np.asarray(self.left + u * self.scale, np.float64)

    @property
    def cells(self) -> int:
        """Features along the strip."""
        return self.width // STRIP_CELL


def strip_of(x0: float, x1: float, x_height: float) -> Strip:
    """The strip for letters from x0 to x1, page px."""
    scale = max(x_height, 2.0) / X_HEIGHT
    length = (x1 - x0) / scale + 2 * MARGIN
    return Strip(x0 - MARGIN * scale, scale, max(2, round(length / STRIP_CELL + 0.4)) * STRIP_CELL)


class StripCutter:
    """Cuts strips from one page, (H, W) uint8 gray."""

    def __init__(self, gray: NDArray[np.uint8]) -> None:
        self.gray = gray
        self._half: NDArray[np.uint8] | None = None

    def cut(self, strip: Strip, middle: NDArray[np.float64]) -> NDArray[np.uint8]:
        """(STRIP_HEIGHT, width) uint8; `middle` (width,) is the line's middle in page px at each strip column's centre."""
        gray, factor = self.gray, 1.0
        if strip.scale * X_HEIGHT > _HALVE_FROM and min(gray.shape) > 16:
            if self._half is None:
                h, w = gray.shape
                self._half = np.asarray(cv2.resize(gray, (w // 2, h // 2), interpolation=cv2.INTER_AREA), np.uint8)
            gray, factor = self._half, 0.5
        x = strip.x(np.arange(strip.width) + 0.5) * factor - 0.5
        rows = (np.arange(STRIP_HEIGHT) + 0.5 - STRIP_HEIGHT / 2) * strip.scale
        y = (middle[None] + rows[:, None]) * factor - 0.5
        across = np.ascontiguousarray(np.broadcast_to(x.astype(np.float32), y.shape))
        strip_px = cv2.remap(gray, across, y.astype(np.float32), cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
        return np.asarray(strip_px, np.uint8)
