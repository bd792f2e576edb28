import json

import pytest

from clausescan import scan
from clausescan.batch.documents import Document, group, join, merge
from clausescan.batch.journal import Entry
from clausescan.errors import UsageError
from clausescan.schema.report import Unplaced
from tests import specimen
from tests.test_batch_run import small_photo

PHOTOS = ("acme_p1.jpg", "acme_p2.jpg", "acme_p10.jpg", "other.jpg", "sub/acme_p3.jpg")


def named(documents):
    return {d.name: d.files for d in documents}


def test_without_a_word_every_photo_is_a_document():
    assert named(group(PHOTOS)) == {p: (p,) for p in PHOTOS}


def test_a_named_group_makes_documents_in_natural_order():
    assert named(group(reversed(PHOTOS), r"(?P<contract>[a-z]+)_p\d+")) == {
        "acme": ("acme_p1.jpg", "acme_p2.jpg", "acme_p10.jpg", "sub/acme_p3.jpg"),
        "other.jpg": ("other.jpg",),
    }


@pytest.mark.parametrize("pattern", ["(", "no group", "(a)", "(?P<a>.)(?P<b>.)"])
def test_patterns_that_name_nothing(pattern):
    with pytest.raises(UsageError, match="--documents"):
        group(PHOTOS, pattern)


ROWS = [("A", "acme_p2.jpg"), ("A", "acme_p1.jpg"), ("B", "./other.jpg")]


@pytest.mark.parametrize(
    "text",
    [
        "\ufeffdocument,file\r\n" + "".join(f"{d},{f}\r\n" for d, f in ROWS),
        json.dumps([{"document": d, "file": f} for d, f in ROWS]),
        json.dumps({"A": [f for d, f in ROWS if d == "A"], "B": ["./other.jpg"]}),
    ],
)
def test_a_manifest_makes_documents_in_its_own_order(tmp_path, text):
    (tmp_path / "m").write_text(text, encoding="utf-8")
    assert named(group(PHOTOS, manifest=tmp_path / "m")) == {
        "A": ("acme_p2.jpg", "acme_p1.jpg"),
        "B": ("other.jpg",),
        "acme_p10.jpg": ("acme_p10.jpg",),
        "sub/acme_p3.jpg": ("sub/acme_p3.jpg",),
    }


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("document,file\nA,none.jpg\n", "none of the photos"),
        ("document,file\nA,../acme_p1.jpg\n", "none of the photos"),
        ("document,file\nA,other.jpg\nB,other.jpg\n", "twice"),
        ("file\nother.jpg\n", "columns"),
        ("document,file\nA\n", "every row"),
        ("[1]", "columns"),
        ('{"A": 5}', "columns"),
        ('{"A": [', "columns"),
    ],
)
def test_manifests_that_make_no_sense(tmp_path, text, why):
    (tmp_path / "m").write_text(text)
    with pytest.raises(UsageError, match=why):
        group(PHOTOS, manifest=tmp_path / "m")
    with pytest.raises(UsageError, match="cannot be read"):
        group(PHOTOS, manifest=tmp_path / "nothing")


@pytest.fixture(scope="module")
def report(tmp_path_factory):
    path = tmp_path_factory.mktemp("photo") / "page.png"
    small_photo(path)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(scan, "rectify", specimen.flat_rectify)
        return scan.extract(path, model=specimen.FakeModel())


@pytest.fixture(scope="module")
def clause(report):
    base = report.clauses

    def make(page, kind, previous=False, following=False):
        own = next(c for c in base if c.type == kind)
        return own.model_copy(update={"page": page, "continues_from_previous": previous, "continues_on_next": following})

    return make


def chains(clauses):
    return [[part.clause for part in j.parts] for j in join(clauses, [(f"{p}.jpg", 0) for p in range(9)])]


def test_clauses_over_page_breaks_are_joined(clause):
    clauses = [
        clause(0, "indemnity"),
        clause(0, "termination", following=True),
        clause(1, "termination", previous=True, following=True),
        clause(2, "termination", previous=True),
        clause(2, "liability_cap", following=True),
        clause(3, "liability_cap", previous=True),
    ]
    assert chains(clauses) == [[1, 2, 3], [4, 5]]
    joined = join(clauses, [("a", 0), ("b", 0), ("c", 0), ("d", 0)])[0]
    assert [(p.page, p.file, p.quads) for p in joined.parts] == [(i, f, clauses[1].quads) for i, f in enumerate("abc")]
    assert joined.text == " ".join([clauses[1].text] * 3)
    assert joined.fields["notice_periods"] == [{"value": 30, "unit": "days"}]
    assert joined.fields["for_cause"] is True


@pytest.mark.parametrize(
    "pages",
    [
        [(0, "termination", False, True), (1, "indemnity", True, False)],
        [(0, "termination", False, True), (2, "termination", True, False)],
        [(0, "termination", False, True), (1, "termination", False, False)],
        [(0, "termination", False, False), (1, "termination", True, False)],
        [(0, "termination", False, None), (1, "termination", None, False)],
        [(0, "termination", False, True), (0, "termination", False, False), (1, "termination", True, False)],
        [(0, "termination", False, True), (1, "termination", False, False), (1, "termination", True, False)],
    ],
)
def test_what_does_not_go_on_is_not_joined(clause, pages):
    assert chains([clause(*page) for page in pages]) == []


@pytest.mark.parametrize(
    ("places", "expected"),
    [
        ([("a.pdf", 0), ("a.pdf", 1)], [[0, 1]]),
        ([("a.pdf", 0), ("a.pdf", 6)], []),
        ([("a.pdf", 1), ("a.pdf", 0)], []),
        ([("a.pdf", 6), ("b.pdf", 0)], [[0, 1]]),
        ([("a.pdf", 6), ("b.pdf", 6)], []),
    ],
)
def test_pages_with_others_between_them_are_not_joined(clause, places, expected):
    clauses = [clause(0, "termination", following=True), clause(1, "termination", previous=True)]
    assert [[part.clause for part in j.parts] for j in join(clauses, places)] == expected


def test_a_file_that_failed_is_a_page_that_failed(report):
    report = report.model_copy(update={"warnings": ("page 1: look here", "page 1, indemnity: else", "of all")})
    entries = {f: Entry(f, "0" * 64, "k", f, "done", None, None, ()) for f in "abc"}
    entries["b"] = Entry("b", "0" * 64, "k", "b", "failed", "timeout", "too slow", ())
    result = merge(Document("abc", ("a", "b", "c")), entries, {"a": report, "c": report})
    assert [(p.index, p.status) for p in result.report.pages] == [(0, "read"), (1, "failed"), (2, "read")]
    assert [c.page for c in result.report.clauses] == [0, 0, 0, 2, 2, 2]
    assert result.report.warnings == (
        "page 1: look here",
        "page 1, indemnity: else",
        "of all",
        "page 2: too slow",
        "page 3: look here",
        "page 3, indemnity: else",
    )
    assert [(f.file, f.pages, f.status, f.reason) for f in result.files][1] == ("b", 1, "failed", "timeout")
    assert {v.verdict for v in result.report.verdicts.values()} == {"found"}
    nothing = merge(Document("b", ("b",)), entries, {})
    assert (nothing.report, nothing.joined) == (None, ())
    assert specimen.CANARY not in result.model_dump_json()


def test_of_equal_warnings_those_about_a_page_all_stay(report):
    """Two clauses of one page may each have lost the same value; what is said of the whole run comes from each file."""
    lost = "page 1, indemnity: a value is not on the page"
    report = report.model_copy(update={"warnings": (lost, lost, "of all")})
    entries = {f: Entry(f, "0" * 64, "k", f, "done", None, None, ()) for f in "ab"}
    merged = merge(Document("ab", ("a", "b")), entries, {"a": report, "b": report}).report
    assert merged.warnings == (lost, lost, "of all", *[lost.replace("1", "2")] * 2)


def test_what_cannot_be_placed_is_merged_with_its_page(report):
    """And the budget is the largest of the files'."""
    files = ("a.jpg", "b.jpg")
    left = Unplaced(page=0, type="indemnity", reason="ambiguous", words=4)
    reports = {name: report.model_copy(update={"unplaced": (left,)}) for name in files}
    reports["b.jpg"] = reports["b.jpg"].model_copy(update={"budget": 300})
    entries = {name: Entry(name, "0" * 64, "k", name, "done", None, None, ()) for name in files}
    merged = merge(Document("contract", files), entries, reports).report
    assert [(u.page, u.words) for u in merged.unplaced] == [(0, 4), (1, 4)]
    assert merged.budget == 300
