"""The one place that downloads: a model, by name, at one commit, when the user asks for just that."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path
from typing import Any

from clausescan.errors import ModelError, OutputError
from clausescan.providers.store import Fetched, check, fetched, file_sha256, folder_of, root, wanted, write_record


def fetch(name: str, revision: str | None = None) -> Fetched:
    """Download a model's safetensors, configuration and tokenizer, or find that this commit is here already.

    The folder appears whole or not at all. Raises `ModelError` when the hub does not have it, cannot be reached or the model has
    no safetensors, `OutputError` when the cache cannot be written.
    """
    target = folder_of(name)
    known = _sound(name)
    if known is not None and revision == known.revision:
        return known
    commit, files = _files(name, revision)
    if known is not None and known.revision == commit:
        return known
    try:
        root().mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=".fetching-", dir=root()) as scratch:
            new = Path(scratch) / "new"
            _download(name, commit, list(files), new)
            shutil.rmtree(new / ".cache", ignore_errors=True)
            for file, digest in files.items():
                if digest is not None and file_sha256(new / file) != digest:
                    raise ModelError(f"{file} of {name} did not arrive whole; fetch it again")
            write_record(new, name, commit)
            if target.exists():
                target.rename(Path(scratch) / "old")
            new.rename(target)
    except OSError as error:
        raise OutputError(f"cannot write {target}: {error.strerror or type(error).__name__}") from None
    found = _known(name)
    if found is None:
        raise ModelError(f"{name} was fetched but cannot be found in {root()}")
    return found


def _sound(name: str) -> Fetched | None:
    """The model in the cache, None where a file of it is not what was fetched."""
    known = _known(name)
    try:
        if known is not None:
            check(known.folder)
    except ModelError:
        return None
    return known


def _known(name: str) -> Fetched | None:
    return next((f for f in fetched() if f.folder == folder_of(name)), None)


def _files(name: str, revision: str | None) -> tuple[str, dict[str, str | None]]:
    """The commit a revision stands for, and the wanted files with their SHA-256 where the hub tells it."""
    from huggingface_hub import HfApi

    info = _asked(name, lambda: HfApi().model_info(name, revision=revision, files_metadata=True))
    files: dict[str, str | None] = {
        s.rfilename: s.lfs.sha256 if s.lfs else None for s in info.siblings or () if wanted(s.rfilename)
    }
    if not any(f.endswith(".safetensors") for f in files):
        raise ModelError(f"{name} has no safetensors; other formats of weights can run code and are not fetched")
    if not info.sha:
        raise ModelError(f"the hub names no commit for {name}")
    return info.sha, files


def _download(name: str, commit: str, files: list[str], folder: Path) -> None:
    from huggingface_hub import snapshot_download

    _asked(name, lambda: snapshot_download(name, revision=commit, local_dir=folder, allow_patterns=files))


def _asked(name: str, call: Any) -> Any:
    """What the hub answers; its errors in our words."""
    import httpx2
    from huggingface_hub import constants, errors

    constants.HF_HUB_DISABLE_TELEMETRY = True  # its client would also ask the hub which programs to tell apart, and name ours
    try:
        return call()
    except errors.OfflineModeIsEnabled:
        raise ModelError("HF_HUB_OFFLINE is set: nothing is fetched") from None
    except errors.GatedRepoError:
        raise ModelError(f"{name} is given only to those who accepted its terms: log in with `hf auth login`") from None
    except errors.RevisionNotFoundError:
        raise ModelError(f"{name} has no such revision") from None
    except errors.RepositoryNotFoundError:
        raise ModelError(f"the hub has no model named {name}") from None
    except (errors.HfHubHTTPError, errors.LocalEntryNotFoundError, errors.HFValidationError, httpx2.HTTPError) as error:
        raise ModelError(f"{name} cannot be fetched now ({type(error).__name__})") from None
