"""A whole photo of a bent sheet on a desk, with the map from page pixels to photo pixels.

World millimetres: x right and y down along the desk, origin under the middle of the sheet; heights rise towards the camera.
The sheet bends along one direction only and keeps its lengths, as paper does: a profile, lying across `Bend.across_deg`,
gives distance along the desk and height for each distance along the paper. Light is computed linear, colours are RGB.
"""

from __future__ import annotations

import io
from dataclasses import dataclass, replace

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from clausescan.geometry import Points
from clausescan.train import photograph
from clausescan.train.desks import DESKS, PX_MM, Desk, desk_surface

Picture = NDArray[np.uint8]
Floats = NDArray[np.float32]
Grid = NDArray[np.float64]

FOCAL = 0.74
"""Focal length as a part of the frame's longer side: a phone's main camera, about 26 mm on film."""
STEP = 4
"""Photo px between the points at which ray, height and light are computed; linear between them, off by under 0.02 px."""
GAMMA = 2.2
_CREASE_MM = 5.0


@dataclass(frozen=True)
class Bend:
    """How the sheet departs from flat, as slopes in degrees: an end that lifts, an even curve, a fold flattened out again."""

    across_deg: float = 0.0
    """Direction, from the page's x axis, along which the height changes."""
    curl_deg: float = 0.0
    arch_deg: float = 0.0
    fold_deg: float = 0.0


@dataclass(frozen=True)
class Look:
    """Everything about a photo but the page. `seed` fixes textures and noise; angles are degrees; `frame` is (width, height)."""

    seed: int
    frame: tuple[int, int] = (2400, 3200)
    desk: Desk = "wood"
    tilt_deg: float = 0.0
    """The camera leans over the page's top (above 0) or bottom."""
    turn_deg: float = 0.0
    """The camera leans over the page's right (above 0) or left."""
    roll_deg: float = 0.0
    """Clockwise turn of the page on the photo; 90 lays it on its side."""
    fill: float = 0.9
    """Part of the frame's width or height that the sheet takes up, whichever is greater."""
    bend: Bend = Bend()
    lamp_deg: float = 220.0
    """Where on the desk the light comes from; 0 is right, 90 below."""
    shadow: float = 0.1
    """How dark the photographer's own soft shadow is, 0..1."""
    warmth: float = 0.0
    """Colour cast, -1 cold to 1 warm."""
    letters_px: float = 6.0
    """Bounds blur as in `photograph.lens`: the height of letters that must stay readable."""
    noise: float = 0.4
    """Part of `photograph.sensor`'s change that is applied, 0..1."""


def look(seed: int, frame: tuple[int, int] = (2400, 3200)) -> Look:
    """A look drawn at random: tilt up to 15 degrees, roll up to 4, any desk, one kind of bend."""
    rng = np.random.default_rng(seed)
    kind = rng.integers(3)
    slope = float(rng.uniform(3, 14))
    bends = (Bend(curl_deg=slope), Bend(arch_deg=0.8 * slope * rng.choice([-1, 1])), Bend(fold_deg=0.5 * slope))  # alike strong
    return Look(
        seed,
        frame,
        desk=DESKS[rng.integers(len(DESKS))],
        tilt_deg=float(rng.uniform(-15, 15)),
        turn_deg=float(rng.uniform(-10, 10)),
        roll_deg=float(rng.uniform(-4, 4)),
        fill=float(rng.uniform(0.84, 0.94)),
        bend=replace(bends[kind], across_deg=float(rng.choice([0, 90, rng.uniform(0, 180)]))),
        lamp_deg=float(rng.uniform(0, 360)),
        shadow=float(rng.uniform(0, 0.25)),
        warmth=float(rng.uniform(-1, 1)),
    )


@dataclass(frozen=True)
class SheetMap:
    """Page px to photo px and back (a `PointMap`), and where a photo px lies on the desk."""

    page: tuple[int, int]
    mm_per_px: float
    across: tuple[float, float]
    profile: tuple[Grid, Grid, Grid, Grid]
    """Tables: mm along the paper, mm along the desk, height mm, slope in radians."""
    rotation: Grid
    shift_mm: Grid
    focal_px: float
    centre: tuple[float, float]

    def forward(self, points: Points) -> Points:
        """(N, 2) page px to photo px."""
        paper = (points - self._middle) * self.mm_per_px
        along, side = self._split(paper)
        flat = self._join(np.interp(along, self.profile[0], self.profile[1]), side)
        return self.project(np.c_[flat, np.interp(along, self.profile[0], self.profile[2])])

    def inverse(self, points: Points) -> Points:
        """(N, 2) photo px to page px; beyond the sheet, as if it went on straight."""
        height = np.zeros(len(points))
        for _ in range(14):  # the ray meets a plane, the plane takes the paper's height there, and so on
            along, side = self._split(self.desk(points, height))
            height = np.interp(along, self.profile[1], self.profile[2])
        paper = self._join(np.interp(along, self.profile[1], self.profile[0]), side)
        return np.asarray(paper / self.mm_per_px + self._middle, np.float64)

    def project(self, world: Grid) -> Points:
        """(N, 3) points (x, y, height) in mm to photo px."""
        seen = (world * (1, 1, -1)) @ self.rotation.T + self.shift_mm
        return np.asarray(self.focal_px * seen[:, :2] / seen[:, 2:] + self.centre, np.float64)

    def desk(self, points: Points, height: Grid | float = 0.0) -> Points:
        """Where the rays of (N, 2) photo px pass `height` mm above the desk, (N, 2) mm."""
        rays = np.c_[(points - self.centre) / self.focal_px, np.ones(len(points))] @ self.rotation
        eye = -self.shift_mm @ self.rotation
        reach = (-np.asarray(height) - eye[2]) / rays[:, 2]
        return np.asarray(eye[:2] + rays[:, :2] * reach[:, None], np.float64)

    def paper_height(self, desk_mm: Points) -> Grid:
        """Height in mm of the paper over (N, 2) desk points; -1 beside the sheet."""
        along, side = self._split(desk_mm)
        paper = self._join(np.interp(along, self.profile[1], self.profile[0]), side) / self.mm_per_px
        over = (np.abs(paper) <= np.array(self.page) / 2).all(axis=1)
        return np.where(over, np.interp(along, self.profile[1], self.profile[2]), -1.0)

    def slope(self, points: Points) -> Grid:
        """Slope of the paper at (N, 2) page px, radians along `across`."""
        along, _ = self._split((points - self._middle) * self.mm_per_px)
        return np.asarray(np.interp(along, self.profile[0], self.profile[3]), np.float64)

    def corners(self) -> Points:
        """The sheet's corners on the photo, clockwise from its own top left."""
        w, h = self.page
        return self.forward(np.array([[0, 0], [w, 0], [w, h], [0, h]], np.float64) - 0.5)

    @property
    def _middle(self) -> Points:
        return (np.array(self.page, np.float64) - 1) / 2

    def _split(self, points: Points) -> tuple[Grid, Grid]:
        c, s = self.across
        return points[:, 0] * c + points[:, 1] * s, points[:, 1] * c - points[:, 0] * s

    def _join(self, along: Grid, side: Grid) -> Points:
        c, s = self.across
        return np.stack([along * c - side * s, along * s + side * c], axis=1)


def sheet_map(page: tuple[int, int], width_mm: float, look: Look) -> SheetMap:
    """The map for a page of (width, height) px that is `width_mm` wide, seen as `look` says."""
    turns = ((look.tilt_deg, 0), (look.turn_deg, 1), (look.roll_deg, 2))
    tilt, turn, roll = (cv2.Rodrigues(np.deg2rad(angle) * np.eye(3)[axis])[0] for angle, axis in turns)
    mm = width_mm / page[0]
    angle = np.deg2rad(look.bend.across_deg)
    reach = mm * float(abs(page[0] * np.cos(angle)) + abs(page[1] * np.sin(angle))) / 2
    w, h = look.frame
    found = SheetMap(
        page, mm, (float(np.cos(angle)), float(np.sin(angle))), _profile(look.bend, reach), np.asarray(tilt @ turn @ roll),
        np.array([0.0, 0.0, 4 * width_mm]), FOCAL * max(w, h), ((w - 1) / 2, (h - 1) / 2),
    )  # fmt: skip
    for _ in range(12):  # move the camera until the sheet fills the frame as asked
        corners = found.corners()
        low, high = corners.min(axis=0), corners.max(axis=0)
        x, y, z = found.shift_mm
        aside = (np.array(found.centre) - (low + high) / 2) * z / found.focal_px
        further = float(((high - low) / look.frame).max()) / look.fill
        found = replace(found, shift_mm=np.array([x + aside[0], y + aside[1], z * further]))
    return found


def _profile(bend: Bend, reach: float) -> tuple[Grid, Grid, Grid, Grid]:
    """Tables over three times the paper's reach, straight beyond it; the lowest point touches the desk."""
    s = np.linspace(-3 * reach, 3 * reach, 6001)
    inside = np.clip(s / reach, -1, 1)
    slope = bend.curl_deg * np.clip(inside, 0, 1) ** 2 + bend.arch_deg * inside - bend.fold_deg * np.tanh(s / _CREASE_MM)
    slope = np.deg2rad(slope)
    step = s[1] - s[0]
    along, height = (np.concatenate([[0], np.cumsum((f[1:] + f[:-1]) / 2 * step)]) for f in (np.cos(slope), np.sin(slope)))
    paper = np.abs(s) <= reach
    return s, along - along[3000], height - height[paper].min(), slope


def take(page: Picture, width_mm: float, look: Look) -> tuple[Picture, SheetMap]:
    """Photograph a flat page, (H, W) or (H, W, 3) uint8 RGB, `width_mm` wide: the photo, (h, w, 3) uint8, and the map to it."""
    rng = np.random.default_rng(look.seed)
    to_photo = sheet_map((page.shape[1], page.shape[0]), width_mm, look)
    w, h = look.frame
    grid = _grid(w, h)
    source = _full(to_photo.inverse(grid), w, h)  # (h, w, 2) page px
    shine, desk_shine = (_full(part[:, None], w, h) for part in _light(to_photo, grid, look))
    desk = desk_surface(look.desk, rng, GAMMA)
    where = _full(to_photo.desk(grid) * PX_MM + np.array(desk.shape[1::-1]) / 2, w, h)
    photo = _sampled(desk, where, cv2.BORDER_REFLECT) * desk_shine
    per_px = to_photo.mm_per_px * to_photo.focal_px / to_photo.shift_mm[2]  # photo px a page px, about
    edge = np.minimum(source + 0.5, np.array(to_photo.page, np.float32) - 0.5 - source).min(axis=2, keepdims=True)
    seen = np.clip(edge * np.float32(per_px) + 0.5, 0, 1)
    print_ = page if page.ndim == 3 else np.repeat(page[..., None], 3, axis=2)
    soft = np.asarray(cv2.GaussianBlur(print_, (0, 0), max(0.3, 0.35 / per_px)), np.float32)
    paper = np.asarray((soft / 255) ** np.float32(GAMMA) * _PAPER, np.float32)
    sheet = _sampled(paper, source, cv2.BORDER_REPLICATE) * shine
    return _camera(photo * (1 - seen) + sheet * seen, look, rng), to_photo


_PAPER = np.array([0.93, 0.925, 0.905], np.float32)
"""What a blank sheet reflects of the light, R, G, B."""


def _grid(w: int, h: int) -> Points:
    """Photo px at the middles of STEP x STEP cells, one cell beyond the frame all around, (N, 2) row by row."""
    xs, ys = (STEP * np.arange(-1, -(-n // STEP) + 1) + (STEP - 1) / 2 for n in (w, h))
    return np.stack(np.meshgrid(xs, ys), axis=-1).reshape(-1, 2)


def _full(values: Grid, w: int, h: int) -> Floats:
    """Values at `_grid`'s points to every px of the frame, (h, w, C) float32."""
    rows, columns = -(-h // STEP) + 2, -(-w // STEP) + 2
    coarse = values.reshape(rows, columns, -1).astype(np.float32)
    fine = np.asarray(cv2.resize(coarse, (columns * STEP, rows * STEP), interpolation=cv2.INTER_LINEAR), np.float32)
    return fine.reshape(rows * STEP, columns * STEP, -1)[STEP : STEP + h, STEP : STEP + w]


def _sampled(picture: Floats, where: Floats, border: int) -> Floats:
    """(H, W, 3) seen at (h, w, 2) places of it."""
    return np.asarray(cv2.remap(picture, where[..., 0], where[..., 1], cv2.INTER_LINEAR, borderMode=border), np.float32)


def _light(to_photo: SheetMap, grid: Points, look: Look) -> tuple[Grid, Grid]:
    """Light on the sheet and on the desk at `_grid`'s points, 1 at the middle of a flat sheet: a lamp, daylight, shadows."""
    angle = np.deg2rad(look.lamp_deg)
    side = np.array([np.cos(angle), np.sin(angle)])
    lamp, lamp_height = side * 520, 620.0
    full = lamp_height / (lamp_height**2 + lamp @ lamp) ** 1.5

    def lit(at: Points, height: Grid, slope: Grid) -> Grid:
        """Lambert's law and the inverse square, half of it evened out by light from all around."""
        away = np.c_[lamp - at, lamp_height - height]
        toward = away[:, 0] * to_photo.across[0] + away[:, 1] * to_photo.across[1]
        facing = np.maximum(away[:, 2] * np.cos(slope) - toward * np.sin(slope), 0)
        return np.asarray(0.5 + 0.5 * facing / np.linalg.norm(away, axis=1) ** 3 / full)

    page_px, desk = to_photo.inverse(grid), to_photo.desk(grid)
    height = np.maximum(to_photo.paper_height(desk), 0)
    on_sheet = lit(to_photo.desk(grid, height), height, to_photo.slope(page_px))
    on_desk = lit(desk, np.zeros(len(desk)), np.zeros(len(desk)))
    w, h = look.frame
    shape = (-(-h // STEP) + 2, -(-w // STEP) + 2)
    hidden = np.zeros(len(desk))
    for up in np.linspace(0.3, 30, 40):  # paper that stands in the lamp's way
        hidden = np.maximum(hidden, to_photo.paper_height(desk + side * up * 520 / lamp_height) >= up)
    mm = to_photo.focal_px / to_photo.shift_mm[2] / STEP  # grid cells a mm
    cast = cv2.GaussianBlur(hidden.reshape(shape), (0, 0), 1.2 * mm)
    under = (to_photo.paper_height(desk) >= 0).astype(np.float64).reshape(shape)
    near = cv2.GaussianBlur(under, (0, 0), 2.5 * mm)
    person = (grid - to_photo.centre) @ -side / max(w, h) + 0.15
    own = 1 - look.shadow / (1 + np.exp(-person * 9))
    return on_sheet * own, on_desk * own * (1 - 0.42 * cast.ravel()) * (1 - 0.25 * near.ravel())


def _camera(linear: Floats, look: Look, rng: np.random.Generator) -> Picture:
    """Cast, exposure and gamma; then `photograph`'s lens on every channel alike and its sensor on brightness."""
    cast = 1 + look.warmth * np.array([0.07, 0.0, -0.10], np.float32)
    photo = np.clip(linear * cast * np.float32(0.86), 0, 1) ** np.float32(1 / GAMMA)
    seed = int(rng.integers(1 << 31))
    channels = (np.ascontiguousarray(photo[..., k]) for k in range(3))
    photo = np.stack([photograph.lens(c, np.random.default_rng(seed), look.letters_px) for c in channels], axis=-1)
    bright = np.asarray(cv2.cvtColor(photo, cv2.COLOR_RGB2GRAY), np.float32)
    photo += np.float32(look.noise) * (photograph.sensor(bright, rng) - bright)[..., None]
    return np.asarray(np.clip(photo * 255 + 0.5, 0, 255), np.uint8)


def jpeg(photo: Picture, most_bytes: int = 700_000) -> tuple[bytes, int]:
    """The photo as a JPEG without metadata, of the best quality, 94 down to 40, that fits; and that quality."""
    for quality in range(94, 37, -3):
        out = io.BytesIO()
        Image.fromarray(photo).save(out, "JPEG", quality=quality, optimize=True)
        if out.tell() <= most_bytes:
            break
    return out.getvalue(), quality
