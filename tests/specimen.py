"""Contract pages drawn for the tests, and a model that knows what stands on them."""

from __future__ import annotations

import io
import json
from dataclasses import dataclass, field, replace
from functools import cache

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from clausescan.answer import PageAnswer, Passage
from clausescan.geometry import Homography, box_quad
from clausescan.page import READING_WIDTH, Line, Page, Photo, Reading, Step, Word

LINES = (
    "MASTER SERVICES AGREEMENT",
    "11. Termination. Either party may terminate this Agreement at any time",
    "upon thirty (30) days' prior written notice to the other party. If a party",
    "is in breach, the other may end it after a cure period of ten (10) Business Days.",
    "Page 7",
    "12. Limitation of Liability. In no event shall Supplier's liability exceed US$ 1,000,000,",
    "except for fraud. Supplier shall not be liable for consequential damages.",
    "13. Indemnity. Supplier shall indemnify, defend and hold harmless Customer.",
)
CANARY = "zebrafish"
LEFT, TOP, PITCH, SIZE = 200, 300, 80, 36


def reading(lines=LINES, confidence=0.98, second=None) -> Reading:
    """The lines as a model would read them; `second` maps a word to its other reading."""
    font = ImageFont.load_default(SIZE)
    out = []
    for i, text in enumerate(lines):
        x, words = float(LEFT), []
        for word in text.split():
            width = font.getlength(word)
            box = (x, TOP + i * PITCH, x + width, TOP + i * PITCH + SIZE * 1.2)
            words.append(Word(word, box, box_quad(box), confidence, (second or {}).get(word)))
            x += width + SIZE / 3
        centre = np.array([[LEFT, TOP + i * PITCH + SIZE * 0.6], [x, TOP + i * PITCH + SIZE * 0.6]])
        out.append(Line(tuple(words), centre, float(SIZE)))
    return Reading(tuple(out))


def facing(left, right) -> Reading:
    """The lines of two columns or facing pages, the left one's first."""
    aside = READING_WIDTH / 2
    lines = []
    for line in reading(right).lines:
        boxes = [(x0 + aside, y0, x1 + aside, y1) for x0, y0, x1, y1 in (w.box_page_px for w in line.words)]
        words = tuple(replace(w, box_page_px=b, quad_page_px=box_quad(b)) for w, b in zip(line.words, boxes, strict=True))
        lines.append(replace(line, words=words, centre_page_px=line.centre_page_px + np.array([aside, 0])))
    return Reading((*reading(left).lines, *lines))


def picture(lines=LINES, size=(READING_WIDTH, 1400), shrink=1) -> Image.Image:
    """The lines on white paper, where `reading` says they are; each side made `shrink` times smaller."""
    image = Image.new("RGB", size, "white")
    draw, font = ImageDraw.Draw(image), ImageFont.load_default(SIZE)
    for line in reading(lines).lines:
        for word in line.words:
            draw.text(word.box_page_px[:2], word.text, "black", font)
    return image.reduce(shrink)


@cache
def png(lines=LINES, shrink=1) -> bytes:
    """The same picture as a file."""
    stream = io.BytesIO()
    picture(lines, shrink=shrink).save(stream, "PNG")
    return stream.getvalue()


def flat_rectify(photo: Photo, *, readability=None) -> Page:
    """A rectifier for photos that are the page itself, at any resolution."""
    height, width = photo.rgb.shape[:2]
    scale = READING_WIDTH / width
    page = (np.arange(READING_WIDTH * round(height * scale), dtype=np.uint32) % 251).astype(np.uint8)
    corners = np.array([[0, 0], [width, 0], [width, height], [0, height]], np.float64)
    step = Step("scale", True, 1.0, 2.0)
    return Page(page.reshape(-1, READING_WIDTH), Homography(np.diag([scale, scale, 1.0])), corners, 0, (step,))


def answer_text(heading_words=2, previous=False, following=False, **fields) -> str:
    """What a well-behaved language model writes."""
    head = {"heading_words": heading_words, "continues_from_previous": previous, "continues_on_next": following}
    return json.dumps(head | fields)


TERMINATION = Passage(
    "termination",
    (1, 0),
    (3, 16),
    (),
    0.9,
    answer_text(
        for_convenience=True,
        for_cause=True,
        notice_periods=[{"value": 30, "unit": "days"}],
        cure_periods=[{"value": 10, "unit": "business_days"}],
    ),
    256,
)
LIABILITY = Passage(
    "liability_cap",
    (5, 0),
    (6, 10),
    (),
    0.8,
    answer_text(
        4,
        amounts=[{"amount": 1000000, "currency": "USD"}],
        fee_months=[],
        excludes_consequential=True,
        excludes_all=False,
        uncapped=True,
    ),
    256,
)
INDEMNITY = Passage(
    "indemnity", (7, 0), (7, 9), (), 0.7, answer_text(mutual=False, indemnifying_parties=["Supplier"], defend=True), 256
)


@dataclass
class FakeModel:
    """Fulfils `PageModel`: answers what it is told to."""

    text: Reading = field(default_factory=reading)
    passages: tuple[Passage, ...] = (LIABILITY, TERMINATION, INDEMNITY)
    presence: dict[str, float] = field(default_factory=lambda: {"termination": 0.95, "indemnity": 0.9, "liability_cap": 0.9})
    name: str = "fake"
    weights_sha256: str = "0" * 64
    pages: int = 0

    def readability(self, gray) -> float:
        return 1.0

    def read(self, gray) -> Reading:
        assert gray.dtype == np.uint8
        assert gray.shape[1] == READING_WIDTH
        self.pages += 1
        return self.text

    def find(self, gray, reading, prompts, budget) -> PageAnswer:
        assert reading is self.text
        for prompt in prompts.values():
            assert reading.lines[0].text in prompt.render(reading.text).user
        own = tuple(replace(p, visual_tokens=min(p.visual_tokens, budget)) for p in self.passages if p.type in prompts)
        taught = {t: self.presence[t] for t in prompts if t in self.presence}
        return PageAnswer(own, taught, untaught=tuple(t for t in prompts if t not in taught))


@cache
def described():
    """The published schema of reports."""
    import jsonschema

    from clausescan.schema.generated import all_schemas

    return jsonschema.Draft202012Validator(json.loads(all_schemas()["report.json"]))
