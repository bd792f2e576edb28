"""One batch a folder: a lock that the system takes back when its holder dies."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from clausescan.errors import OutputError, UsageError


@contextmanager
def held(path: Path, folder: Path) -> Iterator[None]:
    """Hold the lock file `path` of an output folder. Raises `OutputError` when another process holds it, naming it."""
    try:
        import fcntl
    except ImportError:
        raise UsageError("a batch needs a system with POSIX file locks") from None
    try:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o644)
    except OSError as error:
        raise OutputError(f"cannot write {path}: {error.strerror}") from None
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            os.ftruncate(descriptor, 0)
            os.write(descriptor, b"%d\n" % os.getpid())
        except BlockingIOError:
            holder = os.read(descriptor, 20).decode(errors="replace").strip() or "unknown"
            message = f"{folder} is being written by another batch (process {holder}); wait for it or choose another"
            raise OutputError(message) from None
        except OSError as error:
            raise OutputError(f"cannot write {path}: {error.strerror}") from None
        yield
        os.ftruncate(descriptor, 0)
    finally:
        os.close(descriptor)
