"""Periods of time and rates in per cent among words."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from clausescan.quantities.lexing import HYPHENS, PUNCTUATION, SLASHES, Number, Token, text_at, tokens_of
from clausescan.quantities.numerals import is_spelled, number_groups
from clausescan.quantities.spelled import fraction_in_words
from clausescan.quantities.units import per_cent_after, unit_after


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


_Unit = tuple[str, int]
"""A unit's name and the position of its token."""
_DASHES = HYPHENS | {"—"}
_JOINERS = frozenset(("or", "to", "and", "nor", "but")) | _DASHES | SLASHES
_BOUNDS = frozenset("than least most up exceed exceeding".split())
_LIMITS = _BOUNDS | frozenset("not no in any event case more less fewer greater later earlier longer shorter at".split())
"""Words of "nor more than" and "but in no event later than"; a bound is among them, unlike in "one or more 90 day terms"."""
_MOST_JOINING = 9
_MONTHS = frozenset(
    "january february march april may june july august september october november december "
    "jan feb mar apr jun jul aug sep sept oct nov dec".split()
)
_NAMED = frozenset(
    "section sec § article art clause paragraph para subsection exhibit schedule appendix annex attachment addendum amendment "
    "part phase tier level item note chapter rule page step version no number figure table lot class series # $ € £ ¥".split()
)
"""Singular names of what has a number that counts nothing: "Section 8"."""


def durations(words: Sequence[str]) -> list[Duration]:
    """All whole periods in the words, in order; each written form of a number on its own."""
    tokens = tokens_of(words)
    groups = list(number_groups(tokens))
    found: list[Duration] = []
    for group, unit in zip(groups, _units(tokens, groups), strict=True):
        if unit and not _half_follows(tokens, unit[1] + 1):
            name, last = unit
            spans = [Duration(n.value, name, tokens[n.start].word, tokens[last].word) for n in group]
            found += [s for s in spans if s.value > 0 and s.value.is_integer()]
    return found


def percentages(words: Sequence[str]) -> list[Percentage]:
    """All rates in per cent, in order; each written form of a number on its own."""
    tokens = tokens_of(words)
    found: list[Percentage] = []
    for group in number_groups(tokens):
        mark = per_cent_after(tokens, _end(group))
        if mark is not None:
            found += [Percentage(round(n.value, 4), tokens[n.start].word, tokens[mark].word) for n in group]
    return found


def _units(tokens: list[Token], groups: list[list[Number]]) -> list[_Unit | None]:
    """The unit of each group: the one behind it or, in "30, 60 or 90 days", the one behind the last of its list."""
    units = [unit_after(tokens, _end(g)) for g in groups]
    shared = list(units)
    joined = [False] * len(groups)
    for i in reversed(range(len(groups) - 1)):
        if units[i] is None and shared[i + 1]:
            joined[i] = _is_joined(tokens, groups[i], groups[i + 1], listed=joined[i + 1])
            shared[i] = shared[i + 1] if joined[i] else None
    named = False
    for i, group in enumerate(groups):
        named = _is_named(tokens, group) or (named and i > 0 and joined[i - 1])
        shared[i] = units[i] if named else shared[i]  # "Sections 8 and 9 or 30 days" has one period
    return shared


def _is_joined(tokens: list[Token], group: list[Number], following: list[Number], listed: bool) -> bool:
    """Whether two numbers count the same thing; a comma joins only where a list goes on, up to its "or"."""
    between = [t.text for t in tokens[_end(group) : following[0].start] if t.text in _DASHES or t.text not in PUNCTUATION]
    whole = all(n.value.is_integer() for n in (*group, *following))
    if not whole or len(between) > _MOST_JOINING or not all(t in _JOINERS | _LIMITS | {","} for t in between):
        return False
    if not any(t in _JOINERS for t in between):
        return between == [","] and listed and _same_form(tokens, group, following)
    if any(t in _LIMITS for t in between):
        return any(t in _BOUNDS for t in between)
    return _same_form(tokens, group, following)


def _same_form(tokens: list[Token], group: list[Number], following: list[Number]) -> bool:
    """Whether the first number is as full as the second: the bare figure in "Phase 2 or thirty (30) days" is something else."""
    return any(is_spelled(tokens, n) for n in group) or not any(is_spelled(tokens, n) for n in following)


def _is_named(tokens: list[Token], group: list[Number]) -> bool:
    """Whether a number names something: a section, a day of a month, a year, a sum of money."""
    start = group[0].start
    bare = len(group) == 1 and not is_spelled(tokens, group[0])
    if bare and tokens[start].text.isdecimal() and 1900 <= group[0].value <= 2100:
        return True
    at = start - 1
    while text_at(tokens, at) in ("(", "[", "."):
        at -= 1
    before = text_at(tokens, at)
    subsection = at < start - 1 and before[-1:].isdecimal()  # 8(2)
    return subsection or before.removesuffix("s") in _NAMED or (bare and before in _MONTHS)


def _half_follows(tokens: list[Token], position: int) -> bool:
    """Whether "and a half" follows a unit: "a year and a half"; not so in "thirty days and one-half of the fees"."""
    part = fraction_in_words(tokens, position + 1) if text_at(tokens, position) == "and" else None
    return part is not None and part.end > position + 2 and text_at(tokens, part.end) != "of"


def _end(group: list[Number]) -> int:
    return max(n.end for n in group)
