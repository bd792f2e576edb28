"""Sums of money among words, and whose money it is."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from clausescan.quantities.numerals import Number, Token, number_with_scale_apart, skip, tokens_of


@dataclass(frozen=True)
class Money:
    """A sum found in the words `first` to `last`, both included; `currency` is an ISO 4217 code."""

    amount: float
    currency: str | None
    """None where the words name no currency."""
    first: int
    last: int


_SYMBOLS = {"$": "USD", "€": "EUR", "£": "GBP", "¥": "JPY"}
_DOLLAR_OF = {
    "us": "USD",
    "usd": "USD",
    "u.s.": "USD",
    "c": "CAD",
    "ca": "CAD",
    "cdn": "CAD",
    "cad": "CAD",
    "can": "CAD",
    "a": "AUD",
    "au": "AUD",
    "aud": "AUD",
    "nz": "NZD",
    "nzd": "NZD",
    "hk": "HKD",
    "hkd": "HKD",
    "s": "SGD",
    "sgd": "SGD",
    "canadian": "CAD",
    "australian": "AUD",
    "singapore": "SGD",
}
_CODES = "usd eur gbp cad aud nzd jpy cny chf inr hkd sgd sek nok dkk krw brl mxn zar ils".split()
_NAMES = {c: c.upper() for c in _CODES} | {
    "cdn": "CAD",
    "rmb": "CNY",
    "yuan": "CNY",
    "renminbi": "CNY",
    "dollar": "USD",
    "dollars": "USD",
    "euro": "EUR",
    "euros": "EUR",
    "pound": "GBP",
    "pounds": "GBP",
    "sterling": "GBP",
    "yen": "JPY",
    "rupees": "INR",
    "rs": "INR",
    "francs": "CHF",
}


def amounts(words: Sequence[str]) -> list[Money]:
    """All numbers in the words as sums of money, in order; those that name no currency have None for it."""
    tokens = tokens_of(words)
    found: list[Money] = []
    position = 0
    while position < len(tokens):
        number = number_with_scale_apart(tokens, position)
        if not number or (number.value == 1 and tokens[position].text in ("a", "an")):  # an article, not a sum
            position += 1
            continue
        before, start = _currency_before(tokens, number.start)
        number = _with_cents(tokens, _spaced(tokens, number) if start < number.start else number)
        after, end = _currency_after(tokens, number.end)
        currency = (after or before) if tokens[start].text == "$" else (before or after)  # "$500 CAD"
        found.append(Money(number.value, currency, tokens[start].word, tokens[end - 1].word))
        position = number.end
    return _share_currency(found)


def _spaced(tokens: list[Token], number: Number) -> Number:
    """The number with the thousands that stand apart behind it: "EUR 1 000 000"."""
    if number.end - number.start != 1 or not re.fullmatch(r"[1-9]\d{0,2}", tokens[number.start].text):
        return number
    end = number.end
    while end < len(tokens) and re.fullmatch(r"\d{3}", tokens[end].text):
        end += 1
    return Number(float("".join(t.text for t in tokens[number.start : end])), number.start, end)


def _with_cents(tokens: list[Token], number: Number) -> Number:
    """The number with the cents that follow it as hundredths: "and 50/100", "and No/100"."""
    texts = [t.text for t in tokens[number.end : number.end + 4]]
    if len(texts) < 4 or texts[0] not in ("and", "&") or texts[2:] != ["/", "100"]:
        return number
    return Number(number.value + (int(texts[1]) / 100 if texts[1].isdecimal() else 0), number.start, number.end + 4)


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


def _currency_before(tokens: list[Token], start: int) -> tuple[str | None, int]:
    """The currency named right before a number, and where it begins."""
    position = start - 1
    if position >= 0 and tokens[position].text in "([":
        position -= 1
    if position < 0:
        return None, start
    text = tokens[position].text
    if text == "$":
        return _dollar(tokens, position)
    if text in _SYMBOLS:
        return _SYMBOLS[text], position
    if text in _CODES or text in ("rmb", "rs"):
        return _NAMES[text], position
    if text == "." and position and tokens[position - 1].text == "rs":
        return "INR", position - 1
    if text == "dollars" and position and len(tokens[position - 1].text) > 1 and tokens[position - 1].text in _DOLLAR_OF:
        return _DOLLAR_OF[tokens[position - 1].text], position - 1
    return None, start


def _dollar(tokens: list[Token], position: int) -> tuple[str | None, int]:
    """Whose dollar: `US$`, `U.S. $`, `C$`; a bare `$` is the US one, `R$` is none that is known here."""
    if position and tokens[position - 1].text in _DOLLAR_OF:
        touching = tokens[position - 1].word == tokens[position].word or len(tokens[position - 1].text) > 1
        if touching:
            return _DOLLAR_OF[tokens[position - 1].text], position - 1
    elif position and tokens[position - 1].word == tokens[position].word and tokens[position - 1].text.isalpha():
        return None, position - 1
    return "USD", position


def _currency_after(tokens: list[Token], end: int) -> tuple[str | None, int]:
    """The currency named right after a number, and where it ends: dollars, U.S. Dollars, (USD)."""
    position = skip(tokens, end, frozenset('()[]"“”,'))
    owner = None
    if [t.text for t in tokens[position : position + 4]] in (["u", ".", "s", "."], ["u", ".", "s"]):
        owner, position = "USD", position + 4
    elif position + 1 < len(tokens) and tokens[position].text == "united" and tokens[position + 1].text == "states":
        owner, position = "USD", position + 2
    elif position < len(tokens) and tokens[position].text in ("us", "canadian", "australian", "singapore", "swiss"):
        owner, position = _DOLLAR_OF.get(tokens[position].text), position + 1
    if position >= len(tokens):
        return None, end
    text = tokens[position].text
    if text in ("dollar", "dollars"):
        return owner or "USD", position + 1
    if text in _SYMBOLS and not owner and position == end:
        following = tokens[position + 1].text if position + 1 < len(tokens) else ""
        return (None, end) if following[:1].isdigit() else (_SYMBOLS[text], position + 1)
    following = tokens[position + 1].text if position + 1 < len(tokens) else ""
    if position > end and (following == "$" or following[:1].isdigit()):  # it belongs to the next sum: "in 2023, USD 500"
        return None, end
    return (_NAMES[text], position + 1) if text in _NAMES else (None, end)
