"""Time and memory of the whole pipeline on a folder of photos, beside Tesseract on the same photos in the same run.

Each photo is read by both in turn, so that whatever else the machine does falls on both alike.
"""

from __future__ import annotations

import resource
import shutil
import statistics
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from clausescan.config import ExtractConfig
from clausescan.errors import UsageError
from clausescan.files import write_atomic
from clausescan.model.engine import load
from clausescan.scan import extract

SUFFIXES = (".jpg", ".jpeg", ".png", ".webp", ".tif", ".tiff", ".bmp", ".heic")


@dataclass(frozen=True)
class Timing:
    """Wall seconds of one photo; `peer` is None where no peer was asked for."""

    photo: str
    ours: float
    stages: dict[str, float]
    peer: float | None


def photos_in(folder: Path) -> list[Path]:
    """The pictures of a folder by name. Raises `UsageError` when there are none."""
    found = sorted(p for p in folder.iterdir() if p.suffix.lower() in SUFFIXES) if folder.is_dir() else []
    if not found:
        raise UsageError(f"{folder} holds no photos")
    return found


def tesseract_seconds(photo: Path) -> float:
    """Wall seconds of Tesseract's command line on one photo, defaults, English. Raises `UsageError` when it is not installed."""
    program = shutil.which("tesseract")
    if program is None:
        raise UsageError("tesseract is not installed; leave --peer out, or install the package tesseract-ocr")
    began = time.perf_counter()
    command = [program, str(photo), "-", "-l", "eng"]
    # No shell is involved, and the program is the one found on the PATH just now.
    subprocess.run(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=True)  # noqa: S603
    return time.perf_counter() - began


def run(folder: Path, out: Path | None, budget: int, peer: bool, model_folder: Path | None = None) -> Iterator[Timing]:
    """Extract every photo of a folder (reports go to `out`), timing each; the model is loaded before the clock starts."""
    model = load(model_folder)
    config = ExtractConfig(budget=budget)
    for photo in photos_in(folder):
        began = time.perf_counter()
        report = extract(photo, config, model=model)
        seconds = time.perf_counter() - began
        if out is not None:
            write_atomic(out / f"{photo.stem}.json", report.model_dump_json(indent=1).encode())
        yield Timing(photo.name, seconds, dict(report.seconds), tesseract_seconds(photo) if peer else None)


def summary(rows: list[Timing]) -> str:
    """Median and 95th percentile of both, the median of their ratios, and this process's peak memory."""

    def spread(values: list[float]) -> str:
        ordered = sorted(values)
        high = ordered[min(len(ordered) - 1, int(0.95 * len(ordered)))]
        return f"median {statistics.median(ordered):.2f} s, 95th percentile {high:.2f} s"

    lines = [f"clausescan: {spread([r.ours for r in rows])}"]
    stages = sorted({s for r in rows for s in r.stages} - {"total"})
    medians = {s: statistics.median(r.stages.get(s, 0.0) for r in rows) for s in stages}
    lines.append("  stages (median): " + ", ".join(f"{s} {seconds:.2f} s" for s, seconds in medians.items()))
    peers = [(r.ours, r.peer) for r in rows if r.peer is not None]
    if peers:
        lines.append(f"tesseract:  {spread([p for _, p in peers])}")
        lines.append(f"ratio of one photo: median {statistics.median(a / b for a, b in peers):.3f}")
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    lines.append(f"peak memory of this process: {peak:.0f} MB")
    return "\n".join(lines)
