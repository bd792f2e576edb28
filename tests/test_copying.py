"""Grammars that allow only what a passage says."""

import json

import pytest
import torch
import xgrammar

from clausescan.model.copying import candidates, copying_schema, names
from clausescan.model.grammar import AnswerWriter
from clausescan.model.vocabulary import Vocabulary
from clausescan.schema.clauses import BUILT_IN
from clausescan.schema.shapes import SHAPES
from tests.test_model import tiny
from tests.test_model_reading import vocabulary  # noqa: F401 (a fixture)

HEAD = '"continues_from_previous":false,"continues_on_next":false'


def allows(known: Vocabulary, kind: str, passage: str, answer: str) -> bool:
    """Whether the passage's grammar accepts a whole answer."""
    writer = AnswerWriter(tiny(vocab_size=len(known)), known)
    matcher = xgrammar.GrammarMatcher(writer.grammar(copying_schema(SHAPES[kind], passage.split())))
    return bool(matcher.accept_string(answer)) and matcher.accept_token(known.id["<end>"])


@pytest.mark.parametrize(
    ("value", "unit", "good"), [(30, "days", True), (31, "days", False), (30, "months", False), (2, "years", True)]
)
def test_periods_are_the_passages_own(vocabulary: Vocabulary, value: int, unit: str, good: bool) -> None:  # noqa: F811
    passage = "Either party may terminate upon thirty (30) days notice within two years"
    answer = (
        f'{{"heading_words":0,{HEAD},"for_convenience":true,"for_cause":false,'
        f'"notice_periods":[{{"value":{value},"unit":"{unit}"}}],"cure_periods":[]}}'
    )
    assert allows(vocabulary, "termination", passage, answer) is good


@pytest.mark.parametrize(
    ("amount", "currency", "good"), [(1000000, '"USD"', True), (1000000, '"EUR"', False), (100000, '"USD"', False)]
)
def test_sums_are_the_passages_own(vocabulary: Vocabulary, amount: int, currency: str, good: bool) -> None:  # noqa: F811
    passage = "In no event shall liability exceed one million dollars ($1,000,000) or the fees paid in twelve (12) months"
    answer = (
        f'{{"heading_words":0,{HEAD},"amounts":[{{"amount":{amount},"currency":{currency}}}],"fee_months":[12],'
        '"excludes_consequential":false,"excludes_all":false,"uncapped":false}'
    )
    assert allows(vocabulary, "liability_cap", passage, answer) is good


@pytest.mark.parametrize(("party", "good"), [("Supplier", True), ("each Party", True), ("Customer", False), ("shall", False)])
def test_names_are_the_passages_own(vocabulary: Vocabulary, party: str, good: bool) -> None:  # noqa: F811
    passage = "Supplier shall indemnify, and each Party shall defend, the other"
    answer = f'{{"heading_words":0,{HEAD},"mutual":true,"indemnifying_parties":[{json.dumps(party)}],"defend":true}}'
    assert allows(vocabulary, "indemnity", passage, answer) is good


@pytest.mark.parametrize(("rates", "good"), [("[1.5]", True), ("[2.5]", False), ("[]", True)])
@pytest.mark.parametrize(("period", "known"), [('"month"', True), ("null", True), ('"week"', False)])
def test_rates_are_the_passages_own(vocabulary: Vocabulary, rates: str, good: bool, period: str, known: bool) -> None:  # noqa: F811
    passage = "Late sums bear interest of 1.5% per month"
    answer = (
        f'{{"heading_words":0,{HEAD},"payment_periods":[],"amounts":[],"late_interest":{rates},"interest_period":{period},'
        '"dispute_right":false}'
    )
    assert allows(vocabulary, "payment_terms", passage, answer) is (good and known)


@pytest.mark.parametrize("kind", BUILT_IN)
def test_a_passage_without_values_allows_empty_lists(vocabulary: Vocabulary, kind: str) -> None:  # noqa: F811
    schema = copying_schema(SHAPES[kind], "nothing of that kind stands here".split())
    lists = [p for p in schema["properties"].values() if p.get("type") == "array"]
    assert len(lists) == sum(kind not in ("flag", "choice") for kind in SHAPES[kind].kinds.values())
    assert all(p["maxItems"] == 0 for p in lists)


def test_names_that_part_inside_a_sign_are_written_under_the_mask(vocabulary: Vocabulary) -> None:  # noqa: F811
    """’ and – begin with the same two bytes: what both names force ends inside a sign, which is no text."""
    writer = AnswerWriter(tiny(vocab_size=len(vocabulary)), vocabulary)
    either = {"anyOf": [{"const": "O’Brien"}, {"const": "O–Brien"}]}
    schema = {"type": "object", "properties": {"name": either}, "required": ["name"], "additionalProperties": False}
    with pytest.raises(UnicodeDecodeError):
        xgrammar.GrammarMatcher(writer.grammar(schema)).find_jump_forward_string()
    text = writer.write(writer.ask([7] * 64 + vocabulary.text(" either party"), torch.rand(64, 40)), schema)
    assert json.loads(text)["name"] in ("O’Brien", "O–Brien")


def test_candidate_names() -> None:
    found = names("Acme Corporation of America and its Affiliates, the Indemnifying Party’s insurers".split())
    assert "Acme Corporation of America" in found and "Indemnifying Party" in found and "Affiliates" in found
    assert all(len(name) <= 60 for name in found)


@pytest.mark.parametrize("name", ["iPass", "i-Escrow", "2TheMart", "eDiets", "you", "we"])
def test_names_that_begin_small_are_candidates(name: str) -> None:
    assert name in names(f"{name} shall hold Supplier harmless".split())
    assert not {"hold", "harmless", "x2", "3rd"} & set(names("they hold x2 and 3rd harmless".split()))


def test_numbers_too_large_for_a_report_are_no_candidates():
    words = "liability is limited to $1,000 (account 1234567890123)".split()
    assert [c.value["amount"] for c in candidates(SHAPES["liability_cap"], words)["amounts"]] == [1000]
