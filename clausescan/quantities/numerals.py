"""Numbers in contract English, in figures and in words, whole and broken."""

from __future__ import annotations

import math
import re
import unicodedata
from collections.abc import Iterator, Mapping

from clausescan.quantities.lexing import (
    ARTICLES,
    CLOSING,
    HYPHENS,
    OPENING,
    PUNCTUATION,
    SLASHES,
    Number,
    Token,
    past_hyphen,
    skip,
    text_at,
)
from clausescan.quantities.spelled import BEGINNINGS, MOST, SCALES, fraction_in_words, past_unread, spelled
from clausescan.quantities.units import DAY_KINDS, per_cent_after, single_unit_after, unit_after

_LONG_SCALES = SCALES | dict.fromkeys(("millions", "mio", "mil", "mln"), 10**6)
_LONG_SCALES |= {"thousands": 10**3, "billions": 10**9, "milliard": 10**9, "mrd": 10**9, "trillions": 10**12}
"""Those that can stand apart from their number: "five (5) million"."""
_DIGIT_SCALES = _LONG_SCALES | {"k": 10**3, "m": 10**6, "mm": 10**6, "mn": 10**6, "bn": 10**9}
_POINT_FOR_THOUSANDS = frozenset(("eur", "€", "euro", "euros", "chf"))
"""Currencies of those who write 500.000 for half a million."""
_PRICED = frozenset(
    "unit share item piece hour minute kg kilogram litre liter ton tonne kwh mwh km mile gallon barrel page word call".split()
)
"""What can cost a thousandth of a euro."""
_BROKEN_BY = frozenset((2, 3, 4, 5, 8, 10, 16))
_FRACTIONS = frozenset("½⅓⅔¼¾⅕⅖⅗⅘⅛⅜⅝⅞")
_BEGINNINGS = BEGINNINGS | _FRACTIONS


def number_groups(tokens: list[Token]) -> Iterator[list[Number]]:
    """The numbers in order, the written forms of one number together."""
    position = 0
    while position < len(tokens):
        group = number_group(tokens, position)
        if group:
            yield group
        position = group_end(group) if group else past_unread(tokens, position)


def group_end(group: list[Number]) -> int:
    """The token position behind all forms of a number."""
    return max(n.end for n in group)


def number_group(tokens: list[Token], start: int) -> list[Number]:
    """A number and, right after it, the same number in its other form: "thirty (30)", "30 (thirty)", "ten business (10)"."""
    first = number_at(tokens, start)
    if not first:
        return []
    second = number_at(tokens, skip(tokens, first.end, PUNCTUATION - {"-", "–", "—"} | DAY_KINDS))
    if second and second.value != first.value and any(t.text in DAY_KINDS for t in tokens[first.end : second.start]):
        second = None
    bracketed = second and any(t.text in OPENING for t in tokens[first.end : second.start])
    in_words = second and (is_spelled(tokens, first) or is_spelled(tokens, second))  # not so in "Tier 1 (30 days)"
    return [first, second] if second and bracketed and in_words else [first]


def is_spelled(tokens: list[Token], number: Number) -> bool:
    """Whether the number is in words."""
    return tokens[number.start].text.isalpha()


def number_with_scale_apart(tokens: list[Token], start: int) -> Number | None:
    """As `number_at`; "five (5) million" and "5 (five) million" as one number."""
    group = number_group(tokens, start)
    if len(group) == 2 and group[0].value == group[1].value:
        at = skip(tokens, group[1].end, CLOSING)
        if text_at(tokens, at) in _LONG_SCALES:
            return Number(_times(group[0].value, tokens[at].text), group[0].start, at + 1)
    return group[0] if group else None


def number_at(tokens: list[Token], start: int) -> Number | None:
    """The number that begins at a token; "a" is one only before a unit or a scale: "a month", "a million", "half a million"."""
    text = text_at(tokens, start)
    if (text not in _BEGINNINGS and not text[-1:].isdecimal()) or _behind_slash(tokens, start):
        return None
    if text in ARTICLES and single_unit_after(tokens, start + 1):
        return Number(1.0, start, start + 1)
    part = _part_of_one(tokens, start)
    if part:
        return part
    whole = _figures(tokens, start) or spelled(tokens, start)
    return _with_fraction(tokens, whole) if whole else None


def _behind_slash(tokens: list[Token], start: int) -> bool:
    """Whether a token is a piece of a fraction, of a date or of a "30/360 day" year; "15/30 days" are two periods."""
    if text_at(tokens, start - 1) not in SLASHES or not text_at(tokens, start - 2)[-1:].isdecimal():
        return False
    whole_year = tokens[start].text in ("360", "365")
    return whole_year or text_at(tokens, start - 3) in SLASHES or unit_after(tokens, start + 1) is None


def _figures(tokens: list[Token], start: int) -> Number | None:
    """1,000 and 1.5 and 1/2 and 1 1/2 and 1-1/2 and 1½, with the scale behind: 5 million, 5m."""
    number = _fraction_in_figures(tokens, start)
    if number is None:
        value = _value(tokens, start)
        if value is None:
            return None
        part = _fraction_in_figures(tokens, past_hyphen(tokens, start + 1)) if tokens[start].text.isdecimal() else None
        number = Number(value + part.value, start, part.end) if part else Number(value, start, start + 1)
    number = scaled(tokens, number)
    return number if number.value < MOST else None


def _value(tokens: list[Token], start: int) -> float | None:
    """What a token in figures is worth; 500.000 shows only in its surroundings whether its point divides thousands."""
    text, following = text_at(tokens, start), text_at(tokens, start + 1)
    value = parse_digits(text)
    if value is not None or not re.fullmatch(r"\d{1,3}\.\d{3}", text):
        return value
    if following in _DIGIT_SCALES or per_cent_after(tokens, start + 1):
        return float(text)  # nobody writes a thousand per cent, or a thousand million, like that
    before = text_at(tokens, start - 1)
    if before == "$":
        return float(text) if following == "per" else None
    if before not in _POINT_FOR_THOUSANDS and following not in _POINT_FOR_THOUSANDS:
        return None
    per = start + 1 + (following in _POINT_FOR_THOUSANDS)
    priced = text_at(tokens, per) == "per" and text_at(tokens, per + 1) in _PRICED
    return None if priced else float(text.replace(".", ""))


def _fraction_in_figures(tokens: list[Token], start: int) -> Number | None:
    """½ and 3/4; not 15/30, which nobody leaves unreduced, and no date."""
    text = text_at(tokens, start)
    if text in _FRACTIONS:
        return Number(unicodedata.numeric(text), start, start + 1)
    if [text_at(tokens, start + i) in SLASHES for i in (-1, 1, 3)] != [False, True, False]:
        return None
    above, below = (re.fullmatch(r"\d{1,2}", text_at(tokens, start + i)) for i in (0, 2))
    if not above or not below:
        return None
    upper, lower = int(above[0]), int(below[0])
    if lower not in _BROKEN_BY or not 0 < upper < lower or math.gcd(upper, lower) > 1:
        return None
    return Number(upper / lower, start, start + 3)


def _part_of_one(tokens: list[Token], start: int) -> Number | None:
    """A fraction of what follows: "half a million", "one-half of one percent", "half a year"; not "one-third of the fees"."""
    part = _fraction_in_figures(tokens, start) or fraction_in_words(tokens, start)
    if part is None:
        return None
    one = _one_after(tokens, part.end)
    scale = text_at(tokens, one or past_hyphen(tokens, part.end))
    if scale in _LONG_SCALES:
        return Number(_times(part.value, scale), start, (one or past_hyphen(tokens, part.end)) + 1)
    if one and _is_measure(tokens, one):
        return Number(part.value, start, one)
    return part if _is_measure(tokens, part.end) or _is_repeated(tokens, part) else None


def _one_after(tokens: list[Token], position: int) -> int:
    """The end of the "a", "of one" or "of one (1)" that follows; 0 where none does."""
    position = skip(tokens, position, CLOSING)
    position += text_at(tokens, position) == "of"
    if text_at(tokens, position) not in ARTICLES | {"one", "1"}:
        return 0
    twice = [t.text for t in tokens[position + 1 : position + 4]] == ["(", "1", ")"]
    return position + (4 if twice else 1)


def _with_fraction(tokens: list[Token], whole: Number) -> Number:
    """The number with the fraction that follows it: "two and one-half million", "one and a half"."""
    link = past_hyphen(tokens, whole.end)
    if text_at(tokens, link) not in ("and", "&") or not whole.value.is_integer():
        return whole
    at = past_hyphen(tokens, link + 1)
    part = _fraction_in_figures(tokens, at) or fraction_in_words(tokens, at)
    if part is None:
        return whole
    number = Number(whole.value + part.value, whole.start, part.end)
    if not _is_measure(tokens, number.end) and not _is_repeated(tokens, number):  # "five directors and one third party"
        return whole
    return scaled(tokens, number, _LONG_SCALES)


def _is_measure(tokens: list[Token], position: int) -> bool:
    """Whether a scale, a unit of time or per cent follows."""
    scale = text_at(tokens, skip(tokens, position, PUNCTUATION)) in _LONG_SCALES
    return scale or per_cent_after(tokens, position) is not None or unit_after(tokens, position) is not None


def _is_repeated(tokens: list[Token], number: Number) -> bool:
    """Whether the same number follows in figures and brackets: "one-half (1/2)"."""
    figures = _figures(tokens, number.end + 1) if text_at(tokens, number.end) in OPENING else None
    return figures is not None and figures.value == number.value


def scaled(tokens: list[Token], number: Number, scales: Mapping[str, int] = _DIGIT_SCALES) -> Number:
    """The number times the scale behind it, which a hyphen may hold: "5m", "$5-million"."""
    hyphened = past_hyphen(tokens, number.end)
    at = hyphened if text_at(tokens, hyphened) in _LONG_SCALES else number.end
    if text_at(tokens, at) not in scales:
        return number
    return Number(_times(number.value, tokens[at].text), number.start, at + 1)


def range_with_scale(tokens: list[Token], number: Number) -> tuple[Number, Number] | None:
    """Both ends of the range in figures that a number begins, times the scale behind it: "1-2 million", "5 to 10 million"."""
    link = text_at(tokens, number.end)
    if number.end - number.start != 1 or not (link in HYPHENS or link == "to"):
        return None
    last = number_with_scale_apart(tokens, number.end + 1)
    scale = text_at(tokens, last.end - 1) if last else ""
    if last is None or is_spelled(tokens, last) or is_spelled(tokens, number) or scale not in _DIGIT_SCALES:
        return None
    first = Number(_times(number.value, scale), number.start, last.end)
    return (first, last) if first.value < last.value else None  # "$500 to 1 million" begins at 500


def _times(value: float, scale: str) -> float:
    """A value times a scale, without the dust of binary fractions: 2.01 million is 2010000."""
    return round(value * _DIGIT_SCALES[scale], 2)


def parse_digits(text: str) -> float | None:
    """1,000,000.50, 1.000.000,50, 10,00,000, 1'000'000, .5 and 1000000.5 as a number; None for what is none, such as 12.3.4."""
    if re.fullmatch(r"\d{1,3}(['’]\d{3})+(\.\d+)?", text):
        return float(re.sub("['’]", "", text))
    if re.fullmatch(r"\d{1,3}(,\d{3})+(\.\d+)?|\d{1,2}(,\d{2})+,\d{3}(\.\d+)?|\d*\.\d+|\d+", text):
        if re.fullmatch(r"[1-9]\d{0,2}\.\d{3}", text):
            return None  # 1.000 may be one or a thousand
        return float(text.replace(",", ""))
    if re.fullmatch(r"\d{1,3}(\.\d{3})+,\d{1,2}|\d{1,3}(\.\d{3}){2,}|\d+,\d{1,2}", text):
        return float(text.replace(".", "").replace(",", "."))
    return None
