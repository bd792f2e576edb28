"""The characters the reader knows, and nothing else.

Class 0 is the CTC blank, class 1 the space, the last class stands for any character outside the set
(written as U+FFFD so that nobody takes it for a quote).
"""

from __future__ import annotations

UNKNOWN = "\ufffd"

CHARACTERS = " " + "".join(map(chr, range(33, 127))) + "“”‘’–—§•¶©®™€£°½é…" + UNKNOWN
"""Everything but the blank, by class number minus one."""

BLANK = 0
NUM_CLASSES = len(CHARACTERS) + 1

_SAME = str.maketrans(
    {"\u037e": ";", "´": "'", "`": "'", "−": "-", "‑": "-", "‐": "-", "\u00ad": "-", "·": "•", "●": "•", "▪": "•"}
)
_CLASS = {c: i + 1 for i, c in enumerate(CHARACTERS)}


def encode(text: str) -> list[int]:
    """Class numbers of a text; look-alikes share one class, unknown characters become the unknown class."""
    return [_CLASS.get(c, _CLASS[UNKNOWN]) for c in text.translate(_SAME)]


def decode(classes: list[int]) -> str:
    """The text of class numbers; blanks are skipped."""
    return "".join(CHARACTERS[c - 1] for c in classes if c != BLANK)
