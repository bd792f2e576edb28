"""The units that numbers count: hours to years, and per cent."""

from __future__ import annotations

from clausescan.quantities.lexing import CLOSING, PUNCTUATION, QUOTES, Token, past_hyphen, skip, text_at

_UNITS = {
    "hour": "hours",
    "hr": "hours",
    "day": "days",
    "weekday": "business_days",
    "week": "weeks",
    "month": "months",
    "mo": "months",
    "year": "years",
    "yr": "years",
}
_BETWEEN = frozenset(
    "or clear calendar consecutive full additional further prior written advance whole complete successive more "
    "preceding previous immediately most recent trailing contract fiscal natural continuous cumulative fewer less such "
    "local london us".split()
)
"""Words that may stand between a number and its unit."""
_ORDINALS = frozenset(("st", "nd", "rd", "th"))
_BUSINESS = frozenset(("business", "working", "bank", "banking", "trading"))
DAY_KINDS = _BUSINESS | {"calendar"}
"""Words that tell business days from calendar days."""
UNIT_WORDS = frozenset(_UNITS)
_NAMING = QUOTES | {"contract", "fiscal", "weekday"}
_MOST_BETWEEN = 8


def unit_after(tokens: list[Token], start: int) -> tuple[str, int] | None:
    """The unit that the number before `start` counts, and the position of its token."""
    if text_at(tokens, start) in _ORDINALS:
        return single_unit_after(tokens, start + 1)
    position, business = start, False
    while step := _between(tokens, position):
        business = business or tokens[position].text in _BUSINESS
        position += step
        if position - start > _MOST_BETWEEN:
            return None
    text = text_at(tokens, position)
    if text == "times":  # twenty-four times the monthly fee
        monthly = next((i for i in range(position, position + 5) if text_at(tokens, i) == "monthly"), None)
        return ("months", monthly) if monthly else None
    day = past_hyphen(tokens, position + 1)
    if text == "week" and text_at(tokens, day) in ("day", "days"):  # "five week days"
        return "business_days", day
    name = _UNITS.get(text.removesuffix("s"))
    return ("business_days" if business and name == "days" else name, position) if name else None


def of_kind(unit: tuple[str, int], kinds: list[str]) -> tuple[str, int] | None:
    """The unit of a number whose own words tell the kind of days, "30 calendar or 20 business days"; None if it is not days."""
    name, position = unit
    if DAY_KINDS.isdisjoint(kinds):
        return unit
    if name not in ("days", "business_days"):
        return None
    return ("days" if _BUSINESS.isdisjoint(kinds) else "business_days"), position


def single_unit_after(tokens: list[Token], start: int) -> tuple[str, int] | None:
    """The unit after "a" or an ordinal; none in a "Contract Year" and the 2nd fiscal year, which name a period."""
    unit = unit_after(tokens, start) if text_at(tokens, start) not in _ORDINALS else None
    named = unit and any(t.text in _NAMING for t in tokens[start : unit[1] + 1])
    return None if named else unit


def _between(tokens: list[Token], position: int) -> int:
    """How many tokens at a position may stand between a number and its unit: none, a word, or the four of "U.S."."""
    text = text_at(tokens, position)
    if text in PUNCTUATION or text in _BETWEEN or text in _BUSINESS:
        return 1
    if text == "," and text_at(tokens, position - 1) in CLOSING:  # "thirty (30), days"
        return 1
    return 4 if [t.text for t in tokens[position : position + 4]] == ["u", ".", "s", "."] else 0


def counts(tokens: list[Token], start: int) -> bool:
    """Whether the number before `start` counts time, per cent or times, and is no sum."""
    multiple = text_at(tokens, skip(tokens, start, PUNCTUATION)) == "times"
    return multiple or per_cent_after(tokens, start) is not None or unit_after(tokens, start) is not None


def per_cent_after(tokens: list[Token], start: int) -> int | None:
    """The position of the % or "per cent" that follows."""
    position = skip(tokens, start, PUNCTUATION)
    if text_at(tokens, position) in ("%", "percent"):
        return position
    return position + 1 if (text_at(tokens, position), text_at(tokens, position + 1)) == ("per", "cent") else None
