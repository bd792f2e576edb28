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


_PIECES = "1 5.000 1/2 ½ / - ( ) , . $ ¥ US$ u.s. eur euro dollars hundred million one half a and or of than % per day year"


@given(st.lists(st.sampled_from(_PIECES.split()), max_size=12))
def test_every_stretch_lies_in_the_words(words):
    found = [*durations(words), *amounts(words), *percentages(words)]
    assert all(0 <= s.first <= s.last < len(words) for s in found)


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


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("limited to EUR 500.000 per claim", [(500000, "EUR")]),
        ("CHF 100.000 per annum or EUR 50.000 per month", [(100000, "CHF"), (50000, "EUR")]),
        ("EUR 500.000 in total, 500.000 €, €250.000", [(500000, "EUR"), (500000, "EUR"), (250000, "EUR")]),
        ("EUR 1.125 million", [(1125000, "EUR")]),
        ("$1.125 per share", [(1.125, "USD")]),
        ("€1.500 per unit, 1.500 EUR per share", []),  # may be a price with three decimals
        ("$500.000 in total", []),
    ],
)
def test_a_point_divides_thousands_beside_the_euro(text, expected):
    assert found_money(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Cdn. $50,000, Cdn.$50,000, Can. $50,000", [(50000, "CAD")] * 3),
        ("AUS $1.00 or Aust. $500", [(1, "AUD"), (500, "AUD")]),
        ("NT $5,000, Mex. $500", []),  # of no currency that is known here
        ("MXN $500", [(500, "MXN")]),
        ("RMB ¥1,000,000, ¥1,000,000 RMB, ¥500,000 (RMB), CN¥500,000", [(1e6, "CNY"), (1e6, "CNY"), (5e5, "CNY"), (5e5, "CNY")]),
        ("¥500,000", [(5e5, "JPY")]),
        ("$500,000 (Canadian)", [(5e5, "CAD")]),
        ("the Companies Act 1993 (New Zealand)", []),
        ("Euro 500,000, Euros 2 million", [(5e5, "EUR"), (2e6, "EUR")]),
        ("U.S. Dollars 500,000", [(5e5, "USD")]),
        ("United States Dollars 500,000", [(5e5, "USD")]),
        ("Pounds Sterling 1,000,000", [(1e6, "GBP")]),
        ("(US$) 1,000,000", [(1e6, "USD")]),
        ("USD ($) 1,000,000", [(1e6, "USD")]),
        ("US Dollars (US$) 1,000,000", [(1e6, "USD")]),
        ("10,000,000 Japanese Yen", [(1e7, "JPY")]),
        ("100,000 Hong Kong dollars, 100,000 New Zealand dollars", [(1e5, "HKD"), (1e5, "NZD")]),
        ("100,000 New Taiwan dollars", []),
        ("in 2023, US Dollars 500,000", [(5e5, "USD")]),
        ("payable in Euros 30 days after receipt", []),
        ("500 dollars 30 copies", [(500, "USD")]),
        ("USD 500 EUR 300", [(500, "USD"), (300, "EUR")]),
    ],
)
def test_whose_money(text, expected):
    assert found_money(text) == expected


def test_a_currencys_whole_name_belongs_to_its_sum():
    words = "exceed US Dollars (US$) 1,000,000 or 5 pounds sterling .".split()
    assert [(m.first, m.last) for m in amounts(words)] == [(1, 4), (6, 8)]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Rs. Five lacs only", [(500000, "INR")]),
        ("INR one crore, Rupees Ten Lakhs", [(1e7, "INR"), (1e6, "INR")]),
        ("Rupees one crore fifty lakhs only", [(1.5e7, "INR")]),
        ("one thousand five hundred crore rupees, two thousand crores rupees", [(1.5e10, "INR"), (2e10, "INR")]),
        ("$1.5 trillion or one trillion dollars", [(1.5e12, "USD"), (1e12, "USD")]),
        ("a million five hundred thousand dollars", [(1500000, "USD")]),
        ("between one hundred thousand and one million dollars", [(1e6, "USD")]),
        ("two and one-half million dollars", [(2500000, "USD")]),
        ("two and one-half (2.5) million dollars, $2 1/2 million, $2½ million", [(2500000, "USD")] * 3),
        ("one-half million dollars", [(500000, "USD")]),
        ("$100 and 1/2 of the cost", [(100, "USD")]),
        ("1 000 000 EUR, 100 000 euros", [(1e6, "EUR"), (1e5, "EUR")]),
        ("$30, 000 or $1, 500, 000", [(30000, "USD"), (1500000, "USD")]),
        ("for $30, 100 copies", [(30, "USD")]),
    ],
)
def test_scales_fractions_and_spaces_in_sums(text, expected):
    assert found_money(text) == expected


def test_a_part_of_a_year_is_no_sum():
    assert amounts("half a year".split()) == []


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
    "text",
    [
        "6 1/2 months",
        "six and one-half (6 1/2) months",
        "1-1/2 years",
        "1.5 years",
        "one and a half years",
        "one (1) and one-half (1/2) years",
        "half a year",
        "a year and a half",
        "one-half of one month",
        "12/31/2023 days",
        "a 30/360 day basis",
    ],
)
def test_no_whole_period(text):
    assert found_durations(text) == []


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("net 15/30 days", [(15, "days"), (30, "days")]),
        ("thirty days and one-half of the fees", [(30, "days")]),
        ("one-hundred-and-eighty (180) days", [(180, "days"), (180, "days")]),
        ("a hundred and twenty days", [(120, "days")]),
        ("one hundred – two hundred days", [(100, "days"), (200, "days")]),
        ("twelve (12) immediately preceding months", [(12, "months"), (12, "months")]),
        ("the three preceding years, 12 most recent fiscal months", [(3, "years"), (12, "months")]),
        ("6 previous months, 6 trailing months, 30 such days, 30 or fewer days", [(6, "months")] * 2 + [(30, "days")] * 2),
        ("30 natural days, 30 continuous days, 30 cumulative days, 30 or less days", [(30, "days")] * 4),
        ("two (2) contract years", [(2, "years"), (2, "years")]),
        ("a “Contract Year”, a fiscal year, the second (2nd) Contract Year", []),
        ("five (5) U.S. business days", [(5, "business_days"), (5, "business_days")]),
        ("30 bank working days, 5 local banking days", [(30, "business_days"), (5, "business_days")]),
        ("2 London bank days, 3 US business days", [(2, "business_days"), (3, "business_days")]),
        ("five (5) week days", [(5, "business_days"), (5, "business_days")]),
        ("two weekdays", [(2, "business_days")]),
        ("thirty (30), days", [(30, "days"), (30, "days")]),
        ("1 yr, 2 yrs, 1 mo and 6 mos.", [(1, "years"), (2, "years"), (1, "months"), (6, "months")]),
        ("Tier 1 (30 days)", [(30, "days")]),
    ],
)
def test_words_around_a_period(text, expected):
    assert found_durations(text) == expected


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("not less than thirty (30) nor more than ninety (90) days", [30, 30, 90, 90]),
        ("at least 60 but not more than 90 days", [60, 90]),
        ("no earlier than 30 and in no event later than ninety (90) days", [30, 90, 90]),
        ("30, 60 or 90 days", [30, 60, 90]),
        ("30, 60, or 90 days", [30, 60, 90]),
        ("thirty (30), sixty (60) or ninety (90) days", [30, 30, 60, 60, 90, 90]),
        ("30-60 days", [30, 60]),
    ],
)
def test_ranges_and_alternatives(text, values):
    assert found_durations(text) == [(v, "days") for v in values]


@pytest.mark.parametrize(
    "text",
    [
        "December 31, 2023 or thirty (30) days",
        "on 12/31/2023 or thirty (30) days",
        "Section 8 or thirty (30) days",
        "Sec. 8(2) or thirty (30) days",
        "Sections 8, 9 and thirty (30) days",
        "Phase 2 or thirty (30) days",
        "five copies, thirty (30) days",
        "one or more thirty (30) day periods",
        "$500 or thirty (30) days",
    ],
)
def test_ranges_are_not_invented(text):
    assert found_durations(text) == [(30, "days"), (30, "days")]


def test_bare_figures_after_names_are_not_periods():
    assert found_durations("Section 8 or 30 days, in 2023 or 30 days, May 5 or 30 days") == [(30, "days")] * 3


@pytest.mark.parametrize(
    "text",
    [
        "one " + "hundred " * 160,
        "one " + "thousand million billion trillion " * 100,
        "one thousand, " * 1100,
        "$999,999 trillion",
        "half of " * 1100,
        "one and one-half (1 " * 400,
        "1 " + "( " * 2000,
        "100 " * 1100,
        "9" * 5000 + " days $" + "9" * 5000 + " and " + "9" * 5000 + "/100",
    ],
)
def test_piled_up_numbers_are_bounded(text):
    words = text.split()
    values = [d.value for d in durations(words)] + [m.amount for m in amounts(words)] + [p.value for p in percentages(words)]
    assert all(v < 10**15 for v in values)
