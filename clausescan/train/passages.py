"""Pages composed of passages that we wrote ourselves (`passages.jsonl` beside this file), for what real pages show too seldom.

Each line of the file is a passage: its text, paragraphs on lines of their own, with the marks `{1:` and `:1}` around clause 1,
and the clauses' types, headings and fields. A page is a handful of passages, neighbours at random, broken into lines of one
width; a share of the pages is set in capitals in part, and some begin or end in the middle of a passage without a clause.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from clausescan.train.labels import LabelledClause, LabelledPage

PASSAGES = Path(__file__).with_name("passages.jsonl")
HELD_OUT_SHARE = 12
"""One passage in so many is for measuring."""
_MARK = re.compile(r"\{(\d+):|:(\d+)\}")
MOST_WORDS = 700
"""No further passage is added to a page of so many words."""
_PITCH_PT, _GAP_PT = 13.0, 8.0


@dataclass(frozen=True)
class Passage:
    """Words with the number of their paragraph, and clauses as (first word, last word, type, heading words, fields)."""

    words: tuple[str, ...]
    paragraph: tuple[int, ...]
    clauses: tuple[tuple[int, int, str, int, dict[str, Any]], ...]


def parse(text: str, clauses: list[dict[str, Any]]) -> Passage:
    """A passage from a line of the file. Raises `ValueError` when marks and clauses do not match."""
    words: list[str] = []
    paragraph: list[int] = []
    begun: dict[int, int] = {}
    spans: dict[int, tuple[int, int]] = {}
    for number, line in enumerate(text.split("\n")):
        at = 0
        for mark in [*_MARK.finditer(line), None]:
            for word in line[at : mark.start() if mark else None].split():
                words.append(word)
                paragraph.append(number)
            if mark is None:
                break
            at = mark.end()
            if mark.group(1):
                begun[int(mark.group(1))] = len(words)
            else:
                key = int(mark.group(2))
                spans[key] = (begun.pop(key, -1), len(words) - 1)
    if begun or {c["id"] for c in clauses} != set(spans) or any(a < 0 or b < a for a, b in spans.values()):
        raise ValueError("marks and clauses of a passage do not match")
    found = [(*spans[c["id"]], c["type"], c["heading_words"], c["fields"]) for c in clauses]
    return Passage(tuple(words), tuple(paragraph), tuple(found))


def load_passages(file: Path = PASSAGES, held_out: bool = False) -> list[Passage]:
    """The passages for training, or those for measuring."""
    rows = [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()]
    return [parse(r["text"], r["clauses"]) for n, r in enumerate(rows) if (n % HELD_OUT_SHARE == 0) == held_out]


def composed_pages(passages: list[Passage], count: int, seed: int = 1) -> list[LabelledPage]:
    """`count` pages, each passage used about equally often; the same seed gives the same pages."""
    rng = np.random.default_rng(seed)
    out: list[LabelledPage] = []
    queue: list[int] = []
    for number in range(count):
        wanted = int(rng.integers(2, 8))
        if len(queue) < wanted:
            queue += rng.permutation(len(passages)).tolist()
        chosen: list[Passage] = []
        while len(chosen) < wanted and sum(len(p.words) for p in chosen) < MOST_WORDS:
            if not queue:  # fewer passages than a page wants
                queue += rng.permutation(len(passages)).tolist()
            chosen.append(passages[queue.pop(0)])
        out.append(_compose(chosen, number, rng))
    return out


def _compose(passages: list[Passage], number: int, rng: np.random.Generator) -> LabelledPage:
    width = int(rng.integers(55, 105))
    caps = rng.random() < 0.2
    lines: list[list[str]] = []
    tops: list[float] = []
    clauses: list[LabelledClause] = []
    y = 60.0
    for k, passage in enumerate(passages):
        words = list(passage.words)
        start, end = 0, len(words)
        if not passage.clauses and k == 0 and rng.random() < 0.6:
            start = int(rng.integers(len(words) // 2))
        if not passage.clauses and k == len(passages) - 1 and rng.random() < 0.6:
            end = max(start + 5, int(rng.integers(len(words) // 2, len(words))))
        loud = caps and rng.random() < 0.5
        place: dict[int, tuple[int, int]] = {}
        last_paragraph = -1
        for i in range(start, end):
            word = words[i].upper() if loud else words[i]
            fresh = passage.paragraph[i] != last_paragraph
            if fresh or len(" ".join(lines[-1])) + 1 + len(word) > width:
                y += _PITCH_PT + (_GAP_PT if fresh else 0.0)
                lines.append([])
                tops.append(y)
            last_paragraph = passage.paragraph[i]
            lines[-1].append(word)
            place[i] = (len(lines) - 1, len(lines[-1]) - 1)
        for first, last, kind, heading, fields in passage.clauses:
            named = fields.get("indemnifying_parties")
            shown = {**fields, "indemnifying_parties": [n.upper() for n in named]} if loud and named else fields
            clauses.append(LabelledClause(kind, place[first], place[last], (), heading, False, False, shown))
    boxes = tuple(
        tuple((50.0 + 5 * i, top, 54.0 + 5 * i, top + 10.0) for i in range(len(line)))
        for line, top in zip(lines, tops, strict=True)
    )
    size = (595.0, max(842.0, y + 60.0))
    return LabelledPage(f"own-{number}", 0, size, tuple(map(tuple, lines)), boxes, tuple(clauses))
