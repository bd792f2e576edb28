"""Changing a labelled page without changing its labels: other numbers, other parties, misread letters.

Numbers are changed in words and fields together, so that answers must be copied from the page rather than remembered.
"""

from __future__ import annotations

import copy
import re
from typing import Any

import numpy as np

_ONES = (
    "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen "
    "eighteen nineteen"
)
_TENS = {20: "twenty", 30: "thirty", 40: "forty", 50: "fifty", 60: "sixty", 70: "seventy", 80: "eighty", 90: "ninety"}

COMMON = (
    1,
    2,
    3,
    5,
    6,
    7,
    9,
    10,
    12,
    14,
    15,
    18,
    20,
    21,
    24,
    25,
    28,
    30,
    36,
    40,
    45,
    48,
    50,
    60,
    72,
    75,
    90,
    100,
    120,
    150,
    180,
    270,
    365,
)

_NAMES = (
    "Supplier Customer Vendor Licensor Licensee Company Consultant Contractor Distributor Manufacturer Provider Client Seller "
    "Buyer Agent Servicer Franchisee Franchisor Sponsor Owner Operator Lessor Lessee Publisher Developer Purchaser Bank Trustee "
    "Advisor Reseller"
).split()

_ALIKE = {
    "l": "1Ii", "1": "lI", "I": "l1", "0": "O", "O": "0", "o": "0ec", "e": "co", "c": "eo", "a": "os", "s": "a5", "5": "S",
    "S": "5", "m": "nn", "n": "rnhu", "h": "bn", "b": "h6", "u": "nv", "v": "yu", "y": "v", "t": "fl", "f": "t", "r": "n",
    "i": "l", ",": ".", ".": ",", ";": ":", ":": ";", "d": "cl", "g": "q9", "w": "vv", "8": "B3", "3": "8", "6": "b", "B": "8",
}  # fmt: skip


def number_word(n: int) -> str | None:
    """The English word of 0 to 99, None beyond."""
    if n < 20:
        return _ONES.split()[n]
    if n >= 100:
        return None
    tens, ones = n // 10 * 10, n % 10
    return _TENS[tens] + (f"-{_ONES.split()[ones]}" if ones else "")


def misread(word: str, rate: float, rng: np.random.Generator) -> str:
    """Swap, drop or double letters as a reader of a bad photo would; `rate` is the chance a letter."""
    if rate <= 0 or rng.random() > 1 - (1 - rate) ** len(word):
        return word
    k = int(rng.integers(len(word)))
    letter, roll = word[k], rng.random()
    if roll < 0.6:
        other = str(rng.choice(list(_ALIKE.get(letter, "eaoitn"))))
    elif roll < 0.85:
        other = ""
    else:
        other = letter * 2
    return word[:k] + other + word[k + 1 :]


def renumbering(fields: dict[str, Any], rng: np.random.Generator) -> dict[int, int]:
    """New values for the periods, months and whole amounts of some fields."""
    out: dict[int, int] = {}
    for name in ("notice_periods", "cure_periods"):
        for d in fields.get(name) or []:
            out.setdefault(int(d["value"]), int(rng.choice(COMMON)))
    for m in fields.get("fee_months") or []:
        out.setdefault(int(m), int(rng.choice((3, 6, 9, 12, 18, 24, 36))))
    for a in fields.get("amounts") or []:
        amount = float(a["amount"])
        if amount.is_integer() and amount >= 1000:
            step = 10 ** max(0, len(str(int(amount))) - 2)
            out.setdefault(int(amount), int(rng.integers(10, 99)) * step)
    return out


def renumber_fields(fields: dict[str, Any], change: dict[int, int]) -> dict[str, Any]:
    """Fields with changed values."""
    new = copy.deepcopy(fields)
    for name in ("notice_periods", "cure_periods"):
        for d in new.get(name) or []:
            d["value"] = change.get(int(d["value"]), d["value"])
    if new.get("fee_months"):
        new["fee_months"] = [change.get(int(m), m) for m in new["fee_months"]]
    for a in new.get("amounts") or []:
        if float(a["amount"]).is_integer():
            a["amount"] = float(change.get(int(a["amount"]), a["amount"]))
    return new


def renumber_words(words: list[str], change: dict[int, int]) -> list[str] | None:
    """Words with changed numbers, word for word; None when a number stands in a form this does not know."""
    out = list(words)
    for old, new in change.items():
        digits, grouped = str(old), f"{old:,}"
        written, rewritten = number_word(old), number_word(new)
        seen = False
        for k, word in enumerate(out):
            bare = re.sub(r"^\W+|\W+$", "", word)
            if bare in (digits, grouped) or re.fullmatch(r"[A-Z]{0,3}\$?" + re.escape(grouped) + r"(\.00)?", bare):
                out[k] = word.replace(grouped, f"{new:,}") if grouped in word else word.replace(digits, str(new))
                seen = True
            elif written and bare.casefold() == written:
                if rewritten is None:
                    return None
                cased = rewritten.upper() if bare.isupper() else rewritten.capitalize() if bare[0].isupper() else rewritten
                out[k] = word.replace(bare, cased)
                seen = True
        if not seen:
            return None
    return out


def rename(words: list[str], old: str, new: str) -> list[str]:
    """One defined name exchanged for another wherever it stands as a word."""
    pattern = re.compile(rf"^(\W*){re.escape(old)}((?:['’]s)?\W*)$")
    return [pattern.sub(lambda m: m.group(1) + new + m.group(2), w) for w in words]


def other_name(rng: np.random.Generator) -> str:
    """A role a party may have."""
    return str(rng.choice(_NAMES))
