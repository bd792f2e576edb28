"""Numbers and fractions in words."""

from __future__ import annotations

from clausescan.quantities.lexing import ARTICLES, Number, Token, past_hyphen, text_at

MOST = 10**15
"""Numbers are smaller: what a hostile page piles up beyond it is none."""
_ONES = "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen"
_SMALL = {w: i for i, w in enumerate(f"{_ONES} seventeen eighteen nineteen".split())}
_SMALL |= {w: 10 * i for i, w in enumerate("twenty thirty forty fifty sixty seventy eighty ninety".split(), 2)} | {"fourty": 40}
SCALES = {"thousand": 10**3, "million": 10**6, "billion": 10**9, "trillion": 10**12}
SCALES |= dict.fromkeys(("lakh", "lakhs", "lac", "lacs"), 10**5) | dict.fromkeys(("crore", "crores"), 10**7)
_PARTS = {"half": 2, "halve": 2, "third": 3, "quarter": 4, "fourth": 4, "fifth": 5, "eighth": 8, "tenth": 10, "hundredth": 100}
_ROUND = SCALES.keys() | {"hundred"}
_BEFORE_ROUND = frozenset("within upon least than exceed exceeding for the".split())
"""Words after which "hundred and eighty days" has not lost its beginning."""
BEGINNINGS = ARTICLES | _SMALL.keys() | _ROUND | {"half"}
"""All words that a number or a fraction can begin with."""


def spelled(tokens: list[Token], start: int) -> Number | None:
    """One hundred and twenty-five thousand; a million five hundred thousand; "hundred" alone after "within" and the like."""
    return _sum_of_parts(tokens, start, headless=text_at(tokens, start - 1) in _BEFORE_ROUND)


def past_unread(tokens: list[Token], start: int) -> int:
    """The position behind a token that begins no number, and behind the rest of one: "[***] hundred and eighty" is not eighty."""
    rest = _sum_of_parts(tokens, start, headless=True) if text_at(tokens, start) in _ROUND else None
    return rest.end if rest else start + 1


def _sum_of_parts(tokens: list[Token], start: int, headless: bool) -> Number | None:
    """A number in words; the first "hundred" or scale of a `headless` one needs no "one" before it."""
    total, end, least = 0, start, MOST
    link, position = "", start
    while part := _part(tokens, position, article=position == start, headless=headless and position == start):
        count, scale, part_end = part
        if not link and scale > total > 0:  # "one thousand five hundred crore"
            raised = (total + count) * scale
        elif count * scale < least and (link != "," or count * scale >= 100):  # "one million, five hundred thousand"
            raised = total + count * scale
        else:
            break
        if raised >= MOST:
            break
        total, end, least = raised, part_end, scale
        if scale == 1:
            break
        link, position = _link(tokens, end)
    return Number(float(total), start, end) if end > start else None


def _part(tokens: list[Token], start: int, article: bool, headless: bool) -> tuple[int, int, int] | None:
    """A count, its scale (1 where there is none) and their end: "five hundred thousand", "five days", "two thousand crore"."""
    counted = _count(tokens, start, article, headless)
    if counted is None:
        return None
    count, end = counted
    scale, last = 1, 1
    while (factor := SCALES.get(text_at(tokens, past_hyphen(tokens, end)), 0)) > last:
        scale, last, end = scale * factor, factor, past_hyphen(tokens, end) + 1
    return count, scale, end


def _count(tokens: list[Token], start: int, article: bool, headless: bool) -> tuple[int, int] | None:
    """A number below ten thousand and its end: "one-hundred-and-eighty"; "a" is one before a scale only."""
    head = (1, start) if headless and text_at(tokens, start) in _ROUND else _tens(tokens, start)
    if article and text_at(tokens, start) in ARTICLES and text_at(tokens, start + 1) in _ROUND:
        head = (1, start + 1)
    if head is None:
        return None
    count, end = head
    hundred = past_hyphen(tokens, end)
    if text_at(tokens, hundred) != "hundred" or not 0 < count < 100:
        return head
    link, position = _link(tokens, hundred + 1)
    rest = _tens(tokens, position) if link != "," else None
    if rest is None or text_at(tokens, past_hyphen(tokens, rest[1])) == "hundred":  # "one hundred and two hundred" are two
        return count * 100, hundred + 1
    return count * 100 + rest[0], rest[1]


def _tens(tokens: list[Token], start: int) -> tuple[int, int] | None:
    """A number below one hundred and its end; "thirty sixty" is two, and "one-half" is none."""
    value = _SMALL.get(text_at(tokens, start))
    if value is None or fraction_in_words(tokens, start):
        return None
    behind = past_hyphen(tokens, start + 1)
    ones = _SMALL.get(text_at(tokens, behind), 0)
    return (value + ones, behind + 1) if value >= 20 and 0 < ones < 10 else (value, start + 1)


def _link(tokens: list[Token], end: int) -> tuple[str, int]:
    """What joins a part of a number to the next one, "and", a comma or nothing, hyphens apart; and where the next one begins."""
    position = past_hyphen(tokens, end)
    text = text_at(tokens, position)
    if text == "and":
        return "and", past_hyphen(tokens, position + 1)
    return (",", position + 1) if text == "," else ("", position)


def fraction_in_words(tokens: list[Token], start: int) -> Number | None:
    """One-half, a quarter, three-fourths, or "half" alone."""
    text = text_at(tokens, start)
    if text == "half":
        return Number(0.5, start, start + 1)
    count = 1 if text in ARTICLES else _SMALL.get(text, 0)
    at = past_hyphen(tokens, start + 1)
    parts = _PARTS.get(text_at(tokens, at).removesuffix("s"), 0)
    return Number(count / parts, start, at + 1) if 0 < count < parts else None
