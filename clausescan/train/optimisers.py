"""Muon (Jordan et al. 2024) for the hidden matrices, AdamW for all else.

Muon replaces a matrix's momentum by the nearest orthogonal matrix, so that rare directions move as far as frequent ones. Its
update is scaled to AdamW's root mean square (Liu et al. 2025), so one learning rate serves both.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import nn

BETAS = (0.9, 0.97)
MOMENTUM = 0.95


class MuonAndAdam:
    """The two optimisers of one model, used as one: same rate and weight decay in all groups."""

    def __init__(self, model: nn.Module, rate: float, weight_decay: float) -> None:
        hidden: list[nn.Parameter] = []
        other: list[nn.Parameter] = []
        for name, p in model.named_parameters():
            (hidden if p.ndim == 2 and not name.endswith(("embedding.weight", "leave.weight")) else other).append(p)
        self.muon = torch.optim.Muon(
            hidden, lr=rate, weight_decay=weight_decay, momentum=MOMENTUM, adjust_lr_fn="match_rms_adamw"
        )
        self.adam = torch.optim.AdamW(other, lr=rate, betas=BETAS, weight_decay=weight_decay)

    def set_rate(self, rate: float) -> None:
        """The learning rate of the next step."""
        for group in (*self.muon.param_groups, *self.adam.param_groups):
            group["lr"] = rate

    def zero_grad(self, set_to_none: bool = True) -> None:
        """Forget all gradients."""
        self.muon.zero_grad(set_to_none)
        self.adam.zero_grad(set_to_none)

    def step(self) -> None:
        """Move all parameters."""
        self.muon.step()  # type: ignore[no-untyped-call]
        self.adam.step()

    def state_dict(self) -> dict[str, Any]:
        """Both optimisers' states."""
        return {"muon": self.muon.state_dict(), "adam": self.adam.state_dict()}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Restore what `state_dict` gave."""
        self.muon.load_state_dict(state["muon"])
        self.adam.load_state_dict(state["adam"])
