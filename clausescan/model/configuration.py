"""The compact model's dimensions, which travel with its weights."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from transformers import PreTrainedConfig

from clausescan.schema.clauses import CLAUSE_TYPES


class ClausescanConfig(PreTrainedConfig):
    """Dimensions of encoder, reader heads, resampler and language model; see the modules of the same names.

    `clause_types` are those that the model was taught, in the order of its choice head's outputs; it answers about the fields
    of the `answered_types` among them. `settled_fields` are those that its field head decides, in the order of its outputs;
    `field_shifts` holds what is added to their log-odds (fitted on held-out pages). `presence_scale` and `presence_shift` turn
    a found clause's log-odds into a calibrated probability (Platt 1999).
    """

    model_type = "clausescan"

    def __init__(
        self,
        encoder_widths: tuple[int, int] = (48, 80),
        encoder_depths: tuple[int, int] = (1, 4),
        reader_widths: tuple[int, int, int] = (32, 56, 112),
        reader_depths: tuple[int, int] = (2, 3),
        line_channels: int = 256,
        line_dilations: tuple[int, ...] = (1, 2, 3, 4),
        vocab_size: int = 2048,
        hidden_size: int = 320,
        num_hidden_layers: int = 6,
        num_attention_heads: int = 5,
        resampler: str = "anchored",
        default_budget: int = 256,
        image_token_id: int = 7,
        presence_scale: float = 1.0,
        presence_shift: float = 0.0,
        clause_types: Sequence[str] = CLAUSE_TYPES,
        answered_types: Sequence[str] = CLAUSE_TYPES,
        settled_fields: Sequence[str] = (),
        field_shifts: Mapping[str, float] | None = None,
        **kwargs: Any,
    ) -> None:
        self.encoder_widths = (encoder_widths[0], encoder_widths[1])
        self.encoder_depths = (encoder_depths[0], encoder_depths[1])
        self.reader_widths = (reader_widths[0], reader_widths[1], reader_widths[2])
        self.reader_depths = (reader_depths[0], reader_depths[1])
        self.line_channels = line_channels
        self.line_dilations = tuple(line_dilations)
        self.vocab_size = vocab_size
        self.hidden_size = hidden_size
        self.num_hidden_layers = num_hidden_layers
        self.num_attention_heads = num_attention_heads
        self.resampler = resampler
        self.default_budget = default_budget
        self.image_token_id = image_token_id
        self.presence_scale = presence_scale
        self.presence_shift = presence_shift
        self.clause_types = tuple(clause_types)
        self.answered_types = tuple(answered_types)
        self.settled_fields = tuple(settled_fields)
        self.field_shifts = dict(field_shifts or {})
        kwargs.setdefault("pad_token_id", 0)
        kwargs.setdefault("eos_token_id", 5)
        kwargs.setdefault("tie_word_embeddings", True)
        super().__init__(**kwargs)
