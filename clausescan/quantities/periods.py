"""Periods of time and rates in per cent among words."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from clausescan.quantities.numerals import PUNCTUATION, Number, Token, number_group, number_groups, skip, tokens_of, unit_after


@dataclass(frozen=True)
class Duration:
    """A period found in the words `first` to `last`, both included."""

    value: float
    unit: str
    """hours, days, business_days, weeks, months or years."""
    first: int
    last: int


@dataclass(frozen=True)
class Percentage:
    """A rate in per cent found in the words `first` to `last`, both included."""

    value: float
    first: int
    last: int


_JOINERS = frozenset(("or", "to", "and", "-", "–", "—"))


def durations(words: Sequence[str]) -> list[Duration]:
    """All periods in the words, in order; each written form of a number on its own."""
    tokens = tokens_of(words)
    found: list[Duration] = []
    for group in number_groups(tokens):
        end = max(n.end for n in group)
        unit = unit_after(tokens, end) or _unit_after_joined_number(tokens, end)
        if unit:
            name, last = unit
            spans = [Duration(n.value, name, tokens[n.start].word, tokens[last].word) for n in group]
            found += [s for s in spans if s.value > 0]
    return found


def percentages(words: Sequence[str]) -> list[Percentage]:
    """All rates in per cent, in order; each written form of a number on its own."""
    tokens = tokens_of(words)
    found: list[Percentage] = []
    end = 0
    for bare in number_groups(tokens):
        if bare[0].start < end:  # the part behind the point of the rate before
            continue
        group = [_with_fraction(tokens, n) for n in bare]
        end = max(n.end for n in group)
        mark = _per_cent_after(tokens, end)
        if mark is not None:
            found += [Percentage(n.value, tokens[n.start].word, tokens[mark].word) for n in group]
    return found


def _with_fraction(tokens: list[Token], number: Number) -> Number:
    """The number with a half or a quarter that follows it, as in "one and one-half" and "one and a half"."""
    tail = "".join(t.text for t in tokens[number.end : number.end + 5])
    match = re.match(r"and(?:one|a)[-–]?(half|quarter)", tail)
    if match is None:
        return number
    last = next(i for i in range(number.end, len(tokens)) if tokens[i].text == match[1])
    return Number(number.value + {"half": 0.5, "quarter": 0.25}[match[1]], number.start, last + 1)


def _per_cent_after(tokens: list[Token], start: int) -> int | None:
    """The position of the % or "per cent" that follows."""
    position = skip(tokens, start, PUNCTUATION)
    if position < len(tokens) and tokens[position].text in ("%", "percent"):
        return position
    two = [t.text for t in tokens[position : position + 2]]
    return position + 1 if two == ["per", "cent"] else None


def _unit_after_joined_number(tokens: list[Token], start: int) -> tuple[str, int] | None:
    """In "30 or 60 days" the first number has the second one's unit."""
    position = skip(tokens, start, PUNCTUATION)
    if position < len(tokens) and tokens[position].text in _JOINERS:
        position = skip(tokens, position + 1, PUNCTUATION)
    elif position == start or tokens[position - 1].text not in _JOINERS:
        return None
    group = number_group(tokens, position)
    return unit_after(tokens, max(n.end for n in group)) if group else None
