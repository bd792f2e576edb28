"""PDF: the photos as pages, clauses as highlight annotations, the page's words as text that can be searched and copied.

Written with reportlab: BSD licence, kept since 2000, needs only Pillow, and it knows highlight annotations, text render
modes and the embedding of fonts; pypdfium2, which reads PDFs here, cannot write text with a Unicode map. Its `invariant`
mode leaves out time and random identifiers, so that the same report gives the same bytes.
"""

from __future__ import annotations

import io
from collections.abc import Iterable, Iterator, Sequence
from math import atan2, cos, hypot, sin
from typing import Any

from clausescan.export.field_text import fields_text
from clausescan.export.writing import File, PicturedPage, Writer, jpeg
from clausescan.overlay import REJECTED, Style, styles
from clausescan.review import Review
from clausescan.schema.found import Clause
from clausescan.schema.pagemap import Quad
from clausescan.schema.report import Report, TextLine
from clausescan.schema.shapes import title

LONGEST_PT = 842
"""Of a page: the height of A4."""
QUALITY = 85
INVISIBLE = 3
"""Text render mode (ISO 32000-1, table 106)."""
PRINTED = 4
"""Annotation flag (ISO 32000-1, table 165)."""
TINT = 0.4
"""Share of the type's colour; viewers multiply a highlight's colour with the picture, and print must stay legible."""
FONT = "Vera"
"""Comes with reportlab. Never seen, as the text is invisible; it gives the words a width and a Unicode map."""


class PdfWriter(Writer):
    """One PDF with a page for each photo that could be decoded."""

    def __init__(self) -> None:
        from reportlab import rl_config
        from reportlab.pdfbase import pdfmetrics
        from reportlab.pdfbase.ttfonts import TTFont
        from reportlab.pdfgen.canvas import Canvas

        rl_config.useA85 = 0  # streams as they are: a quarter smaller than in ASCII
        if FONT not in pdfmetrics.getRegisteredFontNames():
            pdfmetrics.registerFont(TTFont(FONT, "Vera.ttf"))
        self._stream = io.BytesIO()
        self._canvas: Any = Canvas(self._stream, invariant=1, pageCompression=1)
        self._canvas.setTitle("Contract clauses")
        self._canvas.setAuthor("")
        self._canvas.setSubject("")
        self._canvas.setProducer("clausescan")
        self._canvas.setCreator("clausescan")

    def page(self, page: PicturedPage) -> Iterable[File]:
        """Adds the page."""
        from reportlab.lib.utils import ImageReader

        width, height = page.size_px
        scale = LONGEST_PT / max(width, height)
        self._canvas.setPageSize((width * scale, height * scale))
        picture = ImageReader(io.BytesIO(jpeg(page.rgb, QUALITY)))
        self._canvas.drawImage(picture, 0, 0, width * scale, height * scale)
        place = _Place(height, scale)
        _write_text(self._canvas, page.lines, place)
        reviews = page.reviews
        looks = styles([*page.report.verdicts, *(review.clause.type for review in reviews)])
        for review in reviews:
            _highlight(self._canvas, review, looks[review.clause.type], place)
        self._canvas.showPage()
        return ()

    def end(self, report: Report) -> Iterable[File]:  # noqa: ARG002
        """One file."""
        self._canvas.save()
        yield ".pdf", self._stream.getvalue()


class _Place:
    """Photo pixels, y down, to points, y up."""

    def __init__(self, height_px: int, scale: float) -> None:
        self._height, self._scale = height_px, scale

    def __call__(self, point_px: tuple[float, float]) -> tuple[float, float]:
        x, y = point_px
        return round(x * self._scale, 3), round((self._height - y) * self._scale, 3)


def _highlight(canvas: Any, review: Review, style: Style, place: _Place) -> None:
    """One annotation a clause, its quads in the order that viewers agree on: top left, top right, bottom left, bottom right."""
    clause = review.clause
    corners = [[place(point) for point in quad] for quad in clause.quads]
    if not corners:
        return
    points = [c for q in corners for corner in (q[0], q[1], q[3], q[2]) for c in corner]
    xs, ys = points[0::2], points[1::2]
    shown = REJECTED if review.status == "rejected" else style
    colour = [round(1 - TINT * (1 - c / 255), 3) for c in shown.colour]
    said = _said(clause)
    if review.said:
        said.append(f"[{review.said}]")
    if review.changed:
        said += ["[The machine's answer:]", *_said(review.machine)]
    canvas.highlightAnnotation("\n".join(said), (min(xs), min(ys), max(xs), max(ys)), points, colour, F=PRINTED)


def _said(clause: Clause) -> list[str]:
    fields = fields_text(clause.fields).split("; ") if clause.fields is not None else []
    return [title(clause.type), clause.text, *filter(None, fields)]


def _write_text(canvas: Any, lines: Sequence[TextLine], place: _Place) -> None:
    text = canvas.beginText()
    text.setTextRenderMode(INVISIBLE)
    for line in lines:
        for words, quad in _parts(line):
            _put(text, words, [place(point) for point in quad])
    canvas.drawText(text)


def _parts(line: TextLine) -> Iterator[tuple[str, Quad]]:
    """The line's words shared among its quads, which follow each other along a bent line, in proportion to their length."""
    lengths = [max(hypot(q[1][0] - q[0][0], q[1][1] - q[0][1]), 1e-6) for q in line.quads]
    if len(lengths) < 2:
        yield from ((line.text, quad) for quad in line.quads)
        return
    ends = [sum(lengths[: i + 1]) / sum(lengths) for i in range(len(lengths))]
    shares: list[list[str]] = [[] for _ in lengths]
    at = 0
    for word in line.text.split(" "):
        middle = (at + len(word) / 2) / max(len(line.text), 1)
        shares[next((i for i, end in enumerate(ends) if middle <= end), len(ends) - 1)].append(word)
        at += len(word) + 1
    yield from ((" ".join(words), quad) for words, quad in zip(shares, line.quads, strict=True) if words)


def _put(text: Any, words: str, corners: Sequence[tuple[float, float]]) -> None:
    """One run of words, turned and stretched so that it covers its quad: from the bottom left along the lower edge."""
    from reportlab.pdfbase.pdfmetrics import stringWidth

    (x0, y0), (x1, y1) = corners[3], corners[2]
    length = hypot(x1 - x0, y1 - y0)
    size = hypot(corners[0][0] - x0, corners[0][1] - y0)
    natural = stringWidth(words, FONT, 1.0)
    if min(length, size, natural) <= 0:
        return
    angle = atan2(y1 - y0, x1 - x0)
    stretch = length / (natural * size)
    cosine, sine = cos(angle), sin(angle)
    lift = 0.2 * size  # the quad's lower edge is that of the descenders; the baseline lies a fifth higher
    text.setFont(FONT, size)
    text.setHorizScale(100 * stretch)
    text.setTextTransform(cosine, sine, -sine, cosine, x0 - sine * lift, y0 + cosine * lift)
    text.textOut(f"{words} ")
