from dataclasses import replace

import numpy as np
import pytest

from clausescan.errors import ModelError
from clausescan.geometry import Homography
from clausescan.ground import PhotoWords, ground, passage_places, text_lines
from clausescan.page import Reading
from clausescan.parse import parse_answer
from clausescan.schema.shapes import SHAPES
from tests import specimen

IDENTITY = Homography.identity()


class Wave:
    """A page whose lines are bent on the photo by up to `height` px."""

    def __init__(self, height):
        self.height = height

    def inverse(self, points):
        return points + np.c_[0 * points[:, 0], self.height * np.sin(points[:, 0] / 250)]

    def forward(self, points):
        return points - np.c_[0 * points[:, 0], self.height * np.sin(points[:, 0] / 250)]


def grounded(passage, reading=None, to_page=IDENTITY):
    words = PhotoWords(reading or specimen.reading(), to_page)
    return ground(passage, SHAPES[passage.type], parse_answer(SHAPES[passage.type], passage.answer_json), words, 0)


def area(quad):
    x, y = np.array(quad).T
    return 0.5 * abs(np.dot(x, np.roll(y, 1)) - np.dot(y, np.roll(x, 1)))


def test_a_straight_line_is_one_quad_a_bent_one_several():
    assert len(grounded(specimen.LIABILITY).clause.quads) == 2
    bent = grounded(specimen.LIABILITY, to_page=Wave(40)).clause
    assert len(bent.quads) > 6
    assert set(bent.quad_lines) == {0, 1}
    assert len(bent.boxes_page) == 2


def test_bent_quads_stay_close_to_the_words():
    words = PhotoWords(specimen.reading(), Wave(40))
    places = passage_places(specimen.LIABILITY, words.reading)
    for _, quad in words.quads(places):
        (x0, _), (x1, _) = quad[0], quad[1]
        for place in places:
            own = np.array(words.quad(place)).mean(0)
            if x0 <= own[0] <= x1 and abs(own[1] - np.mean([p[1] for p in quad])) < 30:
                share = (own[0] - x0) / (x1 - x0)
                middle = (np.array(quad[0]) + quad[3]) / 2 * (1 - share) + (np.array(quad[1]) + quad[2]) / 2 * share
                assert abs(middle[1] - own[1]) < 0.1 * 43.2


def test_corners_are_mapped_one_by_one():
    tilt = Homography(np.array([[0.9, 0.1, 5], [-0.05, 1.1, 3], [1e-5, 2e-5, 1]]))
    clause = grounded(specimen.INDEMNITY, to_page=tilt).clause
    line = specimen.reading().lines[7]
    corners = np.array([line.words[0].quad_page_px[0], line.words[-1].quad_page_px[2]])
    assert np.allclose(tilt.inverse(corners), [clause.quads[0][0], clause.quads[0][2]], atol=0.06)


def test_skipped_lines_are_not_quoted():
    across = replace(specimen.TERMINATION, last=(5, 3), skip_lines=(4,))
    clause = grounded(across).clause
    assert "Page 7" not in clause.text
    assert clause.skip_lines == (4,)
    assert "Page 7" in grounded(replace(across, skip_lines=())).clause.text


@pytest.mark.parametrize(
    ("first", "last"), [((9, 0), (9, 1)), ((0, 0), (0, 99)), ((-1, 0), (1, 0)), ((2, 0), (1, 0)), ((1, 2), (1, 1))]
)
def test_places_outside_the_reading_are_errors(first, last):
    with pytest.raises(ModelError):
        passage_places(replace(specimen.TERMINATION, first=first, last=last), specimen.reading())


def test_evidence_points_at_words_of_the_text():
    clause = grounded(specimen.TERMINATION).clause
    for evidence in clause.field_evidence:
        words = clause.text.split(" ")
        assert evidence.text == " ".join(words[i] for i in evidence.words)
        assert len(evidence.places) == len(evidence.words)
    notice = next(e for e in clause.field_evidence if e.field == "notice_periods")
    assert notice.text == "thirty (30) days'"
    assert notice.quads


def test_uncertain_words_carry_the_other_reading():
    reading = specimen.reading(second={"(30)": "(80)", "prior": "prior"})
    clause = grounded(specimen.TERMINATION, reading).clause
    (mark,) = clause.uncertain_words
    assert (mark.text, mark.other) == ("(30)", "(80)")
    assert clause.text.split(" ")[mark.word] == "(30)"


def test_warnings_name_page_and_type():
    invented = specimen.INDEMNITY.answer_json.replace("Supplier", "Zebra Ltd.")
    result = grounded(replace(specimen.INDEMNITY, answer_json=invented))
    assert result.clause.fields.indemnifying_parties == ()
    assert result.warnings == (
        "page 1, indemnity: a value of indemnifying_parties does not stand in the passage and was dropped",
    )


def test_a_transcript_of_nothing():
    assert text_lines(PhotoWords(Reading(), IDENTITY)) == ()


def test_a_heading_is_what_its_print_says_before_what_the_model_says():
    claimed = specimen.TERMINATION.answer_json.replace('"heading_words": 2', '"heading_words": 5')
    clause = grounded(replace(specimen.TERMINATION, answer_json=claimed)).clause
    assert clause.heading == "Termination"


def test_the_model_s_word_counts_where_the_print_says_nothing():
    claimed = specimen.TERMINATION.answer_json.replace('"heading_words": 2', '"heading_words": 4')
    lines = (specimen.LINES[0], "2024. Renewal and Ending. Either party may terminate this Agreement", *specimen.LINES[2:])
    clause = grounded(replace(specimen.TERMINATION, answer_json=claimed), specimen.reading(lines)).clause
    assert clause.heading == "Renewal and Ending"
    lines = (specimen.LINES[0], "Acme Corp. shall be free to terminate this Agreement at any time.", *specimen.LINES[2:])
    assert grounded(specimen.TERMINATION, specimen.reading(lines)).clause.heading is None


def test_a_line_at_the_foot_of_a_column_is_no_heading_for_the_other_column_s_lines():
    reading = specimen.facing(("Fees are due.", "Customer or Supplier"), ("Affiliates may end this at any time by notice.",))
    answer = specimen.TERMINATION.answer_json.replace('"heading_words": 2', '"heading_words": 0')
    assert grounded(replace(specimen.TERMINATION, first=(1, 0), last=(2, 8), answer_json=answer), reading).clause.heading is None
