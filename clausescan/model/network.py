"""The compact vision-language model, put together: encoder, reader heads, resampler, language model, line choice.

Legend: H, W page pixels; M line features a page; n visual tokens (the budget); T positions; D width; V vocabulary.
A page goes through the encoder once. Lines are found on its map; the line reader's states along them are both what the
transcript is read from and what the resampler compresses for the language model.

Only torch is needed here: to import transformers takes longer than to read a page. Its face is `clausescan.model.modeling`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from clausescan.model.choice import ChoiceHead
from clausescan.model.dimensions import Dimensions
from clausescan.model.encoder import CELL, PageEncoder, StandardConv2d
from clausescan.model.fieldhead import FieldHead
from clausescan.model.language import Cache, LanguageModel
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


class Parts(nn.Module):
    """What the compact model is made of, under the weights' names, and what it does, whichever class its dimensions come with."""

    encoder: PageEncoder
    reader: LineReader
    resampler: Resampler
    language: LanguageModel
    choice: ChoiceHead
    fields: FieldHead | None

    def build(self, size: Dimensions) -> None:
        """Make the parts, each of which draws its own first weights."""
        self.encoder = PageEncoder(size.encoder_widths, size.encoder_depths)
        self.reader = LineReader(size.reader_widths, size.reader_depths, size.line_channels, size.line_dilations)
        self.resampler = Resampler(size.line_channels, size.hidden_size, size.resampler, size.num_attention_heads)  # type: ignore[arg-type]
        self.language = LanguageModel(size.vocab_size, size.hidden_size, size.num_hidden_layers, size.num_attention_heads)
        self.choice = ChoiceHead(size.hidden_size, len(size.clause_types))
        self.fields = FieldHead(size.hidden_size, len(size.settled_fields)) if size.settled_fields else None
        self.width, self.image = size.hidden_size, size.image_token_id

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
            return torch.zeros(budget, self.width)
        return self.resampler(features, places, budget)  # type: ignore[no-any-return]

    def choose(self, visual: Tensor | None, tokens: Tensor, first: Tensor) -> Tensor:
        """Line choice: transcript tokens (T,) and the places (W,) of its words' first tokens to scores (W, types, 3)."""
        embedded = self.language.embedding(tokens)[None]
        shift = 0
        if visual is not None:
            embedded, shift = torch.cat((visual[None].to(embedded.dtype), embedded), 1), len(visual)
        hidden = self.language(embedded, embedded.shape[1])
        return self.choice(hidden[0, first + shift]).float()  # type: ignore[no-any-return]

    def states(self, tokens: Tensor, visual: Tensor | None, given: int, cache: Cache | None = None) -> Tensor:
        """The language model's states (B, T, D) over tokens (B, T), of which the first `given` see each other.

        `visual` (n, D) stand in the places of as many image tokens. With a `cache`, the tokens stand after what it holds, and are
        added to it. Raises ValueError when there are more or fewer image tokens than visual ones.
        """
        embedded = self.language.embedding(tokens)
        if visual is not None:
            image = tokens == self.image
            if int(image.sum()) != len(visual):
                raise ValueError(f"{int(image.sum())} image tokens for {len(visual)} visual tokens")
            embedded = embedded.masked_scatter(image[..., None], visual.to(embedded.dtype))
        return self.language(embedded, given, cache)  # type: ignore[no-any-return]


class Network(Parts):
    """The compact model for use: built by its dimensions, without transformers."""

    def __init__(self, size: Dimensions) -> None:
        super().__init__()
        self.config = size
        self.build(size)


def _batches(widths: list[int]) -> list[list[int]]:
    """Strips of like width together, at most BATCH_PX padded px a batch (but at least one strip)."""
    batches: list[list[int]] = []
    for i in sorted(range(len(widths)), key=lambda i: -widths[i]):
        if not batches or widths[batches[-1][0]] * (len(batches[-1]) + 1) > BATCH_PX:
            batches.append([])
        batches[-1].append(i)
    return batches
