"""Answers that can only copy: a passage's own periods, sums and names become the only values its grammar allows.

The language model still decides which of them are meant, and how many; it cannot write a number or a name that does not
stand there.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Sequence
from typing import Any

from clausescan.model.fieldhead import NOTHING_SETTLED, Candidate, Settled
from clausescan.quantities import amounts, durations, percentages
from clausescan.schema.answers import answer_schema
from clausescan.schema.clauses import MAX_HEADING_WORDS, MAX_ITEMS, MAX_PARTY_CHARS
from clausescan.schema.shapes import ClauseShape
from clausescan.schema.values import MAX_AMOUNT

MAX_NAME_WORDS = 6
MAX_NAMES = 120
MOST_UNITS, MOST_MONTHS, MOST_PERCENT = 9999, 999, 1000
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
_ROLE = re.compile(r"(?i)(?:(?:each|either|both|every) )?(?!indemnified)(?:\w+ing )?(?:party|parties|indemnitor)|you|we")
_CAPITAL = re.compile(r"[^\W\d_a-z]|[a-z]{1,2}-?[A-Z]|\d+[A-Z][a-z]")
"""How a word of a name begins: Supplier, iPass, e-Sign, 2TheMart."""
_NOT_FIRST = frozenset(
    "the such any this in if it to section sections article each either both all no notwithstanding except".split()
)
_EVERYONE = re.compile(r"(?i)(?:each|either|both|every)\b|(?:the )?parties$")
_LINKS = frozenset({"of", "and", "the", "&", "for"})


def copying_schema(shape: ClauseShape, words: Sequence[str], settled: Settled = NOTHING_SETTLED) -> dict[str, Any]:
    """The JSON Schema of one passage's answer: the type's own, its values limited to what `words` say.

    Copied words are limited to the passage's names, which is what this model was taught to copy. Fields that the field head
    has `settled` can be written in one way only.
    """
    schema = answer_schema(shape.answer)
    properties = schema["properties"]
    properties["heading_words"] = {"type": "integer", "minimum": 0, "maximum": min(MAX_HEADING_WORDS, len(words))}
    found = candidates(shape, words)
    for name in shape.kinds:
        sure = _mutual(bound_names(words)) if name == "mutual" else None
        if sure is not None:
            properties[name] = {"const": sure}
        elif name in settled.flags:
            properties[name] = {"const": settled.flags[name]}
        elif name in settled.lists:
            meant = [c for c in found[name] if c.value in settled.lists[name]]
            meant = shortest_names(meant) if shape.kinds[name] == "phrases" else meant
            properties[name] = {"const": [c.value for c in meant[:MAX_ITEMS]]}
        elif name == "indemnifying_parties" and (bound := bound_names(words)):
            properties[name] = _some(bound, least=1)
        elif name in found:
            properties[name] = _some([c.value for c in found[name]])
    return schema


def candidates(shape: ClauseShape, words: Sequence[str]) -> dict[str, list[Candidate]]:
    """What `words` hold that each list of the type may have as its values, in order, each value once with all its places."""
    periods = [(int(s.value), s) for s in durations(words) if s.value.is_integer() and 1 <= s.value <= MOST_UNITS]
    out: dict[str, list[Candidate]] = {}
    for name, kind in shape.kinds.items():
        if kind == "durations":
            out[name] = _merge(({"value": value, "unit": s.unit}, s.last) for value, s in periods)
        elif kind == "amounts":
            sums = [m for m in amounts(words) if 0 < m.amount <= MAX_AMOUNT]
            out[name] = _merge(({"amount": _whole(m.amount), "currency": m.currency}, m.last) for m in sums)
        elif kind == "months":
            months = [(value * _MONTHS[s.unit], s.last) for value, s in periods if s.unit in _MONTHS]
            out[name] = _merge((m, last) for m, last in months if m <= MOST_MONTHS)
        elif kind == "percentages":
            out[name] = _merge((_whole(p.value), p.last) for p in percentages(words) if p.value <= MOST_PERCENT)
        elif kind == "phrases":
            out[name] = named(words)
    return out


def _merge(found: Iterable[tuple[Any, int]]) -> list[Candidate]:
    """Each value once, with all the words it ends at."""
    places: dict[str, tuple[Any, list[int]]] = {}
    for value, word in found:
        places.setdefault(json.dumps(value), (value, []))[1].append(word)
    return [Candidate(value, tuple(words)) for value, words in places.values()]


def named(words: Sequence[str]) -> list[Candidate]:
    """What may be the name of a party: runs of capitalised words, and roles such as "each Party"; in order."""
    plain = [_EDGE.sub("", w) for w in words]
    out: dict[str, list[int]] = {}
    for i in range(len(plain)):
        for n in range(1, MAX_NAME_WORDS + 1):
            span = plain[i : i + n]
            if len(span) < n or not all(span) or (n > 1 and _STOP.search(words[i + n - 2])):
                break
            text = _POSSESSIVE.sub("", " ".join(span))
            large = [_CAPITAL.match(w) is not None for w in span]
            capital = large[0] and large[-1] and all(big or w in _LINKS for big, w in zip(large, span, strict=True))
            capital = capital and span[0].casefold() not in _NOT_FIRST and not text.casefold().startswith("indemnified")
            each = n > 1 and span[0].casefold() in ("each", "either", "both") and all(w[0].isupper() for w in span[1:])
            if (capital or each or _ROLE.fullmatch(text)) and len(text) <= MAX_PARTY_CHARS:
                out.setdefault(text, []).append(i + n - 1)
    return [Candidate(text, tuple(places)) for text, places in list(out.items())[:MAX_NAMES]]


def shortest_names(found: Sequence[Candidate]) -> list[Candidate]:
    """Of names that end at the same word only the shortest; of roles such as "each Party" the whole."""
    out = list(found)
    for a in found:
        for b in found:
            nested = len(a.value) < len(b.value) and not set(a.words).isdisjoint(b.words)
            worse = a if _ROLE.fullmatch(b.value) or _EVERYONE.match(b.value) else b
            if nested and a in out and b in out:
                out.remove(worse)
    return out


def names(words: Sequence[str]) -> list[str]:
    """The texts of `named`."""
    return [c.value for c in named(words)]


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


def _mutual(bound: Sequence[str]) -> bool | None:
    """Whether an indemnity is mutual: "each party shall indemnify" is, one other name alone under the duty is not."""
    if any(_EVERYONE.match(name) for name in bound):
        return True
    return False if len(bound) == 1 else None


def _some(choices: Sequence[Any], least: int = 0) -> dict[str, Any]:
    """A list of at least `least` of the values; only the empty list where there are none."""
    if not choices:
        return {"type": "array", "items": {"type": "string"}, "maxItems": 0}
    ways = [_object(**value) if isinstance(value, dict) else {"const": value} for value in choices]
    return {"type": "array", "items": {"anyOf": ways}, "minItems": least, "maxItems": min(MAX_ITEMS, len(choices))}


def _object(**values: Any) -> dict[str, Any]:
    """An object with exactly these values, its keys in this order."""
    properties = {name: {"const": value} for name, value in values.items()}
    return {"type": "object", "properties": properties, "required": list(values), "additionalProperties": False}


def _whole(value: float) -> float | int:
    return int(value) if value.is_integer() else value
