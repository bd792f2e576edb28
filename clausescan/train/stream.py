"""An endless stream of training crops.

The same step always gives the same crops, so that a resumed run sees what it would have seen.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch.utils.data import IterableDataset

from clausescan.train.contracts import Contracts
from clausescan.train.crops import Crop, make_crop
from clausescan.train.sheets import ComposedSheets, RealSheets
from clausescan.train.split import held_out_contract


@dataclass(frozen=True)
class StreamConfig:
    """Where crops come from and how large they are."""

    contracts: Path
    pdfs: Path
    crops: int
    """Crops a step."""
    sheets: int
    """Sheets that these are taken from."""
    height: int
    width: int
    composed_share: float = 0.45
    strength_steps: int = 1000
    """Bends and rotations grow to full strength over so many steps."""
    seed: int = 1


class CropStream(IterableDataset[list[Crop]]):
    """Lists of crops from `first_step` on; of held-out contracts (and held-out fonts) for validation."""

    def __init__(self, config: StreamConfig, first_step: int, validation: bool = False, held_out_fonts: bool = False) -> None:
        self.config, self.first_step, self.validation, self.fonts = config, first_step, validation, held_out_fonts

    def __iter__(self) -> Iterator[list[Crop]]:
        import cv2

        cv2.setNumThreads(1)
        torch.set_num_threads(1)
        config = self.config
        contracts = Contracts(config.contracts)
        keep = np.array([held_out_contract(row["pdf"]) == self.validation for row in contracts.index])
        real = RealSheets(contracts, config.pdfs, keep)
        composed = ComposedSheets(contracts, self.fonts, keep)
        step = self.first_step
        while True:
            rng = np.random.default_rng((config.seed + (1000 if self.validation else 0), step))
            strength = min(1.0, 0.25 + 0.75 * step / config.strength_steps) if not self.validation else 1.0
            share = 1.0 if self.fonts else config.composed_share
            sheets = [composed.draw(rng) if rng.random() < share else real.draw(rng) for _ in range(config.sheets)]
            size = (config.height, config.width)
            yield [make_crop(sheets[k % config.sheets], rng, size, strength) for k in range(config.crops)]
            step += 1


def same(crops: list[Crop]) -> list[Crop]:
    """A collate function that leaves crops as they are."""
    return crops
