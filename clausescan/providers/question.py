"""What is asked of a model of another house, and what it must be able to do: look at a picture and write JSON."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from clausescan.errors import AnswerError


@dataclass(frozen=True)
class Question:
    """A picture with a question about it. Only `user` holds words of the page, inside marked bounds."""

    picture: NDArray[np.uint8]
    """(H, W) gray, ink dark on white: a rectified page or a piece of one."""
    system: str
    user: str
    schema: dict[str, Any]
    """JSON Schema that the answer must fit."""
    max_tokens: int
    """An answer that is longer is cut off, and refused for it."""


@dataclass(frozen=True)
class Written:
    """What a model wrote: untrusted text."""

    text: str
    visual_tokens: int
    """That it was given for the picture; 0 where it does not tell."""


class Asker(Protocol):
    """A model that can be asked. What it writes is not checked here."""

    @property
    def name(self) -> str:
        """The model's name, for the report."""
        ...

    @property
    def sha256(self) -> str | None:
        """Hash of its files; None where they cannot be seen."""
        ...

    @property
    def budget(self) -> int:
        """Visual tokens that a question costs at most; 0 where it is not known."""
        ...

    def ask(self, questions: Sequence[Question]) -> list[Written | AnswerError]:
        """Answers in the questions' order; an error stands for an answer that was cut off or refused.

        Raises `ModelError` when the model cannot be asked at all.
        """
        ...
