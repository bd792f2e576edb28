"""A clause's heading by the signs of print: a short line in capitals or title case, or such words up to a full stop or colon."""

from __future__ import annotations

import re
from collections.abc import Sequence

SHORT_LINE = 0.75
"""Part of the longest line's width below which a line may stand alone, as a heading does."""
MOST_LINE_WORDS = 10
"""Of a line that is a heading alone."""
MOST_WORDS = 12
"""Of a heading before running text, its number left out."""
MOST_PLAIN_WORDS = 6
"""Of a heading in sentence case between a section's number and running text."""
MOST_NUMBER_WORDS = 4
"""Of a section's number: "ARTICLE 9." and "9.1"."""
_SECTION_WORD = re.compile(r"(?i)(section|article|clause|paragraph|§+)[.:]?")
_ROMAN = r"(?=[ivxlc])(xc|xl|l?x{0,3})(ix|iv|v?i{0,3})"
_SECTION_NUMBER = re.compile(rf"(?i)[(\[]?(\d+(\.\d+)*|{_ROMAN}|[a-z])([.)\]]+(\d+|[a-z])?)*|\W+")
_CLOSING_NUMBER = re.compile(rf"(?i)[(\[]?(\d+(\.\d+)*|{_ROMAN}|[a-z])[.)\]]+|\d+(\.\d+)*|\W+")
"""As a section's number at a heading's end: a letter is one only with its punctuation ("Liability of Party A")."""
_FUSED_NUMBER = re.compile(r"(?i)^(\([a-z\d]{1,4}\)|\d+(\.\d+)*[.)]?)(?=[a-z]{3})")
_HEADING_EDGE = " .,:;-–—_“”\"'"
_NUMBER = re.compile(
    r"(?i)(section|article|clause|paragraph|§+)[.:]?|\(?\d{1,2}(\.\d{1,2})*[.):]*|\(?[a-z][.)]|\(?[ivx]{1,5}[.)]|(?-i:[IVX]{1,5})[.:]?"
)
_ENDS = re.compile(r"[.:][”\"')\]]*$|[—–]$|--$")
_VERBS = frozenset("shall may will must can is are was be has have had do does agrees agree terminates applies".split())
_SMALL = frozenset("of for and on the by or to in upon with without from a an at as not other & - – —".split())


def ends_heading(word: str) -> bool:
    """Whether a heading in front of running text may end with this word."""
    return bool(_ENDS.search(word))


def heading_words(texts: Sequence[str], line: int) -> int:
    """How many of a clause's first words are its heading, number included; 0 without one.

    `line` is the number of words of the first line where that stands alone, else 0.
    """
    start = 0
    while start < min(len(texts), MOST_NUMBER_WORDS) and _NUMBER.fullmatch(texts[start]):
        start += 1
    own = texts[start:line]
    if own and line <= MOST_LINE_WORDS and own[0][:1].isupper():
        plain = not any(word.endswith((".", ",", ";")) for word in own)  # a heading in sentence case, no sentence
        follows = line == len(texts) or _NUMBER.fullmatch(texts[line]) or texts[line][:1].isupper()
        if (plain and follows) or (not own[-1].endswith((",", ";")) and all(map(_in_title, own))):
            return line
    titled = True
    for n in range(start, min(len(texts), start + MOST_WORDS)):
        titled = titled and _in_title(texts[n])
        short = start > 0 and n < start + MOST_PLAIN_WORDS and texts[start][:1].isupper() and texts[n].casefold() not in _VERBS
        if not titled and not short:
            break
        if ends_heading(texts[n]):
            return n + 1
    return 0


def _in_title(word: str) -> bool:
    core = word.strip("“”\"'()[]").rstrip(".:;,—–-")
    return core[:1].isupper() or not core[:1].isalpha() or core.casefold() in _SMALL


def heading(texts: Sequence[str]) -> str | None:
    """A heading's words without section numbers, rules and closing punctuation; None if nothing is left."""
    left = [_FUSED_NUMBER.sub("", t) for t in texts[:1]] + list(texts[1:])
    while left and (_SECTION_NUMBER.fullmatch(left[0]) or (len(left) > 1 and _SECTION_WORD.fullmatch(left[0]))):
        left = left[1:]
    while left and _CLOSING_NUMBER.fullmatch(left[-1]):
        left = left[:-1]
    return " ".join(left).strip(_HEADING_EDGE) or None
