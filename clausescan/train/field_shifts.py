"""How well the field head settles fields, and what to add to its log-odds: fitted on held-out pages' own clauses, true text."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from clausescan.model.copying import candidates
from clausescan.model.fieldhead import FIELDS, field_odds
from clausescan.model.resampler import BUDGETS
from clausescan.model.vocabulary import Vocabulary
from clausescan.schema.shapes import SHAPES
from clausescan.train.checkpoints import load_checkpoint
from clausescan.train.clause_losses import Teacher, Understanding, meant_among, see, told_apart
from clausescan.train.labels import LabelledPage
from clausescan.train.sightings import Sighting
from clausescan.train.split import held_out_contract
from clausescan.train.targets import answer_text, clause_lines, clause_words, words_of

MOST_SHIFT, STEP = 2.0, 0.1
WINDOW = 5
"""Steps to either side over which F1 is averaged: its peak on so few clauses is chance."""
LEAST_TRUE = 10
"""True values on the held-out pages below which a field is left unshifted."""
UNSHIFTED = ("uncapped",)
"""Fields left as they are: a cap that is wrongly called unlimited costs most."""
PULL = 0.01
"""F1 that a shift by one must gain."""


@dataclass
class FieldOdds:
    """Of one field on many clauses: log-odds and truth of every candidate or flag; values meant that were no candidates."""

    odds: list[float] = field(default_factory=list)
    truth: list[bool] = field(default_factory=list)
    beyond: int = 0

    def f1(self, shift: float) -> float:
        """F1 of what the head settles with a shift, values it cannot find counted as missed."""
        said, true = np.array(self.odds) + shift > 0, np.array(self.truth, bool)
        return float(2 * (said & true).sum() / max(1, said.sum() + true.sum() + self.beyond))

    def best_shift(self) -> float:
        """The shift with the best F1, see `WINDOW` and `PULL`; 0 where too few are true."""
        grid = np.arange(-round(MOST_SHIFT / STEP), round(MOST_SHIFT / STEP) + 1) * STEP
        if sum(self.truth) < LEAST_TRUE:
            return 0.0
        curve: NDArray[np.float64] = np.array([self.f1(float(s)) for s in grid])
        smooth = np.convolve(np.pad(curve, WINDOW, mode="edge"), np.ones(2 * WINDOW + 1) / (2 * WINDOW + 1), "valid")
        return round(float(grid[int((smooth - PULL * np.abs(grid)).argmax())]), 1)


@torch.no_grad()
def measure(
    checkpoint: Path, tokenizer: Path, pages: list[LabelledPage], sights: Sequence[Sighting | None] | None, shorts: dict[str, str]
) -> Mapping[str, FieldOdds]:
    """Every field's odds on the held-out pages' clauses."""
    vocabulary = Vocabulary(tokenizer)
    model, teacher = Understanding(len(vocabulary)), Teacher(vocabulary, shorts)
    load_checkpoint(checkpoint, model, averaged=True)
    model.eval()
    out = {name: FieldOdds() for name in FIELDS}
    for page, sighting in zip(pages, sights or [None] * len(pages), strict=True):
        if not held_out_contract(page.pdf):
            continue
        words = words_of(page)
        for clause in page.clauses:
            lines, begins = clause_words(page, clause, words)
            question, first = teacher.question(clause.type, lines, begins)
            budget = BUDGETS[-1] if sighting is not None else 0
            with torch.autocast("cpu", torch.bfloat16):
                visual = see(model, sighting, budget, clause_lines(clause))
                _, states = teacher.answer_loss(model, question, answer_text(clause, clause.fields), visual)
            scores = model.fields(states[torch.tensor(first)].float())
            shape = SHAPES[clause.type]
            found = candidates(shape, [w for line in lines for w in line])
            for name, odds in field_odds(scores, FIELDS, shape.kinds, found).items():
                true = meant_among(found.get(name), clause.fields[name])
                apart = told_apart(found.get(name), true)  # of names that end at one word the shortest is kept anyway
                out[name].odds += [o for o, told in zip(odds.tolist(), apart, strict=True) if told]
                out[name].truth += [t for t, told in zip(true, apart, strict=True) if told]
                out[name].beyond += max(0, len(clause.fields[name]) - sum(true)) if name in found else 0
    return out
