"""Words in pieces, and the stretches of pieces that write a number."""

from __future__ import annotations

import re
from collections.abc import Sequence
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
OPENING = frozenset("([")
CLOSING = frozenset(")]}")
HYPHENS = frozenset("-–")
SLASHES = frozenset("/⁄")
QUOTES = frozenset("\"'“”‘’")
PUNCTUATION = QUOTES | frozenset("()[]{}-–—")
ARTICLES = frozenset(("a", "an"))


def tokens_of(words: Sequence[str]) -> list[Token]:
    """The words in pieces: letters, numbers, single symbols."""
    return [Token(m.group(), i) for i, word in enumerate(words) for m in _TOKEN.finditer(word.casefold())]


def text_at(tokens: list[Token], position: int) -> str:
    """The text of a token, empty beyond both ends."""
    return tokens[position].text if 0 <= position < len(tokens) else ""


def skip(tokens: list[Token], position: int, texts: frozenset[str]) -> int:
    """The next position whose token is none of `texts`."""
    while position < len(tokens) and tokens[position].text in texts:
        position += 1
    return position


def past_hyphen(tokens: list[Token], position: int) -> int:
    """The position behind the one hyphen that may stand there."""
    return position + (text_at(tokens, position) in HYPHENS)
