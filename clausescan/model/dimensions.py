"""The compact model's dimensions, which travel with its weights as `config.json`."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

from clausescan.schema.clauses import CLAUSE_TYPES


@dataclass(frozen=True)
class Dimensions:
    """Dimensions of encoder, reader heads, resampler and language model; see the modules of the same names.

    `clause_types` are those that the model was taught, in the order of its choice head's outputs; it answers about the fields
    of the `answered_types` among them. `settled_fields` are those that its field head decides, in the order of its outputs;
    `field_shifts` holds what is added to their log-odds (fitted on held-out pages). `presence_scale` and `presence_shift` turn
    a found clause's log-odds into a calibrated probability (Platt 1999).
    """

    encoder_widths: tuple[int, int] = (48, 80)
    encoder_depths: tuple[int, int] = (1, 4)
    reader_widths: tuple[int, int, int] = (32, 56, 112)
    reader_depths: tuple[int, int] = (2, 3)
    line_channels: int = 256
    line_dilations: tuple[int, ...] = (1, 2, 3, 4)
    vocab_size: int = 2048
    hidden_size: int = 320
    num_hidden_layers: int = 6
    num_attention_heads: int = 5
    resampler: str = "anchored"
    default_budget: int = 256
    image_token_id: int = 7
    presence_scale: float = 1.0
    presence_shift: float = 0.0
    clause_types: tuple[str, ...] = tuple(CLAUSE_TYPES)
    answered_types: tuple[str, ...] = tuple(CLAUSE_TYPES)
    settled_fields: tuple[str, ...] = ()
    field_shifts: Mapping[str, float] = field(default_factory=dict)

    @classmethod
    def of(cls, given: Mapping[str, Any]) -> Dimensions:
        """Those among `given`, the rest by default; what else is in it, as transformers' own keys are, is left out."""
        known = {f.name for f in fields(cls)}
        kept = {name: value for name, value in given.items() if name in known and value is not None}
        shaped: dict[str, Any] = {name: tuple(value) if isinstance(value, list) else value for name, value in kept.items()}
        return cls(**shaped)

    @classmethod
    def load(cls, file: Path) -> Dimensions:
        """From a `config.json`. Raises `OSError` and `ValueError`."""
        return cls.of(json.loads(file.read_text(encoding="utf-8")))
