"""Where the results of one command go: the JSON, the overlay, and the files of the formats; checked before the long run."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from clausescan.config import ExtractConfig
from clausescan.errors import OutputError, UsageError

if TYPE_CHECKING:
    from pydantic import BaseModel

    from clausescan.export.writing import PicturedPage

STDOUT = "-"


class Drawing:
    """Writes the overlay of each page as it is done; one of an earlier run does not stay where a page could not be read."""

    def __init__(self, path: Path, config: ExtractConfig) -> None:
        from clausescan.providers.registry import asked_types

        self.path, self.types = path, asked_types(config)
        self._config = config
        self._drawn: set[int] = set()
        self._begun = 0

    def stage(self, index: int, _: str) -> None:
        """Count the pages before the one, or the document's end, that has its turn."""
        self._begun = max(self._begun, index)

    def page(self, page: PicturedPage) -> None:
        """Draw the clauses of a page that was read and write the picture, that of the document's second page as NAME-2."""
        from clausescan import overlay
        from clausescan.files import write_atomic

        if page.report.status != "read":
            return
        name = self._name(page.report.index)
        picture = overlay.draw(page.rgb, page.clauses, page.first_number, types=self.types)
        write_atomic(name, overlay.encode(picture, name.suffix))
        self._drawn.add(page.report.index)

    def end(self, photos: Sequence[str], pages: int) -> None:
        """Remove what an earlier run left where one of this many pages was not drawn. Raises `OutputError`.

        Nothing is removed where one of the photos is not there: a mistyped name destroys nothing.
        """
        if not all(_is_there(photo) for photo in photos):
            return
        for name in (self._name(index) for index in sorted(set(range(pages)) - self._drawn)):
            try:
                if name.is_file():
                    name.unlink()
            except OSError as error:
                raise OutputError(f"cannot remove {name} of an earlier run: {error.strerror or type(error).__name__}") from None

    def fail(self, photos: Sequence[str]) -> None:
        """The same after an error that left no report: of the pages that were begun, and those that the files tell of."""
        from clausescan.photo import announced

        self.end(photos, max(self._begun, announced(photos, self._config)))

    def _name(self, index: int) -> Path:
        return self.path if index == 0 else self.path.with_name(f"{self.path.stem}-{index + 1}{self.path.suffix}")


class DocumentOutput:
    """What `--format` and `--out` ask for: files named after the first photo, or one text format on standard output.

    Raises `UsageError`; makes and writes nothing before `prepare`.
    """

    def __init__(self, photos: list[str], formats: str | None, out: Path | None, json: str | None, overlay: Path | None) -> None:
        from clausescan.export.formats import FORMATS, DocumentFiles, parse_formats

        names = parse_formats(formats if formats is not None else "json")
        self.shown = out is None
        self.folder = out
        if out is None and (len(names) > 1 or not FORMATS[names[0]].text or json == STDOUT):
            raise UsageError(f"--format {','.join(names)} needs --out FOLDER for its files")
        self._targets: list[Path] = []
        if out is not None:
            base = out / ("stdin" if photos[0] == STDOUT else Path(photos[0]).stem)
            self._targets = [base.with_name(base.name + FORMATS[name].suffix) for name in names]
            pictures = [target for name, target in zip(names, self._targets, strict=True) if name == "png"]
            for photo in _files(*photos):
                if target := _clash(photo, self._targets, pictures):
                    raise UsageError(f"{target} is one of the photos and would be overwritten; choose another --out")
            for beside in _files(json, overlay):
                if target := _clash(beside, self._targets, pictures):
                    raise UsageError(f"--json or --overlay names {target}, which --format writes as well")
            for target in self._targets:
                if overlay is not None and _is_later_page(target, overlay):
                    raise UsageError(f"--overlay draws a later page on {target}, which --format writes as well")
        self.document = DocumentFiles(names, None if out is None else base)

    def prepare(self) -> None:
        """Make the folder, if need be, and find out before the long run what could not be written. Raises `OutputError`."""
        from clausescan.files import check_writable, make_folder

        if self.folder is not None:
            make_folder(self.folder)
        for target in self._targets:
            check_writable(target)

    def end(self, report: Any) -> None:
        """Write what is still to be written, to the files or to standard output."""
        for data in self.document.end(report):
            sys.stdout.buffer.write(data)


def check_outputs(photos: list[str], json: str | None, overlay: Path | None, files: DocumentOutput | None = None) -> None:
    """Find out before the long run what could not be written, or would overwrite a photo. Makes the folder of `files` last."""
    from clausescan.files import check_writable

    targets, originals = _files(json, overlay), _files(*photos)
    for target in targets:
        if _clash(target, originals):
            raise UsageError(f"{target} is one of the photos and would be overwritten")
    if overlay is not None:
        for photo in originals:
            if _is_later_page(photo, overlay):
                raise UsageError(f"{photo.name} is one of the photos and could be overwritten by the picture of a later page")
        if any(_clash(target, [overlay], [overlay]) for target in _files(json)):
            raise UsageError("--json names a file that --overlay writes as well")
        if overlay.suffix.lower() not in (".jpg", ".jpeg", ".png", ".webp"):
            raise UsageError("--overlay needs a file ending in .jpg, .png or .webp")
    folder = None if files is None or files.folder is None else files.folder.resolve()
    to_come = [t for t in targets if folder and not os.path.exists(t.parent) and folder.is_relative_to(t.parent.resolve())]
    for target in targets:
        if target not in to_come:
            check_writable(target)
    if files is not None:
        files.prepare()
    for target in to_come:
        check_writable(target)


def _files(*names: str | Path | None) -> list[Path]:
    """Those that name a file, not a standard stream."""
    return [Path(name) for name in names if name is not None and str(name) != STDOUT]


def _is_there(photo: str) -> bool:
    """Whether a photo could be read, were it one: standard input, a file, a pipe."""
    return photo == STDOUT or (os.path.exists(photo) and not os.path.isdir(photo))


def _clash(path: Path, targets: Sequence[Path], pictures: Sequence[Path] = ()) -> Path | None:
    """The one of `targets` that is the same file as `path`; or `path`, where it may be a later page of one of the `pictures`."""
    same = next((target for target in targets if target.resolve() == path.resolve()), None)
    return same or (path if any(_is_later_page(path, picture) for picture in pictures) else None)


def _is_later_page(path: Path, first: Path) -> bool:
    """Whether a document whose first page is drawn as `first` may have a later one drawn as `path`, or as what it links to."""
    name = re.compile(rf"{re.escape(first.stem)}-\d+{re.escape(first.suffix)}")
    folder = first.parent.resolve()
    return any(p.parent.resolve() == folder and name.fullmatch(p.name) for p in (path, path.resolve()))


def write_json(result: BaseModel, target: str | None, elsewhere: bool = False) -> bool:
    """Write the JSON where it was asked for. True when standard output has got it, or must stay empty.

    `elsewhere` says that the result is in files already, so that a pipe gets nothing it was not asked for.
    """
    from clausescan.export import to_json
    from clausescan.files import write_atomic

    if target is not None and target != STDOUT:
        write_atomic(target, to_json(result).encode())
        return not sys.stdout.isatty()
    if elsewhere and target is None:
        return not sys.stdout.isatty()
    if target == STDOUT or not sys.stdout.isatty():
        sys.stdout.buffer.write(to_json(result).encode())
        return True
    return False
