import pytest
from hypothesis import given
from hypothesis import strategies as st

from clausescan.quantities import amounts, durations, percentages
from tests.quantities_found import found_durations, found_money


def test_spans_name_their_words():
    words = "give at least thirty (30) days notice".split()
    assert [(d.first, d.last) for d in durations(words)] == [(3, 5), (4, 5)]
    assert [(m.first, m.last) for m in amounts("exceed US$ 2 million .".split()) if m.currency] == [(1, 3)]


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
