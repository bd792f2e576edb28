"""Which clause types a model of ours was taught, told by its config.json alone."""

from __future__ import annotations

import json
import os
from pathlib import Path

from clausescan.schema.clauses import CLAUSE_TYPES, ClauseType

OURS = "manifest.json"
"""Only folders of our own compact model hold it."""


def taught_types(folder: Path) -> tuple[ClauseType, ...]:
    """The types that a compact model of ours was taught. A folder with another model, or none, counts as taught the first three:
    such a model is asked in words, and what is wrong with a folder is told when the model is loaded.
    """
    return _listed(folder, "clause_types")


def answered_types(folder: Path) -> tuple[ClauseType, ...]:
    """Those of `taught_types` whose fields it was taught as well."""
    return _listed(folder, "answered_types")


def _listed(folder: Path, key: str) -> tuple[ClauseType, ...]:
    if not os.path.isfile(folder / OURS):  # Path.is_file would raise in a closed folder
        return CLAUSE_TYPES
    try:
        config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return CLAUSE_TYPES
    return tuple(config.get(key, CLAUSE_TYPES)) if isinstance(config, dict) else CLAUSE_TYPES
