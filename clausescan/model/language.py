"""The small language model: one stack of transformer layers that looks both ways over what it is given and forward only
over what it writes (a prefix language model).

Legend: B sequences, T positions, P of them given (visual tokens, prompt, transcript), D width, N heads, V vocabulary.
"""

from __future__ import annotations

from typing import Protocol

import torch
import torch.nn.functional as F
from torch import Tensor, nn


class Cache(Protocol):
    """What the layers ask of a cache; that of transformers fulfils it."""

    def update(self, keys: Tensor, values: Tensor, number: int, /) -> tuple[Tensor, Tensor]:
        """Add a layer's keys and values, (B, N, T, D/N) each; all that it now holds of that layer."""

    def get_seq_length(self) -> int:
        """How many positions it holds."""


class GrowingCache:
    """Keys and values of every position so far, layer by layer."""

    def __init__(self) -> None:
        self._layers: list[tuple[Tensor, Tensor]] = []

    def update(self, keys: Tensor, values: Tensor, number: int, /) -> tuple[Tensor, Tensor]:
        """As `Cache.update`; layers come in their order the first time."""
        if number == len(self._layers):
            self._layers.append((keys, values))
        else:
            before = self._layers[number]
            self._layers[number] = torch.cat((before[0], keys), 2), torch.cat((before[1], values), 2)
        return self._layers[number]

    def get_seq_length(self) -> int:
        """As `Cache.get_seq_length`."""
        return self._layers[0][0].shape[2] if self._layers else 0


def rotary_angles(positions: Tensor, dims: int, theta: float = 10000.0) -> tuple[Tensor, Tensor]:
    """Cosine and sine of the rotary embedding (Su et al. 2021): positions (T,) to two (T, dims / 2)."""
    rate = theta ** (-torch.arange(0, dims, 2, device=positions.device).float() / dims)
    angle = positions.float()[:, None] * rate
    return angle.cos(), angle.sin()


def rotate(x: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
    """Turn (B, N, T, D/N) by its positions, the two halves of the width as pairs."""
    a, b = x.chunk(2, -1)
    cos, sin = cos.to(x.dtype), sin.to(x.dtype)
    return torch.cat((a * cos - b * sin, b * cos + a * sin), -1)


def attend(q: Tensor, k: Tensor, v: Tensor, mask: Tensor | None = None) -> Tensor:
    """Softmax attention of (B, N, T, d) queries over (B, N, S, d) keys; `mask` (T, S) is true where it may look.

    Written out: with the short sequences here plain matrix products beat torch's fused CPU kernel, whose backward pass
    took two fifths of a training step.
    """
    scores: Tensor = (q * q.shape[-1] ** -0.5) @ k.transpose(-1, -2)
    if mask is not None:
        scores = scores.masked_fill(~mask, float("-inf"))
    return scores.softmax(-1, dtype=scores.dtype) @ v


class Layer(nn.Module):
    """Attention and a feed-forward network, each behind a norm and beside a skip connection."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.norm1 = nn.LayerNorm(width, bias=False)
        self.qkv = nn.Linear(width, 3 * width, bias=False)
        self.out = nn.Linear(width, width, bias=False)
        self.norm2 = nn.LayerNorm(width, bias=False)
        self.up = nn.Linear(width, 4 * width, bias=False)
        self.down = nn.Linear(4 * width, width, bias=False)

    def forward(self, x: Tensor, cos: Tensor, sin: Tensor, given: int, number: int, cache: Cache | None) -> Tensor:
        """(B, T, D) to the same; the first `given` positions see each other, later ones all before them.

        `cache` keeps the keys and values of layer `number`; whatever it already holds stands before x.
        """
        b, t, d = x.shape
        qkv = self.qkv(self.norm1(x)).view(b, t, 3, self.heads, d // self.heads).permute(2, 0, 3, 1, 4)
        q, k, v = rotate(qkv[0], cos, sin), rotate(qkv[1], cos, sin), qkv[2]  # (B, N, T, D/N)
        if cache is not None:
            k, v = cache.update(k, v, number)
        before = k.shape[2] - t
        parts = []
        if given:
            end = before + given
            parts.append(attend(q[:, :, :given], k[:, :, :end], v[:, :, :end]))
        if given < t:
            fresh = t - given
            mask = (
                torch.ones(fresh, k.shape[2], dtype=torch.bool, device=x.device).tril(k.shape[2] - fresh) if fresh > 1 else None
            )
            parts.append(attend(q[:, :, given:], k, v, mask))
        y = torch.cat(parts, 2) if len(parts) > 1 else parts[0]
        x = x + self.out(y.transpose(1, 2).reshape(b, t, d))
        return x + self.down(F.gelu(self.up(self.norm2(x)), approximate="tanh"))  # type: ignore[no-any-return]


class LanguageModel(nn.Module):
    """Embedding, layers, and a vocabulary head that shares the embedding's weights."""

    def __init__(self, vocabulary: int = 2048, width: int = 320, layers: int = 6, heads: int = 5) -> None:
        super().__init__()
        self.heads = heads
        self.embedding = nn.Embedding(vocabulary, width)
        stack = [Layer(width, heads) for _ in range(layers)]
        self.layers = nn.ModuleList(stack)
        self.norm = nn.LayerNorm(width, bias=False)
        nn.init.normal_(self.embedding.weight, std=0.02)
        for layer in stack:
            for linear in (layer.qkv, layer.up):
                nn.init.normal_(linear.weight, std=0.02)
            for linear in (layer.out, layer.down):
                nn.init.normal_(linear.weight, std=0.02 / (2 * layers) ** 0.5)

    def forward(self, embedded: Tensor, given: int, cache: Cache | None = None) -> Tensor:
        """(B, T, D) embedded inputs to hidden states (B, T, D); the first `given` of them see each other.

        With a `cache`, the inputs stand after what it holds, and are added to it.
        """
        width = embedded.shape[-1] // self.heads
        start = cache.get_seq_length() if cache is not None else 0
        cos, sin = rotary_angles(torch.arange(start, start + embedded.shape[1], device=embedded.device), width)
        x = embedded
        for n, layer in enumerate(self.layers):
            x = layer(x, cos, sin, given, n, cache)
        return self.norm(x)  # type: ignore[no-any-return]

    def logits(self, hidden: Tensor) -> Tensor:
        """(..., D) to (..., V)."""
        return F.linear(hidden, self.embedding.weight.to(hidden.dtype))
