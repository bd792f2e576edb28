"""Files written whole or not at all."""

from __future__ import annotations

import errno
import os
import re
import tempfile
from collections.abc import Iterable
from pathlib import Path

from clausescan.errors import OutputError, UsageError

MOST_NAME_BYTES = 255
"""Of a file's own name, on all common file systems. The temporary names here stay below that, whatever the letters."""
_STREAMS = {"/dev/stdout": 1, "/dev/stderr": 2}


def write_atomic(path: str | Path, data: bytes | Iterable[bytes]) -> None:
    """Write a file so that a reader sees the old one or the new one, never a part, even after a power cut.

    `data` may come in pieces, so that a long file need not be held in memory.
    Follows a symbolic link to its target; pipes, devices and open descriptors such as /dev/stdout are written directly, the last
    from where they stand, also when they are files.
    Raises `OutputError`.
    """
    target = Path(path)
    pieces = (data,) if isinstance(data, bytes) else data
    try:
        if (descriptor := _descriptor(target)) is not None:
            with os.fdopen(os.dup(descriptor), "wb") as stream:
                stream.writelines(pieces)
            return
        if target.exists() and not target.is_file() and not target.is_dir():
            with target.open("wb") as stream:
                stream.writelines(pieces)
            return
        _replace(target.resolve(), pieces)
    except OSError as error:
        raise _cannot(target, error) from None


def check_writable(path: str | Path) -> None:
    """Raise `OutputError` now if `write_atomic` to this path would fail for its folder or name: better before a long run."""
    target = Path(path)
    try:
        if target.is_dir():
            raise IsADirectoryError(21, "Is a directory")
        if is_too_long(target):
            raise OSError(errno.ENAMETOOLONG, "File name too long")
        if _descriptor(target) is not None or (target.exists() and not target.is_file()):
            return
        with tempfile.NamedTemporaryFile(dir=target.resolve().parent, prefix=".clausescan-"):
            pass
    except OSError as error:
        raise _cannot(target, error) from None


def _descriptor(path: Path) -> int | None:
    """The open descriptor that a path such as /dev/stdout or /dev/fd/3 stands for on Unix."""
    if path.as_posix() in _STREAMS and path.exists():
        return _STREAMS[path.as_posix()]
    number = re.fullmatch(r"/(?:dev|proc/self)/fd/(\d{1,6})", path.as_posix())
    return int(number[1]) if number and path.exists() else None


def is_too_long(path: Path) -> bool:
    """Whether no file can have this path, since its name or the whole of it is too long."""
    if len(os.fsencode(path.name)) > MOST_NAME_BYTES:
        return True
    try:
        path.lstat()
    except OSError as error:
        return error.errno == errno.ENAMETOOLONG
    except ValueError:  # a null byte: writing says so
        return False
    return False


def make_folder(path: Path) -> None:
    """A folder and those above it, if they are not there. Raises `OutputError`."""
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise _cannot(path, error) from None


def _replace(target: Path, pieces: Iterable[bytes]) -> None:
    mode = target.stat().st_mode & 0o777 if target.exists() else 0o666 & ~_umask()
    descriptor, temporary = tempfile.mkstemp(dir=target.parent, prefix=f".{target.name[:50]}.", suffix=".tmp")
    try:
        with os.fdopen(descriptor, "wb") as stream:
            stream.writelines(pieces)
            stream.flush()
            os.fsync(stream.fileno())
        Path(temporary).chmod(mode)
        Path(temporary).replace(target)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise
    sync_folder(target.parent)


def sync_folder(folder: Path) -> None:
    """Make renames in a folder durable, where the system can."""
    try:
        descriptor = os.open(folder, os.O_RDONLY)
    except OSError:
        return
    try:
        os.fsync(descriptor)
    except OSError:
        return
    finally:
        os.close(descriptor)


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask


def _cannot(target: Path, error: OSError) -> OutputError:
    return OutputError(f"cannot write {target}: {error.strerror or type(error).__name__}")


def lock(path: Path, mode: int = 0o600, *, wait: bool = False) -> int:
    """Lock a file, made if need be: its descriptor, which must stay open. The system takes the lock back when its holder dies.

    Raises `BlockingIOError` where another process holds it and this one is not to wait, `OutputError`, and `UsageError` on a
    system without such locks.
    """
    try:
        import fcntl
    except ImportError:
        raise UsageError("this needs a system with POSIX file locks") from None
    try:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT, mode)
    except OSError as error:
        raise OutputError(f"cannot write {path}: {error.strerror}") from None
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
    except BlockingIOError:
        os.close(descriptor)
        raise
    except OSError as error:
        os.close(descriptor)
        raise OutputError(f"cannot write {path}: {error.strerror}") from None
    return descriptor
