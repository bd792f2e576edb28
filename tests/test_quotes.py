"""What a model quotes to places among the words that were read."""

import pytest

from clausescan.providers.quotes import letters, place
from clausescan.schema.listing import MAX_QUOTE_CHARS, ListedPassage, listing_schema
from tests import specimen

READING = specimen.reading()
FIRST, LAST = "11. Termination. Either party may terminate", "cure period of ten (10) Business Days."


def listed(first=FIRST, last=LAST, kind="termination"):
    return ListedPassage(type=kind, first_words=first, last_words=last)


@pytest.mark.parametrize(
    ("first", "last"),
    [
        (FIRST, LAST),
        (FIRST.upper(), LAST.replace("(10)", "(1O)")),  # misread
        ("11 Termination Either party may", "of ten (10) business days"),
        ("11. Terminati0n. Either pary may terminate", "cure perìod of ten (10) Business Days"),
        ("Ⅺ 11．Ｔｅｒｍｉｎａｔｉｏｎ．　Either party may", LAST),
    ],
)
def test_nearly_the_same_words_are_placed(first, last):
    (found,), unplaced = place([listed(first, last)], READING)
    assert (found.first, found.last) == ((1, 0), (3, 16))
    assert unplaced == ()
    assert 0.8 < found.likeness <= 1


@pytest.mark.parametrize(
    ("first", "last", "reason"),
    [
        ("The Lessee may terminate this lease whenever", LAST, "not_on_page"),
        (FIRST, "and all sums shall then fall due at once.", "not_on_page"),
        ("11.", LAST, "too_short"),
        ("... — …", LAST, "too_short"),
        (FIRST, "it", "too_short"),
        ("13. Indemnity. Supplier shall indemnify", FIRST, "ends_before_it_begins"),
    ],
)
def test_what_does_not_stand_there_is_not_placed(first, last, reason):
    placed, (left_out,) = place([listed(first, last)], READING)
    assert placed == ()
    assert (left_out.reason, left_out.words) == (reason, len(first.split()) + len(last.split()))


def test_two_equal_places_are_ambiguous_unless_the_end_tells_them_apart():
    twice = specimen.reading([*specimen.LINES[1:4], *specimen.LINES[1:4]])
    assert place([listed()], twice)[1][0].reason == "ambiguous"
    lines = [
        "4. Termination by notice. Either party may end this.",
        "5. Termination by notice. Either party may end it for breach.",
    ]
    (found,), _ = place([listed("5. Termination by notice. Either party", "may end it for breach.")], specimen.reading(lines))
    assert (found.first, found.last) == ((1, 0), (1, 10))


def test_the_same_words_are_quoted_once_a_type():
    placed, unplaced = place([listed(), listed(), listed(kind="indemnity")], READING)
    assert [p.type for p in placed] == ["termination", "indemnity"]
    assert unplaced[0].reason == "overlaps"


def test_an_empty_reading_places_nothing():
    assert place([listed()], specimen.reading([]))[1][0].reason == "not_on_page"


def test_only_letters_and_digits_count():
    assert letters("“Fees﹐”") == "fees"
    assert letters("\u202eabc\u200b") == "abc"


def test_the_listing_names_only_what_was_asked_for():
    schema = listing_schema(["indemnity"])
    own = schema["$defs"]["ListedPassage"]["properties"]
    assert own["type"]["enum"] == ["indemnity"]
    assert own["first_words"]["maxLength"] == MAX_QUOTE_CHARS
    assert schema["additionalProperties"] is False
