"""How well the choice head finds the types without hand-made labels, on the contracts kept for measuring."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray

from clausescan.model.choice import clauses_of
from clausescan.model.vocabulary import Vocabulary
from clausescan.schema.clauses import CLAUSE_TYPES
from clausescan.train.clause_losses import Teacher, Understanding, begin_from, page_states
from clausescan.train.contracts import Contracts
from clausescan.train.curriculum import TAUGHT
from clausescan.train.spans import SpanTags
from clausescan.train.split import held_out_contract
from clausescan.train.targets import page_places, words_of
from clausescan.train.weak import UNTOLD, contract_pages, known_tags

LEAST_PRESENCE, LEAST_WORDS = 0.7, 0.6
"""Presence F1 and word F1 below which a type is not offered."""


@dataclass(frozen=True)
class TypeFigures:
    """One type's figures over all pages of the held-out contracts, and how many of them hold a clause of it."""

    presence_f1: float
    word_f1: float
    pages: int

    @property
    def offered(self) -> bool:
        """Whether the type is found well enough to be offered."""
        return self.presence_f1 >= LEAST_PRESENCE and self.word_f1 >= LEAST_WORDS


@torch.no_grad()
def measure(checkpoint: Path, tokenizer: Path, contracts: Contracts, spans: SpanTags) -> Mapping[str, TypeFigures]:
    """Figures of every further type, on true text; words whose label is untold do not count."""
    vocabulary = Vocabulary(tokenizer)
    teacher = Teacher(vocabulary, {})
    model = Understanding(len(vocabulary))
    begin_from(checkpoint, model)
    model.eval()
    kinds = TAUGHT[len(CLAUSE_TYPES) :]
    counts = np.zeros((len(kinds), 6))
    for page in contract_pages(contracts, set()):
        if not held_out_contract(page.pdf):
            continue
        tokens, first = teacher.page_tokens(page, words_of(page))
        with torch.autocast("cpu", torch.bfloat16):
            scores = model.choice(page_states(model, tokens, None)[first]).float()
        log_p = F.log_softmax(scores, -1).double().numpy()
        tags = known_tags(page, None, spans.get((page.pdf, page.index)))
        for n, kind in enumerate(kinds):
            row = TAUGHT.index(kind)
            counts[n] += _count(log_p[:, row], tags[row], page_places(page))
    out = {}
    for kind, (hit, said, true, right, claimed, there) in zip(kinds, counts, strict=True):
        f1 = [float(2 * a / max(1, b + c)) for a, b, c in ((right, claimed, there), (hit, said, true))]
        out[kind] = TypeFigures(round(f1[0], 3), round(f1[1], 3), int(there))
    return out


def _count(log_p: NDArray[np.float64], tags: NDArray[np.int64], places: NDArray[np.int8]) -> NDArray[np.float64]:
    told = tags != UNTOLD
    found = np.zeros(len(tags), bool)
    for run in clauses_of(log_p, places):
        found[run.first : run.last + 1] = True
        found[list(run.outside)] = False
    found &= told
    true = told & (tags > 0)
    return np.array(
        [(found & true).sum(), found.sum(), true.sum(), found.any() and true.any(), found.any(), true.any()], dtype=float
    )
