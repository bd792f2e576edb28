"""Labelled photos made by hand, for the benches."""

from pathlib import Path

from clausescan.bench.labelled import LabelledPhoto
from clausescan.bench.scoring import Scores

SAMPLES = Path(__file__).parents[1] / "samples"
QUAD = [[80, 80], [480, 80], [480, 160], [80, 160]]


def photo(*clauses: dict, words: str = "Either party may terminate upon thirty (30) days' notice.") -> LabelledPhoto:
    return LabelledPhoto("a", "easy", Path("a.jpg"), (800, 600), tuple(words.split()), (), clauses)


def clause(text: str, kind: str = "termination", quads: list | None = None, **fields: object) -> dict:
    return {"type": kind, "text": text, "quads": [QUAD] if quads is None else quads, "fields": fields}


def scored(page: LabelledPhoto, *found: dict) -> Scores:
    scores = Scores()
    scores.add(page, found)
    return scores
