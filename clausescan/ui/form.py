"""The form in which a reader corrects a clause: its HTML, and what the reader entered as a checked `Correction`.

Lists are entered as people write them: `30 days; 10 business days`, `1,000,000 USD`, `Supplier; Customer`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, get_args

from pydantic import ValidationError

from clausescan.errors import ClausescanError
from clausescan.export.field_text import value_text
from clausescan.review import Review
from clausescan.schema.clauses import ClauseType
from clausescan.schema.corrections import MAX_TEXT_CHARS, Correction
from clausescan.schema.shapes import SHAPES, ClauseShape, title
from clausescan.schema.values import MAX_ITEMS, MAX_PARTY_CHARS, FieldKind, Fields, Unit, choices_of
from clausescan.ui.pieces import safe, words

UNITS: tuple[str, ...] = get_args(Unit)
Shapes = Mapping[ClauseType, ClauseShape]
"""The types that a clause can be corrected to."""


class FormError(ClausescanError):
    """Something was entered that a field cannot hold."""

    def __init__(self, field: str, message: str) -> None:
        super().__init__(message)
        self.field = field


@dataclass(frozen=True)
class Problem:
    """What was wrong with a form that was sent."""

    clause: int
    field: str
    message: str


@dataclass(frozen=True)
class _Entry:
    """How a list field is entered."""

    hint: str
    read: Callable[[str], Any]
    """One value. Raises `ValueError`."""


def correction(
    review: Review, index: int, entered: Mapping[str, Any], by: str, at: str, shapes: Shapes = SHAPES
) -> Correction | None:
    """What the form says, as a correction of the clause with this index; None where it says what stands there already.

    Raises `FormError`, naming the field, for what cannot be read.
    """
    clause = review.clause
    kind = entered.get("type")
    if not isinstance(kind, str) or kind not in shapes:
        raise FormError("type", "choose a type")
    text = " ".join(str(entered.get("text", "")).split())
    if not 0 < len(text) <= MAX_TEXT_CHARS:
        raise FormError("text", f"the text needs 1 to {MAX_TEXT_CHARS:,} characters; reject the clause if there is none")
    fields = _fields(shapes[kind], entered, clause.fields if kind == clause.type else None)
    changes: dict[str, Any] = {}
    if kind != clause.type:
        changes |= {"type": kind, "fields": fields}
    if text != clause.text:
        changes["text"] = text
    before = _empty(shapes[clause.type]) if clause.fields is None else dict(clause.fields)
    if dict(fields) != before:
        changes["fields"] = fields
    return Correction(clause=index, by=by, at=at, act="edit", **changes) if changes else None


def form_html(review: Review, index: int, problem: Problem | None, shapes: Shapes = SHAPES) -> str:
    """The form, hidden until it is asked for; open, with what was wrong, after a problem."""
    clause = review.clause
    wrong = problem if problem is not None and problem.clause == index else None
    own = f"cs-form-{index}"
    options = "".join(
        f'<option value="{kind}"{" selected" * (kind == clause.type)}>{safe(title(kind))}</option>' for kind in shapes
    )
    height = min(max(len(clause.text) // 60 + 2, 3), 16)
    rows = [
        f'<label for="{own}-type">Type</label>'
        f'<select id="{own}-type" name="type"{_invalid("type", own, wrong)}>{options}</select>'
        f"{_message('type', own, wrong)}",
        f'<label for="{own}-text">Text</label>'
        f'<textarea id="{own}-text" name="text" rows="{height}" spellcheck="false"{_invalid("text", own, wrong)}>'
        f"{safe(clause.text)}</textarea>{_message('text', own, wrong)}",
    ]
    for kind, shape in shapes.items():
        held = clause.fields if kind == clause.type else None
        rows.append(_fieldset(shape, held, own, hidden=kind != clause.type, wrong=wrong))
    buttons = (
        '<div class="cs-acts"><button type="submit" class="cs-button primary">Save the correction</button>'
        '<button type="button" class="cs-button" data-act="close-form">Leave it</button></div>'
    )
    legend = f'<h4 id="{own}-title">Correct clause {index + 1}</h4>'
    return (
        f'<form class="cs-form" data-clause="{index}" aria-labelledby="{own}-title" novalidate{" hidden" * (wrong is None)}>'
        f"{legend}{''.join(rows)}{buttons}</form>"
    )


def _fieldset(shape: ClauseShape, held: Fields | None, own: str, *, hidden: bool, wrong: Problem | None) -> str:
    rows = []
    values = _texts(held)
    for name, kind in shape.kinds.items():
        key = f"{shape.name}.{name}"
        control = f"{own}-{shape.name}-{name}"
        value = values.get(name, "")
        attributes = f'id="{control}" name="{key}"{_invalid(key, own, wrong)}'
        if kind == "flag":
            checked = " checked" * bool(value)
            rows.append(f'<label class="cs-check"><input type="checkbox" {attributes}{checked}> {safe(words(name))}</label>')
            continue
        if kind == "choice":
            options = "".join(
                f'<option value="{choice}"{" selected" * (choice == value)}>{safe(words(choice) or "not said")}</option>'
                for choice in ("", *choices_of(shape.fields.model_fields[name]))
            )
            rows.append(f'<label for="{control}">{safe(words(name))}</label><select {attributes}>{options}</select>')
        else:
            rows.append(
                f'<label for="{control}">{safe(words(name))} <span class="cs-hint">{safe(ENTRIES[kind].hint)}</span></label>'
                f'<input type="text" {attributes} value="{safe(value)}" autocomplete="off">'
            )
        rows.append(_message(key, own, wrong))
    legend = f"<legend>Fields: {safe(title(shape.name).lower())}</legend>"
    return f'<fieldset data-type="{shape.name}"{" hidden disabled" * hidden}>{legend}{"".join(rows)}</fieldset>'


def _texts(held: Fields | None) -> dict[str, str]:
    """Each field's value as its control shows it; of a flag that is set, something."""
    values = held.model_dump(mode="json") if held is not None else {}
    return {
        name: "; ".join(value_text(v) for v in value) if isinstance(value, list) else str(value or "")
        for name, value in values.items()
    }


def _invalid(field: str, own: str, wrong: Problem | None) -> str:
    return f' aria-invalid="true" aria-describedby="{own}-wrong"' if wrong and wrong.field == field else ""


def _message(field: str, own: str, wrong: Problem | None) -> str:
    """What is wrong with a field, behind it."""
    if wrong is None or wrong.field != field:
        return ""
    return f'<p class="cs-wrong" id="{own}-wrong" role="alert">{safe(wrong.message)}</p>'


def _fields(shape: ClauseShape, entered: Mapping[str, Any], held: Fields | None) -> Fields:
    """What was entered. A field that still shows what it showed keeps its value, however short that is shown."""
    values: dict[str, Any] = {}
    shown = _texts(held)
    for name, kind in shape.kinds.items():
        key = f"{shape.name}.{name}"
        given = entered.get(key)
        if kind == "flag":
            values[name] = given is True
            continue
        text = str(given or "").strip()
        if held is not None and text == shown.get(name):
            values[name] = getattr(held, name)
            continue
        parts = [part.strip() for part in text.split(";") if part.strip()]
        if kind != "choice" and len(parts) > (most := _most(shape, name)):
            raise FormError(key, f"{words(name)}: {most} values are the most")
        try:
            values[name] = (text or None) if kind == "choice" else [ENTRIES[kind].read(part) for part in parts]
            shape.fields.model_validate(_empty(shape) | {name: values[name]})
        except (ValueError, ValidationError):  # their messages may quote what was entered
            what = "one of the choices" if kind == "choice" else ENTRIES[kind].hint
            raise FormError(key, f"{words(name)}: enter {what}") from None
    return shape.fields.model_validate(values)


def _most(shape: ClauseShape, name: str) -> int:
    """How many values a list may hold."""
    metadata = shape.fields.model_fields[name].metadata
    return int(next((m.max_length for m in metadata if getattr(m, "max_length", None) is not None), MAX_ITEMS))


def _empty(shape: ClauseShape) -> dict[str, Any]:
    empty: dict[FieldKind, Any] = {"flag": False, "choice": None}
    return {name: empty.get(kind, ()) for name, kind in shape.kinds.items()}


def _duration(text: str) -> dict[str, Any]:
    match = re.fullmatch(r"(\d{1,4})\s+([a-z][a-z _-]*)", text.lower())
    if match is None:
        raise ValueError
    unit = re.sub(r"[\s_-]+", "_", match[2].strip())
    unit = unit if unit in UNITS else f"{unit}s"
    if unit not in UNITS:
        raise ValueError
    return {"value": int(match[1]), "unit": unit}


def _amount(text: str) -> dict[str, Any]:
    match = re.fullmatch(r"(?:([A-Za-z]{3})\s*)?(\d{1,3}(?:,\d{3})+|\d+)(\.\d{1,2})?(?:\s*([A-Za-z]{3}))?", text)
    if match is None or (match[1] and match[4]):
        raise ValueError
    currency = match[1] or match[4]
    return {"amount": float(match[2].replace(",", "") + (match[3] or "")), "currency": currency.upper() if currency else None}


def _months(text: str) -> int:
    match = re.fullmatch(r"(\d{1,3})(?:\s*months?)?", text.lower())
    if match is None:
        raise ValueError
    return int(match[1])


def _percentage(text: str) -> float:
    match = re.fullmatch(r"(\d{1,4}(?:\.\d{1,6})?)\s*(?:%|per\s?cent)?", text.lower())
    if match is None:
        raise ValueError
    return float(match[1])


ENTRIES: dict[FieldKind, _Entry] = {
    "durations": _Entry("periods such as 30 days; 10 business days", _duration),
    "amounts": _Entry("sums such as 1,000,000 USD; 500 EUR", _amount),
    "months": _Entry("months such as 12; 6", _months),
    "percentages": _Entry("rates such as 1.5 %; 8 %", _percentage),
    "phrases": _Entry(f"names or words such as Supplier; Customer, each of at most {MAX_PARTY_CHARS} characters", str),
}
"""Every kind of list, and how it is entered."""
