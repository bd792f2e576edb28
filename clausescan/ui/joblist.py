"""The list of a workspace's documents: what waits, what runs and how far it is, what came of the others."""

from __future__ import annotations

from collections.abc import Iterator

from clausescan.pagework import STAGES
from clausescan.scan import exit_code
from clausescan.ui.pieces import act, safe
from clausescan.ui.workspace import Document, Workspace

STAGE_WORDS = {
    "model": "loading the model",
    "decode": "opening the photo",
    "rectify": "flattening the page",
    "read": "reading the words",
    "find": "finding clauses",
    "ground": "placing clauses",
}


def joblist_html(workspace: Workspace) -> str:
    """The list, and one sentence about all of it for those who listen."""
    documents = list(workspace.documents.values())
    if not documents:
        return ""
    rows = "".join("".join(_row(document, workspace.shown)) for document in documents)
    return (
        f'<section class="cs-jobs" aria-labelledby="cs-jobs-title"><h2 id="cs-jobs-title">Documents</h2>'
        f'<p class="cs-small" data-status>{summary(documents)}</p><ol>{rows}</ol></section>'
    )


def summary(documents: list[Document]) -> str:
    """`3 of 5 done, 1 failed`."""
    counts = {status: sum(d.status == status for d in documents) for status in ("done", "failed", "cancelled")}
    parts = [f"{counts['done']} of {len(documents)} done"]
    parts += [f"{counts[status]} {status}" for status in ("failed", "cancelled") if counts[status]]
    return ", ".join(parts)


def _row(document: Document, shown: int | None) -> Iterator[str]:
    number, name = document.number, safe(document.name)
    current = ' aria-current="true"' * (number == shown)
    yield f'<li class="cs-job {document.status}" data-number="{number}"{current}>'
    if document.report is not None:
        yield f'<button type="button" class="cs-open" data-act="show" data-number="{number}"{current}>{name}</button>'
    else:
        yield f'<span class="cs-open">{name}</span>'
    yield f'<span class="cs-state">{safe(state(document))}</span>'
    if document.status == "running":
        yield f'<progress max="{len(STAGES)}" value="{_done(document)}" aria-label="Progress of {name}"></progress>'
    if document.status in ("waiting", "running"):
        yield act("cancel", "Cancel", about=document.name, number=number)
    else:
        yield act("remove", "Remove", about=document.name, number=number, ask=_question(document))
    yield "</li>"


def _question(document: Document) -> str:
    """Asked before a document is removed: what would be lost; nothing where nothing would be."""
    if document.report is None:
        return ""
    count = len(document.report.corrections)
    corrected = f" and what was done to its clauses ({count} act{'s' * (count != 1)})" if count else ""
    return f"Remove {document.name} with its result{corrected}? This cannot be undone."


def state(document: Document) -> str:
    """Where a document is, in a few words."""
    if document.status == "running":
        if document.cancelled.is_set():
            return "cancelling"
        page = f"page {document.page + 1}: " if document.page else ""
        return page + STAGE_WORDS.get(document.stage or "", "starting")
    if document.status == "failed":
        return f"failed: {document.message}"
    if document.report is None:
        return document.status
    count = len(document.report.clauses)
    clauses = f"{count} clause{'s' * (count != 1)}"
    return clauses if exit_code(document.report) == 0 else f"{clauses}, needs a look"


def _done(document: Document) -> int:
    return STAGES.index(document.stage) if document.stage in STAGES else 0
