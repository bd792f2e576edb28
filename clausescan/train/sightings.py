"""What the trained reader sees on labelled pages: features along the true lines of simulated photos, kept on disk.

The reader is frozen by then, so each page is looked at once and its features (8 strip px apart, float16) are used in every epoch.
"""

from __future__ import annotations

from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from clausescan.model.reader import LineReader
from clausescan.model.strips import STRIP_CELL, StripCutter, strip_of
from clausescan.page import READING_WIDTH
from clausescan.rectify.light import even_light
from clausescan.train.contracts import UNITS, Contracts
from clausescan.train.crops import CropLine
from clausescan.train.labels import LabelledPage
from clausescan.train.photograph import compress, lens, light, sensor
from clausescan.train.sheets import RealSheets, x_height_of
from clausescan.train.split import held_out_contract
from clausescan.train.teach_reader import batch_of, load_reader

LINES_AT_ONCE = 12


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


def line_geometry(page: LabelledPage, chars: NDArray[np.int32]) -> list[tuple[float, float, float, float]]:
    """(x0, x1, middle, x-height) of each line in points, the middle half an x-height above the baseline."""
    x = (chars[:, 1] + chars[:, 3]) / 2 / UNITS
    y = (chars[:, 2] + chars[:, 4]) / 2 / UNITS
    out = []
    for boxes in page.boxes:
        low = np.min([b[:2] for b in boxes], 0)
        high = np.max([b[2:] for b in boxes], 0)
        of = (x > low[0] - 1) & (x < high[0] + 1) & (y > low[1] - 1) & (y < high[1] + 1)
        size = x_height_of(chars[of, 0], (chars[of, 5] - chars[of, 2]) / UNITS) if of.any() else 0.0
        size = size or 0.45 * float(high[1] - low[1])
        middle = float(np.median(chars[of, 5])) / UNITS - size / 2 if of.any() else float(low[1] + high[1]) / 2
        out.append((float(low[0]), float(high[0]), middle, size))
    return out


def photographed(gray: NDArray[np.uint8], rng: np.random.Generator) -> NDArray[np.uint8]:
    """A flat page at reading size through a phone's light, lens and sensor."""
    photo = light(np.asarray(gray.astype(np.float32) / 255, np.float32), rng)
    return even_light(compress(sensor(lens(photo, rng, 14.0), rng), rng))


@torch.no_grad()
def sight(page: LabelledPage, number: int, sheets: RealSheets, reader: LineReader, rng: np.random.Generator) -> Sighting:
    """Photograph one page whole and read it; `number` is its row in the packed contracts."""
    sheet = sheets.page(number)
    scale = READING_WIDTH / page.size_pt[0]
    flat = cv2.resize(sheet.gray, (READING_WIDTH, round(page.size_pt[1] * scale)), interpolation=cv2.INTER_AREA)
    cutter = StripCutter(photographed(np.asarray(flat, np.uint8), rng))
    cut, strips, middles = [], [], []
    for x0, x1, middle, size in line_geometry(page, sheets.contracts[number].chars):
        believed = size * scale * float(np.exp(rng.normal(0, 0.05)))
        strip = strip_of(x0 * scale, max(x1, x0 + 3) * scale, believed)
        y = np.full(strip.width, middle * scale + rng.normal(0, 0.05) * believed)
        nothing = np.zeros(0, np.int64)
        cut.append(CropLine(cutter.cut(strip, y), nothing, np.zeros(strip.width // 4, np.int64)))
        strips.append(strip)
        middles.append(float(y[0]))
    features: list[Tensor] = [torch.zeros(0)] * len(cut)
    order = sorted(range(len(cut)), key=lambda i: strips[i].width)
    for at in range(0, len(order), LINES_AT_ONCE):
        some = order[at : at + LINES_AT_ONCE]
        batch = batch_of([cut[i] for i in some])
        with torch.autocast("cpu", torch.bfloat16):
            states = reader(batch["strips"], batch["mask"])[0]
        for k, i in enumerate(some):
            features[i] = states[k, : strips[i].cells].half()
    places = [
        np.c_[s.x((np.arange(s.cells) + 0.5) * STRIP_CELL), np.full(s.cells, m)] / READING_WIDTH
        for s, m in zip(strips, middles, strict=True)
    ]
    line = torch.cat([torch.full((s.cells,), i) for i, s in enumerate(strips)])
    return Sighting(torch.cat(features), torch.from_numpy(np.concatenate(places)).float(), line)


class _Looker:
    """What a worker needs to look at pages."""

    def __init__(self, contracts: Path, pdfs: Path, reader: Path) -> None:
        torch.set_num_threads(1)
        cv2.setNumThreads(1)
        self.sheets = RealSheets(Contracts(contracts), pdfs)
        self.reader = load_reader(reader)

    def look(self, page: LabelledPage, number: int, file: Path, seed: int) -> None:
        """Look at one page and keep what was seen."""
        made = sight(page, number, self.sheets, self.reader, np.random.default_rng((seed, number)))
        beside = file.with_suffix(".part")
        torch.save((made.features, made.places, made.line), beside)
        beside.replace(file)


_looker: list[_Looker] = []
"""One a process, made by the pool."""


def _begin(contracts: Path, pdfs: Path, reader: Path) -> None:
    _looker.append(_Looker(contracts, pdfs, reader))


def _look(page: LabelledPage, number: int, file: Path, seed: int) -> None:
    _looker[0].look(page, number, file, seed)


def sightings(
    pages: list[LabelledPage],
    contracts: Path,
    pdfs: Path,
    reader: Path,
    folder: Path,
    workers: int = 1,
    share: float = 1.0,
    seed: int = 5,
) -> list[Sighting | None]:
    """Sightings of all held-out pages and of a share of the others (the rest are None), made once and kept in `folder`."""
    folder.mkdir(parents=True, exist_ok=True)
    rows = {(row["pdf"], row["page"]): i for i, row in enumerate(Contracts(contracts).index)}
    numbers = [rows[p.pdf, p.index] for p in pages]
    wanted = [
        held_out_contract(p.pdf) or np.random.default_rng((seed, n)).random() < share for p, n in zip(pages, numbers, strict=True)
    ]
    files = [folder / f"{n}.pt" for n in numbers]
    with ProcessPoolExecutor(workers, get_context("spawn"), _begin, (contracts, pdfs, reader)) as pool:
        todo = [
            pool.submit(_look, page, number, file, seed)
            for page, number, file, want in zip(pages, numbers, files, wanted, strict=True)
            if want and not file.exists()
        ]
        for each in todo:
            each.result()
    return [Sighting(*torch.load(f, weights_only=True)) if want else None for f, want in zip(files, wanted, strict=True)]
