"""Fonts and contracts that training never saw beside those it did: labelled pages set here, photographed by the simulator.

A labelled page of a contract is set again, every word at its own place, in one font family; `train.scene` photographs it, and
the whole pipeline reads the photo. Contracts are held out by company (`train.split`), font families by name (`train.sheets`).
Seen and held-out fonts set the same pages, seen and held-out contracts are set in the same fonts, and all four groups are
photographed alike.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from clausescan.bench.labelled import LabelledPhoto, labelled_photo
from clausescan.bench.reading import Figures, compare
from clausescan.bench.scoring import Scores
from clausescan.bench.stages import piped
from clausescan.config import ExtractConfig
from clausescan.errors import UsageError
from clausescan.files import write_atomic
from clausescan.geometry import bounding_box, box_quad
from clausescan.model.engine import CompactModel
from clausescan.train.contracts import Contracts
from clausescan.train.labels import LabelledPage
from clausescan.train.scene import SheetMap, jpeg, look, take
from clausescan.train.sheets import SHEET_WIDTH, families, missing
from clausescan.train.sightings import line_geometry
from clausescan.train.split import held_out_contract

POINT_MM = 25.4 / 72
FITTING = 0.25
"""Part of a page's words that may come out wider than they were."""

Box = tuple[float, float, float, float]


@dataclass(frozen=True)
class Group:
    """`contracts` and `fonts` are "seen" or "held out"."""

    contracts: str
    fonts: str


GROUPS = tuple(Group(contracts, fonts) for contracts in ("seen", "held out") for fonts in ("seen", "held out"))


@dataclass
class GroupResult:
    """A group's figures over its pages."""

    group: Group
    families: int = 0
    scores: Scores = field(default_factory=Scores)
    reading: Figures = field(default_factory=Figures)


@dataclass(frozen=True)
class SetPage:
    """A page set anew: its picture (H, SHEET_WIDTH) and each line's words with their boxes in its px (None: not printed)."""

    picture: np.ndarray[Any, np.dtype[np.uint8]]
    boxes: tuple[tuple[Box | None, ...], ...]
    texts: tuple[tuple[str, ...], ...]


def set_again(page: LabelledPage, geometry: Sequence[tuple[float, float, float, float]], file: str) -> SetPage:
    """Set a page's words in a font file, each where it stood; `geometry` is `line_geometry`'s, in points.

    One size for all lines of one x-height, chosen so that most words are no longer than they were; a word that is longer pushes
    the next to the right, never closer than a space.
    Characters that the font lacks are left out, in print and in the truth.
    """
    scale = SHEET_WIDTH / page.size_pt[0]
    lacking = missing(file)
    texts = tuple(tuple("".join(c for c in w if c not in lacking and c.isprintable()) for w in line) for line in page.lines)
    factor = _size_factor(page, geometry, texts, file)
    picture = Image.new("L", (SHEET_WIDTH, round(page.size_pt[1] * scale)), 255)
    pen = ImageDraw.Draw(picture)
    rows: list[tuple[Box | None, ...]] = []
    for line, boxes, (_, _, middle, x_height) in zip(texts, page.boxes, geometry, strict=True):
        face = ImageFont.truetype(file, max(6.0, factor * x_height * scale))
        baseline, end, space = (middle + x_height / 2) * scale, -1e9, face.getlength(" ")
        row: list[Box | None] = []
        for text, box in zip(line, boxes, strict=True):
            if not text:
                row.append(None)
                continue
            x = max(box[0] * scale, end + space)
            pen.text((x, baseline), text, fill=20, font=face, anchor="ls")
            x0, y0, x1, y1 = face.getbbox(text, anchor="ls")
            row.append((x + x0 - 0.5, baseline + y0 - 0.5, x + x1 - 0.5, baseline + y1 - 0.5))
            end = x + face.getlength(text)
        rows.append(tuple(row))
    return SetPage(np.asarray(picture, np.uint8), tuple(rows), texts)


def _size_factor(
    page: LabelledPage, geometry: Sequence[tuple[float, float, float, float]], texts: Sequence[Sequence[str]], file: str
) -> float:
    """Font size over a line's x-height, such that most words are no wider than on the page and lines stay apart."""
    face = ImageFont.truetype(file, 100)
    ratios = [
        (box[2] - box[0]) / (face.getlength(text) / 100) / x_height
        for line, boxes, (_, _, _, x_height) in zip(texts, page.boxes, geometry, strict=True)
        for text, box in zip(line, boxes, strict=True)
        if len(text) > 2 and x_height > 0
    ]
    usual = float(np.median([x_height for _, _, _, x_height in geometry]))
    pitches = [b[2] - a[2] for a, b in pairwise(geometry) if b[2] - a[2] > usual]
    _, top, _, bottom = face.getbbox("Hg", anchor="ls")
    room = 0.95 * float(np.quantile(pitches, 0.25)) / ((bottom - top) / 100 * usual) if pitches else np.inf
    return min(float(np.quantile(ratios, FITTING)) if ratios else 2.0, room)


def truth_of(name: str, page: LabelledPage, made: SetPage, to_photo: SheetMap, frame: tuple[int, int]) -> dict[str, Any]:
    """The page's entry as truth.json has it; quads in photo px."""

    def on_photo(box: Box) -> list[list[float]]:
        return [[round(float(x), 1), round(float(y), 1)] for x, y in to_photo.forward(box_quad(box))]

    lines = []
    for texts, boxes in zip(made.texts, made.boxes, strict=True):
        printed = [(t, b) for t, b in zip(texts, boxes, strict=True) if b is not None]
        if printed:
            whole = bounding_box(np.array([b for _, b in printed]).reshape(-1, 2))
            lines.append({"text": " ".join(t for t, _ in printed), "quad": on_photo(whole)})
    clauses = []
    for clause in page.clauses:
        places = [
            (n, k)
            for n in range(clause.first[0], clause.last[0] + 1)
            if n not in clause.skip_lines
            for k in range(len(made.texts[n]))
            if clause.first <= (n, k) <= clause.last and made.boxes[n][k] is not None
        ]
        quads = [on_photo(box) for n, k in places if (box := made.boxes[n][k]) is not None]
        text = " ".join(made.texts[n][k] for n, k in places)
        clauses.append({"type": clause.type, "text": text, "quads": quads, "fields": clause.fields})
    words = [t for texts, boxes in zip(made.texts, made.boxes, strict=True) for t, b in zip(texts, boxes, strict=True) if b]
    return {"id": name, "level": "set", "size": list(frame), "words": words, "lines": lines, "clauses": clauses}


def compose(
    group: Group, pages: Sequence[LabelledPage], contracts: Contracts, count: int, seed: int, folder: Path
) -> Iterator[tuple[LabelledPhoto, str]]:
    """A group's photos, written into `folder` with their truth, and the font file each is set in.

    Raises `UsageError` where too few such pages or fonts are at hand.
    """
    page_rng = np.random.default_rng((seed, 0, group.contracts == "held out"))
    font_rng = np.random.default_rng((seed, 1, group.fonts == "held out"))
    wanted = [p for p in pages if p.clauses and held_out_contract(p.pdf) == (group.contracts == "held out")]
    fonts = families(group.fonts == "held out")
    if len(wanted) < count or not fonts:
        raise UsageError(f"{count} pages of {group.contracts} contracts in {group.fonts} fonts are not at hand")
    rows = {(row["pdf"], row["page"]): i for i, row in enumerate(contracts.index)}
    for number, at in enumerate(page_rng.permutation(len(wanted))[:count]):
        page = wanted[int(at)]
        family = fonts[int(font_rng.integers(len(fonts)))]
        file = family[int(font_rng.integers(len(family)))]
        made = set_again(page, line_geometry(page, contracts[rows[page.pdf, page.index]].chars), file)
        seen = look(seed * 1000 + number)  # the same looks in all groups
        photo, to_photo = take(made.picture, page.size_pt[0] * POINT_MM, seen)
        name = f"{group.contracts}-{group.fonts}-{number:03}".replace(" ", "")
        target = folder / f"{name}.jpg"
        write_atomic(target, jpeg(photo)[0])
        yield labelled_photo(truth_of(name, page, made, to_photo, seen.frame), target), file


def run(
    pages: Sequence[LabelledPage], contracts: Contracts, model: CompactModel, count: int, seed: int, news: Callable[[str], None]
) -> list[GroupResult]:
    """Compose, read and score all four groups; the photos are kept only as long as they are needed."""
    results = []
    for group in GROUPS:
        result, files = GroupResult(group), set()
        with tempfile.TemporaryDirectory() as folder:
            for photo, file in compose(group, pages, contracts, count, seed, Path(folder)):
                report, lines = piped(photo.file, ExtractConfig(), model)
                result.scores.add(photo, [c.model_dump(mode="json") for c in report.clauses])
                figures = compare(lines, photo)
                result.reading.add(figures)
                files.add(file)
                news(f"{photo.id}: CER {figures.cer:.4f}")
                photo.file.unlink()
        result.families = len(files)
        results.append(result)
    return results
