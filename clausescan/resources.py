"""Finds the files that lie outside the code: `prompts/` and `schemas/`.

In a checkout they stand beside the package and people edit them there, so the checkout comes first; a wheel carries a copy
inside the package (an editable install may keep a stale one, which is why it comes second).
"""

from __future__ import annotations

from pathlib import Path

from clausescan.errors import ClausescanError

PACKAGE = Path(__file__).resolve().parent


def repository() -> Path | None:
    """The checkout this package runs from, None for an installed wheel."""
    root = PACKAGE.parent
    return root if (root / "pyproject.toml").is_file() and (root / "prompts").is_dir() else None


def folder(name: str) -> Path:
    """The folder `prompts` or `schemas`. Raises `ClausescanError` when the installation lacks it."""
    root = repository()
    for parent in (root, PACKAGE):
        if parent is not None and (parent / name).is_dir():
            return parent / name
    raise ClausescanError(f"the installation is incomplete: no folder {name}; install clausescan again")


def read_text(kind: str, name: str) -> str:
    """The text of one such file. Raises `ClausescanError` when it is missing."""
    path = folder(kind) / name
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ClausescanError(f"cannot read {kind}/{name}: {type(error).__name__}; install clausescan again") from None
