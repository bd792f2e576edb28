"""The built-in types beyond the first three: their prompts, fields and looks, and what a model was not taught."""

import json
import re
from pathlib import Path

import numpy as np
import pytest

from clausescan import overlay, prompt, scan
from clausescan.config import ExtractConfig
from clausescan.evidence import locate_fields
from clausescan.export import to_json
from clausescan.export.coco import to_coco
from clausescan.parse import parse_answer
from clausescan.providers import registry
from clausescan.schema.clauses import BUILT_IN, CLAUSE_TYPES, FIELDS
from clausescan.schema.report import Report
from clausescan.schema.shapes import SHAPES, title
from tests import fakeserver, specimen
from tests.specimen import described

README = Path(__file__).parents[1] / "README.md"


@pytest.mark.parametrize("kind", BUILT_IN)
def test_every_built_in_type_with_a_server(monkeypatch, flat, small_photo, kind):
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
        report = scan.extract(small_photo, ExtractConfig(types=(kind,), model=server.option))
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


def test_the_legend_lists_what_was_asked_for(fake_model, small_photo):
    clauses = scan.extract(small_photo, model=fake_model).clauses
    blank = np.full((1400, 2048, 3), 255, np.uint8)
    three, all_types = overlay.draw(blank, clauses), overlay.draw(blank, clauses, types=BUILT_IN)
    assert (three != 255).any(axis=2).sum() < (all_types != 255).any(axis=2).sum()


def test_coco_numbers_of_built_in_types_never_change(fake_model, small_photo):
    report = scan.extract(small_photo, ExtractConfig(types=("liability_cap",)), model=fake_model)
    assert to_coco(report, {0: (10, 10)})["categories"] == [{"id": 3, "name": "liability_cap", "supercategory": "clause"}]


def test_prompts_of_all_types_name_every_choice():
    for kind in BUILT_IN:
        rendered = prompt.load([kind])[kind].render("").user
        assert title(kind).split()[0].lower() in rendered.lower()
        for name, info in FIELDS[kind].model_fields.items():
            for choice in re.findall(r"Literal\['(\w+)', '(\w+)'\]", str(info.annotation)):
                assert all(f'"{word}"' in rendered for word in choice), name


def test_what_a_model_was_not_taught_it_says(run, monkeypatch, fake_model, small_photo, terminal):
    """Not an error, not a guess: cannot tell, with the reason."""
    report = scan.extract([small_photo, small_photo], ExtractConfig(types=("termination", "ip_ownership")), model=fake_model)
    verdict = report.verdicts["ip_ownership"]
    assert (verdict.verdict, verdict.reason, verdict.confidence) == ("cannot_tell", "needs_a_larger_model", None)
    assert report.verdicts["termination"].verdict == "found"
    assert report.warnings == ("IP ownership needs a larger model: fake was not taught it; see --model",)
    monkeypatch.setattr(scan._Run, "model", property(lambda self: fake_model))
    status, out, _ = run("extract", small_photo, "--types", "ip_ownership")
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
