"""Models fetched before: one folder each in the user's cache, with the revision and a hash of every file."""

from __future__ import annotations

import hashlib
import json
import re
from dataclasses import dataclass
from pathlib import Path

from clausescan.errors import ModelError

RECORD = "clausescan-fetched.json"
"""In a fetched model's folder: its name, the commit it was fetched at, and the SHA-256 of every other file."""
TOKENIZER_FILES = ("merges.txt", "vocab.txt", "tokenizer.model", "spiece.model", "chat_template.jinja")
HUB_ID = re.compile(r"[A-Za-z0-9][\w.-]{0,95}/[A-Za-z0-9][\w.-]{0,95}")


@dataclass(frozen=True)
class Fetched:
    """One model in the cache."""

    name: str
    revision: str
    """Commit hash on the hub."""
    folder: Path
    size_bytes: int


def root() -> Path:
    """The folder of all fetched models; it need not exist."""
    from platformdirs import user_cache_path

    return user_cache_path("clausescan", appauthor=False) / "models"


def folder_of(name: str) -> Path:
    """Where the model of a hub id lies once it is fetched. Raises `ModelError` for what is no hub id."""
    if not HUB_ID.fullmatch(name) or ".." in name:
        raise ModelError("a model's name on the hub is OWNER/NAME")
    return root() / name.replace("/", "--")


def fetched() -> list[Fetched]:
    """The models in the cache, by name. A folder with a damaged record is left out: it cannot be loaded either."""
    found = []
    for folder in sorted(root().glob("*--*")):
        try:
            record = _record(folder)
            sizes = [(folder / name).stat().st_size for name in record["sha256"]]
            found.append(Fetched(str(record["name"]), str(record["revision"]), folder, sum(sizes)))
        except (ModelError, OSError):
            continue
    return found


def wanted(file: str) -> bool:
    """Whether a file belongs to a model: safetensors, JSON, tokenizers; no code, no pickles, no folders."""
    if "/" in file or file.startswith(("consolidated", ".")):
        return False
    return file.endswith((".safetensors", ".json")) or file in TOKENIZER_FILES


def write_record(folder: Path, name: str, revision: str) -> None:
    """Hash every file of a folder into its record."""
    hashes = {p.relative_to(folder).as_posix(): file_sha256(p) for p in sorted(folder.rglob("*")) if p.is_file()}
    text = json.dumps({"name": name, "revision": revision, "sha256": hashes}, indent=1)
    (folder / RECORD).write_text(text + "\n", encoding="utf-8")


def check(folder: Path) -> str:
    """One hash over a model's files: against the record where there is one, else over what would be fetched of it.

    Raises `ModelError` when a file is missing, was changed or added, or when there are no safetensors.
    """
    weights = {p.name for p in folder.glob("*.safetensors")}
    if not weights:
        raise ModelError(f"{folder} holds no safetensors; other formats of weights can run code and are not loaded")
    if not (folder / RECORD).is_file():
        files = {p.name for p in folder.iterdir() if p.is_file() and wanted(p.name)}
        return _combined({name: file_sha256(folder / name) for name in weights | files})
    expected: dict[str, str] = _record(folder)["sha256"]
    present = {p.relative_to(folder).as_posix() for p in folder.rglob("*") if p.is_file() and p.name != RECORD}
    for name in sorted(present | set(expected)):
        if name not in expected or name not in present or file_sha256(folder / name) != expected[name]:
            raise ModelError(f"{folder / name} is not what was fetched; fetch the model again")
    return _combined(expected)


def file_sha256(path: Path) -> str:
    """SHA-256 of a file. Raises `ModelError` when it cannot be read."""
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError:
        raise ModelError(f"{path} cannot be read") from None


def _record(folder: Path) -> dict[str, dict[str, str]]:
    try:
        record = json.loads((folder / RECORD).read_text(encoding="utf-8"))
        if not all(isinstance(v, str) for v in record["sha256"].values()) or not {"name", "revision"} <= set(record):
            raise ValueError
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        raise ModelError(f"the record in {folder} is damaged; fetch the model again") from None
    return dict(record)


def _combined(hashes: dict[str, str]) -> str:
    return hashlib.sha256("".join(f"{name} {digest}\n" for name, digest in sorted(hashes.items())).encode()).hexdigest()
