"""The page encoder: every pixel of the page enters once, at a cost linear in pixels.

Shapes: B batch, H and W the page in pixels (multiples of 16). A (B, 1, H, W) page in [0, 1] (ink near 1) becomes the page
map of (B, C, H/8, W/8), from which the text lines are found. No layer sees more than a fixed neighbourhood, so operations
grow in proportion to H*W.

Convolutions are weight-standardised and the network has no normalisation layers (Brock et al. 2021, "High-Performance
Large-Scale Image Recognition Without Normalization"): the batch size does not matter, nothing differs between training and
use, and on a CPU the memory traffic of batch normalisation, which costs as much as the convolutions, falls away.
Depthwise convolutions are avoided for the same reason: their backward pass reaches a thirtieth of a dense one's speed.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

CELL = 8
"""Pixels a cell of the page map, both ways."""
MULTIPLE = 16
"""The page's height and width must be multiples of this."""
LINE_CHANNELS = 3
"""Of a line map: band logit, vertical offset to the line's middle (in cells), log of x-height over 16 px."""

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
    """From the page to its line maps: 8 x 8 px cells, a look around at half that resolution, and back."""

    def __init__(self, widths: tuple[int, int] = (48, 80), depths: tuple[int, int] = (1, 4)) -> None:
        super().__init__()
        self.stem = StandardConv2d(CELL * CELL, widths[0], 3, gain=4.0)
        self.near = nn.Sequential(*(Block(widths[0], widths[0]) for _ in range(depths[0])))
        self.down = StandardConv2d(widths[0], widths[1], 2, 2)
        self.far = nn.Sequential(*(Block(widths[1], widths[1] * 2 // 3) for _ in range(depths[1])))
        self.back = nn.Conv2d(widths[1], widths[0], 1)
        self.join = Block(widths[0], widths[0])
        self.lines = nn.Conv2d(widths[0], LINE_CHANNELS, 1)
        nn.init.zeros_(self.lines.bias)  # type: ignore[arg-type]

    def forward(self, page: Tensor) -> Tensor:
        """(B, 1, H, W) ink in [0, 1] to line maps (B, 3, H/8, W/8)."""
        x = F.pixel_unshuffle(page, CELL).contiguous(memory_format=torch.channels_last)  # (B, 64, H/8, W/8)
        x = self.near(self.stem(x))
        y = self.far(self.down(F.relu(x)))  # (B, C, H/16, W/16)
        x = self.join(x + F.interpolate(self.back(F.relu(y)), scale_factor=2.0))
        return self.lines(F.relu(x))  # type: ignore[no-any-return]
