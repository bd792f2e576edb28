"""Clauses found on labelled photos against their truth: the figures of the README.

Words are compared without case, edge punctuation and typographic variants. What is compared, and over what it is summed:

| figure | compares | summed over |
|---|---|---|
| word F1 | words of all true clauses of a type, in order, with all found ones' (longest common subsequence) | pages, types |
| presence F1 | whether a page holds a clause of a type | pages, types |
| CER | characters from the first to the last word that truth and finding share | pages and types where both have a clause |
| invented | found words that stand nowhere on the page, nor differ in one letter from one that does | found words |
| IoU | area of the found quads and of the true words' quads on the photo | mean over pages and types with a true clause |
| fields F1 | stated values: flags that are set, periods, amounts, months, parties | pages, types |
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray
from rapidfuzz import process
from rapidfuzz.distance import Indel, LCSseq, Levenshtein

from clausescan.bench.labelled import LabelledPhoto, clean
from clausescan.schema.clauses import CLAUSE_TYPES

GRID_PX = 8
"""Photo px a cell of the masks on which areas are compared."""
_EDGE = re.compile(r"^\W+|\W+$")

FoundClause = Mapping[str, Any]
"""A clause as the report's JSON has it; `type`, `text`, `quads` and `fields` are looked at."""


@dataclass
class Tally:
    """What was found and right, what was found, and what there was to find."""

    right: int = 0
    found: int = 0
    true: int = 0

    def add(self, right: int, found: int, true: int) -> None:
        """Take in further counts."""
        self.right, self.found, self.true = self.right + right, self.found + found, self.true + true

    @property
    def f1(self) -> float:
        """The harmonic mean of precision and recall; 1 where there was nothing to find and nothing was found."""
        return 2 * self.right / (self.found + self.true) if self.found + self.true else 1.0


@dataclass
class Scores:
    """Sums over the pages of a labelled set."""

    pages: int = 0
    words: Tally = field(default_factory=Tally)
    presence: Tally = field(default_factory=Tally)
    fields: Tally = field(default_factory=Tally)
    edits: int = 0
    characters: int = 0
    invented: int = 0
    emitted: int = 0
    areas: list[float] = field(default_factory=list)

    @property
    def cer(self) -> float | None:
        """Character error rate of the quoted text; None where truth and finding never share a word."""
        return self.edits / self.characters if self.characters else None

    @property
    def iou(self) -> float | None:
        """Mean area shared over area covered by either; None where no page has a clause."""
        return float(np.mean(self.areas)) if self.areas else None

    @property
    def invented_share(self) -> float:
        """Part of the found words that the page does not hold."""
        return self.invented / self.emitted if self.emitted else 0.0

    def add(self, page: LabelledPhoto, clauses: Sequence[FoundClause]) -> None:
        """Take in one page's found clauses; a page without a report has none."""
        self.pages += 1
        vocabulary = frozenset(plain_words(" ".join(page.words)))
        for kind in CLAUSE_TYPES:
            true = [c for c in page.clauses if c["type"] == kind]
            found = [c for c in clauses if c["type"] == kind]
            true_words, found_words = (plain_words(" ".join(c["text"] for c in some)) for some in (true, found))
            self.words.add(LCSseq.similarity(true_words, found_words), len(found_words), len(true_words))
            self.presence.add(bool(true and found), bool(found), bool(true))
            true_values, found_values = (stated(kind, some) for some in (true, found))
            self.fields.add(len(true_values & found_values), len(found_values), len(true_values))
            self.emitted += len(found_words)
            self.invented += sum(not _stands(word, vocabulary) for word in found_words)
            if true:
                self.areas.append(area_overlap(_quads(true), _quads(found), page.size))
            if true and found:
                edits, length = quote_errors(*(" ".join(c["text"] for c in some) for some in (true, found)))
                self.edits, self.characters = self.edits + edits, self.characters + length

    def figures(self) -> dict[str, float | int | None]:
        """The figures by name, for JSON."""
        return {
            "pages": self.pages,
            "word_f1": self.words.f1,
            "presence_f1": self.presence.f1,
            "cer": self.cer,
            "invented": self.invented_share,
            "box_iou": self.iou,
            "fields_f1": self.fields.f1,
        }


def plain_words(text: str) -> list[str]:
    """A text's words without case and the punctuation at their edges; words of nothing else fall away."""
    stripped = (_EDGE.sub("", word) for word in clean(text).casefold().split())
    return [word for word in stripped if word]


def _stands(word: str, vocabulary: frozenset[str]) -> bool:
    if word in vocabulary:
        return True
    return process.extractOne(word, vocabulary, scorer=Levenshtein.distance, score_cutoff=1) is not None


def quote_errors(true: str, found: str) -> tuple[int, int]:
    """(edits, true characters) between the first and the last word that both share; (0, 0) where they share none."""
    rows = [clean(text).split() for text in (true, found)]
    keys = [[_EDGE.sub("", w).casefold() or w for w in row] for row in rows]
    shared = [op for op in Indel.opcodes(*keys) if op.tag == "equal"]
    if not shared:
        return 0, 0
    first, last = shared[0], shared[-1]
    a, b = " ".join(rows[0][first.src_start : last.src_end]), " ".join(rows[1][first.dest_start : last.dest_end])
    return Levenshtein.distance(a, b), len(a)


_FLAGS = {
    "termination": ("for_convenience", "for_cause"),
    "indemnity": ("mutual", "defend"),
    "liability_cap": ("excludes_consequential", "excludes_all", "uncapped"),
}
"""Of each type; a flag counts as a stated value when it is set."""


def stated(kind: str, clauses: Iterable[FoundClause]) -> set[tuple[object, ...]]:
    """The values that clauses of one type state, each once, in a form that can be compared."""
    out: set[tuple[object, ...]] = set()
    for clause in clauses:
        fields = clause.get("fields") or {}
        out |= {(flag,) for flag in _FLAGS[kind] if fields.get(flag) is True}
        for name in ("notice_periods", "cure_periods"):
            out |= {(name, float(p["value"]), str(p["unit"]).casefold().rstrip("s")) for p in fields.get(name) or ()}
        out |= {("amount", round(float(a["amount"]), 2), str(a["currency"] or "").upper()) for a in fields.get("amounts") or ()}
        out |= {("fee_months", float(months)) for months in fields.get("fee_months") or ()}
        if kind == "indemnity":
            out |= {("party", " ".join(plain_words(party))) for party in fields.get("indemnifying_parties") or ()}
    return out


def _quads(clauses: Iterable[FoundClause]) -> list[Any]:
    return [quad for clause in clauses for quad in clause["quads"]]


def area_overlap(true: Sequence[Any], found: Sequence[Any], size: tuple[int, int]) -> float:
    """Shared area over the area covered by either, of two lists of quads on a photo of (width, height) px.

    Both are drawn on a grid of GRID_PX and closed alike, so that gaps between words count on neither side.
    """
    a, b = (_drawn(quads, size) for quads in (true, found))
    return float((a & b).sum() / max(1, (a | b).sum()))


def _drawn(quads: Sequence[Any], size: tuple[int, int]) -> NDArray[np.uint8]:
    grid = np.zeros((size[1] // GRID_PX + 1, size[0] // GRID_PX + 1), np.uint8)
    for quad in quads:
        cv2.fillPoly(grid, [np.round(np.array(quad, np.float64) / GRID_PX).astype(np.int32)], (1,))
    return np.asarray(cv2.morphologyEx(grid, cv2.MORPH_CLOSE, np.ones((5, 5), np.uint8)), np.uint8)
