import pytest

from clausescan.headings import heading, heading_words


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
    ],
)
def test_a_heading_is_known_by_its_print(text: str, line: int, expected: str | None) -> None:
    words = text.split()
    assert heading(words[: heading_words(words, line)]) == expected


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
        ("XIV. Liability of Party A", "Liability of Party A"),
        ("9.1", None),
        ("", None),
    ],
)
def test_headings_lose_their_numbers(words, expected):
    assert heading(words.split()) == expected
