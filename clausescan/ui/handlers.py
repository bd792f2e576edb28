"""What each of the page's events does. No part of it reads a photo or makes a result itself.

Every event ends well: what went wrong is told in a message on the page, in our own words. Nothing is raised into Gradio, which
would print it to the terminal with whatever it quotes.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import quote

import gradio as gr
from pydantic import ValidationError

from clausescan.errors import InputError, UsageError, described
from clausescan.providers.taught import taught_types
from clausescan.resources import PACKAGE
from clausescan.review import report_reviews
from clausescan.schema.clauses import BUILT_IN, ClauseType
from clausescan.schema.corrections import Correction
from clausescan.schema.shapes import title
from clausescan.ui import preferences
from clausescan.ui.desk import Desk
from clausescan.ui.downloads import download
from clausescan.ui.form import FormError, Problem, correction
from clausescan.ui.joblist import joblist_html
from clausescan.ui.pieces import safe
from clausescan.ui.preferences import Preferences
from clausescan.ui.view import view_html
from clausescan.ui.workspace import Document, Workspace, forget_later, now


def _told(outputs: int) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """What a handler raises becomes a message on the page, and its outputs stay as they are."""

    def decorate(handler: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(handler)
        def run(*arguments: Any) -> Any:
            try:
                return handler(*arguments)
            except Exception as error:
                gr.Warning(safe(described(error)), title="That did not work")
                return gr.skip() if outputs == 1 else (gr.skip(),) * outputs

        return run

    return decorate


class Handlers:
    """A handler for each event. Each takes the tab's key first and finds its workspace again."""

    def __init__(self, desk: Desk) -> None:
        self.desk = desk

    @property
    def open(self) -> Callable[..., Any]:
        """The page was opened or reloaded."""

        @_told(12)
        def handler(key: str, request: gr.Request) -> Any:
            user = self.desk.user(request)
            workspace = self.desk.workspaces.open(key, user)
            try:
                held = preferences.load(user)
            except InputError as error:
                gr.Warning(safe(str(error)))
                held = Preferences()
            try:
                offered = self.desk.types()
            except UsageError as error:
                gr.Warning(safe(str(error)))
                offered = BUILT_IN
            chosen = [kind for kind in held.types if kind in offered]
            name = user if user is not None else held.reader
            types = gr.CheckboxGroup(choices=labelled(offered), value=chosen)
            models = self.desk.models()
            if (held.model or "") not in {value for _, value in models}:  # Gradio takes no value beside the choices
                models = [*models, (f"{held.model} (not on this machine)", held.model or "")]
            model = gr.Dropdown(choices=models, value=held.model or "")
            choice = (types, held.budget, model, held.together, name, held.theme)
            return (workspace.key, *self._shown(workspace, (-1, -1)), *choice)

        return handler

    @property
    def tick(self) -> Callable[..., Any]:
        """A moment has passed while something was under way."""

        @_told(5)
        def handler(key: str, seen: tuple[int, int], request: gr.Request) -> Any:
            return self._shown(self._workspace(key, request), seen)

        return handler

    @property
    def upload(self) -> Callable[..., Any]:
        """Files were dropped."""

        @_told(6)
        def handler(key: str, dropped: list[str] | None, request: gr.Request) -> Any:
            paths = [Path(path) for path in dropped or ()]
            forget_later(paths)  # first, or they would stay when anything below fails
            workspace = self._workspace(key, request)
            self._submit(workspace, paths)
            return (None, *self._shown(workspace, (-1, -1)))

        return handler

    @property
    def photograph(self) -> Callable[..., Any]:
        """A photo was taken with the camera."""

        @_told(6)
        def handler(key: str, taken: str | None, request: gr.Request) -> Any:
            paths = [Path(taken)] if taken else []
            forget_later(paths)
            workspace = self._workspace(key, request)
            if not paths:
                raise UsageError("take a photo first")
            self._submit(workspace, paths)
            return (None, *self._shown(workspace, (-1, -1)))

        return handler

    @property
    def act(self) -> Callable[..., Any]:
        """A button of our own parts was pressed, or a form of theirs sent."""

        @_told(6)
        def handler(key: str, event: gr.EventData, request: gr.Request) -> Any:
            workspace = self._workspace(key, request)
            data: dict[str, Any] = event._data if isinstance(event._data, dict) else {}
            act, number = data.get("act"), data.get("document")
            problem, saved = None, None
            if act == "show":
                workspace.show(number)
            elif act == "cancel":
                self.desk.pipeline.cancel(workspace, workspace.find(number))
            elif act == "remove":
                workspace.remove(number)
            elif act in ("accept", "reject", "undo", "save"):
                problem = self._correct(workspace, workspace.find(number), data)
                saved = data.get("sent") if problem is None and isinstance(data.get("sent"), int) else None
                problem = problem if workspace.shown == number else None
            else:
                raise UsageError("the page sent something unknown; reload it")
            ready = "" if act == "remove" and not workspace.ready else gr.skip()  # or the link would lead nowhere
            return (*self._shown(workspace, (-1, -1), problem, saved), ready)

        return handler

    @property
    def download_one(self) -> Callable[..., Any]:
        """The document that is looked at is wanted as a file."""

        @_told(1)
        def handler(key: str, format_name: str, request: gr.Request) -> Any:
            workspace = self._workspace(key, request)
            documents = [] if workspace.shown is None else [workspace.find(workspace.shown)]
            return self._download(workspace, documents, format_name)

        return handler

    @property
    def download_all(self) -> Callable[..., Any]:
        """All documents are wanted in one file."""

        @_told(1)
        def handler(key: str, format_name: str, request: gr.Request) -> Any:
            workspace = self._workspace(key, request)
            return self._download(workspace, list(workspace.documents.values()), format_name)

        return handler

    @property
    def choose(self) -> Callable[..., Any]:
        """A setting was changed."""

        @_told(1)
        def handler(
            key: str, types: Any, budget: Any, model: Any, together: Any, name: Any, look: Any, request: gr.Request
        ) -> None:
            user = self._workspace(key, request).user
            if not types:
                raise UsageError("choose at least one kind of clause; until then the last choice holds")
            values = {
                "types": tuple(kind for kind in self.desk.types() if kind in types),
                "budget": budget,
                "model": model or None,
                "together": together,
                "name": "" if user is not None or name == preferences.account() else name,
                "theme": look,
            }
            try:
                preferences.save(Preferences.model_validate(values), user)
            except ValidationError:
                raise UsageError("this choice makes no sense; reload the page") from None

        return handler

    def _workspace(self, key: str, request: gr.Request) -> Workspace:
        return self.desk.workspaces.find(key, self.desk.user(request))

    def _submit(self, workspace: Workspace, paths: list[Path]) -> None:
        """Queue what can be taken, and say what cannot."""
        problem = self.desk.submit(workspace, paths, self.desk.preferences(workspace.user))
        if problem is not None:
            gr.Warning(safe(problem), title="That did not work")

    def _download(self, workspace: Workspace, documents: list[Document], format_name: str) -> str:
        """Make a file of those documents that have a result; the link to it."""
        held = [document for document in documents if document.report is not None]
        path = download(held, format_name, workspace.downloads)
        workspace.keep(path, held)
        return _link(path)

    def _correct(self, workspace: Workspace, document: Document, data: dict[str, Any]) -> Problem | None:
        """Do what a reader wants done to a clause; what was wrong with the form where it was."""
        report, index = document.report, data.get("clause")
        if report is None or not isinstance(index, int) or not 0 <= index < len(report.clauses):
            raise UsageError("this clause is no longer there; reload the page")
        by = workspace.user or self.desk.preferences(None).reader
        if data["act"] != "save":
            workspace.correct(document.number, Correction(clause=index, by=by, at=now(), act=data["act"]))
            return None
        entered = data.get("entered")
        try:
            values = entered if isinstance(entered, dict) else {}
            made = correction(report_reviews(report)[index], index, values, by, now(), document.shapes)
        except FormError as error:
            return Problem(index, error.field, str(error))
        if made is not None:
            workspace.correct(document.number, made)
        return None

    def _shown(
        self, workspace: Workspace, seen: tuple[int, int], problem: Problem | None = None, saved: int | None = None
    ) -> tuple[Any, ...]:
        """What `seen`, the list, the view and the timer become; what has not changed is left alone. `saved` tells the page's
        script which of the forms that it sent was saved.
        """
        busy = workspace.busy  # first: what ends while this runs is shown by the next tick
        revision, view_revision = workspace.revision, workspace.view_revision
        jobs = joblist_html(workspace) if revision != seen[0] else gr.skip()
        view: Any = gr.skip()
        if view_revision != seen[1]:
            document = workspace.documents.get(workspace.shown) if workspace.shown is not None else None
            view = view_html(document, address, problem, saved)
        taking = gr.Row(visible=any(document.report is not None for document in workspace.documents.values()))
        return (revision, view_revision), jobs, taking, view, gr.Timer(active=busy)


def labelled(types: Sequence[ClauseType]) -> list[tuple[str, str | int | float]]:
    """(shown, value) of clause types to choose from."""
    taught = taught_types(PACKAGE / "weights")
    return [(f"{title(kind)}{' *' * (kind not in taught)}", kind) for kind in types]


def address(path: Path) -> str:
    """Where the browser gets a file of the private folder."""
    return f"gradio_api/file={quote(str(path))}"


def _link(path: Path) -> str:
    name = safe(path.name)
    return f'<p>Ready: <a class="cs-download" href="{safe(address(path))}" download="{name}">{name}</a></p>'
