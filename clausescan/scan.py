"""The pipeline: photo, rectify, read, find, parse, ground, report. One page in memory at a time.

A page that cannot be read, or that fails, stays in the report as such, with its reason; `exit_code` says what that means for
the process. Nothing here logs, and no message holds the contract's words.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

from clausescan import __version__
from clausescan.answer import PageModel, Passage, Prompt, UnplacedQuote
from clausescan.clausetypes.questions import described, questions, schemas_sha256
from clausescan.config import ExtractConfig
from clausescan.errors import (
    AnswerError,
    ClausescanError,
    InputError,
    InternalError,
    ModelError,
    PartialError,
    UnreadablePageError,
)
from clausescan.export.writing import PicturedPage
from clausescan.ground import PhotoWords, ground, text_lines
from clausescan.page import Photo
from clausescan.pagework import OnStage, PageWork, guarded, source_of
from clausescan.parse import parse_answer
from clausescan.photo import Failure, pages
from clausescan.prompt import combined_sha256
from clausescan.providers.registry import asked_types, open_model
from clausescan.rectify import rectify
from clausescan.schema import pagemap
from clausescan.schema.answers import PassageAnswer
from clausescan.schema.clauses import ClauseType
from clausescan.schema.found import Clause
from clausescan.schema.report import ModelUsed, PageReport, Report, TextLine, Transcript, TranscriptPage, Unplaced, Verdict
from clausescan.schema.shapes import ClauseShape, title
from clausescan.verdict import REASONS, document_verdict, page_verdict, unreadable_verdict, untaught_verdict

MOST_TOLD = 3
"""Of a document's failures beside the first, how many its error names."""
UNREADABLE = 0.4
"""A page whose words are read with less mean confidence than this is not quoted from at all."""

Sources = str | Path | Sequence[str | Path]
OnPicture = Callable[[PicturedPage], None]
"""Called after each page that was decoded, read or not, with all that is known of it: for the formats that show photos."""


def extract(
    sources: Sources,
    config: ExtractConfig | None = None,
    *,
    model: PageModel | None = None,
    on_picture: OnPicture | None = None,
    on_stage: OnStage | None = None,
) -> Report:
    """The clauses of one document: a photo, several photos in page order, or a PDF; `-` is standard input.

    Raises `InputError` when no page of it could even be decoded, `ModelError` for a model that is missing or invalid and
    `UsageError` for options that make no sense. A page that was decoded but could not be read is in the report with
    `status` "unreadable" and verdicts "cannot_tell"; see `exit_code`.
    """
    config = config or ExtractConfig()
    began = time.perf_counter()
    types = asked_types(config)
    prompts = questions(config, types)
    run = _Run(config, model, on_stage)
    reports: list[PageReport] = []
    clauses: list[Clause] = []
    for work in run.pages(_listed(sources)):
        lines = _lines(work, run) if on_picture else ()  # first: a page that fails here has no clauses
        own = _find(work, run, prompts)
        reports.append(PageReport(**work.common(), verdicts=_verdicts(work, types, own), visual_tokens=work.tokens(own)))
        if on_picture and work.photo is not None:
            on_picture(PicturedPage(reports[-1], work.photo.rgb, own, len(clauses) + 1, lines))
        clauses += own
    run.raise_if_all_failed()
    return Report(
        schema_version="1",
        clausescan=__version__,
        model=ModelUsed(name=run.model.name, weights_sha256=run.model.weights_sha256),
        prompt_sha256=combined_sha256(prompts),
        answer_schema_sha256=schemas_sha256(prompts),
        types=types,
        own_types=described(config, prompts),
        budget=max(run.budgets, default=config.budget),
        visual_tokens=max((p.visual_tokens for p in reports), default=0),
        verdicts={t: document_verdict([p.verdicts[t] for p in reports]) for t in types},
        clauses=tuple(clauses),
        unplaced=tuple(run.unplaced),
        pages=tuple(reports),
        seconds=_total_seconds(reports, began),
        warnings=tuple(run.warnings),
    )


def read(sources: Sources, config: ExtractConfig | None = None, *, model: PageModel | None = None) -> Transcript:
    """The whole text of one document with its places on the photos. Raises as `extract` does."""
    config = config or ExtractConfig()
    began = time.perf_counter()
    run = _Run(config, model)
    done = []
    for work in run.pages(_listed(sources)):
        lines: tuple[TextLine, ...] = ()
        if work.status == "read":
            with work.timed("ground"):
                lines = _lines(work, run)
        done.append(TranscriptPage(**work.common(), lines=lines))
    run.raise_if_all_failed()
    return Transcript(
        schema_version="1",
        clausescan=__version__,
        model=ModelUsed(name=run.model.name, weights_sha256=run.model.weights_sha256),
        pages=tuple(done),
        seconds=_total_seconds(done, began),
        warnings=tuple(run.warnings),
    )


def exit_code(result: Report | Transcript) -> int:
    """The process status of a result: 0 done, 3 no page could be read, 4 an answer was invalid, 6 some pages were not read."""
    unread = sum(page.status != "read" for page in result.pages)
    if unread == len(result.pages):
        return InputError.exit_code
    if isinstance(result, Report) and not all(clause.complete for clause in result.clauses):
        return ModelError.exit_code
    return PartialError.exit_code if unread else 0


class _Run:
    """What the pages of one document share: the options, the model once it is needed, and the warnings."""

    def __init__(self, config: ExtractConfig, model: PageModel | None, on_stage: OnStage | None = None) -> None:
        self.config = config
        self.on_stage = on_stage
        self.warnings: list[str] = []
        self.unplaced: list[Unplaced] = []
        self.budgets: set[int] = set()
        self._model = model
        self._failed: list[ClausescanError] = []
        self._count = 0

    @property
    def model(self) -> PageModel:
        """The model, loaded on first use: a wrong file name is told before seconds are spent on weights."""
        if self._model is None:
            self._model = open_model(self.config)
        return self._model

    def pages(self, sources: tuple[str | Path, ...]) -> Iterator[PageWork]:
        """Each page, decoded, rectified and read, or given up with its reason."""
        source = pages(sources, self.config)
        index = 0
        while True:
            if self.on_stage:
                self.on_stage(index, "decode")
            began = time.perf_counter()
            item = next(source, None)
            if item is None:
                break
            work = PageWork(index, source_of(item), on_stage=self.on_stage)
            work.seconds["decode"] = round(time.perf_counter() - began, 4)
            if isinstance(item, Failure):
                self.fail(work, item.error)
            else:
                work.photo = item
                self._read(work, item)
            yield work
            if work.message:
                self.warnings.append(f"page {index + 1}: {work.message}")
            index += 1
        self._count = index

    def fail(self, work: PageWork, error: ClausescanError) -> None:
        """One page fails; the others go on. The error is kept without its traceback, whose frames hold the page's photo."""
        error.__context__ = error.__cause__ = None
        self._failed.append(error.with_traceback(None))
        work.give_up("failed", "failed", str(error))

    def leave_out(self, quotes: Sequence[UnplacedQuote], page: int) -> None:
        """What the model listed and the page does not bear out: counted, said, never quoted."""
        self.unplaced += [Unplaced(page=page, type=q.type, reason=q.reason, words=q.words) for q in quotes]
        if quotes:
            what = "a passage" if len(quotes) == 1 else f"{len(quotes)} passages"
            self.warnings.append(f"page {page + 1}: {what} that the model listed cannot be placed on the page and is left out")

    def say_untaught(self, types: Sequence[ClauseType]) -> None:
        """What the model was never taught, once a document."""
        for kind in types:
            self.warn_once(f"{title(kind)} needs a larger model: {self.model.name} was not taught it; see --model")

    def warn_once(self, warning: str) -> None:
        """A warning that holds for the whole document."""
        if warning not in self.warnings:
            self.warnings.append(warning)

    def raise_if_all_failed(self) -> None:
        """Raise the first page's error when no page did well, a model's before others: it would fail for further files, too."""
        if not self._failed or len(self._failed) < self._count:
            return
        error = next((e for e in self._failed if isinstance(e, ModelError)), self._failed[0])
        others = [told for told in dict.fromkeys(map(str, self._failed)) if told != str(error)]
        more = [f"and {len(others) - MOST_TOLD} more"] if len(others) > MOST_TOLD else []
        if others:
            raise type(error)("; ".join([str(error), *others[:MOST_TOLD], *more])) from None
        raise error

    def _read(self, work: PageWork, photo: Photo) -> None:
        model = self.model
        try:
            with work.timed("rectify"), guarded(photo.name):
                work.page = rectify(photo, readability=model.readability)
                gray = work.page.gray
                size, page_size = (photo.rgb.shape[1], photo.rgb.shape[0]), (gray.shape[1], gray.shape[0])
                to_page = work.page.photo_to_page
                work.map = pagemap.sample(to_page, size, page_size, work.page.corners_photo_px, work.page.turned_degrees)
            with work.timed("read"), guarded(photo.name):
                work.reading = model.read(gray)
                work.words = PhotoWords(work.reading, to_page)
        except UnreadablePageError as error:
            work.give_up("unreadable", REASONS.get(error.reason, "unreadable"), str(error))
            return
        except InternalError as error:
            self.fail(work, error)
            return
        worst = max(work.defects, key=lambda d: d.severity, default=None)
        why = REASONS.get(worst.kind) if worst else None
        if work.confidence is None:
            work.give_up("unreadable", why or "no_text", f"{photo.name}: no text can be read on the page")
        elif work.confidence < UNREADABLE:
            work.give_up("unreadable", why or "uncertain_reading", f"{photo.name}: the text cannot be read with any certainty")


def _find(work: PageWork, run: _Run, prompts: Mapping[ClauseType, Prompt]) -> tuple[Clause, ...]:
    """The clauses of one page that was read, top to bottom."""
    if work.status != "read" or work.page is None or work.reading is None or work.words is None:
        return ()
    clauses: list[Clause] = []
    try:
        with work.timed("find"), guarded(work.source.name):
            work.answer = run.model.find(work.page.gray, work.reading, prompts, run.config.budget)
            budget = run.config.budget if work.answer.budget is None else work.answer.budget
        with work.timed("ground"), guarded(work.source.name):
            for passage in work.answer.passages:
                if passage.type not in prompts or passage.visual_tokens > budget:
                    raise ModelError(f"the model {run.model.name} did not keep to the question or its budget")
                shape = prompts[passage.type].shape
                grounded = ground(passage, shape, _parsed(passage, shape, run, work.index), work.words, work.index)
                clauses.append(grounded.clause)
                run.warnings += grounded.warnings
    except (ModelError, InternalError) as error:
        run.fail(work, error)
        return ()
    run.budgets.add(budget)
    run.leave_out(work.answer.unplaced, work.index)
    run.say_untaught(work.answer.untaught)
    return tuple(sorted(clauses, key=lambda c: (c.first, c.last)))


def _lines(work: PageWork, run: _Run) -> tuple[TextLine, ...]:
    """All text of one page that was read."""
    if work.status != "read" or work.words is None:
        return ()
    try:
        with guarded(work.source.name):
            return text_lines(work.words)
    except InternalError as error:
        run.fail(work, error)
    return ()


def _parsed(passage: Passage, shape: ClauseShape, run: _Run, index: int) -> PassageAnswer | None:
    """The language model's answer; None, and a warning, when there is none or it is invalid."""
    if passage.answer_json is None:
        run.warn_once(f"{title(passage.type)}: its fields need a larger model; {run.model.name} finds the clause only")
        return None
    try:
        return parse_answer(shape, passage.answer_json)
    except AnswerError as error:
        run.warnings.append(f"page {index + 1}: {error}; its fields are missing")
        return None


def _verdicts(work: PageWork, types: Sequence[ClauseType], clauses: tuple[Clause, ...]) -> dict[ClauseType, Verdict]:
    if work.status != "read" or work.answer is None:
        return {t: unreadable_verdict(work.reason or "failed") for t in types}
    presence, untaught = work.answer.presence, work.answer.untaught
    return {
        t: untaught_verdict()
        if t in untaught
        else page_verdict([c for c in clauses if c.type == t], presence.get(t), work.defects, work.confidence)
        for t in types
    }


def _listed(sources: Sources) -> tuple[str | Path, ...]:
    return (sources,) if isinstance(sources, str | Path) else tuple(sources)


def _total_seconds(reports: Sequence[PageReport] | Sequence[TranscriptPage], began: float) -> dict[str, float]:
    total: dict[str, float] = {}
    for page in reports:
        for stage, seconds in page.seconds.items():
            total[stage] = round(total.get(stage, 0.0) + seconds, 4)
    return total | {"total": round(time.perf_counter() - began, 4)}
