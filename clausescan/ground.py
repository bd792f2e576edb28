"""Found passages to clauses whose every word and value stands on the page.

Quoted text is the reading's words between the passage's ends. A field value that cannot be located in those words is
dropped with a warning: the page decides, not the language model. Places on the photo come from the words' own quads,
each corner mapped for itself; a line that is bent on the photo becomes several quads, a straight one stays one.
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from clausescan.answer import Passage
from clausescan.errors import ModelError
from clausescan.evidence import Located, locate_fields
from clausescan.geometry import PointMap, Points, bounding_box
from clausescan.headings import ends_heading, heading, heading_words, words_alone
from clausescan.page import Reading, Word
from clausescan.schema.answers import PassageAnswer
from clausescan.schema.found import CLAUSES, Box, Clause, Evidence, OwnClause, Place, UncertainWord
from clausescan.schema.pagemap import Quad, as_quad
from clausescan.schema.report import TextLine
from clausescan.schema.shapes import ClauseShape
from clausescan.schema.values import Fields, OwnFields

BEND = 0.08
"""A quad ends where a word's middle lies further than this part of its height from the quad's own middle line."""


@dataclass(frozen=True)
class Grounded:
    """A clause with what had to be said about it."""

    clause: Clause
    warnings: tuple[str, ...]


class PhotoWords:
    """A page's words with their quads on the photo, mapped all at once."""

    def __init__(self, reading: Reading, photo_to_page: PointMap) -> None:
        self.reading = reading
        quads = [w.quad_page_px for line in reading.lines for w in line.words]
        flat = np.concatenate(quads).astype(np.float64) if quads else np.zeros((0, 2))
        mapped = photo_to_page.inverse(flat).reshape(-1, 4, 2) if quads else np.zeros((0, 4, 2))
        starts = np.cumsum([0] + [len(line.words) for line in reading.lines])
        self._quads = [mapped[a:b] for a, b in itertools.pairwise(starts)]

    def word(self, place: Place) -> Word:
        """The word at (line, word)."""
        return self.reading.lines[place[0]].words[place[1]]

    def quad(self, place: Place) -> Quad:
        """One word's quad on the photo."""
        return as_quad(self._quads[place[0]][place[1]])

    def quads(self, places: Sequence[Place]) -> list[tuple[int, Quad]]:
        """(line, quad on the photo) covering the words, in order; neighbours on a line share a quad while it is straight."""
        out: list[tuple[int, Quad]] = []
        run: list[Place] = []
        for place in places:
            if run and not (place == (run[-1][0], run[-1][1] + 1) and self._straight([*run, place])):
                out.append((run[0][0], self._merge(run)))
                run = []
            run.append(place)
        return [*out, (run[0][0], self._merge(run))] if run else out

    def _merge(self, run: list[Place]) -> Quad:
        first, last = self._quads[run[0][0]][run[0][1]], self._quads[run[-1][0]][run[-1][1]]
        return as_quad(np.array([first[0], last[1], last[2], first[3]]))

    def _straight(self, run: list[Place]) -> bool:
        quads: Points = np.array([self._quads[i][j] for i, j in run])
        left, right = (quads[0][0] + quads[0][3]) / 2, (quads[-1][1] + quads[-1][2]) / 2
        along = right - left
        length = float(np.hypot(*along))
        if length < 1e-6:
            return True
        normal = np.array([-along[1], along[0]]) / length
        middle = quads.mean(axis=1)
        height = float(np.median(np.linalg.norm(quads[:, 0] - quads[:, 3], axis=1)))
        return bool(np.abs((middle - left) @ normal).max() <= BEND * height)


def ground(passage: Passage, shape: ClauseShape, answer: PassageAnswer | None, words: PhotoWords, page: int) -> Grounded:
    """One passage as a clause of its type; `answer` is None when the model's answer was invalid, or when it was
    not taught to answer about this type.

    Raises `ModelError` when the passage lies outside the page's words.
    """
    places = passage_places(passage, words.reading)
    texts = [_plain(words.word(p).text) for p in places]
    located = locate_fields(shape, answer, texts) if answer else None
    runs = words.quads(places)
    lines = list(dict.fromkeys(line for line, _ in runs))
    common = {
        "page": page,
        "heading": heading(texts[: _heading_words(places, texts, words, answer.heading_words)]) if answer else None,
        "text": " ".join(texts),
        "quads": tuple(q for _, q in runs),
        "quad_lines": tuple(lines.index(line) for line, _ in runs),
        "boxes_page": tuple(_box([words.word(p) for p in places if p[0] == line]) for line in lines),
        "first": places[0],
        "last": places[-1],
        "skip_lines": tuple(sorted(int(s) for s in set(passage.skip_lines) if places[0][0] < s < places[-1][0])),
        "continues_from_previous": answer.continues_from_previous if answer else None,
        "continues_on_next": answer.continues_on_next if answer else None,
        "field_evidence": tuple(_evidence(e, places, texts, words) for e in located.evidence) if located else (),
        "uncertain_words": uncertain(places, words),
        "confidence": _probability(passage.confidence),
        "reading_confidence": reading_confidence([words.word(p) for p in places]),
        "visual_tokens": int(passage.visual_tokens),
        "complete": answer is not None or passage.answer_json is None,
    }
    fields = located.fields if located else None
    where = f"page {page + 1}, {passage.type}"
    warnings = tuple(f"{where}: {w}" for w in (located.warnings if located else ()))
    return Grounded(_clause(shape, common, fields), warnings)


def _heading_words(places: list[Place], texts: list[str], words: PhotoWords, claimed: int) -> int:
    """How many of a clause's first words are its heading: by the page's signs, else as claimed, if it may end there."""
    found = heading_words(texts, words_alone(words.reading, places))
    first_line = sum(place[0] == places[0][0] for place in places)
    may_end = 0 < claimed <= len(texts) and (ends_heading(texts, claimed) or claimed == first_line)
    return found or (claimed if may_end else 0)


def passage_places(passage: Passage, reading: Reading) -> list[Place]:
    """The (line, word) places of a passage, in order. Raises `ModelError` when it lies outside the reading or is empty."""
    counts = [len(line.words) for line in reading.lines]
    for line, word in (passage.first, passage.last):
        if not (0 <= line < len(counts) and 0 <= word < counts[line]):
            raise ModelError("the model pointed outside the page's words")
    if passage.first > passage.last:
        raise ModelError("the model pointed to a passage that ends before it begins")
    skipped = set(passage.skip_lines) - {passage.first[0], passage.last[0]}
    lines = [i for i in range(passage.first[0], passage.last[0] + 1) if i not in skipped]
    every = [(i, j) for i in lines for j in range(counts[i])]
    places = [p for p in every if passage.first <= p <= passage.last and reading.lines[p[0]].words[p[1]].text.strip()]
    if not places:
        raise ModelError("the model pointed to a passage without words")
    return places


def text_lines(words: PhotoWords) -> tuple[TextLine, ...]:
    """All lines of a page with their quads, for a transcript."""
    out = []
    for i, line in enumerate(words.reading.lines):
        places = [(i, j) for j, w in enumerate(line.words) if w.text.strip()]
        if not places:
            continue
        out.append(
            TextLine(
                text=" ".join(_plain(words.word(p).text) for p in places),
                quads=tuple(q for _, q in words.quads(places)),
                box_page=_box([words.word(p) for p in places]),
                confidence=reading_confidence([words.word(p) for p in places]),
                uncertain_words=uncertain(places, words),
            )
        )
    return tuple(out)


def uncertain(places: Sequence[Place], words: PhotoWords) -> tuple[UncertainWord, ...]:
    """The words at the places on which the two readings disagree."""
    return tuple(
        UncertainWord(
            word=i,
            text=_plain(word.text),
            other=word.second_reading,
            confidence=_probability(word.confidence),
            quad=words.quad(place),
        )
        for i, place in enumerate(places)
        if (word := words.word(place)).second_reading is not None and word.second_reading != word.text
    )


def reading_confidence(words: Sequence[Word]) -> float:
    """Mean confidence of the words, each weighed by its length; 0 for none."""
    weights = [max(len(w.text), 1) for w in words]
    return _probability(sum(w.confidence * n for w, n in zip(words, weights, strict=True)) / max(sum(weights), 1))


def _plain(text: str) -> str:
    """A word's text without white space, so that words can be counted by splitting at spaces."""
    return "".join(text.split())


def _probability(value: float) -> float:
    return round(min(max(float(value), 0.0), 1.0), 4)


def _box(words: Sequence[Word]) -> Box:
    x0, y0, x1, y1 = bounding_box(np.concatenate([w.quad_page_px for w in words]).astype(np.float64))
    return round(x0, 1), round(y0, 1), round(x1, 1), round(y1, 1)


def _evidence(found: Located, places: list[Place], texts: list[str], words: PhotoWords) -> Evidence:
    own = [places[i] for i in found.words]
    return Evidence(
        field=found.field,
        index=found.index,
        text=" ".join(texts[i] for i in found.words),
        words=found.words,
        places=tuple(own),
        quads=tuple(q for _, q in words.quads(own)),
    )


def _clause(shape: ClauseShape, common: Mapping[str, object], fields: Fields | None) -> Clause:
    model = CLAUSES.get(shape.name)
    if model is None:
        model, fields = OwnClause, None if fields is None else OwnFields(**dict(fields))
    return model.model_validate({"type": shape.name, "fields": fields, **common})
