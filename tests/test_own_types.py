"""A type of the user's own, and the further built-in ones, from the option to every format, with the fake server."""

import csv
import io
import json
import re
import time
from functools import cache
from pathlib import Path

import jsonschema
import numpy as np
import pytest
from PIL import Image
from pydantic import ValidationError

from clausescan import cli, overlay, prompt, scan
from clausescan.batch.job import work
from clausescan.batch.run import run_batch
from clausescan.batch.settings import BatchSettings
from clausescan.clausetypes.definition import own_prompt
from clausescan.clausetypes.finding import find_types
from clausescan.config import ExtractConfig, TypeSource
from clausescan.evidence import locate_fields
from clausescan.export import to_json
from clausescan.export.coco import to_coco
from clausescan.export.csv_rows import columns
from clausescan.parse import parse_answer
from clausescan.providers import registry
from clausescan.schema.batch_result import DocumentResult
from clausescan.schema.clauses import BUILT_IN, CLAUSE_TYPES, FIELDS
from clausescan.schema.generated import all_schemas, report_model
from clausescan.schema.report import Report
from clausescan.schema.shapes import SHAPES, title
from tests import fakeserver, owntypes, specimen
from tests.test_cli import run, terminal  # noqa: F401 (fixtures)

README = Path(__file__).parents[1] / "README.md"


@cache
def described():
    """The published schema of reports."""
    return jsonschema.Draft202012Validator(json.loads(all_schemas()["report.json"]))


@pytest.fixture
def page(monkeypatch, flat, tmp_path):
    """A photo of the page with the clause, a reader that reads it, and a folder with the type."""
    monkeypatch.setattr(registry, "compact", lambda folder: specimen.FakeModel(specimen.reading(owntypes.LINES)))
    specimen.picture(owntypes.LINES).save(tmp_path / "page.png")
    owntypes.write(tmp_path / "types")
    return tmp_path / "page.png"


@pytest.fixture
def report(page):
    config = {"types": (owntypes.NAME, "termination"), "own_types": find_types(page.parent / "types")}
    with fakeserver.served(owntypes.replying()) as server:
        return scan.extract(page, ExtractConfig(model=server.option, **config))


def test_the_steps_of_the_readme(run, page, terminal, tmp_path):  # noqa: F811
    assert len(owntypes.FORCE_MAJEURE.splitlines()) < 10
    assert f"<!-- own type -->\n\n```yaml\n{owntypes.FORCE_MAJEURE}```" in README.read_text()
    types = ("--types", f"termination,{owntypes.NAME}", "--types-from", tmp_path / "types")
    with fakeserver.served(owntypes.replying()) as server:
        shown = run("extract", page, *types, "--model", server.option, "--overlay", tmp_path / "o.png")
        written = run("extract", page, *types, "--model", server.option, "--json", "-", "--format", "json", "--out", tmp_path)
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
        {"events": ["war"] * 7},
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


def test_known_types_stay_strict_in_reports(fake_model, photo_file):
    data = json.loads(to_json(scan.extract(photo_file, model=fake_model)))
    for name, value in (("extra", 1), ("for_cause", "yes"), ("notice_periods", None)):
        broken = json.loads(json.dumps(data))
        broken["clauses"][0]["fields"][name] = value
        with pytest.raises(ValidationError):
            Report.model_validate_json(json.dumps(broken))


def test_every_format(run, page, tmp_path):  # noqa: F811
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
    assert Image.open(out / "page.png").size == (2048, 1400)


def test_a_column_of_the_same_name_stands_apart(report):
    fields = {"page": "flag", "events": "phrases"}
    own = report.own_types[0].model_copy(update={"fields": fields})
    names = columns(report.model_copy(update={"own_types": (own,)}))
    assert len(set(names)) == len(names)
    assert f"{owntypes.NAME}.page" in names


def test_a_batch_carries_own_types(flat, tmp_path):
    """In the results over all photos too; a photo is done again when the type's file has changed, and only then."""
    (tmp_path / "photos").mkdir()
    for name in "ab":
        specimen.picture(owntypes.LINES).save(tmp_path / "photos" / f"{name}.png")
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


@pytest.mark.parametrize("kind", BUILT_IN)
def test_every_built_in_type_with_a_server(monkeypatch, flat, photo_file, kind):
    """Listed, cut out, asked about with its own prompt and grammar, and in the report with its own fields."""
    monkeypatch.setattr(registry, "compact", lambda folder: specimen.FakeModel())
    empty = {n: False if k == "flag" else None if k == "choice" else [] for n, k in SHAPES[kind].kinds.items()}

    def reply(body, n):
        if fakeserver.asked(body) == "page":
            first, last = fakeserver.LISTED[0][1:]
            return fakeserver.completion(fakeserver.listing((kind, first, last)))
        assert fakeserver.asked(body) == kind
        assert all(f"`{name}`" in body["messages"][1]["content"][1]["text"] for name in FIELDS[kind].model_fields)
        return fakeserver.completion(specimen.answer_text(2, **empty))

    with fakeserver.served(reply) as server:
        report = scan.extract(photo_file, ExtractConfig(types=(kind,), model=server.option))
    (clause,) = report.clauses
    assert (clause.type, clause.complete) == (kind, True)
    assert clause.fields.model_dump(mode="json") == empty
    assert Report.model_validate_json(to_json(report)) == report
    described().validate(json.loads(to_json(report)))


PASSAGES = {
    "governing_law": (
        "This Agreement is governed by the laws of the State of New York. The courts of New York County have exclusive "
        "jurisdiction; other disputes go to arbitration in Paris.",
        {
            "laws": ["State of New York"],
            "venues": ["New York County", "Paris"],
            "exclusive_jurisdiction": True,
            "arbitration": True,
        },
        {"laws": ["State of Delaware"]},
        {"exclusive_jurisdiction": "exclusive", "arbitration": "arbitration", "laws": "State of New York."},
    ),
    "assignment": (
        "Neither party may assign this Agreement without consent, not to be unreasonably withheld. Either may assign to an "
        "affiliate. It may assign in a merger. A change of control is an assignment.",
        dict.fromkeys(FIELDS["assignment"].model_fields, True),
        {},
        {"affiliates_excepted": "affiliate", "successors_excepted": "merger", "change_of_control": "change of control"},
    ),
    "confidentiality": (
        "Consultant shall keep it secret for five (5) years after disclosure. It shall return or destroy it within 10 days. "
        "A subpoena may compel disclosure.",
        {
            "mutual": False,
            "bound_parties": ["Consultant"],
            "durations": [{"value": 5, "unit": "years"}],
            "return_or_destroy": True,
            "compelled_disclosure": True,
        },
        {"bound_parties": ["Supplier"], "durations": [{"value": 7, "unit": "years"}]},
        {"durations": "five (5) years", "return_or_destroy": "destroy", "compelled_disclosure": "subpoena"},
    ),
    "renewal": (
        "It renews automatically for successive terms of one (1) year unless notice is given sixty (60) days before.",
        {
            "automatic": True,
            "renewal_terms": [{"value": 1, "unit": "years"}],
            "notice_periods": [{"value": 60, "unit": "days"}],
        },
        {"renewal_terms": [{"value": 2, "unit": "years"}]},
        {"notice_periods": "sixty (60) days", "renewal_terms": "one (1) year"},
    ),
    "payment_terms": (
        "Invoices are due within thirty (30) days. The fee is $2,500. Late sums bear interest of 1.5% per month. Disputed sums "
        "may be withheld.",
        {
            "payment_periods": [{"value": 30, "unit": "days"}],
            "amounts": [{"amount": 2500, "currency": "USD"}],
            "late_interest": [1.5],
            "interest_period": "month",
            "dispute_right": True,
        },
        {"late_interest": [2.5], "amounts": [{"amount": 9, "currency": "USD"}]},
        {"late_interest": "1.5%", "interest_period": "per month", "dispute_right": "Disputed"},
    ),
    "warranty_limitation": (
        'The goods are supplied "as is". Implied warranties are excluded. The warranty lasts twelve (12) months. Repair is the '
        "sole remedy.",
        {
            "as_is": True,
            "implied_excluded": True,
            "warranty_periods": [{"value": 12, "unit": "months"}],
            "exclusive_remedy": True,
        },
        {"warranty_periods": [{"value": 12, "unit": "days"}]},
        {"as_is": "as is", "implied_excluded": "Implied", "exclusive_remedy": "sole remedy"},
    ),
    "exclusivity": (
        "Distributor is the exclusive distributor in Bavaria for three years. It shall not compete. It shall not solicit staff.",
        {
            "exclusive": True,
            "non_compete": True,
            "non_solicit": True,
            "bound_parties": ["Distributor"],
            "durations": [{"value": 3, "unit": "years"}],
            "territories": ["Bavaria"],
        },
        {"territories": ["Saxony"]},
        {"territories": "Bavaria", "non_compete": "compete", "non_solicit": "solicit"},
    ),
    "audit_rights": (
        "Licensor may inspect the books on ten (10) days notice. Records are kept for 3 years. Licensee bears the cost if it "
        "underpaid by five percent (5%) or more.",
        {
            "auditing_parties": ["Licensor"],
            "notice_periods": [{"value": 10, "unit": "days"}],
            "retention_periods": [{"value": 3, "unit": "years"}],
            "cost_shifting": True,
            "discrepancy": [5],
        },
        {"discrepancy": [10]},
        {"cost_shifting": "bears the cost", "discrepancy": "five percent"},
    ),
    "insurance": (
        "Contractor shall hold commercial general liability insurance of $1,000,000 and name Owner as an additional insured. "
        "It gives a certificate.",
        {
            "insured_parties": ["Contractor"],
            "coverages": ["commercial general liability insurance"],
            "amounts": [{"amount": 1000000, "currency": "USD"}],
            "additional_insured": True,
            "certificate": True,
        },
        {"coverages": ["cyber insurance"]},
        {"coverages": "commercial general liability insurance", "certificate": "certificate"},
    ),
    "ip_ownership": (
        "Consultant assigns all inventions to Company. They are works made for hire. The rest is owned jointly. Each keeps what "
        "it retains.",
        {"owners": ["Company"], "assigned": True, "work_for_hire": True, "joint": True, "retained": True},
        {"owners": ["Acme"]},
        {"owners": "Company.", "work_for_hire": "for hire", "joint": "jointly", "retained": "retains"},
    ),
}


def test_each_further_type_has_a_passage():
    assert set(PASSAGES) == set(BUILT_IN) - set(CLAUSE_TYPES)


@pytest.mark.parametrize("kind", PASSAGES)
def test_the_fields_of_a_further_type_stand_on_the_page(kind):
    passage, fields, invented, places = PASSAGES[kind]
    words = passage.split()

    def located(values):
        return locate_fields(SHAPES[kind], parse_answer(SHAPES[kind], specimen.answer_text(0, **values)), words)

    found = located(fields)
    assert found.fields.model_dump(mode="json") == fields
    assert not found.warnings
    told = {}
    for evidence in found.evidence:
        assert evidence.words, evidence.field
        told.setdefault(evidence.field, " ".join(words[i] for i in evidence.words))
    for name, text in places.items():
        assert text.strip(".") in told[name], (name, told[name])
    for name, values in invented.items():
        wrong = located(fields | {name: values})
        assert getattr(wrong.fields, name) == ()
        assert wrong.warnings


def test_looks_of_types_are_never_told_by_colour_alone():
    many = [*BUILT_IN, *(f"own_{n}" for n in range(7))]
    looks = overlay.styles(many)
    assert len({(s.dash, s.hatch) for s in looks.values()}) == len(many)
    assert overlay.styles(["own_3"])["own_3"] == overlay.styles(["termination", "own_3"])["own_3"]
    lots = overlay.styles([f"own_{n}" for n in range(40)])
    assert len({(s.dash, s.hatch, s.colour) for s in lots.values()}) == 40
    assert looks["ip_ownership"].title == "IP ownership" and looks["own_1"].title == "Own 1"


def test_the_legend_lists_what_was_asked_for(fake_model, photo_file):
    clauses = scan.extract(photo_file, model=fake_model).clauses
    blank = np.full((1400, 2048, 3), 255, np.uint8)
    three, all_types = overlay.draw(blank, clauses), overlay.draw(blank, clauses, types=BUILT_IN)
    assert (three != 255).any(axis=2).sum() < (all_types != 255).any(axis=2).sum()


def test_coco_numbers_of_built_in_types_never_change(fake_model, photo_file):
    report = scan.extract(photo_file, ExtractConfig(types=("liability_cap",)), model=fake_model)
    assert to_coco(report, {0: (10, 10)})["categories"] == [{"id": 3, "name": "liability_cap", "supercategory": "clause"}]


def test_prompts_of_all_types_name_every_choice():
    for kind in BUILT_IN:
        rendered = prompt.load([kind])[kind].render("").user
        assert title(kind).split()[0].lower() in rendered.lower()
        for name, info in FIELDS[kind].model_fields.items():
            for choice in re.findall(r"Literal\['(\w+)', '(\w+)'\]", str(info.annotation)):
                assert all(f'"{word}"' in rendered for word in choice), name


def test_broken_files_end_with_2_before_anything_is_read(run, page, tmp_path):  # noqa: F811
    owntypes.write(tmp_path / "types", "fields: 1\n", "broken.yaml")
    began = time.monotonic()
    status, out, err = run("extract", page, "--types", "broken", "--types-from", tmp_path / "types")
    assert (status, out) == (2, "")
    assert f"{tmp_path / 'types' / 'broken.yaml'}:1: " in err and len(err.splitlines()) == 1
    assert time.monotonic() - began < 5
    assert cli.run_command(["extract", str(page), "--types", "nothing_there"]) == 2


def test_what_a_model_was_not_taught_it_says(run, monkeypatch, fake_model, photo_file, terminal):  # noqa: F811
    """Not an error, not a guess: cannot tell, with the reason."""
    report = scan.extract([photo_file, photo_file], ExtractConfig(types=("termination", "ip_ownership")), model=fake_model)
    verdict = report.verdicts["ip_ownership"]
    assert (verdict.verdict, verdict.reason, verdict.confidence) == ("cannot_tell", "needs_a_larger_model", None)
    assert report.verdicts["termination"].verdict == "found"
    assert report.warnings == ("IP ownership needs a larger model: fake was not taught it; see --model",)
    monkeypatch.setattr(scan._Run, "model", property(lambda self: fake_model))
    status, out, _ = run("extract", photo_file, "--types", "ip_ownership")
    assert status == 0
    assert "IP ownership: cannot tell (needs a larger model)" in out


def test_default_types_are_those_of_the_first_three_that_the_model_was_taught(tmp_path):
    assert registry.asked_types(ExtractConfig()) == CLAUSE_TYPES
    assert registry.asked_types(ExtractConfig(model="openai:http://localhost#x")) == CLAUSE_TYPES
    assert registry.asked_types(ExtractConfig(types=("insurance",))) == ("insurance",)
    (tmp_path / "manifest.json").write_text("{}")
    (tmp_path / "config.json").write_text(json.dumps({"clause_types": ["insurance", "indemnity", "termination"]}))
    assert registry.asked_types(ExtractConfig(model=str(tmp_path))) == ("termination", "indemnity")
    (tmp_path / "config.json").write_text("{}")
    assert registry.asked_types(ExtractConfig(model=str(tmp_path))) == CLAUSE_TYPES


def test_the_readme_lists_all_types_with_their_fields():
    rows = {cells[1]: cells[2].split(", ") for line in README.read_text().splitlines() if len(cells := line.split(" | ")) == 2
            and (cells := ["", cells[0].strip("| `"), cells[1].strip(" |")])[1] in BUILT_IN}  # fmt: skip
    assert rows == {kind: list(fields.model_fields) for kind, fields in FIELDS.items()}
