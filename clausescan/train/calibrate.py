"""Calibrating presence: two numbers that turn log-odds into probabilities (Platt 1999), fitted on held-out pages."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray

from clausescan.model.choice import clauses_of, presence_odds
from clausescan.model.resampler import BUDGETS
from clausescan.model.vocabulary import Vocabulary
from clausescan.schema.clauses import CLAUSE_TYPES
from clausescan.train.checkpoints import load_checkpoint
from clausescan.train.clause_losses import Teacher, Understanding, see
from clausescan.train.labels import LabelledPage
from clausescan.train.sightings import Sighting
from clausescan.train.split import held_out_contract
from clausescan.train.targets import page_places, tags_of, words_of


@dataclass(frozen=True)
class Calibration:
    """p = 1 / (1 + exp(-(scale * odds + shift))), and the expected calibration error before and after."""

    scale: float
    shift: float
    error_before: float
    error_after: float


def expected_error(p: NDArray[np.float64], truth: NDArray[np.float64], bins: int = 10) -> float:
    """Expected calibration error: the mean gap between probability and frequency over equal bins, weighted by their size."""
    which = np.minimum((p * bins).astype(int), bins - 1)
    gaps = [abs(p[which == b].mean() - truth[which == b].mean()) * (which == b).mean() for b in range(bins) if (which == b).any()]
    return float(sum(gaps))


@torch.no_grad()
def odds_and_truth(
    model: Understanding, teacher: Teacher, pages: Sequence[tuple[LabelledPage, Sighting | None]], budget: int
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Presence log-odds and whether the clause is there, for every page and type."""
    odds, truth = [], []
    for page, sighting in pages:
        tokens, first = teacher.page_tokens(page, words_of(page))
        tags = tags_of(page)
        with torch.autocast("cpu", torch.bfloat16):
            _, scores = teacher.choice_loss(model, tokens, first, torch.from_numpy(tags), see(model, sighting, budget, None))
        log_p = F.log_softmax(scores, -1).double().numpy()
        for t in range(len(CLAUSE_TYPES)):
            odds.append(presence_odds(log_p[:, t], clauses_of(log_p[:, t], page_places(page))))
            truth.append(float((tags[t] > 0).any()))
    return np.array(odds), np.array(truth)


def fit(odds: NDArray[np.float64], truth: NDArray[np.float64], steps: int = 400) -> Calibration:
    """Newton's method on the logistic loss, with a weak pull towards no change."""

    def sigmoid(x: NDArray[np.float64]) -> NDArray[np.float64]:
        return np.asarray(1 / (1 + np.exp(-x)), np.float64)

    weights = np.array([1.0, 0.0])
    design = np.c_[odds, np.ones(len(odds))]
    pull = np.array([1.0, 0.2])
    for _ in range(steps):
        p = sigmoid(design @ weights)
        gradient = design.T @ (p - truth) + pull * (weights - [1.0, 0.0])
        curvature = design.T @ (design * (p * (1 - p))[:, None]) + np.diag(pull)
        weights = weights - 0.5 * np.linalg.solve(curvature, gradient)
    after = sigmoid(design @ weights)
    return Calibration(float(weights[0]), float(weights[1]), expected_error(sigmoid(odds), truth), expected_error(after, truth))


def calibrate(
    checkpoint: Path, tokenizer: Path, pages: list[LabelledPage], sights: list[Sighting | None] | None, shorts: dict[str, str]
) -> Calibration:
    """The calibration of a trained checkpoint on the held-out pages, all with the largest budget."""
    vocabulary = Vocabulary(tokenizer)
    model = Understanding(len(vocabulary))
    load_checkpoint(checkpoint, model, averaged=True)
    seen: Sequence[Sighting | None] = sights if sights is not None else [None] * len(pages)
    unseen = [(p, s) for p, s in zip(pages, seen, strict=True) if held_out_contract(p.pdf)]
    return fit(*odds_and_truth(model.eval(), Teacher(vocabulary, shorts), unseen, BUDGETS[-1] if sights is not None else 0))
