"""The line reader: strips of text lines in, characters out, by two heads.

Legend: L lines, W strip width in px (a multiple of 8), T = W/8 cells along a line, C channels, K classes.
Two heads read independently: `glyphs` sees a few letters around each frame, `sequence` sees the line as a whole. Each cell
holds two frames, so that a step is 4 px and "ll" survives. The states along the line are what the resampler compresses.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from clausescan.model.charset import NUM_CLASSES
from clausescan.model.encoder import Block, StandardConv2d
from clausescan.model.strips import STRIP_HEIGHT

FRAMES = 2
"""Frames a cell."""
_ROWS = STRIP_HEIGHT // 8


class LineBlock(nn.Module):
    """A residual pair of convolutions along a line."""

    def __init__(self, channels: int, dilation: int) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(channels)
        self.first = nn.Conv1d(channels, channels, 5, padding=2 * dilation, dilation=dilation)
        self.second = nn.Conv1d(channels, channels, 1)
        self.scale = nn.Parameter(torch.full((1, channels, 1), 0.3))

    def forward(self, x: Tensor) -> Tensor:
        """(L, C, T) to the same shape."""
        y: Tensor = self.norm(x.transpose(1, 2)).transpose(1, 2)
        y = self.second(F.gelu(self.first(y)))
        return x + y * self.scale.to(y.dtype)


class LineReader(nn.Module):
    """Convolutions over the strip, then along the line; a head after each."""

    def __init__(
        self,
        widths: tuple[int, int, int] = (32, 56, 112),
        depths: tuple[int, int] = (2, 3),
        channels: int = 256,
        dilations: tuple[int, ...] = (1, 2, 3, 4),
    ) -> None:
        super().__init__()
        self.stem = StandardConv2d(4, widths[0], 3, gain=4.0)
        self.down1 = StandardConv2d(widths[0], widths[1], 2, 2)
        self.stage1 = nn.Sequential(*(Block(widths[1], widths[1]) for _ in range(depths[0])))
        self.down2 = StandardConv2d(widths[1], widths[2], (2, 1), (2, 1))
        self.stage2 = nn.Sequential(*(Block(widths[2], widths[2] * 2 // 3) for _ in range(depths[1])))
        self.glyphs = nn.Linear(_ROWS * widths[2], NUM_CLASSES)
        self.enter = nn.Linear(_ROWS * widths[2] * FRAMES, channels)
        self.blocks = nn.Sequential(*(LineBlock(channels, d) for d in dilations))
        self.leave = nn.Linear(channels, FRAMES * NUM_CLASSES)
        self.channels = channels

    def frames(self, strips: Tensor) -> Tensor:
        """(L, 1, STRIP_HEIGHT, W) ink in [0, 1] to features of every frame (L, 2T, rows * C)."""
        x = F.pixel_unshuffle(strips, 2).contiguous(memory_format=torch.channels_last)  # (L, 4, 20, W/2)
        x = self.stage1(self.down1(F.relu(self.stem(x))))  # (L, C, 10, W/4)
        x = F.relu(self.stage2(self.down2(F.relu(x))))  # (L, C, 5, W/4)
        return x.permute(0, 3, 2, 1).flatten(2)

    def forward(self, strips: Tensor, mask: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """States (L, T, channels) and logits (L, 2T, K) of the sequence head and of the glyph head.

        `strips` is (L, 1, STRIP_HEIGHT, W) ink in [0, 1], `mask` (L, T) true on the line and false on its padding.
        """
        x = self.frames(strips)
        glyphs = self.glyphs(x)
        x = self.enter(x.reshape(x.shape[0], x.shape[1] // FRAMES, -1)) * mask[..., None].to(x.dtype)
        states = self.blocks(x.transpose(1, 2)).transpose(1, 2)
        sequence = self.leave(F.gelu(states)).reshape(states.shape[0], -1, NUM_CLASSES)
        return states, sequence, glyphs
