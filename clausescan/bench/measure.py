"""Measuring: seconds and how they spread, curves through them, peak memory, and a process for each thing that is measured.

Peak memory is the kernel's high-water mark of a process's own address space (`VmHWM` in /proc): unlike `ru_maxrss` it knows
nothing of the process it was started from. So it is Linux only.
"""

from __future__ import annotations

import math
import os
import statistics
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from multiprocessing import get_context
from pathlib import Path
from typing import Any, ParamSpec, TypeVar

import numpy as np

from clausescan.errors import ClausescanError, UsageError

THREADS = 2
"""Of each thing that is measured, unless asked otherwise."""
_POOLS = ("OMP_NUM_THREADS", "OMP_THREAD_LIMIT", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS")

P = ParamSpec("P")
R = TypeVar("R")


@dataclass(frozen=True)
class Spread:
    """Median and 95th percentile of some measurements, and how many there were."""

    median: float
    high: float
    count: int

    def __str__(self) -> str:
        return f"{self.median:.2f} ({self.high:.2f})"


def spread(values: Sequence[float]) -> Spread:
    """Of at least one value; the 95th percentile is the smallest value that 95 % do not exceed."""
    ordered = sorted(values)
    return Spread(statistics.median(ordered), ordered[math.ceil(0.95 * len(ordered)) - 1], len(ordered))


@dataclass(frozen=True)
class Fit:
    """A polynomial through measurements, lowest power first, and what it leaves over."""

    coefficients: tuple[float, ...]
    residual: float
    """The largest distance of a measurement from the curve, as a part of the measurement."""
    r_squared: float

    def __call__(self, x: float) -> float:
        """The curve at x."""
        return float(sum(c * x**k for k, c in enumerate(self.coefficients)))


def fit(x: Sequence[float], y: Sequence[float], degree: int) -> Fit:
    """Least squares of relative errors, so that small and large measurements count alike.

    Raises ValueError with fewer than degree + 2 points, through which any curve would go, or for a y that is not above 0.
    """
    if len(x) < degree + 2:
        raise ValueError(f"a fit of degree {degree} needs {degree + 2} measurements or more to leave a residual")
    xs, ys = np.array(x, np.float64), np.array(y, np.float64)
    if (ys <= 0).any():
        raise ValueError("measurements must lie above 0")
    scale = float(xs.max())
    powers = np.stack([(xs / scale) ** k for k in range(degree + 1)], axis=1)
    solution, *_ = np.linalg.lstsq(powers / ys[:, None], np.ones(len(ys)), rcond=None)
    curve = powers @ solution
    left = float(((ys - curve) ** 2).sum() / max(1e-30, ((ys - ys.mean()) ** 2).sum()))
    coefficients = tuple(float(c / scale**k) for k, c in enumerate(solution))
    return Fit(coefficients, float(np.abs(curve / ys - 1).max()), 1 - left)


def load_average() -> float:
    """Processes that wanted a core in the last minute; above the number of cores, times measured now are too long."""
    return os.getloadavg()[0]


def circumstances(threads: int) -> dict[str, Any]:
    """What a reader of the figures must know of the machine."""
    return {"cores": os.cpu_count(), "threads": threads, "load_average": round(load_average(), 2)}


def weights_hash(folder: Path | None) -> str:
    """SHA-256 of the weights that are measured. Raises `ModelError`."""
    from clausescan.model.engine import WEIGHTS, check

    return check(folder or WEIGHTS)


def peak_mb(process: int | str = "self") -> float:
    """Peak memory of a process so far, MB. Raises `UsageError` where /proc does not tell."""
    try:
        text = Path(f"/proc/{process}/status").read_text(encoding="ascii", errors="replace")
        kilobytes = next(row for row in text.splitlines() if row.startswith("VmHWM:")).split()[1]
    except (OSError, StopIteration):
        raise UsageError("peak memory is read from /proc/PID/status, which this system does not have") from None
    return int(kilobytes) / 1024


def forget_peak() -> float:
    """Begin the peak anew at what this process holds now; returns that, MB."""
    try:
        Path("/proc/self/clear_refs").write_text("5", encoding="ascii")
    except OSError:
        raise UsageError("peak memory is begun anew through /proc/self/clear_refs, which this system does not allow") from None
    return peak_mb()


def available_mb() -> float:
    """Memory that can be had without swapping, MB."""
    try:
        rows = Path("/proc/meminfo").read_text(encoding="ascii").splitlines()
        return int(next(row for row in rows if row.startswith("MemAvailable:")).split()[1]) / 1024
    except (OSError, StopIteration):
        raise UsageError("free memory is read from /proc/meminfo, which this system does not have") from None


class Process:
    """A process of its own, with so many threads, in which calls are made one after the other."""

    def __init__(self, threads: int = THREADS) -> None:
        self._pool = ProcessPoolExecutor(1, get_context("spawn"), _begin, (threads,))
        with _environment(dict.fromkeys(_POOLS, str(threads))):
            self._pool.submit(os.getpid).result()

    def call(self, function: Callable[P, R], *arguments: P.args, **named: P.kwargs) -> R:
        """A module's function, called over there. Raises what it raises, or `ClausescanError` when the process died."""
        try:
            return self._pool.submit(function, *arguments, **named).result()
        except RuntimeError as error:
            if type(error).__name__ != "BrokenProcessPool":
                raise
            raise ClausescanError("a measuring process died, perhaps for lack of memory; nothing is reported") from None

    def close(self) -> None:
        """End the process."""
        self._pool.shutdown()


@contextmanager
def process(threads: int = THREADS) -> Iterator[Process]:
    """A `Process` for a while."""
    made = Process(threads)
    try:
        yield made
    finally:
        made.close()


def _begin(threads: int) -> None:
    import cv2
    import torch

    torch.set_num_threads(threads)
    cv2.setNumThreads(threads)


@contextmanager
def _environment(values: dict[str, str]) -> Iterator[None]:
    before = {name: os.environ.get(name) for name in values}
    os.environ.update(values)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value


def plain_data(value: Any) -> dict[str, Any]:
    """A dataclass as a dict for JSON."""
    return asdict(value)
