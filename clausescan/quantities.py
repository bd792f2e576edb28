"""Durations and sums of money in contract English, found in a list of words.

Knows "thirty (30) days", "30-day", "sixty days", "one hundred and twenty (120) business days", "30 or 60 days", "a month";
"$1,000,000", "US$ 2.5 million", "EUR 1.000.000,00", "one million dollars", "five hundred thousand (500,000) pounds sterling".
A number written twice with two values ("thirty (60) days") yields both readings: which one holds is not decided here.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Duration:
    """A period found in the words `first` to `last`, both included."""

    value: float
    unit: str
    """hours, days, business_days, weeks, months or years."""
    first: int
    last: int


@dataclass(frozen=True)
class Money:
    """A sum found in the words `first` to `last`, both included; `currency` is an ISO 4217 code."""

    amount: float
    currency: str | None
    """None where the words name no currency."""
    first: int
    last: int


@dataclass(frozen=True)
class Percentage:
    """A rate in per cent found in the words `first` to `last`, both included."""

    value: float
    first: int
    last: int


@dataclass(frozen=True)
class _Token:
    text: str
    """Lower case letters, a number, or one symbol."""
    word: int


@dataclass(frozen=True)
class _Number:
    value: float
    start: int
    end: int
    """Token positions, end not included."""


_TOKEN = re.compile(r"[a-z]+|\d+(?:[.,]\d+)*|[^\sa-z\d]")
_ONES = "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen"
_SMALL = {w: i for i, w in enumerate(f"{_ONES} seventeen eighteen nineteen".split())}
_SMALL |= {w: 10 * i for i, w in enumerate("twenty thirty forty fifty sixty seventy eighty ninety".split(), 2)} | {"fourty": 40}
_SCALES = {"hundred": 100, "thousand": 1000, "million": 10**6, "billion": 10**9}
_DIGIT_SCALES = {"thousand": 1e3, "k": 1e3, "million": 1e6, "mm": 1e6, "m": 1e6, "mio": 1e6, "billion": 1e9, "bn": 1e9}
_UNITS = {
    "hour": "hours",
    "hr": "hours",
    "day": "days",
    "week": "weeks",
    "month": "months",
    "year": "years",
}
_BETWEEN = frozenset("calendar consecutive full additional further prior written advance whole complete successive more".split())
"""Words that may stand between a number and its unit."""
_ORDINALS = frozenset(("st", "nd", "rd", "th"))
_BUSINESS = frozenset(("business", "working", "banking", "trading"))
_PUNCTUATION = frozenset("()[]{}\"'“”‘’-–—")
_JOINERS = frozenset(("or", "to", "and", "-", "–", "—"))

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


def durations(words: Sequence[str]) -> list[Duration]:
    """All periods in the words, in order; each written form of a number on its own."""
    tokens = _tokens(words)
    found: list[Duration] = []
    for group in _number_groups(tokens):
        end = max(n.end for n in group)
        unit = _unit_after(tokens, end) or _unit_after_joined_number(tokens, end)
        if unit:
            name, last = unit
            spans = [Duration(n.value, name, tokens[n.start].word, tokens[last].word) for n in group]
            found += [s for s in spans if s.value > 0]
    return found


def percentages(words: Sequence[str]) -> list[Percentage]:
    """All rates in per cent, in order; each written form of a number on its own."""
    tokens = _tokens(words)
    found: list[Percentage] = []
    end = 0
    for bare in _number_groups(tokens):
        if bare[0].start < end:  # the part behind the point of the rate before
            continue
        group = [_with_fraction(tokens, n) for n in bare]
        end = max(n.end for n in group)
        mark = _per_cent_after(tokens, end)
        if mark is not None:
            found += [Percentage(n.value, tokens[n.start].word, tokens[mark].word) for n in group]
    return found


def _number_groups(tokens: list[_Token]) -> Iterator[list[_Number]]:
    """The numbers in order, the written forms of one number together."""
    position = 0
    while position < len(tokens):
        group = _number_group(tokens, position)
        if group:
            yield group
        position = max((n.end for n in group), default=position + 1)


def _with_fraction(tokens: list[_Token], number: _Number) -> _Number:
    """The number with a half or a quarter that follows it, as in "one and one-half" and "one and a half"."""
    tail = "".join(t.text for t in tokens[number.end : number.end + 5])
    match = re.match(r"and(?:one|a)[-–]?(half|quarter)", tail)
    if match is None:
        return number
    last = next(i for i in range(number.end, len(tokens)) if tokens[i].text == match[1])
    return _Number(number.value + {"half": 0.5, "quarter": 0.25}[match[1]], number.start, last + 1)


def _per_cent_after(tokens: list[_Token], start: int) -> int | None:
    """The position of the % or "per cent" that follows."""
    position = _skip(tokens, start, _PUNCTUATION)
    if position < len(tokens) and tokens[position].text in ("%", "percent"):
        return position
    two = [t.text for t in tokens[position : position + 2]]
    return position + 1 if two == ["per", "cent"] else None


def amounts(words: Sequence[str]) -> list[Money]:
    """All numbers in the words as sums of money, in order; those that name no currency have None for it."""
    tokens = _tokens(words)
    found: list[Money] = []
    position = 0
    while position < len(tokens):
        if tokens[position].text in ("a", "an"):  # an article, not a sum
            position += 1
            continue
        number = _number(tokens, position)
        if not number:
            position += 1
            continue
        before, start = _currency_before(tokens, number.start)
        after, end = _currency_after(tokens, number.end)
        found.append(Money(number.value, before or after, tokens[start].word, tokens[end - 1].word))
        position = number.end
    return _share_currency(found)


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


def _tokens(words: Sequence[str]) -> list[_Token]:
    return [_Token(m.group(), i) for i, word in enumerate(words) for m in _TOKEN.finditer(word.casefold())]


def _number_group(tokens: list[_Token], start: int) -> list[_Number]:
    """A number and, right after it, the same number in its other form: "thirty (30)", "30 (thirty)"."""
    first = _number(tokens, start)
    if not first:
        return []
    second = _number(tokens, _skip(tokens, first.end, _PUNCTUATION - {"-", "–", "—"}))
    bracketed = second and any(t.text in "([" for t in tokens[first.end : second.start])
    return [first, second] if second and bracketed else [first]


def _number(tokens: list[_Token], start: int) -> _Number | None:
    if start >= len(tokens):
        return None
    text = tokens[start].text
    if text[0].isdigit():
        return _digits(tokens, start)
    if text in ("a", "an") and start + 1 < len(tokens) and _unit_after(tokens, start + 1):
        return _Number(1.0, start, start + 1)
    return _spelled(tokens, start)


def _digits(tokens: list[_Token], start: int) -> _Number | None:
    value = parse_digits(tokens[start].text)
    if value is None:
        return None
    end = start + 1
    if end < len(tokens) and tokens[end].text in _DIGIT_SCALES:
        value *= _DIGIT_SCALES[tokens[end].text]
        end += 1
    return _Number(value, start, end)


def parse_digits(text: str) -> float | None:
    """1,000,000.50 and 1.000.000,50 and 1000000.5 as a number; None for what is none, such as 12.3.4."""
    if re.fullmatch(r"\d{1,3}(,\d{3})+(\.\d+)?", text) or re.fullmatch(r"\d+\.\d+|\d+", text):
        if re.fullmatch(r"\d{1,3}\.\d{3}", text):
            return None  # 1.000 may be one or a thousand
        return float(text.replace(",", ""))
    if re.fullmatch(r"\d{1,3}(\.\d{3})+,\d{1,2}|\d{1,3}(\.\d{3}){2,}|\d+,\d{1,2}", text):
        return float(text.replace(".", "").replace(",", "."))
    return None


def _spelled(tokens: list[_Token], start: int) -> _Number | None:
    """One hundred and twenty-five thousand."""
    total, current, end, seen = 0, 0, start, False
    position = start
    while position < len(tokens):
        text = tokens[position].text
        if text in _SMALL:
            if seen and current % 100 and not (current % 100 >= 20 and current % 10 == 0 and _SMALL[text] < 10):
                break  # "thirty sixty" is two numbers
            current += _SMALL[text]
        elif text in _SCALES and seen:
            current, total = (current * 100, total) if text == "hundred" else (0, total + max(current, 1) * _SCALES[text])
        elif text in ("-", "–", "and") and seen and position + 1 < len(tokens) and tokens[position + 1].text in _SMALL:
            if text == "and" and tokens[position - 1].text not in _SCALES:
                break
            position += 1
            continue
        else:
            break
        seen, position = True, position + 1
        end = position
    return _Number(float(total + current), start, end) if seen else None


def _unit_after(tokens: list[_Token], start: int) -> tuple[str, int] | None:
    """The unit that the number before `start` counts, and the position of its token."""
    position, business = start + (start < len(tokens) and tokens[start].text in _ORDINALS), False
    while position < len(tokens):
        text = tokens[position].text
        if text in _PUNCTUATION or text in _BETWEEN:
            position += 1
        elif text in _BUSINESS:
            business, position = True, position + 1
        else:
            break
        if position - start > 6:
            return None
    if position == len(tokens):
        return None
    if tokens[position].text == "times":  # twenty-four times the monthly fee
        monthly = next((i for i in range(position, min(position + 5, len(tokens))) if tokens[i].text == "monthly"), None)
        return ("months", monthly) if monthly else None
    name = _UNITS.get(tokens[position].text.removesuffix("s"))
    return ("business_days" if business and name == "days" else name, position) if name else None


def _unit_after_joined_number(tokens: list[_Token], start: int) -> tuple[str, int] | None:
    """In "30 or 60 days" the first number has the second one's unit."""
    position = _skip(tokens, start, _PUNCTUATION)
    if position < len(tokens) and tokens[position].text in _JOINERS:
        position = _skip(tokens, position + 1, _PUNCTUATION)
    elif position == start or tokens[position - 1].text not in _JOINERS:
        return None
    group = _number_group(tokens, position)
    return _unit_after(tokens, max(n.end for n in group)) if group else None


def _currency_before(tokens: list[_Token], start: int) -> tuple[str | None, int]:
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
    return None, start


def _dollar(tokens: list[_Token], position: int) -> tuple[str, int]:
    """Whose dollar: `US$`, `U.S. $`, `C$`; a bare `$` is the US one."""
    if position and tokens[position - 1].text in _DOLLAR_OF:
        touching = tokens[position - 1].word == tokens[position].word or len(tokens[position - 1].text) > 1
        if touching:
            return _DOLLAR_OF[tokens[position - 1].text], position - 1
    return "USD", position


def _currency_after(tokens: list[_Token], end: int) -> tuple[str | None, int]:
    """The currency named right after a number, and where it ends: dollars, U.S. Dollars, (USD)."""
    position = _skip(tokens, end, frozenset('()[]"“”,'))
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
    return (_NAMES[text], position + 1) if text in _NAMES else (None, end)


def _skip(tokens: list[_Token], position: int, texts: frozenset[str]) -> int:
    while position < len(tokens) and tokens[position].text in texts:
        position += 1
    return position
