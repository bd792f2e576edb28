"""Query resamplers: any number of page features in, a fixed budget of visual tokens out.

Features lie along the text lines: one vector every 8 px, (M, C), lines in reading order, with each vector's place on the
page. Three designs share one interface, so that they can be compared at equal budgets:

- `anchored` (ours): query k owns the k-th share of the features and attends to nothing else. Cost M, no search for
  where to look, and neighbouring tokens stand for neighbouring words.
- `perceiver`: free learnt queries attend to all features (Alayrac et al. 2022, Flamingo). Cost M times the budget.
- `c_abstractor`: convolutions along the features, then adaptive average pooling, then convolutions (Cha et al. 2023, Honeybee).

Legend: M features, n tokens (the budget), S features a token, C feature channels, D the language model's width.
"""

from __future__ import annotations

import math
from typing import Literal

import torch
import torch.nn.functional as F
from torch import Tensor, nn

Kind = Literal["anchored", "perceiver", "c_abstractor"]
BUDGETS = (64, 128, 256)
PLACE_DIMS = 32


def place_features(places: Tensor) -> Tensor:
    """Sines and cosines of (M, 2) page places in [0, 1] (x over width, y over width): (M, 2 * PLACE_DIMS)."""
    rate = torch.exp2(torch.arange(PLACE_DIMS // 2, device=places.device).float() * 0.5) * math.pi
    angle = places.float()[:, :, None] * rate
    return torch.cat((angle.sin(), angle.cos()), -1).flatten(1)


class Resampler(nn.Module):
    """(M, C) features and (M, 2) places to (n, D) visual tokens."""

    def __init__(self, channels: int = 256, width: int = 320, kind: Kind = "anchored", heads: int = 5) -> None:
        super().__init__()
        self.kind, self.heads = kind, heads
        self.enter = nn.Linear(channels, width)
        self.place = nn.Linear(2 * PLACE_DIMS, width)
        if kind == "perceiver":
            self.queries = nn.Parameter(torch.randn(max(BUDGETS), width) * 0.02)
        if kind == "c_abstractor":
            self.before = nn.ModuleList(nn.Conv1d(width, width, 5, padding=2) for _ in range(2))
            self.after = nn.ModuleList(nn.Conv1d(width, width, 3, padding=1) for _ in range(2))
        else:
            self.query = nn.Linear(width, width, bias=False)
            self.key = nn.Linear(width, width, bias=False)
            self.value = nn.Linear(width, width, bias=False)
            self.out = nn.Linear(width, width, bias=False)
        self.norm = nn.LayerNorm(width)
        self.mix = nn.Sequential(nn.LayerNorm(width), nn.Linear(width, 2 * width), nn.GELU(), nn.Linear(2 * width, width))
        self.leave = nn.LayerNorm(width)

    def forward(self, features: Tensor, places: Tensor, budget: int) -> Tensor:
        """Exactly `budget` tokens, (n, D); fewer features than tokens are repeated, none at all give zeros.

        Raises ValueError for a budget beyond the largest of :data:`BUDGETS`.
        """
        if not 1 <= budget <= max(BUDGETS):
            raise ValueError(f"a budget of {budget} visual tokens is not between 1 and {max(BUDGETS)}")
        n = budget
        if not len(features):
            return features.new_zeros(n, self.leave.normalized_shape[0])
        if len(features) < n:
            again = torch.arange(n, device=features.device) * len(features) // n
            features, places = features[again], places[again]
        x = self.enter(features) + self.place(place_features(places).to(features.dtype))
        x = self.norm(x)
        if self.kind == "anchored":
            y = self._anchored(x, n)
        elif self.kind == "perceiver":
            y = self._attend(self.queries[:n].to(x.dtype)[None], x[None])[0]
        else:
            y = self._pooled(x, n)
        return self.leave(y + self.mix(y))  # type: ignore[no-any-return]

    def _anchored(self, x: Tensor, n: int) -> Tensor:
        """Each query is the mean of its own share, and attends to that share only."""
        m = len(x)
        edge = torch.arange(n + 1, device=x.device) * m // n
        size = int((edge[1:] - edge[:-1]).max())
        index = edge[:-1, None] + torch.arange(size, device=x.device)[None]  # (n, S)
        inside = index < edge[1:, None]
        share = x[index.clamp(max=m - 1)] * inside[..., None].to(x.dtype)  # (n, S, D)
        mean = share.sum(1, keepdim=True) / inside.sum(1).to(x.dtype)[:, None, None]
        return mean[:, 0] + self._attend(mean, share, inside[:, None, None])[:, 0]

    def _attend(self, q: Tensor, x: Tensor, mask: Tensor | None = None) -> Tensor:
        """Cross-attention of (B, Q, D) queries over (B, S, D)."""
        b, t, d = q.shape
        split = (b, -1, self.heads, d // self.heads)
        query = self.query(q).view(split).transpose(1, 2)
        key, value = (f(x).view(split).transpose(1, 2) for f in (self.key, self.value))
        scores = query @ key.transpose(-1, -2) * (d // self.heads) ** -0.5
        if mask is not None:
            scores = scores.masked_fill(~mask, float("-inf"))
        y = scores.softmax(-1, dtype=scores.dtype) @ value
        return self.out(y.transpose(1, 2).reshape(b, t, d))  # type: ignore[no-any-return]

    def _pooled(self, x: Tensor, n: int) -> Tensor:
        y = x.t()[None]
        for conv in self.before:
            y = y + F.gelu(conv(y))
        y = F.adaptive_avg_pool1d(y.float(), n).to(y.dtype)
        for conv in self.after:
            y = y + F.gelu(conv(y))
        return y[0].t()
