"""The field head: candidates with their words, log-odds from words, and what they settle."""

import pytest
import torch
import xgrammar

from clausescan.model.copying import candidates, copying_schema, named, shortest_names
from clausescan.model.fieldhead import FIELDS, Candidate, FieldHead, Settled, field_odds, settle
from clausescan.model.grammar import AnswerWriter
from clausescan.model.vocabulary import Vocabulary
from clausescan.schema.answers import ANSWERS, dump_answer
from clausescan.schema.shapes import SHAPES
from clausescan.train.clause_losses import field_loss, told_apart
from clausescan.train.field_shifts import FieldOdds
from tests.test_model import tiny
from tests.test_model_reading import vocabulary  # noqa: F401 (a fixture)

NOTICE = (
    "Either party may terminate on thirty (30) days notice, or if a breach is not cured within 10 days; "
    "fees are due in thirty (30) days."
)
WORDS = NOTICE.split()


def _scores(**at: int) -> torch.Tensor:
    """Scores that speak for a field at one word each, and against all else."""
    scores = torch.full((len(WORDS), len(FIELDS)), -9.0)
    for name, word in at.items():
        scores[word, FIELDS.index(name)] = 5.0
    return scores


def test_a_candidate_knows_all_its_words() -> None:
    found = candidates(SHAPES["termination"], WORDS)["notice_periods"]
    assert [c.value for c in found] == [{"value": 30, "unit": "days"}, {"value": 10, "unit": "days"}]
    assert [WORDS[w] for w in found[0].words] == ["days", "days", "days.", "days."]
    assert [WORDS[w] for w in found[1].words] == ["days;"]


def test_one_of_a_values_words_is_enough_and_flags_take_any_word() -> None:
    kinds = SHAPES["termination"].kinds
    found = candidates(SHAPES["termination"], WORDS)
    cure = WORDS.index("days;")
    odds = field_odds(_scores(notice_periods=7, cure_periods=cure, for_cause=3), FIELDS, kinds, found)
    assert settle(odds, found, {}) == Settled(
        {"for_convenience": False, "for_cause": True},
        {"notice_periods": ({"value": 30, "unit": "days"},), "cure_periods": ({"value": 10, "unit": "days"},)},
    )
    assert settle(odds, found, {"for_cause": -6.0}).flags["for_cause"] is False


def test_what_is_settled_is_all_that_can_be_written(vocabulary: Vocabulary) -> None:  # noqa: F811
    lists = {"notice_periods": ({"value": 30, "unit": "days"},), "cure_periods": ()}
    settled = Settled({"for_convenience": True, "for_cause": False}, lists)
    grammar = AnswerWriter(tiny(vocab_size=len(vocabulary)), vocabulary).grammar(
        copying_schema(SHAPES["termination"], WORDS, settled)
    )
    answer = ANSWERS["termination"].model_validate(
        {
            "heading_words": 0, "continues_from_previous": False, "continues_on_next": False, "for_convenience": True,
            "for_cause": False, "notice_periods": [{"value": 30, "unit": "days"}], "cure_periods": [],
        }
    )  # fmt: skip
    right = dump_answer(answer)
    wrong = (right.replace('"for_cause":false', '"for_cause":true'), right.replace("30", "10"))
    for text, fits in ((right, True), *((text, False) for text in wrong)):
        matcher = xgrammar.GrammarMatcher(grammar)
        assert bool(matcher.accept_string(text) and matcher.accept_token(vocabulary.id["<end>"])) is fits


def test_no_candidates_settle_as_an_empty_list() -> None:
    words = "either party may terminate".split()
    found = candidates(SHAPES["termination"], words)
    odds = field_odds(torch.zeros(len(words), len(FIELDS)), FIELDS, SHAPES["termination"].kinds, found)
    assert settle(odds, found, {}).lists == {"notice_periods": (), "cure_periods": ()}


def test_the_loss_falls_when_the_right_words_speak() -> None:
    fields = {
        "for_convenience": False,
        "for_cause": True,
        "notice_periods": [{"value": 30.0, "unit": "days"}],
        "cure_periods": [],
    }
    right = field_loss(_scores(notice_periods=7, for_cause=3), "termination", WORDS, fields)
    wrong = field_loss(_scores(cure_periods=7, for_convenience=3), "termination", WORDS, fields)
    assert float(right) < 0.1 < 10 < float(wrong)


def test_a_longer_name_around_the_meant_one_teaches_nothing() -> None:
    found = [Candidate("Acme Supplier", (3,)), Candidate("Supplier", (3, 9)), Candidate("Buyer", (5,))]
    assert told_apart(found, [False, True, False]) == [False, True, True]
    assert told_apart(found, [False, False, False]) == [True, True, True]
    assert told_apart(None, [True]) == [True]


def test_a_type_without_taught_fields_settles_nothing() -> None:
    shape = SHAPES["governing_law"]
    assert field_odds(torch.zeros(4, len(FIELDS)), FIELDS, shape.kinds, candidates(shape, WORDS)) == {}


def test_head_scores_every_word_for_every_field() -> None:
    assert FieldHead(40)(torch.rand(7, 40)).shape == (7, len(FIELDS))


@pytest.mark.parametrize(("true_at", "sign"), [(-1.0, 1), (2.5, -1)])
def test_shift_moves_towards_the_truth(true_at: float, sign: int) -> None:
    odds = FieldOdds([true_at] * 20 + [true_at - 1.5] * 20, [True] * 20 + [False] * 20)
    assert sign * odds.best_shift() > 0
    assert odds.f1(odds.best_shift()) == 1.0


def test_values_that_were_no_candidates_count_as_missed() -> None:
    assert FieldOdds([1.0], [True], beyond=1).f1(0.0) == pytest.approx(2 / 3)
    assert FieldOdds([1.0, -1.0] * 5, [False, True] * 5).best_shift() == 0.0
    assert Candidate("Supplier", (1,)) == Candidate("Supplier", (1,))


def test_of_nested_names_the_shortest_stays_and_of_roles_the_whole() -> None:
    def kept(passage: str) -> list[str]:
        return [c.value for c in shortest_names(named(passage.split()))]

    assert kept("Obligations of the Supplier shall remain") == ["Obligations", "Supplier"]
    assert kept("each Party shall indemnify") == ["each Party"]
    assert kept("the indemnifying party shall pay") == ["indemnifying party"]
