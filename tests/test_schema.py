import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from clausescan import resources
from clausescan.schema.answers import ANSWERS, PassageAnswer, answer_schema, dump_answer, fields_of
from clausescan.schema.clauses import BUILT_IN, CLAUSE_TYPES, FIELDS, Amount, Duration
from clausescan.schema.generated import all_schemas

durations = st.lists(
    st.builds(Duration, value=st.integers(1, 9999), unit=st.sampled_from(["hours", "days", "years"])), max_size=6
)
amounts = st.lists(st.builds(Amount, amount=st.floats(0, 1e11), currency=st.sampled_from(["USD", None])), max_size=6)


def test_the_files_are_in_step_with_the_models():
    """`clausescan schema --write schemas` brings them back in step."""
    for name, text in all_schemas().items():
        assert resources.read_text("schemas", name) == text
    assert {p.name for p in resources.folder("schemas").glob("*.json")} == set(all_schemas())


@pytest.mark.parametrize("kind", BUILT_IN)
def test_an_answer_is_its_head_and_then_the_fields_in_order(kind):
    keys = [*PassageAnswer.model_fields, *FIELDS[kind].model_fields]
    assert list(ANSWERS[kind].model_fields) == keys
    assert list(answer_schema(ANSWERS[kind])["properties"]) == answer_schema(ANSWERS[kind])["required"] == keys


def test_the_fields_of_the_first_three_are_those_of_the_guide():
    assert {t: list(FIELDS[t].model_fields) for t in CLAUSE_TYPES} == {
        "termination": ["for_convenience", "for_cause", "notice_periods", "cure_periods"],
        "indemnity": ["mutual", "indemnifying_parties", "defend"],
        "liability_cap": ["amounts", "fee_months", "excludes_consequential", "excludes_all", "uncapped"],
    }


@pytest.mark.parametrize("kind", BUILT_IN)
def test_everything_a_grammar_repeats_is_bounded(kind):
    def walk(node):
        if isinstance(node, dict):
            if node.get("type") == "array":
                assert node["maxItems"] in ({6} if kind in CLAUSE_TYPES else {6, 24})
            if node.get("type") == "string":
                assert "maxLength" in node or "enum" in node or "pattern" in node
            if node.get("type") in ("integer", "number"):
                assert "maximum" in node
                assert "minimum" in node
            if node.get("type") == "object":
                assert node["additionalProperties"] is False
        for child in node.values() if isinstance(node, dict) else node if isinstance(node, list) else ():
            walk(child)

    walk(answer_schema(ANSWERS[kind]))


@pytest.mark.parametrize("kind", BUILT_IN)
def test_a_grammar_can_be_made_of_it(kind):
    xgrammar = pytest.importorskip("xgrammar")
    assert xgrammar.Grammar.from_json_schema(
        json.dumps(answer_schema(ANSWERS[kind])), any_whitespace=False, separators=(",", ":")
    )


@given(st.integers(0, 40), st.booleans(), durations, durations)
def test_dumped_answers_come_back(words, flag, notice, cure):
    shape = ANSWERS["termination"]
    answer = shape(
        heading_words=words,
        continues_from_previous=flag,
        continues_on_next=flag,
        for_convenience=flag,
        for_cause=flag,
        notice_periods=notice,
        cure_periods=cure,
    )
    text = dump_answer(answer)
    assert shape.model_validate_json(text) == answer
    assert " " not in text
    assert fields_of(FIELDS["termination"], answer).cure_periods == tuple(cure)


@given(amounts)
def test_whole_amounts_have_no_decimal_point(values):
    answer = ANSWERS["liability_cap"](
        heading_words=0,
        continues_from_previous=False,
        continues_on_next=False,
        amounts=values,
        fee_months=[],
        excludes_consequential=False,
        excludes_all=False,
        uncapped=False,
    )
    assert ".0," not in dump_answer(answer)
    assert ANSWERS["liability_cap"].model_validate_json(dump_answer(answer)) == answer


def test_models_are_frozen_and_strict():
    with pytest.raises(ValidationError):
        Duration(value="30", unit="days")
    with pytest.raises(ValidationError):
        Duration(value=30, unit="days").value = 31
