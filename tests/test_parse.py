import json

import pytest

from clausescan.errors import AnswerError
from clausescan.parse import MAX_CHARS, parse_answer
from clausescan.schema.answers import ANSWERS, dump_answer
from clausescan.schema.shapes import SHAPES
from tests import specimen

GOOD = specimen.TERMINATION.answer_json


def test_a_good_answer_is_taken_whole():
    answer = parse_answer(SHAPES["termination"], GOOD)
    assert answer.notice_periods[0].value == 30
    assert parse_answer(SHAPES["termination"], dump_answer(answer)) == answer


@pytest.mark.parametrize("cut", range(0, len(GOOD), 7))
def test_a_cut_off_answer_is_an_error(cut):
    with pytest.raises(AnswerError, match="cut off"):
        parse_answer(SHAPES["termination"], GOOD[:cut])


@pytest.mark.parametrize(
    "change",
    [
        {"heading_words": 41},
        {"heading_words": -1},
        {"heading_words": "2"},
        {"for_cause": 1},
        {"for_cause": None},
        {"notice_periods": None},
        {"notice_periods": [{"value": 30, "unit": "fortnights"}]},
        {"notice_periods": [{"value": 30.5, "unit": "days"}]},
        {"notice_periods": [{"value": 0, "unit": "days"}]},
        {"notice_periods": [{"value": 1, "unit": "days"}] * 7},
        {"extra": "zebrafish"},
    ],
)
def test_what_does_not_fit_the_schema_is_an_error(change):
    with pytest.raises(AnswerError) as caught:
        parse_answer(SHAPES["termination"], json.dumps(json.loads(GOOD) | change))
    assert "zebrafish" not in str(caught.value)
    assert caught.value.__cause__ is None
    assert caught.value.exit_code == 4


@pytest.mark.parametrize("missing", list(ANSWERS["termination"].model_fields))
def test_every_key_is_needed(missing):
    with pytest.raises(AnswerError, match="schema"):
        parse_answer(SHAPES["termination"], json.dumps({k: v for k, v in json.loads(GOOD).items() if k != missing}))


def test_hostile_answers():
    for text in (
        "",
        "null",
        "[]",
        "[" * 5000,
        GOOD + " " * MAX_CHARS,
        GOOD.replace("2", "NaN", 1),
        GOOD[:-1] + ', "for_cause": true}',
    ):
        with pytest.raises(AnswerError):
            parse_answer(SHAPES["termination"], text)
    with pytest.raises(AnswerError):
        parse_answer(SHAPES["indemnity"], GOOD)
