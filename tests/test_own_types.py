"""A type of the user's own, from the option to every format, with the fake server."""

import csv
import io
import json
import re
import time
from pathlib import Path

import jsonschema
import numpy as np
import pytest
from PIL import Image
from pydantic import ValidationError

from clausescan import cli, overlay, scan
from clausescan.batch.job import work
from clausescan.batch.run import run_batch
from clausescan.batch.settings import BatchSettings
from clausescan.clausetypes.definition import own_prompt
from clausescan.clausetypes.finding import find_types
from clausescan.config import ExtractConfig, TypeSource
from clausescan.export import to_json
from clausescan.export.csv_rows import clause_rows, columns
from clausescan.providers import registry
from clausescan.schema.batch_result import DocumentResult
from clausescan.schema.clauses import BUILT_IN
from clausescan.schema.generated import all_schemas, report_model
from clausescan.schema.report import Report
from tests import fakeserver, owntypes, specimen
from tests.specimen import described

README = Path(__file__).parents[1] / "README.md"


READER = specimen.FakeModel(specimen.reading(owntypes.LINES))


@pytest.fixture
def page(monkeypatch, flat, tmp_path):
    """A small photo of the page with the clause, a reader that reads it, and a folder with the type."""
    monkeypatch.setattr(registry, "compact", lambda folder: READER)
    (tmp_path / "page.png").write_bytes(specimen.png(owntypes.LINES, shrink=4))
    owntypes.write(tmp_path / "types")
    return tmp_path / "page.png"


@pytest.fixture
def large(page):
    """The same, the photo at its full size, where pixels are measured."""
    page.write_bytes(specimen.png(owntypes.LINES))
    return page


@pytest.fixture(scope="module")
def report(tmp_path_factory):
    folder = tmp_path_factory.mktemp("report")
    (folder / "page.png").write_bytes(specimen.png(owntypes.LINES, shrink=4))
    types = find_types(owntypes.write(folder / "types"))
    with pytest.MonkeyPatch.context() as patch, fakeserver.served(owntypes.replying()) as server:
        patch.setattr(registry, "compact", lambda folder: READER)
        patch.setattr(scan, "rectify", specimen.flat_rectify)
        config = ExtractConfig(model=server.option, types=(owntypes.NAME, "termination"), own_types=types)
        return scan.extract(folder / "page.png", config)


def test_the_steps_of_the_readme(run, large, terminal, tmp_path):
    assert len(owntypes.FORCE_MAJEURE.splitlines()) < 10
    assert f"<!-- own type -->\n\n```yaml\n{owntypes.FORCE_MAJEURE}```" in README.read_text()
    types = ("--types", f"termination,{owntypes.NAME}", "--types-from", tmp_path / "types")
    with fakeserver.served(owntypes.replying()) as server:
        shown = run("extract", large, *types, "--model", server.option, "--overlay", tmp_path / "o.png")
        written = run("extract", large, *types, "--model", server.option, "--json", "-", "--format", "json", "--out", tmp_path)
    status, out, err = shown
    assert (status, err) == (0, "")
    cells = " ".join(re.sub("[│┃]", " ", out).split())
    assert all(text in cells for text in ("Force majeure", "events:", "acts of God", "notice_periods: 5", "payment_excepted"))
    assert "Force majeure: found 85%" in out
    assert written[0] == 0
    report = json.loads(written[1])
    (clause,) = report["clauses"]
    assert clause["fields"] == owntypes.FIELDS
    schemas = all_schemas([own_prompt(source).shape for source in find_types(tmp_path / "types")])
    strict = jsonschema.Draft202012Validator(json.loads(schemas["report.json"]))
    strict.validate(report)
    described().validate(report)
    clause["fields"]["extra"] = 1
    with pytest.raises(jsonschema.ValidationError):
        strict.validate(report)
    quad = np.array(clause["quads"][0], int)
    drawn = np.asarray(Image.open(tmp_path / "o.png"), int)[quad[0][1] + 6 : quad[2][1] - 6, quad[0][0] + 40 : quad[2][0] - 4]
    style = overlay.styles([owntypes.NAME])[owntypes.NAME]
    tint = 255 * (1 - overlay.OPACITY) + np.array(style.colour) * overlay.OPACITY
    assert np.abs(np.median(drawn.reshape(-1, 3), axis=0) - tint).max() <= 2


def test_what_the_server_is_asked(page):
    config = {"types": (owntypes.NAME,), "own_types": find_types(page.parent / "types")}
    with fakeserver.served(owntypes.replying()) as server:
        scan.extract(page, ExtractConfig(model=server.option, **config))
    whole, passage = (body["response_format"]["json_schema"]["schema"] for body in server.bodies)
    assert whole["$defs"]["ListedPassage"]["properties"]["type"] == {"enum": [owntypes.NAME], "type": "string"}
    assert list(passage["properties"])[3:] == list(owntypes.FIELDS)
    texts = [body["messages"][1]["content"][1]["text"] for body in server.bodies]
    assert "excuses a party while events" in texts[0] and "excuses a party while events" in texts[1]


def test_evidence_and_verdicts(report):
    assert {t: v.verdict for t, v in report.verdicts.items()} == {owntypes.NAME: "found", "termination": "absent"}
    (clause,) = report.clauses
    told = {(e.field, e.index): e.text for e in clause.field_evidence}
    assert told["events", 1] == "war,"
    assert told["notice_periods", 0] == "five (5) Business Days."
    assert told["payment_excepted", None] == "Duties to pay stay as they are."
    assert told["consequence", None].startswith("After 90 days either party may terminate")
    (own,) = report.own_types
    assert own.fields == {"events": "phrases", "notice_periods": "durations", "payment_excepted": "flag", "consequence": "choice"}


@pytest.mark.parametrize(
    "change",
    [
        {"events": ["<script>alert(1)</script>"]},
        {"events": ["acts of God or of men"]},
        {"events": ["=HYPERLINK(1)", "zebrafish"]},
        {"notice_periods": [{"value": 77, "unit": "days"}]},
        {"notice_periods": [{"value": 5, "unit": "years"}]},
    ],
)
def test_values_that_do_not_stand_there_are_dropped(page, change):
    config = {"types": (owntypes.NAME,), "own_types": find_types(page.parent / "types")}
    with fakeserver.served(owntypes.replying({owntypes.NAME: owntypes.answer(**change)})) as server:
        report = scan.extract(page, ExtractConfig(model=server.option, **config))
    (name,) = change
    assert getattr(report.clauses[0].fields, name) == ()
    assert any(name in w for w in report.warnings)
    assert not any(bad in report.model_dump_json() for bad in ("<script", "or of men", "HYPERLINK", '"value":77', "zebrafish"))


@pytest.mark.parametrize(
    "change",
    [
        {"events": "war"},
        {"events": ["x" * 121]},
        {"events": ["war"] * 25},
        {"payment_excepted": "yes"},
        {"payment_excepted": None},
        {"consequence": "zebrafish"},
        {"consequence": ["ended"]},
        {"notice_periods": None},
        {"zebrafish": 1},
        {"__class__": "zebrafish"},
        {"model_config": {"extra": "allow", "zebrafish": 1}},
    ],
)
def test_answers_that_leave_the_schema_are_refused(page, change):
    config = {"types": (owntypes.NAME,), "own_types": find_types(page.parent / "types")}
    with fakeserver.served(owntypes.replying({owntypes.NAME: owntypes.answer(**change)})) as server:
        report = scan.extract(page, ExtractConfig(model=server.option, **config))
    (clause,) = report.clauses
    assert not clause.complete and clause.fields is None
    assert scan.exit_code(report) == 4
    assert "zebrafish" not in report.model_dump_json()


def test_reports_of_own_types_come_back_and_stay_strict(report):
    again = Report.model_validate_json(to_json(report))
    assert again == report
    source = TypeSource(owntypes.NAME, (("x.yaml", owntypes.FORCE_MAJEURE),))
    strict = report_model([own_prompt(source).shape])
    assert strict.model_validate_json(to_json(report)).model_dump() == report.model_dump()
    data = json.loads(to_json(report))
    for path, value in (
        (("clauses", 0, "fields", "payment_excepted"), "yes"),
        (("clauses", 0, "fields", "events"), [{"value": 1, "unit": "days"}]),
        (("clauses", 0, "fields", "consequence"), "<b>"),
        (("clauses", 0, "fields", "another"), True),
        (("clauses", 0, "fields", "Bad name"), True),
        (("clauses", 0, "type"), "another"),
        (("clauses", 0, "type"), "termination"),
        (("clauses", 0, "type"), "</style>"),
        (("own_types",), []),
        (("own_types", 0, "fields", "events"), "text"),
    ):
        broken = json.loads(json.dumps(data))
        place = broken
        for step in path[:-1]:
            place = place[step]
        place[path[-1]] = value
        with pytest.raises(ValidationError):
            Report.model_validate_json(json.dumps(broken))


def test_known_types_stay_strict_in_reports(fake_model, small_photo):
    data = json.loads(to_json(scan.extract(small_photo, model=fake_model)))
    for name, value in (("extra", 1), ("for_cause", "yes"), ("notice_periods", None)):
        broken = json.loads(json.dumps(data))
        broken["clauses"][0]["fields"][name] = value
        with pytest.raises(ValidationError):
            Report.model_validate_json(json.dumps(broken))


def test_every_format(run, page, tmp_path):
    types = ("--types", f"termination,{owntypes.NAME}", "--types-from", tmp_path / "types")
    formats = "json,jsonl,csv,html,pdf,png,coco,w3c"
    with fakeserver.served(owntypes.replying()) as server:
        status, _, err = run("extract", page, *types, "--model", server.option, "--format", formats, "--out", tmp_path / "out")
    assert (status, err) == (0, "")
    out = tmp_path / "out"
    (row,) = csv.DictReader(io.StringIO((out / "page.csv").read_text()))
    assert (row["type"], row["events"], row["consequence"]) == (owntypes.NAME, "acts of God, war", "ended")
    assert row["for_cause"] == ""
    html = (out / "page.html").read_text()
    assert f'class="card type-{owntypes.NAME}"' in html and f".card.type-{owntypes.NAME} {{" in html
    coco = json.loads((out / "page.coco.json").read_text())
    assert {c["id"]: c["name"] for c in coco["categories"]} == {1: "termination", len(BUILT_IN) + 1: owntypes.NAME}
    assert coco["annotations"][0]["category_id"] == len(BUILT_IN) + 1
    assert coco["annotations"][0]["attributes"]["fields"] == owntypes.FIELDS
    bodies = json.loads((out / "page.w3c.json").read_text())["items"][0]["body"]
    assert bodies[0]["value"] == owntypes.NAME and json.loads(bodies[2]["value"]) == owntypes.FIELDS
    assert b"Force majeure" in (out / "page.pdf").read_bytes() or (out / "page.pdf").stat().st_size > 10_000
    assert Image.open(out / "page.png").size == (512, 350)


def test_a_column_of_the_same_name_stands_apart(report):
    fields = {"page": "flag", "events": "phrases"}
    own = report.own_types[0].model_copy(update={"fields": fields})
    names = columns(report.model_copy(update={"own_types": (own,)}))
    assert len(set(names)) == len(names)
    assert f"{owntypes.NAME}.page" in names


def test_a_column_holds_nothing_but_its_field(report):
    """`first` is also an attribute of our own clauses."""
    own = report.own_types[0].model_copy(update={"fields": {"first": "flag"}})
    assert {row["first"] for row in clause_rows(report.model_copy(update={"own_types": (own,)}))} == {""}


def test_a_batch_carries_own_types(flat, tmp_path):
    """In the results over all photos too; a photo is done again when the type's file has changed, and only then."""
    (tmp_path / "photos").mkdir()
    for name in "ab":
        (tmp_path / "photos" / f"{name}.png").write_bytes(specimen.png(owntypes.LINES, shrink=4))
    places = ((8, 0), (10, len(owntypes.LINES[10].split()) - 1))
    passage = specimen.Passage(owntypes.NAME, *places, (), 0.8, owntypes.answer(), 256)
    presence = {owntypes.NAME: 0.9, "termination": 0.01}
    model = specimen.FakeModel(specimen.reading(owntypes.LINES), (passage,), presence)

    def batch(text):
        owntypes.write(tmp_path / "types", text)
        config = ExtractConfig(types=(owntypes.NAME, "termination", "insurance"), own_types=find_types(tmp_path / "types"))
        before = model.pages
        settings = BatchSettings(tmp_path / "photos", tmp_path / "out", config, formats=("csv", "html"))
        outcome = run_batch(settings, runner=lambda jobs, *_: (work(job, model) for job in jobs), model=lambda folder: "m")
        assert (outcome.exit_code, outcome.statuses["done"]) == (0, 2)
        return model.pages - before

    assert batch(owntypes.FORCE_MAJEURE) == 2
    assert batch(owntypes.FORCE_MAJEURE) == 0
    assert batch(owntypes.FORCE_MAJEURE.replace("beyond its control", "beyond control")) == 2
    lines = (tmp_path / "out" / "results.jsonl").read_text().splitlines()
    reports = [DocumentResult.model_validate_json(line).report for line in lines]
    assert all(r.clauses[0].fields.events == ("acts of God", "war") for r in reports)
    assert all(r.verdicts["insurance"].reason == "needs_a_larger_model" for r in reports)
    rows = list(csv.DictReader(io.StringIO((tmp_path / "out" / "results.csv").read_text())))
    assert [row["events"] for row in rows] == ["acts of God, war"] * 2
    summary = (tmp_path / "out" / "summary.html").read_text()
    assert f'class="type-{owntypes.NAME}"' in summary and "Insurance: cannot tell (needs a larger model)" in summary


def test_broken_files_end_with_2_before_anything_is_read(run, page, tmp_path):
    owntypes.write(tmp_path / "types", "fields: 1\n", "broken.yaml")
    began = time.monotonic()
    status, out, err = run("extract", page, "--types", "broken", "--types-from", tmp_path / "types")
    assert (status, out) == (2, "")
    assert f"{tmp_path / 'types' / 'broken.yaml'}:1: " in err and len(err.splitlines()) == 1
    assert time.monotonic() - began < 5
    assert cli.run_command(["extract", str(page), "--types", "nothing_there"]) == 2
