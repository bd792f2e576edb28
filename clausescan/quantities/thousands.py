"""Groups of three figures that stand apart and write one sum: "EUR 1 000 000", "1 234 567,89 EUR", "$100, 000.00".

A space or a comma may as well part two numbers. Where it cannot be told which, the sum is not read: a part of it would be
another sum.
"""

from __future__ import annotations

import re

from clausescan.quantities.currencies import currency_after
from clausescan.quantities.lexing import Number, Token, text_at
from clausescan.quantities.naming import is_named
from clausescan.quantities.numerals import parse_digits, scaled
from clausescan.quantities.spelled import MOST
from clausescan.quantities.units import counts

_SPACED = re.compile(r"[1-9]\d{0,2}(?: \d{3}){0,4}(?:(?<= \d{3})[.,]\d{1,2})?(?= |$)")
"""At most four groups behind the first figures; the last may have cents."""
_MOST_PIECES = 6
_FURTHEST = 20
_GROUP = re.compile(r"\d{3}(?!\d)")
_SEPARATED = re.compile(r"\d{1,3}([.,]\d{3})+")
_ZEROS_FIRST = re.compile(r"0\d{2}(?!\d)")
"""A group that is no number of its own."""
_COMMA_HEAD = re.compile(r"[1-9]\d{0,2}(,\d{3})*")
_COMMA_GROUP = re.compile(r"\d{3}(,\d{3})*(\.\d{1,2})?")
_SURE = re.compile(r"000(,000)*|\d{3}(,\d{3})*\.\d\d?")
"""Groups behind a comma that are no number of their own: nothing is counted in zeros, or in cents."""
_DEADLINES = frozenset(("within", "net"))
"""Words before a number of days, whose unit may have been lost: "within 30 100 USD"."""
_GOES_ON = frozenset(
    "in per or and for to at plus as which that shall will may on of by from with under is are being each if any only "
    "whichever when where unless upon after before until minus less".split()
)
"""Words behind a sum; others name what is counted: "for $30, 100 copies"."""


def with_thousands(tokens: list[Token], number: Number, marked: bool) -> tuple[Number, bool]:
    """The number with the groups behind it that are its own, and whether it is sure; `marked`: a currency stands before it.

    One that is not sure reaches over all that may be its own.
    """
    if number.end - number.start != 1:
        return number, True
    whole, sure = _with_commas(tokens, number) if text_at(tokens, number.end) == "," else _spaced(tokens, number)
    if sure:
        whole, sure = _before_zeros(tokens, whole)
    if whole.end == number.end or not (marked or currency_after(tokens, whole.end)[0]):
        return number, True
    if marked:
        return whole, sure
    zeros = _ZEROS_FIRST.match(text_at(tokens, number.end + (text_at(tokens, number.end) == ",")))
    if is_named(tokens, [number]):  # "Section 8 500 EUR"
        return (whole, False) if zeros else (number, True)
    return whole, sure and (bool(zeros) or text_at(tokens, number.start - 1) not in _DEADLINES)


def past_unread_groups(tokens: list[Token], start: int) -> int:
    """The position behind figures that cannot be read and the groups that may be their own: "1.234 567 EUR" is not 567."""
    behind = start + 1
    if not _SEPARATED.fullmatch(tokens[start].text) or counts(tokens, behind + 1):
        return behind
    return _past_groups(tokens, behind)


def _past_groups(tokens: list[Token], start: int) -> int:
    """The position behind groups of three figures, decimals or not; no further than a hostile page would have it go."""
    end = start
    while end < start + _FURTHEST and _GROUP.match(text_at(tokens, end)):
        end += 1
    return end


def _spaced(tokens: list[Token], number: Number) -> tuple[Number, bool]:
    """The number with the groups that follow it without a comma; "EUR 500 365 days" is a sum and a period."""
    texts = [t.text for t in tokens[number.start : number.start + _MOST_PIECES]]
    written = _SPACED.match(" ".join(texts))
    if written is None and not _SEPARATED.fullmatch(texts[0]):
        return number, True
    end = number.start + (written[0].count(" ") if written else 0) + 1
    if end > number.end and counts(tokens, end):
        end -= 1
        if _ZEROS_FIRST.match(texts[end - number.start]):
            return Number(number.value, number.start, end + 1), False
    elif _GROUP.match(text_at(tokens, end)) and (end > number.end or not _is_apart(tokens, number, end + 1)):
        return Number(number.value, number.start, _past_groups(tokens, end)), False
    if end == number.end:
        return number, True
    *groups, last = texts[: end - number.start]
    whole = scaled(tokens, Number(float("".join(groups) + last.replace(",", ".")), number.start, end))
    return whole, whole.value < MOST


def _with_commas(tokens: list[Token], number: Number) -> tuple[Number, bool]:
    """The number with the groups that follow it behind commas; "$30, 100 copies" is a sum and a number of copies."""
    text, end, pieces = tokens[number.start].text, number.end, 0
    if not _COMMA_HEAD.fullmatch(text):
        return number, True
    while text_at(tokens, end) == "," and _COMMA_GROUP.fullmatch(text_at(tokens, end + 1)) and pieces < _MOST_PIECES:
        text, end, pieces = f"{text},{text_at(tokens, end + 1)}", end + 2, pieces + 1
    if pieces == 0:
        return number, True
    last = text_at(tokens, end - 1)
    if pieces == 1 and not _ZEROS_FIRST.match(last) and _is_apart(tokens, number, end):
        return number, True
    value = parse_digits(text) if _SURE.fullmatch(last) and not counts(tokens, end) else None
    whole = scaled(tokens, Number(value or number.value, number.start, end))
    return whole, value is not None and whole.value < MOST


def _is_apart(tokens: list[Token], number: Number, end: int) -> bool:
    """Whether the group before `end` is another number: it counts something, or both have commas of their own."""
    following, both = text_at(tokens, end), (tokens[number.start].text, text_at(tokens, end - 1))
    counted = following.isalpha() and following not in _GOES_ON and "." not in both[1] and not currency_after(tokens, end)[0]
    return counts(tokens, end) or counted or all("," in text for text in both)  # "$500,000, 250,000 and 100,000"


def _before_zeros(tokens: list[Token], number: Number) -> tuple[Number, bool]:
    """The number, unless zeros follow that can only be its own: "$1,000 000", "EUR 100. 000"."""
    at = number.end + (text_at(tokens, number.end) in (",", ".", "'", "’"))
    zeros = _ZEROS_FIRST.match(text_at(tokens, at))
    return (Number(number.value, number.start, at + 1), False) if zeros else (number, True)
