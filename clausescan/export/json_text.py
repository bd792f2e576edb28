"""JSON to read by eye: objects indented, rows of numbers on one line."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

from pydantic import BaseModel

from clausescan.export.writing import File, Writer
from clausescan.schema.report import Report

INDENT = 2


class JsonWriter(Writer):
    """The report itself."""

    def end(self, report: Report) -> Iterable[File]:
        """One file with everything."""
        yield ".json", to_json(report).encode()


def to_json(result: BaseModel) -> str:
    """A report or transcript as JSON text, ending in a newline; non-ASCII characters as they are."""
    return _pretty(result.model_dump(mode="json"), 0) + "\n"


def _pretty(value: Any, depth: int) -> str:
    inner, outer = " " * INDENT * (depth + 1), " " * INDENT * depth
    if isinstance(value, dict) and value and not _is_small(value):
        items = [f"{inner}{json.dumps(k, ensure_ascii=False)}: {_pretty(v, depth + 1)}" for k, v in value.items()]
        return "{\n" + ",\n".join(items) + f"\n{outer}}}"
    if isinstance(value, list) and any(isinstance(v, dict) for v in value):
        return "[\n" + ",\n".join(inner + _pretty(v, depth + 1) for v in value) + f"\n{outer}]"
    return json.dumps(value, ensure_ascii=False)


def _is_small(value: dict[str, Any]) -> bool:
    return len(value) <= 3 and not any(isinstance(v, dict | list) for v in value.values())
