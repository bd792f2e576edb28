"""Answers that can only copy: a passage's own periods, sums and names become the only values its grammar allows.

The language model still decides which of them are meant, and how many; it cannot write a number or a name that does not
stand there.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from clausescan.quantities import amounts, durations, percentages
from clausescan.schema.answers import answer_schema
from clausescan.schema.clauses import MAX_HEADING_WORDS, MAX_ITEMS, MAX_PARTY_CHARS
from clausescan.schema.shapes import ClauseShape

MAX_NAME_WORDS = 6
MAX_NAMES = 120
DUTY_REACH = 24
"""Words after a name within which its duty must begin."""
_ASIDE = re.compile(r"\([^)]*\)?")
_DUTY = re.compile(
    r"(?i)\W*(?:and \w+ |each |jointly |severally |also |further |hereby |each )*"
    r"(?:shall|will|must|agrees?|undertakes?|covenants?|indemnif|assumes?)\b.{0,90}?(?:indemnif|defend|hold\b.{0,40}harmless|(?<=^)y)"
)
_MONTHS = {"months": 1, "years": 12}
_EDGE = re.compile(r"^\W+|\W+$")
_POSSESSIVE = re.compile(r"['’]s?$")
_STOP = re.compile(r"[.,;:)\]]$")
_ROLE = re.compile(r"(?i)(?:(?:each|either|both|every) )?(?!indemnified)(?:\w+ing )?(?:party|parties|indemnitor)")
_NOT_FIRST = frozenset(
    "the such any this in if to section sections article each either both all no notwithstanding except".split()
)
_EVERYONE = re.compile(r"(?i)(?:each|either|both|every)\b|(?:the )?parties$")
_LINKS = frozenset({"of", "and", "the", "&", "for"})


def copying_schema(shape: ClauseShape, words: Sequence[str]) -> dict[str, Any]:
    """The JSON Schema of one passage's answer: the type's own, its values limited to what `words` say.

    Copied words are limited to the passage's names, which is what this model was taught to copy.
    """
    schema = answer_schema(shape.answer)
    properties = schema["properties"]
    properties["heading_words"] = {"type": "integer", "minimum": 0, "maximum": min(MAX_HEADING_WORDS, len(words))}
    spans = durations(words)
    periods = list(dict.fromkeys((int(s.value), s.unit) for s in spans if s.value.is_integer() and 1 <= s.value <= 9999))
    for name, kind in shape.kinds.items():
        if kind == "durations":
            properties[name] = _some([_object(value=value, unit=unit) for value, unit in periods])
        elif kind == "amounts":
            sums = dict.fromkeys((_whole(m.amount), m.currency) for m in amounts(words) if m.amount > 0)
            properties[name] = _some([_object(amount=amount, currency=currency) for amount, currency in sums])
        elif kind == "months":
            months = dict.fromkeys(value * _MONTHS[unit] for value, unit in periods if unit in _MONTHS)
            properties[name] = _some([{"const": m} for m in months if m <= 999])
        elif kind == "percentages":
            rates = dict.fromkeys(_whole(p.value) for p in percentages(words) if p.value <= 1000)
            properties[name] = _some([{"const": rate} for rate in rates])
        elif kind == "flag" and name == "mutual":
            properties[name] = _mutual(bound_names(words))
        elif kind == "phrases":
            bound = bound_names(words) if name == "indemnifying_parties" else []
            properties[name] = _some([{"const": text} for text in bound or names(words)], least=int(bool(bound)))
    return schema


def names(words: Sequence[str]) -> list[str]:
    """What may be the name of a party: runs of capitalised words, and roles such as "each Party"; in order, without repeats."""
    plain = [_EDGE.sub("", w) for w in words]
    out: dict[str, None] = {}
    for i in range(len(plain)):
        for n in range(1, MAX_NAME_WORDS + 1):
            span = plain[i : i + n]
            if len(span) < n or not all(span) or (n > 1 and _STOP.search(words[i + n - 2])):
                break
            text = _POSSESSIVE.sub("", " ".join(span))
            named = span[0][0].isupper() and span[-1][0].isupper() and all(w[0].isupper() or w in _LINKS for w in span)
            named = named and span[0].casefold() not in _NOT_FIRST and not text.casefold().startswith("indemnified")
            each = n > 1 and span[0].casefold() in ("each", "either", "both") and all(w[0].isupper() for w in span[1:])
            if (named or each or _ROLE.fullmatch(text)) and len(text) <= MAX_PARTY_CHARS:
                out.setdefault(text)
    return list(out)[:MAX_NAMES]


def bound_names(words: Sequence[str]) -> list[str]:
    """The names that stand before a duty to indemnify, defend or hold harmless ("Supplier shall at its expense defend ...")."""
    known = names(words)
    out: dict[str, None] = {}
    text = [_POSSESSIVE.sub("", _EDGE.sub("", w)) for w in words]
    for name in known:
        parts = name.split()
        for i in range(len(words) - len(parts)):
            if text[i : i + len(parts)] != parts:
                continue
            after = _ASIDE.sub(" ", " ".join(words[i + len(parts) - 1 : i + len(parts) + DUTY_REACH]))
            if _DUTY.match(after[len(words[i + len(parts) - 1]) :] if not _ASIDE.search(words[i + len(parts) - 1]) else after):
                out[name] = None
    return [n for n in out if not any(n != m and m.endswith(" " + n) for m in out)]


def _mutual(bound: Sequence[str]) -> dict[str, Any]:
    """Whether an indemnity may be mutual: "each party shall indemnify" is, one other name alone under the duty is not."""
    if any(_EVERYONE.match(name) for name in bound):
        return {"const": True}
    return {"const": False} if len(bound) == 1 else {"type": "boolean"}


def _some(choices: list[dict[str, Any]], least: int = 0) -> dict[str, Any]:
    """A list of at least `least` of the choices; only the empty list where there are none."""
    if not choices:
        return {"type": "array", "items": {"type": "string"}, "maxItems": 0}
    return {"type": "array", "items": {"anyOf": choices}, "minItems": least, "maxItems": min(MAX_ITEMS, len(choices))}


def _object(**values: Any) -> dict[str, Any]:
    """An object with exactly these values, its keys in this order."""
    properties = {name: {"const": value} for name, value in values.items()}
    return {"type": "object", "properties": properties, "required": list(values), "additionalProperties": False}


def _whole(value: float) -> float | int:
    return int(value) if value.is_integer() else value
