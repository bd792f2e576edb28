"""The page encoder: every pixel once, at a cost linear in pixels.

Shapes: B batch, H and W the page in pixels (H a multiple of 16, W of 8). A (B, 1, H, W) page in [0, 1] (ink near 1) becomes the
fine map F of (B, C, H/16, W/8). No layer sees more than a fixed neighbourhood, so operations grow in proportion to H*W.

Convolutions are weight-standardised and the network has no normalisation layers (Brock et al. 2021, "High-Performance
Large-Scale Image Recognition Without Normalization"): the batch size does not matter, nothing differs between training and
use, and on a CPU the memory traffic of batch normalisation, which costs as much as the convolutions, falls away.
Depthwise convolutions are avoided for the same reason: their backward pass reaches a thirtieth of a dense one's speed.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

STRIDE_Y = 16
STRIDE_X = 8
"""Pixels a cell of the fine map, vertically and horizontally."""

RELU_GAIN = 1.7139
"""Keeps unit variance through the ReLU before a convolution (sqrt(2 / (1 - 1/pi))); folded into its filters."""


class StandardConv2d(nn.Conv2d):
    """A convolution whose filters are standardised to zero mean and variance 1/fan-in, then scaled by a learnt gain."""

    def __init__(
        self, inputs: int, outputs: int, kernel: int | tuple[int, int], stride: int | tuple[int, int] = 1, gain: float = RELU_GAIN
    ) -> None:
        k = (kernel, kernel) if isinstance(kernel, int) else kernel
        s = (stride, stride) if isinstance(stride, int) else stride
        padding = (0, 0) if k == s else (k[0] // 2, k[1] // 2)
        super().__init__(inputs, outputs, k, s, padding)
        self.gain = nn.Parameter(torch.full((outputs, 1, 1, 1), gain))
        self.folded = False

    def standard_weight(self) -> Tensor:
        """The filters as used, (outputs, inputs, kH, kW)."""
        w = self.weight
        fan_in = w[0].numel()
        var, mean = torch.var_mean(w, dim=(1, 2, 3), keepdim=True)
        return (w - mean) * torch.rsqrt(var * fan_in + 1e-6) * self.gain

    def fold(self) -> None:
        """Write the standardised filters into the weight, for use only."""
        if not self.folded:
            with torch.no_grad():
                self.weight.copy_(self.standard_weight())
            self.folded = True

    def forward(self, x: Tensor) -> Tensor:
        """(B, inputs, h, w) to (B, outputs, h', w')."""
        weight = self.weight if self.folded else self.standard_weight()
        return F.conv2d(x, weight, self.bias, self.stride, self.padding)


class Block(nn.Module):
    """Two 3x3 convolutions through `inner` channels beside a skip connection; the branch's learnt gain starts small."""

    def __init__(self, channels: int, inner: int) -> None:
        super().__init__()
        self.first = StandardConv2d(channels, inner, 3)
        self.second = StandardConv2d(inner, channels, 3, gain=0.25 * RELU_GAIN)

    def forward(self, x: Tensor) -> Tensor:
        """(B, C, h, w) to the same shape."""
        return x + self.second(F.relu(self.first(F.relu(x))))  # type: ignore[no-any-return]


class PageEncoder(nn.Module):
    """Stem and three stages: 1/4, 1/8, then (1/16, 1/8) of the page."""

    def __init__(self, widths: tuple[int, int, int] = (48, 96, 192), depths: tuple[int, int, int] = (1, 2, 4)) -> None:
        super().__init__()
        self.stem = StandardConv2d(16, widths[0], 3, gain=4.0)
        self.stage1 = nn.Sequential(*(Block(widths[0], widths[0]) for _ in range(depths[0])))
        self.down1 = StandardConv2d(widths[0], widths[1], 2, 2)
        self.stage2 = nn.Sequential(*(Block(widths[1], widths[1]) for _ in range(depths[1])))
        self.down2 = StandardConv2d(widths[1], widths[2], (2, 1), (2, 1))
        self.stage3 = nn.Sequential(*(Block(widths[2], widths[2] * 2 // 3) for _ in range(depths[2])))
        self.out_channels = widths[2]

    def forward(self, page: Tensor) -> Tensor:
        """(B, 1, H, W) ink in [0, 1] to the fine map (B, C, H/16, W/8)."""
        x = F.pixel_unshuffle(page, 4)  # (B, 16, H/4, W/4)
        x = x.contiguous(memory_format=torch.channels_last)
        x = self.stage1(self.stem(x))  # (B, 48, H/4, W/4)
        x = self.stage2(self.down1(F.relu(x)))  # (B, 96, H/8, W/8)
        return self.stage3(self.down2(F.relu(x)))  # type: ignore[no-any-return]
