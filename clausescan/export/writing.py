"""What a format's writer is given, and what it gives back.

A document comes to a writer page by page while its photos are in memory, and at the end as a whole; so a long document
costs a writer only what it keeps of each page.
"""

from __future__ import annotations

import io
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from clausescan.review import Review, reviews
from clausescan.schema.corrections import Correction
from clausescan.schema.found import Clause
from clausescan.schema.report import PageReport, Report, TextLine

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

File = tuple[str, bytes]
"""What follows the document's name in a file's name, such as `.csv`, and the file's content."""


@dataclass(frozen=True)
class PicturedPage:
    """One page of the report with its photo, which no report holds."""

    report: PageReport
    rgb: NDArray[np.uint8]
    """(H, W, 3), EXIF orientation applied, without metadata."""
    clauses: tuple[Clause, ...]
    """The machine's."""
    first_number: int
    """The number of its first clause in the document, counted from 1."""
    lines: tuple[TextLine, ...]
    """All text of the page, of clauses and others; empty where it could not be read."""
    corrections: tuple[Correction, ...] = ()
    """Those of the whole document."""

    @property
    def reviews(self) -> tuple[Review, ...]:
        """Its clauses beside what readers made of them."""
        return reviews(self.clauses, self.corrections, self.first_number - 1)

    @property
    def size_px(self) -> tuple[int, int]:
        """Width and height of the photo."""
        return int(self.rgb.shape[1]), int(self.rgb.shape[0])


class Writer:
    """Writes one document in one format. A format overrides one method or both."""

    def page(self, page: PicturedPage) -> Iterable[File]:  # noqa: ARG002
        """Take one page, in order; give the files that are finished with it."""
        return ()

    def end(self, report: Report) -> Iterable[File]:  # noqa: ARG002
        """Give the files that tell of the whole document."""
        return ()


def jpeg(rgb: NDArray[np.uint8], quality: int, longest_px: int | None = None) -> bytes:
    """A picture as JPEG without metadata, its longer side at most `longest_px`."""
    from PIL import Image

    image = Image.fromarray(rgb)
    if longest_px is not None and max(image.size) > longest_px:
        image.thumbnail((longest_px, longest_px), Image.Resampling.LANCZOS, reducing_gap=2.0)
    stream = io.BytesIO()
    image.save(stream, "JPEG", quality=quality, optimize=True)
    return stream.getvalue()
