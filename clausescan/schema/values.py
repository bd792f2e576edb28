"""What a clause's field can hold: seven kinds of value, each with the bounds that keep a grammar finite.

A field's kind is a mark in its annotation, which no JSON Schema shows; `kind_of` reads it. Absent means `None` or an empty
list, never a guess.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any, Literal, get_args

from pydantic import BaseModel, ConfigDict, Field
from pydantic.fields import FieldInfo

FieldKind = Literal["flag", "durations", "amounts", "months", "percentages", "phrases", "choice"]
"""flag: true or false. durations, amounts, months, percentages: every such value that the passage states. phrases: words copied
from the passage, such as names. choice: one of a few listed words, or None."""
FIELD_KINDS: tuple[FieldKind, ...] = get_args(FieldKind)

Unit = Literal["hours", "days", "business_days", "weeks", "months", "years"]

MAX_ITEMS = 6
"""Of periods and rates, and of any list of the first three types: the most seen on a labelled page is 4."""
MAX_LISTED = 24
"""Of phrases and sums, which other clauses list: events of force majeure, kinds of insurance, a table of fees."""
MAX_PARTY_CHARS = 60
MAX_PHRASE_CHARS = 120
MAX_CHOICES = 12
MAX_NAME_CHARS = 40
NAME = rf"[a-z][a-z0-9_]{{0,{MAX_NAME_CHARS - 1}}}"
"""Names of clause types, fields and choices: they become file names, JSON keys, column headings and CSS classes."""

MAX_AMOUNT = 999_999_999_999
FieldName = Annotated[str, Field(pattern=f"^{NAME}$")]


class Strict(BaseModel):
    """Immutable, no unknown keys, no coercion of one JSON type into another."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, allow_inf_nan=False)


class Duration(Strict):
    """A period as written: thirty (30) days is `{"value": 30, "unit": "days"}`."""

    value: Annotated[int, Field(ge=1, le=9999)]
    unit: Unit


class Amount(Strict):
    """A sum of money; `currency` is an ISO 4217 code, None where the page names no currency."""

    amount: Annotated[float, Field(ge=0, le=MAX_AMOUNT)]
    currency: Annotated[str, Field(pattern="^[A-Z]{3}$")] | None


@dataclass(frozen=True)
class Kind:
    """The mark in a field's annotation that says what it holds."""

    name: FieldKind


Durations = Annotated[tuple[Duration, ...], Field(max_length=MAX_ITEMS, strict=False), Kind("durations")]
Amounts = Annotated[tuple[Amount, ...], Field(max_length=MAX_LISTED, strict=False), Kind("amounts")]
Month = Annotated[int, Field(ge=1, le=999)]
Months = Annotated[tuple[Month, ...], Field(max_length=MAX_ITEMS, strict=False), Kind("months")]
Percentage = Annotated[float, Field(ge=0, le=1000)]
Percentages = Annotated[tuple[Percentage, ...], Field(max_length=MAX_ITEMS, strict=False), Kind("percentages")]
Party = Annotated[str, Field(min_length=1, max_length=MAX_PARTY_CHARS)]
Parties = Annotated[tuple[Party, ...], Field(max_length=MAX_LISTED, strict=False), Kind("phrases")]
Phrase = Annotated[str, Field(min_length=1, max_length=MAX_PHRASE_CHARS)]
Phrases = Annotated[tuple[Phrase, ...], Field(max_length=MAX_LISTED, strict=False), Kind("phrases")]
FewAmounts = Annotated[tuple[Amount, ...], Field(max_length=MAX_ITEMS, strict=False), Kind("amounts")]
FewParties = Annotated[tuple[Party, ...], Field(max_length=MAX_ITEMS, strict=False), Kind("phrases")]
"""Of the first three types: as short as the shipped model was taught to write them."""


class Fields(Strict):
    """What every clause type's fields are. A class of the user's own derives from it and uses the kinds of this module.

    A choice is `Literal[...] | None`, a flag `bool`; everything else is one of the lists above.
    """


def kind_of(field: FieldInfo) -> FieldKind | None:
    """What a field of a `Fields` model holds; None for an annotation that is of no kind."""
    marked = next((m.name for m in field.metadata if isinstance(m, Kind)), None)
    if marked is not None:
        return marked
    return "flag" if field.annotation is bool else "choice" if choices_of(field) else None


def choices_of(field: FieldInfo) -> tuple[str, ...]:
    """The words that a choice may be; empty for a field that is none."""
    literal = next((a for a in get_args(field.annotation) if get_args(a)), None)
    words = get_args(literal) if type(None) in get_args(field.annotation) else ()
    return words if all(isinstance(w, str) for w in words) else ()


OwnValue = (
    bool
    | FieldName
    | None
    | Annotated[tuple[Duration, ...], Field(max_length=MAX_ITEMS, strict=False)]
    | Annotated[tuple[Amount, ...], Field(max_length=MAX_LISTED, strict=False)]
    | Annotated[tuple[Month, ...], Field(max_length=MAX_ITEMS, strict=False)]
    | Annotated[tuple[Percentage, ...], Field(max_length=MAX_ITEMS, strict=False)]
    | Annotated[tuple[Phrase, ...], Field(max_length=MAX_LISTED, strict=False)]
)


class OwnFields(Fields):
    """The fields of a type of the user's own, as the report's `own_types` says."""

    model_config = ConfigDict(extra="allow")
    __pydantic_extra__: dict[FieldName, OwnValue]


def holds(kind: FieldKind, value: object) -> bool:
    """Whether a value of an own type's field is of the field's kind; its bounds are checked elsewhere."""
    if kind == "flag":
        return isinstance(value, bool)
    if kind == "choice":
        return value is None or isinstance(value, str)
    items: Any = {"durations": Duration, "amounts": Amount, "months": int, "percentages": float | int, "phrases": str}[kind]
    return isinstance(value, tuple) and all(isinstance(v, items) for v in value)
