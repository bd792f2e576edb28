"""How well photos are read, beside their truth: error rates by level, and what the marks of disagreement are worth.

Typographic variants of quotes, dashes and dots count as equal.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from rapidfuzz.distance import Indel, Levenshtein

from clausescan.bench.labelled import LabelledPhoto, clean, labelled_photos
from clausescan.model.engine import CompactModel
from clausescan.scan import read
from clausescan.schema.report import TextLine


@dataclass
class Figures:
    """Sums over pages: character edits and characters, lines and those not found, words read wrong, marked, and both."""

    edits: int = 0
    characters: int = 0
    lines: int = 0
    missed: int = 0
    words: int = 0
    wrong: int = 0
    marked: int = 0
    wrong_and_marked: int = 0

    def add(self, other: Figures) -> None:
        """Take in another page's figures."""
        for name in ("edits", "characters", "lines", "missed", "words", "wrong", "marked", "wrong_and_marked"):
            setattr(self, name, getattr(self, name) + getattr(other, name))

    @property
    def cer(self) -> float:
        """Wrong characters a true one, lines that were missed counted whole."""
        return self.edits / max(1, self.characters)

    def __str__(self) -> str:
        caught = self.wrong_and_marked / self.wrong if self.wrong else 1.0
        false = (self.marked - self.wrong_and_marked) / self.marked if self.marked else 0.0
        return (
            f"CER {self.cer:.4f}  lines missed {self.missed} of {self.lines}  "
            f"words wrong {self.wrong} of {self.words}, of these marked {caught:.2f}; "
            f"marks {self.marked}, of these false {false:.2f}"
        )


def compare(read_lines: Sequence[TextLine], truth: LabelledPhoto) -> Figures:
    """One page's figures. Each true line is compared with the read words that stand nearest to it on the photo."""
    middles, words, marks = [], [], []
    for line in read_lines:
        texts = [clean(t) for t in line.text.split(" ")]
        uncertain = {u.word for u in line.uncertain_words}
        corners = np.concatenate([np.array(q) for q in line.quads])
        left, right = np.array(line.quads[0]), np.array(line.quads[-1])
        start, end = (left[0] + left[3]) / 2, (right[1] + right[2]) / 2
        middles.append((start, end, float(np.ptp(corners[:, 1]))))
        words.append(texts)
        marks.append([n in uncertain for n in range(len(texts))])
    groups: dict[int, list[tuple[float, str]]] = {}
    out = Figures(lines=len(truth.lines))
    for row in truth.lines:
        quad = np.array(row["quad"], float)
        at, height = quad.mean(0), float(np.linalg.norm(quad[3] - quad[0]))
        best, distance = -1, max(0.6 * height, 12.0)
        for n, (start, end, _) in enumerate(middles):
            along = end - start
            t = float(np.clip((at - start) @ along / max(1e-6, along @ along), -0.05, 1.05))
            off = float(np.linalg.norm(start + t * along - at))
            if off < distance:
                best, distance = n, off
        if best < 0:
            out.missed += 1
            out.edits += len(clean(row["text"]))
            out.characters += len(clean(row["text"]))
        else:
            groups.setdefault(best, []).append((float(quad[0][0]), clean(row["text"])))
    for n, parts in groups.items():  # a read line may cover several true ones, such as a number and its section
        ordered = " ".join(text for _, text in sorted(parts))
        out.add(_line(ordered.split(), words[n], marks[n]))
    return out


def _line(true: list[str], got: list[str], marks: list[bool]) -> Figures:
    out = Figures(words=len(true), marked=sum(marks))
    out.edits = Levenshtein.distance(" ".join(true), " ".join(got))
    out.characters = len(" ".join(true))
    for op in Indel.opcodes(true, got):
        if op.tag != "equal":
            n = op.dest_end - op.dest_start
            out.wrong += n
            out.wrong_and_marked += sum(marks[op.dest_start : op.dest_end])
    return out


def run(folder: Path, model: CompactModel) -> dict[str, Figures]:
    """Figures of all levels of a labelled set, and of all pages under `all`."""
    out: dict[str, Figures] = {}
    for truth in labelled_photos(folder):
        figures = compare(read(truth.file, model=model).pages[0].lines, truth)
        for level in (truth.level, "all"):
            out.setdefault(level, Figures()).add(figures)
    return out
