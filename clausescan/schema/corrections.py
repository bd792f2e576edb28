"""What readers did to a report's clauses, each act with who, when and what; the machine's answer stays as it was."""

from __future__ import annotations

from functools import reduce
from operator import or_
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import BeforeValidator, Field, model_validator

from clausescan.schema.clauses import FIELDS, ClauseType
from clausescan.schema.values import Fields, OwnFields, Strict

MAX_NAME_CHARS = 80
MAX_TEXT_CHARS = 20_000
"""Of a corrected text: three pages of close print."""

Act = Literal["accept", "reject", "edit", "undo"]
"""accept, reject: the clause as it stands then; edit: it reads otherwise; undo: all that was done to it before is taken back."""

Name = Annotated[str, Field(min_length=1, max_length=MAX_NAME_CHARS)]
Moment = Annotated[str, Field(pattern=r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$")]
"""RFC 3339 in UTC, to the second."""


def _known(fields: Any) -> Any:
    """Fields of a class made from a type's files, as the values alone."""
    known = not isinstance(fields, Fields) or type(fields) in (*FIELDS.values(), OwnFields)
    return fields if known else dict(fields)


if TYPE_CHECKING:
    AnyFields = Fields
else:
    # Types may have fields of the same names: which of them these are only the report tells, by the clause's type.
    AnyFields = Annotated[reduce(or_, FIELDS.values()) | OwnFields, Field(union_mode="left_to_right"), BeforeValidator(_known)]


class Correction(Strict):
    """One act of a reader on one clause. Of several on the same clause the later ones hold."""

    clause: Annotated[int, Field(ge=0)]
    """Index into the report's `clauses`."""
    by: Name
    """The reader's name as given by the reader."""
    at: Moment
    act: Act
    type: ClauseType | None = None
    """The corrected type, a built-in one or one of the report's `own_types`, with `fields` of that type; None where it stays."""
    text: Annotated[str, Field(min_length=1, max_length=MAX_TEXT_CHARS)] | None = None
    """The corrected text, words joined by single spaces; None where it stays."""
    fields: AnyFields | None = None
    """All corrected fields, those of the type that the clause has by then; None where they stay."""

    @model_validator(mode="after")
    def _says_something(self) -> Correction:
        """An edit changes something, nothing else does; a new type comes with its own fields."""
        changes = (self.type, self.text, self.fields)
        if (self.act == "edit") != any(change is not None for change in changes):
            raise ValueError("an edit changes the type, the text or the fields, and nothing else does")
        if self.type is not None and not isinstance(self.fields, FIELDS.get(self.type, Fields)):
            raise ValueError("a corrected type needs fields of that type")
        return self
