"""What one user has on the page: documents, their results and corrections. Shared by the page's threads.

A workspace has a key that nobody can guess. The browser tab holds it for as long as it is open, so that a reload finds its
documents again; nothing else is kept in the browser.
"""

from __future__ import annotations

import contextlib
import os
import secrets
import shutil
import threading
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from typing import Any, Literal

from clausescan.clausetypes.definition import own_prompt
from clausescan.config import ExtractConfig
from clausescan.errors import OutputError, UsageError
from clausescan.schema.clauses import ClauseType
from clausescan.schema.corrections import Correction
from clausescan.schema.report import Report, TextLine
from clausescan.schema.shapes import SHAPES, ClauseShape

Status = Literal["waiting", "running", "done", "failed", "cancelled"]
OVER: tuple[Status, ...] = ("done", "failed", "cancelled")
MOST_DOCUMENTS = 200
"""Of one workspace."""

UPLOAD_SECONDS = 60.0
"""For which an upload stays where it arrived, beside its place in the workspace."""


@dataclass(frozen=True)
class Preview:
    """A page's photo, made small enough for a screen."""

    path: Path
    size_px: tuple[int, int]
    """Width and height of the photo itself."""


@dataclass
class Document:
    """One document on its way, and what came of it."""

    number: int
    name: str
    sources: tuple[Path, ...]
    config: ExtractConfig
    folder: Path
    status: Status = "waiting"
    page: int = 0
    """Of those that are being read, from 0."""
    stage: str | None = None
    message: str | None = None
    """Why it failed."""
    report: Report | None = None
    previews: dict[int, Preview] = field(default_factory=dict)
    """By the page's index."""
    lines: dict[int, tuple[TextLine, ...]] = field(default_factory=dict)
    """All text of a page, by its index; reports lack it, PDFs need it."""
    cancelled: threading.Event = field(default_factory=threading.Event)
    changed: Callable[[], None] = field(default=lambda: None)

    @cached_property
    def shapes(self) -> dict[ClauseType, ClauseShape]:
        """The types that a clause of it can be: those built in, and those of the user's own that were asked for."""
        own = [source for source in self.config.own_types if source.name in (self.config.types or ())]
        return SHAPES | {source.name: own_prompt(source, self.config.own_classes).shape for source in own}

    def tell(self, **news: Any) -> None:
        """Set what has changed, and let the page see it."""
        for name, value in news.items():
            setattr(self, name, value)
        self.changed()


class Workspace:
    """One user's documents, in the order in which they came."""

    def __init__(self, folder: Path, user: str | None = None) -> None:
        self.key = secrets.token_urlsafe(24)
        self.user = user
        self.folder = folder / self.key
        self.folder.mkdir(mode=0o700)
        self.documents: dict[int, Document] = {}
        self.shown: int | None = None
        """The number of the document that is looked at."""
        self.revision = 0
        """Grows with every change."""
        self.view_revision = 0
        """Grows when what is looked at changes."""
        self._held: dict[Path, frozenset[int]] = {}
        """The numbers of the documents that each download holds, by its own folder."""
        self._latest: Path | None = None
        self._lock = threading.RLock()
        self._next = 1

    @property
    def downloads(self) -> Path:
        """The folder of the files that were made to be taken away; it need not exist."""
        return self.folder / "downloads"

    @property
    def ready(self) -> bool:
        """Whether the download that was made last can be fetched."""
        return self._latest is not None and self._latest.exists()

    def keep(self, made: Path, documents: Sequence[Document]) -> None:
        """Remember what a download in `downloads` holds, with which it will go.

        Raises `UsageError`, and removes it, where a document was removed while it was made.
        """
        place = self.downloads / made.relative_to(self.downloads).parts[0]
        with self._lock:
            if any(document.number not in self.documents for document in documents):
                shutil.rmtree(place, ignore_errors=True)
                raise UsageError("a document of the download was removed meanwhile")
            self._held = {held: numbers for held, numbers in self._held.items() if held.exists()}
            self._held[place] = frozenset(document.number for document in documents)
            self._latest = made

    def touch(self, view: bool = False) -> None:
        """Something has changed; `view`: of what is looked at."""
        with self._lock:
            self.revision += 1
            self.view_revision += view

    def add(self, files: Sequence[Path], config: ExtractConfig) -> Document:
        """A new document of uploaded files, which are taken into the workspace.

        Raises `UsageError` when it is full, and `OutputError` when the disk is.
        """
        with self._lock:
            if len(self.documents) >= MOST_DOCUMENTS:
                raise UsageError(f"{MOST_DOCUMENTS} documents are the most at once; remove some first")
            number, self._next = self._next, self._next + 1
            folder = self.folder / str(number)
            sources = [_take(file, folder / "photos" / str(i)) for i, file in enumerate(files)]
            more = f" and {len(files) - 1} more" if len(files) > 1 else ""
            document = Document(number, f"{files[0].name}{more}", tuple(sources), config, folder, changed=self.touch)
            self.documents[number] = document
            self.touch()
            return document

    def finish(self, document: Document, **news: Any) -> None:
        """A document is over; the first that is done is shown."""
        with self._lock:
            if document.number not in self.documents:  # removed meanwhile
                shutil.rmtree(document.folder, ignore_errors=True)
                return
            document.tell(**news)
            if self.shown is None and document.report is not None:
                self.shown = document.number
                self.touch(view=True)

    def find(self, number: object) -> Document:
        """A document by its number. Raises `UsageError` for one that is not there, or no longer."""
        with self._lock:
            document = self.documents.get(number) if isinstance(number, int) else None
            if document is None:
                raise UsageError("this document is no longer there")
            return document

    def show(self, number: object) -> None:
        """Look at a document that has a result."""
        with self._lock:
            if self.find(number).report is None:
                raise UsageError("this document has no result to show")
            self.shown = self.find(number).number
            self.touch(view=True)

    def remove(self, number: object) -> None:
        """Forget a document and delete its files, and the downloads that it is in; others stay as long as they are kept."""
        with self._lock:
            document = self.find(number)
            document.cancelled.set()
            del self.documents[document.number]
            if self.shown == document.number:
                self.shown = next((n for n, d in self.documents.items() if d.report is not None), None)
            if document.status != "running":  # else its thread is at its files, and removes them
                shutil.rmtree(document.folder, ignore_errors=True)
            for place, numbers in self._held.items():
                if document.number in numbers:
                    shutil.rmtree(place, ignore_errors=True)
            self.touch(view=True)

    def correct(self, number: object, correction: Correction) -> None:
        """Add a correction to a document's report."""
        with self._lock:
            document = self.find(number)
            if document.report is None:
                raise UsageError("this document has no result to correct")
            document.report = corrected(document.report, correction)
            self.touch(view=True)

    @property
    def busy(self) -> bool:
        """Whether anything waits or runs."""
        with self._lock:
            return any(d.status not in OVER for d in self.documents.values())

    def close(self) -> None:
        """Forget everything."""
        with self._lock:
            for number in tuple(self.documents):
                self.remove(number)
        shutil.rmtree(self.folder, ignore_errors=True)


class Workspaces:
    """All users' workspaces, found by their keys."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._all: dict[str, Workspace] = {}
        self._lock = threading.Lock()

    def open(self, key: str, user: str | None) -> Workspace:
        """The workspace with this key if it is this user's, else a new one."""
        with self._lock:
            found = self._all.get(key)
            if found is None or found.user != user:
                found = Workspace(self._folder, user)
                self._all[found.key] = found
            return found

    def find(self, key: str, user: str | None) -> Workspace:
        """The workspace with this key. Raises `UsageError` where there is none, or it is another user's."""
        with self._lock:
            found = self._all.get(key)
        if found is None or found.user != user:
            raise UsageError("this page was started anew; reload it")
        return found


def _take(upload: Path, folder: Path) -> Path:
    """Make an upload the folder's own. Raises `OutputError`.

    Uploads of the same content have the same path, whoever sent them, so the path stays for a moment: another user's
    may be on its way there.
    """
    target = folder / upload.name
    try:
        folder.mkdir(parents=True)
        os.link(upload, target)
    except OSError as error:
        raise OutputError(f"{upload.name} cannot be kept: {error.strerror}") from None
    return target


def forget_later(uploads: Iterable[Path]) -> None:
    """Remove uploads' paths in a while, whether they become documents or not, unless they are sent again meanwhile."""
    timer = threading.Timer(UPLOAD_SECONDS, _forget, [tuple(uploads)])
    timer.daemon = True
    timer.start()


def _forget(uploads: Iterable[Path]) -> None:
    for upload in uploads:
        with contextlib.suppress(OSError):
            if time.time() - upload.stat().st_mtime >= UPLOAD_SECONDS / 2:  # links to it do not change that time
                upload.unlink()


def corrected(report: Report, correction: Correction) -> Report:
    """The report with one more correction, checked. Raises pydantic's `ValidationError` where it does not fit."""
    return Report.model_validate(dict(report) | {"corrections": (*report.corrections, correction)})


def now() -> str:
    """The moment as corrections tell it."""
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
