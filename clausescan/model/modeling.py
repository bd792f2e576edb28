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
from clausescan.model.encoder import CELL, PageEncoder, StandardConv2d
from clausescan.model.fieldhead import FieldHead
from clausescan.model.language import LanguageModel
from clausescan.model.linefinder import TextLine, find_lines
from clausescan.model.reader import LineReader
from clausescan.model.resampler import Resampler
from clausescan.model.strips import STRIP_CELL, STRIP_HEIGHT, Strip, StripCutter, strip_of

BATCH_PX = 16384
"""Strip px read at once: enough to keep two cores busy, few enough to waste little on padding and memory."""
BEFORE, AFTER = 0.3, 0.6
"""X-heights by which a strip reaches beyond the found line, so that no comma is cut off."""


@dataclass(frozen=True)
class Sight:
    """What the model saw on one page: its lines in reading order and, along each, features and both heads' log-probabilities.

    `features[i]` is (T_i, C); `sequence[i]` and `glyphs[i]` are (2 T_i, K) float32; `strips[i]` tells where they lie.
    """

    size: tuple[int, int]
    lines: tuple[TextLine, ...]
    strips: tuple[Strip, ...]
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
            x = self.strips[i].x((np.arange(self.strips[i].cells) + 0.5) * STRIP_CELL)
            places.append(np.c_[x, middles(self.lines[i], x)] / self.size[1])
        return torch.cat([self.features[i] for i in which]), torch.from_numpy(np.concatenate(places).astype(np.float32))


def middles(line: TextLine, x: np.ndarray[Any, np.dtype[np.float64]]) -> np.ndarray[Any, np.dtype[np.float64]]:
    """A line's height at page `x` (N,); beyond its ends it goes on straight."""
    column = x / CELL - 0.5
    y = np.interp(column, np.arange(line.first, line.last + 1), line.y)
    for beyond in (column < line.first, column > line.last):
        if beyond.any():
            near, far = (line.y_at(float(c)) for c in (column[beyond].min(), column[beyond].max()))
            y[beyond] = np.interp(column[beyond], (column[beyond].min(), column[beyond].max()), (near, far))
    return np.asarray(y, np.float64)


class ClausescanForConditionalGeneration(PreTrainedModel, GenerationMixin):
    """The whole model. `forward` answers a prompt about a page; `look` and `choose` serve the pipeline."""

    config_class = ClausescanConfig
    config: ClausescanConfig
    base_model_prefix = "clausescan"
    main_input_name = "input_ids"
    _tied_weights_keys: dict[str, str] = {}  # noqa: RUF012 (an instance variable of the base)
    _supports_cache_class = True

    def __init__(self, config: ClausescanConfig) -> None:
        super().__init__(config)
        self.encoder = PageEncoder(config.encoder_widths, config.encoder_depths)
        self.reader = LineReader(config.reader_widths, config.reader_depths, config.line_channels, config.line_dilations)
        self.resampler = Resampler(config.line_channels, config.hidden_size, config.resampler, config.num_attention_heads)  # type: ignore[arg-type]
        self.language = LanguageModel(config.vocab_size, config.hidden_size, config.num_hidden_layers, config.num_attention_heads)
        self.choice = ChoiceHead(config.hidden_size, len(config.clause_types))
        self.fields = FieldHead(config.hidden_size, len(config.settled_fields)) if config.settled_fields else None
        self.post_init()  # type: ignore[no-untyped-call]

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
        """One page, (1, 1, H, W) ink in [0, 1] with H and W multiples of 16: its lines found, and each of them read once."""
        maps = self.encoder(pixel_values)[0].float()
        maps[0] = maps[0].sigmoid()
        height, width = pixel_values.shape[2:]
        lines = [line for line in find_lines(maps.cpu().numpy()) if line.x_height > 2]
        cutter = StripCutter(np.asarray((1 - pixel_values[0, 0].cpu()) * 255 + 0.5, np.uint8))
        strips = [
            strip_of(
                max(0.0, line.first * CELL - BEFORE * line.x_height),
                min(float(width), (line.last + 1) * CELL + AFTER * line.x_height),
                line.x_height,
            )
            for line in lines
        ]
        features: list[Tensor] = [torch.zeros(0)] * len(lines)
        sequence: list[Any] = [None] * len(lines)
        glyphs: list[Any] = [None] * len(lines)
        for batch in _batches([s.width for s in strips]):
            longest = max(strips[i].width for i in batch)
            pixels = np.full((len(batch), STRIP_HEIGHT, longest), 255, np.uint8)
            mask = torch.zeros(len(batch), longest // STRIP_CELL, dtype=torch.bool)
            for k, i in enumerate(batch):
                middle = middles(lines[i], strips[i].x(np.arange(strips[i].width) + 0.5))
                pixels[k, :, : strips[i].width] = cutter.cut(strips[i], middle)
                mask[k, : strips[i].cells] = True
            ink = 1.0 - torch.from_numpy(pixels)[:, None].to(pixel_values.device).float() / 255.0
            states, spoken, seen = self.reader(ink, mask.to(ink.device))
            spoken_p, seen_p = (z.float().log_softmax(-1).cpu().numpy() for z in (spoken, seen))
            for k, i in enumerate(batch):
                t = strips[i].cells
                features[i], sequence[i], glyphs[i] = states[k, :t].float(), spoken_p[k, : 2 * t], seen_p[k, : 2 * t]
        return Sight((height, width), tuple(lines), tuple(strips), tuple(features), tuple(sequence), tuple(glyphs))

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
        output_hidden_states: bool = False,
        **kwargs: Any,  # noqa: ARG002 (what `generate` passes on)
    ) -> CausalLMOutputWithPast:
        """Answer tokens' logits (B, T, V); with `output_hidden_states` the last layer's states (B, T, D) as well.

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


def _batches(widths: list[int]) -> list[list[int]]:
    """Strips of like width together, at most BATCH_PX padded px a batch (but at least one strip)."""
    batches: list[list[int]] = []
    for i in sorted(range(len(widths)), key=lambda i: -widths[i]):
        if not batches or widths[batches[-1][0]] * (len(batches[-1]) + 1) > BATCH_PX:
            batches.append([])
        batches[-1].append(i)
    return batches


AutoConfig.register("clausescan", ClausescanConfig, exist_ok=True)
AutoModelForImageTextToText.register(ClausescanConfig, ClausescanForConditionalGeneration, exist_ok=True)
