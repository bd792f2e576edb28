"""CSV (RFC 4180, UTF-8) for spreadsheets: one row a clause.

What a cell holds was read from a stranger's page, and a spreadsheet runs a cell that begins with = + - @ as a formula:
such a cell gets an apostrophe in front (OWASP, "CSV Injection").
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterable, Iterator

from clausescan.export.field_text import fields_text, value_text
from clausescan.export.writing import File, Writer
from clausescan.review import Review, report_reviews
from clausescan.schema.clauses import CLAUSE_TYPES, FIELDS
from clausescan.schema.found import Clause
from clausescan.schema.report import Report

DANGEROUS = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")
"""First characters of a formula, the full-width ones too, which some spreadsheets take for the others."""

_FIRST = ("number", "file", "sha256", "page", "page_in_file", "type", "heading", "text")
_LAST = (
    *("uncertain_words", "continues_from_previous", "continues_on_next"),
    *("confidence", "reading_confidence", "complete", "quads_photo_px"),
    *("review", "reviewed_by", "reviewed_at", "corrected_type", "corrected_text", "corrected_fields"),
)
"""Pages are counted from 1 here, as people do. From `review` on it is the readers' word, before it the machine's."""


def columns(report: Report | None) -> tuple[str, ...]:
    """The heading row of a report: between the columns that every clause fills, the fields of all types that were asked for.

    A field whose name is that of another column stands under `TYPE.NAME`. None stands for a report of the default types.
    """
    own = {t.type: tuple(t.fields) for t in report.own_types} if report else {}
    types = report.types if report else CLAUSE_TYPES
    names = [_column(t, name) for t in types for name in (own[t] if t in own else FIELDS[t].model_fields)]
    return (*_FIRST, *dict.fromkeys(names), *_LAST)


def _column(kind: str, name: str) -> str:
    return f"{kind}.{name}" if name in _FIRST or name in _LAST else name


class CsvWriter(Writer):
    """A table of the document's clauses."""

    def end(self, report: Report) -> Iterable[File]:
        """One file, with a heading row even where no clause was found."""
        yield ".csv", (csv_line(columns(report)) + "".join(csv_line(row.values()) for row in clause_rows(report))).encode()


def clause_rows(report: Report) -> Iterator[dict[str, str]]:
    """Each clause as a row, its keys being the report's `columns`; values not yet made safe."""
    names = columns(report)
    for number, review in enumerate(report_reviews(report), 1):
        clause = review.machine
        source = report.pages[clause.page].source
        row = {
            "number": str(number),
            "file": source.name,
            "sha256": source.sha256 or "",
            "page": str(clause.page + 1),
            "page_in_file": str(source.page_index + 1),
            "uncertain_words": ", ".join(f"{u.text} ({u.other})" for u in clause.uncertain_words),
            "quads_photo_px": json.dumps(clause.quads, separators=(",", ":")),
        }
        row |= _fields(clause) | _review(review)
        own = {column: _plain(getattr(clause, column, None)) for column in (*_FIRST, *_LAST) if column not in row}
        yield {column: (row | own).get(column, "") for column in names}


def csv_line(cells: Iterable[str]) -> str:
    """One row as text, no cell of it a formula, and no control character that breaks readers."""
    stream = io.StringIO()
    csv.writer(stream).writerow([_safe(cell) for cell in cells])
    return stream.getvalue()


def _safe(cell: str) -> str:
    shown = cell.replace("\0", "\ufffd")
    return f"'{shown}" if shown.startswith(DANGEROUS) else shown


def _fields(clause: Clause) -> dict[str, str]:
    if clause.fields is None:
        return {}
    values = clause.fields.model_dump(mode="json").items()
    return {_column(clause.type, k): _plain(v) if isinstance(v, bool | None) else value_text(v) for k, v in values}


def _review(review: Review) -> dict[str, str]:
    """What readers said; a corrected value only where it differs from the machine's."""
    row = {"review": review.status or "", "reviewed_by": review.by or "", "reviewed_at": review.at or ""}
    own, changed = review.clause, review.changed
    row["corrected_type"] = own.type if "type" in changed else ""
    row["corrected_text"] = own.text if "text" in changed else ""
    row["corrected_fields"] = fields_text(own.fields) or "none" if "fields" in changed and own.fields is not None else ""
    return row


def _plain(value: object) -> str:
    """Empty for what is unknown."""
    return "" if value is None else str(value).lower() if isinstance(value, bool) else str(value)
