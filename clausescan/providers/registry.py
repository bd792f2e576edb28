"""From the `--model` option to a model: the one place that knows all kinds there are.

| option | is |
|---|---|
| none | the compact model that ships with the package |
| a folder with our manifest | a compact model of ours |
| another folder | a vision-language model as transformers saves it |
| OWNER/NAME | the same, if it was fetched before |
| openai:URL#NAME | a model on a server with the OpenAI chat API |
"""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

from clausescan.answer import PageModel
from clausescan.config import ExtractConfig
from clausescan.errors import ModelError
from clausescan.providers.store import HUB_ID, check, file_sha256, folder_of
from clausescan.providers.taught import OURS, taught_types
from clausescan.resources import PACKAGE
from clausescan.schema.clauses import CLAUSE_TYPES, ClauseType

SERVED = "openai:"


def open_model(config: ExtractConfig) -> PageModel:
    """The model a run is to use. Raises `ModelError` when it is missing or invalid, `UsageError` for a malformed address.

    Never fetches anything; only a server that the option names is ever contacted, and not before it is asked.
    """
    name = config.model
    if name is None:
        return compact(None)
    if name.startswith(SERVED):
        from clausescan.providers.glance import GlanceThenRead
        from clausescan.providers.served import ServedModel, parse_address

        asker = ServedModel(parse_address(name), timeout_s=config.timeout_s, parallel=config.parallel)
        return GlanceThenRead(compact(None), asker)
    folder = local_folder(name)
    return compact(folder) if os.path.isfile(folder / OURS) else _other(folder, name)


def identity(config: ExtractConfig) -> str:
    """A hash of what `open_model` would open: of a compact model's manifest, of all files of another's, of a server's address.

    The last two count with our own model, which reads the pages for them. Raises as `open_model` does; contacts no server.
    """
    ours = file_sha256(PACKAGE / "weights" / OURS)
    if config.model is None:
        return ours
    if config.model.startswith(SERVED):
        from clausescan.providers.served import parse_address

        parse_address(config.model)
        other = config.model
    else:
        folder = local_folder(config.model)
        if os.path.isfile(folder / OURS):
            return file_sha256(folder / OURS)
        other = check(folder)
    return hashlib.sha256(f"{other} {ours}".encode()).hexdigest()


def is_loaded_whole(config: ExtractConfig) -> bool:
    """Whether every process that opens this model holds a model of another house in its memory."""
    if config.model is None or config.model.startswith(SERVED):
        return False
    return not os.path.isfile(local_folder(config.model) / OURS)


def asked_types(config: ExtractConfig) -> tuple[ClauseType, ...]:
    """The clause types a run looks for: those it names, else the first three, as far as a compact model was taught them.

    Reads at most the model's config.json, not its weights. Raises `ModelError` as `open_model` does.
    """
    if config.types is not None:
        return config.types
    if config.model is None or not config.model.startswith(SERVED):
        taught = taught_types(PACKAGE / "weights" if config.model is None else local_folder(config.model))
        return tuple(t for t in CLAUSE_TYPES if t in taught) or CLAUSE_TYPES
    return CLAUSE_TYPES


def local_folder(name: str) -> Path:
    """The folder of a model given by path or by a fetched model's name. Raises `ModelError` when there is neither."""
    if name and os.path.isdir(name):  # False, too, for what no path can be: it raises nothing
        return Path(name)
    if HUB_ID.fullmatch(name) and ".." not in name:
        if os.path.isdir(folder_of(name)):
            return folder_of(name)
        raise ModelError(
            f"no folder and no fetched model named {name}; models are never fetched but by: clausescan models fetch {name}"
        )
    raise ModelError(f"no folder named {name}; models are folders on this machine and never fetched unasked")


def compact(folder: Path | None) -> PageModel:
    """Our own model. Raises `ModelError`."""
    from clausescan.model.engine import load

    return load(folder)


def _other(folder: Path, name: str) -> PageModel:
    from clausescan.providers.glance import GlanceThenRead
    from clausescan.providers.local import LocalModel

    if not os.path.isfile(folder / "config.json"):
        raise ModelError(f"{folder} holds no model: neither {OURS} of ours nor config.json of another's")
    shown = name if folder != Path(name) else folder.resolve().name
    other = LocalModel(folder, shown)
    return GlanceThenRead(compact(None), other)
