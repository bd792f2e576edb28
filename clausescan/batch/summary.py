"""`summary.html`: how many clauses and verdicts, which pages need a person, and small pictures of the pages.

One self-contained file without script; links go to the photos' own HTML reports where there are any.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import quote

from clausescan.batch.job import STATE
from clausescan.batch.journal import Entry
from clausescan.batch.results import Results, page_files
from clausescan.export.field_text import unclear_types
from clausescan.export.markup import colour, data_uri, document, escaped
from clausescan.files import write_atomic
from clausescan.overlay import styles
from clausescan.schema.batch_result import DocumentResult
from clausescan.schema.clauses import CLAUSE_TYPES, ClauseType
from clausescan.schema.report import PageReport
from clausescan.schema.shapes import title

SUMMARY = "summary.html"
MOST_PICTURES = 400
"""In the file, those of pages that need a person first: some 4 MB."""

_STYLE = """
:root { color-scheme: light; font: 16px/1.45 system-ui, sans-serif; color: #1b1b1b; background: #fff; }
body { margin: 0 auto; max-width: 80rem; padding: 1rem; } h1 { font-size: 1.3rem; } h2 { font-size: 1.1rem; margin-top: 2rem; }
table { border-collapse: collapse; } th, td { text-align: left; padding: .25rem 1rem .25rem 0; vertical-align: top; }
td, figcaption { overflow-wrap: anywhere; } td.number { text-align: right; font-variant-numeric: tabular-nums; }
tr + tr td, tr + tr th { border-top: 1px solid #ddd; }
.pictures { display: grid; grid-template-columns: repeat(auto-fill, minmax(11rem, 1fr)); gap: 1rem; }
figure { margin: 0; } figure img { max-width: 100%; max-height: 20rem; border: 1px solid #bbb; }
.small { font-size: .85rem; color: #555; }
figure.look img { border: 3px solid #b35c00; }
a { color: #004a7a; } a:focus-visible { outline: 3px solid #000; outline-offset: 2px; }
"""


@dataclass(frozen=True)
class _Page:
    """One page that is shown."""

    document: str
    file: str
    number: int
    """In its file, counted from 1."""
    position: int
    """Among its file's pages that were asked for, counted from 1."""
    clauses: Mapping[str, int]
    why: tuple[str, ...]
    """What a person has to look at; empty where nothing is left to do."""
    none: str
    """What is said where it has no clauses."""


@dataclass
class _Counted:
    documents: int = 0
    types: tuple[ClauseType, ...] = CLAUSE_TYPES
    statuses: Counter[str] = field(default_factory=Counter)
    clauses: Counter[str] = field(default_factory=Counter)
    page_verdicts: Counter[tuple[str, str]] = field(default_factory=Counter)
    document_verdicts: Counter[tuple[str, str]] = field(default_factory=Counter)
    joined: int = 0
    pages: list[_Page] = field(default_factory=list)


def write_summary(target: Path, out: Path, results: Results, entries: Mapping[str, Entry], closed: Iterable[str]) -> None:
    """Write the file, with the small pictures that lie in the output folder. Raises `OutputError`."""
    counted = _count(results())
    body = _body(counted, out, entries, tuple(closed))
    looks = styles(counted.types).items()
    rules = (f".type-{kind} {{ border-left: .5rem solid {colour(s.colour)}; padding-left: .5rem; }}\n" for kind, s in looks)
    write_atomic(target, (piece.encode() for piece in document("Clauses of a batch", _STYLE + "".join(rules), body)))


def _count(results: Iterable[DocumentResult]) -> _Counted:
    counted = _Counted()
    for result in results:
        counted.documents += 1
        counted.joined += len(result.joined)
        counted.statuses.update(file.status for file in result.files)
        report, of_page = result.report, page_files(result)
        if report is None:
            counted.pages += [_Page(result.document, f.file, 1, 1, {}, (f"failed: {f.message}",), "failed") for f in result.files]
            continue
        counted.types = report.types
        counted.document_verdicts.update((kind, verdict.verdict) for kind, verdict in report.verdicts.items())
        for page, file in zip(report.pages, of_page, strict=True):
            clauses = [c for c in report.clauses if c.page == page.index]
            counted.clauses.update(c.type for c in clauses)
            counted.page_verdicts.update((kind, verdict.verdict) for kind, verdict in page.verdicts.items())
            unplaced = sum(quote.page == page.index for quote in report.unplaced)
            why = tuple(_reasons(page, all(c.complete for c in clauses), unplaced))
            number, position = 1 + page.source.page_index, 1 + page.index - of_page.index(file)
            found = Counter(c.type for c in clauses)
            counted.pages.append(_Page(result.document, file, number, position, found, why, _none(page)))
    return counted


def _none(page: PageReport) -> str:
    unclear = unclear_types(page.verdicts)
    return f"no clause quoted; cannot tell: {unclear}" if unclear else "no clause"


def _reasons(page: PageReport, complete: bool, unplaced: int) -> Iterator[str]:
    if page.status != "read":
        yield f"{page.status}: {page.message or page.reason}"
        return
    for kind, verdict in page.verdicts.items():
        if verdict.verdict == "cannot_tell":
            yield f"{title(kind)}: cannot tell ({(verdict.reason or '').replace('_', ' ')})"
    if not complete:
        yield "fields are missing: an answer of the model was invalid"
    if unplaced:
        yield f"passages that the model listed and that cannot be placed on the page: {unplaced}"


def _body(counted: _Counted, out: Path, entries: Mapping[str, Entry], closed: tuple[str, ...]) -> Iterator[str]:
    yield "<h1>Clauses of a batch</h1>\n<table>\n"
    rows = {"documents": counted.documents, "photos": counted.statuses.total(), "pages": len(counted.pages)}
    rows |= {f"photos {status}": counted.statuses[status] for status in ("done", "partial", "unreadable", "failed")}
    rows |= {"clauses joined over page breaks": counted.joined}
    for name, number in rows.items():
        yield f'<tr><th>{name}</th><td class="number">{number}</td></tr>\n'
    yield "</table>\n<h2>Clauses and verdicts by type</h2>\n<table>\n"
    yield "<tr><th>type</th><th>clauses</th>"
    verdicts = ("found", "absent", "cannot_tell")
    yield "".join(f"<th>{of}: {v.replace('_', ' ')}</th>" for of in ("pages", "documents") for v in verdicts) + "</tr>\n"
    for kind in counted.types:
        numbers = [counted.clauses[kind]]
        numbers += [of[kind, v] for of in (counted.page_verdicts, counted.document_verdicts) for v in verdicts]
        cells = "".join(f'<td class="number">{number}</td>' for number in numbers)
        yield f'<tr><th class="type-{kind}">{escaped(title(kind))}</th>{cells}</tr>\n'
    yield "</table>\n"
    yield from _look(counted, entries, closed)
    yield from _pictures(counted, out, entries)


def _look(counted: _Counted, entries: Mapping[str, Entry], closed: tuple[str, ...]) -> Iterator[str]:
    pages = [page for page in counted.pages if page.why]
    yield f"<h2>Pages that need a person: {len(pages) + len(closed)}</h2>\n"
    if not pages and not closed:
        return
    yield "<table>\n<tr><th>document</th><th>file</th><th>page</th><th>why</th></tr>\n"
    for page in pages:
        file = _linked(page.file, entries)
        why = "<br>".join(escaped(reason) for reason in page.why)
        yield f"<tr><td>{escaped(page.document)}</td><td>{file}</td><td>{page.number}</td><td>{why}</td></tr>\n"
    for path in closed:
        yield f"<tr><td></td><td>{escaped(path)}</td><td></td><td>cannot be opened, or has a name that is no text</td></tr>\n"
    yield "</table>\n"


def _pictures(counted: _Counted, out: Path, entries: Mapping[str, Entry]) -> Iterator[str]:
    pages = sorted(counted.pages, key=lambda page: not page.why)
    chosen = {id(page) for page in pages[:MOST_PICTURES]}
    more = f", {MOST_PICTURES} of {len(pages)} shown" if len(pages) > MOST_PICTURES else ""
    yield f'<h2>Pages{more}</h2>\n<div class="pictures">\n'
    for page in counted.pages:
        if id(page) not in chosen:
            continue
        counts = ", ".join(f"{title(kind)} {page.clauses[kind]}" for kind in counted.types if page.clauses.get(kind))
        caption = f"{_linked(page.file, entries)}, page {page.number}<br>{escaped(counts or page.none)}"
        picture = _picture(out, entries.get(page.file), page.position)
        alt = escaped(f"{page.file}, page {page.number}")
        image = f'<img src="{data_uri(picture)}" alt="{alt}" loading="lazy">' if picture else ""
        yield f'<figure{" class=look" * bool(page.why)}>{image}<figcaption class="small">{caption}</figcaption></figure>\n'
    yield "</div>\n"


def _picture(out: Path, entry: Entry | None, position: int) -> bytes | None:
    """A page's small picture; None where it has none or it is gone."""
    if entry is None:
        return None
    path = f"{STATE}/thumbnails/{entry.base}.{position}.jpg"
    try:
        return (out / path).read_bytes() if path in dict(entry.outputs) else None
    except OSError:
        return None


def _linked(file: str, entries: Mapping[str, Entry]) -> str:
    entry = entries.get(file)
    target = f"{entry.base}.html" if entry else ""
    if entry is None or target not in dict(entry.outputs):
        return escaped(file)
    return f'<a href="./{quote(target)}">{escaped(file)}</a>'
