"""Reader heads on the fine map: where the lines run, and what they say.

Legend: B pages, C channels, h = H/16 and w = W/8 cells of the fine map, K classes, L lines, T = cells along a line.
Two heads read independently: `glyphs` sees one cell's features (about 100 px around it), `sequence` sees the line as a
whole. Each cell holds two sub-frames, so that a step is 4 px and "ll" survives.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from clausescan.model.charset import NUM_CLASSES

SUBFRAMES = 2
LINE_CHANNELS = 3
"""Of a line map: band logit, vertical offset to the line's middle (in 8 px cells), log of x-height over 16 px."""
TAPS_PX = (-7.0, 5.0)
"""Heights, relative to the x-height's middle, at which a line samples the fine map."""


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
        y = self.norm(x.transpose(1, 2)).transpose(1, 2)
        y = self.second(F.gelu(self.first(y)))
        return x + y * self.scale.to(y.dtype)


class ReaderHeads(nn.Module):
    """Line maps, glyph logits and the line reader."""

    def __init__(self, channels: int = 192, line_channels: int = 256, dilations: tuple[int, ...] = (1, 1, 2, 3, 4)) -> None:
        super().__init__()
        self.lines_hidden = nn.Conv2d(channels, 64, 3, padding=1)
        self.lines = nn.Conv2d(64, 2 * LINE_CHANNELS, 1)
        self.glyphs = nn.Conv2d(channels, SUBFRAMES * NUM_CLASSES, 1)
        self.enter = nn.Linear(channels * len(TAPS_PX), line_channels)
        self.blocks = nn.Sequential(*(LineBlock(line_channels, d) for d in dilations))
        self.leave = nn.Linear(line_channels, SUBFRAMES * NUM_CLASSES)
        nn.init.constant_(self.lines.bias, 0.0)  # type: ignore[arg-type]

    def line_maps(self, fine: Tensor) -> Tensor:
        """(B, C, h, w) to (B, 3, 2h, w): cells of 8 x 8 px."""
        x = self.lines(F.relu(self.lines_hidden(F.relu(fine))))  # (B, 6, h, w)
        b, _, h, w = x.shape
        return x.view(b, LINE_CHANNELS, 2, h, w).permute(0, 1, 3, 2, 4).reshape(b, LINE_CHANNELS, 2 * h, w)

    def glyph_logits(self, fine: Tensor, page: Tensor, column: Tensor, y_px: Tensor) -> Tensor:
        """Glyph logits at the cells under a line: (L, T) indices and heights to (L, 2T, K)."""
        row = (y_px / 16.0 - 0.5).round().long().clamp(0, fine.shape[2] - 1)
        cells = F.relu(fine.permute(0, 2, 3, 1)[page[:, None], row, column])  # (L, T, C)
        logits = F.linear(cells, self.glyphs.weight.flatten(1).to(cells.dtype), self.glyphs.bias.to(cells.dtype))  # type: ignore[union-attr]
        return logits.reshape(logits.shape[0], -1, NUM_CLASSES)

    def line_states(self, fine: Tensor, page: Tensor, column: Tensor, y_px: Tensor, mask: Tensor) -> Tensor:
        """The line reader's states: page (L,), column (L, T) cell indices, y_px (L, T) line middle, mask (L, T) to (L, T, line_channels)."""
        x = self.sample(fine, page, column, y_px)  # (L, T, taps * C)
        x = self.enter(x) * mask[..., None].to(x.dtype)
        return self.blocks(x.transpose(1, 2)).transpose(1, 2)  # type: ignore[no-any-return]

    def leave_logits(self, states: Tensor) -> Tensor:
        """(L, T, line_channels) to character logits (L, 2T, K)."""
        return self.leave(F.gelu(states)).reshape(states.shape[0], -1, NUM_CLASSES)  # type: ignore[no-any-return]

    def sequence_logits(self, fine: Tensor, page: Tensor, column: Tensor, y_px: Tensor, mask: Tensor) -> Tensor:
        """Line logits (L, 2T, K); arguments as for `line_states`."""
        return self.leave_logits(self.line_states(fine, page, column, y_px, mask))

    @staticmethod
    def sample(fine: Tensor, page: Tensor, column: Tensor, y_px: Tensor) -> Tensor:
        """Features along lines at the tap heights, interpolated between rows: (L, T, taps * C)."""
        flat = F.relu(fine.permute(0, 2, 3, 1))  # (B, h, w, C)
        last = flat.shape[1] - 1
        out = []
        for tap in TAPS_PX:
            y = ((y_px + tap) / 16.0 - 0.5).clamp(0, last)
            top = y.floor().long()
            part = (y - top).unsqueeze(-1).to(flat.dtype)
            upper = flat[page[:, None], top, column]
            lower = flat[page[:, None], (top + 1).clamp(max=last), column]
            out.append(upper * (1 - part) + lower * part)
        return torch.cat(out, -1)
