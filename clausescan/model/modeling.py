"""The compact vision-language model, put together: encoder, reader heads, resampler, language model, line choice.

Legend: H, W page pixels; M line features a page; n visual tokens (the budget); T positions; D width; V vocabulary.
A page goes through the encoder once. Lines are found on its map; the line reader's states along them are both what the
transcript is read from and what the resampler compresses for the language model.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor
from transformers import AutoConfig, AutoModelForImageTextToText, GenerationMixin, PreTrainedModel
from transformers.cache_utils import Cache, DynamicCache
from transformers.modeling_outputs import CausalLMOutputWithPast

from clausescan.model.choice import ChoiceHead
from clausescan.model.configuration import ClausescanConfig
from clausescan.model.encoder import PageEncoder, StandardConv2d
from clausescan.model.language import LanguageModel
from clausescan.model.lines import CELL, TextLine, find_lines
from clausescan.model.reader import ReaderHeads
from clausescan.model.resampler import Resampler

LINE_BATCH = 24
"""Lines read at once: enough to keep two cores busy, few enough to waste little on padding."""


@dataclass(frozen=True)
class Sight:
    """What the model saw on one page: its lines in reading order and, along each, features and both heads' log-probabilities.

    `features[i]` is (T_i, C); `sequence[i]` and `glyphs[i]` are (2 T_i, K) float32; `first_column[i]` the cell they begin at.
    """

    size: tuple[int, int]
    lines: tuple[TextLine, ...]
    first_column: tuple[int, ...]
    features: tuple[Tensor, ...]
    sequence: tuple[np.ndarray[Any, np.dtype[np.float32]], ...]
    glyphs: tuple[np.ndarray[Any, np.dtype[np.float32]], ...]

    def along(self, chosen: list[int] | None = None) -> tuple[Tensor, Tensor]:
        """Features (M, C) and places (M, 2) in [0, 1] of all lines, or of the chosen ones."""
        which = range(len(self.lines)) if chosen is None else chosen
        if not self.lines or not len(list(which)):
            return torch.zeros(0, 1), torch.zeros(0, 2)
        places = []
        for i in which:
            t = len(self.features[i])
            columns = np.arange(self.first_column[i], self.first_column[i] + t)
            y = np.interp(columns, np.arange(self.lines[i].first, self.lines[i].last + 1), self.lines[i].y)
            places.append(np.c_[(columns + 0.5) * CELL / self.size[1], y / self.size[1]])
        return torch.cat([self.features[i] for i in which]), torch.from_numpy(np.concatenate(places).astype(np.float32))


class ClausescanForConditionalGeneration(PreTrainedModel, GenerationMixin):
    """The whole model. `forward` answers a prompt about a page; `look` and `choose` serve the pipeline."""

    config_class = ClausescanConfig
    config: ClausescanConfig
    base_model_prefix = "clausescan"
    main_input_name = "input_ids"
    _tied_weights_keys: dict[str, str] = {}
    _supports_cache_class = True

    def __init__(self, config: ClausescanConfig) -> None:
        super().__init__(config)
        self.encoder = PageEncoder(config.encoder_widths, config.encoder_depths)
        self.reader = ReaderHeads(self.encoder.out_channels, config.line_channels, config.line_dilations)
        self.resampler = Resampler(config.line_channels, config.hidden_size, config.resampler, config.num_attention_heads)  # type: ignore[arg-type]
        self.language = LanguageModel(config.vocab_size, config.hidden_size, config.num_hidden_layers, config.num_attention_heads)
        self.choice = ChoiceHead(config.hidden_size)
        self.post_init()

    def _init_weights(self, module: Any) -> None:
        """Every part draws its own first weights."""

    def get_input_embeddings(self) -> torch.nn.Module:
        """The language model's embedding, which is its output head as well."""
        return self.language.embedding

    def fold(self) -> None:
        """Write the standardised convolution filters out, for use only."""
        for module in self.modules():
            if isinstance(module, StandardConv2d):
                module.fold()

    @torch.no_grad()
    def look(self, pixel_values: Tensor) -> Sight:
        """One page, (1, 1, H, W) ink in [0, 1] with H a multiple of 16 and W of 8, seen once."""
        fine = self.encoder(pixel_values)
        maps = self.reader.line_maps(fine)[0].float()
        maps[0] = maps[0].sigmoid()
        lines = find_lines(maps.cpu().numpy())
        height, width = pixel_values.shape[2:]
        order = sorted(range(len(lines)), key=lambda i: len(lines[i].y))
        features: list[Tensor] = [torch.zeros(0)] * len(lines)
        sequence: list[Any] = [None] * len(lines)
        glyphs: list[Any] = [None] * len(lines)
        first = [max(0, line.first - 1) for line in lines]
        last = [min(width // CELL - 1, line.last + 1) for line in lines]
        for at in range(0, len(order), LINE_BATCH):
            batch = order[at : at + LINE_BATCH]
            longest = max(last[i] - first[i] + 1 for i in batch)
            column = torch.zeros(len(batch), longest, dtype=torch.long)
            y = torch.zeros(len(batch), longest)
            mask = torch.zeros(len(batch), longest, dtype=torch.bool)
            for k, i in enumerate(batch):
                t = last[i] - first[i] + 1
                column[k, :t] = torch.arange(first[i], last[i] + 1)
                y[k, :t] = torch.tensor([lines[i].y_at(c) for c in range(first[i], last[i] + 1)])
                mask[k, :t] = True
            page = torch.zeros(len(batch), dtype=torch.long)
            states = self.reader.line_states(fine, page, column, y, mask)
            spoken = self.reader.leave_logits(states).float().log_softmax(-1).numpy()
            seen = self.reader.glyph_logits(fine, page, column, y).float().log_softmax(-1).numpy()
            for k, i in enumerate(batch):
                t = last[i] - first[i] + 1
                features[i], sequence[i], glyphs[i] = states[k, :t].float(), spoken[k, : 2 * t], seen[k, : 2 * t]
        return Sight((height, width), tuple(lines), tuple(first), tuple(features), tuple(sequence), tuple(glyphs))

    def visual_tokens(self, sight: Sight, budget: int, chosen: list[int] | None = None) -> Tensor:
        """Exactly `budget` visual tokens (n, D) from all lines of a page, or from the chosen ones."""
        features, places = sight.along(chosen)
        if not len(features):
            return torch.zeros(budget, self.config.hidden_size)
        return self.resampler(features, places, budget)  # type: ignore[no-any-return]

    def choose(self, visual: Tensor | None, tokens: Tensor, first: Tensor) -> Tensor:
        """Line choice: transcript tokens (T,) and the places (W,) of its words' first tokens to scores (W, types, 3)."""
        embedded = self.language.embedding(tokens)[None]
        shift = 0
        if visual is not None:
            embedded, shift = torch.cat((visual[None].to(embedded.dtype), embedded), 1), len(visual)
        hidden = self.language(embedded, embedded.shape[1])
        return self.choice(hidden[0, first + shift]).float()  # type: ignore[no-any-return]

    def forward(
        self,
        input_ids: Tensor,
        pixel_values: Tensor | None = None,
        visual: Tensor | None = None,
        past_key_values: Cache | None = None,
        labels: Tensor | None = None,
        given: int | None = None,
        use_cache: bool = True,
        **kwargs: Any,
    ) -> CausalLMOutputWithPast:
        """Answer tokens' logits (B, T, V).

        `input_ids` (B, T) holds one image token for every visual token; these come from `visual` (n, D), or from
        `pixel_values` (1, 1, H, W), for which the page is looked at here. The first `given` positions (default: all that are
        not labelled, or all) are given and see each other; later ones, and all that follow a cached past, are written.
        """
        embedded = self.language.embedding(input_ids)
        image = input_ids == self.config.image_token_id
        if pixel_values is not None and visual is None:
            visual = self.visual_tokens(self.look(pixel_values), int(image.sum()))
        if visual is not None:
            if int(image.sum()) != len(visual):
                raise ValueError(f"{int(image.sum())} image tokens for {len(visual)} visual tokens")
            embedded = embedded.masked_scatter(image[..., None], visual.to(embedded.dtype))
        if past_key_values is None and use_cache:
            past_key_values = DynamicCache()
        fresh = past_key_values is None or past_key_values.get_seq_length() == 0
        if given is None:
            given = int((labels[0] == -100).sum()) if labels is not None else input_ids.shape[1]
        hidden = self.language(embedded, given if fresh else 0, past_key_values)
        logits = self.language.logits(hidden)
        loss = None
        if labels is not None:
            loss = F.cross_entropy(logits[:, :-1].float().flatten(0, 1), labels[:, 1:].flatten(), ignore_index=-100)
        return CausalLMOutputWithPast(loss=loss, logits=logits, past_key_values=past_key_values if use_cache else None)

    def prepare_inputs_for_generation(self, input_ids: Tensor, past_key_values: Cache | None = None, **kwargs: Any) -> dict[str, Any]:
        """Pictures go in once; after that only what the cache does not hold."""
        seen = past_key_values.get_seq_length() if past_key_values is not None else 0
        inputs: dict[str, Any] = {"input_ids": input_ids[:, seen:], "past_key_values": past_key_values, "use_cache": True}
        if seen == 0:
            inputs |= {k: kwargs[k] for k in ("pixel_values", "visual") if kwargs.get(k) is not None}
        return inputs


AutoConfig.register("clausescan", ClausescanConfig, exist_ok=True)
AutoModelForImageTextToText.register(ClausescanConfig, ClausescanForConditionalGeneration, exist_ok=True)
