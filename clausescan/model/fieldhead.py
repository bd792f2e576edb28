"""Which of a passage's values are meant: the field head on the language model's states.

A passage's periods, sums and names are candidates for its fields (`clausescan.model.copying`), each with the words it stands
at. The head scores every word for every field. A candidate is as likely as the best of its words (several places, one value:
Dietterich et al. 1997), a flag as the passage's words together. What it settles is what the grammar then lets the language
model write.

Legend: W words, D width, K fields.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

FIELDS: tuple[str, ...] = (
    "notice_periods",
    "cure_periods",
    "for_convenience",
    "for_cause",
    "indemnifying_parties",
    "mutual",
    "defend",
    "amounts",
    "fee_months",
    "excludes_consequential",
    "excludes_all",
    "uncapped",
)
"""The fields it is taught, in the order of its outputs."""


@dataclass(frozen=True)
class Candidate:
    """A value that a field may have, as it stands in an answer, and the words (counted through the passage) it ends at."""

    value: Any
    words: tuple[int, ...]


class FieldHead(nn.Module):
    """Scores of every field at every word."""

    def __init__(self, width: int = 320, fields: int = len(FIELDS)) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(width)
        self.hidden = nn.Linear(width, width)
        self.leave = nn.Linear(width, fields)
        self.act = nn.GELU()
        nn.init.constant_(self.leave.bias, FIRST_BIAS)

    def forward(self, states: Tensor) -> Tensor:
        """(W, D) states of a passage's words' first tokens to (W, K) scores."""
        return self.leave(self.act(self.hidden(self.norm(states))))  # type: ignore[no-any-return]


FIRST_BIAS = -3.0
"""Most words say nothing of most fields."""


def flag_odds(scores: Tensor) -> Tensor:
    """Log-odds of a flag from the scores (W,) of a passage's words."""
    return scores.logsumexp(0)


def value_odds(scores: Tensor, candidates: Sequence[Candidate]) -> Tensor:
    """Log-odds (C,) that each candidate is meant, from the scores (W,) of the passage's words."""
    return torch.stack([scores[list(c.words)].amax() for c in candidates]) if candidates else scores[:0]


@dataclass(frozen=True)
class Settled:
    """What the head says of a passage: flags, and the values of each list that are meant, in their order on the page."""

    flags: Mapping[str, bool]
    lists: Mapping[str, tuple[Any, ...]]


NOTHING_SETTLED = Settled({}, {})


def settle(odds: Mapping[str, Tensor], candidates: Mapping[str, Sequence[Candidate]], shifts: Mapping[str, float]) -> Settled:
    """Decide fields by their log-odds, see `field_odds`, to which `shifts` are added."""
    meant = {name: (values + shifts.get(name, 0.0) > 0).tolist() for name, values in odds.items()}
    return Settled(
        {name: bool(yes[0]) for name, yes in meant.items() if name not in candidates},
        {
            name: tuple(c.value for c, yes in zip(candidates[name], meant[name], strict=True) if yes)
            for name in meant
            if name in candidates
        },
    )


def field_odds(
    scores: Tensor, fields: Sequence[str], kinds: Iterable[str], candidates: Mapping[str, Sequence[Candidate]]
) -> dict[str, Tensor]:
    """Log-odds of a passage's fields from its (W, K) scores: (C,) for a list of C candidates, (1,) for a flag.

    `fields` names the K columns; `kinds` are the fields that the passage's type has.
    """
    out = {}
    for name in kinds:
        if name in fields:
            column = scores[:, fields.index(name)]
            out[name] = value_odds(column, candidates[name]) if name in candidates else flag_odds(column)[None]
    return out
