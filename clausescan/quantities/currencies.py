"""What currencies are called, and whose a sum is by the words around it."""

from __future__ import annotations

from collections.abc import Iterator

from clausescan.quantities.lexing import ARTICLES, CLOSING, OPENING, Number, Token, skip, text_at
from clausescan.quantities.numerals import group_end, number_at, number_group
from clausescan.quantities.units import counts, per_cent_after

_SYMBOLS = {"$": "USD", "€": "EUR", "£": "GBP", "¥": "JPY", "￥": "JPY"}
SHARED_SYMBOLS = frozenset("$¥￥")
"""Symbols of several currencies, which a name behind the sum tells apart: "$500 CAD"."""
_YEN_OF = {"cn": "CNY", "cny": "CNY", "rmb": "CNY", "jp": "JPY", "jpy": "JPY"}
_OWNERS: dict[str, dict[str, str | None]] = {
    "$": {
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
        "aus": "AUD",
        "aust": "AUD",
        "nz": "NZD",
        "nzd": "NZD",
        "hk": "HKD",
        "hkd": "HKD",
        "s": "SGD",
        "sgd": "SGD",
        "mxn": "MXN",
        "canadian": "CAD",
        "australian": "AUD",
        "singapore": "SGD",
        "nt": None,
        "mex": None,
    },
    "€": {"eur": "EUR", "euro": "EUR"},
    "£": {"gbp": "GBP"},
    "¥": {**_YEN_OF},
    "￥": {**_YEN_OF},
}
"""Whose symbol it is by the word before it; None for currencies that are not known here."""
_ABBREVIATED = frozenset(("cdn", "can", "aus", "aust", "mex"))
"""Owners that a full stop may part from their symbol: "Cdn. $"."""
_CODES = "usd eur gbp cad aud nzd jpy cny chf inr hkd sgd sek nok dkk krw brl mxn zar ils".split()
_ONE_WORD = {c: c.upper() for c in _CODES} | {
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
    "rupee": "INR",
    "rupees": "INR",
    "rs": "INR",
    "franc": "CHF",
    "francs": "CHF",
}
_BEHIND_ONLY = frozenset(("cdn", "dollar", "dollars", "pound", "pounds", "sterling"))
"""Names too common to belong to the number behind them."""
_COUNTRIES = {
    "us": "USD",
    "u . s": "USD",
    "u . s .": "USD",
    "united states": "USD",
    "united states of america": "USD",
    "canadian": "CAD",
    "australian": "AUD",
    "new zealand": "NZD",
    "hong kong": "HKD",
    "singapore": "SGD",
}
_BRACKETED = frozenset(("canadian", "australian"))
"""Owners that name money only; a country in brackets may follow a year: "the Act of 1993 (New Zealand)"."""
_SHORT_OWNERS = {"usd": "USD", "cad": "CAD", "cdn": "CAD", "aud": "AUD", "nz": "NZD", "nzd": "NZD", "hk": "HKD", "sgd": "SGD"}
_LONG_NAMES = {f"{owner} {noun}": c for owner, c in (_COUNTRIES | _SHORT_OWNERS).items() for noun in ("dollar", "dollars")} | {
    "pound sterling": "GBP",
    "pounds sterling": "GBP",
    "british pounds": "GBP",
    "british pounds sterling": "GBP",
    "japanese yen": "JPY",
    "chinese yuan": "CNY",
    "chinese renminbi": "CNY",
    "indian rupees": "INR",
    "swiss franc": "CHF",
    "swiss francs": "CHF",
}
_NAMES = _ONE_WORD | _LONG_NAMES
_MOST_TOKENS = max(len(name.split()) for name in _NAMES)
_WITH_FULL_STOP = frozenset("mio mil mln mn bn mrd".split())
"""Scales that a full stop may part from the currency: "1,5 Mio. EUR"."""
_SKIPPED = frozenset('()[]"“”,')


def currency_before(tokens: list[Token], number: Number, least: int) -> tuple[str | None, int]:
    """The currency named right before a number, and where it begins: $, U.S. Dollars, US Dollars (US$).

    A name in words before the token `least` belongs to an earlier number, and a rate is no sum: "in Euros (10% VAT)".
    """
    behind = max(number.end, group_end(number_group(tokens, number.start)))
    if per_cent_after(tokens, behind) is not None:
        return None, number.start
    least = len(tokens) if counts(tokens, behind) else least
    end = number.start - (text_at(tokens, number.start - 1) in OPENING)
    if text_at(tokens, end - 1) not in CLOSING:
        return _name_ending(tokens, end, least) or (None, number.start)
    inner = _name_ending(tokens, end - 1, least)
    if inner is None or text_at(tokens, inner[1] - 1) not in OPENING:
        return None, number.start
    return _name_ending(tokens, inner[1] - 1, least) or (inner[0], inner[1] - 1)


def _name_ending(tokens: list[Token], end: int, least: int) -> tuple[str | None, int] | None:
    """The currency whose name ends right before a position, and where it begins; a name in words no earlier than `least`."""
    text = text_at(tokens, end - 1)
    if text in _SYMBOLS:
        return _symbol(tokens, end - 1)
    if text in _CODES or text in ("rmb", "rs"):
        return _ONE_WORD[text], end - 1
    if text == "." and text_at(tokens, end - 2) == "rs":
        return "INR", end - 2
    for size, name in _phrases(tokens, end - _MOST_TOKENS, end):
        if end - size >= least and name in _NAMES and name not in _BEHIND_ONLY:
            return _NAMES[name], end - size
    return None


def _phrases(tokens: list[Token], first: int, end: int) -> Iterator[tuple[int, str]]:
    """The phrases that end at a position, the longest first, and how many tokens they have."""
    for start in range(max(first, 0), end):
        yield end - start, " ".join(t.text for t in tokens[start:end])


def _symbol(tokens: list[Token], position: int) -> tuple[str | None, int]:
    """Whose symbol: `US$`, `Cdn. $`, `C$`, `RMB ¥`; a bare `$` is the US one, `R$` is none that is known here."""
    symbol, owner = tokens[position].text, position - 1
    if text_at(tokens, owner) == "." and text_at(tokens, owner - 1) in _ABBREVIATED:
        owner -= 1
    name = text_at(tokens, owner)
    touching = owner >= 0 and tokens[owner].word == tokens[position].word
    if name in _OWNERS[symbol] and (touching or len(name) > 1):
        return _OWNERS[symbol][name], owner
    if symbol == "$" and touching and name.isalpha():
        return None, owner
    return _SYMBOLS[symbol], position


def currency_after(tokens: list[Token], end: int) -> tuple[str | None, int]:
    """The currency named right after a number, and where it ends: dollars, U.S. Dollars, (USD), (Canadian), Mio. EUR."""
    behind = end + (text_at(tokens, end) == "." and text_at(tokens, end - 1) in _WITH_FULL_STOP)
    symbol = text_at(tokens, behind)
    if symbol in _SYMBOLS:
        return (None, end) if text_at(tokens, behind + 1)[:1].isdigit() else (_SYMBOLS[symbol], behind + 1)
    start = skip(tokens, behind, _SKIPPED)
    past, currency = _name_at(tokens, start)
    apart = any(t.text not in CLOSING for t in tokens[end:start])
    if currency is None or (apart and _begins_sum(tokens, past)):  # "in 2023, USD 500"
        return None, end
    return currency, past


def _name_at(tokens: list[Token], start: int) -> tuple[int, str | None]:
    """Where the longest currency's name that begins at a position ends, and the currency."""
    bracketed = text_at(tokens, start - 1) in OPENING
    for size in range(min(_MOST_TOKENS, len(tokens) - start), 0, -1):
        name = " ".join(t.text for t in tokens[start : start + size])
        if name in _NAMES:
            return start + size, _NAMES[name]
        if bracketed and name in _BRACKETED and text_at(tokens, start + size) in CLOSING:  # "$500,000 (Canadian)"
            return start + size, _COUNTRIES[name]
    return start, None


def _begins_sum(tokens: list[Token], position: int) -> bool:
    """Whether a sum begins at a position."""
    text = text_at(tokens, position)
    return text == "$" or (text not in ARTICLES and number_at(tokens, position) is not None)
