"""Labelled photos: what stands on them, by truth.json beside them.

A labelled set is a folder with `truth.json`, a list of pages, and `photos/<id>.jpg`, or the photos beside it. A page has `id`,
`level` (easy, medium, hard, or any other name for a group), `size` (width, height) in px, `words`, `lines` of `text` and
`quad`, and `clauses` of `type`, `text`, `fields` and `quads`. Quads are in photo px.
"""

from __future__ import annotations

import json
import unicodedata
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from clausescan.errors import UsageError

_ALIKE = str.maketrans("“”„‘’´`–—‐‑−•·", "\"\"\"''''-----**", "\u00ad\u200b")


@dataclass(frozen=True)
class LabelledPhoto:
    """One photo and its truth; see the module for what `lines` and `clauses` hold."""

    id: str
    level: str
    file: Path
    size: tuple[int, int]
    words: tuple[str, ...]
    lines: tuple[dict[str, Any], ...]
    clauses: tuple[dict[str, Any], ...]


def clean(text: str) -> str:
    """Text for comparison: one form of quotes, dashes and dots, single spaces."""
    return " ".join(unicodedata.normalize("NFKC", text.translate(_ALIKE)).translate(_ALIKE).split())


def labelled_photo(page: dict[str, Any], file: Path) -> LabelledPhoto:
    """A page of truth.json with its photo. Raises KeyError, TypeError or ValueError for what is none."""
    w, h = page["size"]
    lines, clauses = tuple(page["lines"]), tuple(page["clauses"])
    return LabelledPhoto(str(page["id"]), str(page["level"]), file, (int(w), int(h)), tuple(page["words"]), lines, clauses)


def labelled_photos(folder: Path, most: int | None = None) -> list[LabelledPhoto]:
    """The photos of a labelled set in the file's order, or the first `most`. Raises `UsageError` when it is none."""
    try:
        rows = json.loads((folder / "truth.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        raise UsageError(f"{folder} is no labelled set: it has no truth.json that can be read") from None
    try:
        pages = [labelled_photo(row, _photo(folder, str(row["id"]))) for row in rows][:most]
    except (KeyError, TypeError, ValueError):
        raise UsageError(f"{folder / 'truth.json'} is not a list of labelled pages") from None
    if not pages:
        raise UsageError(f"{folder / 'truth.json'} names no photo")
    gone = next((p.file for p in pages if not p.file.exists()), None)
    if gone is not None:
        raise UsageError(f"{gone} is missing: {folder / 'truth.json'} names it")
    return pages


def _photo(folder: Path, name: str) -> Path:
    places = [folder / "photos" / f"{name}.jpg", folder / f"{name}.jpg"]
    return next((p for p in places if p.exists()), places[0])
