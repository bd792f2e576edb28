"""The rectifier: finds the sheet on a photo and makes it a flat, upright, evenly lit page with its map.

`rectify` is all that others need. The stages: `lines` and `sheet` find the outline, `edges` follow its sides, `perspective`
makes a page of it, `upright` turns it, `textlines` and `dewarp` straighten its lines, `light` evens it, `capture` judges it.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import cv2
import numpy as np
from numpy.typing import NDArray

from clausescan.errors import UnreadablePageError
from clausescan.geometry import Chain, PointMap, Points
from clausescan.page import Page, Photo, Step
from clausescan.rectify import capture, dewarp, perspective, textlines, upright
from clausescan.rectify.edges import refine_sides
from clausescan.rectify.light import even_light
from clausescan.rectify.sheet import Sheet, find_sheet
from clausescan.rectify.upright import Readability

__all__ = ["rectify"]

_GAIN = 0.95
"""A straightening is kept when it leaves less than this part of the lines' unevenness."""
_CLEAR = 0.20
"""Balance of the letters' own signs, 0..1, from which letters are taken to stand without asking the model."""
_ASKEW = 0.02
"""Slope of the lines from which a page of which no side is seen is levelled."""
_SLANTED = 8.0
"""Degrees between text and outline from which the outline is not the sheet's."""
_SLANT_SURE = 1.3
"""How much more sharply than along the outline lines must part at such an angle."""
_SEEN = 0.45
"""Edge support from which a side of an outline counts as seen."""
_HOLDS = 0.995
"""Part of the print that an outline of which no side is seen must hold to stand for the sheet in place of the frame."""


@dataclass
class _Draft:
    """A page in the making: the photo in gray, whole and halved, what is known of the page, and the steps so far."""

    gray: NDArray[np.uint8]
    half: NDArray[np.uint8]
    corners: Points
    sides: tuple[bool, ...] = (False,) * 4
    """Which of the sheet's sides are seen, from the first corner's on; with none the page is the frame, or an outline in it that
    holds the print."""
    height: int = 0
    maps: tuple[PointMap, ...] = ()
    steps: list[Step] = field(default_factory=list)

    @property
    def seen(self) -> int:
        """How many of the sheet's sides are seen."""
        return sum(self.sides)

    def turn(self) -> None:
        """Turn the page by a quarter, so that its sides are named anew."""
        self.sides = (*self.sides[1:], self.sides[0])
        self.place(np.roll(self.corners, -1, axis=0))

    def place(self, corners: Points) -> None:
        """Take `corners` (clockwise from the page's top left) for the page's; forgets finer maps."""
        h, w = self.gray.shape
        self.corners = corners
        self.height = perspective.page_height(perspective.snapped(perspective.true_aspect(corners, w, h)))
        self.maps = (perspective.photo_to_page(corners, self.height),)

    def turn_over(self) -> None:
        """Turn the page by 180 degrees."""
        self.corners = np.roll(self.corners, -2, axis=0)
        self.sides = (*self.sides[2:], *self.sides[:2])
        self.maps = (*self.maps, perspective.half_turn(self.height))

    def low(self, *more: PointMap) -> NDArray[np.uint8]:
        """The page at `textlines.LOW` of its size, through the maps so far and `more`."""
        return perspective.picture(self.half, Chain((*self.maps, *more)), self.height, textlines.LOW, shrink=0.5)

    def page(self) -> NDArray[np.uint8]:
        """The page at reading size, sampled once from the photo."""
        return perspective.picture(self.gray, Chain(self.maps), self.height)


def rectify(photo: Photo, *, readability: Readability | None = None) -> Page:
    """The photo's page, flat, upright, evenly lit, READING_WIDTH px wide, with its map and all that is wrong with it.

    `readability` tells how confidently (0..1) a (512, 512) uint8 crop of upright text at reading resolution can be read;
    it decides what stands on its head where the letters' own shapes leave doubt. Raises UnreadablePageError with reason
    `no_page` (no sheet and no print) or `no_text` (a blank sheet).

    A photo that lies on its side or its head is turned, pixel for pixel, and done once more, so that a page comes out the same
    however the phone was held.
    """
    page = _rectified(photo, readability)
    if page.turned_degrees == 0:
        return page
    turns = -page.turned_degrees // 90 % 4
    upright_photo = replace(photo, rgb=np.ascontiguousarray(np.rot90(photo.rgb, turns)))
    try:
        again = _rectified(upright_photo, readability)
    except UnreadablePageError:  # so near the edge of what can be read that the page as it is is the better one
        return page
    if again.turned_degrees != 0:
        return page
    turn = perspective.quarter_turns(turns, *photo.rgb.shape[1::-1])

    def on_photo(points: Points | None) -> Points | None:
        return None if points is None else turn.inverse(points)

    return replace(
        again,
        photo_to_page=Chain((turn, again.photo_to_page)),
        corners_photo_px=turn.inverse(again.corners_photo_px),
        turned_degrees=page.turned_degrees,
        steps=(Step("turn", True, note=f"photo turned by {page.turned_degrees} degrees first"), *again.steps),
        defects=tuple(replace(d, quad_photo_px=on_photo(d.quad_photo_px)) for d in again.defects),
    )


def _rectified(photo: Photo, readability: Readability | None) -> Page:
    gray = cv2.cvtColor(photo.rgb, cv2.COLOR_RGB2GRAY)
    h, w = gray.shape
    half = np.asarray(cv2.resize(gray, (max(8, w // 2), max(8, h // 2)), interpolation=cv2.INTER_AREA), np.uint8)
    found = find_sheet(photo.rgb)
    draft = _Draft(np.asarray(gray, np.uint8), half, found.corners_photo_px)
    _outline(draft, photo, found)
    _unslant(draft)
    _level(draft, _turn_text_across(draft))
    tracks = _straighten(draft)
    low = draft.low()
    print_lines = capture.printed(low, tracks)
    if not print_lines or not (draft.seen or capture.parallel(print_lines)):
        reason = "no_text" if draft.seen else "no_page"
        what = "the sheet is blank" if reason == "no_text" else "there is no page with print on it"
        raise UnreadablePageError(f"{photo.name}: {what}; take the photo again with the page filling the picture", reason)
    page = draft.page()
    even = even_light(page)
    if _hangs(draft, even, print_lines, readability):
        draft.turn_over()
        page, low = np.ascontiguousarray(page[::-1, ::-1]), np.ascontiguousarray(low[::-1, ::-1])
        even, print_lines = even_light(page), [_flipped(t, low.shape) for t in print_lines]
    turned = round(float(np.degrees(np.arctan2(*(draft.corners[1] - draft.corners[0])[::-1]))) / 90) * -90 % 360
    to_page = Chain(draft.maps)
    outline = draft.corners if draft.seen else np.clip(draft.corners, 0, (w - 1, h - 1))
    wrong = capture.defects(page, low, print_lines, to_page, outline, draft.sides, (w, h))
    draft.steps.append(Step("light", True, float(np.std(page[::8, ::8])), float(np.std(even[::8, ::8])), "paper divided out"))
    return Page(even, to_page, draft.corners, turned, tuple(draft.steps), wrong)


def _outline(draft: _Draft, photo: Photo, found: Sheet) -> None:
    """Corners from the found sheet, its sides followed where they are seen; with none seen those of what holds the print."""
    draft.sides = tuple(s > _SEEN for s in found.sides)
    note = "no sheet seen: the frame is the page"
    if draft.seen:
        found = refine_sides(photo.rgb, found)
        note = f"{draft.seen} of 4 sides seen"
    elif found.held < _HOLDS:
        found = replace(found, corners_photo_px=perspective.page_corners(*photo.rgb.shape[1::-1]))
    elif any(found.sides):  # an outline with a hint of edges; the frame that `find_sheet` gives has none
        note = "no side seen: the outline around the print is the page"
    draft.place(found.corners_photo_px)
    draft.steps.append(Step("sheet", draft.seen > 0, None, round(found.score, 3), note))


def _unslant(draft: _Draft) -> None:
    """Where the text stands at an angle to the outline, what was found is not the sheet: the frame is, turned to the text."""
    if draft.seen == 4:
        return
    h, w = draft.gray.shape
    angle, times = upright.slant(draft.gray, draft.corners)
    if times < _SLANT_SURE or min(abs((angle - own + 45) % 90 - 45) for own in upright.directions(draft.corners)) < _SLANTED:
        return
    draft.sides = (False,) * 4
    draft.place(perspective.turned_about(perspective.page_corners(w, h), float(np.radians(angle))))
    draft.steps.append(Step("slant", True, round(times, 2), angle, "the frame turned to the text, by so many degrees"))


def _turn_text_across(draft: _Draft) -> float:
    """A quarter turn where lines run down the page; the slope of the lines as they lie then."""
    before, slope = upright.across_over_down(draft.low())
    if before < 1:
        was, sides = draft.corners, draft.sides
        draft.turn()
        after, turned = upright.across_over_down(draft.low())
        if after < before:
            draft.sides = sides
            draft.place(was)
        else:
            slope = turned
        draft.steps.append(Step("quarter turn", after > before, before, after))
    return slope


def _level(draft: _Draft, slope: float) -> None:
    """Where no side of a sheet is seen, the page turned to its lines, so large that it still holds all that it held."""
    if draft.seen or abs(slope) < _ASKEW:
        return
    was = draft.corners
    draft.place(perspective.turned_about(was, float(np.arctan(slope))))
    after = upright.across_over_down(draft.low())[1]
    kept = abs(after) < 0.5 * abs(slope)
    if not kept:
        draft.place(was)
    draft.steps.append(Step("level", kept, round(slope, 3), round(after, 3), "slope of the lines"))


def _straighten(draft: _Draft) -> list[textlines.Track]:
    """Lines levelled and straightened by up to two displacements, each kept only if it helps; the lines as they lie then."""
    tracks = textlines.find_tracks(draft.low())
    for name in ("straighten", "straighten again"):
        before = textlines.unevenness(tracks)
        move = dewarp.fit(tracks, draft.height) if before > 0.8 else None
        if move is None:
            break
        now = textlines.find_tracks(draft.low(move))
        after = textlines.unevenness(now)
        kept = after < _GAIN * before and sum(len(t.points) for t in now) > 0.8 * sum(len(t.points) for t in tracks)
        draft.steps.append(Step(name, kept, before, after, f"{len(tracks)} lines, median rise in px"))
        if not kept:
            break
        draft.maps, tracks = (*draft.maps, move), now
    return tracks


def _hangs(draft: _Draft, page: NDArray[np.uint8], tracks: list[textlines.Track], readability: Readability | None) -> bool:
    """Whether the page, evenly lit, stands on its head; noted as a step."""
    balance = upright.standing(page, tracks)
    hanging, before, after, note = balance < 0, balance, -balance, "risers over descenders, starts in step over ends"
    if readability is not None and balance < _CLEAR:  # letters alone never turn a page: a list of contents may look turned
        hanging, before, after = upright.hangs(page, readability)
        note = "reading confidence"
    draft.steps.append(Step("upright", hanging, before, after, note))
    return hanging


def _flipped(track: textlines.Track, shape: tuple[int, ...]) -> textlines.Track:
    return textlines.Track(((shape[1] - 1, shape[0] - 1) - track.points)[::-1])
