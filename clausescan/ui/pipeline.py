"""The queue before the pipeline: one document at a time, users in turn, the model opened once.

The model remembers the page it read last, so one thread does all the work. A document that fails costs nothing but itself.
"""

from __future__ import annotations

import itertools
import threading
from collections.abc import Callable
from typing import TYPE_CHECKING

from clausescan.config import ExtractConfig
from clausescan.errors import described
from clausescan.ui.workspace import Document, Preview, Workspace

if TYPE_CHECKING:
    from clausescan.answer import PageModel
    from clausescan.export.writing import PicturedPage
    from clausescan.schema.report import Report

PREVIEW_PX = 1600
"""Longer side of the photo on the page: drawing on all of a 12 megapixel photo takes a browser seconds."""
QUALITY = 82
LONGEST_STAGE_SECONDS = 30.0
"""For which the end of the page waits for the stage that runs."""

Opener = Callable[[ExtractConfig], "PageModel"]


class Cancelled(Exception):  # noqa: N818
    """The user does not want the document any more. Not an error: it never leaves this module."""


class Pipeline:
    """A thread that works through all users' documents."""

    def __init__(self, opener: Opener) -> None:
        self._opener = opener
        self._model: tuple[tuple[object, ...], PageModel] | None = None
        self._waiting: list[tuple[Workspace, Document]] = []
        self._served: dict[str, int] = {}
        self._turns = itertools.count(1)
        self._news = threading.Condition()
        self._ended = False
        self._thread = threading.Thread(target=self._work, name="pipeline", daemon=True)

    def start(self) -> None:
        """Begin to work."""
        self._thread.start()

    def end(self) -> None:
        """Stop at the next stage; what waits is left undone."""
        with self._news:
            self._ended = True
            self._news.notify()
        self._thread.join(LONGEST_STAGE_SECONDS)

    def submit(self, workspace: Workspace, document: Document) -> None:
        """Put a document at the end of its user's queue."""
        with self._news:
            self._waiting.append((workspace, document))
            self._news.notify()

    def cancel(self, workspace: Workspace, document: Document) -> None:
        """Take a document out of the queue, or have it stopped when its stage is over."""
        document.cancelled.set()
        with self._news:
            waiting = (workspace, document) in self._waiting
            if waiting:
                self._waiting.remove((workspace, document))
        if waiting:
            workspace.finish(document, status="cancelled", stage=None)
        else:
            workspace.touch()

    def _work(self) -> None:
        while (task := self._next()) is not None:
            workspace, document = task
            news: dict[str, object]
            try:
                news = {"status": "done", "report": self._extract(document)}
            except Cancelled:
                news = {"status": "cancelled"}
            except Exception as error:
                news = {"status": "failed", "message": described(error)}
            workspace.finish(document, **news, stage=None)

    def _next(self) -> tuple[Workspace, Document] | None:
        """Wait for a document; of the users who have one waiting, the one who was served longest ago is next."""
        with self._news:
            while not self._waiting and not self._ended:
                self._news.wait()
            if self._ended:
                return None
            task = min(self._waiting, key=lambda task: self._served.get(task[0].key, 0))
            self._waiting.remove(task)
            self._served[task[0].key] = next(self._turns)
            return task

    def _extract(self, document: Document) -> Report:
        from clausescan import scan

        def at_stage(page: int, stage: str) -> None:
            if document.cancelled.is_set() or self._ended:
                raise Cancelled
            document.tell(page=page, stage=stage)

        def on_picture(page: PicturedPage) -> None:
            document.previews[page.report.index] = _preview(document, page)
            document.lines[page.report.index] = page.lines

        document.tell(status="running", stage="model")
        model = self._open(document.config)
        report = scan.extract(document.sources, document.config, model=model, on_picture=on_picture, on_stage=at_stage)
        if document.cancelled.is_set():
            raise Cancelled
        return report

    def _open(self, config: ExtractConfig) -> PageModel:
        """The model, kept until another is asked for."""
        key = (config.model, config.timeout_s, config.parallel)
        if self._model is None or self._model[0] != key:
            self._model = None  # before the next is opened: there may not be room for two
            self._model = (key, self._opener(config))
        return self._model[1]


def _preview(document: Document, page: PicturedPage) -> Preview:
    from clausescan.export.writing import jpeg
    from clausescan.files import make_folder, write_atomic

    path = document.folder / "previews" / f"{page.report.index + 1}.jpg"
    make_folder(path.parent)
    write_atomic(path, jpeg(page.rgb, QUALITY, PREVIEW_PX))
    return Preview(path, page.size_px)
