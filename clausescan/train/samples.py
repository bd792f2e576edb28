"""The pages of `samples/`: set from the texts in `samples/source`, photographed by `clausescan.train.scene`, with their truth.

A text file has settings, one `name: value` a line (font, size in pt, paper; header and footer, their parts parted by ` | `),
a line `---`, and paragraphs parted by blank lines. `# ` before a paragraph makes it a centred title, `## ` a heading;
`**` begins and ends bold print, `[[name|` and `]]` a labelled clause. The JSON file of the same name tells each clause's type,
heading and fields, and whether it continues. A page whose last clause runs on is cut at its last full line.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from clausescan.errors import InputError
from clausescan.files import write_atomic
from clausescan.geometry import Points, bounding_box, box_quad
from clausescan.schema.clauses import FIELDS
from clausescan.train.scene import Bend, Look, Picture, SheetMap, jpeg, take

DPI = 300
PAPERS = {"a4": (210.0, 297.0), "letter": (215.9, 279.4)}
"""Width and height in mm."""
FONTS = {
    "Caladea": ("Caladea-Regular.ttf", "Caladea-Bold.ttf"),
    "Carlito": ("Carlito-Regular.ttf", "Carlito-Bold.ttf"),
    "Liberation Sans": ("LiberationSans-Regular.ttf", "LiberationSans-Bold.ttf"),
    "Liberation Serif": ("LiberationSerif-Regular.ttf", "LiberationSerif-Bold.ttf"),
    "TeX Gyre Heros": ("texgyreheros-regular.otf", "texgyreheros-bold.otf"),
    "TeX Gyre Termes": ("texgyretermes-regular.otf", "texgyretermes-bold.otf"),
}
"""Files of the regular and the bold face."""
FONT_FOLDERS = (Path("/usr/share/fonts"), Path("/usr/share/texmf/fonts"), Path("/usr/local/share/fonts"), Path("/Library/Fonts"))
LOOKS = {
    "services-agreement": Look(
        11, desk="wood", tilt_deg=9, turn_deg=-4, roll_deg=2.2, bend=Bend(80, curl_deg=11),
        lamp_deg=215, shadow=0.12, warmth=0.35, noise=0.2,
    ),
    "software-licence": Look(
        22, desk="cloth", tilt_deg=-8, turn_deg=5, roll_deg=-2.5, bend=Bend(35, curl_deg=12),
        lamp_deg=300, shadow=0.15, warmth=-0.35, noise=0.2,
    ),
    "supply-agreement": Look(
        33, desk="dark", tilt_deg=6, turn_deg=6, roll_deg=1.5, bend=Bend(90, fold_deg=4.5),
        lamp_deg=250, shadow=0.08, warmth=0.1,
    ),
    "distribution-agreement": Look(
        44, desk="plain", tilt_deg=12, turn_deg=-2, roll_deg=-1.2, bend=Bend(0, arch_deg=-8),
        lamp_deg=190, shadow=0.18, warmth=-0.6,
    ),
    "consulting-agreement": Look(
        55, (3840, 2160), desk="wood", tilt_deg=5, turn_deg=7, roll_deg=91.5, fill=0.93, bend=Bend(0, curl_deg=10),
        lamp_deg=160, warmth=0.6, noise=0.3,
    ),
    "amendment": Look(
        66, desk="cloth", tilt_deg=10, turn_deg=3, roll_deg=-3, bend=Bend(0, fold_deg=4),
        lamp_deg=330, shadow=0.2, warmth=0.5, noise=0.25,
    ),
    "hosting-agreement": Look(
        77, desk="dark", tilt_deg=-5, turn_deg=-6, roll_deg=2.8, bend=Bend(90, arch_deg=7),
        lamp_deg=240, shadow=0.1, warmth=-0.2,
    ),
}  # fmt: skip
"""How each sample is photographed, in the order of the truth's pages."""
_MARGIN_MM = (25.0, 24.0)
"""Beside the text, and above and below it."""
_LEADING = 1.3
_MARKS = re.compile(r"\[\[(\w+)\||(\]\])|(\*\*)|(\s+)")


@dataclass
class Word:
    """Runs of (text, bold), the names of the clauses around it, and once set its line and its ink's box in page px."""

    runs: list[tuple[str, bool]]
    clauses: frozenset[str]
    line: int = -1
    box: tuple[float, float, float, float] = (0, 0, 0, 0)

    @property
    def text(self) -> str:
        """The word as printed."""
        return "".join(text for text, _ in self.runs)


@dataclass
class Source:
    """A text file's settings, its paragraphs as (kind, words), and its clauses' labels by name."""

    settings: dict[str, str]
    paragraphs: list[tuple[str, list[Word]]]
    labels: dict[str, dict[str, Any]]

    @property
    def runs_on(self) -> bool:
        """Whether the page's last clause continues on the next."""
        return any(label.get("continues_on_next", False) for label in self.labels.values())


def load_source(file: Path) -> Source:
    """Read a text file and its labels. Raises InputError."""
    try:
        head, body = file.read_text(encoding="utf-8").split("\n---\n", 1)
        labels = json.loads(file.with_suffix(".json").read_text(encoding="utf-8"))
        settings = dict(line.split(": ", 1) for line in head.splitlines())
    except (OSError, ValueError) as error:
        raise InputError(f"{file}: not a sample's text with its labels beside it: {error}") from None
    for label in labels.values():
        FIELDS[label["type"]].model_validate_json(json.dumps(label["fields"]))
    paragraphs, opened = [], list[str]()
    for block in re.split(r"\n\s*\n", body.strip()):
        sign = re.match(r"(#*) *", block)
        assert sign is not None
        kind = {"#": "title", "##": "heading"}.get(sign[1], "text")
        paragraphs.append((kind, list(_words(block[sign.end() :], kind != "text", opened))))
    return Source(settings, paragraphs, labels)


def _words(block: str, bold: bool, opened: list[str]) -> Iterator[Word]:
    """A paragraph's words; `opened` holds the clauses begun and not yet ended, from paragraph to paragraph."""
    word, at = Word([], frozenset()), 0
    for mark in [*_MARKS.finditer(block), None]:
        text = block[at : mark.start() if mark else len(block)]
        if text:
            word.runs.append((text, bold))
            word.clauses = frozenset(opened)
        if (mark is None or mark[4]) and word.runs:
            yield word
            word = Word([], frozenset())
        if mark is None:
            return
        at = mark.end()
        if mark[1]:
            opened.append(mark[1])
        elif mark[2]:
            opened.pop()
        elif mark[3]:
            bold = not bold


@cache
def font(family: str, bold: bool, size_px: float) -> ImageFont.FreeTypeFont:
    """A face of an installed font. Raises InputError naming the file that was looked for."""
    if family not in FONTS:
        raise InputError(f"font {family!r}: known are {', '.join(FONTS)}")
    name = FONTS[family][bold]
    for folder in FONT_FOLDERS:
        for path in sorted(folder.rglob(name)):
            return ImageFont.truetype(str(path), size_px)
    raise InputError(f"font {family!r} is not installed: no {name} in {', '.join(map(str, FONT_FOLDERS))}")


@dataclass
class Sheet:
    """A page being set: `picture` is (H, W) gray; lines go down from `y_px`."""

    settings: dict[str, str]
    picture: Image.Image = field(init=False)
    words: list[Word] = field(default_factory=list)
    y_px: float = 0.0
    lines: int = 0

    def __post_init__(self) -> None:
        w, h = (round(mm / 25.4 * DPI) for mm in PAPERS[self.settings["paper"]])
        self.picture = Image.new("L", (w, h), 253)
        self.size_px = float(self.settings["size"]) * DPI / 72
        self.left, self.top = (mm / 25.4 * DPI for mm in _MARGIN_MM)
        self.y_px = self.top

    def width(self, word: Word, scale: float = 1.0) -> float:
        """Of a word in px."""
        return sum(self._face(bold, scale).getlength(text) for text, bold in word.runs)

    def line(self, words: list[Word], x: float, gap: float, scale: float = 1.0) -> None:
        """Print words from `x` on with `gap` px between them, and note their boxes; `y_px` is the line's upper edge."""
        pen = ImageDraw.Draw(self.picture)
        for word in words:
            boxes = []
            for text, bold in word.runs:
                face = self._face(bold, scale)
                pen.text((x, self.y_px), text, fill=22, font=face)
                x0, y0, x1, y1 = face.getbbox(text)
                boxes.append((x + x0 - 0.5, self.y_px + y0 - 0.5, x + x1 - 0.5, self.y_px + y1 - 0.5))
                x += face.getlength(text)
            word.line, word.box = self.lines, bounding_box(np.array(boxes).reshape(-1, 2))
            x += gap
        self.words += words
        self.lines += 1

    def paragraph(self, kind: str, words: list[Word], cut: bool) -> None:
        """Break words into lines, justified but for titles and the last, which is left to the next page if `cut`."""
        measure, space = self.picture.width - 2 * self.left, self._face(False, 1.0).getlength(" ")
        rows: list[list[Word]] = [[]]
        used = 0.0
        for word in words:
            width = self.width(word)
            if rows[-1] and used + space + width > measure:
                rows.append([])
                used = 0.0
            used += width + (space if rows[-1] else 0)
            rows[-1].append(word)
        for number, row in enumerate(rows):
            last = number == len(rows) - 1
            if last and cut:
                break
            taken = sum(map(self.width, row))
            gap = space if last or len(row) == 1 else (measure - taken) / (len(row) - 1)
            self.line(row, self.left + (measure - taken - gap * (len(row) - 1)) / 2 * (kind == "title"), gap)
            self.y_px += _LEADING * self.size_px
        self.y_px += self.size_px * (0.25 if kind == "heading" else 0.55)

    def edge_line(self, text: str, y_px: float) -> None:
        """A header or footer: parts parted by ` | ` at the left and the right margin."""
        self.y_px = y_px
        for side, part in enumerate(text.split(" | ")):
            words = [Word([(w, False)], frozenset()) for w in part.split()]
            gap = self._face(False, 0.82).getlength(" ")
            length = sum(self.width(w, 0.82) for w in words) + gap * (len(words) - 1)
            self.line(words, self.picture.width - self.left - length if side else self.left, gap, 0.82)

    def _face(self, bold: bool, scale: float) -> ImageFont.FreeTypeFont:
        return font(self.settings["font"], bold, round(self.size_px * scale, 2))


def set_page(source: Source) -> Sheet:
    """Set a page whole. Raises InputError where the text does not fit its paper."""
    sheet = Sheet(source.settings)
    sheet.edge_line(source.settings["header"], sheet.top * 0.55)
    sheet.y_px = sheet.top
    for number, (kind, words) in enumerate(source.paragraphs):
        sheet.paragraph(kind, words, cut=source.runs_on and number == len(source.paragraphs) - 1)
    if sheet.y_px > sheet.picture.height - sheet.top:
        raise InputError(f"the text is {sheet.y_px - sheet.picture.height + sheet.top:.0f} px too long for its paper")
    sheet.edge_line(source.settings["footer"], sheet.picture.height - sheet.top * 0.7)
    return sheet


def truth(name: str, source: Source, sheet: Sheet, to_photo: SheetMap, frame: tuple[int, int]) -> dict[str, Any]:
    """A page's entry in truth.json; every quad is in photo px, clockwise from the text's top left."""

    def on_photo(box: tuple[float, float, float, float]) -> list[list[float]]:
        return _rounded(to_photo.forward(box_quad(box)))

    rows = [[w for w in sheet.words if w.line == number] for number in range(sheet.lines)]
    clauses = []
    for key, label in source.labels.items():
        words = [w for w in sheet.words if key in w.clauses]
        text = " ".join(w.text for w in words)
        heading = label["heading"]
        if not words or (heading and heading not in text[: len(heading) + 8]):
            raise InputError(f"{name}: clause {key!r} has no words, or does not begin with its heading")
        clauses.append(
            {
                "type": label["type"],
                "heading": heading,
                "text": text,
                "quads": [on_photo(w.box) for w in words],
                "continues_from_previous": label.get("continues_from_previous", False),
                "continues_on_next": label.get("continues_on_next", False),
                "fields": label["fields"],
            }
        )
    return {
        "id": name,
        "level": "easy",
        "size": list(frame),
        "corners": _rounded(to_photo.corners()),
        "off_frame": 0.0,
        "words": [w.text for w in sheet.words],
        "lines": [
            {"text": " ".join(w.text for w in row), "quad": on_photo(bounding_box(np.array([w.box for w in row]).reshape(-1, 2)))}
            for row in rows
        ],
        "clauses": clauses,
        "source": {"text": f"source/{name}.txt"},
    }


def _rounded(points: Points) -> list[list[float]]:
    return [[round(float(x), 1), round(float(y), 1)] for x, y in points]


def make(folder: Path, name: str) -> tuple[bytes, dict[str, Any], int]:
    """One sample of `folder`/source: its JPEG, its truth, and the JPEG's quality."""
    source = load_source(folder / "source" / f"{name}.txt")
    sheet = set_page(source)
    page: Picture = np.asarray(sheet.picture, np.uint8)
    photo, to_photo = take(page, PAPERS[source.settings["paper"]][0], LOOKS[name])
    data, quality = jpeg(photo)
    return data, truth(name, source, sheet, to_photo, LOOKS[name].frame), quality


def write_samples(folder: Path) -> Iterator[str]:
    """Write every sample's photo and `truth.json` into `folder`, which holds `source`; yields a line of news for each."""
    pages = []
    for name in LOOKS:
        data, page, quality = make(folder, name)
        write_atomic(folder / f"{name}.jpg", data)
        pages.append(page)
        count = f"{len(page['words'])} words, {len(page['clauses'])} clauses"
        yield f"{name}.jpg: {len(data) / 1000:.0f} kB at quality {quality}, {count}"
    rows = ",\n".join(json.dumps(page, ensure_ascii=False, separators=(",", ":")) for page in pages)
    write_atomic(folder / "truth.json", f"[\n{rows}\n]\n".encode())
