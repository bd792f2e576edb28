"""What a labelled page is to be taught as: its words, their tags, and the answer about each clause."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from clausescan.model.choice import BEGIN, INSIDE, word_places
from clausescan.model.vocabulary import paragraph_starts
from clausescan.schema.answers import ANSWERS, dump_answer
from clausescan.schema.clauses import CLAUSE_TYPES
from clausescan.train.augment import other_name, rename, renumber_fields, renumber_words, renumbering
from clausescan.train.labels import LabelledClause, LabelledPage


def words_of(page: LabelledPage) -> list[str]:
    """All words of a page, counted through."""
    return [w for line in page.lines for w in line]


def page_places(page: LabelledPage) -> NDArray[np.int8]:
    """Where a page's words stand, see `word_places`."""
    return word_places(page.lines, paragraph_starts(page.middles()))


def word_number(page: LabelledPage, place: Sequence[int]) -> int:
    """A (line, word) place as a number counted through the page."""
    return sum(len(line) for line in page.lines[: place[0]]) + place[1]


def tags_of(page: LabelledPage) -> np.ndarray[Any, np.dtype[np.int64]]:
    """(types, W): outside, begin or inside for each word; words of skipped lines are outside."""
    starts = np.cumsum([0] + [len(line) for line in page.lines])
    tags = np.zeros((len(CLAUSE_TYPES), starts[-1]), np.int64)
    for clause in page.clauses:
        row = tags[CLAUSE_TYPES.index(clause.type)]
        first, last = word_number(page, clause.first), word_number(page, clause.last)
        row[first : last + 1] = INSIDE
        for line in clause.skip_lines:
            row[starts[line] : starts[line + 1]] = 0
        row[first] = BEGIN
    return tags


def clause_words(page: LabelledPage, clause: LabelledClause, words: list[str]) -> tuple[list[list[str]], list[bool]]:
    """A clause's words by line as the model is shown them, and which lines begin paragraphs."""
    begins = paragraph_starts(page.middles())
    lines, flags, start = [], [], 0
    for n, line in enumerate(page.lines):
        row = words[start : start + len(line)]
        start += len(line)
        if n < clause.first[0] or n > clause.last[0] or n in clause.skip_lines:
            continue
        low = clause.first[1] if n == clause.first[0] else 0
        high = clause.last[1] + 1 if n == clause.last[0] else len(line)
        lines.append(row[low:high])
        flags.append(begins[n])
    return lines, flags


def answer_text(clause: LabelledClause, fields: dict[str, Any]) -> str:
    """The JSON the model should write for a clause."""
    answer = ANSWERS[clause.type].model_validate(
        {
            "heading_words": min(40, clause.heading_words),
            "continues_from_previous": clause.continues_from_previous,
            "continues_on_next": clause.continues_on_next,
            **{k: _bounded(v) for k, v in fields.items()},
        }
    )
    return dump_answer(answer)


def _bounded(value: Any) -> Any:
    if isinstance(value, list):
        return [v[:60] if isinstance(v, str) else v for v in value[:6]]
    return value


def change_page(page: LabelledPage, rng: np.random.Generator) -> tuple[list[str], list[dict[str, Any]]]:
    """A page's words with numbers and parties exchanged, and each clause's fields to match."""
    words = words_of(page)
    fields = [c.fields for c in page.clauses]
    for n, clause in enumerate(page.clauses):
        change = renumbering(clause.fields, rng)
        first, last = word_number(page, clause.first), word_number(page, clause.last)
        new = renumber_words(words[first : last + 1], change) if change else None
        if new is not None and not any(o is not clause and _overlap(page, o, clause) for o in page.clauses):
            words[first : last + 1] = new
            fields[n] = renumber_fields(clause.fields, change)
    parties = {p for f in fields for p in f.get("indemnifying_parties") or [] if p.isalpha()}
    for old in parties:
        new_name = other_name(rng)
        words = rename(words, old, new_name)
        fields = [
            {**f, "indemnifying_parties": [new_name if p == old else p for p in f["indemnifying_parties"]]}
            if "indemnifying_parties" in f
            else f
            for f in fields
        ]
    return words, fields


def _overlap(page: LabelledPage, a: LabelledClause, b: LabelledClause) -> bool:
    return word_number(page, a.first) <= word_number(page, b.last) and word_number(page, b.first) <= word_number(page, a.last)


def clause_lines(clause: LabelledClause) -> list[int]:
    """The lines a clause stands on."""
    return [n for n in range(clause.first[0], clause.last[0] + 1) if n not in clause.skip_lines]
