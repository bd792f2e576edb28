"""What passes between the stages: photos, pages and readings. Frozen, with every coordinate's frame in its name.

`photo_px` is the photo as a viewer shows it (EXIF orientation applied), `page_px` the rectified page.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from clausescan.geometry import PointMap, Points

READING_WIDTH = 2048
"""Width of a rectified page in pixels: about 248 dpi on A4, where 7 pt print still has 4 px steps between letters."""


@dataclass(frozen=True)
class Photo:
    """One decoded picture. `rgb` is (H, W, 3) uint8, EXIF orientation applied, metadata dropped."""

    rgb: NDArray[np.uint8]
    name: str
    sha256: str
    size_bytes: int
    page_index: int = 0
    """0, or the page of a PDF or frame of a TIFF it came from."""


@dataclass(frozen=True)
class Step:
    """One step of the rectifier: what it did, whether it was kept, and its measure before and after."""

    name: str
    kept: bool
    before: float | None = None
    after: float | None = None
    note: str = ""


@dataclass(frozen=True)
class Defect:
    """Something wrong with the capture, and where on the photo (None: everywhere)."""

    kind: str
    """blurred | too_dark | glare | cut_off | letters_too_small | no_page | no_text"""
    severity: float
    """0 (just noticed) to 1 (cannot be read)."""
    quad_photo_px: Points | None = None


@dataclass(frozen=True)
class Page:
    """A rectified page. `gray` is (H, READING_WIDTH) uint8, upright, light evened, ink dark on white."""

    gray: NDArray[np.uint8]
    photo_to_page: PointMap
    corners_photo_px: Points
    """The sheet's outline on the photo, (4, 2), clockwise from the page's own top left; may leave the frame."""
    turned_degrees: int
    """Clockwise turn of the photo that put the page upright: 0, 90, 180 or 270."""
    steps: tuple[Step, ...] = ()
    defects: tuple[Defect, ...] = ()


@dataclass(frozen=True)
class Word:
    """A word as read, with its box on the page."""

    text: str
    box_page_px: tuple[float, float, float, float]
    quad_page_px: Points
    confidence: float
    """0 to 1: the mean probability of its characters in the transcript."""
    second_reading: str | None = None
    """The other head's reading where it differs, else None."""


@dataclass(frozen=True)
class Line:
    """A text line, words from left to right; `centre_page_px` is (N, 2), the x-height's middle."""

    words: tuple[Word, ...]
    centre_page_px: Points
    height_px: float

    @property
    def text(self) -> str:
        """The words joined by single spaces."""
        return " ".join(w.text for w in self.words)


@dataclass(frozen=True)
class Reading:
    """All lines of a page in reading order."""

    lines: tuple[Line, ...] = field(default=())
    unread: float = 0.0
    """Part of the found lines' length that could not be read at all, 0 to 1."""

    @property
    def text(self) -> str:
        """The page's text, a line each."""
        return "\n".join(line.text for line in self.lines)
