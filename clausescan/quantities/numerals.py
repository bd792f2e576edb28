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


_TOKEN = re.compile(r"[a-z]+|\d+(?:[.,'’]\d+)*|(?<![\w.])\.\d+|[^\sa-z\d]")
_ONES = "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen"
_SMALL = {w: i for i, w in enumerate(f"{_ONES} seventeen eighteen nineteen".split())}
_SMALL |= {w: 10 * i for i, w in enumerate("twenty thirty forty fifty sixty seventy eighty ninety".split(), 2)} | {"fourty": 40}
_SCALES = {"hundred": 100, "thousand": 1000, "million": 10**6, "billion": 10**9}
_DIGIT_SCALES = {"thousand": 1e3, "k": 1e3, "billion": 1e9, "bn": 1e9, "lakh": 1e5, "lakhs": 1e5, "lac": 1e5, "lacs": 1e5}
_DIGIT_SCALES |= dict.fromkeys(("million", "millions", "mm", "m", "mio", "mil", "mn", "mln"), 1e6) | {"crore": 1e7, "crores": 1e7}
_LONG_SCALES = frozenset(s for s in _DIGIT_SCALES if len(s) > 2)
"""Those that can stand apart from their number: "five (5) million"."""
_RATES = frozenset(("%", "percent", "per"))
_UNITS = {
    "hour": "hours",
    "hr": "hours",
    "day": "days",
    "week": "weeks",
    "month": "months",
    "year": "years",
}
_BETWEEN = frozenset(
    "or clear calendar consecutive full additional further prior written advance whole complete successive more".split()
)
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
    """The number that begins at a token; "a" is one only before a unit or a scale: "a month", "a million", "half a million"."""
    if start >= len(tokens):
        return None
    text = tokens[start].text
    if text[-1].isdigit():
        return _digits(tokens, start)
    if text in ("a", "an") and start + 1 < len(tokens) and unit_after(tokens, start + 1):
        return Number(1.0, start, start + 1)
    texts = [t.text for t in tokens[start : start + 3]]
    half = texts[:1] == ["half"]
    if texts[half : half + 1] in (["a"], ["an"]) and (scale := _SCALES.get(texts[-1] if half else "".join(texts[1:2]))):
        return Number(scale * (0.5 if half else 1.0), start, start + 2 + half)
    return _spelled(tokens, start)


def _digits(tokens: list[Token], start: int) -> Number | None:
    text, end = tokens[start].text, start + 1
    following = tokens[end].text if end < len(tokens) else ""
    value = parse_digits(text)
    if value is None and re.fullmatch(r"\d{1,3}\.\d{3}", text) and (following in _DIGIT_SCALES or following in _RATES):
        value = float(text)  # nobody writes a thousand per cent, or a thousand million, like that
    if value is None:
        return None
    if following == "-" and end + 1 < len(tokens) and tokens[end + 1].text in _LONG_SCALES:  # $5-million
        following, end = tokens[end + 1].text, end + 1
    if following in _DIGIT_SCALES:
        value, end = round(value * _DIGIT_SCALES[following], 2), end + 1
    return Number(value, start, end)


def number_with_scale_apart(tokens: list[Token], start: int) -> Number | None:
    """As `number_at`; "five (5) million" and "5 (five) million" as one number."""
    group = number_group(tokens, start)
    if len(group) == 2 and group[0].value == group[1].value:
        at = skip(tokens, group[1].end, frozenset(")]}"))
        if at < len(tokens) and tokens[at].text in _LONG_SCALES:
            return Number(round(group[0].value * _DIGIT_SCALES[tokens[at].text], 2), group[0].start, at + 1)
    return group[0] if group else None


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
        elif seen and _goes_on(tokens, position):
            position += 1
            continue
        elif seen and text == "," and tokens[position - 1].text in _SCALES:  # "one million, five hundred thousand"
            rest = _spelled(tokens, position + 1)
            if rest and 100 <= rest.value < _SCALES[tokens[position - 1].text]:
                return Number(total + current + rest.value, start, rest.end)
            break
        else:
            break
        seen, position = True, position + 1
        end = position
    return Number(float(total + current), start, end) if seen else None


def _goes_on(tokens: list[Token], position: int) -> bool:
    """Whether a hyphen or "and" stands inside a number: "twenty-five", "one-hundred", "hundred and five"."""
    text = tokens[position].text
    following = tokens[position + 1].text if position + 1 < len(tokens) else ""
    if text == "and":
        return following in _SMALL and tokens[position - 1].text in _SCALES
    return text in ("-", "–") and (following in _SMALL or following in _SCALES)


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
