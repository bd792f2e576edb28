"""Clause types of the user's own on the command line: templates, checks, the list, their schemas."""

import json

import pytest

from clausescan.clausetypes import finding
from clausescan.clausetypes.definition import own_prompt
from clausescan.clausetypes.finding import find_types
from clausescan.clausetypes.template import template
from clausescan.config import TypeSource
from clausescan.schema.clauses import BUILT_IN
from clausescan.schema.generated import all_schemas
from clausescan.schema.shapes import SHAPES
from tests import owntypes


@pytest.mark.parametrize("name", ["force_majeure", "x", *(f"my_{kind}" for kind in BUILT_IN)])
def test_a_template_is_well_formed(name):
    text = template(name, f"{name}.yaml", None)
    asked = own_prompt(TypeSource(name, ((f"{name}.yaml", text),)))
    if name.startswith("my_"):
        assert asked.shape.kinds == SHAPES[name.removeprefix("my_")].kinds
    switched_on = text.replace("# short", "short").replace("# prompt", "prompt").replace("#   ", "  ").replace("#\n", "\n")
    assert "{passage}" in switched_on


def test_new_and_check(run, tmp_path):
    folder = tmp_path / "types"
    status, out, _ = run("types", "new", "force_majeure", "--in", folder)
    assert (status, out) == (0, f"{folder / 'force_majeure.yaml'}\n")
    assert "#   durations" in (folder / "force_majeure.yaml").read_text()
    status, _, err = run("types", "new", "force_majeure", "--in", folder)
    assert status == 2 and "already" in err
    assert run("types", "new", "governing_law", "--in", folder)[1] == f"{folder / 'my_governing_law.yaml'}\n"
    assert run("types", "check", folder) == (
        0,
        "force_majeure: well formed, 4 fields\nmy_governing_law: well formed, 4 fields\n",
        "",
    )
    path = folder / "force_majeure.yaml"
    path.write_text(path.read_text().replace("kind: flag", "kind: flog"))
    status, out, err = run("types", "check", folder)
    line = next(n for n, row in enumerate(path.read_text().splitlines(), 1) if "flog" in row)
    assert (status, err) == (2, "")
    assert out.startswith(f"{path}:{line}: the field payment_excepted needs a kind")
    assert "my_governing_law: well formed" in out


def test_the_list(run, tmp_path, monkeypatch):
    monkeypatch.setattr(finding, "user_folder", lambda: tmp_path / "missing")
    status, out, _ = run("types")
    assert status == 0
    assert [line.split(":")[0] for line in out.splitlines()] == list(BUILT_IN)
    assert "exclusivity: built in, needs a larger model" in out and "termination: built in\n" in out
    assert "governing_law: built in, found without its fields\n" in out
    status, out, _ = run("types", "--types-from", owntypes.write(tmp_path / "types"))
    assert out.splitlines()[-1] == f"force_majeure: {tmp_path / 'types' / 'force_majeure.yaml'}, needs a larger model"


def test_schemas_with_own_types(run, tmp_path):
    folder = owntypes.write(tmp_path / "types")
    status, out, _ = run("schema", "report", "--types-from", folder)
    assert status == 0
    clause = json.loads(out)["$defs"]["ForceMajeureClause"]
    assert clause["properties"]["type"] == {"const": "force_majeure", "title": "Type", "type": "string"}
    assert "force_majeure" in run("schema", "--types-from", folder)[1]
    assert list(json.loads(run("schema", "answer.force_majeure", "--types-from", folder)[1])["properties"])[3:] == list(
        owntypes.FIELDS
    )
    assert set(all_schemas()) < set(all_schemas([own_prompt(find_types(folder)[0]).shape]))
