"""Small pictures of pages with their clauses, for the summary."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

from clausescan.overlay import styles

if TYPE_CHECKING:
    from clausescan.export.writing import PicturedPage

LONGEST_PX = 320


def thumbnail(page: PicturedPage) -> bytes:
    """A JPEG without metadata, the clauses tinted and outlined."""
    from PIL import Image, ImageDraw

    image = Image.fromarray(page.rgb)
    image.thumbnail((LONGEST_PX, LONGEST_PX), reducing_gap=2.0)
    scale = image.width / page.size_px[0]
    draw = ImageDraw.Draw(image, "RGBA")
    looks = styles(page.report.verdicts)
    for clause in page.clauses:
        colour = looks[clause.type].colour
        for quad in clause.quads:
            draw.polygon([(x * scale, y * scale) for x, y in quad], fill=(*colour, 70), outline=(*colour, 255))
    stream = io.BytesIO()
    image.save(stream, "JPEG", quality=75, optimize=True)
    return stream.getvalue()
