"""Bar charts as PNG, for the README: rows of labels, panels of bars beside each other. Drawn with Pillow alone."""

from __future__ import annotations

import io
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from PIL import Image, ImageDraw, ImageFont

ROW_PX, LABEL_PX, PANEL_PX, MARGIN_PX, HEAD_PX = 44, 540, 300, 24, 110
BAR, OTHER_BAR, INK, PALE = (47, 111, 158), (176, 122, 58), (32, 32, 32), (120, 120, 120)


@dataclass(frozen=True)
class Panel:
    """One figure of every row. A value of None leaves its row bare; `decades` makes lengths logarithmic."""

    title: str
    values: Sequence[float | None]
    show: Callable[[float], str]
    decades: bool = False


def lengths(panel: Panel) -> list[float | None]:
    """Bars' lengths, 0 to 1: in proportion to the greatest value, or by orders of magnitude above a tenth of the least."""
    known = [v for v in panel.values if v is not None and v > 0]
    if not known:
        return [None if v is None else 0.0 for v in panel.values]
    top = max(known)
    if not panel.decades:
        return [None if v is None else max(v, 0) / top for v in panel.values]
    floor = math.log10(min(known)) - 1
    return [
        None if v is None else max(0.0, (math.log10(v) - floor) / (math.log10(top) - floor)) if v > 0 else 0.0
        for v in panel.values
    ]


def chart(title: str, note: str, labels: Sequence[str], ours: Sequence[bool], panels: Sequence[Panel]) -> bytes:
    """A PNG: a row a label, ours in another colour."""
    width = 2 * MARGIN_PX + LABEL_PX + PANEL_PX * len(panels)
    height = HEAD_PX + ROW_PX * len(labels) + 2 * MARGIN_PX
    picture = Image.new("RGB", (width, height), "white")
    pen = ImageDraw.Draw(picture)
    large, middle, small = (ImageFont.load_default(size) for size in (26, 19, 16))
    pen.text((MARGIN_PX, 18), title, INK, font=large)
    pen.text((MARGIN_PX, height - MARGIN_PX - 8), note, PALE, font=small)
    for row, label in enumerate(labels):
        pen.text((MARGIN_PX, HEAD_PX + ROW_PX * row + ROW_PX / 2), label, INK, font=middle, anchor="lm")
    for number, panel in enumerate(panels):
        left = MARGIN_PX + LABEL_PX + PANEL_PX * number
        pen.text((left, HEAD_PX - 26), panel.title + (" (log)" if panel.decades else ""), INK, font=middle, anchor="lm")
        for row, (value, length) in enumerate(zip(panel.values, lengths(panel), strict=True)):
            y = HEAD_PX + ROW_PX * row
            if value is None or length is None:
                pen.text((left, y + ROW_PX / 2), "-", PALE, font=middle, anchor="lm")
                continue
            end = left + round(length * (PANEL_PX - 110))
            pen.rectangle((left, y + 8, max(left + 1, end), y + ROW_PX - 8), BAR if ours[row] else OTHER_BAR)
            pen.text((end + 8, y + ROW_PX / 2), panel.show(value), INK, font=middle, anchor="lm")
    out = io.BytesIO()
    picture.save(out, "PNG", optimize=True)
    return out.getvalue()
