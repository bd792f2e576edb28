"""What clausescan hands out: the report of `extract` and the transcript of `read`.

Every coordinate's name or docstring says its frame: `photo` is the photo as a viewer shows it (EXIF orientation applied),
`page` the rectified page, both in pixels from the top left.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, model_validator

from clausescan.schema.clauses import (
    FIELDS,
    ClauseType,
    IndemnityFields,
    LiabilityCapFields,
    Strict,
    TerminationFields,
)
from clausescan.schema.corrections import Correction
from clausescan.schema.pagemap import PageMap, Quad

SCHEMA_VERSION = "1"

Probability = Annotated[float, Field(ge=0, le=1)]
Sha256 = Annotated[str, Field(pattern="^[0-9a-f]{64}$")]
Box = tuple[float, float, float, float]
"""x0, y0, x1, y1."""
Place = tuple[int, int]
"""(line, word) in the page's reading, both from 0."""

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
]
"""Why something cannot be told: a capture defect, an uncertain reading, or a model that cannot decide."""

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
    """Of the value in its list; None for a flag."""
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
    """False: the language model's answer was cut off or invalid; the fields and `continues_*` are None."""


class TerminationClause(ClauseBase):
    """A clause about ending the agreement."""

    type: Literal["termination"]
    fields: TerminationFields | None


class IndemnityClause(ClauseBase):
    """A clause about indemnifying."""

    type: Literal["indemnity"]
    fields: IndemnityFields | None


class LiabilityCapClause(ClauseBase):
    """A clause that limits liability."""

    type: Literal["liability_cap"]
    fields: LiabilityCapFields | None


Clause = Annotated[TerminationClause | IndemnityClause | LiabilityCapClause, Field(discriminator="type")]


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

    @model_validator(mode="after")
    def _corrections_fit(self) -> Report:
        """Each correction is of a clause that is there, and its fields are of the type that the clause has by then."""
        types: dict[int, ClauseType] = {i: clause.type for i, clause in enumerate(self.clauses)}
        for correction in self.corrections:
            if correction.clause not in types:
                raise ValueError("a correction is of a clause that is not there")
            types[correction.clause] = correction.type or types[correction.clause]
            if correction.act == "undo":
                types[correction.clause] = self.clauses[correction.clause].type
            if correction.fields is not None and not isinstance(correction.fields, FIELDS[types[correction.clause]]):
                raise ValueError("a correction's fields are not of its clause's type")
        return self


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
