"""Where the user's own clause types lie: a folder with a file, or a folder of two files, for each type.

| in the folder | is |
|---|---|
| `NAME.yaml`, `NAME.yml`, `NAME.json` | a type in one file |
| `NAME/` | a type as prompt and schema: `prompt.md` as in `prompts/`, and `schema.json` or `schema.yaml` as in `schemas/` |

Everything else in it is left alone. Nothing here parses; see `clausescan.clausetypes.definition`.
"""

from __future__ import annotations

import os
import re
from collections import Counter
from pathlib import Path

from clausescan.config import TypeSource
from clausescan.errors import TypeFileError, UsageError
from clausescan.schema.clauses import BUILT_IN
from clausescan.schema.values import MAX_NAME_CHARS, NAME

SUFFIXES = (".yaml", ".yml", ".json")
PROMPT = "prompt.md"
SCHEMAS = tuple(f"schema{suffix}" for suffix in SUFFIXES)
MOST_BYTES = 65_536
"""Of one file."""
MOST_TYPES = 200
RESERVED = frozenset(("system", "page", "report", "transcript", "document"))
"""Names that prompts and schemas beside the types' have."""


def user_folder() -> Path:
    """Where types are looked for if no other folder is named; it need not exist."""
    from platformdirs import user_config_path

    return user_config_path("clausescan", appauthor=False) / "types"


def candidates(folder: str | Path | None = None) -> list[Path]:
    """What looks like a type in a folder, by name, or the one type that the path itself is; None for the user's folder.

    Raises `UsageError` where there is no such folder; the user's own folder may be missing.
    """
    place = user_folder() if folder is None else Path(folder)
    if os.path.isfile(place) or _is_type(place):
        return [place]
    if not os.path.isdir(place):
        if folder is None:
            return []
        raise UsageError(f"--types-from: no folder and no file named {place}")
    try:
        entries = sorted(p for p in place.iterdir() if not p.name.startswith(".") and (_is_type(p) or _is_type_file(p)))
    except OSError as error:
        raise UsageError(f"--types-from: cannot read {place} ({error.strerror})") from None
    if len(entries) > MOST_TYPES:
        raise UsageError(f"--types-from: {place} holds more than {MOST_TYPES} types")
    return entries


def name_of(candidate: Path) -> str:
    """What the type there is called: a folder by its own name, be it `.` or a link."""
    return Path(os.path.abspath(candidate)).name if candidate.is_dir() else candidate.stem


def find_types(folder: str | Path | None = None) -> tuple[TypeSource, ...]:
    """The types in a folder, by name, or in one type's file; None for the user's configuration folder.

    Raises `UsageError` where there is no such folder, `TypeFileError` for what cannot be read or has no usable name.
    """
    return _each_once([source_of(candidate) for candidate in candidates(folder)])


def select(names: str | None, folder: Path | None = None) -> tuple[tuple[str, ...] | None, tuple[TypeSource, ...]]:
    """What `--types` and `--types-from` choose: the names, and the sources of those among them that are not built in.

    Files of other types are not even opened. Raises as `find_types` does, and `UsageError` for a name that no type has.
    """
    wanted = None if names is None else tuple(name.strip() for name in names.split(","))
    own = [name for name in wanted or () if name not in BUILT_IN]
    if not own and folder is None:
        return wanted, ()
    found = candidates(folder)
    if wanted is None:
        raise UsageError(f"--types-from: say with --types which are to be looked for; there are {', '.join(map(name_of, found))}")
    missing = [name for name in own if name not in map(name_of, found)]
    if missing:
        known = ", ".join([*BUILT_IN, *map(name_of, found)])
        raise UsageError(f"--types: there is no clause type {missing[0]!r}; there are {known}; see clausescan types")
    return wanted, _each_once([source_of(candidate) for candidate in found if name_of(candidate) in own])


def problem_of_name(name: str) -> str | None:
    """Why a type cannot be called so; None if it can."""
    if name in BUILT_IN:
        return f"{name} is built in; choose another name"
    if name in RESERVED or not re.fullmatch(NAME, name):
        return (
            f"a type's name is lower case letters, digits and _, at most {MAX_NAME_CHARS}, none of {', '.join(sorted(RESERVED))}"
        )
    return None


def _is_type(path: Path) -> bool:
    return os.path.isdir(path) and any(os.path.isfile(path / name) for name in (PROMPT, *SCHEMAS))


def _is_type_file(path: Path) -> bool:
    return path.suffix in SUFFIXES and os.path.isfile(path)


def source_of(candidate: Path) -> TypeSource:
    """One type's files, read but not parsed. Raises `TypeFileError`."""
    if candidate.is_file():
        if candidate.suffix not in SUFFIXES:
            raise TypeFileError([f"{candidate}:1: a type's file ends in {', '.join(SUFFIXES)}"])
        files = [candidate]
    else:
        files = [candidate / part for part in (PROMPT, *SCHEMAS) if (candidate / part).is_file()]
        if len(files) != 2 or files[0].name != PROMPT:
            raise TypeFileError([f"{candidate}:1: a type's folder holds {PROMPT} and one of {', '.join(SCHEMAS)}"])
    wrong = problem_of_name(name_of(candidate))
    if wrong is not None:
        raise TypeFileError([f"{candidate}:1: {wrong}"])
    return TypeSource(name_of(candidate), tuple((str(file), _text(file)) for file in files))


def _each_once(sources: list[TypeSource]) -> tuple[TypeSource, ...]:
    for name, count in Counter(source.name for source in sources).items():
        if count > 1:
            path = next(s.files[0][0] for s in sources if s.name == name)
            raise TypeFileError([f"{path}:1: the type {name} is there twice; keep one of its files"])
    return tuple(sources)


def _text(file: Path) -> str:
    try:
        with file.open("rb") as stream:
            data = stream.read(MOST_BYTES + 1)
        if len(data) > MOST_BYTES:
            raise TypeFileError([f"{file}:1: larger than {MOST_BYTES:,} bytes"])
        return data.decode("utf-8-sig").replace("\r\n", "\n")
    except UnicodeDecodeError as error:
        line = data[: error.start].count(b"\n") + 1
        raise TypeFileError([f"{file}:{line}: is no UTF-8 text"]) from None
    except OSError as error:
        raise TypeFileError([f"{file}:1: cannot be read ({error.strerror})"]) from None
