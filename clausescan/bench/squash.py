"""What other vision-language models do to a page: squash it to one small square, or cut the photo into many of them."""

from __future__ import annotations

import math

import cv2
import numpy as np
from numpy.typing import NDArray

SIDE_PX = 336
"""Side of the square that the vision towers of LLaVA 1.5 and its kin take (CLIP ViT-L/14 at 336 px)."""
PATCH_PX = 14
TOKENS = (SIDE_PX // PATCH_PX) ** 2
"""Visual tokens a square: one a patch."""


def squashed(page: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """A page, (H, W) uint8, with what is left of it after SIDE_PX x SIDE_PX px, blown up again to its own size."""
    small = cv2.resize(page, (SIDE_PX, SIDE_PX), interpolation=cv2.INTER_AREA)
    return np.asarray(cv2.resize(small, (page.shape[1], page.shape[0]), interpolation=cv2.INTER_CUBIC), np.uint8)


def tiles(width: int, height: int) -> int:
    """Squares of SIDE_PX that it takes to cover a photo at its own resolution."""
    return math.ceil(width / SIDE_PX) * math.ceil(height / SIDE_PX)
