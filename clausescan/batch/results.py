"""The files over all photos: `results.jsonl` and `results.csv`, written a document at a time."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

from clausescan.export.csv_rows import clause_rows, columns, csv_line
from clausescan.export.json_lines import to_line
from clausescan.files import write_atomic
from clausescan.schema.batch_result import DocumentResult

Results = Callable[[], Iterable[DocumentResult]]
"""Goes through the documents anew at every call, so that no more than one of them is in memory."""


RESULTS = ("results.jsonl", "results.csv")


def write_results(folder: Path, results: Results) -> None:
    """Both files. Raises `OutputError`."""
    write_atomic(folder / RESULTS[0], (to_line(result).encode() for result in results()))
    write_atomic(folder / RESULTS[1], (line.encode() for line in _csv(results)))


def _csv(results: Results) -> Iterator[str]:
    """One row a clause. `file` is the path below the folder here, and `joined_with` numbers the clauses it is one with."""
    first = next((result.report for result in results() if result.report is not None), None)  # all were asked the same types
    yield csv_line(("document", *columns(first), "joined_with"))
    for result in results():
        if result.report is None:
            continue
        paths = page_files(result)
        partners = {p.clause: [q.clause + 1 for q in j.parts if q != p] for j in result.joined for p in j.parts}
        for i, row in enumerate(clause_rows(result.report)):
            cells = row | {"file": paths[result.report.clauses[i].page]}
            yield csv_line((result.document, *cells.values(), ", ".join(map(str, partners.get(i, ())))))


def page_files(result: DocumentResult) -> list[str]:
    """For each page of the document's report the file it came from."""
    return [file.file for file in result.files for _ in range(file.pages)]
