"""The pipeline's stages put together another way: another reading, or a page nobody flattened, before the same language model.

Unlike `clausescan.scan` nothing here refuses a page whose reading is uncertain, which is in favour of what is compared with ours.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import torch

from clausescan import prompt
from clausescan.answer import PageAnswer, PageModel, Passage
from clausescan.config import ExtractConfig
from clausescan.errors import AnswerError
from clausescan.export.writing import PicturedPage
from clausescan.geometry import PointMap
from clausescan.ground import PhotoWords, ground, text_lines
from clausescan.model.choice import Run, word_places
from clausescan.model.engine import CompactModel, runs_of
from clausescan.model.vocabulary import paragraph_starts
from clausescan.page import Photo, Reading
from clausescan.parse import parse_answer
from clausescan.photo import Failure, pages
from clausescan.scan import extract
from clausescan.schema.clauses import CLAUSE_TYPES, ClauseType
from clausescan.schema.found import Clause
from clausescan.schema.report import Report, TextLine
from clausescan.schema.shapes import SHAPES


@dataclass(frozen=True)
class PageResult:
    """What was read and found on one photo."""

    lines: tuple[TextLine, ...]
    clauses: tuple[Clause, ...]


def decoded(file: Path) -> Photo:
    """The first page of a file. Raises `InputError`."""
    page = next(iter(pages((file,), ExtractConfig())))
    if isinstance(page, Failure):
        raise page.error
    return page


def grounded(reading: Reading, photo_to_page: PointMap, find: Callable[[Reading], PageAnswer]) -> PageResult:
    """A reading's lines on the photo, and the clauses that `find` finds in it."""
    words = PhotoWords(reading, photo_to_page)
    if not any(line.words for line in reading.lines):
        return PageResult((), ())
    clauses = []
    for passage in find(reading).passages:
        shape = SHAPES[passage.type]
        try:
            answer = None if passage.answer_json is None else parse_answer(shape, passage.answer_json)
        except AnswerError:  # as in the pipeline: quoted, without fields
            answer = None
        clauses.append(ground(passage, shape, answer, words, 0).clause)
    return PageResult(text_lines(words), tuple(sorted(clauses, key=lambda c: (c.first, c.last))))


def piped(file: Path, config: ExtractConfig, model: PageModel) -> tuple[Report, tuple[TextLine, ...]]:
    """The whole pipeline on one photo: its report, and the lines it read on the first page."""
    pictured: list[PicturedPage] = []
    report = extract(file, config, model=model, on_picture=pictured.append)
    return report, pictured[0].lines


class TextOnly:
    """Our language model as a classifier of text: its line choice and its answers, given a transcript and no visual token."""

    def __init__(self, model: CompactModel) -> None:
        self.compact = model
        self.prompts = prompt.load(CLAUSE_TYPES)

    @torch.no_grad()
    def find(self, reading: Reading) -> PageAnswer:
        """The clauses in a reading, whoever read it. Presence is left empty: it is calibrated for pages that are seen."""
        words = [[w.text for w in line.words] for line in reading.lines]
        begins = paragraph_starts([float(line.centre_page_px[:, 1].mean()) for line in reading.lines])
        tokens, first = self.compact.vocabulary.lines(words, begins)
        with torch.autocast("cpu", torch.bfloat16):
            scores = self.compact.model.choose(None, torch.tensor(tokens), torch.tensor(first))
            log_p = scores.log_softmax(-1).double().numpy()
        standing = word_places(words, begins)
        places = [(n, k) for n, line in enumerate(words) for k in range(len(line))]
        passages = []
        for n, kind in enumerate(CLAUSE_TYPES):
            _, runs = runs_of(log_p[:, n], standing, reading, places)
            passages += [self._passage(kind, run, places, words, begins) for run in runs]
        return PageAnswer(tuple(passages), {})

    def _passage(
        self, kind: ClauseType, run: Run, places: list[tuple[int, int]], words: list[list[str]], begins: list[bool]
    ) -> Passage:
        """One run of words as a passage, with the language model's answer about it."""
        inside = [places[w] for w in range(run.first, run.last + 1)]
        outside = {places[w] for w in run.outside}
        numbers = list(dict.fromkeys(n for n, _ in inside))
        shown = [n for n in numbers if any(p not in outside for p in inside if p[0] == n)]
        lines = [[words[n][k] for m, k in inside if m == n] for n in shown]
        nothing = torch.zeros(0, self.compact.config.hidden_size)
        answer = self.compact.answer(SHAPES[kind], self.prompts[kind].short, lines, [begins[n] for n in shown], nothing)
        skipped = tuple(n for n in numbers if n not in shown)
        return Passage(kind, inside[0], inside[-1], skipped, run.confidence, answer, 0)
