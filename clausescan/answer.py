"""What passes between the model and the pipeline, and the two protocols that keep them apart.

A model gives places, probabilities and the untrusted JSON text of its language model; it never gives a quotation: the
quoted text is the `Reading`'s words between the places.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from clausescan.page import Reading
from clausescan.schema.clauses import ClauseType
from clausescan.schema.report import UnplacedReason
from clausescan.schema.shapes import ClauseShape


@dataclass(frozen=True)
class RenderedPrompt:
    """One question, ready to be asked. Nothing in it but `user` comes from the page."""

    type: ClauseType
    system: str
    user: str
    short: str
    """The few words that stand for this question in a compact model trained on it."""


class Prompt(Protocol):
    """One clause type's question, to be asked about any passage."""

    @property
    def type(self) -> ClauseType:
        """The clause type it asks for."""
        ...

    @property
    def shape(self) -> ClauseShape:
        """The type's fields and answers."""
        ...

    @property
    def definition(self) -> str:
        """What such a clause is, in words."""
        ...

    @property
    def short(self) -> str:
        """The few words that stand for this question in a compact model trained on it."""
        ...

    @property
    def sha256(self) -> str:
        """Hash of everything the question is made from."""
        ...

    def render(self, passage: str) -> RenderedPrompt:
        """The question about one passage's transcript."""
        ...


@dataclass(frozen=True)
class Passage:
    """One clause as the model found it on a page."""

    type: ClauseType
    first: tuple[int, int]
    """(line, word) in the reading, included."""
    last: tuple[int, int]
    """(line, word) in the reading, included."""
    skip_lines: tuple[int, ...]
    """Lines between `first` and `last` that are headers, footers or page numbers."""
    confidence: float
    """0 to 1: that this run is one clause of this type."""
    answer_json: str | None
    """Untrusted text written by the language model; `clausescan.parse` reads it. None where the model was taught to find
    such clauses, and nothing about their fields."""
    visual_tokens: int
    """Visual tokens the language model was given for it, at most the budget."""


@dataclass(frozen=True)
class UnplacedQuote:
    """A passage that a model listed but that cannot be found on the page for certain."""

    type: ClauseType
    reason: UnplacedReason
    words: int
    """How many words the model gave for it."""


@dataclass(frozen=True)
class PageAnswer:
    """All that a model found on one page."""

    passages: tuple[Passage, ...]
    presence: Mapping[ClauseType, float]
    """Probability, per asked type, that the page holds such a clause; a type of which nothing can be said is left out."""
    unplaced: tuple[UnplacedQuote, ...] = ()
    """What was listed and not found on the page."""
    budget: int | None = None
    """Visual tokens a question may cost, where the model has a measure of its own."""
    visual_tokens: int = 0
    """Of the question about the whole page, where there is one."""
    untaught: tuple[ClauseType, ...] = ()
    """Asked types that the model was never taught and says nothing about; none of them is in `presence`."""


class PageModel(Protocol):
    """A model that reads pages and finds clauses. `find` is called after `read` on the same picture."""

    @property
    def name(self) -> str:
        """The model's name, for the report."""
        ...

    @property
    def weights_sha256(self) -> str:
        """Hash of the weights file in use, for the report."""
        ...

    def readability(self, gray: NDArray[np.uint8]) -> float:
        """How readable a picture of text is, higher is better; a quick measure for comparing versions of one page."""
        ...

    def read(self, gray: NDArray[np.uint8]) -> Reading:
        """All text lines of a rectified page, (H, READING_WIDTH) uint8, ink dark on white."""
        ...

    def find(self, gray: NDArray[np.uint8], reading: Reading, prompts: Mapping[ClauseType, Prompt], budget: int) -> PageAnswer:
        """The clauses of the types in `prompts`, with at most `budget` visual tokens a question."""
        ...
