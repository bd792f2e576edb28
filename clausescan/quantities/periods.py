"""Periods of time and rates in per cent among words."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from clausescan.quantities.lexing import CLOSING, HYPHENS, OPENING, PUNCTUATION, SLASHES, Number, Token, text_at, tokens_of
from clausescan.quantities.naming import is_named, is_year
from clausescan.quantities.numerals import group_end, is_spelled, number_groups
from clausescan.quantities.spelled import fraction_in_words
from clausescan.quantities.units import DAY_KINDS, UNIT_WORDS, of_kind, per_cent_after, unit_after


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
_BROKEN = frozenset("half halve quarter".split())
"""Parts of a period; behind one, "a third" and "one fifth" begin something else: "thirty days and a third party"."""
_BEHIND_BROKEN = frozenset("from after before following prior until thereafter or and".split())
_BEHIND_BROKEN |= PUNCTUATION - {"-"} | set(".,;:") | {""}
"""What may follow a broken period; the hyphen of "and a quarter-page notice" may not."""
_LONGEST_ASIDE = 8
_NUMBERED = UNIT_WORDS | {"quarter"}
"""What may have a number, apart from the names of `naming`: "Year 1-10%"."""


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
    groups = list(number_groups(tokens))
    marks = [per_cent_after(tokens, group_end(g)) for g in groups]
    for i in reversed(range(len(groups) - 1)):
        if marks[i] is None and marks[i + 1] is not None and _is_range_of_rates(tokens, groups[i], groups[i + 1]):
            marks[i] = marks[i + 1]
    found: list[Percentage] = []
    for group, mark in zip(groups, marks, strict=True):
        if mark is not None:
            found += [Percentage(round(n.value, 4), tokens[n.start].word, tokens[mark].word) for n in group]
    return found


def _is_range_of_rates(tokens: list[Token], group: list[Number], following: list[Number]) -> bool:
    """Whether two numbers are the ends of one range: "5 to 10%", "5-10%"; not so in "Year 1 - 10%" and "Section 5 to 10%"."""
    texts = [t.text for t in _between(tokens, group, following)]
    tight = len(texts) == 1 and texts[0] in _DASHES and tokens[group[0].start].word == tokens[following[0].start].word
    before = text_at(tokens, group[0].start - 1)
    named = is_named(tokens, group) or is_year(tokens, group) or before.removesuffix("s") in _NUMBERED
    rising = group[0].value < following[0].value and _same_form(tokens, group, following)
    return (tight or texts == ["to"]) and rising and not named


def _units(tokens: list[Token], groups: list[list[Number]]) -> list[_Unit | None]:
    """The unit of each group: the one behind it or, in "30, 60 or 90 days", the one behind the last of its list."""
    units = [_unit_behind(tokens, g) for g in groups]
    shared = list(units)
    joined = [False] * len(groups)
    for i in reversed(range(len(groups) - 1)):
        behind = shared[i + 1]
        if units[i] is None and behind:
            joined[i] = _is_joined(tokens, groups[i], groups[i + 1], listed=joined[i + 1])
            kinds = [t.text for t in _between(tokens, groups[i], groups[i + 1])]
            shared[i] = of_kind(behind, kinds) if joined[i] else None
    named = False
    for i, group in enumerate(groups):
        counted = joined[i] and _is_range_of_counts(tokens, group, groups[i + 1])
        named = is_named(tokens, group) or (is_year(tokens, group) and not counted) or (named and i > 0 and joined[i - 1])
        shared[i] = units[i] if named else shared[i]  # "Sections 8 and 9 or 30 days" has one period
    return shared


def _unit_behind(tokens: list[Token], group: list[Number]) -> _Unit | None:
    """The unit behind a group, of the kind of days that stands between its forms: "ten business (10) days"."""
    unit = unit_after(tokens, group_end(group))
    return unit and (of_kind(unit, [t.text for t in tokens[group[0].end : group_end(group)]]) or unit)


def _is_range_of_counts(tokens: list[Token], group: list[Number], following: list[Number]) -> bool:
    """Whether what looks like a year begins a range of other numbers of its size: "2000 to 3000 hours"."""
    link = [t.text for t in _between(tokens, group, following)]
    return len(link) == 1 and link[0] in _DASHES | {"to"} and following[0].value >= 1000 and not is_year(tokens, following)


def _between(tokens: list[Token], group: list[Number], following: list[Number]) -> list[Token]:
    """What stands between two numbers, brackets and quotes apart."""
    return [t for t in tokens[group_end(group) : following[0].start] if t.text in _DASHES or t.text not in PUNCTUATION]


def _is_joined(tokens: list[Token], group: list[Number], following: list[Number], listed: bool) -> bool:
    """Whether two numbers count the same thing; a comma joins only where a list goes on, up to its "or"."""
    between = [t.text for t in _between(tokens, group, following)]
    while between and between[0] in DAY_KINDS:  # "30 calendar or 20 business days"
        del between[0]
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


def _half_follows(tokens: list[Token], position: int) -> bool:
    """Whether "and a half" follows a unit: "a year and a half"; not so in "thirty days and one-half of the fees"."""
    part = fraction_in_words(tokens, position + 1) if text_at(tokens, position) == "and" else None
    if part is None or part.end <= position + 2 or tokens[part.end - 1].text.removesuffix("s") not in _BROKEN:
        return False
    end = part.end
    if text_at(tokens, end) in OPENING:  # "one-half (1/2)"
        end = next((i + 1 for i in range(end, min(end + _LONGEST_ASIDE, len(tokens))) if tokens[i].text in CLOSING), end)
    return text_at(tokens, end) in _BEHIND_BROKEN
