"""Numbers in contract English, in digits and in words, and the units of time that they count."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Token:
    """A piece of a word."""

    text: str
    """Lower case letters, a number, or one symbol."""
    word: int


@dataclass(frozen=True)
class Number:
    """A number that some tokens write."""

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
_RATES = frozenset(("%", "percent", "per"))
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
PUNCTUATION = frozenset("()[]{}\"'“”‘’-–—")


def tokens_of(words: Sequence[str]) -> list[Token]:
    """The words in pieces: letters, numbers, single symbols."""
    return [Token(m.group(), i) for i, word in enumerate(words) for m in _TOKEN.finditer(word.casefold())]


def number_groups(tokens: list[Token]) -> Iterator[list[Number]]:
    """The numbers in order, the written forms of one number together."""
    position = 0
    while position < len(tokens):
        group = number_group(tokens, position)
        if group:
            yield group
        position = max((n.end for n in group), default=position + 1)


def number_group(tokens: list[Token], start: int) -> list[Number]:
    """A number and, right after it, the same number in its other form: "thirty (30)", "30 (thirty)"."""
    first = number_at(tokens, start)
    if not first:
        return []
    second = number_at(tokens, skip(tokens, first.end, PUNCTUATION - {"-", "–", "—"}))
    bracketed = second and any(t.text in "([" for t in tokens[first.end : second.start])
    return [first, second] if second and bracketed else [first]


def number_at(tokens: list[Token], start: int) -> Number | None:
    """The number that begins at a token; "a" is one only before a unit."""
    if start >= len(tokens):
        return None
    text = tokens[start].text
    if text[0].isdigit():
        return _digits(tokens, start)
    if text in ("a", "an") and start + 1 < len(tokens) and unit_after(tokens, start + 1):
        return Number(1.0, start, start + 1)
    return _spelled(tokens, start)


def _digits(tokens: list[Token], start: int) -> Number | None:
    text, end = tokens[start].text, start + 1
    following = tokens[end].text if end < len(tokens) else ""
    value = parse_digits(text)
    if value is None and re.fullmatch(r"\d{1,3}\.\d{3}", text) and (following in _DIGIT_SCALES or following in _RATES):
        value = float(text)  # nobody writes a thousand per cent, or a thousand million, like that
    if value is None:
        return None
    if following in _DIGIT_SCALES:
        value, end = round(value * _DIGIT_SCALES[following], 2), end + 1
    return Number(value, start, end)


def parse_digits(text: str) -> float | None:
    """1,000,000.50 and 1.000.000,50 and 1000000.5 as a number; None for what is none, such as 12.3.4."""
    if re.fullmatch(r"\d{1,3}(,\d{3})+(\.\d+)?", text) or re.fullmatch(r"\d+\.\d+|\d+", text):
        if re.fullmatch(r"[1-9]\d{0,2}\.\d{3}", text):
            return None  # 1.000 may be one or a thousand
        return float(text.replace(",", ""))
    if re.fullmatch(r"\d{1,3}(\.\d{3})+,\d{1,2}|\d{1,3}(\.\d{3}){2,}|\d+,\d{1,2}", text):
        return float(text.replace(".", "").replace(",", "."))
    return None


def _spelled(tokens: list[Token], start: int) -> Number | None:
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
    return Number(float(total + current), start, end) if seen else None


def unit_after(tokens: list[Token], start: int) -> tuple[str, int] | None:
    """The unit that the number before `start` counts, and the position of its token."""
    position, business = start + (start < len(tokens) and tokens[start].text in _ORDINALS), False
    while position < len(tokens):
        text = tokens[position].text
        if text in PUNCTUATION or text in _BETWEEN:
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


def skip(tokens: list[Token], position: int, texts: frozenset[str]) -> int:
    """The next position whose token is none of `texts`."""
    while position < len(tokens) and tokens[position].text in texts:
        position += 1
    return position
