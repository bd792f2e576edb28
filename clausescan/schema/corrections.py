"""What readers did to a report's clauses, each act with who, when and what; the machine's answer stays as it was."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, model_validator

from clausescan.schema.clauses import FIELDS, ClauseType, IndemnityFields, LiabilityCapFields, Strict, TerminationFields

MAX_NAME_CHARS = 80
MAX_TEXT_CHARS = 20_000
"""Of a corrected text: three pages of close print."""

Act = Literal["accept", "reject", "edit", "undo"]
"""accept, reject: the clause as it stands then; edit: it reads otherwise; undo: all that was done to it before is taken back."""

Name = Annotated[str, Field(min_length=1, max_length=MAX_NAME_CHARS)]
Moment = Annotated[str, Field(pattern=r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$")]
"""RFC 3339 in UTC, to the second."""


class Correction(Strict):
    """One act of a reader on one clause. Of several on the same clause the later ones hold."""

    clause: Annotated[int, Field(ge=0)]
    """Index into the report's `clauses`."""
    by: Name
    """The reader's name as given by the reader."""
    at: Moment
    act: Act
    type: ClauseType | None = None
    """The corrected type, with `fields` of that type; None where it stays."""
    text: Annotated[str, Field(min_length=1, max_length=MAX_TEXT_CHARS)] | None = None
    """The corrected text, words joined by single spaces; None where it stays."""
    fields: TerminationFields | IndemnityFields | LiabilityCapFields | None = None
    """All corrected fields; None where they stay."""

    @model_validator(mode="after")
    def _says_something(self) -> Correction:
        """An edit changes something, nothing else does; a new type comes with its own fields."""
        changes = (self.type, self.text, self.fields)
        if (self.act == "edit") != any(change is not None for change in changes):
            raise ValueError("an edit changes the type, the text or the fields, and nothing else does")
        if self.type is not None and not isinstance(self.fields, FIELDS[self.type]):
            raise ValueError("a corrected type needs fields of that type")
        return self
