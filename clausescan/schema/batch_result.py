"""What a batch hands out for each document: a line of `results.jsonl`."""

from __future__ import annotations

from typing import Literal

from pydantic import JsonValue

from clausescan.schema.clauses import ClauseType
from clausescan.schema.pagemap import Quad
from clausescan.schema.report import Report, Sha256
from clausescan.schema.values import Strict

PhotoStatus = Literal["done", "partial", "unreadable", "failed"]
"""done: every page read, every answer valid; partial: some; unreadable: decoded, but no page can be read; failed: no report."""

FailureReason = Literal["input", "limits", "model", "timeout", "memory", "crashed", "internal"]
"""input: no photo that can be decoded; limits: beyond an option's limit; model: an answer that no page could be made of;
timeout and memory: the bounds of the batch; crashed: the process died; internal: an error of this program."""


class PhotoResult(Strict):
    """One file of a document."""

    file: str
    """Below the batch's folder, with slashes."""
    sha256: Sha256 | None
    pages: int
    """Of the document's report, in this order, that are this file's; a file that failed counts as one."""
    status: PhotoStatus
    reason: FailureReason | None
    """Set exactly when it failed."""
    message: str | None
    """For people; never holds the contract's words."""


class JoinedPart(Strict):
    """One page's share of a clause."""

    clause: int
    """Index into the report's `clauses`, which holds it in full."""
    page: int
    """Index into the report's `pages`."""
    file: str
    quads: tuple[Quad, ...]
    """On that page's photo."""


class JoinedClause(Strict):
    """A clause that runs over page breaks, as one."""

    type: ClauseType
    heading: str | None
    text: str
    fields: dict[str, JsonValue] | None
    """Flags that any part sets, and every part's values once; None where no part has fields."""
    parts: tuple[JoinedPart, ...]
    """In page order, at least two."""


class DocumentResult(Strict):
    """One contract: a file, or the files that were named as one."""

    document: str
    files: tuple[PhotoResult, ...]
    report: Report | None
    """Over all files, as if they had been read as one document; `seconds` are left out. None where every file failed."""
    joined: tuple[JoinedClause, ...]
