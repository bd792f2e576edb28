"""Checkpoints that survive a kill: written beside and renamed, so that the last good one is always whole."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Protocol

import torch
from torch import Tensor, nn

from clausescan.errors import UsageError


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
    state = {"model": model.state_dict(), "optimiser": optimiser.state_dict(), "step": step, "about": about}
    if average is not None:
        state["average"] = average.state
    _write(path, state)


def _write(path: Path, state: dict[str, Any]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    beside = path.with_suffix(".part")
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
    """Restore what `save_checkpoint` wrote, the averaged weights if `averaged`; the step to go on from, 0 with no checkpoint.

    A mean of several runs is begun anew from: it has weights, but no optimiser's state to go on with, and so its step is 0
    where an `optimiser` is to be restored.
    """
    if not path.exists():
        return 0
    state = torch.load(path, map_location="cpu", weights_only=True)
    model.load_state_dict(state["average" if averaged and "average" in state else "model"])
    if average is not None:
        average.state = {k: v.clone() for k, v in state.get("average", state["model"]).items()}
    if optimiser is not None:
        if not state["optimiser"]:
            return 0
        optimiser.load_state_dict(state["optimiser"])
    return int(state["step"])


def mean_checkpoint(files: Sequence[Path], out: Path) -> None:
    """Write the mean of several runs' averaged weights, of one shape and one origin, as a checkpoint to assemble or begin from.

    Wortsman and others, Model soups (2022): the mean of models finetuned from one is often better than each of them.
    `out` may be one of the files. Raises `UsageError` for a file that is no checkpoint, or of another shape than the first.
    """
    states = [_read(file) for file in files]
    weights: list[dict[str, Tensor]] = [state.get("average", state["model"]) for state in states]
    shapes = [{name: value.shape for name, value in each.items()} for each in weights]
    for file, shape in zip(files, shapes, strict=True):
        if shape != shapes[0]:
            raise UsageError(f"{file} holds weights of other shapes than {files[0]}; a mean needs runs of one model")
    mean = {name: torch.stack([each[name].float() for each in weights]).mean(0) for name in shapes[0]}
    step = max(int(state["step"]) for state in states)
    about = {"mean": [str(file) for file in files]}
    _write(out, {"model": mean, "average": mean, "optimiser": {}, "step": step, "about": about})


def _read(file: Path) -> dict[str, Any]:
    """What `save_checkpoint` wrote. Raises `UsageError` where there is no such thing."""
    try:
        state = torch.load(file, map_location="cpu", weights_only=True)
    except OSError as error:
        raise UsageError(f"{file}: cannot be read ({error.strerror or type(error).__name__})") from None
    except Exception:  # torch raises anything for a file that it has not written
        state = None
    if not isinstance(state, dict) or not {"model", "step"} <= state.keys():
        raise UsageError(f"{file} is no checkpoint of a training")
    return state
