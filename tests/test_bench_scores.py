"""Scores on hand-made cases."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from clausescan.answer import PageAnswer
from clausescan.bench.labelled import clean, labelled_photos
from clausescan.bench.reading import compare
from clausescan.bench.scoring import Scores, area_overlap, plain_words, quote_errors, stated
from clausescan.bench.stages import grounded
from clausescan.errors import UsageError
from clausescan.geometry import Homography
from tests import specimen
from tests.labelled import QUAD, SAMPLES, clause, photo, scored


def test_the_truth_scores_full_marks() -> None:
    scores = Scores()
    for page in labelled_photos(SAMPLES):
        scores.add(page, page.clauses)
    figures = scores.figures()
    assert figures == {
        "pages": 7, "word_f1": 1.0, "presence_f1": 1.0, "cer": 0.0, "invented": 0.0, "box_iou": 1.0, "fields_f1": 1.0,
    }  # fmt: skip


def test_no_report_scores_nothing() -> None:
    scores = Scores()
    for page in labelled_photos(SAMPLES):
        scores.add(page, ())
    assert (scores.words.f1, scores.presence.f1, scores.fields.f1, scores.iou, scores.cer) == (0, 0, 0, 0, None)


def test_half_the_words_score_two_thirds() -> None:
    scores = scored(photo(clause("Either party may terminate")), clause("party may"))
    assert scores.words.f1 == pytest.approx(2 * 2 / (4 + 2))
    assert (scores.presence.f1, scores.cer, scores.invented) == (1, 0, 0)


def test_words_count_in_their_order_only() -> None:
    assert scored(photo(clause("either party may")), clause("may party either")).words.right == 1


def test_a_clause_of_another_type_is_wrong_on_both_sides() -> None:
    scores = scored(photo(clause("party may")), clause("party may", "indemnity"))
    assert (scores.words.f1, scores.presence.f1, scores.presence.found, scores.presence.true) == (0, 0, 1, 1)


def test_what_stands_nowhere_is_invented_but_a_misread_letter_is_not() -> None:
    scores = scored(photo(clause("party may terminate")), clause("parly may zebrafish"))
    assert (scores.invented, scores.emitted) == (1, 3)


def test_quotes_are_compared_between_the_words_that_both_share() -> None:
    assert quote_errors("1. Either party may end it now", "party rnay end it then") == (2, len("party may end it"))
    assert quote_errors("party", "nothing") == (0, 0)


def test_typography_case_and_edges_do_not_count() -> None:
    assert plain_words("“Party’s” (A) — may,") == ["party's", "a", "may"]
    assert clean("a–b  “c”…") == 'a-b "c"...'


def test_fields_are_compared_as_values() -> None:
    true = clause("x", for_convenience=True, for_cause=False, notice_periods=[{"value": 30, "unit": "days"}])
    found = clause(
        "x", for_convenience=True, notice_periods=[{"value": 30.0, "unit": "day"}], cure_periods=[{"value": 5, "unit": "days"}]
    )
    scores = scored(photo(true), found)
    assert (scores.fields.right, scores.fields.found, scores.fields.true) == (2, 3, 2)
    cap = clause("x", "liability_cap", amounts=[{"amount": 1e6, "currency": None}], fee_months=[12], uncapped=False)
    assert stated("liability_cap", [cap]) == {("amount", 1e6, ""), ("fee_months", 12.0)}
    party = clause("x", "indemnity", indemnifying_parties=["the Supplier,"])
    assert stated("indemnity", [party]) == {("party", "the supplier")}
    assert stated("termination", [{**party, "type": "termination"}]) == set()


def test_areas() -> None:
    right = [[x + 400, y] for x, y in QUAD]
    assert area_overlap([QUAD], [QUAD], (800, 600)) == 1
    assert area_overlap([QUAD], [], (800, 600)) == 0
    assert area_overlap([QUAD, right], [QUAD], (1000, 600)) == pytest.approx(0.5, abs=0.02)


def test_lines_are_compared_where_they_stand() -> None:
    words = specimen.reading()
    lines = grounded(words, Homography.identity(), lambda _: PageAnswer((), {})).lines
    rows = tuple({"text": line.text, "quad": [list(p) for p in line.quads[0]]} for line in lines)
    page = replace(photo(), lines=rows)
    assert compare(lines, page).cer == 0
    figures = compare(lines[1:], page)
    assert (figures.missed, figures.edits) == (1, len(clean(lines[0].text)))


@pytest.mark.parametrize("text", ["", "[]", "{}", '[{"id": "a"}]'])
def test_a_folder_without_truth_is_a_usage_error(tmp_path: Path, text: str) -> None:
    (tmp_path / "truth.json").write_text(text)
    with pytest.raises(UsageError, match=r"truth\.json"):
        labelled_photos(tmp_path)


def test_a_photo_that_is_gone_is_named(tmp_path: Path) -> None:
    row = {"id": "gone", "level": "easy", "size": [8, 8], "words": [], "lines": [], "clauses": []}
    (tmp_path / "truth.json").write_text(json.dumps([row]))
    with pytest.raises(UsageError, match=r"gone\.jpg is missing"):
        labelled_photos(tmp_path)
