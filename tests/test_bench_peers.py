"""Peers behind fake engines."""

from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from clausescan.bench import measure, peers
from clausescan.bench.ocrengines import Tesseract, rapid_reading, tesseract_reading
from clausescan.bench.peers import Answered, Runner, Way
from clausescan.bench.stages import TextOnly, grounded
from clausescan.errors import UsageError
from clausescan.geometry import Homography
from clausescan.page import Reading
from tests import specimen
from tests.labelled import clause, photo

TSV = """level\tpage_num\tblock_num\tpar_num\tline_num\tword_num\tleft\ttop\twidth\theight\tconf\ttext
1\t1\t0\t0\t0\t0\t0\t0\t800\t600\t-1\t
5\t1\t1\t1\t1\t1\t100\t50\t80\t20\t96.5\tEither
5\t1\t1\t1\t1\t2\t190\t50\t70\t20\t90\t"party
5\t1\t1\t1\t1\t3\t270\t50\t70\t20\t90\t\u00a0
5\t1\t1\t2\t1\t1\t100\t90\t60\t20\t80\tmay
"""


def test_tesseract_s_table_becomes_a_reading() -> None:
    reading = tesseract_reading(TSV)
    assert reading.text == 'Either "party\nmay'
    word = reading.lines[0].words[0]
    assert word.box_page_px == (100, 50, 180, 70) and word.confidence == pytest.approx(0.965)
    assert reading.lines[1].centre_page_px.tolist() == [[100, 100], [160, 100]]


def test_rapidocr_s_pieces_on_one_row_become_one_line() -> None:
    def piece(text: str, x: float, y: float) -> tuple[str, float, list]:
        return text, 0.9, [[x, y], [x + 60, y + 2], [x + 60, y + 22], [x, y + 20]]

    reading = rapid_reading([[piece("12.", 100, 50)], [piece("Term", 200, 54), piece("", 260, 54)], [piece("may", 100, 90)], []])
    assert reading.text == "12. Term\nmay"
    assert rapid_reading([]) == Reading(())


def test_a_page_without_words_has_no_clauses() -> None:
    found = grounded(Reading(()), Homography.identity(), lambda _: pytest.fail("nothing to ask about"))
    assert (found.lines, found.clauses) == ((), ())


def test_tesseract_that_is_not_there_is_a_usage_error(monkeypatch) -> None:
    monkeypatch.setenv("PATH", "")
    with pytest.raises(UsageError, match="tesseract-ocr"):
        Tesseract(2)


class OneEngine:
    """Reads the specimen's lines, whatever it is shown."""

    memory_mb = 50.0

    def __init__(self, threads: int) -> None:
        self.shown: list[tuple[int, ...]] = []

    def read(self, picture: np.ndarray) -> Reading:
        self.shown.append(picture.shape)
        return specimen.reading()


@pytest.mark.weights
def test_the_classifier_behind_an_engine_finds_clauses_by_text_alone(monkeypatch, photo_file: Path) -> None:
    monkeypatch.setitem(peers.ENGINES, "one", OneEngine)
    monkeypatch.setattr(peers, "rectify", specimen.flat_rectify)
    raw, flat = (Runner(Way("one", flattened), None, 256, 1) for flattened in (False, True))
    answers = [runner.answer(photo_file) for runner in (raw, flat)]
    for answered in answers:
        kinds = {c["type"]: c for c in answered.clauses}
        assert "thirty (30) days'" in kinds["termination"]["text"]
        assert all(c["visual_tokens"] == 0 for c in answered.clauses)
        assert [line.text for line in answered.lines] == list(specimen.LINES)
    assert set(answers[0].seconds) == {"decode", "read", "find", "total"}
    assert set(answers[1].seconds) == {"decode", "rectify", "read", "find", "total"}
    assert len(raw.engine.shown[0]) == 3 and len(flat.engine.shown[0]) == 2
    assert raw.memory_mb() > measure.peak_mb()


@pytest.mark.weights
def test_text_alone_is_read_with_line_breaks_and_paragraphs() -> None:
    from clausescan.model.engine import load

    answer = TextOnly(load()).find(specimen.reading())
    passages = {p.type: p for p in answer.passages}
    cap = passages["liability_cap"]
    assert cap.first[0] <= 5 <= cap.last[0]
    assert all(p.visual_tokens == 0 for p in answer.passages)


def test_all_ways_take_turns_on_every_photo(monkeypatch) -> None:
    calls: list[tuple[str, Path]] = []

    class Fake:
        def call(self, function, *arguments):
            if function is peers._start:
                self.way = arguments[0]
                return None
            if function is peers._memory:
                return 700.0
            calls.append((str(self.way), arguments[0]))
            seconds = {"total": 1.0 if self.way.engine == peers.OURS else 4.0, "read": 0.5}
            return Answered([clause("Either party may")], (), seconds)

    @contextmanager
    def fake(threads: int):
        yield Fake()

    monkeypatch.setattr(peers, "process", fake)
    pages = [replace(photo(clause("Either party may")), file=Path(name)) for name in ("a", "b")]
    results = peers.run(pages, ["tesseract"], None, 256, 2, lambda _: None)
    names = ["clausescan", "tesseract on the photo", "tesseract on our sheet"]
    assert [str(r.way) for r in results] == names
    assert calls == [(n, Path("a")) for n in names] + [(n, Path(p)) for p in "ab" for n in names]  # the first is a warm-up
    assert [r.ratios for r in results] == [[1, 1], [0.25, 0.25], [0.25, 0.25]]
    assert all(r.scores.pages == 2 and r.scores.words.f1 == 1 and r.memory_mb == 700 for r in results)
