import pytest

from clausescan.evidence import cue_sentence, locate_fields
from clausescan.parse import parse_answer
from clausescan.schema.shapes import SHAPES
from tests.specimen import answer_text


def located(kind, text, **fields):
    return locate_fields(SHAPES[kind], parse_answer(SHAPES[kind], answer_text(0, **fields)), text.split())


def termination(text, notice=(), cure=()):
    return located(
        "termination", text, for_convenience=False, for_cause=False, notice_periods=list(notice), cure_periods=list(cure)
    )


def cap(text, amounts=(), months=()):
    flags = {"excludes_consequential": False, "excludes_all": False, "uncapped": False}
    return located("liability_cap", text, amounts=list(amounts), fee_months=list(months), **flags)


def indemnity(text, *parties):
    return located("indemnity", text, mutual=False, indemnifying_parties=list(parties), defend=False)


def days(value, unit="days"):
    return {"value": value, "unit": unit}


def test_durations_not_on_the_page_are_dropped():
    found = termination("upon thirty (30) days notice", notice=[days(30), days(60), days(30, "months")])
    assert [d.value for d in found.fields.notice_periods] == [30]
    assert len(found.warnings) == 2


def test_the_same_number_twice_goes_to_the_nearest_cue():
    text = "fails to cure within thirty (30) days of the breach . Otherwise it takes thirty (30) days prior written notice"
    found = termination(text, notice=[days(30)], cure=[days(30)])
    words = text.split()
    spots = {e.field: " ".join(words[i] for i in e.words) for e in found.evidence}
    assert spots == {"notice_periods": "thirty (30) days", "cure_periods": "thirty (30) days"}
    first, second = (e.words[0] for e in sorted(found.evidence, key=lambda e: e.field))
    assert first < second


def test_kinds_of_days_follow_the_page():
    found = termination("within ten (10) Business Days", cure=[days(10)])
    assert found.fields.cure_periods[0].unit == "business_days"
    assert len(found.warnings) == 1


def test_two_numbers_for_one_period_are_told():
    found = termination("upon thirty (60) days notice", notice=[days(30)])
    assert any("two different" in w for w in found.warnings)
    assert not termination("upon 30 or 60 days notice", notice=[days(30), days(60)]).warnings


@pytest.mark.parametrize(
    ("text", "claims", "told"),
    [
        ("exceed one million dollars ($100,000) in all", {"amounts": [{"amount": 1e6, "currency": "USD"}]}, True),
        ("exceed one million dollars ($1,000,000) in all", {"amounts": [{"amount": 1e6, "currency": "USD"}]}, False),
        ("exceed $5 million ($10 million for breaches)", {"amounts": [{"amount": 5e6, "currency": "USD"}]}, False),
        ("the fees of the twelve (6) months before", {"months": [6]}, True),
        ("the fees of the twelve (12) months before", {"months": [12]}, False),
    ],
)
def test_two_numbers_for_one_cap_are_told(text, claims, told):
    assert any("two different" in w for w in cap(text, **claims).warnings) == told


def test_days_are_no_money():
    found = cap("within thirty (30) days of 12%", amounts=[{"amount": 30, "currency": "USD"}, {"amount": 12, "currency": None}])
    assert (found.fields.amounts, len(found.warnings)) == ((), 2)


def test_a_name_that_is_too_long_as_printed_is_dropped():
    name = "A" * 38 + " Corporation"
    found = indemnity(f"{name} (“Supplier”) shall indemnify", f"{name} Supplier")
    assert (found.fields.indemnifying_parties, len(found.warnings)) == ((), 1)


@pytest.mark.parametrize(
    ("text", "claim", "kept", "warned"),
    [
        ("exceed $1,000,000 .", (1e6, "USD"), (1e6, "USD"), False),
        ("exceed one million dollars ($1,000,000) .", (1e6, "USD"), (1e6, "USD"), False),
        ("exceed € 500,000", (5e5, "EUR"), (5e5, "EUR"), False),
        ("exceed € 500,000", (5e5, "USD"), (5e5, "EUR"), True),
        ("exceed 500,000", (5e5, "USD"), (5e5, None), True),
        ("exceed $ 500,000", (5e4, "USD"), None, True),
        ("exceed [***]", (5e4, "USD"), None, True),
    ],
)
def test_amounts_are_what_the_page_says(text, claim, kept, warned):
    found = cap(text, [{"amount": claim[0], "currency": claim[1]}])
    assert [(a.amount, a.currency) for a in found.fields.amounts] == ([kept] if kept else [])
    assert bool(found.warnings) == warned


def test_cents_in_a_fraction_are_no_second_number():
    text = "shall not exceed One Thousand Dollars and 50/100 ($1,000.50) in total"
    found = cap(text, [{"amount": 1000.5, "currency": "USD"}])
    assert ([a.amount for a in found.fields.amounts], found.warnings) == ([1000.5], ())
    assert found.evidence[0].words == tuple(range(3, 9))


def test_an_amount_written_twice_is_one_piece_of_evidence():
    text = "shall not exceed one million dollars ($1,000,000) in total"
    (evidence,) = cap(text, [{"amount": 1000000, "currency": "USD"}]).evidence
    assert evidence.words == tuple(range(3, 7))


@pytest.mark.parametrize(
    ("text", "months", "kept"),
    [
        ("fees paid in the twelve (12) months before", 12, True),
        ("fees paid in the preceding year", 12, False),
        ("fees paid in the one (1) year before", 12, True),
        ("24 times the monthly fee", 24, True),
        ("fees paid in the six months before", 12, False),
    ],
)
def test_fee_months(text, months, kept):
    assert cap(text, months=[months]).fields.fee_months == ((months,) if kept else ())


@pytest.mark.parametrize(
    ("text", "claim", "printed"),
    [
        ("The Supplier, at its cost, shall indemnify", "Supplier", "Supplier"),
        ("Supplier’s duty to indemnify", "supplier", "Supplier"),
        ("“Acme, Inc.” shall indemnify", "Acme, Inc", "Acme, Inc"),
        ("“Acme, Inc.” shall indemnify", "Acme, Inc.", "Acme, Inc."),
        ("PAPA JOHN’S shall indemnify", "PAPA JOHN’S", "PAPA JOHN’S"),
        ("each Party shall indemnify", "each Party", "each Party"),
        ("the Supplier shall indemnify", "Customer", None),
        ("Blue Hills Parties and the Agent", "Hills Parties and", "Hills Parties and"),
        ("the Supplier shall indemnify", "...", None),
        ("Johnson & Johnson shall indemnify", "Johnson & Johnson", "Johnson & Johnson"),
        ("Acme – Beta, Inc. shall indemnify", "Acme Beta", "Acme – Beta"),
        ("Acme (UK), at its cost, shall indemnify", "Acme (UK)", "Acme (UK)"),
        ("Acme (UK). Beta shall indemnify", "Acme UK", "Acme (UK)"),
        ("(Acme) shall indemnify", "Acme", "Acme"),
        ("Acme Inc. (“Acme”) shall indemnify", "Acme Inc. (“Acme”)", "Acme Inc. (“Acme”)"),
        ("Acme (“Acme”). Beta shall indemnify", "Acme (Acme)", "Acme (“Acme”)"),
        ('("Acme Inc.") shall indemnify', "Acme Inc.", "Acme Inc."),
        ("the (Acme (UK)), shall indemnify", "Acme (UK)", "Acme (UK)"),
        ("each (“Supplier) shall indemnify", "Supplier", "Supplier"),
        ("the (Supplier)’s duty to indemnify", "Supplier", "Supplier"),
        ("“A” and “B” shall indemnify", "A and B", "“A” and “B”"),
        ("the Suppliers’ duty to indemnify", "Suppliers", "Suppliers"),
        (
            "an act of God (or other (similar)), shall indemnify",
            "act of God (or other (similar))",
            "act of God (or other (similar))",
        ),
    ],
)
def test_parties_are_copied_from_the_page(text, claim, printed):
    assert indemnity(text, claim).fields.indemnifying_parties == ((printed,) if printed else ())


@pytest.mark.parametrize(
    ("text", "claim", "at", "printed"),
    [
        ("any supplier of Customer. Supplier shall indemnify", "Supplier", (4,), "Supplier"),
        ("any supplier of Customer. “Supplier’s” duty to indemnify", "Supplier", (4,), "Supplier"),
        ("Supplier shall indemnify any supplier of Customer", "supplier", (4,), "supplier"),
        ("each party. Each Party, and each Party alone, shall indemnify", "Each Party", (2, 3), "Each Party"),
        ("any supplier of Customer. SUPPLIER shall indemnify", "Supplier", (1,), "supplier"),
        ("the SUPPLIER shall indemnify", "Supplier", (1,), "SUPPLIER"),
    ],
)
def test_a_name_in_its_own_case_goes_before_the_same_word_in_another(text, claim, at, printed):
    found = indemnity(text, claim)
    assert found.fields.indemnifying_parties == (printed,)
    assert [e.words for e in found.evidence if e.field == "indemnifying_parties"] == [at]


def test_values_are_not_repeated():
    assert indemnity("the Supplier and Supplier", "Supplier", "supplier,").fields.indemnifying_parties == ("Supplier",)


def test_a_flag_points_at_its_sentence_or_nowhere():
    words = "Sec. 3.1 Fees are due. Acme Inc. may end it for convenience. Nothing else.".split()
    assert (
        " ".join(words[i] for i in cue_sentence(SHAPES["termination"].cues["for_convenience"], words))
        == "Acme Inc. may end it for convenience."
    )
    assert cue_sentence(SHAPES["indemnity"].cues["defend"], words) == ()
