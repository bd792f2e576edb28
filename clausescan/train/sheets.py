"""Flat sheets to photograph: real contract pages and pages composed here, each with every glyph's place.

A sheet is drawn at :data:`SHEET_WIDTH` pixels so that the simulator always scales down a little.
"""

from __future__ import annotations

import functools
import re
import subprocess
import zlib
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from clausescan.train.contracts import UNITS, Contracts, PageText

SHEET_WIDTH = 2400
"""Pixels across a whole sheet (A4 or Letter)."""

HELD_OUT_FONT_SHARE = 10
"""One font family in so many is never trained on, chosen by a checksum of its name."""

_X_HEIGHT_LETTERS = frozenset(map(ord, "acemnorsuvwxz"))
_TALL = frozenset(map(ord, "ABCDEFGHIJKLMNOPRSTUVWXYZbdhkl0123456789"))
_NOT_TEXT = re.compile(
    r"symbol|dingbat|emoji|math|music|ornament|icon|awesome|barcode|d050000l|standard symbols|openSymbol|esint|msam|msbm|cmex|"
    r"cmsy|fraktur|script|chancery|lobster|dancing|linex|initials|tengwar|cherokee|junicode.*enlarged|display.*black|keyboard|"
    r"biolinum.*kb|breip|isabella|atarismall|radisnoir",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class Sheet:
    """`gray` (H, W) uint8, ink dark. Glyph columns: code, x0, x1 (px), line, word; `lines` (L, 2): middle y and x-height (px).

    The middle of a line is half an x-height above its baseline.
    """

    gray: NDArray[np.uint8]
    code: NDArray[np.int32]
    x0: NDArray[np.float32]
    x1: NDArray[np.float32]
    word: NDArray[np.int32]
    line: NDArray[np.int32]
    lines: NDArray[np.float32]


def x_height_of(codes: NDArray[np.int32], rise: NDArray[np.float64]) -> float:
    """A line's x-height by how far its letters rise above the baseline; from capitals alone if need be, 0 without either."""
    small, tall = np.isin(codes, list(_X_HEIGHT_LETTERS)), np.isin(codes, list(_TALL))
    if small.sum() >= 2:
        return float(np.median(rise[small]))
    return 0.68 * float(np.median(rise[tall])) if tall.any() else 0.0


def sheet_of(text: PageText, picture: NDArray[np.uint8]) -> Sheet:
    """Join a page's packed text with its rendering, (H, W) uint8 at any scale."""
    scale = picture.shape[1] / text.size_pt[0]
    chars = text.chars
    boxes = chars[:, 1:5] * (scale / UNITS)
    baseline = chars[:, 5] * (scale / UNITS)
    line = chars[:, 7]
    count = int(line.max()) + 1 if len(chars) else 0
    lines = np.zeros((count, 2), np.float32)
    height = baseline - boxes[:, 1]
    for n in range(count):
        of = line == n
        x_height = x_height_of(chars[of, 0], height[of])
        lines[n] = np.median(baseline[of]) - x_height / 2, x_height
    return Sheet(picture, chars[:, 0], boxes[:, 0].astype(np.float32), boxes[:, 2].astype(np.float32), chars[:, 6], line, lines)


class RealSheets:
    """Pages of the contracts, rendered by pypdfium2 when asked for."""

    def __init__(self, contracts: Contracts, folder: Path, keep: NDArray[np.bool_] | None = None) -> None:
        self.contracts, self.folder = contracts, folder
        rows = [i for i, row in enumerate(contracts.index) if row["count"] >= 300 and (keep is None or keep[i])]
        self.rows = np.array(rows)

    def draw(self, rng: np.random.Generator) -> Sheet:
        """A random page."""
        return self.page(int(rng.choice(self.rows)))

    def page(self, number: int) -> Sheet:
        """The page of this number in the packed index."""
        import pypdfium2

        text = self.contracts[number]
        document = pypdfium2.PdfDocument(self.folder / text.pdf)
        picture = document[text.index].render(scale=SHEET_WIDTH / text.size_pt[0], grayscale=True).to_numpy()
        document.close()
        return sheet_of(text, np.ascontiguousarray(picture.reshape(picture.shape[0], picture.shape[1])))


@functools.cache
def font_files() -> tuple[tuple[str, str], ...]:
    """(family, file) of the installed fonts that hold English text, in a stable order."""
    listing = subprocess.run(
        ["fc-list", ":lang=en", "family", "file"],  # noqa: S607 (wherever on the PATH the system keeps it)
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    out = set()
    for row in listing.splitlines():
        file, _, family = row.partition(":")
        family = family.strip().split(",")[0]
        noto = family.startswith("Noto ") and family not in (
            "Noto Sans",
            "Noto Serif",
            "Noto Mono",
            "Noto Sans Mono",
            "Noto Serif Display",
        )
        if file.endswith((".ttf", ".otf")) and not noto and not _NOT_TEXT.search(family + Path(file).stem):
            out.add((family, file))
    return tuple(sorted(out))


def held_out(family: str) -> bool:
    """Whether a font family is kept for measuring only."""
    return zlib.crc32(family.encode()) % HELD_OUT_FONT_SHARE == 0


_SAMPLE = "".join(map(chr, range(33, 127))) + "“”‘’–—§•©®™€£°½é…"


@functools.cache
def missing(file: str) -> frozenset[str]:
    """Characters that a font file draws as its empty box; all of them for a font whose small letters are capitals."""
    font = _font(file, 48)
    box = bytes(font.getmask("\U000f1234"))
    small, capital = (font.getbbox(c, anchor="ls")[1] for c in "xX")
    if not 0.3 < small / (capital or 1) < 0.9:
        return frozenset(_SAMPLE)
    return frozenset(c for c in _SAMPLE if bytes(font.getmask(c)) in (box, b""))


@functools.cache
def families(kept_out: bool) -> tuple[tuple[str, ...], ...]:
    """The font files of each family, of those kept for measuring or of those trained on."""
    groups: dict[str, list[str]] = {}
    for family, file in font_files():
        if held_out(family) == kept_out and not missing(file) & set("aegxERS05.,;"):
            groups.setdefault(family, []).append(file)
    return tuple(tuple(v) for v in groups.values())


@functools.lru_cache(maxsize=64)
def _font(file: str, size: int) -> ImageFont.FreeTypeFont:
    return ImageFont.truetype(file, size)


class ComposedSheets:
    """Parts of pages set here: contract words in many fonts, sizes and manners, with numbers and rare signs mixed in."""

    def __init__(self, contracts: Contracts, kept_out_fonts: bool = False, keep: NDArray[np.bool_] | None = None) -> None:
        self.contracts = contracts
        self.families = families(kept_out_fonts)
        rows = [i for i, row in enumerate(contracts.index) if row["count"] >= 800 and (keep is None or keep[i])]
        self.rows = np.array(rows)

    def draw(self, rng: np.random.Generator, height: int = 1100) -> Sheet:
        """A part of a page, (height, SHEET_WIDTH)."""
        words = [w for line in self.contracts[int(rng.choice(self.rows))].words() for w, _ in line]
        words = [mutate(w, rng) for w in words]
        start = int(rng.integers(0, max(1, len(words) - 150)))
        return set_words(words[start:], self.families[int(rng.integers(len(self.families)))], rng, height)


_RARE = "§•¶©®™€£°½é—–…%$&@#*()[]/\\+=<>{}_~^|\"'“”‘’;:!?"


def mutate(word: str, rng: np.random.Generator) -> str:
    """Digits drawn anew, sometimes capitals, figures, amounts, references and rare signs, so that nothing is learnt by heart."""
    if any(c.isdigit() for c in word):
        word = "".join(str(rng.integers(10)) if c.isdigit() else c for c in word)
    roll = rng.random()
    if roll < 0.02:
        return word.upper()
    if roll < 0.035:
        return f"{rng.choice(list('$€£'))}{int(rng.integers(1, 10 ** int(rng.integers(2, 9)))):,}"
    if roll < 0.05:
        return f"{rng.integers(1, 30)}.{rng.integers(1, 20)}" + str(rng.choice(["", ".", f"({rng.choice(list('abcdefgivx'))})"]))
    if roll < 0.06:
        return "".join(
            rng.choice(list("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"), int(rng.integers(2, 10)))
        )
    if roll < 0.08:
        sign = str(rng.choice(list(_RARE)))
        return sign + word if rng.random() < 0.5 else word + sign
    if roll < 0.09:
        return f"({rng.choice(['a', 'b', 'i', 'ii', 'iii', 'iv', 'v', 'A', '1', '2', '30', '60', '90'])})"
    return word


def set_words(words: list[str], files: tuple[str, ...], rng: np.random.Generator, height: int) -> Sheet:
    """Set words as paragraphs in one font family (its files are the styles)."""
    picture = Image.new("L", (SHEET_WIDTH, height), 255)
    pen = ImageDraw.Draw(picture)
    dots_per_pt = SHEET_WIDTH / 595
    size = float(np.clip(rng.normal(10.5, 1.7), 6.8, 15)) * dots_per_pt
    leading = size * float(rng.uniform(1.05, 1.55))
    left, right = (float(rng.uniform(0.06, 0.14)) * SHEET_WIDTH for _ in range(2))
    justified, gap_scale = rng.random() < 0.5, float(rng.uniform(0.85, 1.3))
    file = files[int(rng.integers(len(files)))]
    code: list[int] = []
    x0: list[float] = []
    x1: list[float] = []
    word_of: list[int] = []
    line_of: list[int] = []
    lines: list[tuple[float, float]] = []
    y, i, count = float(rng.uniform(10, 60)) + size, 0, 0
    paragraph_left = 0
    while y < height - size * 0.4 and i < len(words):
        if paragraph_left <= 0:
            paragraph_left = int(rng.integers(1, 9))
            indent = float(rng.choice([0, 0, 0, 40, 80, 160]))
            style = files[int(rng.integers(len(files)))] if rng.random() < 0.25 else file
            capitals, underline = rng.random() < 0.16, rng.random() < 0.06
            font, lacking = _font(style, round(size)), missing(style)
            space = font.getlength(" ") * gap_scale
            x_height = -float(font.getbbox("x", anchor="ls")[1])
            y += leading * float(rng.choice([0, 0.3, 0.6, 1.0]))
        line_left, line_right = left + indent, SHEET_WIDTH - right
        taken: list[tuple[str, float]] = []
        width = 0.0
        while i < len(words):
            text = words[i].upper() if capitals else words[i]
            if not lacking.isdisjoint(text):
                text = "".join(c for c in text if c not in lacking) or "and"
            w = float(font.getlength(text))
            if width + w > line_right - line_left and taken:
                break
            taken.append((text, w))
            width += w + space
            i += 1
        last = paragraph_left == 1
        if last and len(taken) > 3:
            taken = taken[: int(rng.integers(1, len(taken) + 1))]
        natural = sum(w for _, w in taken)
        gap = space
        if justified and not last and len(taken) > 1:
            gap = min((line_right - line_left - natural) / (len(taken) - 1), space * 3)
        x = line_left
        for number, (text, w) in enumerate(taken):
            pen.text((x, y), text, fill=0, font=font, anchor="ls")
            cuts = [float(font.getlength(text[:k])) for k in range(len(text) + 1)]
            code += map(ord, text)
            x0 += [x + c for c in cuts[:-1]]
            x1 += [x + c for c in cuts[1:]]
            word_of += [count] * len(text)
            line_of += [len(lines)] * len(text)
            count += 1
            x += w + (gap * float(rng.choice([1, 2.5])) if number == 0 and rng.random() < 0.1 else gap)
        if underline:
            pen.line((line_left, y + size * 0.12, x - gap, y + size * 0.12), fill=0, width=max(1, round(size / 16)))
        lines.append((y - x_height / 2, x_height))
        y += leading
        paragraph_left -= 1
    gray = np.asarray(picture)
    return Sheet(
        gray, np.array(code, np.int32), np.array(x0, np.float32), np.array(x1, np.float32),
        np.array(word_of, np.int32), np.array(line_of, np.int32), np.array(lines, np.float32).reshape(-1, 2),
    )  # fmt: skip
