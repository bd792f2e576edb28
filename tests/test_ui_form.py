"""The page's cards, and the form by which readers correct them, without a browser."""

from dataclasses import replace

import pytest

from clausescan import cli
from clausescan.clausetypes.definition import own_prompt
from clausescan.clausetypes.finding import find_types
from clausescan.config import ExtractConfig
from clausescan.errors import UsageError
from clausescan.export.markup import colour
from clausescan.overlay import styles
from clausescan.review import Review
from clausescan.schema.clauses import BUILT_IN, IndemnityFields
from clausescan.schema.report import OwnType, Report
from clausescan.schema.shapes import SHAPES
from clausescan.ui.cards import card_html, marked_text
from clausescan.ui.form import FormError, correction
from clausescan.ui.pieces import safe
from clausescan.ui.pipeline import Pipeline
from clausescan.ui.preferences import Preferences
from tests import owntypes, specimen
from tests.uidesk import AT, entered, review_of


@pytest.mark.parametrize("clause", [0, 1, 2])
def test_an_untouched_form_says_nothing(done, clause):
    review = review_of(done, clause)
    assert correction(review, clause, entered(review), "x", AT) is None


def test_a_form_without_answer_stays_without(done):
    review = review_of(done, 0)
    blank = replace(review, clause=review.clause.model_copy(update={"fields": None, "complete": False}))
    values = {"type": "termination", "text": "Only the words."}
    assert correction(blank, 0, values, "x", AT).model_dump(exclude_none=True, exclude={"by", "at"}) == {
        "clause": 0,
        "act": "edit",
        "text": "Only the words.",
    }


@pytest.mark.parametrize(
    ("clause", "name", "typed", "value"),
    [
        (0, "notice_periods", "1 month; 45 days", [{"value": 1, "unit": "months"}, {"value": 45, "unit": "days"}]),
        (0, "cure_periods", "5 Business Days;", [{"value": 5, "unit": "business_days"}]),
        (0, "cure_periods", "", []),
        (1, "amounts", "EUR 1,500.50; 200", [{"amount": 1500.5, "currency": "EUR"}, {"amount": 200, "currency": None}]),
        (1, "fee_months", "12; 6 months", [12, 6]),
        (2, "indemnifying_parties", "Customer; The Seller", ["Customer", "The Seller"]),
    ],
)
def test_lists_are_entered_as_people_write_them(done, clause, name, typed, value):
    review = review_of(done, clause)
    made = correction(review, clause, entered(review, **{f"{review.clause.type}.{name}": typed}), "x", AT)
    assert made.fields.model_dump(mode="json")[name] == value


@pytest.mark.parametrize(
    ("clause", "field", "typed"),
    [
        (0, "termination.notice_periods", "soon"),
        (0, "termination.notice_periods", "0 days"),
        (0, "termination.notice_periods", "30 zebrafish"),
        (0, "termination.cure_periods", ";".join(["1 day"] * 7)),
        (1, "liability_cap.amounts", "1,00 USD"),
        (1, "liability_cap.amounts", "USD 5 EUR"),
        (1, "liability_cap.fee_months", "a year"),
        (1, "liability_cap.fee_months", "0"),
        (2, "indemnity.indemnifying_parties", "x" * 61),
        (2, "text", "  "),
        (2, "text", "x" * 20_001),
        (2, "type", "warranty"),
    ],
)
def test_what_cannot_be_meant_is_told_without_quoting_it(done, clause, field, typed):
    review = review_of(done, clause)
    with pytest.raises(FormError) as told:
        correction(review, clause, entered(review, **{field: typed}), "x", AT)
    assert told.value.field == field
    assert specimen.CANARY not in str(told.value)


@pytest.mark.parametrize(("number", "taken"), [(8, True), (25, False)])
def test_a_list_holds_as_many_as_its_type_allows(done, number, taken):
    review = review_of(done, 0)
    values = entered(review, type="confidentiality") | {"confidentiality.bound_parties": "; ".join(["Supplier"] * number)}
    if taken:
        assert len(correction(review, 0, values, "x", AT).fields.bound_parties) == number
    else:
        with pytest.raises(FormError, match="24 values are the most"):
            correction(review, 0, values, "x", AT)


def test_a_new_type_takes_the_fields_of_its_own_fieldset(done):
    review = review_of(done, 0)
    values = entered(review, type="indemnity") | {"indemnity.mutual": True, "indemnity.indemnifying_parties": "Supplier"}
    made = correction(review, 0, values, "x", AT)
    assert (made.type, made.fields.mutual, made.fields.defend) == ("indemnity", True, False)


# Cards


def test_uncertain_words_are_marked_and_everything_is_escaped(photo_file, fake_model):
    from clausescan import scan

    fake_model.text = specimen.reading(second={"terminate": "<i>${x}"})
    (clause, *_) = scan.extract(photo_file, model=fake_model).clauses
    marked = marked_text(clause)
    assert marked.count("<mark") == 1
    assert 'title="or “&lt;i&gt;&#36;&#123;x&#125;”">terminate<' in marked
    card = card_html(Review(clause, clause), 0, 1)
    assert "<i>" not in card
    assert "confidence 90 %" in card


def test_nothing_that_templates_run_passes():
    assert safe("${a} {{b}} `c` <d> \"e\" 'f' \0") == (
        "&#36;&#123;a&#125; &#123;&#123;b&#125;&#125; &#96;c&#96; &lt;d&gt; &quot;e&quot; &#x27;f&#x27; \ufffd"
    )


# Further types, and those of the user's own


@pytest.fixture
def own_shapes(tmp_path):
    (source,) = find_types(owntypes.write(tmp_path / "types"))
    return SHAPES | {source.name: own_prompt(source).shape}


def test_a_clause_can_be_corrected_to_a_type_of_ones_own(done, tmp_path, own_shapes):
    workspace, document = done
    review, kind = review_of(done, 0), owntypes.NAME
    values = {"type": kind, "text": review.clause.text, f"{kind}.events": "war; acts of God", f"{kind}.payment_excepted": True}
    values |= {f"{kind}.notice_periods": "5 business days", f"{kind}.consequence": "ended"}
    made = correction(review, 0, values, "x", AT, own_shapes)
    described = OwnType(type=kind, sha256="0" * 64, fields=own_shapes[kind].kinds)
    document.report = Report.model_validate(dict(document.report) | {"own_types": (described,)})
    workspace.correct(document.number, made)
    fixed = review_of(done, 0)
    assert fixed.clause.type == kind
    assert fixed.clause.fields.model_dump(mode="json") == owntypes.FIELDS | {"events": ["war", "acts of God"]}
    card = card_html(fixed, 0, 1, shapes=own_shapes)
    assert "1. Force majeure" in card
    assert "<span class='cs-value'>ended</span>" in card
    assert '<option value="ended" selected>' in card
    assert correction(fixed, 0, values, "x", AT, own_shapes) is None
    with pytest.raises(FormError) as told:
        correction(fixed, 0, values | {f"{kind}.consequence": "doomed"}, "x", AT, own_shapes)
    assert told.value.field == f"{kind}.consequence"


@pytest.mark.parametrize(("typed", "value"), [("1.5 %; 8", [1.5, 8]), ("12 per cent", [12]), ("", [])])
def test_rates_and_choices_are_entered(done, typed, value):
    review = review_of(done, 0)
    values = {"type": "payment_terms", "text": review.clause.text, "payment_terms.late_interest": typed}
    made = correction(review, 0, values | {"payment_terms.interest_period": "month"}, "x", AT)
    assert made.fields.model_dump(mode="json")["late_interest"] == value
    assert made.fields.interest_period == "month"
    for wrong in ("soon", "-1", "1001"):
        with pytest.raises(FormError, match="late interest"):
            correction(review, 0, values | {"payment_terms.late_interest": wrong}, "x", AT)


def test_what_a_field_shows_unchanged_keeps_its_value(done):
    review = review_of(done, 2)
    fields = IndemnityFields(mutual=False, indemnifying_parties=("Smith; Sons",), defend=True)
    held = replace(review, clause=review.clause.model_copy(update={"fields": fields}))
    values = entered(held) | {"indemnity.indemnifying_parties": "Smith; Sons"}
    assert correction(held, 2, values, "x", AT) is None


def test_every_type_can_be_chosen_that_types_lists(home, capsys, workspaces):
    pytest.importorskip("gradio")
    from clausescan.clausetypes.finding import user_folder
    from clausescan.ui.desk import Desk

    user_folder().parent.mkdir(parents=True)
    owntypes.write(user_folder())
    assert cli.run_command(["types"]) == 0
    listed = tuple(line.split(":")[0] for line in capsys.readouterr().out.splitlines())
    desk = Desk(workspaces, Pipeline(lambda config: None), ExtractConfig(), home, signed_in=False)
    assert desk.types() == listed
    config = desk.config(Preferences(types=("renewal", owntypes.NAME)))
    assert (config.types, [source.name for source in config.own_types]) == (("renewal", owntypes.NAME), [owntypes.NAME])
    (user_folder() / f"{owntypes.NAME}.yaml").unlink()
    with pytest.raises(UsageError, match="Force majeure is no longer there"):
        desk.config(Preferences(types=(owntypes.NAME,)))


def test_types_are_drawn_as_in_the_overlay(done, own_shapes):
    review = review_of(done, 0)
    for kind, style in styles([*BUILT_IN, owntypes.NAME]).items():
        clause = review.clause.model_copy(update={"type": kind, "fields": None})
        card = card_html(replace(review, clause=clause), 0, 1, style=style, shapes=own_shapes)
        assert f"--cs-type: {colour(style.colour)};" in card
        assert ("--cs-dash: none" in card) == (style.dash is None)
