import pytest

from clausescan.quantities import amounts
from tests.quantities_found import found_money


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("exceed $1,000,000.", [(1e6, "USD")]),
        ("US$ 2.5 million in total", [(2.5e6, "USD")]),
        ("USD 100,000", [(1e5, "USD")]),
        ("EUR 1.000.000,00", [(1e6, "EUR")]),
        ("€500,000", [(5e5, "EUR")]),
        ("500,000 €", [(5e5, "EUR")]),
        ("One Million Dollars ($1,000,000)", [(1e6, "USD"), (1e6, "USD")]),
        ("one million (1,000,000) dollars", [(1e6, "USD"), (1e6, "USD")]),
        ("five hundred thousand pounds sterling", [(5e5, "GBP")]),
        ("£200,000", [(2e5, "GBP")]),
        ("Five Million U.S. Dollars (U.S. $5,000,000)", [(5e6, "USD"), (5e6, "USD")]),
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
        ("CHF 1'000'000", [(1e6, "CHF")]),
        ("Ten Thousand and No/100 Dollars ($10,000)", [(1e4, "USD"), (1e4, "USD")]),
        ("Fifty and 25/100 dollars", [(50.25, "USD")]),
        ("One Million, Five Hundred Thousand Dollars", [(1.5e6, "USD")]),
        ("Two-Hundred Thousand Dollars", [(2e5, "USD")]),
        ("Section 7 shall survive for 12 months", []),
        ("a dollar store", []),
    ],
)
def test_amounts(text, expected):
    assert found_money(text) == expected


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
    ],
)
def test_scales_and_fractions_in_sums(text, expected):
    assert found_money(text) == expected


def test_a_part_of_a_year_is_no_sum():
    assert amounts("half a year".split()) == []


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("One Thousand Dollars and 50/100 ($1,000.50)", [(1000.5, "USD")] * 2),
        ("One Thousand Dollars & No/100 ($1,000.00)", [(1000, "USD")] * 2),
        ("One Thousand (1,000) Dollars and 50/100", [(1000.5, "USD")] * 2),
        ("One Thousand ($1,000) Dollars and 50/100", [(1000.5, "USD")] * 2),
        ("One Thousand ($1,000.50) Dollars and 50/100", [(1000.5, "USD")]),
        ("Four Dollars and Forty One Cents ($4.41) per kilogram", [(4.41, "USD")] * 2),
        ("ten dollars and fifty (50) cents, $4 and 5 cents", [(10.5, "USD"), (4.05, "USD")]),
        ("a fee of $10 and 5 cents per page", [(10, "USD")]),
        ("$10 and fifty (60) cents", [(10, "USD")]),
    ],
)
def test_cents_behind_a_sum(text, expected):
    assert found_money(text) == expected


def test_cents_behind_the_currency_belong_to_the_sums_words():
    first, second = amounts("pay One Thousand Dollars and 50/100 ($1,000.50) today".split())
    assert [(m.first, m.last) for m in (first, second)] == [(1, 5), (6, 6)]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("$1-2 million, £30- 40K, US$1–2m", [(1e6, "USD"), (2e6, "USD"), (3e4, "GBP"), (4e4, "GBP"), (1e6, "USD"), (2e6, "USD")]),
        ("EUR 50 to 250 million", [(5e7, "EUR"), (2.5e8, "EUR")]),
        ("1-2 million dollars", [(1e6, "USD"), (2e6, "USD")]),
        ("Milestone 1 - 2 million dollars, Tier 1-2 million dollars", [(2e6, "USD")] * 2),
        ("$500 to 1 million dollars", [(500, "USD"), (1e6, "USD")]),
        ("$1-1/2 million", [(1.5e6, "USD")]),
    ],
)
def test_ranges_share_scale_and_currency(text, expected):
    assert found_money(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("$5 billions, EUR 1,5 Mrd., $20 thousands", [(5e9, "USD"), (1.5e9, "EUR"), (2e4, "USD")]),
        ("[***] million five hundred thousand dollars", []),  # more than half a million
        ("tw0 hundred and fifty dollars", []),
        ("not exceed hundred thousand dollars", [(1e5, "USD")]),
    ],
)
def test_a_sum_is_read_whole_or_not_at_all(text, expected):
    assert found_money(text) == expected
