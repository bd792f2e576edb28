import pytest

from clausescan.quantities import amounts, parse_digits, percentages
from tests.quantities_found import found_durations, found_money


@pytest.mark.parametrize(
    ("text", "value"),
    [("1,000", 1000), ("1000.5", 1000.5), ("1.000", None), ("1.2.3", None), ("1.000.000", 1e6), ("12,50", 12.5), (".5", 0.5)],
)
def test_parse_digits(text, value):
    assert parse_digits(text) == value


@pytest.mark.parametrize(
    ("text", "amount"),
    [("$4.1 million", 4_100_000), ("US$ 2.01 million", 2_010_000), ("EUR 1.125 million", 1_125_000), ("$0.125", 0.125)],
)
def test_scaled_sums_are_exact(text, amount):
    assert [m.amount for m in amounts(text.split())] == [amount]


@pytest.mark.parametrize(
    ("text", "value"), [("1.375% per month", 1.375), ("0.125 percent", 0.125), ("1.250 per cent", 1.25), (".75%", 0.75)]
)
def test_rates_of_three_decimals(text, value):
    assert [p.value for p in percentages(text.split())] == [value]
    assert parse_digits("1.250") is None


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("limited to EUR 500.000 per claim", [(500000, "EUR")]),
        ("CHF 100.000 per annum or EUR 50.000 per month", [(100000, "CHF"), (50000, "EUR")]),
        ("EUR 500.000 in total, 500.000 €, €250.000", [(500000, "EUR"), (500000, "EUR"), (250000, "EUR")]),
        ("$1.125 per share", [(1.125, "USD")]),
        ("€1.500 per unit, 1.500 EUR per share", []),  # may be a price with three decimals
        ("$500.000 in total", []),
    ],
)
def test_a_point_divides_thousands_beside_the_euro(text, expected):
    assert found_money(text) == expected


@pytest.mark.parametrize(
    "text", ["1 1/2%", "1-1/2 %", "(1-1/2%)", "1½%", "(1- 1/2%)", "one and 1/2 percent", "one and one-half (1.5%)"]
)
def test_a_rate_of_one_and_a_half(text):
    assert {p.value for p in percentages(text.split())} == {1.5}


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("(1/2%)", [0.5]),
        ("one-half of one percent", [0.5]),
        ("one-half (1/2) of one percent (0.5%)", [0.5, 0.5, 0.5]),
        ("one-half of one (1) percent (1/2 of 1%)", [0.5, 0.5]),
        ("one tenth of one per cent", [0.1]),
        ("one hundred and one-half percent", [100.5]),
        ("66-2/3%", [66.6667]),
        ("3/4/2021 %, 7/30 %", []),
    ],
)
def test_broken_rates(text, values):
    assert [p.value for p in percentages(text.split())] == values


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("ten business (10) days", [(10, "business_days")] * 2),
        ("ten calendar (10) days", [(10, "days")] * 2),
        ("ten business (20) days", [(20, "days")]),
        ("two calendar (2) months", [(2, "months")] * 2),
    ],
)
def test_the_forms_of_a_number_may_have_the_kind_of_days_between_them(text, expected):
    assert found_durations(text) == expected
