import pytest

from clausescan.headings import ends_heading, heading, heading_words, words_alone
from tests import specimen


@pytest.mark.parametrize(
    ("text", "line", "expected"),
    [
        ("11.2 Termination for Convenience. Customer may end it.", 0, "Termination for Convenience"),
        ("12. INDEMNIFICATION BY PROVIDER 12.1 Provider shall defend", 4, "INDEMNIFICATION BY PROVIDER"),
        ("18. Indemnities 18.1 The Distributor shall indemnify", 2, "Indemnities"),
        ("ARTICLE VIII TERM; TERMINATION The term begins", 4, "TERM; TERMINATION"),
        ("11 Duration and notice 11.1 After the first year", 4, "Duration and notice"),
        ("Early termination Either party may end it.", 2, "Early termination"),
        ("Supplier may end this agreement for breach", 5, None),
        ("18.5 Tooling after termination. Upon any expiration", 0, "Tooling after termination"),
        ("18.6 Either party may terminate. Upon any expiration", 0, None),
        ("(c) Survival: Sections 4 and 5 survive.", 0, "Survival"),
        ("13.2 Each Party's total liability shall not exceed the fees.", 0, None),
        ("IN NO EVENT SHALL EITHER PARTY BE LIABLE TO THE OTHER FOR ANY LOSS.", 0, None),
        ("Either party may terminate.", 4, None),
        ("Supplier, Customer,", 2, None),
        ("ARTICLE XII – TERM 12.1 This contract begins", 4, "TERM"),
        ("9.2 LIMITATION OF LIABILITY UPON TERMINATION. In the event", 3, "LIMITATION OF LIABILITY UPON TERMINATION"),
        ("(f) Transfers That Do Not Require Consent. The following", 0, "Transfers That Do Not Require Consent"),
        ("9.2 Termination at will. Either party may end it.", 0, "Termination at will"),
        ("13. TERMINATION AT WILL. Either party may end it.", 0, "TERMINATION AT WILL"),
        ("7. Termination. a. Client may end it.", 0, "Termination"),
        ("16.4 Termination procedure: to the fullest extent", 0, "Termination procedure"),
    ],
)
def test_a_heading_is_known_by_its_print(text: str, line: int, expected: str | None) -> None:
    words = text.split()
    assert heading(words[: heading_words(words, line)]) == expected


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("Acme Corp. shall indemnify Buyer.", 0),
        ("Supplier, Inc. shall indemnify Buyer.", 0),
        ("Acme Gmbh. shall indemnify Buyer.", 0),
        ("Mr. Smith may terminate.", 0),
        ("The U.S. Government may terminate.", 0),
        ("Agreement No. 5 shall terminate.", 0),
        ("IN NO EVENT SHALL EITHER PARTY BE LIABLE. THE FEES", 0),
        ("THE SUPPLIER SHALL NOT BE LIABLE FOR LOST PROFITS. THE FEES", 0),
        ("THE SUPPLIER SHALL NOT BE LIABLE FOR LOST PROFITS. THE FEES", 9),
        ("NOTHING IN THIS AGREEMENT LIMITS LIABILITY FOR FRAUD. THE FEES", 0),
        ("10.2 Buyer reserves the right to cancel.", 0),
        ("(a) Supplier indemnifies Buyer.", 0),
        ("(b) The parties agree: (i) to end it", 0),
        ("10.2 Nothing herein limits liability for fraud.", 0),
        ("10.2 Upon termination of this Agreement: (a) all fees", 0),
        ("9.4 Upon termination or expiration of this Agreement (i) all fees", 8),
        ("10.2 True, complete and correct copies of: (a) all", 0),
        ("2.2 Early Termination This Agreement may be terminated as follows: (1) by", 10),
        ("In the Event of a breach", 2),
        ("Customer agrees to pay", 1),
    ],
)
def test_a_sentence_or_a_name_is_no_heading(text: str, line: int) -> None:
    assert heading_words(text.split(), line) == 0


@pytest.mark.parametrize(("text", "line"), [("U.S. Buyers may end it.", 0), ("2024. Buyers may end it.", 0), ("9. A The", 2)])
def test_words_that_leave_no_heading_are_none(text: str, line: int) -> None:
    assert heading_words(text.split(), line) == 0


@pytest.mark.parametrize(
    ("text", "ends"),
    [
        ("Termination. Either", True),
        ("Termination.", True),
        ("Termination. a. Either", True),
        ("Termination. iPass", True),
        ("Termination: either", True),
        ("Termination either", False),
        ("Corp. shall", False),
    ],
)
def test_a_heading_ends_where_a_sentence_may_begin(text: str, ends: bool) -> None:
    assert ends_heading(text.split(), 1) == ends


def test_a_line_stands_alone_by_the_lines_under_it() -> None:
    heads, body = "9. Termination", "Either party may end this agreement at any time by notice"
    reading = specimen.reading((heads, body, body))
    places = [(i, j) for i, line in enumerate(reading.lines) for j in range(len(line.words))]
    assert words_alone(reading, places) == 2
    assert words_alone(reading, places[2:]) == 0
    assert words_alone(reading, places[:2]) == 0
    beside = specimen.facing((body, body), (heads, body))
    assert words_alone(beside, [(i, j) for i in (0, 1) for j in range(11)]) == 0
    assert words_alone(beside, [(2, 0), (2, 1), *((3, j) for j in range(11))]) == 2
    over = specimen.facing((heads,), (body, body))
    assert words_alone(over, [(0, 0), (0, 1), *((1, j) for j in range(11))]) == 0


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ("11. Termination.", "Termination"),
        ("Section 11. Termination.", "Termination"),
        ("X. INDEMNIFICATION AND WARRANTIES", "INDEMNIFICATION AND WARRANTIES"),
        ("10. Termination and Amendment 10.1", "Termination and Amendment"),
        ("(a)Indemnification.", "Indemnification"),
        ("10.2Termination of this Agreement", "Termination of this Agreement"),
        ("13. Indemnification. ---------------", "Indemnification"),
        ("(d) Exclusions from Indemnification.", "Exclusions from Indemnification"),
        ("Termination 7.", "Termination"),
        ("CIVIL LIABILITY", "CIVIL LIABILITY"),
        ("7.2 U.S. Customers.", "U.S. Customers"),
        ("XIV. Liability of Party A", "Liability of Party A"),
        ("9.1", None),
        ("", None),
    ],
)
def test_headings_lose_their_numbers(words, expected):
    assert heading(words.split()) == expected
