from clausescan.schema.report import Verdict
from clausescan.verdict import REASONS, document_verdict, page_verdict, unreadable_verdict

FOUND = Verdict(verdict="found", reason=None, confidence=0.8)
ABSENT = Verdict(verdict="absent", reason=None, confidence=0.9)
SURE = Verdict(verdict="absent", reason=None, confidence=0.99)


def test_a_document_has_what_a_page_has():
    assert document_verdict([ABSENT, FOUND, unreadable_verdict("blurred")]) == FOUND


def test_a_document_lacks_only_what_every_page_lacks():
    assert document_verdict([SURE, ABSENT]) == ABSENT
    unclear = document_verdict([SURE, unreadable_verdict("blurred")])
    assert (unclear.verdict, unclear.reason) == ("cannot_tell", "blurred")
    assert document_verdict([]).verdict == "cannot_tell"


def test_only_what_cannot_be_told_has_a_reason_and_no_confidence():
    for reason in REASONS.values():
        verdict = unreadable_verdict(reason)
        assert (verdict.reason, verdict.confidence) == (reason, None)
    assert page_verdict([], 0.01, (), 0.99).reason is None


def test_without_a_probability_nothing_is_absent():
    assert page_verdict([], None, (), 0.99).verdict == "cannot_tell"
