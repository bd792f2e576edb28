import pytest
from hypothesis import given
from hypothesis import strategies as st

from clausescan.quantities import amounts, durations, parse_digits, percentages


def found_durations(text):
    return [(d.value, d.unit) for d in durations(text.split())]


def found_money(text):
    return [(m.amount, m.currency) for m in amounts(text.split()) if m.currency]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("upon thirty (30) days’ prior written notice", [(30, "days"), (30, "days")]),
        ("within 30 days", [(30, "days")]),
        ("within sixty days after", [(60, "days")]),
        ("a 30-day cure period", [(30, "days")]),
        ("a thirty-day period", [(30, "days")]),
        ("thirty(30)days", [(30, "days"), (30, "days")]),
        ("30 (thirty) days", [(30, "days"), (30, "days")]),
        ("not less than one hundred and twenty (120) days", [(120, "days"), (120, "days")]),
        ("one hundred eighty days", [(180, "days")]),
        ("ninety-five (95) calendar days", [(95, "days"), (95, "days")]),
        ("ten (10) Business Days", [(10, "business_days"), (10, "business_days")]),
        ("five working days", [(5, "business_days")]),
        ("twelve (12) months preceding", [(12, "months"), (12, "months")]),
        ("the twelve-month period", [(12, "months")]),
        ("two weeks’ notice", [(2, "weeks")]),
        ("48 hours", [(48, "hours")]),
        ("one (1) year", [(1, "years"), (1, "years")]),
        ("a month", [(1, "months")]),
        ("one-hundred-eighty (180) days", [(180, "days"), (180, "days")]),
        ("30 clear days, thirty (30) or more days", [(30, "days"), (30, "days"), (30, "days")]),
        ("30 or 60 days", [(30, "days"), (60, "days")]),
        ("between thirty (30) and sixty (60) days", [(30, "days"), (30, "days"), (60, "days"), (60, "days")]),
        ("thirty (60) days", [(30, "days"), (60, "days")]),
        ("forty five days", [(45, "days")]),
        ("(30) consecutive days", [(30, "days")]),
        ("Section 12.3 of this Agreement", []),
        ("[***] days", []),
        ("thirty percent (30%) of the days", []),
        ("ten copies", []),
        ("effective on the 30th day next following", [(30, "days")]),
        ("twenty-four (24) times the monthly fee", [(24, "months"), (24, "months")]),
        ("three times the fee", []),
    ],
)
def test_durations(text, expected):
    assert found_durations(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("exceed $1,000,000.", [(1e6, "USD")]),
        ("US$ 2.5 million in total", [(2.5e6, "USD")]),
        ("USD 100,000", [(1e5, "USD")]),
        ("EUR 1.000.000,00", [(1e6, "EUR")]),
        ("€500,000", [(5e5, "EUR")]),
        ("500,000 €", [(5e5, "EUR")]),
        ("one million dollars", [(1e6, "USD")]),
        ("One Million Dollars ($1,000,000)", [(1e6, "USD"), (1e6, "USD")]),
        ("one million (1,000,000) dollars", [(1e6, "USD"), (1e6, "USD")]),
        ("five hundred thousand pounds sterling", [(5e5, "GBP")]),
        ("£200,000", [(2e5, "GBP")]),
        ("Five Million U.S. Dollars (U.S. $5,000,000)", [(5e6, "USD"), (5e6, "USD")]),
        ("C$50,000", [(5e4, "CAD")]),
        ("CDN $50,000", [(5e4, "CAD")]),
        ("HK$ 3,000,000", [(3e6, "HKD")]),
        ("RMB 10,000", [(1e4, "CNY")]),
        ("$5M", [(5e6, "USD")]),
        ("$1,234.56", [(1234.56, "USD")]),
        ("two hundred and fifty thousand dollars", [(250000, "USD")]),
        ("five (5) million dollars", [(5e6, "USD")]),
        ("USD 5 (five) million", [(5e6, "USD")]),
        ("one hundred (100) thousand Euros", [(1e5, "EUR")]),
        ("$5 Millions or USD 5 mil or $10 mln", [(5e6, "USD"), (5e6, "USD"), (1e7, "USD")]),
        ("$5-million", [(5e6, "USD")]),
        ("a million dollars, half a million dollars", [(1e6, "USD"), (5e5, "USD")]),
        ("Rs. 5 crore, Rs. 10,00,000, INR 1,00,00,000", [(5e7, "INR"), (1e6, "INR"), (1e7, "INR")]),
        ("CHF 1'000'000, EUR 1 000 000, £ 250 000", [(1e6, "CHF"), (1e6, "EUR"), (250000, "GBP")]),
        ("Ten Thousand and No/100 Dollars ($10,000)", [(1e4, "USD"), (1e4, "USD")]),
        ("Fifty and 25/100 dollars", [(50.25, "USD")]),
        ("One Million, Five Hundred Thousand Dollars", [(1.5e6, "USD")]),
        ("Two-Hundred Thousand Dollars", [(2e5, "USD")]),
        ("$500,000 AUD or $500,000 Canadian dollars or $100 CDN", [(5e5, "AUD"), (5e5, "CAD"), (100, "CAD")]),
        ("under Section 10 (USD 500,000)", [(5e5, "USD")]),
        ("in 2023, USD 500,000", [(5e5, "USD")]),
        ("US Dollars 2,000,000", [(2e6, "USD")]),
        ("R$500,000", []),  # of no currency that is known here
        ("Section 7 shall survive for 12 months", []),
        ("a dollar store", []),
    ],
)
def test_amounts(text, expected):
    assert found_money(text) == expected


def test_spans_name_their_words():
    words = "give at least thirty (30) days notice".split()
    assert [(d.first, d.last) for d in durations(words)] == [(3, 5), (4, 5)]
    assert [(m.first, m.last) for m in amounts("exceed US$ 2 million .".split()) if m.currency] == [(1, 3)]


@pytest.mark.parametrize(
    ("text", "value"),
    [("1,000", 1000), ("1000.5", 1000.5), ("1.000", None), ("1.2.3", None), ("1.000.000", 1e6), ("12,50", 12.5), (".5", 0.5)],
)
def test_parse_digits(text, value):
    assert parse_digits(text) == value


@given(st.integers(1, 9999), st.sampled_from(["hours", "days", "weeks", "months", "years"]))
def test_any_plain_duration_is_found(value, unit):
    assert (value, unit) in found_durations(f"upon {value} {unit} notice")


@given(st.integers(1, 10**11))
def test_any_grouped_amount_is_found(value):
    assert (value, "USD") in found_money(f"not exceed ${value:,} in total")


@given(st.text(max_size=80))
def test_nothing_breaks_it(text):
    durations(text.split())
    amounts(text.split())


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("interest at 1.5% per month", [(1.5, "1.5%")]),
        ("one and one-half percent (1.5%) per month", [(1.5, "one and one-half percent"), (1.5, "(1.5%)")]),
        ("ten (10) per cent", [(10, "ten (10) per cent"), (10, "(10) per cent")]),
        ("thirty (30) days and twenty-five percent", [(25, "twenty-five percent")]),
        ("the lesser of 18 % and one and a half per cent", [(18, "18 %"), (1.5, "one and a half per cent")]),
        ("12 months, $100, 3 persons, a percentage", []),
    ],
)
def test_percentages(text, found):
    words = text.split()
    assert [(p.value, " ".join(words[p.first : p.last + 1])) for p in percentages(words)] == found


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
