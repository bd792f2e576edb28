"""From training checkpoints to the folder that ships: config, bfloat16 safetensors, tokenizer, and a manifest of hashes."""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch

from clausescan.model.choice import TAGS
from clausescan.model.configuration import ClausescanConfig
from clausescan.model.engine import MANIFEST
from clausescan.model.fieldhead import FIELDS
from clausescan.model.modeling import ClausescanForConditionalGeneration
from clausescan.schema.clauses import CLAUSE_TYPES
from clausescan.train.curriculum import TAUGHT


def assemble(
    lines: Path, reader: Path, clauses: Path, tokenizer: Path, out: Path, offered: Sequence[str] = CLAUSE_TYPES, **config: Any
) -> Path:
    """Join the averaged weights of the three trainings; `config` overrides dimensions or calibration.

    Of the types that were taught, the `offered` ones are kept.
    """
    model = ClausescanForConditionalGeneration(ClausescanConfig(clause_types=offered, settled_fields=FIELDS, **config))
    state: dict[str, torch.Tensor] = {}
    for file, prefix in ((lines, "encoder."), (reader, "reader."), (clauses, "")):
        trained = torch.load(file, map_location="cpu", weights_only=True)["average"]
        state |= {prefix + name: value for name, value in trained.items()}
    rows = torch.tensor([TAUGHT.index(kind) * TAGS + tag for kind in offered for tag in range(TAGS)])
    for name in ("choice.leave.weight", "choice.leave.bias"):
        state[name] = state[name][rows]
    model.load_state_dict(state)
    out.mkdir(parents=True, exist_ok=True)
    model.bfloat16().save_pretrained(out)
    shutil.copyfile(tokenizer, out / "tokenizer.json")
    write_manifest(out)
    return out


def write_manifest(folder: Path) -> None:
    """Hashes of every file the model is loaded from."""
    names = sorted(p.name for p in folder.iterdir() if p.suffix in (".json", ".safetensors") and p.name != MANIFEST)
    hashes = {n: hashlib.sha256((folder / n).read_bytes()).hexdigest() for n in names}
    (folder / MANIFEST).write_text(json.dumps({"sha256": hashes}, indent=1) + "\n", encoding="utf-8")
