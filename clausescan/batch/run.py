"""A whole batch: what is to be done, doing it, and the files over everything.

A photo's files are moved to their places only when all of them are complete, and the journal's line follows them; so at
any moment every file in the output folder is whole, and a batch that was killed goes on with the photos it was at.
Nothing in the results tells the time or the order of the work: the same photos and options give the same bytes, however
often the batch was interrupted and however many workers it had. What took how long is in `.clausescan/timings.jsonl`.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import shutil
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from pydantic import ValidationError

from clausescan.batch.discovery import Found, base_names, find
from clausescan.batch.documents import Document, group, merge
from clausescan.batch.job import STATE, Job, Outcome
from clausescan.batch.journal import Entry, Journal
from clausescan.batch.lock import held
from clausescan.batch.progress import Progress
from clausescan.batch.results import RESULTS, write_results
from clausescan.batch.settings import LOADER, BatchSettings, result_key
from clausescan.batch.summary import SUMMARY, write_summary
from clausescan.batch.workers import Limits, run_jobs
from clausescan.config import ExtractConfig
from clausescan.errors import InputError, OutputError, PartialError, UsageError
from clausescan.files import is_too_long, make_folder, sync_folder
from clausescan.providers.registry import identity
from clausescan.schema.batch_result import DocumentResult
from clausescan.schema.report import Report

Runner = Callable[[Iterator[Job], int, Limits, str, ExtractConfig], Iterator[Outcome]]


@dataclass(frozen=True)
class BatchOutcome:
    """How a batch ended."""

    statuses: Mapping[str, int]
    """Photos by status."""
    closed: tuple[str, ...]
    """Folders that may not be listed, and files whose names are no text."""
    unused: tuple[str, ...] = ()
    """Patterns that nothing matched."""

    @property
    def exit_code(self) -> int:
        """0 when every page of every photo was read and every answer was valid, else 6."""
        return PartialError.exit_code if self.closed or set(self.statuses) - {"done"} else 0


def run_batch(
    settings: BatchSettings,
    progress: Progress | None = None,
    *,
    loader: str = LOADER,
    model: Callable[[ExtractConfig], str] = identity,
    runner: Runner = run_jobs,
) -> BatchOutcome:
    """Do what is not done yet, then write the results over all photos.

    `loader` and `model` say where workers get their model and what identifies it; `runner` has the jobs done. Raises
    `InputError` for a folder without photos, `UsageError`, `ModelError` for a model that cannot be loaded, and
    `OutputError` where the output folder cannot be written or another batch holds it.
    """
    _check_free(settings.out)
    found = find(settings.folder, settings.include, settings.exclude, settings.out)
    if not found.photos and not found.closed:
        what = "the pattern" if len(found.unused) == 1 else "any of the patterns"
        why = f"; nothing matches {what} {', '.join(found.unused)}" if found.unused else ""
        raise InputError(f"{settings.folder}: no photo in it{why}")
    documents = group(found.photos, settings.documents, settings.manifest)
    key = result_key(settings, model(settings.config))
    make_folder(settings.out / STATE)
    with held(settings.out / STATE / "lock", settings.out):
        batch = _Batch(settings, key, found, progress or Progress())
        with batch:
            batch.do(runner, loader)
            batch.sum_up(documents)
    return BatchOutcome(Counter(batch.journal.entries[file].status for file in found.photos), found.closed, found.unused)


class _Batch:
    """The state of one run, within the lock."""

    def __init__(self, settings: BatchSettings, key: str, found: Found, progress: Progress) -> None:
        self.settings, self.key, self.found, self.progress = settings, key, found, progress
        self.out, self.state = settings.out, settings.out / STATE
        self.stages = self.state / "work"
        self.bases = base_names(found.photos)
        self.journal = Journal(self.state / "journal.jsonl")
        self._owners: dict[str, str] = {}

    def __enter__(self) -> _Batch:
        _remove(self.stages)  # what an earlier batch that was killed left behind
        make_folder(self.stages)
        self._owners = {path: e.file for e in self.journal.open().entries.values() for path, _ in e.outputs}
        return self

    def __exit__(self, *_: object) -> None:
        self.journal.close()
        with contextlib.suppress(OutputError):
            _remove(self.stages)

    def do(self, runner: Runner, loader: str) -> None:
        """Every photo that has no valid result."""
        settings = self.settings
        limits = Limits(settings.timeout, settings.memory_mb)
        self.progress.start(len(self.found.photos))
        try:
            for outcome in runner(self._jobs(), settings.workers, limits, loader, settings.config):
                self.progress.step(self._record(outcome))
        finally:
            self.progress.end()

    def sum_up(self, documents: tuple[Document, ...]) -> None:
        """The files over all photos, and the journal in order."""

        def results() -> Iterator[DocumentResult]:
            for document in documents:
                loaded = {file: self._report(file) for file in document.files}
                yield merge(document, self.journal.entries, {file: report for file, report in loaded.items() if report})

        whole = self.stages / "all"
        make_folder(whole)
        write_results(whole, results)
        write_summary(whole / SUMMARY, self.out, results, self.journal.entries, self.found.closed)
        self.journal.write_ordered(whole / "journal.jsonl")
        _move([*((whole / name, self.out / name) for name in (*RESULTS, SUMMARY)), (whole / "journal.jsonl", self.journal.path)])

    def _jobs(self) -> Iterator[Job]:
        for number, file in enumerate(self.found.photos):
            path = self.settings.folder / file
            sha256 = _sha256(path)
            if self._is_done(file, sha256):
                self.progress.skip()
                continue
            stage = str(self.stages / str(number))
            yield Job(file, sha256, str(path), self.bases[file], stage, self.settings.formats, self.settings.config)

    def _is_done(self, file: str, sha256: str | None) -> bool:
        entry = self.journal.entries.get(file)
        if entry is None or sha256 is None or (entry.sha256, entry.key, entry.base) != (sha256, self.key, self.bases[file]):
            return False
        if entry.status == "failed":
            return not self.settings.retry_failed
        report = self._report(file)
        if report is None or any(_size(self.out / path) != size for path, size in entry.outputs):
            return False
        return not (self.settings.retry_failed and _failed_in_part(report))

    def _report(self, file: str) -> Report | None:
        """A photo's report as it was written; None when it has none, or none any more."""
        entry = self.journal.entries[file]
        if entry.status == "failed":
            return None
        try:
            report = Report.model_validate_json((self.out / f"{entry.base}.json").read_bytes())
        except (OSError, ValidationError):
            return None
        return report if report.pages[0].source.sha256 == entry.sha256 else None

    def _record(self, outcome: Outcome) -> Outcome:
        """Bring a photo's files to their places, then say that it is done; what became of it in the end."""
        job, stage = outcome.job, Path(outcome.job.stage)
        outcome = self._unless_too_long(self._unless_taken(outcome))
        outputs = tuple(sorted((final, size) for _, final, size in outcome.files))
        before = self.journal.entries.get(job.file)
        _move([(stage / name, self.out / final) for name, final, _ in outcome.files])
        self._owners.update((path, job.file) for path, _ in outputs)
        for path, _ in before.outputs if before else ():
            if path not in dict(outputs) and self._owners.get(path) == job.file:
                _unlink(self.out / path)
        self.journal.append(
            Entry(
                file=job.file,
                sha256=outcome.sha256 or job.sha256,
                key=self.key,
                base=job.base,
                status=outcome.status,
                reason=outcome.reason,
                message=outcome.message,
                outputs=outputs,
            )
        )
        _remove(stage)
        self._time(outcome)
        return outcome

    def _unless_taken(self, outcome: Outcome) -> Outcome:
        """A failure where a result would have the name of another photo's."""
        owners = {self._owners.get(final, outcome.job.file) for _, final, _ in outcome.files}
        clash = next((o for o in sorted(owners) if o != outcome.job.file and o in self.bases), None)
        if clash is None:
            return outcome
        return _refused(outcome, f"its results would have the names of those of {clash}; give one of them another name")

    def _unless_too_long(self, outcome: Outcome) -> Outcome:
        """A failure where the name of a result would be longer than the disk takes."""
        if not any(is_too_long(self.out / final) for _, final, _ in outcome.files):
            return outcome
        return _refused(outcome, "its name is too long: those of its results, which are longer, cannot be written; shorten it")

    def _time(self, outcome: Outcome) -> None:
        """A convenience: a batch does not fail for want of it."""
        line = json.dumps({"file": outcome.job.file, "seconds": outcome.seconds})
        with contextlib.suppress(OSError), (self.state / "timings.jsonl").open("a", encoding="utf-8") as stream:
            stream.write(f"{line}\n")


def _check_free(out: Path) -> None:
    """Raise `UsageError` for a folder of files that no batch wrote: they could be overwritten. Hidden ones never are."""
    try:
        with os.scandir(out) as held:
            names = {entry.name for entry in held}
    except (FileNotFoundError, NotADirectoryError):  # made later on, or refused then
        return
    except OSError as error:
        raise OutputError(f"cannot open {out}: {error.strerror}") from None
    if STATE not in names and any(not name.startswith(".") for name in names):
        raise UsageError(f"--out {out} holds files that are no batch's results; choose an empty folder")


def _failed_in_part(report: Report) -> bool:
    """Whether a page failed or an answer was invalid: another time, it may go well. What cannot be read stays unreadable."""
    return any(page.status == "failed" for page in report.pages) or not all(clause.complete for clause in report.clauses)


def _refused(outcome: Outcome, message: str) -> Outcome:
    return replace(outcome, status="failed", reason="limits", message=message, files=())


def _move(moves: Iterable[tuple[Path, Path]]) -> None:
    """Rename files, and make that durable. Raises `OutputError`."""
    moves = list(moves)
    for folder in {final.parent for _, final in moves}:
        make_folder(folder)
    for staged, final in moves:
        try:
            staged.replace(final)
        except OSError as error:
            raise OutputError(f"cannot write {final}: {error.strerror}") from None
    for folder in {final.parent for _, final in moves}:
        sync_folder(folder)


def _remove(folder: Path) -> None:
    try:
        if folder.exists():
            shutil.rmtree(folder)
    except OSError as error:
        raise OutputError(f"cannot remove {folder}: {error.strerror}") from None


def _unlink(path: Path) -> None:
    try:
        path.unlink(missing_ok=True)
    except OSError as error:
        raise OutputError(f"cannot remove {path}: {error.strerror}") from None


def _size(path: Path) -> int | None:
    try:
        return path.stat().st_size
    except OSError:
        return None


def _sha256(path: Path) -> str | None:
    """None for what cannot be read; the worker will say why."""
    try:
        with path.open("rb") as stream:
            return hashlib.file_digest(stream, "sha256").hexdigest()
    except OSError:
        return None
