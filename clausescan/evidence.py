"""Field values to the words of the passage they stand on; what stands nowhere is dropped.

Durations, sums, rates and copied words must be located; a flag or a choice points to the first sentence with one of its cue
words, or to nothing: whether it is true is the model's judgement, the cue only shows where to look.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar

from clausescan import quantities
from clausescan.schema.answers import PassageAnswer, fields_of
from clausescan.schema.shapes import ClauseShape
from clausescan.schema.values import MAX_PARTY_CHARS, MAX_PHRASE_CHARS, Amount, Duration, FieldKind, Fields

Cue = re.Pattern[str] | None
_Span = TypeVar("_Span", quantities.Duration, quantities.Percentage)

_SENTENCE_END = re.compile(r"[.;!?][)\]”\"’']*$")
_ABBREVIATION = re.compile(r"(?i)\W*(inc|ltd|co|corp|no|nos|sec|art|u\.s|e\.g|i\.e|mr|ms|dr|[a-z]|\d+(\.\d+)*)\.")
_EDGE = re.compile(r"^\W+|\W+$")
_POSSESSIVE = re.compile(r"['’]s?$", re.IGNORECASE)
_CLOSED_BY = {"(": ")", "[": "]", "{": "}", "“": "”", "‘": "’", '"': '"', "'": "'"}
_SIGNS = _CLOSED_BY.keys() | set(_CLOSED_BY.values())
_DEEPEST = 8
"""Brackets in brackets that a name may have."""


@dataclass(frozen=True)
class Located:
    """One value's words: indices into the passage's words, in order, perhaps none for a flag or a choice."""

    field: str
    index: int | None
    words: tuple[int, ...]


@dataclass(frozen=True)
class LocatedFields:
    """The fields that the page bears out, where, and what was dropped or corrected."""

    fields: Fields
    evidence: tuple[Located, ...]
    warnings: tuple[str, ...]


@dataclass
class _Found:
    """Values of one list field as they are located."""

    name: str
    values: list[Any] = field(default_factory=list)
    evidence: list[Located] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)

    def keep(self, value: Any, first: int, last: int) -> None:
        if value not in self.values:
            self.evidence.append(Located(self.name, len(self.values), tuple(range(first, last + 1))))
            self.values.append(value)

    def drop(self) -> None:
        self.warnings.append(f"a value of {self.name} does not stand in the passage and was dropped")


def locate_fields(shape: ClauseShape, answer: PassageAnswer, words: Sequence[str]) -> LocatedFields:
    """The answer's fields with their evidence among the passage's words."""
    fields = fields_of(shape.fields, answer)
    values: dict[str, Any] = {}
    evidence: list[Located] = []
    warnings: list[str] = []
    for name, kind in shape.kinds.items():
        value, cue = getattr(fields, name), shape.cues.get(name)
        if kind in ("flag", "choice"):
            values[name] = value
            if value:
                evidence.append(Located(name, None, cue_sentence(cue, words)))
            continue
        found = _LOCATE[kind](name, value, words, cue)
        values[name] = tuple(found.values)
        evidence += found.evidence
        warnings += found.warnings
    return LocatedFields(shape.fields(**values), tuple(evidence), tuple(warnings))


def cue_sentence(cue: Cue, words: Sequence[str]) -> tuple[int, ...]:
    """Word indices of the first sentence with the cue; none if there is no such sentence."""
    start = 0
    for i, word in enumerate(words):
        if cue is None or (i + 1 < len(words) and not (_SENTENCE_END.search(word) and not _ABBREVIATION.fullmatch(word))):
            continue
        if cue.search(" ".join(words[start : i + 1])):
            return tuple(range(start, i + 1))
        start = i + 1
    return ()


def _durations(name: str, claimed: Sequence[Duration], words: Sequence[str], cue: Cue) -> _Found:
    found, spans = _Found(name), quantities.durations(words)
    for claim in claimed:
        own = [s for s in spans if s.value == claim.value and s.unit == claim.unit]
        if not own and claim.unit in ("days", "business_days"):
            own = [s for s in spans if s.value == claim.value and s.unit in ("days", "business_days")]
            found.warnings += [f"the days of {name} were corrected to the page's kind of days"] if own else []
        if not own:
            found.drop()
            continue
        span = _nearest(own, cue, words)
        twins = [s for s in spans if s.first <= span.last and span.first <= s.last]
        if any(s.value != span.value and _two_forms(span, s, words) for s in twins):
            found.warnings.append(f"a period of {name} is written with two different numbers")
        value = Duration.model_validate({"value": claim.value, "unit": span.unit})
        found.keep(value, min(s.first for s in twins), max(s.last for s in twins))
    return found


def _months(name: str, claimed: Sequence[int], words: Sequence[str], cue: Cue) -> _Found:
    found, spans = _Found(name), quantities.durations(words)
    for claim in claimed:
        own = [s for s in spans if s.value * {"months": 1, "years": 12}.get(s.unit, 0) == claim]
        if not own:
            found.drop()
            continue
        span = _nearest(own, cue, words)
        if any(s.value != span.value and s.last == span.last and _two_forms(span, s, words) for s in spans):
            found.warnings.append(f"a period of {name} is written with two different numbers")
        twins = [s for s in own if s.first <= span.last and span.first <= s.last]
        found.keep(claim, min(s.first for s in twins), max(s.last for s in twins))
    return found


def _amounts(name: str, claimed: Sequence[Amount], words: Sequence[str], cue: Cue) -> _Found:  # noqa: ARG001
    others: list[quantities.Duration | quantities.Percentage] = [*quantities.durations(words), *quantities.percentages(words)]
    spans = [s for s in quantities.amounts(words) if s.currency or not any(_same_number(s, other) for other in others)]
    found = _Found(name)
    for claim in claimed:
        equal = [s for s in spans if abs(s.amount - claim.amount) < 0.005]
        own = [s for s in equal if s.currency == claim.currency] or [s for s in equal if s.currency] or equal
        if not own:
            found.drop()
            continue
        span = own[0]
        if span.currency != claim.currency:
            found.warnings.append(f"the currency of a value of {name} was corrected to the page's")
        if any(_two_forms(span, other, words) and other.amount != span.amount for other in spans):
            found.warnings.append(f"a value of {name} is written with two different numbers")
        last = span.last
        for other in equal:  # "one million dollars ($1,000,000)" is one piece of evidence
            last = other.last if span.first <= other.first <= last + 1 else last
        found.keep(Amount(amount=claim.amount, currency=span.currency), span.first, max(last, span.last))
    return found


def _same_number(money: quantities.Money, other: quantities.Duration | quantities.Percentage) -> bool:
    """Whether a sum without a currency is the number of days or of per cent that stands there."""
    return other.value == money.amount and other.first <= money.first and money.last <= other.last


def _two_forms(one: Any, other: Any, words: Sequence[str]) -> bool:
    """Whether two spans are a number in words and, right behind it in brackets, one in figures."""
    a, b = sorted((one, other), key=lambda s: (s.first, -s.last))
    behind = a.first < b.first <= a.last + 1 and words[b.first].startswith(("(", "["))
    return behind and words[a.first][:1].isalpha() and any(c.isdigit() for c in words[b.first])


def _phrases(name: str, claimed: Sequence[str], words: Sequence[str], cue: Cue) -> _Found:  # noqa: ARG001
    found = _Found(name)
    plain = [_name_word(w) for w in words]
    telling = [i for i, w in enumerate(plain) if w]  # not the "&" between two names
    for claim in claimed:
        wanted = [w for w in map(_name_word, claim.split()) if w]
        run = _run([plain[i] for i in telling], wanted)
        if run is None:
            found.drop()
            continue
        at, last = telling[run], telling[run + len(wanted) - 1]
        text = _as_printed(words[at : last + 1], claim)
        longest = MAX_PARTY_CHARS if len(claim) <= MAX_PARTY_CHARS else MAX_PHRASE_CHARS
        if text and len(text) <= longest:
            found.keep(text, at, last)
        else:
            found.drop()
    return found


def _percentages(name: str, claimed: Sequence[float], words: Sequence[str], cue: Cue) -> _Found:
    found, spans = _Found(name), quantities.percentages(words)
    for claim in claimed:
        own = [s for s in spans if abs(s.value - claim) < 0.0005]
        if not own:
            found.drop()
            continue
        span = _nearest(own, cue, words)
        found.keep(claim, span.first, span.last)
    return found


_LOCATE: dict[FieldKind, Callable[[str, Any, Sequence[str], Cue], _Found]] = {
    "durations": _durations,
    "amounts": _amounts,
    "months": _months,
    "percentages": _percentages,
    "phrases": _phrases,
}


def _nearest(spans: list[_Span], cue: Cue, words: Sequence[str]) -> _Span:
    """The span with the fewest words between it and a cue; the first of equals."""
    at = [i for i, w in enumerate(words) if cue.match(w)] if cue else []

    def distance(span: _Span) -> int:
        return min((max(span.first - i, i - span.last, 0) for i in at), default=0)

    return min(spans, key=distance)


def _name_word(word: str) -> str:
    """A word as names are compared: no punctuation around, no possessive."""
    return _EDGE.sub("", _POSSESSIVE.sub("", _EDGE.sub("", word)))


def _run(words: list[str], wanted: list[str]) -> int | None:
    """Where the wanted words stand one after the other, in their own case rather than in another; None if they do not."""
    if not wanted:
        return None
    folded, sought = [w.casefold() for w in words], [w.casefold() for w in wanted]
    runs = [i for i in range(len(words) - len(wanted) + 1) if folded[i : i + len(wanted)] == sought]
    return next((i for i in runs if words[i : i + len(wanted)] == wanted), runs[0] if runs else None)


def _as_printed(words: Sequence[str], claim: str) -> str:
    """The name as the page has it; its closing full stop or possessive only if the claim has one too, signs only in pairs."""
    text = " ".join(words)
    fellows, owned = _fellows(text), _POSSESSIVE.search(claim)
    stops = " ,;:" if claim.endswith(".") else " .,;:"
    first, last = 0, len(text) - 1
    while first <= last:
        if fellows.get(first) == last:  # a pair around the whole
            first, last = first + 1, last - 1
        elif text[first] in " ,;:" or (text[first] in _SIGNS and first not in fellows):
            first += 1
        elif text[last] in stops or (text[last] in _SIGNS and last not in fellows):
            last -= 1
        elif not owned and text[last - 1 : last + 1].casefold() in ("'s", "’s"):
            last -= 2
        else:
            break
    return text[first : last + 1]


def _fellows(text: str) -> dict[int, int]:
    """Which brackets and quotes belong together, as positions both ways; an apostrophe is neither."""
    unclosed: list[int] = []
    fellows: dict[int, int] = {}
    for i, sign in enumerate(text):
        follows_letter = text[i - 1 : i].isalnum()
        if sign not in _SIGNS or (sign in "'’" and follows_letter and text[i + 1 : i + 2].isalnum()):
            continue
        opening = next((k for k in reversed(unclosed[-_DEEPEST:]) if _CLOSED_BY[text[k]] == sign), None)
        if opening is not None:
            fellows |= {opening: i, i: opening}
            while unclosed.pop() != opening:
                pass
        elif sign in _CLOSED_BY and not (_CLOSED_BY[sign] == sign and follows_letter):
            unclosed.append(i)
    return fellows
