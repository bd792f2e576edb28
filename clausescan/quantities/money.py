"""Sums of money among words."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from clausescan.quantities.currencies import SHARED_SYMBOLS, currency_after, currency_before
from clausescan.quantities.lexing import ARTICLES, Number, Token, text_at, tokens_of
from clausescan.quantities.numerals import number_with_scale_apart

_MOST_THOUSANDS = 4
"""Groups of three figures in the largest sum."""


@dataclass(frozen=True)
class Money:
    """A sum found in the words `first` to `last`, both included; `currency` is an ISO 4217 code."""

    amount: float
    currency: str | None
    """None where the words name no currency."""
    first: int
    last: int


def amounts(words: Sequence[str]) -> list[Money]:
    """All numbers in the words as sums of money, in order; those that name no currency have None for it."""
    tokens = tokens_of(words)
    found: list[Money] = []
    position = taken = 0
    while position < len(tokens):
        number = number_with_scale_apart(tokens, position)
        if not number or (number.value == 1 and tokens[position].text in ARTICLES):  # an article, not a sum
            position += 1
            continue
        before, start = currency_before(tokens, number, taken)
        number = _with_cents(tokens, _spaced(tokens, number, marked=start < number.start))
        after, taken = currency_after(tokens, number.end)
        currency = (after or before) if tokens[start].text in SHARED_SYMBOLS else (before or after)
        found.append(Money(number.value, currency, tokens[start].word, tokens[taken - 1].word))
        position = number.end
    return [m for m in _share_currency(found) if m.currency or m.amount >= 1]  # "half a year" is no sum


def _spaced(tokens: list[Token], number: Number, marked: bool) -> Number:
    """The number with the thousands that stand apart behind it, given a currency: "EUR 1 000 000", "1 000 EUR", "$30, 000"."""
    if number.end - number.start != 1 or not re.fullmatch(r"[1-9]\d{0,2}", tokens[number.start].text):
        return number
    end = _past_thousands(tokens, number.end, commas=False)
    if marked and end == number.end:
        end = _past_thousands(tokens, number.end, commas=True)
        end = end if text_at(tokens, end - 1) == "000" else number.end  # "$30, 100 copies" are two numbers
    if end == number.end or not (marked or currency_after(tokens, end)[0]):
        return number
    digits = "".join(t.text for t in tokens[number.start : end] if t.text != ",")
    return Number(float(digits), number.start, end)


def _past_thousands(tokens: list[Token], start: int, commas: bool) -> int:
    """The end of the groups of three figures that follow, no more than a sum can have, each behind a comma or none."""
    end = start
    for _ in range(_MOST_THOUSANDS):
        group = end + commas
        if (commas and text_at(tokens, end) != ",") or not re.fullmatch(r"\d{3}", text_at(tokens, group)):
            break
        end = group + 1
    return end


def _with_cents(tokens: list[Token], number: Number) -> Number:
    """The number with the cents that follow it as hundredths: "and 50/100", "and No/100"."""
    texts = [t.text for t in tokens[number.end : number.end + 4]]
    if len(texts) < 4 or texts[0] not in ("and", "&") or texts[2:] != ["/", "100"]:
        return number
    cents = int(texts[1]) if re.fullmatch(r"\d{1,2}", texts[1]) else 0
    return Number(number.value + cents / 100, number.start, number.end + 4)


def _share_currency(found: list[Money]) -> list[Money]:
    """In "one million (1,000,000) dollars" both forms of the number get the currency."""
    out = list(found)
    for i, money in enumerate(found):
        for j in (i - 1, i + 1):
            if not 0 <= j < len(found) or money.currency is not None:
                continue
            other = found[j]
            if other.currency and other.amount == money.amount and abs(other.first - money.last) <= 4:
                out[i] = Money(money.amount, other.currency, money.first, money.last)
    return out
