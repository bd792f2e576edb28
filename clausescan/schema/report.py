"""What clausescan hands out: the report of `extract` and the transcript of `read`.

Every coordinate's name or docstring says its frame: `photo` is the photo as a viewer shows it (EXIF orientation applied),
`page` the rectified page, both in pixels from the top left.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, ValidationError, ValidationInfo, field_validator, model_validator

from clausescan.schema.clauses import FIELDS, ClauseType
from clausescan.schema.corrections import Correction
from clausescan.schema.found import Box, Clause, Probability, UncertainWord
from clausescan.schema.pagemap import PageMap, Quad
from clausescan.schema.values import FieldKind, FieldName, Fields, OwnFields, Strict, holds

SCHEMA_VERSION = "1"

Sha256 = Annotated[str, Field(pattern="^[0-9a-f]{64}$")]
Reason = Literal[
    "no_page",
    "no_text",
    "blurred",
    "too_dark",
    "glare",
    "cut_off",
    "letters_too_small",
    "unreadable",
    "failed",
    "uncertain_reading",
    "undecided",
    "needs_a_larger_model",
]
"""Why something cannot be told: a capture defect, an uncertain reading, a model that cannot decide, or one that was never taught
the clause type."""

UnplacedReason = Literal["not_on_page", "ambiguous", "too_short", "ends_before_it_begins", "overlaps"]
"""Why a passage that a model listed is not quoted."""


class Source(Strict):
    """The file a page came from. Its name only, never its folder."""

    name: str
    sha256: Sha256 | None
    """Of the file's bytes; None where the file could not be read."""
    size_bytes: int
    page_index: int
    """0, or the page of a PDF or the frame of a TIFF it came from."""


class DefectReport(Strict):
    """Something wrong with the capture, and where on the photo (None: everywhere)."""

    kind: str
    severity: float
    quad: Quad | None


class StepReport(Strict):
    """One step of the rectifier; a step that did not help is taken back and says so."""

    name: str
    kept: bool
    before: float | None
    after: float | None
    note: str


class Verdict(Strict):
    """One of three answers about one clause type."""

    verdict: Literal["found", "absent", "cannot_tell"]
    reason: Reason | None
    """Set exactly when it cannot be told."""
    confidence: Probability | None
    """That the verdict is right; None when it cannot be told."""


class OwnType(Strict):
    """What a report says of a type that is not built in, so that it can be understood without the type's files."""

    type: ClauseType
    sha256: Sha256
    """Of the files that define it."""
    fields: Annotated[dict[FieldName, FieldKind], Field(min_length=1)]
    """What each field holds, in order."""


class PageBase(Strict):
    """What reports and transcripts say about one page."""

    index: int
    source: Source
    status: Literal["read", "unreadable", "failed"]
    """unreadable: a picture in which no page can be read; failed: an error, see `message`."""
    reason: Reason | None
    message: str | None
    """For people; never holds the contract's words."""
    map: PageMap | None
    defects: tuple[DefectReport, ...]
    steps: tuple[StepReport, ...]
    reading_confidence: Probability | None
    """Mean confidence of the page's words; None where none was read."""
    seconds: dict[str, float]
    """Wall time a stage."""


class PageReport(PageBase):
    """One page of a report."""

    verdicts: dict[ClauseType, Verdict]
    visual_tokens: int
    """The most that any one question about this page was given; at most the budget."""


class Unplaced(Strict):
    """A passage that the model says it saw and that is not quoted, because its place among the page's words is not certain."""

    page: int
    """Index into the report's `pages`."""
    type: ClauseType
    reason: UnplacedReason
    words: int
    """How many words the model gave for it; the words themselves may be invented and are not kept."""


class ModelUsed(Strict):
    """Which model answered."""

    name: str
    weights_sha256: Sha256
    """Of all weights used on this machine. A served model's own cannot be seen: then it is the hash of the reader's."""


class Report(Strict):
    """One document: its pages in the order given and all their clauses, top to bottom."""

    schema_version: Literal["1"]
    clausescan: str
    """The program's version."""
    model: ModelUsed
    prompt_sha256: Sha256
    answer_schema_sha256: Sha256
    types: tuple[ClauseType, ...]
    """That were asked for."""
    own_types: tuple[OwnType, ...] = ()
    """Those among them that are not built in."""
    budget: int
    """Visual tokens that a question may cost: the option's, or what a model of another house takes."""
    visual_tokens: int
    """The most that any one question was given; 0 where a server does not tell."""
    verdicts: dict[ClauseType, Verdict]
    """For the whole document."""
    clauses: tuple[Clause, ...]
    unplaced: tuple[Unplaced, ...] = ()
    """What the model listed and could not be found on the page; never part of `clauses`."""
    corrections: tuple[Correction, ...] = ()
    """What readers did to the clauses, in the order of time; `clauses` are the machine's and stay as they were."""
    pages: tuple[PageReport, ...]
    seconds: dict[str, float]
    """Wall time a stage, over all pages, and `total`."""
    warnings: tuple[str, ...]

    @field_validator("corrections")
    @classmethod
    def _corrections_fit(cls, corrections: tuple[Correction, ...], info: ValidationInfo) -> tuple[Correction, ...]:
        """Each is of a clause that is there, and its fields become those of the type that the clause has by then."""
        if not {"clauses", "own_types"} <= info.data.keys():  # what is wrong with them is told already
            return corrections
        own = {t.type: t.fields for t in info.data["own_types"]}
        machine: list[ClauseType] = [clause.type for clause in info.data["clauses"]]
        types = list(machine)
        out = []
        for correction in corrections:
            at = correction.clause
            if at >= len(machine):
                raise ValueError("a correction is of a clause that is not there")
            types[at] = machine[at] if correction.act == "undo" else correction.type or types[at]
            if types[at] not in FIELDS and types[at] not in own:
                raise ValueError("a correction is to a type that is neither built in nor among the own types")
            if correction.fields is not None:
                fields = _corrected(correction.fields, types[at], own)
                correction = correction.model_copy(update={"fields": fields})
            out.append(correction)
        return tuple(out)

    @model_validator(mode="after")
    def _own_clauses_fit(self) -> Report:
        """A clause of a type that is not built in has exactly the fields that the report names for it, each of its kind."""
        own = {t.type: t.fields for t in self.own_types}
        for clause in self.clauses:
            if clause.type in FIELDS:
                continue
            if clause.type not in own:
                raise ValueError("a clause is of a type that is neither built in nor among the own types")
            if clause.fields is not None:
                _check_own(clause.fields, own[clause.type], "a clause")
        return self


def _check_own(fields: Fields, kinds: dict[FieldName, FieldKind], whose: str) -> None:
    values = dict(fields)
    if list(values) != list(kinds):
        raise ValueError(f"{whose}'s fields are not those of its type")
    if not all(holds(kind, values[name]) for name, kind in kinds.items()):
        raise ValueError(f"{whose}'s field holds what is not of its kind")


def _corrected(fields: Fields, kind: ClauseType, own: dict[ClauseType, dict[FieldName, FieldKind]]) -> Fields:
    """Corrected fields as those of this type, whichever type with fields of the same names they were read as."""
    model = FIELDS.get(kind, OwnFields)
    try:
        out = fields if type(fields) is model else model(**dict(fields))
    except ValidationError:  # its message would quote the fields
        raise ValueError("a correction's fields are not of its clause's type") from None
    if kind not in FIELDS:
        _check_own(out, own[kind], "a correction")
    return out


class TextLine(Strict):
    """One line of text on a page."""

    text: str
    quads: tuple[Quad, ...]
    """On the photo; several where the line is bent there."""
    box_page: Box
    confidence: Probability
    uncertain_words: tuple[UncertainWord, ...]


class TranscriptPage(PageBase):
    """One page's whole text, line by line."""

    lines: tuple[TextLine, ...]


class Transcript(Strict):
    """The whole text of one document."""

    schema_version: Literal["1"]
    clausescan: str
    model: ModelUsed
    pages: tuple[TranscriptPage, ...]
    seconds: dict[str, float]
    warnings: tuple[str, ...]
