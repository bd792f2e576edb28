"""Where the results of one command go: the JSON, the overlay, and the files of the formats; checked before the long run."""

from __future__ import annotations

import glob
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from clausescan.config import ExtractConfig
from clausescan.errors import UsageError

if TYPE_CHECKING:
    from pydantic import BaseModel

    from clausescan.export.writing import PicturedPage

STDOUT = "-"


class Drawing:
    """Writes the overlay of each page as it is done; one of an earlier run does not stay where a page could not be read."""

    def __init__(self, path: Path, config: ExtractConfig) -> None:
        from clausescan.providers.registry import asked_types

        self.path, self.types = path, asked_types(config)
        self._drawn: set[int] = set()

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

    def end(self, pages: int) -> None:
        """Remove what an earlier run left where one of this many pages was not drawn."""
        for index in set(range(pages)) - self._drawn:
            self._name(index).unlink(missing_ok=True)

    def _name(self, index: int) -> Path:
        return self.path if index == 0 else self.path.with_name(f"{self.path.stem}-{index + 1}{self.path.suffix}")


class DocumentOutput:
    """What `--format` and `--out` ask for: files named after the first photo, or one text format on standard output."""

    def __init__(self, photos: list[str], formats: str | None, out: Path | None, json: str | None, overlay: Path | None) -> None:
        from clausescan.export.formats import FORMATS, DocumentFiles, parse_formats
        from clausescan.files import check_writable, make_folder

        names = parse_formats(formats if formats is not None else "json")
        self.shown = out is None
        if out is None and (len(names) > 1 or not FORMATS[names[0]].text or json == STDOUT):
            raise UsageError(f"--format {','.join(names)} needs --out FOLDER for its files")
        if out is not None:
            make_folder(out)
            base = out / ("stdin" if photos[0] == STDOUT else Path(photos[0]).stem)
            targets = [base.with_name(base.name + FORMATS[name].suffix) for name in names]
            originals = {Path(p).resolve() for p in photos if p != STDOUT}
            beside = {Path(p).resolve() for p in (json, overlay) if p is not None and str(p) != STDOUT}
            later_pages = {p for p in originals if "png" in names and p.match(f"{glob.escape(base.name)}-*.png")}
            for target in [*targets, *(base.with_name(p.name) for p in later_pages)]:
                if target.resolve() in originals:
                    raise UsageError(f"{target} is one of the photos and would be overwritten; choose another --out")
                if target.resolve() in beside:
                    raise UsageError(f"--json or --overlay names {target}, which --format writes as well")
                check_writable(target)
        self.document = DocumentFiles(names, None if out is None else base)

    def end(self, report: Any) -> None:
        """Write what is still to be written, to the files or to standard output."""
        for data in self.document.end(report):
            sys.stdout.buffer.write(data)


def check_outputs(photos: list[str], json: str | None, overlay: Path | None) -> None:
    """Find out before the long run what could not be written, or would overwrite a photo."""
    from clausescan.files import check_writable

    targets = [Path(p) for p in (json, overlay) if p is not None and str(p) != STDOUT]
    originals = {Path(p).resolve() for p in photos if p != STDOUT}
    for target in targets:
        if target.resolve() in originals:
            raise UsageError(f"{target} is one of the photos and would be overwritten")
        check_writable(target)
    if overlay is not None:
        later = f"{glob.escape(overlay.stem)}-*{glob.escape(overlay.suffix)}"
        for photo in sorted(originals):
            if photo.parent == overlay.resolve().parent and photo.match(later):
                raise UsageError(f"{photo.name} is one of the photos and could be overwritten by the picture of a later page")
    if len({t.resolve() for t in targets}) < len(targets):
        raise UsageError("--json and --overlay name the same file")
    if overlay is not None and overlay.suffix.lower() not in (".jpg", ".jpeg", ".png", ".webp"):
        raise UsageError("--overlay needs a file ending in .jpg, .png or .webp")


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
