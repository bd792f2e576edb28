"""The table of formats, and the writing of one document in several of them."""

from __future__ import annotations

import importlib
from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from clausescan.errors import UsageError
from clausescan.files import write_atomic

if TYPE_CHECKING:
    from clausescan.export.writing import File, PicturedPage, Writer
    from clausescan.schema.report import Report


@dataclass(frozen=True)
class Format:
    """Where a format's writer lives, what its files are called, and whether a terminal or pipe can take it."""

    module: str
    writer: str
    suffix: str
    text: bool


FORMATS: dict[str, Format] = {
    "json": Format("json_text", "JsonWriter", ".json", True),
    "jsonl": Format("json_lines", "JsonLinesWriter", ".jsonl", True),
    "csv": Format("csv_rows", "CsvWriter", ".csv", True),
    "html": Format("html_page", "HtmlWriter", ".html", True),
    "pdf": Format("pdf_file", "PdfWriter", ".pdf", False),
    "png": Format("png_overlay", "PngWriter", ".png", False),
    "coco": Format("coco", "CocoWriter", ".coco.json", True),
    "w3c": Format("web_annotations", "WebAnnotationsWriter", ".w3c.json", True),
}


def parse_formats(text: str) -> tuple[str, ...]:
    """`csv,html` as ("csv", "html"). Raises `UsageError` for an unknown or an empty list."""
    names = tuple(dict.fromkeys(part.strip().lower() for part in text.split(",") if part.strip()))
    unknown = [name for name in names if name not in FORMATS]
    if unknown or not names:
        raise UsageError(f"--format needs one or more of {', '.join(FORMATS)}, separated by commas")
    return names


class DocumentFiles:
    """Writes one document in several formats beside each other: `base` and the format's suffix name each file.

    Without a base nothing is written, and `end` hands the content out. Raises `OutputError` where a file cannot be
    written; what is written is whole.
    """

    def __init__(self, formats: Iterable[str], base: Path | None) -> None:
        self._writers: list[Writer] = []
        for name in formats:
            row = FORMATS[name]
            module = importlib.import_module(f"clausescan.export.{row.module}")
            self._writers.append(getattr(module, row.writer)())
        self._base = base
        self._clauses = 0
        self.written: list[Path] = []
        """Every file written so far."""

    @property
    def pictured(self) -> bool:
        """Whether any of the formats takes pages with their photos; the others need only the end."""
        from clausescan.export.writing import Writer

        return any(type(writer).page is not Writer.page for writer in self._writers)

    def page(self, page: PicturedPage) -> None:
        """Take one page while its photo is in memory."""
        numbered = replace(page, first_number=self._clauses + 1)
        self._clauses += len(page.clauses)
        for writer in self._writers:
            self._write(writer.page(numbered))

    def end(self, report: Report) -> list[bytes]:
        """Write what tells of the whole document; the contents that have no file to go to."""
        return [data for writer in self._writers for data in self._write(writer.end(report))]

    def _write(self, files: Iterable[File]) -> list[bytes]:
        if self._base is None:
            return [data for _, data in files]
        for suffix, data in files:
            target = self._base.with_name(self._base.name + suffix)
            write_atomic(target, data)
            self.written.append(target)
        return []
