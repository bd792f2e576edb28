"""Sums of money among words."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

from clausescan.quantities.currencies import SHARED_SYMBOLS, currency_after, currency_before
from clausescan.quantities.lexing import ARTICLES, CLOSING, Number, Token, skip, text_at, tokens_of
from clausescan.quantities.naming import is_named
from clausescan.quantities.numerals import group_end, number_group, number_with_scale_apart, range_with_scale
from clausescan.quantities.spelled import past_unread
from clausescan.quantities.thousands import past_unread_groups, with_thousands

_CENTS = frozenset(("cent", "cents", "pence"))
_PRICED = ARTICLES | {"per", "each", "for"}
"""Words behind cents that are a price of their own: "a fee of $10 and 5 cents per page"."""


@dataclass(frozen=True)
class Money:
    """A sum found in the words `first` to `last`, both included; `currency` is an ISO 4217 code."""

    amount: float
    currency: str | None
    """None where the words name no currency."""
    first: int
    last: int


@dataclass(frozen=True)
class _Sum:
    """A sum and what it is without the cents behind its currency."""

    money: Money
    whole: float


def amounts(words: Sequence[str]) -> list[Money]:
    """All numbers in the words as sums of money, in order; those that name no currency have None for it.

    A sum that may be longer than what can be read of it is left out.
    """
    tokens = tokens_of(words)
    found: list[_Sum] = []
    position = taken = 0
    while position < len(tokens):
        number = number_with_scale_apart(tokens, position)
        if not number or (number.value == 1 and tokens[position].text in ARTICLES):  # an article, not a sum
            position = max(past_unread(tokens, position), past_unread_groups(tokens, position))
            continue
        sums, position, taken = _sums_from(tokens, number, taken)
        found += sums
    return [m for m in _share_currency(found) if m.currency or m.amount >= 1]  # "half a year" is no sum


def _sums_from(tokens: list[Token], number: Number, least: int) -> tuple[list[_Sum], int, int]:
    """The sum that begins with a number, or both of a range, or none that is sure; the end of the figures and of the currency."""
    before, start = currency_before(tokens, number, least)
    marked = start < number.start
    number, sure = with_thousands(tokens, number, marked)
    numbers = _range(tokens, number, marked) or (_with_cents(tokens, number, number.end),)
    after, taken = currency_after(tokens, numbers[-1].end)
    currency = (after or before) if tokens[start].text in SHARED_SYMBOLS else (before or after)
    whole = numbers[0].value
    if after and len(numbers) == 1:  # "One Thousand Dollars and 50/100"
        numbers = (_with_cents(tokens, numbers[0], taken),)
    end = numbers[-1].end
    taken = max(taken, end)
    sums = []
    for n in numbers if sure else ():
        first = tokens[start if n is numbers[0] else n.start].word
        money = Money(n.value, currency, first, tokens[taken - 1].word)
        sums.append(_Sum(money, whole if n is numbers[0] else n.value))
    return sums, end, taken


def _range(tokens: list[Token], number: Number, marked: bool) -> tuple[Number, ...]:
    """Both ends of a range of sums that share scale and currency, "$1-2 million"; none where a name may end at its dash."""
    ends = range_with_scale(tokens, number) or ()
    if not ends or not (marked or currency_after(tokens, ends[-1].end)[0]):
        return ()
    tight = text_at(tokens, number.end) == "to" or tokens[ends[0].start].word == tokens[ends[1].start].word
    return ends if marked or (tight and not is_named(tokens, [number])) else ()  # "Tier 1 - 2 million dollars"


def _with_cents(tokens: list[Token], number: Number, position: int) -> Number:
    """The number with the cents at a position behind it: "and 50/100", "and No/100", "and fifty (50) cents"."""
    if text_at(tokens, position) not in ("and", "&") or not number.value.is_integer():
        return number
    at = position + 1
    if [text_at(tokens, at + 1), text_at(tokens, at + 2)] == ["/", "100"]:
        hundredths = int(tokens[at].text) if re.fullmatch(r"\d{1,2}", tokens[at].text) else 0
        return Number(number.value + hundredths / 100, number.start, at + 3)
    forms = number_group(tokens, at)
    end = skip(tokens, group_end(forms), CLOSING) if forms else at
    if text_at(tokens, end) not in _CENTS or text_at(tokens, end + 1) in _PRICED:
        return number
    one_value = {n.value for n in forms}
    cents = one_value.pop()
    if one_value or not cents.is_integer() or cents >= 100:
        return number
    return Number(number.value + cents / 100, number.start, end + 1)


def _share_currency(found: list[_Sum]) -> list[Money]:
    """In "one million (1,000,000) dollars" both forms of the number get the currency, and the cents behind it."""
    out = [f.money for f in found]
    for i, money in enumerate(out):
        for j in (i - 1, i + 1):
            if not 0 <= j < len(found) or out[i].currency is not None:
                continue
            other = found[j].money
            same = money.amount == other.amount or (j > i and money.amount == found[j].whole)
            if other.currency and same and abs(other.first - money.last) <= 4:
                out[i] = replace(money, amount=other.amount, currency=other.currency)
    return out
