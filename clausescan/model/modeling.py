"""The compact model in the conventions of transformers: its auto classes load it, `generate` writes with it."""

from __future__ import annotations

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor
from transformers import AutoConfig, AutoModelForImageTextToText, GenerationMixin, PreTrainedModel
from transformers.cache_utils import Cache, DynamicCache
from transformers.modeling_outputs import CausalLMOutputWithPast

from clausescan.model.configuration import ClausescanConfig
from clausescan.model.network import Parts


class ClausescanForConditionalGeneration(Parts, PreTrainedModel, GenerationMixin):
    """The whole model; `forward` answers a prompt about a page. Letters: B, T, D, V, n as in `clausescan.model.network`."""

    config_class = ClausescanConfig
    config: ClausescanConfig
    base_model_prefix = "clausescan"
    main_input_name = "input_ids"
    _tied_weights_keys: dict[str, str] = {}  # noqa: RUF012 (an instance variable of the base)
    _supports_cache_class = True

    def __init__(self, config: ClausescanConfig) -> None:
        super().__init__(config)
        self.build(config.dimensions)
        self.post_init()  # type: ignore[no-untyped-call]

    def _init_weights(self, module: Any) -> None:
        """Every part draws its own first weights."""

    def get_input_embeddings(self) -> torch.nn.Module:
        """The language model's embedding, which is its output head as well."""
        return self.language.embedding

    def forward(
        self,
        input_ids: Tensor,
        pixel_values: Tensor | None = None,
        visual: Tensor | None = None,
        past_key_values: Cache | None = None,
        labels: Tensor | None = None,
        given: int | None = None,
        use_cache: bool = True,
        output_hidden_states: bool = False,
        **kwargs: Any,  # noqa: ARG002 (what `generate` passes on)
    ) -> CausalLMOutputWithPast:
        """Answer tokens' logits (B, T, V); with `output_hidden_states` the last layer's states (B, T, D) as well.

        `input_ids` (B, T) holds one image token for every visual token; these come from `visual` (n, D), or from
        `pixel_values` (1, 1, H, W), for which the page is looked at here. The first `given` positions (default: all that are
        not labelled, or all) are given and see each other; later ones, and all that follow a cached past, are written.
        """
        if pixel_values is not None and visual is None:
            visual = self.visual_tokens(self.look(pixel_values), int((input_ids == self.image).sum()))
        if past_key_values is None and use_cache:
            past_key_values = DynamicCache()
        fresh = past_key_values is None or past_key_values.get_seq_length() == 0
        if given is None:
            given = int((labels[0] == -100).sum()) if labels is not None else input_ids.shape[1]
        hidden = self.states(input_ids, visual, given if fresh else 0, past_key_values)
        logits = self.language.logits(hidden)
        loss = None
        if labels is not None:
            loss = F.cross_entropy(logits[:, :-1].float().flatten(0, 1), labels[:, 1:].flatten(), ignore_index=-100)
        make: Any = CausalLMOutputWithPast  # by position: releases of transformers differ in the cache's name and type
        answer: CausalLMOutputWithPast = make(
            loss, logits, past_key_values if use_cache else None, (hidden,) if output_hidden_states else None
        )
        return answer

    def prepare_inputs_for_generation(  # type: ignore[override]
        self, input_ids: Tensor, past_key_values: Cache | None = None, **kwargs: Any
    ) -> dict[str, Any]:
        """Pictures go in once; after that only what the cache does not hold."""
        seen = past_key_values.get_seq_length() if past_key_values is not None else 0
        inputs: dict[str, Any] = {"input_ids": input_ids[:, seen:], "past_key_values": past_key_values, "use_cache": True}
        if seen == 0:
            inputs |= {k: kwargs[k] for k in ("pixel_values", "visual") if kwargs.get(k) is not None}
        return inputs


AutoConfig.register("clausescan", ClausescanConfig, exist_ok=True)
AutoModelForImageTextToText.register(ClausescanConfig, ClausescanForConditionalGeneration, exist_ok=True)
