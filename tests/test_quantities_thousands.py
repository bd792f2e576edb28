import pytest

from tests.quantities_found import found_money


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("EUR 1 000 000, £ 250 000, 100 000 euros", [(1e6, "EUR"), (250000, "GBP"), (1e5, "EUR")]),
        ("EUR 1 234 567,89", [(1234567.89, "EUR")]),
        ("1 234 567,89 EUR", [(1234567.89, "EUR")]),
        ("$1 234.56, €1 234,56", [(1234.56, "USD"), (1234.56, "EUR")]),
        ("EUR 1 500 million", [(1.5e9, "EUR")]),
        ("$30, 000 or $1, 500, 000", [(30000, "USD"), (1500000, "USD")]),
        ("$100, 000.00, $1, 234.56 and $1,234, 567.89", [(1e5, "USD"), (1234.56, "USD"), (1234567.89, "USD")]),
        ("a total of 100, 000 EUR", [(1e5, "EUR")]),
        ("within 100 000 EUR of the price", [(1e5, "EUR")]),
    ],
)
def test_groups_that_stand_apart_are_one_sum(text, expected):
    assert found_money(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Section 8 500 EUR, May 5 500 EUR, No. 3 1 200 EUR", [(500, "EUR"), (500, "EUR"), (1200, "EUR")]),
        ("Clause 10, 500 EUR", [(500, "EUR")]),
        ("EUR 500 365 days, EUR 1 000 365 days", [(500, "EUR"), (1000, "EUR")]),
        ("EUR 500 100% and EUR 500 100 times", [(500, "EUR"), (500, "EUR")]),
        ("USD 1,000 365 days, USD 1,000 500 copies", [(1000, "USD"), (1000, "USD")]),
        ("for $30, 100 copies or $500, 250,000 shares", [(30, "USD"), (500, "USD")]),
        ("$500,000, 250,000 and 100,000", [(5e5, "USD")]),
    ],
)
def test_another_number_is_not_glued_to_a_sum(text, expected):
    assert found_money(text) == expected


@pytest.mark.parametrize(
    "text",
    [
        "EUR 1 234 567.891",
        "1 234.567 EUR",
        "EUR 1 000 000 000 000 000",
        "100 200 300 400 500 600 EUR",
        "€1.234 567,89",
        "1.234 567 EUR",
        "$1,000 000",
        "$1,234 567 in total",
        "EUR 100. 000",
        "$30, 100 in aggregate",
        "$1, 500,000",
        "a total of 10, 500 EUR",
        "within 30 100 USD",
        "Section 8 000 EUR",
        "EUR 500 000 days",
    ],
)
def test_what_may_be_half_a_sum_is_none(text):
    assert found_money(text) == []
    assert found_money(f"{text} .") == []
