"""What all users of a running page share, and what each of them may choose."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import gradio as gr

from clausescan.batch.discovery import natural
from clausescan.clausetypes.finding import candidates, name_of, problem_of_name, select
from clausescan.config import ExtractConfig
from clausescan.errors import InputError, OutputError, UsageError
from clausescan.schema.clauses import BUILT_IN, ClauseType
from clausescan.schema.shapes import title
from clausescan.ui import preferences
from clausescan.ui.pipeline import Pipeline
from clausescan.ui.preferences import Preferences
from clausescan.ui.workspace import Workspace, Workspaces

SHIPPED = "the one that ships"


@dataclass(frozen=True)
class Desk:
    """What all users of a running page share."""

    workspaces: Workspaces
    pipeline: Pipeline
    base: ExtractConfig
    """Limits and the model that the command line named."""
    folder: Path
    signed_in: bool
    """Whether users have names of their own."""

    def user(self, request: gr.Request) -> str | None:
        """Who asks; None where nobody signs in."""
        return str(request.username) if self.signed_in else None

    def preferences(self, user: str | None) -> Preferences:
        """What the user chose before; the defaults where that is damaged, which is told when the page is opened."""
        try:
            return preferences.load(user)
        except InputError:
            return Preferences()

    def models(self) -> list[tuple[str, str]]:
        """(shown, value) of the models that may be chosen: the one that ships, those fetched, and the command line's."""
        from clausescan.providers.store import fetched

        names = [model.name for model in fetched()]
        if self.base.model is not None and self.base.model not in names:
            names.insert(0, self.base.model)
        return [(SHIPPED, ""), *((name, name) for name in names)]

    def types(self) -> tuple[ClauseType, ...]:
        """The clause types that may be chosen, as `clausescan types` lists them; files without a usable name are left out.

        Raises `UsageError` where the user's folder of types cannot be read.
        """
        own = [name for name in map(name_of, candidates()) if problem_of_name(name) is None]
        return tuple(dict.fromkeys([*BUILT_IN, *own]))

    def config(self, chosen: Preferences) -> ExtractConfig:
        """The options of a run. Raises `UsageError` for a model or type that is not to be chosen, `TypeFileError` for a type of
        the user's own that is malformed.
        """
        gone = [title(kind) for kind in chosen.types if kind not in self.types()]
        if gone:
            raise UsageError(f"the clause type {gone[0]} is no longer there; choose others in the settings")
        _, own = select(",".join(chosen.types))
        if (chosen.model or "") not in dict(map(reversed, self.models())):  # type: ignore[arg-type]
            raise UsageError("the chosen model is not on this machine; choose another in the settings")
        return replace(self.base, types=chosen.types, own_types=own, budget=chosen.budget, model=chosen.model)

    def submit(self, workspace: Workspace, paths: Sequence[Path], chosen: Preferences) -> str | None:
        """Queue uploaded files as documents; why some of them were not taken, where that is so. Raises as `config` does."""
        config = self.config(chosen)
        groups = documents_of(paths, together=chosen.together)
        for taken, group in enumerate(groups):
            try:
                self.pipeline.submit(workspace, workspace.add(group, config))
            except (OutputError, UsageError) as error:
                return f"{taken} of {len(groups)} documents were taken: {error}"
        return None


def documents_of(paths: Sequence[Path], *, together: bool) -> list[list[Path]]:
    """Files that were dropped at once as documents: one with page 2 before page 10, or one a file."""
    if not together:
        return [[path] for path in paths]
    return [sorted(paths, key=lambda path: natural(path.name))] if paths else []
