"""Evening the light: paper becomes near white everywhere, ink stays dark, faint print is kept.

Training uses this very function on its crops, so that the reader meets what it was taught on. (Written by the model's
side: the reader is trained on exactly this; do not change its result without retraining.)
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

PAPER = 245.0
"""Gray value that bare paper is brought to."""
_SHRINK = 8
_REACH = 9
"""Side, in shrunken pixels, of the neighbourhood whose brightest part is taken for paper (72 px of the page)."""


def paper_level(gray: NDArray[np.uint8]) -> NDArray[np.float32]:
    """The bare paper's gray value at every pixel, (H, W) float32: closed over letters, then smoothed."""
    h, w = gray.shape
    small = cv2.resize(gray, (max(4, w // _SHRINK), max(4, h // _SHRINK)), interpolation=cv2.INTER_AREA)
    small = cv2.medianBlur(cv2.dilate(small, np.ones((5, 5), np.uint8)), 5)
    small = cv2.morphologyEx(small, cv2.MORPH_CLOSE, np.ones((_REACH, _REACH), np.uint8))
    smooth = cv2.GaussianBlur(small.astype(np.float32), (0, 0), 3)
    return np.asarray(cv2.resize(smooth, (w, h), interpolation=cv2.INTER_LINEAR), np.float32)


def even_light(gray: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Divide the picture by its paper level: (H, W) uint8 to the same, paper near :data:`PAPER`."""
    level = np.maximum(paper_level(gray), 12.0)
    return np.asarray(cv2.convertScaleAbs(cv2.divide(gray.astype(np.float32), level, scale=PAPER)), np.uint8)
