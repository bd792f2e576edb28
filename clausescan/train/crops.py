"""Training crops for the reader: a piece of a sheet, bent, photographed, and rectified imperfectly, with its targets.

All coordinates of a crop are pixels at reading resolution (a page of READING_WIDTH pixels).
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from clausescan.model.charset import encode
from clausescan.model.encoder import CELL
from clausescan.model.strips import FRAME, StripCutter, strip_of
from clausescan.page import READING_WIDTH
from clausescan.rectify.light import even_light
from clausescan.train.photograph import compress, lens, light, sensor
from clausescan.train.sheets import SHEET_WIDTH, Sheet

BAND_MIN_PX = 4.0
OFFSET_REACH_PX = 12.0
JOIN_GAP_X_HEIGHTS = 5.0
"""Gaps wider than this end a line's band."""
IGNORE = -100
BARE_SHARE = 0.3
"""Of crops that also give a strip without text."""


@dataclass(frozen=True)
class CropLine:
    """One line lying whole inside the crop, as the reader is shown it, and its text."""

    strip: NDArray[np.uint8]
    """(STRIP_HEIGHT, W), cut with an imperfect idea of where the line runs and how large its letters are."""
    classes: NDArray[np.int64]
    """(N,) classes, spaces between words included."""
    frames: NDArray[np.int64]
    """(W / FRAME,) glyph target of each frame: a class, 0 (blank) or IGNORE."""


@dataclass(frozen=True)
class Crop:
    """`picture` (H, W) uint8 with evened light; `maps` (4, H/8, W/8) float32: band, its weight, offset (cells), log x-height."""

    picture: NDArray[np.uint8]
    maps: NDArray[np.float32]
    lines: tuple[CropLine, ...]


class Warp:
    """A smooth map from crop pixels to sheet pixels, and back by iteration."""

    def __init__(
        self,
        rng: np.random.Generator,
        centre: tuple[float, float],
        size: tuple[int, int],
        strength: float,
        zoom_spread: float = 0.13,
    ) -> None:
        h, w = size
        zoom = float(np.clip(np.exp(rng.normal(0, zoom_spread)), 0.72, 1.35)) * READING_WIDTH / SHEET_WIDTH
        stretch = float(np.exp(rng.normal(0, 0.04)))
        angle = np.deg2rad(float(np.clip(rng.normal(0, 0.9 * strength), -4, 4)))
        shear = rng.normal(0, 0.012 * strength)
        turn = np.array([[np.cos(angle), -np.sin(angle) + shear], [np.sin(angle), np.cos(angle)]])
        self.matrix = turn @ np.diag([1 / (zoom * stretch), 1 / zoom])
        self.inverse_matrix = np.linalg.inv(self.matrix)
        self.centre = np.array(centre)
        self.middle = np.array([w / 2, h / 2])
        self.waves: list[tuple[NDArray[np.float64], float, NDArray[np.float64]]] = []
        for _ in range(int(rng.integers(0, 4))):
            length = rng.uniform(250, 1800)
            slope = rng.normal(0, 0.025 * strength)
            direction = np.deg2rad(rng.normal(0, 35))
            axis = np.array([rng.normal(0, 0.5), 1.0]) * slope * length / (2 * np.pi)
            self.waves.append(
                (2 * np.pi / length * np.array([np.cos(direction), np.sin(direction)]), rng.uniform(0, 2 * np.pi), axis)
            )

    def displacement(self, points: NDArray[np.float64]) -> NDArray[np.float64]:
        """(..., 2) crop pixels to the sheet displacement there."""
        out = np.zeros_like(points)
        for k, phase, axis in self.waves:
            out += np.sin(points @ k + phase)[..., None] * axis
        return out

    def to_sheet(self, points: NDArray[np.float64]) -> NDArray[np.float64]:
        """(..., 2) crop pixels to sheet pixels."""
        return np.asarray((points - self.middle) @ self.matrix.T + self.centre + self.displacement(points), np.float64)

    def to_crop(self, points: NDArray[np.float64]) -> NDArray[np.float64]:
        """(..., 2) sheet pixels to crop pixels."""
        out = (points - self.centre) @ self.inverse_matrix.T + self.middle
        for _ in range(6):
            out = (points - self.centre - self.displacement(out)) @ self.inverse_matrix.T + self.middle
        return np.asarray(out, np.float64)


def make_crop(sheet: Sheet, rng: np.random.Generator, size: tuple[int, int] = (320, 640), strength: float = 1.0) -> Crop:
    """Photograph a random place of the sheet, near text; `size` is (H, W), both multiples of 16."""
    h, w = size
    anchor = int(rng.integers(len(sheet.code))) if len(sheet.code) and rng.random() < 0.97 else -1
    if anchor >= 0:
        at = (
            float(sheet.x0[anchor]) + rng.normal(0, w * 0.2),
            float(sheet.lines[sheet.line[anchor], 0]) + rng.normal(0, h * 0.2),
        )
    else:
        at = (float(rng.uniform(0, sheet.gray.shape[1])), float(rng.uniform(0, sheet.gray.shape[0])))
    warp = Warp(rng, at, size, strength)
    picture = photograph(sheet, warp, size, rng)
    return Crop(picture, *_targets(sheet, warp, picture, rng))


def photograph(sheet: Sheet, warp: Warp, size: tuple[int, int], rng: np.random.Generator) -> NDArray[np.uint8]:
    """The sheet through the warp and a phone, back at reading resolution with evened light: (H, W) uint8."""
    h, w = size
    density = float(rng.uniform(0.6, 1.3))  # photo pixels a page pixel
    ph, pw = round(h * density), round(w * density)
    coarse_y, coarse_x = np.mgrid[0 : ph + 16 : 16, 0 : pw + 16 : 16]
    grid = warp.to_sheet((np.stack([coarse_x, coarse_y], -1) + 0.5) / density - 0.5)
    maps = cv2.resize(grid.astype(np.float32), None, fx=16, fy=16, interpolation=cv2.INTER_LINEAR)
    shift = 7.5  # resize puts coarse sample k at fine 16 k + 7.5
    maps = cv2.warpAffine(maps, np.array([[1, 0, -shift], [0, 1, -shift]], np.float32), (pw, ph), borderMode=cv2.BORDER_REPLICATE)
    low = np.floor(grid.min((0, 1))).astype(int) - 4
    high = np.ceil(grid.max((0, 1))).astype(int) + 4
    rows, columns = sheet.gray.shape
    x0, y0 = max(0, low[0]), max(0, low[1])
    x1, y1 = min(columns, high[0]), min(rows, high[1])
    outside = 255
    if x1 - x0 < 8 or y1 - y0 < 8:
        picture = np.full((ph, pw), outside, np.uint8)
    else:
        piece = sheet.gray[y0:y1, x0:x1]
        shrink = abs(np.linalg.det(warp.matrix)) ** 0.5 / density
        if shrink > 1.15:
            piece = np.asarray(cv2.GaussianBlur(piece, (0, 0), 0.42 * float(np.sqrt(shrink**2 - 1))), np.uint8)
        if rng.random() < 0.12:  # bolder or thinner ink
            kernel = np.ones((2, 2), np.uint8)
            piece = np.asarray(cv2.erode(piece, kernel) if rng.random() < 0.6 else cv2.dilate(piece, kernel), np.uint8)
        places = maps - np.array([x0, y0], np.float32)
        x, y = places[..., 0], places[..., 1]
        seen = cv2.remap(piece, x, y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_CONSTANT, borderValue=outside)
        picture = np.asarray(seen, np.uint8)
    photo = light(np.asarray(picture.astype(np.float32) / 255, np.float32), rng)
    if rng.random() < 0.08:
        photo = _desk_edge(photo, rng)
    x_height = float(np.median(sheet.lines[:, 1])) if len(sheet.lines) else 14.0
    photo = lens(photo, rng, x_height * density * READING_WIDTH / SHEET_WIDTH)
    flat = compress(sensor(photo, rng), rng)
    if density != 1:
        how = cv2.INTER_AREA if density > 1.05 else cv2.INTER_CUBIC
        flat = np.asarray(cv2.resize(flat, (w, h), interpolation=how), np.uint8)
    return even_light(flat)


def _desk_edge(photo: NDArray[np.float32], rng: np.random.Generator) -> NDArray[np.float32]:
    """The sheet ends near the crop's border and a desk of another tone begins."""
    h, w = photo.shape
    angle = rng.normal(0, 0.04) + rng.integers(4) * np.pi / 2
    y, x = np.mgrid[-1 : 1 : complex(h), -1 : 1 : complex(w)]
    beyond = (np.cos(angle) * x + np.sin(angle) * y) > rng.uniform(0.8, 1.0)
    out = photo.copy()
    out[beyond] = rng.uniform(0, 0.8) + rng.normal(0, 0.02, int(beyond.sum()))
    return np.clip(out, 0, 1).astype(np.float32)


def _targets(
    sheet: Sheet, warp: Warp, picture: NDArray[np.uint8], rng: np.random.Generator
) -> tuple[NDArray[np.float32], tuple[CropLine, ...]]:
    h, w = picture.shape
    cutter = StripCutter(picture)
    maps = np.zeros((4, h // CELL, w // CELL), np.float32)
    maps[1] = 1.0
    lines: list[CropLine] = []
    if not len(sheet.code):
        return maps, ()
    middle = sheet.lines[sheet.line, 0]
    left = warp.to_crop(np.c_[sheet.x0, middle].astype(np.float64))
    right = warp.to_crop(np.c_[sheet.x1, middle].astype(np.float64))
    scale = float(np.linalg.norm(warp.inverse_matrix @ [0.0, 1.0]))
    near = (right[:, 0] > -60) & (left[:, 0] < w + 60) & (left[:, 1] > -40) & (left[:, 1] < h + 40)
    nearest = np.full(maps.shape[1:], 1e9, np.float32)
    for number in np.unique(sheet.line[near]):
        of = np.flatnonzero((sheet.line == number) & near)
        x_height = float(sheet.lines[number, 1]) * scale
        if x_height < 4:
            continue
        gaps = left[of[1:], 0] - right[of[:-1], 0]
        for run in np.split(of, np.flatnonzero(gaps > JOIN_GAP_X_HEIGHTS * x_height) + 1):
            _paint(maps, nearest, left[run], right[run], x_height)
        inside = of[
            (left[of, 0] > 5) & (right[of, 0] < w - 5) & (left[of, 1] > 0.9 * x_height) & (left[of, 1] < h - 0.9 * x_height)
        ]
        if len(inside):
            line = _line(sheet, inside, left[inside], right[inside], x_height, cutter, rng)
            if line is not None:
                lines.append(line)
    if rng.random() < BARE_SHARE:
        lines += _bare(maps[0], cutter, rng)
    return maps, tuple(lines)


def _bare(band: NDArray[np.float32], cutter: StripCutter, rng: np.random.Generator) -> list[CropLine]:
    """A strip where no text stands, if one is found: paper, a rule, the sheet's edge, the desk.

    There the reader must say nothing.
    """
    rows, columns = band.shape
    for _ in range(4):
        x_height = float(rng.uniform(8, 20))
        x0 = float(rng.uniform(0, (columns - 12) * CELL))
        x1 = min(x0 + float(rng.uniform(60, 700)), columns * CELL - 1.0)
        y = float(rng.uniform(x_height, rows * CELL - x_height))
        reach = int(x_height / CELL) + 1
        row = int(y / CELL)
        if band[max(0, row - reach) : row + reach + 1, int(x0 / CELL) : int(x1 / CELL) + 1].any():
            continue
        strip = strip_of(x0, x1, x_height)
        middle = np.full(strip.width, y)
        return [CropLine(cutter.cut(strip, middle), np.zeros(0, np.int64), np.zeros(strip.width // FRAME, np.int64))]
    return []


def _paint(
    maps: NDArray[np.float32],
    nearest: NDArray[np.float32],
    left: NDArray[np.float64],
    right: NDArray[np.float64],
    x_height: float,
) -> None:
    rows, columns = nearest.shape
    xs = np.stack([left[:, 0], right[:, 0]], 1).ravel()
    ys = np.stack([left[:, 1], right[:, 1]], 1).ravel()
    first, last = max(0, int(xs[0] // CELL)), min(columns - 1, int(xs[-1] // CELL))
    if last < first:
        return
    column = np.arange(first, last + 1)
    order = np.argsort(xs, kind="stable")
    y = np.interp((column + 0.5) * CELL, xs[order], ys[order])
    centre = (np.arange(rows)[:, None] + 0.5) * CELL
    offset = (y[None] - centre).astype(np.float32)
    part = nearest[:, first : last + 1]
    closer = (np.abs(offset) < part) & (np.abs(offset) < max(OFFSET_REACH_PX, x_height))
    part[closer] = np.abs(offset)[closer]
    band = max(BAND_MIN_PX, 0.4 * x_height)
    view = maps[:, :, first : last + 1]
    view[0][closer] = (np.abs(offset) < band)[closer]
    view[2][closer] = offset[closer] / CELL
    view[3][closer] = np.log(x_height / 16)


def _line(
    sheet: Sheet,
    chars: NDArray[np.int64],
    left: NDArray[np.float64],
    right: NDArray[np.float64],
    x_height: float,
    cutter: StripCutter,
    rng: np.random.Generator,
) -> CropLine | None:
    text, centres = "", []
    word = sheet.word[chars]
    for k, c in enumerate(sheet.code[chars]):
        if k and word[k] != word[k - 1]:
            text += " "
            centres.append((right[k - 1, 0] + left[k, 0]) / 2)
        text += chr(int(c))
        centres.append((left[k, 0] + right[k, 0]) / 2)
    classes = np.array(encode(text), np.int64)
    if len(classes) != len(text):
        return None
    believed = x_height * float(np.exp(np.clip(rng.normal(0, 0.07), -0.22, 0.22)))
    ends = rng.normal(0, 0.3, 2) * x_height
    strip = strip_of(left[0, 0] + ends[0], right[-1, 0] + ends[1], believed)
    frames = np.zeros(strip.width // FRAME, np.int64)
    at = (np.array(centres) - strip.left) / strip.scale / FRAME
    frame = np.floor(at).astype(int)
    part = at - frame
    frames[np.clip(np.where(part < 0.5, frame - 1, frame + 1), 0, len(frames) - 1)] = IGNORE
    twins = np.flatnonzero((np.diff(classes) == 0) & (np.diff(frame) == 2))
    frames[np.clip(frame[twins] + 1, 0, len(frames) - 1)] = 0  # what keeps "ll" two letters
    frames[np.clip(frame, 0, len(frames) - 1)] = classes
    repeats = int((np.diff(classes) == 0).sum())
    if len(classes) + repeats > len(frames):
        return None
    xs = np.stack([left[:, 0], right[:, 0]], 1).ravel()
    ys = np.stack([left[:, 1], right[:, 1]], 1).ravel()
    order = np.argsort(xs, kind="stable")
    column = strip.x(np.arange(strip.width) + 0.5)
    y = np.interp(column, xs[order], ys[order])
    unit = x_height / 16
    wobble = rng.normal(0, 1.0) + rng.normal(0, 0.9) * np.sin(column / rng.uniform(60, 300) + rng.uniform(0, 6))
    return CropLine(cutter.cut(strip, y + wobble * unit), classes, frames)
