"""OCR engines of other houses as readers of pages: their lines and words as a `Reading`. Used for comparison only.

Each is given as many threads as everything else that is measured and is left at its defaults otherwise.
"""

from __future__ import annotations

import csv
import io
import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, Protocol

import cv2
import numpy as np
from numpy.typing import NDArray

from clausescan.bench.measure import peak_mb
from clausescan.errors import ClausescanError, UsageError
from clausescan.geometry import Points, bounding_box, box_quad
from clausescan.page import Line, Reading, Word

SAME_ROW = 0.5
"""Pieces of text that overlap in height by more than this part of the lower one stand on one line."""
_POLL_S = 0.02

Picture = NDArray[np.uint8]


class Engine(Protocol):
    """An OCR engine. `memory_mb` is the most that processes of its own have needed, beside the one it is called from."""

    memory_mb: float

    def read(self, picture: Picture) -> Reading:
        """The lines of a picture, (H, W) gray or (H, W, 3) RGB uint8, in the engine's order and in the picture's px."""
        ...


def word(text: str, quad: Points, confidence: float) -> Word:
    """A word with its corners, clockwise from the text's top left."""
    return Word(text, bounding_box(quad), quad, float(np.clip(confidence, 0, 1)))


def line(words: Sequence[Word]) -> Line:
    """A line of words in order; its middle runs through the words' middles."""
    quads = np.array([w.quad_page_px for w in words])
    left, right = ((quads[:, a] + quads[:, b]) / 2 for a, b in ((0, 3), (1, 2)))
    centre = np.stack([left, right], axis=1).reshape(-1, 2)
    return Line(tuple(words), centre, float(np.median(np.linalg.norm(quads[:, 3] - quads[:, 0], axis=1))))


class Tesseract:
    """The command line of Tesseract 5, English; language data are loaded anew for every page, as its users have it."""

    def __init__(self, threads: int) -> None:
        found = shutil.which("tesseract")
        if found is None:
            raise UsageError("tesseract is not installed; install the package tesseract-ocr")
        self.program, self.threads, self.memory_mb = found, threads, 0.0

    def read(self, picture: Picture) -> Reading:
        """Its words by its own lines. Raises `ClausescanError` when it fails."""
        shown = picture if picture.ndim == 2 else cv2.cvtColor(picture, cv2.COLOR_RGB2BGR)
        encoded = cv2.imencode(".ppm" if shown.ndim == 3 else ".pgm", shown)[1].tobytes()
        return tesseract_reading(self._run(encoded))

    def _run(self, encoded: bytes) -> str:
        """Its table of words for an encoded picture; notes how much memory its process came to."""
        command = [self.program, "stdin", "stdout", "-l", "eng", "tsv"]
        environment = os.environ | {"OMP_THREAD_LIMIT": str(self.threads)}
        with tempfile.TemporaryFile() as source, tempfile.TemporaryFile() as target:  # no pipe that could fill up
            source.write(encoded)
            source.seek(0)
            running = subprocess.Popen(  # noqa: S603 (no shell, and the program is the one found on the PATH)
                command, stdin=source, stdout=target, stderr=subprocess.DEVNULL, env=environment
            )
            try:
                while running.poll() is None:
                    self.memory_mb = max(self.memory_mb, _peak_or_0(running.pid))
                    time.sleep(_POLL_S)
            finally:
                if running.poll() is None:
                    running.kill()
                running.wait()
            target.seek(0)
            out = target.read()
        if running.returncode:
            raise ClausescanError(f"tesseract ended with status {running.returncode}")
        return out.decode("utf-8", errors="replace")


def _peak_or_0(process: int) -> float:
    try:
        return peak_mb(process)
    except UsageError:  # it has just ended
        return 0.0


def tesseract_reading(table: str) -> Reading:
    """Tesseract's TSV as a reading: rows of level 5 are words; block, paragraph and line name the line."""
    lines: dict[tuple[str, str, str], list[Word]] = {}
    for row in csv.DictReader(io.StringIO(table), delimiter="\t", quoting=csv.QUOTE_NONE):
        text = (row["text"] or "").strip()
        if row["level"] != "5" or not text:
            continue
        x, y, w, h = (float(row[name]) for name in ("left", "top", "width", "height"))
        made = word(text, box_quad((x, y, x + w, y + h)), float(row["conf"]) / 100)
        lines.setdefault((row["block_num"], row["par_num"], row["line_num"]), []).append(made)
    return Reading(tuple(line(words) for words in lines.values()))


class RapidOcr:
    """RapidOCR with the models that come in its package (PP-OCR in ONNX), its word boxes turned on."""

    def __init__(self, threads: int) -> None:
        try:
            from rapidocr import RapidOCR
        except ImportError:
            raise UsageError("rapidocr is not installed; install clausescan's extra `peers`") from None
        engine = "EngineConfig.onnxruntime"
        values = {f"{engine}.intra_op_num_threads": threads, f"{engine}.inter_op_num_threads": 1, "Global.log_level": "error"}
        self.engine: Any = RapidOCR(params=values)
        self.memory_mb = 0.0

    def read(self, picture: Picture) -> Reading:
        """Its words; pieces of text side by side are one line."""
        shown = picture if picture.ndim == 2 else cv2.cvtColor(picture, cv2.COLOR_RGB2BGR)
        found = self.engine(shown, return_word_box=True)
        return rapid_reading(found.word_results or ())


def rapid_reading(pieces: Iterable[Iterable[tuple[str, float, Any]]]) -> Reading:
    """RapidOCR's pieces of text, each of (text, confidence, quad) words, as a reading."""
    rows: list[list[Word]] = []
    for piece in pieces:
        words = [word(text.strip(), np.array(quad, np.float64), score) for text, score, quad in piece if text and text.strip()]
        if not words:
            continue
        if rows and _one_row(rows[-1], words):
            rows[-1] += words
        else:
            rows.append(words)
    return Reading(tuple(line(words) for words in rows))


def _one_row(left: Sequence[Word], right: Sequence[Word]) -> bool:
    """Whether a piece goes on where another ended: to its right and at its height there."""
    a, b = left[-1].box_page_px, right[0].box_page_px
    shared = min(a[3], b[3]) - max(a[1], b[1])
    return b[0] >= a[2] - 0.5 * (a[3] - a[1]) and shared > SAME_ROW * min(a[3] - a[1], b[3] - b[1])


ENGINES: dict[str, type[Tesseract] | type[RapidOcr]] = {"tesseract": Tesseract, "rapidocr": RapidOcr}


def version_of(name: str) -> str:
    """An engine's version, for the record. Raises `UsageError` when it is not installed."""
    if name == "rapidocr":
        from importlib.metadata import PackageNotFoundError, version

        try:
            return f"RapidOCR {version('rapidocr')}"
        except PackageNotFoundError:
            raise UsageError("rapidocr is not installed; install clausescan's extra `peers`") from None
    program = Path(Tesseract(1).program)
    said = subprocess.run([program, "--version"], capture_output=True, text=True, check=True)  # noqa: S603 (as above)
    return said.stdout.splitlines()[0].strip()
