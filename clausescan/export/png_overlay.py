"""PNG: the photo with its clauses drawn on, a file a page."""

from __future__ import annotations

from collections.abc import Iterable

from clausescan import overlay
from clausescan.export.writing import File, PicturedPage, Writer


class PngWriter(Writer):
    """The overlay of each page, written as soon as it is drawn; clauses as their readers have them."""

    def __init__(self) -> None:
        self._pages = 0

    def page(self, page: PicturedPage) -> Iterable[File]:
        """`name.png`, then `name-2.png` and so on."""
        self._pages += 1
        reviews, asked = page.reviews, tuple(page.report.verdicts)
        rejected = {i for i, review in enumerate(reviews) if review.status == "rejected"}
        picture = overlay.draw(page.rgb, [review.clause for review in reviews], page.first_number, rejected, types=asked)
        yield ".png" if self._pages == 1 else f"-{self._pages}.png", overlay.encode(picture, ".png")
