"""One found clause as the report gives it: a type's fields, the words they stand on, and its place on page and photo."""

from __future__ import annotations

from functools import reduce
from operator import or_
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import Discriminator, Field, Tag, create_model

from clausescan.schema.clauses import BUILT_IN, FIELDS, ClauseType
from clausescan.schema.pagemap import Quad
from clausescan.schema.values import Fields, OwnFields, Strict

Probability = Annotated[float, Field(ge=0, le=1)]
Box = tuple[float, float, float, float]
"""x0, y0, x1, y1."""
Place = tuple[int, int]
"""(line, word) in the page's reading, both from 0."""


class UncertainWord(Strict):
    """A word on which the two readings disagree."""

    word: int
    """Its index among the text's words."""
    text: str
    other: str
    """The other reading."""
    confidence: Probability
    quad: Quad
    """On the photo."""


class Evidence(Strict):
    """The words of the page that a field's value stands on."""

    field: str
    index: int | None
    """Of the value in its list; None for a flag or a choice."""
    text: str
    words: tuple[int, ...]
    """Indices among the clause text's words, in order."""
    places: tuple[Place, ...]
    quads: tuple[Quad, ...]
    """On the photo, at least one a text line."""


class ClauseBase(Strict):
    """What every clause carries."""

    page: int
    """Index into the report's `pages`."""
    heading: str | None
    """As printed, without its number."""
    text: str
    """Verbatim, words joined by single spaces; words marked in `uncertain_words` may be read otherwise."""
    quads: tuple[Quad, ...]
    """On the photo, clockwise from the top left; one a text line, more where the line is bent on the photo."""
    quad_lines: tuple[int, ...]
    """For each quad the index into `boxes_page` of its line."""
    boxes_page: tuple[Box, ...]
    """On the rectified page, one a text line."""
    first: Place
    last: Place
    skip_lines: tuple[int, ...]
    """Lines of the reading between first and last that are headers, footers or page numbers."""
    continues_from_previous: bool | None
    continues_on_next: bool | None
    field_evidence: tuple[Evidence, ...]
    uncertain_words: tuple[UncertainWord, ...]
    confidence: Probability
    """That this is one clause of this type."""
    reading_confidence: Probability
    """Mean confidence of its words."""
    visual_tokens: int
    """Given to the language model for this clause; 0 where a server does not tell."""
    complete: bool
    """False: the language model's answer was cut off or invalid; the fields and `continues_*` are None. They are None, too, in a
    complete clause of a type that the model was taught to find without its fields."""

    type: ClauseType
    fields: Fields | None


def clause_model(kind: ClauseType, fields: type[Fields]) -> type[ClauseBase]:
    """The model of one type's clauses, with exactly its fields."""
    name = fields.__name__.removesuffix("Fields") + "Clause"
    own: dict[str, Any] = {"type": (Literal[kind], ...), "fields": (fields | None, ...)}
    return create_model(name, __base__=ClauseBase, __doc__=fields.__doc__, __module__=__name__, **own)


CLAUSES: dict[ClauseType, type[ClauseBase]] = {kind: clause_model(kind, fields) for kind, fields in FIELDS.items()}
"""The clause model of each built-in type."""


class OwnClause(ClauseBase):
    """A clause of a type of the user's own."""

    type: Annotated[ClauseType, Field(json_schema_extra={"not": {"enum": list(BUILT_IN)}})]
    fields: OwnFields | None


def _family(clause: Any) -> str:
    kind = clause.get("type") if isinstance(clause, dict) else getattr(clause, "type", None)
    return "built_in" if kind in BUILT_IN else "own"


if TYPE_CHECKING:
    Clause = ClauseBase
else:
    BuiltInClause = Annotated[reduce(or_, CLAUSES.values()), Field(discriminator="type")]
    Clause = Annotated[
        Annotated[BuiltInClause, Tag("built_in")] | Annotated[OwnClause, Tag("own")],
        Discriminator(_family),
    ]
