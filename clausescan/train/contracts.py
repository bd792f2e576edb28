"""Real contract pages: every glyph of a PDF's text layer with its box, packed into one compact file.

Training needs the pages' pictures and, for each character, where it stands. Pictures are rendered on the fly
(about 15 ms a page); the text layer is read once by :func:`pack` and kept as flat integer arrays, so that the
training path never needs pypdfium2 for text. Units are points (1/72 inch) times :data:`UNITS`, origin top left,
y pointing down.
"""

from __future__ import annotations

import json
import unicodedata
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

UNITS = 20
"""Integer steps a point: a box is exact to 1/1440 inch."""

FIELDS = ("code", "x0", "y0", "x1", "y1", "baseline", "word", "line")
"""The columns of a packed page, one row a character in reading order."""

SAME_BASELINE_PT = 2.0
"""Words whose baselines lie closer than this share a line, if their heights overlap."""


@dataclass(frozen=True)
class PageText:
    """The characters of one page: `chars` is (N, 8) int32 in the order of :data:`FIELDS`."""

    pdf: str
    index: int
    size_pt: tuple[float, float]
    chars: NDArray[np.int32]

    def words(self) -> list[list[tuple[str, tuple[float, float, float, float]]]]:
        """Lines from the top, each a list of (word, (x0, y0, x1, y1)) in points."""
        lines: list[list[tuple[str, tuple[float, float, float, float]]]] = []
        if not len(self.chars):
            return lines
        cuts = np.flatnonzero(np.diff(self.chars[:, 6])) + 1
        for group in np.split(self.chars, cuts):
            text = "".join(map(chr, group[:, 0]))
            box = (*(group[:, 1:3].min(0) / UNITS), *(group[:, 3:5].max(0) / UNITS))
            if group[0, 7] >= len(lines):
                lines.append([])
            lines[-1].append((text, tuple(float(v) for v in box)))  # type: ignore[arg-type]
        return lines


def _glyphs(page: Any) -> list[tuple[int, float, float, float, float, float, bool]]:
    """(code, x0, y0, x1, y1, baseline, starts a word) of each visible character, y down, in points."""
    import ctypes

    import pypdfium2.raw as raw

    height = page.get_height()
    text = page.get_textpage()
    left, right, bottom, top, ox, oy = (ctypes.c_double() for _ in range(6))
    out: list[tuple[int, float, float, float, float, float, bool]] = []
    fresh = True
    for i in range(text.count_chars()):
        code = raw.FPDFText_GetUnicode(text, i)
        char = unicodedata.normalize("NFKC", chr(code)) if 32 < code < 0xFFFE else " "
        if not char.strip() or len(char) != 1:
            if char.strip():  # a ligature: share its box among its letters
                raw.FPDFText_GetCharBox(text, i, left, right, bottom, top)
                raw.FPDFText_GetCharOrigin(text, i, ox, oy)
                step = (right.value - left.value) / len(char)
                for k, letter in enumerate(char):
                    x = left.value + k * step
                    out.append((ord(letter), x, height - top.value, x + step, height - bottom.value, height - oy.value, fresh))
                    fresh = False
            else:
                fresh = True
            continue
        raw.FPDFText_GetCharBox(text, i, left, right, bottom, top)
        raw.FPDFText_GetCharOrigin(text, i, ox, oy)
        out.append((ord(char), left.value, height - top.value, right.value, height - bottom.value, height - oy.value, fresh))
        fresh = False
    return out


def page_text(page: Any, pdf: str, index: int) -> PageText:
    """Read one pypdfium2 page's text layer; words are grouped into lines by their baselines."""
    glyphs = _glyphs(page)
    words: list[list[tuple[int, float, float, float, float, float, bool]]] = []
    for g in glyphs:
        far = bool(words) and (abs(g[5] - words[-1][-1][5]) > 3 or g[1] < words[-1][-1][1] - 1 or g[1] > words[-1][-1][3] + 12)
        if g[6] or not words or far:
            words.append([])
        words[-1].append(g)
    order = sorted(words, key=lambda w: (w[0][5], w[0][1]))
    lines: list[list[list[tuple[int, float, float, float, float, float, bool]]]] = []
    for w in order:
        if lines and abs(lines[-1][0][0][5] - w[0][5]) <= SAME_BASELINE_PT:
            lines[-1].append(w)
        else:
            lines.append([w])
    rows: list[tuple[int, ...]] = []
    count = 0
    for number, line in enumerate(lines):
        for w in sorted(line, key=lambda w: w[0][1]):
            rows += [(g[0], *(round(v * UNITS) for v in g[1:6]), count, number) for g in w]
            count += 1
    chars = np.array(rows, np.int32).reshape(-1, len(FIELDS))
    return PageText(pdf, index, (float(page.get_width()), float(page.get_height())), chars)


def pack(folder: Path, out: Path) -> int:
    """Read every PDF of `folder` into `out` (.npz); returns the number of pages."""
    import pypdfium2

    index: list[dict[str, Any]] = []
    blocks: list[NDArray[np.int32]] = []
    start = 0
    for path in sorted(p for p in folder.iterdir() if p.suffix.lower() == ".pdf"):
        document = pypdfium2.PdfDocument(path)
        for number in range(len(document)):
            page = page_text(document[number], path.name, number)
            index.append({"pdf": page.pdf, "page": number, "size": page.size_pt, "start": start, "count": len(page.chars)})
            start += len(page.chars)
            blocks.append(page.chars.astype(np.int32))
        document.close()
    out.parent.mkdir(parents=True, exist_ok=True)
    np.savez_compressed(out, chars=np.concatenate(blocks), index=np.array(json.dumps(index)))
    return len(index)


class Contracts:
    """The packed pages, opened for reading. Indexing gives :class:`PageText`."""

    def __init__(self, path: Path) -> None:
        with np.load(path) as data:
            self._chars: NDArray[np.int32] = data["chars"]
            self.index: list[dict[str, Any]] = json.loads(str(data["index"]))

    def __len__(self) -> int:
        return len(self.index)

    def __getitem__(self, i: int) -> PageText:
        row = self.index[i]
        return PageText(row["pdf"], row["page"], tuple(row["size"]), self._chars[row["start"] : row["start"] + row["count"]])
