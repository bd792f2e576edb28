"""Glance, then read: a model is shown the whole page and lists its clauses, then each of them again, large, for its fields.

Reading is always our own reader's. What the model lists is looked up among the words that were read (`quotes`), so that text,
places and marks of disagreement come from the page and are checked the same way whichever model is asked.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from clausescan.answer import PageAnswer, PageModel, Passage, Prompt
from clausescan.errors import AnswerError
from clausescan.page import Reading
from clausescan.parse import parse_listing
from clausescan.prompt import page_question
from clausescan.providers.question import Asker, Question, Written
from clausescan.providers.quotes import Placed, place
from clausescan.schema.answers import answer_schema
from clausescan.schema.clauses import ClauseType
from clausescan.schema.listing import listing_schema

STATED = 0.85
"""What a model that only says yes or no is believed: confidence of a passage it lists, and that a type it does not list is
absent. Chosen, not calibrated: such models give no probability that could be."""
MAX_LISTING_TOKENS = 2560
MAX_ANSWER_TOKENS = 2560
"""Longest answers in tokens, for tokenizers that write a sign or two a token: 24 phrases of 120 signs each fit."""
MARGIN = 0.6
"""Paper left around a passage that is shown again, in line heights."""


class GlanceThenRead:
    """Fulfils `clausescan.answer.PageModel` with any model that can be asked, and a model of ours that reads."""

    def __init__(self, reader: PageModel, asker: Asker) -> None:
        self.reader, self.asker = reader, asker

    @property
    def name(self) -> str:
        """The asked model's name, for the report."""
        return self.asker.name

    @property
    def weights_sha256(self) -> str:
        """Hash over the asked model's files and the reader's; the reader's alone for a model on a server."""
        if self.asker.sha256 is None:
            return self.reader.weights_sha256
        return hashlib.sha256(f"{self.asker.sha256} {self.reader.weights_sha256}".encode()).hexdigest()

    def readability(self, gray: NDArray[np.uint8]) -> float:
        """The reader's measure."""
        return self.reader.readability(gray)

    def read(self, gray: NDArray[np.uint8]) -> Reading:
        """The reader's words."""
        return self.reader.read(gray)

    def find(self, gray: NDArray[np.uint8], reading: Reading, prompts: Mapping[ClauseType, Prompt], budget: int) -> PageAnswer:
        """The clauses of the asked types. `budget` is for our own model; the answer names what this one takes instead.

        Raises `AnswerError` when the list of passages was cut off or invalid, `ModelError` when the model cannot be asked.
        """
        del budget
        system, user = page_question(prompts)
        glance = self.asker.ask([Question(gray, system, user, listing_schema(prompts), MAX_LISTING_TOKENS)])[0]
        if isinstance(glance, AnswerError):
            raise glance
        placed, unplaced = place(parse_listing(prompts, glance.text).passages, reading)
        questions = [_question(found, prompts[found.type], gray, reading) for found in placed]
        answers = self.asker.ask(questions) if questions else []
        passages = tuple(_passage(found, answer) for found, answer in zip(placed, answers, strict=True))
        found_types, doubtful = {p.type for p in placed}, {u.type for u in unplaced}
        presence = {t: STATED if t in found_types else 1 - STATED for t in prompts if t in found_types or t not in doubtful}
        most = max([self.asker.budget, glance.visual_tokens, *(p.visual_tokens for p in passages)])
        return PageAnswer(passages, presence, unplaced, most, glance.visual_tokens)


def excerpt(gray: NDArray[np.uint8], reading: Reading, first: tuple[int, int], last: tuple[int, int]) -> NDArray[np.uint8]:
    """The piece of a page, (h, w), on which the lines from `first` to `last` stand: whole lines, with a margin of paper."""
    lines = reading.lines[first[0] : last[0] + 1]
    boxes = np.array([w.box_page_px for line in lines for w in line.words])
    margin = MARGIN * max(line.height_px for line in lines)
    height, width = gray.shape
    x0, y0 = np.maximum(boxes[:, :2].min(0) - margin, 0).astype(int)
    x1, y1 = np.ceil(boxes[:, 2:].max(0) + margin).astype(int)
    piece = gray[min(y0, height - 1) : min(max(y1, y0 + 1), height), min(x0, width - 1) : min(max(x1, x0 + 1), width)]
    return np.ascontiguousarray(piece)


def _question(found: Placed, prompt: Prompt, gray: NDArray[np.uint8], reading: Reading) -> Question:
    rendered = prompt.render(_text(found, reading))
    picture = excerpt(gray, reading, found.first, found.last)
    return Question(picture, rendered.system, rendered.user, answer_schema(prompt.shape.answer), MAX_ANSWER_TOKENS)


def _text(found: Placed, reading: Reading) -> str:
    """The passage as it was read, a line each."""
    out = []
    for n in range(found.first[0], found.last[0] + 1):
        low = found.first[1] if n == found.first[0] else 0
        high = found.last[1] + 1 if n == found.last[0] else None
        out.append(" ".join(w.text for w in reading.lines[n].words[low:high]))
    return "\n".join(out)


def _passage(found: Placed, answer: Written | AnswerError) -> Passage:
    """An answer that was cut off becomes an empty one, which `clausescan.parse` refuses: no part of it is passed on."""
    text, tokens = ("", 0) if isinstance(answer, AnswerError) else (answer.text, answer.visual_tokens)
    return Passage(found.type, found.first, found.last, (), STATED * found.likeness, text, tokens)
