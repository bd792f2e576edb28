"""Which files of a folder are photos, in which order, and what their results are called."""

from __future__ import annotations

import itertools
import os
import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from clausescan.batch.job import STATE

SUFFIXES = frozenset(".jpg .jpeg .jpe .jfif .jif .mpo .png .webp .tif .tiff .bmp .dib .heic .heics .heif .hif .pdf".split())
"""Of files that are taken without `--include`; what a file is, is decided from its content later on."""
RESERVED = ("results", "summary")
"""Names of the batch's own files in the output folder."""


@dataclass(frozen=True)
class Found:
    """Paths below the folder, with slashes, in natural order."""

    photos: tuple[str, ...]
    closed: tuple[str, ...]
    """Folders that may not be listed, and files whose names are no text."""
    unused: tuple[str, ...] = ()
    """Patterns of `include` and `exclude` that nothing matched: misspelt, perhaps."""


def find(folder: Path, include: Iterable[str] = (), exclude: Iterable[str] = (), out: Path | None = None) -> Found:
    """Every photo below a folder. Passed over are hidden files and folders, links to folders, the output folder and those of
    other batches; excluded folders are not even opened.

    All patterns are asked about every name, whether or not it is passed over: else what another one was quicker to leave out
    would be told as matched by nothing.
    """
    wanted, unwanted = _Patterns(include), _Patterns(exclude)
    closed: list[str] = []
    photos: list[str] = []
    own = None if out is None else out.resolve()

    def leave(relative: str) -> None:
        for patterns in (wanted, unwanted):
            patterns.pass_over(relative)

    def refuse(error: OSError) -> None:
        relative = os.path.relpath(error.filename, folder)
        leave(Path(relative).as_posix())
        closed.append(_printable(relative))

    def is_entered(path: Path) -> bool:
        relative = path.relative_to(folder).as_posix()
        passed = unwanted.match_folder(relative) or path.name.startswith(".") or os.path.islink(path) or path.resolve() == own
        if not (passed or os.path.isdir(path / STATE)):  # Path.is_symlink and is_dir would raise in a closed folder
            return True
        leave(relative)
        return False

    for place, folders, files in os.walk(folder, onerror=refuse):
        folders[:] = [f for f in folders if is_entered(Path(place, f))]
        for name in files:
            path = Path(place, name)
            relative = path.relative_to(folder).as_posix()
            taken = wanted.match(relative) if wanted else path.suffix.lower() in SUFFIXES
            if unwanted.match(relative) or name.startswith(".") or not taken:
                continue
            try:
                if not path.is_file():
                    continue
            except OSError:  # in a folder that may be listed but not entered
                closed.append(_printable(relative))
                continue
            (photos if _is_text(relative) else closed).append(relative if _is_text(relative) else _printable(relative))
    return Found(tuple(sorted(photos, key=natural)), tuple(sorted(closed, key=natural)), wanted.unused + unwanted.unused)


def natural(text: str) -> tuple[tuple[str | int, ...], str]:
    """A sort key in which page 2 comes before page 10."""
    parts = re.split("([0-9]+)", text.casefold())
    return tuple(int(p) if i % 2 else p for i, p in enumerate(parts)), text


def base_names(photos: Iterable[str]) -> dict[str, str]:
    """For each photo the path of its results without their suffixes: without the photo's own, where that is unambiguous.

    `a-2` could also be the second page of `a`.
    """
    photos = tuple(photos)
    stems = {p: str(PurePosixPath(p).with_suffix("")) for p in photos}
    taken = Counter(stem.casefold() for stem in stems.values())

    def is_ambiguous(stem: str) -> bool:
        page = re.fullmatch(r"(.+)-[0-9]+", stem, re.DOTALL)
        return taken[stem] > 1 or stem in RESERVED or (page is not None and page[1] in taken)

    return {p: p if is_ambiguous(stem.casefold()) else stem for p, stem in stems.items()}


class _Patterns:
    """Patterns of `--include` or `--exclude`, which remember whether anything matched them."""

    def __init__(self, patterns: Iterable[str]) -> None:
        self._globs = {pattern: _glob(pattern) for pattern in patterns}
        self._places = {pattern: _place(pattern) for pattern in self._globs}
        self._used: set[str] = set()

    def __bool__(self) -> bool:
        return bool(self._globs)

    @property
    def unused(self) -> tuple[str, ...]:
        """Those that nothing has matched so far, and that are for no place that was passed over."""
        return tuple(pattern for pattern in self._globs if pattern not in self._used)

    def match(self, path: str) -> bool:
        """Whether the file or a folder above it is meant."""
        return self._any([path, *(str(p) for p in PurePosixPath(path).parents if str(p) != ".")])

    def match_folder(self, path: str) -> bool:
        """Whether everything in a folder is meant. What matches the folder and an empty name matches any name in it."""
        return self.match(path) or self._any([f"{path}/"])

    def pass_over(self, path: str) -> None:
        """A folder is not looked into: what a pattern for a place in it means may well be there."""
        self.match_folder(path)
        inside = f"{path.casefold()}/"
        self._used |= {pattern for pattern, place in self._places.items() if f"{place.casefold()}/".startswith(inside)}

    def _any(self, places: Sequence[str]) -> bool:
        matching = {name for name, glob in self._globs.items() if any(glob.fullmatch(place) for place in places)}
        self._used |= matching
        return bool(matching)


def _split(pattern: str) -> tuple[str, bool]:
    """The pattern without slashes around it, and whether it is for one place: a name alone is meant in any folder."""
    pattern = re.sub(r"^(?:\./)+", "/", pattern)
    body = pattern.strip("/")
    return body, "/" in body or pattern.startswith("/")


def _place(pattern: str) -> str:
    """The path that everything a pattern matches begins with; empty where that may be anywhere."""
    body, anchored = _split(pattern)
    literal = itertools.takewhile(lambda name: not set(name) & set("*?["), body.split("/"))
    return "/".join(literal) if anchored else ""


def _glob(pattern: str) -> re.Pattern[str]:
    """`*` and `?` stay within a name, `**` does not; one without a slash means a name in any folder. Case does not matter.

    `./` in front means the batch's folder itself, as a slash does.
    """
    body, anchored = _split(pattern)
    out = "" if anchored else "(?:.*/)?"
    at = 0
    while at < len(body):
        rest = body[at:]
        if rest.startswith("**/"):
            out, at = f"{out}(?:.*/)?", at + 3
        elif rest.startswith("**"):
            out, at = f"{out}.*", at + 2
        elif rest[0] in "*?":
            out, at = out + ("[^/]*" if rest[0] == "*" else "[^/]"), at + 1
        elif klass := re.match(r"\[([!^]?)(\]?[^\]/]*)\]", rest):
            inner = klass[2].replace("\\", r"\\").replace("[", r"\[").replace("]", r"\]").replace("^", r"\^")
            out, at = f"{out}[{'^/' if klass[1] else ''}{inner}]", at + klass.end()
        else:
            out, at = out + re.escape(rest[0]), at + 1
    try:
        return re.compile(out, re.IGNORECASE | re.DOTALL)
    except re.error:  # a range such as [z-a]
        return re.compile(re.escape(body))


def _is_text(path: str) -> bool:
    try:
        path.encode()
    except UnicodeEncodeError:
        return False
    return True


def _printable(path: str) -> str:
    return path.encode(errors="backslashreplace").decode()
