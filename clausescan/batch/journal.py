"""What is done, a line a photo, durable before it counts.

A line that was cut off by a crash or a full disk is dropped on opening; a later line about a file replaces an earlier
one. When the batch is through, the journal is put in order, so that it does not tell in which order the photos came.
"""

from __future__ import annotations

import contextlib
import json
import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from clausescan.batch.discovery import natural
from clausescan.errors import OutputError
from clausescan.files import write_atomic


@dataclass(frozen=True)
class Entry:
    """What became of one photo."""

    file: str
    sha256: str | None
    """Of the bytes that the result stands for; None where they could not be read."""
    key: str
    """`settings.result_key`."""
    base: str
    """What its results are called, without suffixes."""
    status: str
    reason: str | None
    message: str | None
    outputs: tuple[tuple[str, int], ...]
    """(path below the output folder, size) of every file written for it."""


class Journal:
    """The entries by file. Every method that writes raises `OutputError`."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._entries: dict[str, Entry] = {}
        self._stream: int | None = None

    @property
    def entries(self) -> Mapping[str, Entry]:
        """The last entry of each file."""
        return self._entries

    def open(self) -> Journal:
        """Read what there is and make ready to append."""
        try:
            self._stream = os.open(self.path, os.O_RDWR | os.O_CREAT, 0o644)
            with os.fdopen(os.dup(self._stream), "rb") as file:
                data = file.read()
            whole = data[: data.rfind(b"\n") + 1]
            if len(whole) < len(data):
                os.ftruncate(self._stream, len(whole))
            os.lseek(self._stream, len(whole), os.SEEK_SET)
        except OSError as error:
            raise self._cannot(error) from None
        for line in whole.splitlines():
            entry = _entry(line)
            if entry is not None:
                self._entries[entry.file] = entry
        return self

    def append(self, entry: Entry) -> None:
        """Add one entry; it is on the disk when this returns, or not at all."""
        assert self._stream is not None
        end = os.lseek(self._stream, 0, os.SEEK_END)
        rest = memoryview(_line(entry))
        try:
            while rest:
                rest = rest[os.write(self._stream, rest) :]
            os.fsync(self._stream)
        except OSError as error:
            with contextlib.suppress(OSError):
                os.ftruncate(self._stream, end)
            raise self._cannot(error) from None
        self._entries[entry.file] = entry

    def write_ordered(self, target: Path) -> None:
        """A journal that says the same with one line a file, in natural order, to take this one's place."""
        write_atomic(target, (_line(e) for _, e in sorted(self._entries.items(), key=lambda item: natural(item[0]))))

    def close(self) -> None:
        """Give the file back."""
        if self._stream is not None:
            os.close(self._stream)
            self._stream = None

    def _cannot(self, error: OSError) -> OutputError:
        return OutputError(f"cannot write {self.path}: {error.strerror or type(error).__name__}")


def _line(entry: Entry) -> bytes:
    return json.dumps(asdict(entry), separators=(",", ":")).encode() + b"\n"


def _entry(line: bytes) -> Entry | None:
    """None for a line that is none: its photo is done again."""
    try:
        data: dict[str, Any] = json.loads(line)
        data["outputs"] = tuple((str(path), int(size)) for path, size in data["outputs"])
        return Entry(**data)
    except (ValueError, TypeError, KeyError):
        return None
