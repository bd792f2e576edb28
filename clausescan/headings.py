"""A clause's heading by the signs of print: a short line in capitals or title case, or such words up to a full stop or colon."""

from __future__ import annotations

import itertools
import re
from collections.abc import Sequence

from clausescan.page import Reading
from clausescan.schema.found import Place

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
_SECTION_NUMBER = re.compile(rf"(?i)(?!u\.[sk]\.)[(\[]?(\d+(\.\d+)*|{_ROMAN}|[a-z])([.)\]]+(\d+|[a-z])?)*|\W+")
_CLOSING_NUMBER = re.compile(rf"(?i)[(\[]?(\d+(\.\d+)*|{_ROMAN}|[a-z])[.)\]]+|\d+(\.\d+)*|\W+")
"""As a section's number at a heading's end: a letter is one only with its punctuation ("Liability of Party A")."""
_FUSED_NUMBER = re.compile(r"(?i)^(\([a-z\d]{1,4}\)|\d+(\.\d+)*[.)]?)(?=[a-z]{3})")
_HEADING_EDGE = " .,:;-–—_“”\"'"
_NUMBER = re.compile(
    r"(?i)(section|article|clause|paragraph|§+)[.:]?|\(?\d{1,2}(\.\d{1,2})*[.):]*|\(?[a-z][.)]|\(?[ivx]{1,5}[.)]|(?-i:[IVX]{1,5})[.:]?"
)
_DASH = re.compile(r"[-–—.:]")
"""Between a section's number and its heading, or its word and its number: "ARTICLE IX – TERM"."""
_ENDS = re.compile(r"[.:][”\"')\]]*$|[—–]$|--$")
_ABBREVIATION = re.compile(r"(?i)\W*(inc|ltd|llc|plc|co|corp|no|nos|sec|art|mr|mrs|ms|dr|st|jr|vs|[a-z](\.[a-z])+)\.\W*")
_GOES_ON = re.compile(r"[a-z][a-z'’-]+[,;:.]?")
"""What comes after a full stop that ends no sentence; "a." and "i)" begin a lettered part."""
_SENTENCE_WORDS = frozenset(
    """shall may will must can cannot could would should is are was were has have had do does hereby herein nothing
    accepts acknowledge acknowledges agree agrees applies assumes authorizes bears becomes ceases constitutes continues defends
    disclaims elects excludes expires fails gives holds includes incurs indemnifies maintains makes means owes pays provides
    receives remains represents requires reserves retains survives terminates undertakes waives warrants""".split()
)
"""What sentences have and headings do not; the verbs as they follow a party's name on our labelled pages."""
_OPENERS = frozenset(
    """upon if in when where whenever unless except notwithstanding subject should for during after before
    each either neither nothing this such any all no""".split()
)
"""First words of a sentence, if what follows is not in title case."""
_SMALL = frozenset("of for and on the by or to in upon with without from a an at as not other & - – —".split())
_NEVER_LAST = _SMALL - {"other", "&", "-", "–", "—"} | {"this", "such", "if", "that", "either", "including"}


def words_alone(reading: Reading, places: Sequence[Place]) -> int:
    """How many of a run's first words may be a heading alone, as the first line ends far before the lines under it; else 0.

    Only the run's own lines count, and only those that share some of the first one's width: on a page of two columns, lines of
    the other column tell nothing.
    """
    rows = [list(row) for _, row in itertools.groupby(places, lambda place: place[0])]
    boxes = [[reading.lines[i].words[j].box_page_px for i, j in (row[0], row[-1])] for row in rows]
    left, end = boxes[0][0][0], boxes[0][1][2]
    under = [last[2] for first, last in boxes[1:] if first[0] < end and last[2] > left]
    return len(rows[0]) if under and end - left < SHORT_LINE * (max(under) - left) else 0


def ends_heading(texts: Sequence[str], n: int) -> bool:
    """Whether a heading in front of running text may end with the `n`th of a clause's words."""
    end = _ENDS.search(texts[n - 1])
    return end is not None and not (end[0].startswith(".") and n < len(texts) and _GOES_ON.fullmatch(texts[n]))


def heading_words(texts: Sequence[str], line: int) -> int:
    """How many of a clause's first words are its heading, number included; 0 without one.

    `line` is the number of words of the first line where that stands alone, else 0; see `words_alone`.
    """
    start = 0
    while start < min(len(texts), MOST_NUMBER_WORDS) and (
        _NUMBER.fullmatch(texts[start]) or (start and _DASH.fullmatch(texts[start]))
    ):
        start += 1
    if _is_line(texts, start, line):
        return line
    titled = True
    for n in range(start, min(len(texts), start + MOST_WORDS)):
        if _in_sentence(texts, n):
            break
        titled = titled and _in_title(texts[n])
        short = start > 0 and n < start + MOST_PLAIN_WORDS and texts[start][:1].isupper() and _core(texts[start]) not in _OPENERS
        if not titled and not short:
            break
        if ends_heading(texts, n + 1) and not _ABBREVIATION.fullmatch(texts[n]):
            return n + 1 if (titled or _core(texts[n]) not in _NEVER_LAST) and heading(texts[: n + 1]) else 0
    return 0


def _is_line(texts: Sequence[str], start: int, line: int) -> bool:
    """Whether a first line that stands alone is a heading whose number is `start` words long."""
    own = texts[start:line]
    if heading(own) is None or line > MOST_LINE_WORDS or not own[0][:1].isupper():
        return False
    if _core(own[-1]) in _NEVER_LAST or any(_in_sentence(texts, n) for n in range(start, line)):
        return False
    if line < len(texts) and _GOES_ON.fullmatch(texts[line]):
        return False
    if all(map(_in_title, own)) and not own[-1].endswith((",", ";")):
        return True
    plain = _core(own[0]) not in _OPENERS and not any(word.endswith((".", ",", ";")) for word in own)
    follows = line == len(texts) or _NUMBER.fullmatch(texts[line]) or texts[line][:1].isupper()
    return plain and bool(follows)  # a heading in sentence case, no sentence


def _core(word: str) -> str:
    return word.strip("“”\"'()[].:;,—–-").casefold()


def _in_sentence(texts: Sequence[str], n: int) -> bool:
    """Whether the word is a sentence's. Title case writes such words of headings large ("That Do Not Require Consent")."""
    word = texts[n].strip("“”\"'()[]")
    large = word[:1].isupper() and not word.isupper()
    at_will = n > 0 and _core(texts[n - 1]) == "at" and _core(word) == "will"
    return _core(word) in _SENTENCE_WORDS and not large and not at_will


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
