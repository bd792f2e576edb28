"""The private folder of one running page: uploads, previews and downloads, gone when the page ends.

A page holds a lock on its folder for as long as it runs. The system takes the lock back when the process dies, so the next
start knows which folders nobody uses any more, and removes them.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

from platformdirs import user_cache_path

from clausescan.errors import OutputError
from clausescan.files import lock, make_folder

LOCK = "lock"
PREFIX = "page-"


def root() -> Path:
    """The folder of all running pages' folders, in the user's cache."""
    return user_cache_path("clausescan", appauthor=False) / "ui"


@contextlib.contextmanager
def private_folder(parent: Path) -> Iterator[Path]:
    """A folder that only this user may open, removed at the end; those that dead pages left are removed first.

    Raises `OutputError` where it cannot be made, and where something of it is left at the end.
    """
    make_folder(parent)
    starting = lock(parent / LOCK, wait=True)  # or another start would sweep the new folder before it is locked
    try:
        sweep(parent)
        folder = Path(tempfile.mkdtemp(prefix=PREFIX, dir=parent))  # readable by its owner alone
        descriptor = lock(folder / LOCK, wait=True)
    except OSError as error:
        raise OutputError(f"cannot make a folder in {parent}: {error.strerror}") from None
    finally:
        os.close(starting)
    try:
        yield folder
    finally:
        held = [descriptor]
        with contextlib.suppress(OSError, OutputError):
            held.append(lock(parent / LOCK, wait=True))  # or a start would find the folder half removed
        shutil.rmtree(folder, ignore_errors=True)
        for each in held:
            os.close(each)
    if folder.exists():
        raise OutputError(f"{folder} could not be removed; it holds uploaded photos")


def sweep(parent: Path) -> list[Path]:
    """Remove the folders of pages that run no more; those that were removed. Raises `OutputError` for one that stays."""
    swept = []
    for folder in sorted(parent.glob(f"{PREFIX}*")):
        try:
            descriptor = lock(folder / LOCK)
        except BlockingIOError:
            continue
        try:
            shutil.rmtree(folder)
        except OSError as error:
            raise OutputError(f"cannot remove {folder}, which holds photos of an earlier page: {error.strerror}") from None
        finally:
            os.close(descriptor)
        swept.append(folder)
    return swept
