import pytest

from clausescan.quantities import percentages
from tests.quantities_found import found_durations


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
        "two years and one-half.",
        "two years and one-half (1/2) from the date",
        "a year and a quarter from the date",
        "one-half of one month",
        "12/31/2023 days",
        "a 30/360 day basis",
    ],
)
def test_no_whole_period(text):
    assert found_durations(text) == []


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


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("upon thirty (30) days and a third party may", 30),
        ("within thirty (30) days and one third party", 30),
        ("within ten (10) days and one-half the fees", 10),
        ("within 30 days and a fifth notice shall", 30),
        ("after 30 days and a third, after 30 days and one-tenth.", 30),
        ("after 30 days and one-half (1/2) of the fees, after 30 days and a quarter-page notice", 30),
    ],
)
def test_what_follows_a_period_is_no_part_of_it(text, value):
    assert set(found_durations(text)) == {(value, "days")}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2000 to 3000 hours, 2000-3000 hours", [(2000, "hours"), (3000, "hours")] * 2),
        ("in 2000 or 3000 hours", [(3000, "hours")]),
        ("from 2019 to 30 days", [(30, "days")]),
        ("30 calendar or 20 business days", [(30, "days"), (20, "business_days")]),
        ("30 business or 45 calendar days", [(30, "business_days"), (45, "days")]),
        ("10 or 20 business days", [(10, "business_days"), (20, "business_days")]),
        ("30 calendar or 2 months", [(2, "months")]),
    ],
)
def test_ranges_of_large_numbers_and_of_kinds_of_days(text, expected):
    assert found_durations(text) == expected


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("5 to 10%, a 5-10% discount", [5, 10, 5, 10]),
        ("from three to six percent, 1.5 to 2 per cent", [3, 6, 1.5, 2]),
        ("Year 1 - 10%, Year 1-10%, Milestone 1 – 10%", [10, 10, 10]),
        ("Section 5 to 10%, in 2020 to 5%, 5 days to 10%", [10, 5, 10]),
    ],
)
def test_ranges_of_rates(text, values):
    assert [p.value for p in percentages(text.split())] == values
