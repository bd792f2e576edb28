"""Places of what a model quotes: first and last words looked up among the words that our own reader read.

A model may misread, correct or invent. A quote is placed where a run of read words is nearly the same; when no run is, or two
are equally near, the passage is not quoted at all, and is listed with its reason.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass

from rapidfuzz import fuzz

from clausescan.answer import UnplacedQuote
from clausescan.page import Reading
from clausescan.schema.clauses import ClauseType
from clausescan.schema.listing import ListedPassage
from clausescan.schema.report import UnplacedReason

ALIKE = 84.0
"""A run of words is the quoted one from this similarity on (100 x normalised indel similarity): two misread letters in ten."""
CLEARLY = 1.0
"""Of two places the better one must be better by this much, both ends together, else the quote is ambiguous."""
MIN_WORDS = 2
MIN_LETTERS = 8
"""Shorter quotes stand in too many places by chance."""

Place = tuple[int, int]


@dataclass(frozen=True)
class Placed:
    """A listed passage with its place."""

    type: ClauseType
    first: Place
    """(line, word) in the reading, included."""
    last: Place
    """(line, word) in the reading, included."""
    likeness: float
    """0 to 1: how like the page's words the quoted ones are, the worse of the two ends."""


@dataclass(frozen=True)
class _Match:
    first: int
    last: int
    score: float


def place(listed: Sequence[ListedPassage], reading: Reading) -> tuple[tuple[Placed, ...], tuple[UnplacedQuote, ...]]:
    """The listed passages that stand on the page, in their order, and those that do not, with the reason."""
    words = [
        ((i, j), plain)
        for i, line in enumerate(reading.lines)
        for j, word in enumerate(line.words)
        if word.text.strip() and (plain := letters(word.text))
    ]
    texts = [text for _, text in words]
    placed: list[Placed] = []
    unplaced: list[UnplacedQuote] = []
    taken: dict[ClauseType, list[tuple[int, int]]] = {}
    for passage in listed:
        found = _span(passage, texts)
        if isinstance(found, _Match) and any(a <= found.last and found.first <= b for a, b in taken.get(passage.type, ())):
            found = "overlaps"
        if not isinstance(found, _Match):
            count = len(passage.first_words.split()) + len(passage.last_words.split())
            unplaced.append(UnplacedQuote(passage.type, found, count))
            continue
        taken.setdefault(passage.type, []).append((found.first, found.last))
        placed.append(Placed(passage.type, words[found.first][0], words[found.last][0], found.score / 100))
    return tuple(placed), tuple(unplaced)


def letters(text: str) -> str:
    """A word as quotes are compared: compatibility forms undone, case folded, letters and digits only."""
    return "".join(c for c in unicodedata.normalize("NFKC", text).casefold() if c.isalnum())


def _span(passage: ListedPassage, texts: list[str]) -> _Match | UnplacedReason:
    """First and last word of a passage among the page's words, or why there is no telling."""
    head, tail = (_words(quote) for quote in (passage.first_words, passage.last_words))
    if any(len(q) < MIN_WORDS or len("".join(q)) < MIN_LETTERS for q in (head, tail)):
        return "too_short"
    heads, tails = _matches(head, texts), _matches(tail, texts)
    if not heads or not tails:
        return "not_on_page"
    # The same opening may stand in several clauses, and so may the same ending: each start goes with
    # the end after it that is most like the quoted one, the nearest of equals.
    pairs = []
    for start in heads:
        after = [t for t in tails if t.last >= start.last and t.first >= start.first]
        if after:
            end = min(after, key=lambda t: (-round(t.score), t.last))
            pairs.append((start.score + end.score, _Match(start.first, end.last, min(start.score, end.score))))
    if not pairs:
        return "ends_before_it_begins"
    total, best = max(pairs, key=lambda p: p[0])
    return "ambiguous" if sum(t > total - CLEARLY for t, _ in pairs) > 1 else best


def _words(quote: str) -> list[str]:
    return [plain for word in quote.split() if (plain := letters(word))]


def _matches(quote: list[str], texts: list[str]) -> list[_Match]:
    """Every place where the quote nearly stands, near places of the same match taken once, in reading order."""
    joined = " ".join(quote)
    found: list[_Match] = []
    for first in range(len(texts)):
        best: _Match | None = None
        for count in range(max(len(quote) - 1, 1), len(quote) + 2):
            if first + count > len(texts):
                break
            score = fuzz.ratio(joined, " ".join(texts[first : first + count]), score_cutoff=ALIKE)
            if score >= ALIKE and (best is None or score > best.score):
                best = _Match(first, first + count - 1, score)
        if best is not None:
            found.append(best)
    kept: list[_Match] = []
    for match in sorted(found, key=lambda m: -m.score):
        if all(match.last < k.first or k.last < match.first for k in kept):
            kept.append(match)
    return sorted(kept, key=lambda m: m.first)
