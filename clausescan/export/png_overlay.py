"""PNG: the photo with its clauses drawn on, a file a page."""

from __future__ import annotations

from collections.abc import Iterable

from clausescan import overlay
from clausescan.export.writing import File, PicturedPage, Writer


class PngWriter(Writer):
    """The overlay of each page, written as soon as it is drawn; clauses as their readers have them."""

    def page(self, page: PicturedPage) -> Iterable[File]:
        """`name.png` for the document's first page, `name-2.png` for its second, and so on."""
        number = page.report.index + 1
        reviews, asked = page.reviews, tuple(page.report.verdicts)
        rejected = {i for i, review in enumerate(reviews) if review.status == "rejected"}
        picture = overlay.draw(page.rgb, [review.clause for review in reviews], page.first_number, rejected, types=asked)
        yield ".png" if number == 1 else f"-{number}.png", overlay.encode(picture, ".png")
