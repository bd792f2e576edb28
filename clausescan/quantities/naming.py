"""Numbers that name something and count nothing: a section, a day of a month, a year."""

from __future__ import annotations

from clausescan.quantities.lexing import Number, Token, text_at
from clausescan.quantities.numerals import is_spelled

_MONTHS = frozenset(
    "january february march april may june july august september october november december "
    "jan feb mar apr jun jul aug sep sept oct nov dec".split()
)
_NAMED = frozenset(
    "section sec § article art clause paragraph para subsection exhibit schedule appendix annex attachment addendum amendment "
    "part phase stage milestone tranche instalment installment tier level item note chapter rule page line row step version no "
    "number figure table lot class series # $ € £ ¥".split()
)
"""Singular names of what has a number that counts nothing: "Section 8"."""


def is_named(tokens: list[Token], group: list[Number]) -> bool:
    """Whether a number names something by the word before it: a section, a day of a month, a sum of money."""
    start = group[0].start
    at = start - 1
    while text_at(tokens, at) in ("(", "[", "."):
        at -= 1
    before = text_at(tokens, at)
    subsection = at < start - 1 and before[-1:].isdecimal()  # 8(2)
    return subsection or before.removesuffix("s") in _NAMED or (_is_bare(tokens, group) and before in _MONTHS)


def is_year(tokens: list[Token], group: list[Number]) -> bool:
    """Whether a number looks like a year."""
    return _is_bare(tokens, group) and tokens[group[0].start].text.isdecimal() and 1900 <= group[0].value <= 2100


def _is_bare(tokens: list[Token], group: list[Number]) -> bool:
    """Whether a number stands in figures alone."""
    return len(group) == 1 and not is_spelled(tokens, group[0])
