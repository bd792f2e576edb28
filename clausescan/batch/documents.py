"""Which files are one contract, and their reports as one: pages renumbered, clauses over page breaks joined."""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from clausescan.batch.discovery import natural
from clausescan.batch.journal import Entry
from clausescan.batch.settings import document_pattern
from clausescan.errors import UsageError
from clausescan.schema.batch_result import DocumentResult, JoinedClause, JoinedPart, PhotoResult
from clausescan.schema.found import Clause
from clausescan.schema.report import PageReport, Report, Source, Unplaced
from clausescan.verdict import document_verdict, unreadable_verdict

MOST_MANIFEST_BYTES = 50_000_000
OF_A_PAGE = re.compile(r"page ([0-9]+)(?=[:,])")
"""The start of a warning about one page, with its number from 1; one about the whole run has none."""
Place = tuple[str, int]
"""A page's file, and its index there."""


@dataclass(frozen=True)
class Document:
    """A contract's name and its files, in page order."""

    name: str
    files: tuple[str, ...]


def group(photos: Iterable[str], pattern: str | None = None, manifest: Path | None = None) -> tuple[Document, ...]:
    """Every photo in exactly one document; one that nothing is said about is a document of its own. Raises `UsageError`."""
    photos = tuple(photos)
    named: dict[str, list[str]] = {}
    if manifest is not None:
        named = _listed(manifest, photos)
    elif pattern is not None:
        expression = document_pattern(pattern)
        (name,) = expression.groupindex
        for photo in photos:
            match = expression.search(photo)
            if match is not None and match[name] is not None:
                named.setdefault(match[name], []).append(photo)
        named = {key: sorted(files, key=natural) for key, files in named.items()}
    taken = {file for files in named.values() for file in files}
    documents = [Document(key, tuple(files)) for key, files in named.items()]
    documents += [Document(photo, (photo,)) for photo in photos if photo not in taken]
    return tuple(sorted(documents, key=lambda d: (natural(d.name), d.files)))


def merge(document: Document, entries: Mapping[str, Entry], reports: Mapping[str, Report]) -> DocumentResult:
    """A document's result from its files' reports, a file without one being a page that failed."""
    files = tuple(
        PhotoResult.model_validate(
            {
                "file": e.file,
                "sha256": e.sha256,
                "pages": len(reports[e.file].pages) if e.file in reports else 1,
                "status": e.status,
                "reason": e.reason,
                "message": e.message,
            }
        )
        for e in (entries[file] for file in document.files)
    )
    first = next((reports[file] for file in document.files if file in reports), None)
    if first is None:
        return DocumentResult(document=document.name, files=files, report=None, joined=())
    pages: list[PageReport] = []
    clauses: list[Clause] = []
    unplaced: list[Unplaced] = []
    warnings: list[str] = []
    places: list[Place] = []
    for file in document.files:
        at = len(pages)
        report = reports.get(file)
        if report is None:
            pages.append(_failed(at, entries[file], first))
            warnings.append(f"page {at + 1}: {entries[file].message}")
        else:
            pages += [page.model_copy(update={"index": at + page.index}) for page in report.pages]
            clauses += [clause.model_copy(update={"page": at + clause.page}) for clause in report.clauses]
            unplaced += [quote.model_copy(update={"page": at + quote.page}) for quote in report.unplaced]
            warnings += [_renumbered(warning, at) for warning in report.warnings]
        places += [(file, page.source.page_index) for page in pages[at:]]
    merged = first.model_copy(
        update={
            "budget": max(r.budget for r in reports.values()),
            "visual_tokens": max(r.visual_tokens for r in reports.values()),
            "verdicts": {t: document_verdict([p.verdicts[t] for p in pages]) for t in first.types},
            "clauses": tuple(clauses),
            "unplaced": tuple(unplaced),
            "pages": tuple(pages),
            "warnings": tuple(_once(warnings)),
        }
    )
    return DocumentResult(document=document.name, files=files, report=merged, joined=join(clauses, places))


def join(clauses: Sequence[Clause], places: Sequence[Place]) -> tuple[JoinedClause, ...]:
    """Clauses that run over page breaks. `places` says where each page comes from.

    The last clause of its type on one page and the first of it on the next are joined when the one says that it goes on
    and the other that it came from before, and no page was left out between them.
    """
    following: dict[int, int] = {}
    for i, clause in enumerate(clauses):
        same = [k for k, c in enumerate(clauses) if c.type == clause.type]
        later = [k for k in same if clauses[k].page == clause.page + 1]
        last_here = max(k for k in same if clauses[k].page == clause.page)
        if i != last_here or not later or not _follows(places[clause.page], places[clause.page + 1]):
            continue
        if clause.continues_on_next and clauses[later[0]].continues_from_previous:
            following[i] = later[0]
    chains = []
    for start in sorted(set(following) - set(following.values())):
        chain = [start]
        while chain[-1] in following:
            chain.append(following[chain[-1]])
        chains.append(chain)
    return tuple(_joined([(i, clauses[i]) for i in chain], places) for chain in chains)


def _follows(before: Place, after: Place) -> bool:
    """Whether no page was left out between two, as far as can be told: a file's last page is not known."""
    return after[1] == (before[1] + 1 if after[0] == before[0] else 0)


def _joined(parts: Sequence[tuple[int, Clause]], places: Sequence[Place]) -> JoinedClause:
    clauses = [clause for _, clause in parts]
    fields = [c.fields.model_dump(mode="json") for c in clauses if c.fields is not None]
    return JoinedClause(
        type=clauses[0].type,
        heading=next((c.heading for c in clauses if c.heading), None),
        text=" ".join(c.text for c in clauses),
        fields={name: _both([f[name] for f in fields]) for name in fields[0]} if fields else None,
        parts=tuple(JoinedPart(clause=i, page=c.page, file=places[c.page][0], quads=c.quads) for i, c in parts),
    )


def _both(values: Sequence[Any]) -> Any:
    """A flag that any part sets; the first choice that is made; of lists every value once."""
    if isinstance(values[0], bool):
        return any(values)
    if not isinstance(values[0], list):
        return next((v for v in values if v is not None), None)
    out: list[Any] = []
    for value in (v for several in values for v in several):
        if value not in out:
            out.append(value)
    return out


def _failed(index: int, entry: Entry, like: Report) -> PageReport:
    name = entry.file.rsplit("/", 1)[-1]
    return PageReport(
        index=index,
        source=Source(name=name, sha256=entry.sha256, size_bytes=0, page_index=0),
        status="failed",
        reason="failed",
        message=entry.message,
        map=None,
        defects=(),
        steps=(),
        reading_confidence=None,
        seconds={},
        verdicts={t: unreadable_verdict("failed") for t in like.types},
        visual_tokens=0,
    )


def _renumbered(warning: str, by: int) -> str:
    page = OF_A_PAGE.match(warning)
    return f"page {int(page[1]) + by}{warning[page.end() :]}" if page else warning


def _once(warnings: Iterable[str]) -> Iterator[str]:
    """What is said about the whole run once, as each file says it; all about a page: two clauses there may have the same."""
    told: set[str] = set()
    for warning in warnings:
        if OF_A_PAGE.match(warning) or warning not in told:
            yield warning
        told.add(warning)


def _listed(manifest: Path, photos: Sequence[str]) -> dict[str, list[str]]:
    known, named, seen = set(photos), dict[str, list[str]](), set[str]()
    for document, file in _rows(manifest):
        path = file.removeprefix("./")
        if path not in known:
            raise UsageError(f"--manifest: {file} is none of the photos; name files below the folder, with slashes")
        if path in seen:
            raise UsageError(f"--manifest: {file} is named twice")
        seen.add(path)
        named.setdefault(document, []).append(path)
    return named


def _rows(manifest: Path) -> list[tuple[str, str]]:
    """(document, file) of a CSV with these columns, of a JSON list of such objects, or of a JSON object of lists."""
    try:
        if manifest.stat().st_size > MOST_MANIFEST_BYTES:
            raise UsageError("--manifest: the file is too large")
        text = manifest.read_text(encoding="utf-8-sig")
        if text.lstrip()[:1] in ("{", "["):
            data = json.loads(text)
            if isinstance(data, dict):
                rows = [(document, file) for document, files in data.items() for file in files]
            else:
                rows = [(row["document"], row["file"]) for row in data]
        else:
            rows = [(row["document"], row["file"]) for row in csv.DictReader(io.StringIO(text, newline=""))]
    except OSError as error:
        raise UsageError(f"--manifest: cannot be read ({error.strerror})") from None
    except (ValueError, KeyError, TypeError, csv.Error):
        raise UsageError("--manifest needs a CSV with the columns document and file, or JSON that says the same") from None
    if not all(isinstance(document, str) and isinstance(file, str) and document and file for document, file in rows):
        raise UsageError("--manifest: every row needs a document and a file")
    return rows
