"""JSON Lines: everything the report holds, one line a document, for programs that read many."""

from __future__ import annotations

import json
from collections.abc import Iterable

from pydantic import BaseModel

from clausescan.export.writing import File, Writer
from clausescan.schema.report import Report


class JsonLinesWriter(Writer):
    """The report on one line."""

    def end(self, report: Report) -> Iterable[File]:
        """One file of one line."""
        yield ".jsonl", to_line(report).encode()


def to_line(result: BaseModel) -> str:
    """Compact JSON and a newline; non-ASCII characters as they are, so no line but the last character breaks it."""
    text = json.dumps(result.model_dump(mode="json"), ensure_ascii=False, separators=(",", ":"))
    return text.replace("\u2028", "\\u2028").replace("\u2029", "\\u2029").replace("\x85", "\\u0085") + "\n"
