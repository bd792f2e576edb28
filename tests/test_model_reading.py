"""From maps and logits to lines and words; page tokens; answers under the grammar."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from clausescan.model.charset import BLANK, NUM_CLASSES, decode, encode
from clausescan.model.encoder import CELL
from clausescan.model.grammar import AnswerWriter
from clausescan.model.linefinder import TextLine, find_lines, reading_order
from clausescan.model.processing import ClausescanImageProcessor
from clausescan.model.strips import STRIP_HEIGHT, Strip, StripCutter, strip_of
from clausescan.model.transcribe import ASCENT, best_path, is_text, second_readings, words_of
from clausescan.model.vocabulary import Vocabulary, paragraph_starts, train_vocabulary
from clausescan.page import READING_WIDTH
from clausescan.schema.answers import ANSWERS, answer_schema
from clausescan.schema.clauses import CLAUSE_TYPES
from tests.test_model import tiny


def painted(lines: list[tuple[float, int, int, float]], shape: tuple[int, int] = (100, 200)) -> np.ndarray:
    """Perfect line maps of lines (y px, first column, last column, slope)."""
    maps = np.zeros((3, *shape), np.float32)
    centre = (np.arange(shape[0]) + 0.5) * CELL
    for y, first, last, slope in lines:
        for column in range(first, last + 1):
            offset = y + slope * (column - first) * CELL - centre
            near = np.abs(offset) < 12
            maps[0, near, column] = np.abs(offset[near]) < 7
            maps[1, near, column] = offset[near] / CELL
    return maps


def test_lines_are_found_to_the_pixel() -> None:
    truth = [(100.0, 10, 150, 0.03), (130.0, 10, 140, 0.03), (300.0, 20, 180, -0.02)]
    lines = find_lines(painted(truth))
    assert len(lines) == 3
    for line, (y, first, last, slope) in zip(lines, truth, strict=True):
        assert (line.first, line.last) == (first, last)
        assert np.abs(line.y - (y + slope * np.arange(last - first + 1) * CELL)).max() < 1


def test_a_number_and_its_section_are_one_line() -> None:
    lines = find_lines(painted([(100.0, 10, 14, 0.0), (100.0, 28, 150, 0.0), (140.0, 28, 150, 0.0)]))
    assert [(line.first, line.last) for line in lines] == [(10, 150), (28, 150)]


def test_two_columns_are_read_one_after_the_other() -> None:
    rows = [(60.0 + 30 * n, 10, 90, 0.0) for n in range(20)] + [(60.0 + 30 * n, 100, 180, 0.0) for n in range(20)]
    lines = find_lines(painted(rows))
    assert len(lines) == 40
    assert all(line.last <= 90 for line in lines[:20])
    assert all(line.first >= 100 for line in lines[20:])


def lines_at(*places: tuple[float, int, int]) -> list[TextLine]:
    """Level lines (y px, first column, last column) of x-height 16 px."""
    return [TextLine(first, np.full(last - first + 1, y, np.float32), 16.0, 1.0) for y, first, last in places]


def test_columns_begin_at_the_edge_of_the_full_line_above_them() -> None:
    """Lines of one cell column and other lengths, or of one and the same, must not be taken for each other."""
    full = [(50.0, 10, 180), (90.0, 10, 180)]
    columns = [(130.0 + 40 * n, *side) for n in range(10) for side in ((10, 90), (100, 180))]
    read = reading_order(lines_at(*full, *columns))
    assert [line.first for line in read] == [10] * 12 + [100] * 10


@pytest.mark.parametrize("gap", [8, 24, 60])
def test_facing_pages_are_read_one_after_the_other(gap: int) -> None:
    rows = [(50.0 + 40 * n, *side) for n in range(20) for side in ((10, 90), (90 + gap, 170 + gap))]
    read = reading_order(lines_at(*rows))
    assert [line.first for line in read] == [10] * 20 + [90 + gap] * 20


def test_columns_are_seen_below_many_full_lines() -> None:
    full = [(50.0 + 40 * n, 10, 180) for n in range(20)]
    columns = [(900.0 + 40 * n, *side) for n in range(12) for side in ((10, 90), (100, 180))]
    read = reading_order(lines_at(*full, *columns))
    assert [line.first for line in read] == [10] * 32 + [100] * 12


def test_lines_beside_each_other_are_read_from_the_left() -> None:
    """A table's rows, whose cells are too far apart for one line."""
    rows = [(100.0, 10, 40), (98.0, 120, 150), (141.0, 10, 40), (140.0, 120, 140)]
    read = reading_order(lines_at(*rows))
    assert [(line.first, float(line.y[0])) for line in read] == [(10, 100.0), (120, 98.0), (10, 141.0), (120, 140.0)]
    middles = [float(line.y.mean()) for line in read]
    assert paragraph_starts([*middles, 180.0, 220.0, 260.0, 330.0]) == [True] + [False] * 6 + [True]


def logits_of(text: str) -> np.ndarray:
    """Frames that say `text`, a blank between letters."""
    classes = [c for letter in encode(text) for c in (BLANK, letter, letter)] + [BLANK]
    p = np.full((len(classes), NUM_CLASSES), 1e-4, np.float32)
    p[np.arange(len(classes)), classes] = 0.98
    return np.log(p)


def test_words_stand_where_their_letters_are() -> None:
    letters = best_path(logits_of("all “30” days"), Strip(40.0, 1.0, 160))
    assert letters.text == "all “30” days"
    line = TextLine(5, np.full(40, 200, np.float32), 16.0, 1.0)
    read = words_of(letters, line, letters)
    assert read is not None
    assert [w.text for w in read.words] == ["all", "“30”", "days"]
    assert all(w.second_reading is None for w in read.words)
    boxes = [w.box_page_px for w in read.words]
    assert boxes[0][2] <= boxes[1][0] + 1 and boxes[1][2] <= boxes[2][0] + 1
    assert boxes[0][1] == pytest.approx(200 - ASCENT * 16) and boxes[0][0] == pytest.approx(5 * 8 + 8 - 6, abs=4)


def test_strips_show_the_line_they_were_cut_along() -> None:
    """A slanted line of marks, each 4 px high at the line's middle, comes out level and of the strip's own size."""
    gray = np.full((300, 600), 255, np.uint8)
    for x in range(100, 500):
        y = 100 + 0.1 * (x - 100)
        gray[round(y) - 2 : round(y) + 2, x] = 0
    strip = strip_of(100, 500, 20.0)
    middle = 100 + 0.1 * (strip.x(np.arange(strip.width) + 0.5) - 100)
    cut = StripCutter(gray).cut(strip, middle)
    assert cut.shape == (STRIP_HEIGHT, strip.width) and strip.width % 8 == 0
    rows = np.nonzero(cut[:, 50:-50].mean(1) < 128)[0]
    assert rows.min() >= STRIP_HEIGHT // 2 - 3 and rows.max() <= STRIP_HEIGHT // 2 + 2
    inked = np.nonzero((cut < 128).any(0))[0]
    assert strip.x(np.array([inked[0], inked[-1] + 1.0])) == pytest.approx([100, 500], abs=2)


def test_second_readings_mark_the_word_that_differs() -> None:
    assert second_readings("within 30 days", "within 80 days", [(0, 6), (7, 9), (10, 14)]) == [None, "80", None]
    assert second_readings("within 30", "within 30", [(0, 6), (7, 9)]) == [None, None]


def test_charset_round_trip() -> None:
    text = "§ 4.2 “Cap”: $1,000 – Café"
    assert decode(encode(text)) == "§ 4.2 “Cap”: $1,000 – Café"
    assert decode(encode("漢")) == "\ufffd"


@pytest.fixture(scope="module")
def vocabulary(tmp_path_factory: pytest.TempPathFactory) -> Vocabulary:
    """A tokenizer learnt from a sentence."""
    file = tmp_path_factory.mktemp("vocabulary") / "tokenizer.json"
    train_vocabulary([" either party may terminate this agreement upon thirty (30) days notice"] * 20, 300, file)
    return Vocabulary(file)


def test_page_tokens_know_their_words(vocabulary: Vocabulary) -> None:
    tokens, first = vocabulary.lines([["either", "party"], ["may", "terminate"]], [True, False])
    assert tokens[0] == vocabulary.id["<para>"] and vocabulary.id["<line>"] in tokens
    assert vocabulary.decode(tokens[first[3] :]).strip() == "terminate"


def test_paragraphs_begin_after_a_gap() -> None:
    assert paragraph_starts([10, 22, 34, 56, 68, 20]) == [True, False, False, True, False, True]


def test_answers_keep_to_the_grammar(vocabulary: Vocabulary) -> None:
    writer = AnswerWriter(tiny(vocab_size=len(vocabulary)), vocabulary)
    question = [7] * 64 + vocabulary.text(" either party may terminate")
    for kind in CLAUSE_TYPES:
        text = writer.write(writer.ask(question, torch.rand(64, 40)), answer_schema(ANSWERS[kind]))
        assert text.startswith('{"heading_words":')
        try:
            ANSWERS[kind].model_validate_json(text)
        except ValueError:  # an untrained model may run out of steps: then the text must be cut off, not finished and wrong
            with pytest.raises(json.JSONDecodeError):
                json.loads(text)


def test_image_processor_brings_pages_to_reading_width() -> None:
    page = Image.fromarray(np.full((1000, 800, 3), 255, np.uint8))
    values = ClausescanImageProcessor()(page)["pixel_values"]
    assert values.shape == (1, 1, 2560, READING_WIDTH)
    assert float(values.max()) == 0.0
    with pytest.raises(ValueError, match="uint8"):
        ClausescanImageProcessor()(np.zeros((10, 10), np.float32))


def test_processor_is_saved_and_loaded(vocabulary: Vocabulary, tmp_path: Path) -> None:
    from transformers import AutoProcessor, PreTrainedTokenizerFast

    from clausescan.model.processing import ClausescanProcessor

    fast = PreTrainedTokenizerFast(tokenizer_object=vocabulary.tokenizer, eos_token="<end>", pad_token="<pad>")
    ClausescanProcessor(ClausescanImageProcessor(), fast).save_pretrained(tmp_path)
    tiny(vocab_size=len(vocabulary)).save_pretrained(tmp_path)
    processor = AutoProcessor.from_pretrained(tmp_path)
    inputs = processor(images=np.full((64, 2048), 255, np.uint8), text="termination", budget=64)
    assert (inputs["input_ids"] == vocabulary.id["<image>"]).sum() == 64
    assert inputs["pixel_values"].shape[-1] == READING_WIDTH


def test_what_both_heads_read_unsurely_and_differently_is_no_text() -> None:
    sure, strip = best_path(logits_of("either party"), Strip(0.0, 1.0, 160)), Strip(0.0, 1.0, 160)
    unsure = replace(best_path(logits_of("eseseosesnes"), strip), p=np.full(12, 0.4))
    assert is_text(sure, sure) and is_text(sure, unsure)
    assert not is_text(unsure, sure)
    assert not is_text(best_path(logits_of(""), strip), sure)
