"""What lies under the sheet on a simulated photo: wood, cloth, a plain or a dark desk, made of smooth noise."""

from __future__ import annotations

from typing import Literal, get_args

import cv2
import numpy as np
from numpy.typing import NDArray

Desk = Literal["wood", "cloth", "plain", "dark"]
DESKS: tuple[Desk, ...] = get_args(Desk)
PX_MM = 4.0
SIDE_MM = 700
Floats = NDArray[np.float32]

_COLOURS: dict[Desk, tuple[tuple[int, int, int], tuple[int, int, int]]] = {
    "wood": ((98, 62, 36), (176, 128, 84)),
    "cloth": ((58, 74, 92), (112, 128, 142)),
    "plain": ((142, 140, 134), (158, 156, 150)),
    "dark": ((24, 24, 27), (52, 51, 54)),
}
"""The darkest and the brightest colour, R, G, B."""


def desk_surface(kind: Desk, rng: np.random.Generator, gamma: float) -> Floats:
    """A desk's surface, (2800, 2800, 3) float32, linear light, 4 px a mm."""
    n = round(SIDE_MM * PX_MM)
    ys, xs = np.mgrid[0:n, 0:n].astype(np.float32)

    def cloud(across: int, down: int) -> Floats:
        """Smooth noise of about unit size with so many bumps across and down."""
        return np.asarray(cv2.resize(rng.normal(0, 1, (down, across)).astype(np.float32), (n, n), interpolation=cv2.INTER_CUBIC))

    if kind == "wood":
        rings = np.sin((ys / 26 + 5 * cloud(4, 9) + 0.4 * cloud(8, 60)) * 1.3)
        boards = (ys % 460 < 3).astype(np.float32)
        value = 0.5 + 0.16 * rings + 0.10 * cloud(16, 700) + 0.07 * cloud(90, n) + 0.1 * cloud(3, 6) - 0.4 * boards
    elif kind == "cloth":
        weave = np.sin(xs * 0.7 + 0.8 * cloud(60, 60)) * np.sin(ys * 0.7 + 0.8 * cloud(60, 60))
        value = 0.5 + 0.22 * weave + 0.10 * cloud(n // 3, n // 3) + 0.14 * cloud(5, 5)
    else:
        value = 0.5 + 0.10 * cloud(6, 6) + 0.12 * cloud(n // 4, n // 4) + 0.10 * cloud(n // 40, n // 40)
    dark, bright = (np.array(c, np.float32) for c in _COLOURS[kind])
    return np.asarray(np.clip((dark + (bright - dark) * value[..., None]) / 255, 0.01, 1) ** gamma, np.float32)
