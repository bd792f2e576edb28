"""Checkpoints that survive a kill: written beside and renamed, so that the last good one is always whole."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Protocol

import torch
from torch import Tensor, nn


class Optimiser(Protocol):
    """Whatever has a state to go on from."""

    def state_dict(self) -> dict[str, Any]:
        """The state."""

    def load_state_dict(self, state: dict[str, Any], /) -> None:
        """Restore it."""


class Average:
    """An exponential moving average of a model's weights, which reads better than the weights of any one step."""

    def __init__(self, model: nn.Module, decay: float = 0.998) -> None:
        self.decay = decay
        self.state: dict[str, Tensor] = {k: v.detach().clone() for k, v in model.state_dict().items()}

    @torch.no_grad()
    def update(self, model: nn.Module, step: int) -> None:
        """Take in the model's weights; early steps are forgotten sooner."""
        decay = min(self.decay, (step + 1) / (step + 10))
        for name, value in model.state_dict().items():
            self.state[name].lerp_(value, 1 - decay)

    @contextmanager
    def shown(self, model: nn.Module) -> Iterator[None]:
        """The model with averaged weights, for a while."""
        own = {k: v.detach().clone() for k, v in model.state_dict().items()}
        model.load_state_dict(self.state)
        try:
            yield
        finally:
            model.load_state_dict(own)


def save_checkpoint(
    path: Path,
    model: nn.Module,
    optimiser: Optimiser,
    step: int,
    about: dict[str, Any],
    average: Average | None = None,
) -> None:
    """Write model, its average, optimiser and step; the old file is replaced only when the new one is on disk."""
    path.parent.mkdir(parents=True, exist_ok=True)
    beside = path.with_suffix(".part")
    state = {"model": model.state_dict(), "optimiser": optimiser.state_dict(), "step": step, "about": about}
    if average is not None:
        state["average"] = average.state
    with beside.open("wb") as file:
        torch.save(state, file)
        file.flush()
        os.fsync(file.fileno())
    beside.replace(path)


def load_checkpoint(
    path: Path,
    model: nn.Module,
    optimiser: Optimiser | None = None,
    average: Average | None = None,
    *,
    averaged: bool = False,
) -> int:
    """Restore what `save_checkpoint` wrote, the averaged weights if `averaged`; 0 when there is no checkpoint."""
    if not path.exists():
        return 0
    state = torch.load(path, map_location="cpu", weights_only=True)
    model.load_state_dict(state["average" if averaged and "average" in state else "model"])
    if optimiser is not None:
        optimiser.load_state_dict(state["optimiser"])
    if average is not None:
        average.state = {k: v.clone() for k, v in state.get("average", state["model"]).items()}
    return int(state["step"])


def mean_checkpoint(files: Sequence[Path], out: Path) -> None:
    """Write the mean of several runs' averaged weights, of one shape and one origin, as a checkpoint to assemble.

    Wortsman and others, Model soups (2022): the mean of models finetuned from one is often better than each of them.
    """
    states = [torch.load(file, map_location="cpu", weights_only=True)["average"] for file in files]
    mean = {name: torch.stack([state[name].float() for state in states]).mean(0) for name in states[0]}
    out.parent.mkdir(parents=True, exist_ok=True)
    torch.save(
        {"model": mean, "average": mean, "optimiser": {}, "step": 0, "about": {"mean": [str(file) for file in files]}}, out
    )
