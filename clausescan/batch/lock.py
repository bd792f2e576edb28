"""One batch a folder: a lock that the system takes back when its holder dies."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from clausescan.errors import OutputError
from clausescan.files import lock


@contextmanager
def held(path: Path, folder: Path) -> Iterator[None]:
    """Hold the lock file `path` of an output folder. Raises `OutputError` when another process holds it, naming it."""
    try:
        descriptor = lock(path, 0o644)
    except BlockingIOError:
        message = f"{folder} is being written by another batch (process {_holder(path)}); wait for it or choose another"
        raise OutputError(message) from None
    try:
        try:
            os.ftruncate(descriptor, 0)
            os.write(descriptor, b"%d\n" % os.getpid())
        except OSError as error:
            raise OutputError(f"cannot write {path}: {error.strerror}") from None
        yield
        os.ftruncate(descriptor, 0)
    finally:
        os.close(descriptor)


def _holder(path: Path) -> str:
    try:
        return path.read_text(encoding="ascii", errors="replace")[:20].strip() or "unknown"
    except OSError:
        return "unknown"
