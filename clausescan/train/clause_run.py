"""What a run of the clause training is made of."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class ClauseRun:
    """What a run of the clause training is made of."""

    out: Path
    language: Path
    """Checkpoint of stage 0 to begin from."""
    tokenizer: Path
    begin: Path | None = None
    """Checkpoint of an earlier clause run to begin from, instead of stage 0."""
    visual_share: float = 0.0
    """Of pages shown with their visual tokens; the rest is shown as transcript alone."""
    blind_share: float = 0.15
    """Of the pages shown with visual tokens, how many have half or all of their transcript masked."""
    epochs: int = 8
    rate: float = 4e-4
    accumulate: int = 8
    warmup: int = 20
    weight_decay: float = 0.05
    changed_share: float = 0.6
    mixed_share: float = 0.5
    """Of the pages shown as transcript alone that have a stretch of another page set into them."""
    answer_weight: float = 1.0
    """Of an answer's loss beside the choice of words."""
    field_weight: float = 0.3
    """Of the field head's loss on a clause."""
    further_answers: int = 1
    """Clauses of other pages asked about beside each page."""
    further_weight: float = 3.0
    """Of the loss over the types without hand-made labels; 3 gives each of them about the weight of one of the first three."""
    drill_share: float = 0.3
    """Of pages on which a copying drill is set as well."""
    fill_share: float = 0.8
    """Of the weakly labelled pages on which masked words are to be filled in."""
    fill_weight: float = 0.4
    seed: int = 1
    workers: int = 1
    """Processes of one thread each, which average their gradients."""
