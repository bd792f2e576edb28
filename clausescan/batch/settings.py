"""What a batch is asked to do, and the key under which a photo's result stays valid."""

from __future__ import annotations

import hashlib
import json
import os
import re
from dataclasses import asdict, dataclass, field
from pathlib import Path

from clausescan import __version__
from clausescan.config import ExtractConfig
from clausescan.errors import InputError, UsageError

LOADER = "clausescan.providers.registry:open_model"
"""Where a worker gets its model from: module and function, called with the batch's `ExtractConfig`."""
LAYOUT = 3
"""Of what a batch writes for a photo; counted up when that changes, so that older results are made again."""
MOST_WORKERS = 256


@dataclass(frozen=True)
class BatchSettings:
    """One batch. Raises `UsageError` where an option makes no sense, `InputError` where there is no such folder."""

    folder: Path
    out: Path
    config: ExtractConfig = field(default_factory=ExtractConfig)
    formats: tuple[str, ...] = ()
    """Beside the JSON report, which every photo gets."""
    include: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()
    workers: int = 1
    timeout: float | None = None
    """Seconds a photo may take, loading the model not counted."""
    memory_mb: int | None = None
    """Resident memory a worker may use, in MB of 10^6 bytes."""
    documents: str | None = None
    """A regular expression with a named group: files whose group is equal are one document."""
    manifest: Path | None = None
    """A CSV or JSON file that tells which files are one document."""
    retry_failed: bool = False

    def __post_init__(self) -> None:
        if not os.path.isdir(self.folder):  # Path.is_dir would raise in a closed folder
            raise InputError(f"{self.folder}: is no folder; a batch works on a folder of photos")
        inner, outer = self.folder.resolve(), self.out.resolve()
        if inner == outer or outer in inner.parents:
            raise UsageError("--out must not be the folder of the photos or one above it: a photo could be overwritten")
        if not 1 <= self.workers <= MOST_WORKERS:
            raise UsageError(f"--workers must lie between 1 and {MOST_WORKERS}")
        if self.timeout is not None and not self.timeout > 0:
            raise UsageError("--timeout must be a positive number of seconds")
        if self.memory_mb is not None and self.memory_mb < 1:
            raise UsageError("--memory must be a positive number of megabytes")
        if self.documents is not None and self.manifest is not None:
            raise UsageError("--documents and --manifest say the same thing; give one of them")
        if self.documents is not None:
            document_pattern(self.documents)


def document_pattern(text: str) -> re.Pattern[str]:
    """The expression of `--documents`. Raises `UsageError` when it is none or has not exactly one named group."""
    try:
        pattern = re.compile(text)
    except re.error as error:
        raise UsageError(f"--documents: no regular expression ({error})") from None
    if len(pattern.groupindex) != 1:
        raise UsageError("--documents needs exactly one named group, such as (?P<document>.+)_p[0-9]+")
    return pattern


def default_workers(config: ExtractConfig) -> int:
    """A process a core that this process may use, but at most four: each holds a model in memory. One for a model of another
    house, which is large and uses all cores, or the GPU, itself. Raises `ModelError` when there is no such model.
    """
    from clausescan.providers.registry import is_loaded_whole

    if is_loaded_whole(config):
        return 1
    count = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return min(count, 4)


def result_key(settings: BatchSettings, model: str) -> str:
    """A hash of all that a photo's result depends on besides its bytes: program, options, model, prompts, answer schemas."""
    from clausescan.clausetypes.questions import described, questions, schemas_sha256
    from clausescan.prompt import combined_sha256
    from clausescan.providers.registry import asked_types

    types = asked_types(settings.config)
    prompts = questions(settings.config, types)
    options = asdict(settings.config) | {"types": types}
    for name in ("model", "own_types", "timeout_s", "parallel"):  # content counts, not its place; nor how a server is asked
        del options[name]
    parts = {
        "layout": LAYOUT,
        "clausescan": __version__,
        "options": options,
        "formats": sorted({"json", *settings.formats}),
        "model": model,
        "prompts": combined_sha256(prompts),
        "answers": schemas_sha256(prompts),
        "own_types": [own.model_dump() for own in described(settings.config, prompts)],
    }
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()
