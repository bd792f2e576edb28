"""What the trained reader sees on labelled pages: features along the true lines of simulated photos, kept on disk.

The encoder is frozen by then, so each page is looked at once and its features (8 px apart, float16) are used in every epoch.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from clausescan.model.linefinder import CELL
from clausescan.page import READING_WIDTH
from clausescan.train.contracts import UNITS, Contracts
from clausescan.train.crops import Warp, photograph
from clausescan.train.labels import LabelledPage
from clausescan.train.teach_reader import ink
from clausescan.train.sheets import SHEET_WIDTH, RealSheets

LINES_AT_ONCE = 24


@dataclass(frozen=True)
class Sighting:
    """Features (M, C) float16 along a page's lines, their places (M, 2) in [0, 1], and each feature's line (M,)."""

    features: Tensor
    places: Tensor
    line: Tensor

    def of_lines(self, lines: list[int] | None = None) -> tuple[Tensor, Tensor]:
        """Features and places of all lines, or of the chosen ones."""
        if lines is None:
            return self.features.float(), self.places
        keep = torch.isin(self.line, torch.tensor(lines))
        return self.features[keep].float(), self.places[keep]


def line_geometry(page: LabelledPage, chars: np.ndarray[Any, np.dtype[np.int32]]) -> list[tuple[float, float, float]]:
    """(x0, x1, middle) of each line in points, the middle half an x-height above the baseline."""
    x = (chars[:, 1] + chars[:, 3]) / 2 / UNITS
    y = (chars[:, 2] + chars[:, 4]) / 2 / UNITS
    out = []
    for boxes in page.boxes:
        low = np.min([b[:2] for b in boxes], 0)
        high = np.max([b[2:] for b in boxes], 0)
        of = (x > low[0] - 1) & (x < high[0] + 1) & (y > low[1] - 1) & (y < high[1] + 1)
        if of.any():
            baseline = float(np.median(chars[of, 5])) / UNITS
            rise = (chars[of, 5] - chars[of, 2]) / UNITS
            middle = baseline - float(np.quantile(rise, 0.3)) / 2
        else:
            middle = float(low[1] + high[1]) / 2
        out.append((float(low[0]), float(high[0]), middle))
    return out


@torch.no_grad()
def sight(page: LabelledPage, number: int, sheets: RealSheets, reader: nn.ModuleDict, rng: np.random.Generator) -> Sighting:
    """Photograph one page whole and look at it; `number` is its row in the packed contracts."""
    sheet = sheets.page(number)
    height = round(sheet.gray.shape[0] * READING_WIDTH / SHEET_WIDTH / 16) * 16
    warp = Warp(rng, (sheet.gray.shape[1] / 2, sheet.gray.shape[0] / 2), (height, READING_WIDTH), 0.6, zoom_spread=0.02)
    picture = photograph(sheet, warp, (height, READING_WIDTH), rng)
    with torch.autocast("cpu", torch.bfloat16):
        fine = reader["encoder"](ink(torch.from_numpy(picture)[None]))
    scale = SHEET_WIDTH / page.size_pt[0]
    columns, heights = [], []
    for x0, x1, middle in line_geometry(page, sheets.contracts[number].chars):
        at = np.arange(x0 * scale, max(x1, x0 + 3) * scale + 6, 6.0)
        points = warp.to_crop(np.c_[at, np.full(len(at), middle * scale)])
        first = int(np.clip(points[0, 0] // CELL, 0, READING_WIDTH // CELL - 3))
        last = int(np.clip(points[-1, 0] // CELL, first + 2, READING_WIDTH // CELL - 1))
        column = np.arange(first, last + 1)
        columns.append(column)
        heights.append(np.interp((column + 0.5) * CELL, points[:, 0], points[:, 1]))
    features: list[Tensor] = [torch.zeros(0)] * len(columns)
    order = sorted(range(len(columns)), key=lambda i: len(columns[i]))
    for at_line in range(0, len(order), LINES_AT_ONCE):
        batch = order[at_line : at_line + LINES_AT_ONCE]
        longest = max(len(columns[i]) for i in batch)
        column_t = torch.zeros(len(batch), longest, dtype=torch.long)
        y = torch.zeros(len(batch), longest)
        mask = torch.zeros(len(batch), longest, dtype=torch.bool)
        for k, i in enumerate(batch):
            t = len(columns[i])
            column_t[k, :t] = torch.from_numpy(columns[i])
            y[k, :t] = torch.from_numpy(heights[i]).float()
            mask[k, :t] = True
        with torch.autocast("cpu", torch.bfloat16):
            states = reader["heads"].line_states(fine, torch.zeros(len(batch), dtype=torch.long), column_t, y, mask)
        for k, i in enumerate(batch):
            features[i] = states[k, : len(columns[i])].half()
    places = [np.c_[(c + 0.5) * CELL, h] / READING_WIDTH for c, h in zip(columns, heights, strict=True)]
    line = torch.cat([torch.full((len(c),), i) for i, c in enumerate(columns)])
    return Sighting(torch.cat(features), torch.from_numpy(np.concatenate(places)).float(), line)


def sightings(
    pages: list[LabelledPage], contracts: Contracts, pdfs: Path, reader: nn.ModuleDict, folder: Path, seed: int = 5
) -> list[Sighting]:
    """Every page's sighting, made once and kept in `folder`."""
    folder.mkdir(parents=True, exist_ok=True)
    rows = {(row["pdf"], row["page"]): i for i, row in enumerate(contracts.index)}
    sheets = RealSheets(contracts, pdfs)
    out = []
    for page in pages:
        number = rows[page.pdf, page.index]
        file = folder / f"{number}.pt"
        if not file.exists():
            made = sight(page, number, sheets, reader, np.random.default_rng((seed, number)))
            torch.save((made.features, made.places, made.line), file)
        out.append(Sighting(*torch.load(file, weights_only=True)))
    return out
