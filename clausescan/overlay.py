"""Clauses drawn on the untouched photo: translucent polygons, numbers, and a legend.

Colours are those of Okabe and Ito (2008, "Color Universal Design"), told apart by people with any colour vision; each
type also has its own pair of outline (solid, dashed, dotted) and hatching, so that colour is never alone. Only the regions
covered by clauses are blended, so a 12 megapixel photo takes a fraction of a second. The picture carries no metadata.
"""

from __future__ import annotations

import hashlib
import io
import itertools
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from clausescan.errors import OutputError
from clausescan.schema.clauses import CLAUSE_TYPES, ClauseType
from clausescan.schema.found import Clause
from clausescan.schema.shapes import title

Rgb = tuple[int, int, int]
Picture = NDArray[np.uint8]
Point = NDArray[np.float64]


@dataclass(frozen=True)
class Style:
    """How one clause type is drawn."""

    colour: Rgb
    dash: tuple[float, float] | None
    """Length and gap of the outline's dashes in line widths; None for solid."""
    hatch: tuple[int, int] | None
    """Direction (dx, dy) of the hatching's lines, y down; None for plain."""
    title: str


_BLUE, _ORANGE, _GREEN = (0, 114, 178), (230, 159, 0), (0, 158, 115)
_VERMILION, _PURPLE, _SKY = (213, 94, 0), (204, 121, 167), (86, 180, 233)
_COLOURS: tuple[Rgb, ...] = (_VERMILION, _PURPLE, _SKY, _BLUE, _ORANGE, _GREEN)
"""Of the Okabe-Ito palette, without black and yellow, on which print or numbers would be lost."""
_SOLID, _DASHED, _DOTTED, _LONG = None, (6.0, 4.0), (1.5, 2.5), (14.0, 4.0)
_PLAIN, _FALLING, _RISING, _LEVEL, _UPRIGHT = None, (1, 1), (1, -1), (1, 0), (0, 1)

STYLES: dict[ClauseType, Style] = {
    kind: Style(colour, dash, hatch, title(kind))
    for kind, colour, dash, hatch in (
        ("termination", _BLUE, _SOLID, _PLAIN),
        ("indemnity", _ORANGE, _DASHED, _FALLING),
        ("liability_cap", _GREEN, _DOTTED, _RISING),
        ("governing_law", _VERMILION, _SOLID, _FALLING),
        ("assignment", _PURPLE, _DASHED, _RISING),
        ("confidentiality", _SKY, _DOTTED, _PLAIN),
        ("renewal", _BLUE, _DASHED, _LEVEL),
        ("payment_terms", _ORANGE, _SOLID, _UPRIGHT),
        ("warranty_limitation", _GREEN, _LONG, _PLAIN),
        ("exclusivity", _VERMILION, _DOTTED, _LEVEL),
        ("audit_rights", _PURPLE, _SOLID, _LEVEL),
        ("insurance", _SKY, _LONG, _FALLING),
        ("ip_ownership", _BLUE, _LONG, _UPRIGHT),
    )
}
"""Of the built-in types, no two with the same outline and hatching."""

_TAKEN = {(style.dash, style.hatch) for style in STYLES.values()}
_FREE = [
    (dash, hatch)
    for dash, hatch in itertools.product((_SOLID, _DASHED, _DOTTED, _LONG), (_PLAIN, _FALLING, _RISING, _LEVEL, _UPRIGHT))
    if (dash, hatch) not in _TAKEN
]
"""Outlines and hatchings for types of the user's own."""


def styles(types: Iterable[ClauseType]) -> dict[ClauseType, Style]:
    """How each of these types is drawn. A type of the user's own has what its name stands for, whatever others are there, unless
    an earlier one of the list has the same outline and hatching. A type that is listed again counts once.
    """
    out: dict[ClauseType, Style] = {}
    for kind in dict.fromkeys(types):
        out[kind] = STYLES.get(kind) or _own_style(kind, out)
    return out


def _own_style(kind: ClauseType, others: dict[ClauseType, Style]) -> Style:
    number = int.from_bytes(hashlib.sha256(kind.encode()).digest()[:8], "big")
    slots = [(*_FREE[(number + n) % len(_FREE)], _COLOURS[(number // len(_FREE) + m) % len(_COLOURS)])
             for m in range(len(_COLOURS)) for n in range(len(_FREE))]  # fmt: skip
    looks = [(s.dash, s.hatch, s.colour) for s in others.values()]
    patterns = [(dash, hatch) for dash, hatch, _ in looks]
    slot = next((s for s in slots if s[:2] not in patterns), None) or next((s for s in slots if s not in looks), slots[0])
    return Style(slot[2], slot[0], slot[1], title(kind))


REJECTED = Style((110, 110, 110), (1.5, 4), None, "Rejected")
"""Of a clause that a reader rejected: an outline alone."""

OPACITY = 0.28
FORMATS = {".jpg": "JPEG", ".jpeg": "JPEG", ".png": "PNG", ".webp": "WEBP"}


def draw(
    rgb: Picture,
    clauses: Sequence[Clause],
    first_number: int = 1,
    rejected: Collection[int] = (),
    *,
    types: Sequence[ClauseType] = CLAUSE_TYPES,
) -> Picture:
    """A copy of the photo, (H, W, 3) uint8 RGB, with its clauses numbered from `first_number` and a legend of `types`.

    `rejected` are the indices of clauses that a reader rejected.
    """
    out = rgb.copy()
    unit = max(out.shape[0], out.shape[1]) / 1000
    looks = styles([*types, *(clause.type for clause in clauses)])
    drawn = [REJECTED if i in rejected else looks[clause.type] for i, clause in enumerate(clauses)]
    for clause, style in zip(clauses, drawn, strict=True):
        if style is not REJECTED:
            _fill(out, clause, style, unit)
    for number, (clause, style) in enumerate(zip(clauses, drawn, strict=True), first_number):
        for polygon in _polygons(clause):
            _outline(out, polygon, style, unit)
        _number(out, clause, number, style.colour, unit)
    _legend(out, list(looks.values()), drawn, unit)
    return out


def encode(rgb: Picture, suffix: str) -> bytes:
    """The picture as a file of the format its suffix names. Raises `OutputError` for an unknown suffix."""
    name = FORMATS.get(suffix.lower())
    if name is None:
        raise OutputError(f"an overlay can be written as {', '.join(FORMATS)}, not as {suffix or 'a file without a suffix'}")
    stream = io.BytesIO()
    options: dict[str, Any] = {"compress_level": 3} if name == "PNG" else {"quality": 90}
    Image.fromarray(rgb).save(stream, name, **options)
    return stream.getvalue()


def _polygons(clause: Clause) -> list[NDArray[np.int32]]:
    return [np.round(np.array(q, np.float64)).astype(np.int32) for q in clause.quads]


def _fill(out: Picture, clause: Clause, style: Style, unit: float) -> None:
    """Blend the clause's quads, and its type's hatching, into the region around them only."""
    polygons = _polygons(clause)
    if not polygons:
        return
    points = np.concatenate(polygons)
    x0, y0 = np.maximum(points.min(0), 0)
    x1, y1 = np.minimum(points.max(0) + 1, [out.shape[1], out.shape[0]])
    if x0 >= x1 or y0 >= y1:
        return
    mask: Picture = np.zeros((y1 - y0, x1 - x0), np.uint8)
    for polygon in polygons:
        cv2.fillPoly(mask, [polygon - [x0, y0]], 1)
    region = out[y0:y1, x0:x1]
    tint: Picture = np.empty_like(region)
    tint[:] = style.colour
    mixed = cv2.addWeighted(region, 1 - OPACITY, tint, OPACITY, 0)
    if style.hatch:
        _hatch(mixed, style, unit)
    cv2.copyTo(np.asarray(mixed, np.uint8), mask, region)


def _hatch(region: Any, style: Style, unit: float) -> None:
    assert style.hatch is not None
    height, width = region.shape[:2]
    step, thick = max(int(10 * unit), 6), max(round(0.6 * unit), 1)
    dx, dy = style.hatch
    if dy == 0:
        for y in range(step // 2, height, step):
            cv2.line(region, (0, y), (width, y), style.colour, thick)
        return
    for offset in range(-height, width + height, step):
        cv2.line(region, (offset, 0), (offset + height * dx * dy, height), style.colour, thick)


def _outline(out: Picture, polygon: NDArray[np.int32], style: Style, unit: float) -> None:
    thick = max(round(1.6 * unit), 1)
    if style.dash is None:
        cv2.polylines(out, [polygon], True, style.colour, thick, cv2.LINE_AA)
        return
    corners = polygon.astype(np.float64)
    for start, end in zip(corners, np.roll(corners, -1, axis=0), strict=True):
        _dashes(out, start, end, style.dash, style.colour, thick)


def _dashes(out: Picture, start: Point, end: Point, dash: tuple[float, float], colour: Rgb, thick: int) -> None:
    length = float(np.linalg.norm(end - start))
    for at in np.arange(0, length, (dash[0] + dash[1]) * thick):
        a = start + (end - start) * (at / length)
        b = start + (end - start) * (min(at + dash[0] * thick, length) / length)
        cv2.line(out, _pixel(a), _pixel(b), colour, thick, cv2.LINE_AA)


def _number(out: Picture, clause: Clause, number: int, colour: Rgb, unit: float) -> None:
    """The clause's number in a filled circle before its first line."""
    if not clause.quads:
        return
    radius = max(int(13 * unit), 8)
    corner = (np.array(clause.quads[0][0]) + np.array(clause.quads[0][3])) / 2
    centre = np.clip(corner - [radius * 1.3, 0], radius + 1, [out.shape[1] - radius - 2, out.shape[0] - radius - 2])
    cv2.circle(out, _pixel(centre), radius, colour, -1, cv2.LINE_AA)
    cv2.circle(out, _pixel(centre), radius, (255, 255, 255), max(round(unit), 1), cv2.LINE_AA)
    _text(out, str(number), centre, 0.55 * unit, (255, 255, 255), middle=True)


def _legend(out: Picture, looks: Sequence[Style], drawn: Sequence[Style], unit: float) -> None:
    """A white box at the bottom left with a swatch, name and count for each type."""
    row, pad = 26 * unit, 10 * unit
    rows = [*looks, *([REJECTED] if REJECTED in drawn else [])]
    labels = [f"{style.title} ({sum(d is style for d in drawn)})" for style in rows]
    widest = max(cv2.getTextSize(text, cv2.FONT_HERSHEY_SIMPLEX, 0.6 * unit, 1)[0][0] for text in labels)
    size = np.array([pad * 3 + row * 1.4 + widest, pad * 2 + row * len(labels)])
    corner = np.array([pad, out.shape[0] - pad - size[1]])
    cv2.rectangle(out, _pixel(corner), _pixel(corner + size), (255, 255, 255), -1)
    cv2.rectangle(out, _pixel(corner), _pixel(corner + size), (60, 60, 60), max(round(unit), 1))
    for i, (style, label) in enumerate(zip(rows, labels, strict=True)):
        at = corner + np.array([pad, pad + row * (i + 0.15)])
        _swatch(out, at, np.array([row * 1.4, row * 0.7]), style, unit)
        _text(out, label, at + np.array([row * 1.4 + pad, row * 0.56]), 0.6 * unit, (0, 0, 0))


def _swatch(out: Picture, at: Point, size: Point, style: Style, unit: float) -> None:
    (x0, y0), (x1, y1) = _pixel(at), _pixel(at + size)
    region = out[max(y0, 0) : y1, max(x0, 0) : x1]
    if region.size:
        tint: Picture = np.empty_like(region)
        tint[:] = style.colour
        mixed = cv2.addWeighted(region, 1 - OPACITY, tint, OPACITY, 0)
        if style.hatch:
            _hatch(mixed, style, unit)
        region[:] = mixed
    _outline(out, np.array([[x0, y0], [x1, y0], [x1, y1], [x0, y1]], np.int32), style, unit)


def _text(out: Picture, text: str, at: Point, scale: float, colour: Rgb, *, middle: bool = False) -> None:
    thick = max(round(scale * 2.2), 1)
    if middle:
        (width, height), _ = cv2.getTextSize(text, cv2.FONT_HERSHEY_SIMPLEX, scale, thick)
        at = at + np.array([-width / 2, height / 2])
    cv2.putText(out, text, _pixel(at), cv2.FONT_HERSHEY_SIMPLEX, scale, colour, thick, cv2.LINE_AA)


def _pixel(point: Point) -> tuple[int, int]:
    return round(float(point[0])), round(float(point[1]))
