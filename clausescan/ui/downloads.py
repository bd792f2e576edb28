"""Results to take away: the writers of `export`, on the full photos, with the readers' corrections."""

from __future__ import annotations

import contextlib
import secrets
import shutil
import time
import zipfile
from collections.abc import Mapping, Sequence
from pathlib import Path

from clausescan import photo
from clausescan.errors import UsageError
from clausescan.export.formats import FORMATS, DocumentFiles
from clausescan.export.writing import PicturedPage
from clausescan.files import make_folder
from clausescan.ui.workspace import Document

ARCHIVE = "clausescan"
FORMAT_NAMES = {
    "json": "JSON, everything",
    "jsonl": "JSON Lines",
    "csv": "CSV, for spreadsheets",
    "html": "HTML, one page to read",
    "pdf": "PDF with highlights",
    "png": "PNG, the photo with its clauses",
    "coco": "COCO",
    "w3c": "W3C Web Annotations",
}
"""What each format is called on the page."""
KEPT_SECONDS = 600.0
"""How long a download can be fetched, at least, before the next one that is made removes it; less if what it holds is removed."""
_EPOCH = (1980, 1, 1, 0, 0, 0)
"""The earliest time that a ZIP knows: an archive tells nothing of when."""


def download(documents: Sequence[Document], format_name: str, folder: Path) -> Path:
    """One file with the documents in a format: the format's own for one document, else a ZIP. Raises `UsageError`,
    `InputError` where a photo cannot be decoded again, and `OutputError`. Downloads of some time ago are removed.

    The file lies in a new folder below `folder`, with a name that nobody can guess. In a ZIP of several documents each has a
    folder of its own, if any of them has several files.
    """
    if format_name not in FORMATS:
        raise UsageError(f"there is no format {format_name}; there are {', '.join(FORMATS)}")
    documents = [document for document in documents if document.report is not None]
    if not documents:
        raise UsageError("there is no result to download yet")
    _clear(folder)
    place = folder / secrets.token_urlsafe(12)
    try:
        return _made(documents, format_name, place)
    except BaseException:  # part of a document, which nobody would remove with it
        shutil.rmtree(place, ignore_errors=True)
        raise


def _made(documents: Sequence[Document], format_name: str, place: Path) -> Path:
    stems = _unique([document.sources[0].stem.lstrip(".") or "document" for document in documents])
    written = {
        stem: write(document, (format_name,), place / str(number) / stem)
        for number, (document, stem) in enumerate(zip(documents, stems, strict=True))
    }
    paths = [path for several in written.values() for path in several]
    if len(paths) == 1:
        return paths[0]
    archive = place / f"{(stems[0] if len(documents) == 1 else ARCHIVE)}.{format_name}.zip"
    _pack(archive, written)
    for number in range(len(documents)):
        shutil.rmtree(place / str(number))
    return archive


def _clear(folder: Path) -> None:
    for place in folder.glob("*/"):
        with contextlib.suppress(OSError):
            if time.time() - place.stat().st_mtime > KEPT_SECONDS:
                shutil.rmtree(place)


def _pack(archive: Path, written: Mapping[str, Sequence[Path]]) -> None:
    in_folders = len(written) > 1 and any(len(paths) > 1 for paths in written.values())
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as stream:
        for stem, paths in written.items():
            for path in paths:
                name = f"{stem}/{path.name}" if in_folders else path.name
                stream.writestr(zipfile.ZipInfo(name, _EPOCH), path.read_bytes(), zipfile.ZIP_DEFLATED)


def write(document: Document, formats: Sequence[str], base: Path) -> list[Path]:
    """Write one document's files beside each other; their paths. Each photo is decoded again, if a format shows photos."""
    report = document.report
    assert report is not None
    make_folder(base.parent)
    files = DocumentFiles(formats, base)
    if files.pictured:
        for page, item in zip(report.pages, photo.pages(document.sources, document.config), strict=False):
            if isinstance(item, photo.Failure):
                continue
            clauses = tuple(clause for clause in report.clauses if clause.page == page.index)
            lines = document.lines.get(page.index, ())
            files.page(PicturedPage(page, item.rgb, clauses, 1, lines, report.corrections))
    files.end(report)
    return files.written


def _unique(names: Sequence[str]) -> list[str]:
    """The names, those that were there before with a number behind."""
    out: list[str] = []
    for name in names:
        again = 2
        candidate = name
        while candidate.casefold() in {n.casefold() for n in out}:
            candidate, again = f"{name}-{again}", again + 1
        out.append(candidate)
    return out
