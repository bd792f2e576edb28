"""One photo in a worker: read, written in every format into a folder of its own, and told about.

Nothing here touches the results: the batch moves the files to their places when they are complete.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from clausescan.config import ExtractConfig
from clausescan.errors import InputError, LimitError, ModelError, OutputError, UsageError, described
from clausescan.files import make_folder, write_atomic

if TYPE_CHECKING:
    from clausescan.answer import PageModel
    from clausescan.export.writing import PicturedPage
    from clausescan.schema.report import Report

STAGED = "result"
"""What the files of a photo are called until they are in place."""
THUMBNAIL = "thumbnail-{}.jpg"
STATE = ".clausescan"
"""The folder of the batch's own files in the output folder."""


@dataclass(frozen=True)
class Job:
    """One photo to be done."""

    file: str
    sha256: str | None
    path: str
    base: str
    stage: str
    """A folder for its files, not yet there."""
    formats: tuple[str, ...]
    config: ExtractConfig


@dataclass(frozen=True)
class Outcome:
    """What became of it."""

    job: Job
    status: str
    reason: str | None = None
    message: str | None = None
    sha256: str | None = None
    clauses: int = 0
    files: tuple[tuple[str, str, int], ...] = ()
    """(name in the stage, path below the output folder, size)."""
    seconds: dict[str, float] = field(default_factory=dict)


def work(job: Job, model: PageModel) -> Outcome:
    """Do one photo. Raises `OutputError` alone: a disk that takes no more ends the batch, everything else this photo."""
    try:
        return _work(job, model)
    except OutputError:
        raise
    except Exception as error:
        return Outcome(job, "failed", _reason(error), described(error), job.sha256)


def _work(job: Job, model: PageModel) -> Outcome:
    from clausescan import scan
    from clausescan.batch.thumbnail import thumbnail
    from clausescan.export.formats import DocumentFiles

    stage = Path(job.stage)
    make_folder(stage)
    document = DocumentFiles(("json", *(f for f in job.formats if f != "json")), stage / STAGED)
    thumbnails: list[Path] = []

    def take(page: PicturedPage) -> None:
        document.page(page)
        thumbnails.append(stage / THUMBNAIL.format(page.report.index + 1))
        write_atomic(thumbnails[-1], thumbnail(page))

    report = scan.extract([job.path], job.config, model=model, on_picture=take)
    document.end(timeless(report))
    named = [(path, f"{job.base}{path.name.removeprefix(STAGED)}") for path in document.written]
    named += [(path, f"{STATE}/thumbnails/{job.base}.{path.name.removeprefix('thumbnail-')}") for path in thumbnails]
    return Outcome(
        job,
        _status(report),
        message=report.pages[0].message if len(report.pages) == 1 else None,
        sha256=report.pages[0].source.sha256,
        clauses=len(report.clauses),
        files=tuple((path.name, final, path.stat().st_size) for path, final in named),
        seconds=report.seconds,
    )


def timeless(report: Report) -> Report:
    """The report without the seconds that it took, so that the same photo gives the same bytes."""
    pages = tuple(page.model_copy(update={"seconds": {}}) for page in report.pages)
    return report.model_copy(update={"seconds": {}, "pages": pages})


def _status(report: Report) -> str:
    from clausescan.scan import exit_code

    status = exit_code(report)
    return "done" if status == 0 else "unreadable" if status == InputError.exit_code else "partial"


def _reason(error: Exception) -> str:
    limits, memory = ((LimitError, UsageError), "limits"), (MemoryError, "memory")
    kinds = (limits, (InputError, "input"), (ModelError, "model"), memory)
    return next((reason for kind, reason in kinds if isinstance(error, kind)), "internal")
