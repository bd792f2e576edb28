import pytest

from clausescan.quantities import amounts
from tests.quantities_found import found_money


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("C$50,000", [(5e4, "CAD")]),
        ("CDN $50,000", [(5e4, "CAD")]),
        ("HK$ 3,000,000", [(3e6, "HKD")]),
        ("RMB 10,000", [(1e4, "CNY")]),
        ("$500,000 AUD or $500,000 Canadian dollars or $100 CDN", [(5e5, "AUD"), (5e5, "CAD"), (100, "CAD")]),
        ("in 2023, USD 500,000", [(5e5, "USD")]),
        ("R$500,000", []),  # of no currency that is known here
        ("under Section 10 (USD 500,000)", [(5e5, "USD")]),
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
    "text",
    [
        "payable in Euros (10% VAT)",
        "a fee in Euros 10% per annum",
        "payable in EUR ten (10) per cent of the fees",
        "payable in U.S. dollars 12 times",
        "payable in U.S. dollars twelve (12) times a year",
        "payable in Euros thirty (30) days after receipt",
    ],
)
def test_rates_times_and_periods_are_no_sums(text):
    assert found_money(text) == []


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("USD 5 times the number of units, $0.05 times the fee", [(5, "USD"), (0.05, "USD")]),
        ("Euros 500, 10% of which is VAT", [(500, "EUR")]),
        ("1,5 Mio. EUR, 2 mln. €", [(1.5e6, "EUR"), (2e6, "EUR")]),
        ("exceed 5 mio. EUR 300 are due", [(300, "EUR")]),
        ("exceed 500. Euros are", []),
    ],
)
def test_names_beside_multiples_rates_and_full_stops(text, expected):
    assert found_money(text) == expected
