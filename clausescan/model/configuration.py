"""The compact model's dimensions as transformers keeps them."""

from __future__ import annotations

from dataclasses import fields
from typing import Any

from transformers import PreTrainedConfig

from clausescan.model.dimensions import Dimensions

_NAMES = tuple(f.name for f in fields(Dimensions))


class ClausescanConfig(PreTrainedConfig):
    """`Dimensions`, each an attribute of its name, beside transformers' own."""

    model_type = "clausescan"

    def __init__(self, **kwargs: Any) -> None:
        dimensions = Dimensions.of(kwargs)
        for name in _NAMES:
            value = getattr(dimensions, name)
            setattr(self, name, dict(value) if name == "field_shifts" else value)
        own = {"pad_token_id": 0, "eos_token_id": 5, "tie_word_embeddings": True}
        super().__init__(**own | {name: value for name, value in kwargs.items() if name not in _NAMES})

    @property
    def dimensions(self) -> Dimensions:
        """The same, frozen."""
        return Dimensions.of({name: getattr(self, name) for name in _NAMES})
