import pytest

from tests.quantities_found import found_durations


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
