"""Corrections: kept beside the machine's answer, checked, and in every format."""

import csv
import io
import json

import jsonschema
import numpy as np
import pypdfium2
import pytest
from PIL import Image
from pydantic import ValidationError

from clausescan import photo, scan
from clausescan.config import ExtractConfig
from clausescan.export.formats import FORMATS, DocumentFiles
from clausescan.export.writing import PicturedPage
from clausescan.overlay import REJECTED
from clausescan.review import report_reviews, shown_types
from clausescan.schema.clauses import FIELDS, IndemnityFields, LiabilityCapFields
from clausescan.schema.corrections import Correction
from clausescan.schema.found import OwnClause
from clausescan.schema.generated import all_schemas
from clausescan.schema.report import OwnType, Report
from clausescan.schema.values import OwnFields
from tests import specimen
from tests.test_export_formats import annotations

AT = "2026-01-02T03:04:05Z"
MUTUAL = IndemnityFields(mutual=True, indemnifying_parties=("Customer",), defend=False)


def act(clause, name, **changes):
    return Correction(clause=clause, by="A. Reader", at=AT, act=name, **changes)


@pytest.fixture
def report(photo_file, fake_model):
    return scan.extract(photo_file, model=fake_model)


def with_corrections(report, *corrections):
    return Report.model_validate(dict(report) | {"corrections": corrections})


def test_the_machines_answer_stays(report):
    edited = with_corrections(report, act(0, "edit", text="Reads otherwise."), act(1, "reject"), act(2, "accept"))
    assert edited.clauses == report.clauses
    first, second, third = report_reviews(edited)
    assert (first.status, first.by, first.at, first.changed) == ("corrected", "A. Reader", AT, ("text",))
    assert (first.clause.text, first.machine.text) == ("Reads otherwise.", report.clauses[0].text)
    assert first.said == "corrected by A. Reader, 2026-01-02 03:04 UTC"
    assert (second.status, second.changed) == ("rejected", ())
    assert third.status == "accepted"
    assert report_reviews(report)[0].said is None


def test_later_acts_hold_and_undo_takes_all_back(report):
    acts = [act(2, "edit", fields=MUTUAL), act(2, "accept")]
    (review,) = report_reviews(with_corrections(report, *acts))[2:]
    assert (review.status, review.clause.fields) == ("accepted", MUTUAL)
    (undone,) = report_reviews(with_corrections(report, *acts, act(2, "undo")))[2:]
    assert (undone.status, undone.clause) == (None, report.clauses[2])


def test_evidence_and_doubts_go_where_their_words_go(report):
    assert report.clauses[2].field_evidence
    kept = report_reviews(with_corrections(report, act(2, "edit", fields=MUTUAL)))[2].clause
    assert {e.field for e in kept.field_evidence} < {e.field for e in report.clauses[2].field_evidence}
    gone = report_reviews(with_corrections(report, act(2, "edit", text="Other words.")))[2].clause
    assert (gone.field_evidence, gone.uncertain_words) == ((), ())
    assert gone.quads == report.clauses[2].quads


def test_a_new_type_comes_with_its_fields(report):
    changed = report_reviews(with_corrections(report, act(0, "edit", type="indemnity", fields=MUTUAL)))[0]
    assert (changed.clause.type, changed.machine.type) == ("indemnity", "termination")
    assert changed.changed == ("type", "fields")


@pytest.mark.parametrize(
    "wrong",
    [
        {"act": "edit"},
        {"act": "accept", "text": "more"},
        {"act": "edit", "type": "indemnity"},
        {"act": "edit", "text": ""},
        {"act": "praise"},
        {"act": "accept", "by": ""},
        {"act": "accept", "at": "yesterday"},
    ],
)
def test_what_makes_no_sense_is_refused(wrong):
    with pytest.raises(ValidationError):
        Correction(**{"clause": 0, "by": "x", "at": AT} | wrong)


def test_a_correction_must_fit_its_report(report):
    with pytest.raises(ValidationError, match="not there"):
        with_corrections(report, act(3, "accept"))
    cap = LiabilityCapFields(amounts=(), fee_months=(), excludes_consequential=True, excludes_all=False, uncapped=False)
    with pytest.raises(ValidationError, match="type"):
        with_corrections(report, act(0, "edit", fields=cap))
    with pytest.raises(ValidationError, match="type"):  # the new type was taken back
        with_corrections(report, act(0, "edit", type="indemnity", fields=MUTUAL), act(0, "undo"), act(0, "edit", fields=MUTUAL))


@pytest.fixture
def files(report, photo_file, tmp_path):
    corrections = (
        act(0, "edit", text="=Reads <b>otherwise</b>."),
        act(1, "reject"),
        act(2, "edit", fields=MUTUAL),
        act(2, "accept"),
    )
    edited = with_corrections(report, *corrections)
    document = DocumentFiles(FORMATS, tmp_path / "out")
    (shown,) = photo.pages((photo_file,), ExtractConfig())
    document.page(PicturedPage(edited.pages[0], shown.rgb, edited.clauses, 1, (), edited.corrections))
    document.end(edited)
    return edited, {name: (tmp_path / f"out{f.suffix}").read_bytes() for name, f in FORMATS.items()}


def test_json_carries_them(files):
    edited, data = files
    for name in ("json", "jsonl"):
        jsonschema.validate(json.loads(data[name]), json.loads(all_schemas()["report.json"]))
        assert Report.model_validate_json(data[name]) == edited


def test_csv_has_the_machines_word_and_the_readers(files):
    edited, data = files
    rows = list(csv.DictReader(io.StringIO(data["csv"].decode(), newline="")))
    assert [row["review"] for row in rows] == ["corrected", "rejected", "accepted"]
    assert rows[0]["text"] == edited.clauses[0].text
    assert rows[0]["corrected_text"] == "'=Reads <b>otherwise</b>."
    assert (rows[0]["reviewed_by"], rows[0]["reviewed_at"]) == ("A. Reader", AT)
    assert rows[2]["corrected_fields"] == "mutual; indemnifying parties: Customer"
    assert (rows[1]["corrected_text"], rows[1]["corrected_type"]) == ("", "")


def test_html_shows_both(files):
    edited, data = files
    page = data["html"].decode()
    assert "=Reads &lt;b&gt;otherwise&lt;/b&gt;." in page
    assert "Corrected by A. Reader, 2026-01-02 03:04 UTC" in page
    assert page.count("The machine's answer") == 2
    assert edited.clauses[0].text.replace("'", "&#x27;") in page
    assert 'class="card type-liability_cap rejected"' in page


def test_pdf_annotations_say_it(files):
    edited, data = files
    page = pypdfium2.PdfDocument(data["pdf"])[0]
    first, second, third = (contents for _, contents, _ in annotations(page))
    assert "=Reads <b>otherwise</b>." in first
    assert f"[The machine's answer:]\nTermination\n{edited.clauses[0].text}" in first
    assert "[rejected by A. Reader, 2026-01-02 03:04 UTC]" in second
    assert "[accepted by A. Reader" in third


def test_png_outlines_what_was_rejected(files, tmp_path, report):
    _, data = files
    plain = DocumentFiles(["png"], tmp_path / "plain")
    plain.page(PicturedPage(report.pages[0], np.asarray(specimen.picture()), report.clauses, 1, ()))
    with_it = np.asarray(Image.open(io.BytesIO(data["png"])))
    without = np.asarray(Image.open(tmp_path / "plain.png"))
    gray = [(picture == REJECTED.colour).all(-1).sum() for picture in (with_it, without)]
    assert gray[0] > 5 * gray[1]
    (x0, y0), _, (x1, y1), _ = report.clauses[1].quads[0]
    inside = np.s_[int(y0) + 8 : int(y1) - 8, int(x0) + 8 : int(x1) - 8]
    assert (with_it[inside] == 255).all(-1).mean() > 0.5 > (without[inside] == 255).all(-1).mean()  # not tinted


def test_coco_and_web_annotations_tell_who_and_when(files):
    edited, data = files
    first, second, third = json.loads(data["coco"])["annotations"]
    assert first["attributes"]["text"] == "=Reads <b>otherwise</b>."
    review = first["attributes"]["review"]
    assert (review["status"], review["by"], review["at"]) == ("corrected", "A. Reader", AT)
    assert review["machine"]["text"] == edited.clauses[0].text
    assert second["attributes"]["review"]["status"] == "rejected"
    items = json.loads(data["w3c"])["items"]
    said = [[(b["purpose"], b["value"]) for b in item["body"] if b.get("creator")] for item in items]
    assert said[0] == [("assessing", "corrected"), ("editing", "=Reads <b>otherwise</b>.")]
    assert said[1] == [("assessing", "rejected")]
    assert items[0]["body"][1]["value"] == edited.clauses[0].text
    assert items[0]["body"][-1]["creator"] == {"type": "Person", "name": "A. Reader"}
    assert items[0]["body"][-1]["created"] == AT
    assert third["attributes"]["review"]["status"] == "accepted"


# Types of the user's own, and further ones

EXCUSED = {"events": ("acts of God",), "notice_periods": (), "payment_excepted": False, "consequence": None}


@pytest.fixture
def own_report(report):
    """The report with its last clause one of a type of the user's own."""
    last = report.clauses[-1]
    kinds = {"events": "phrases", "notice_periods": "durations", "payment_excepted": "flag", "consequence": "choice"}
    clause = OwnClause.model_validate(
        dict(last) | {"type": "force_majeure", "fields": OwnFields(**EXCUSED), "field_evidence": ()}
    )
    # The second own type has the fields of a built-in one, as a copy of it has.
    copied = {"mutual": "flag", "indemnifying_parties": "phrases", "defend": "flag"}
    types = (
        OwnType(type="force_majeure", sha256="0" * 64, fields=kinds),
        OwnType(type="my_indemnity", sha256="1" * 64, fields=copied),
    )
    verdicts = report.verdicts | {t.type: report.verdicts["indemnity"] for t in types}
    pages = tuple(page.model_copy(update={"verdicts": verdicts}) for page in report.pages)
    changes = {"clauses": (*report.clauses[:-1], clause), "own_types": types, "verdicts": verdicts, "pages": pages}
    return Report.model_validate(dict(report) | changes | {"types": (*report.types, *(t.type for t in types))})


def test_fields_are_those_of_the_type_that_the_clause_has_by_then(own_report):
    assignment = FIELDS["assignment"](**dict.fromkeys(FIELDS["assignment"].model_fields, True))
    edited = with_corrections(
        own_report,
        act(2, "edit", fields=OwnFields(**(EXCUSED | {"consequence": "ended"}))),
        act(0, "edit", type="my_indemnity", fields=MUTUAL),
        act(1, "edit", type="assignment", fields=assignment),
    )
    again = Report.model_validate_json(edited.model_dump_json())
    assert again == edited
    first, second, third = report_reviews(again)
    assert (first.clause.type, type(first.clause.fields), dict(first.clause.fields)) == ("my_indemnity", OwnFields, dict(MUTUAL))
    assert (second.clause.type, second.clause.fields) == ("assignment", assignment)
    assert (third.clause.fields.consequence, third.machine.fields.consequence) == ("ended", None)
    assert shown_types(again) == (*own_report.types, "assignment")
    jsonschema.validate(json.loads(again.model_dump_json()), json.loads(all_schemas()["report.json"]))


@pytest.mark.parametrize(
    ("clause", "changes"),
    [
        (2, {"fields": OwnFields(**(EXCUSED | {"consequence": True}))}),
        (2, {"fields": OwnFields(events=())}),
        (2, {"fields": MUTUAL}),
        (0, {"fields": OwnFields(**EXCUSED)}),
        (0, {"type": "act_of_god", "fields": OwnFields(**EXCUSED)}),
        (0, {"type": "my_indemnity", "fields": OwnFields(**EXCUSED)}),
    ],
)
def test_fields_of_another_type_are_refused(own_report, clause, changes):
    with pytest.raises(ValidationError):
        with_corrections(own_report, act(clause, "edit", **changes))


def test_every_format_takes_types_that_readers_chose(own_report, photo_file, tmp_path):
    assignment = FIELDS["assignment"](**dict.fromkeys(FIELDS["assignment"].model_fields, True))
    edited = with_corrections(
        own_report, act(1, "edit", type="assignment", fields=assignment), act(0, "edit", type="my_indemnity", fields=MUTUAL)
    )
    document = DocumentFiles(FORMATS, tmp_path / "out")
    (shown,) = photo.pages((photo_file,), ExtractConfig())
    document.page(PicturedPage(edited.pages[0], shown.rgb, edited.clauses, 1, (), edited.corrections))
    document.end(edited)
    data = {name: (tmp_path / f"out{f.suffix}").read_bytes() for name, f in FORMATS.items()}
    coco = json.loads(data["coco"])
    names = {c["id"]: c["name"] for c in coco["categories"]}
    assert [names[a["category_id"]] for a in coco["annotations"]] == ["my_indemnity", "assignment", "force_majeure"]
    rows = list(csv.DictReader(io.StringIO(data["csv"].decode(), newline="")))
    assert [row["corrected_type"] for row in rows] == ["my_indemnity", "assignment", ""]
    page = data["html"].decode()
    assert all(f".mark.type-{kind} {{ fill" in page for kind in ("my_indemnity", "assignment", "force_majeure"))
    contents = [contents for _, contents, _ in annotations(pypdfium2.PdfDocument(data["pdf"])[0])]
    assert [c.splitlines()[0] for c in contents] == ["My indemnity", "Assignment", "Force majeure"]
