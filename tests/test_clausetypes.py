"""Files of the user's own clause types: found, read, refused with line numbers."""

import json
import sys

import pytest

from clausescan import prompt, resources
from clausescan.clausetypes import finding
from clausescan.clausetypes.definition import own_prompt
from clausescan.clausetypes.finding import find_types, select
from clausescan.config import ExtractConfig, TypeSource
from clausescan.errors import AnswerError, TypeFileError, UsageError
from clausescan.parse import parse_answer
from clausescan.schema.clauses import BUILT_IN
from clausescan.schema.shapes import SHAPES
from clausescan.schema.values import OwnFields, choices_of
from tests import owntypes

GOOD = owntypes.FORCE_MAJEURE
DESCRIBED = "description: A kind of clause.\n"
FIELD = "  x: {kind: flag, meaning: something}\n"


def source(text, name="t.yaml"):
    return TypeSource("t", ((name, text),))


def problems(text, name="t.yaml", classes=()):
    with pytest.raises(TypeFileError) as caught:
        own_prompt(source(text, name), classes)
    assert caught.value.exit_code == 2
    assert "\n" not in str(caught.value)
    return caught.value.problems


def test_a_good_file():
    asked = own_prompt(TypeSource(owntypes.NAME, (("x.yaml", GOOD),)))
    kinds = {"events": "phrases", "notice_periods": "durations", "payment_excepted": "flag", "consequence": "choice"}
    assert asked.shape.kinds == kinds
    assert asked.short == "force majeure"
    assert asked.definition.startswith("A force majeure clause excuses")
    rendered = asked.render("</passage> {schema}")
    assert all(f"- `{name}`: " in rendered.user for name in kinds)
    assert "one of suspended, ended; null if" in rendered.user
    assert rendered.user.count("</passage>") == 1
    assert choices_of(asked.shape.fields.model_fields["consequence"]) == ("suspended", "ended")


def test_lists_of_phrases_may_be_long():
    asked = own_prompt(TypeSource(owntypes.NAME, (("x.yaml", GOOD),)))
    events = ["acts of God", "war", "riot", "fire", "flood", "strikes", "epidemics"]
    assert parse_answer(asked.shape, owntypes.answer(events=events)).events == tuple(events)
    assert OwnFields.model_validate({"events": events}).model_dump() == {"events": tuple(events)}  # a report holds them too
    assert len(parse_answer(asked.shape, owntypes.answer(events=["é" * 120] * 24)).events) == 24
    for wrong in ({"events": ["war"] * 25}, {"notice_periods": [{"value": 5, "unit": "days"}] * 7}):
        with pytest.raises(AnswerError, match="does not fit its schema"):
            parse_answer(asked.shape, owntypes.answer(**wrong))


def test_braces_in_words_are_no_variables():
    asked = own_prompt(source("description: Has {passage} and {nothing}.\nfields:\n  x: {kind: flag, meaning: 'a {schema} b'}\n"))
    assert "Has {passage} and {nothing}." in asked.render("").user
    assert "a {schema} b" in asked.render("").user


MALFORMED = {
    "not yaml": ("description: [", 1, "is no YAML"),
    "a tab": (DESCRIBED + "fields:\n\tx: 1\n", 3, "is no YAML"),
    "empty": ("# nothing\n", 1, "empty"),
    "a list": ("- description\n", 1, "a type is a mapping"),
    "a word": ("hello\n", 1, "a type is a mapping"),
    "an alias": ("description: &a x\nshort: *a\nfields:\n" + FIELD, 2, "aliases"),
    "a key twice": (DESCRIBED + "fields:\n" + FIELD + FIELD, 4, "stands twice"),
    "a mapping as a key": ("? {a: b}\n: c\n", 1, "a key must be a word"),
    "an unknown key": (DESCRIBED + "colour: red\nfields:\n" + FIELD, 2, "unknown key colour"),
    "no description": ("fields:\n" + FIELD, 1, "description"),
    "an empty description": ("fields:\n" + FIELD + "description: ''\n", 3, "description"),
    "no fields": (DESCRIBED, 1, "one of fields, schema and class"),
    "two of them": (DESCRIBED + "fields:\n" + FIELD + "class: a:B\n", 4, "one of fields, schema and class"),
    "empty fields": (DESCRIBED + "fields: {}\n", 2, "1 to 20 fields"),
    "too many fields": (DESCRIBED + "fields:\n" + "".join(FIELD.replace("x", f"x{n}") for n in range(21)), 3, "1 to 20"),
    "a field without a kind": (DESCRIBED + "fields:\n  x: {meaning: y}\n", 3, "needs a kind: flag, durations"),
    "an unknown kind": (DESCRIBED + "fields:\n  x:\n    meaning: y\n    kind: text\n", 5, "needs a kind: flag"),
    "no meaning": (DESCRIBED + "fields:\n  x: {kind: flag}\n", 3, "needs a meaning"),
    "an unknown part": (DESCRIBED + "fields:\n  x: {kind: flag, meaning: y, near: z}\n", 3, "unknown key near"),
    "a field in capitals": (DESCRIBED + "fields:\n  Xy: {kind: flag, meaning: y}\n", 3, "lower case"),
    "markup as a name": (DESCRIBED + "fields:\n  '<b>': {kind: flag, meaning: y}\n", 3, "lower case"),
    "a reserved field": (DESCRIBED + "fields:\n  heading_words: {kind: flag, meaning: y}\n", 3, "means something else"),
    "a method as a name": (DESCRIBED + "fields:\n  copy: {kind: flag, meaning: y}\n", 3, "means something else"),
    "choices of a flag": (DESCRIBED + "fields:\n  x: {kind: flag, meaning: y, choices: [a, b]}\n", 3, "choices are"),
    "a choice without": (DESCRIBED + "fields:\n  x: {kind: choice, meaning: y}\n", 3, "choices are"),
    "one choice": (DESCRIBED + "fields:\n  x: {kind: choice, meaning: y,\n    choices: [a]}\n", 4, "2 to 12 choices"),
    "markup as a choice": (DESCRIBED + "fields:\n  x: {kind: choice, meaning: y, choices: [a, '</style>']}\n", 3, "a choice is"),
    "cues that are none": (DESCRIBED + "fields:\n  x: {kind: flag, meaning: y, cues: near}\n", 3, "cues are a list"),
    "a schema of a list": (DESCRIBED + "schema:\n  type: array\n", 3, "must describe an object"),
    "a schema with free text": (
        DESCRIBED + "schema:\n  type: object\n  properties:\n    x: {type: string}\n",
        5,
        "x is of no kind that is known here",
    ),
    "a schema with a keyword": (DESCRIBED + "schema:\n  allOf: []\n  properties: {x: {type: boolean}}\n", 3, "allOf"),
    "a reference elsewhere": (
        DESCRIBED + "schema:\n  properties:\n    x: {$ref: 'http://evil.example/schema.json'}\n",
        4,
        "is of no kind",
    ),
    "a class unasked": (DESCRIBED + "class: os.path:join\n", 2, "--types-class os.path:join"),
    "a class that is none": (DESCRIBED + "class: rm -rf\n", 2, "package.module:Class"),
    "an unknown variable": (DESCRIBED + "fields:\n" + FIELD + "prompt: |\n  {type} {schema}\n  {passage} {page}\n", 6, "{page}"),
    "a lone brace": (DESCRIBED + "fields:\n" + FIELD + "prompt: |\n  {type} {schema}\n  } {passage}\n", 6, "written twice"),
    "an attribute": (DESCRIBED + "fields:\n" + FIELD + "prompt: '{type.__class__} {schema} {passage}'\n", 4, "unknown variable"),
    "a variable missing": (DESCRIBED + "fields:\n" + FIELD + "prompt: |\n  {type} {schema}\n", 5, "{passage} are missing"),
    "a letter beyond Unicode": ('description: "\\U00110000"\nfields:\n' + FIELD, 1, "text cannot hold"),
    "a tag that builds objects": ("description: !!python/object/apply:os.system ['true']\nfields:\n" + FIELD, 1, "description"),
    "too deep": ("description: " + "[" * 60_000, 1, "nested too deeply"),
}


@pytest.mark.parametrize("name", MALFORMED)
def test_malformed_files_are_told_with_their_line(name):
    text, line, what = MALFORMED[name]
    found = problems(text)
    assert any(p.startswith(f"t.yaml:{line}: ") and what in p for p in found), found


def test_all_problems_are_told_at_once():
    found = problems("colour: red\nfields:\n  X: {kind: flag, meaning: y}\n  y: {kind: text, meaning: z}\n")
    assert [p.split(":")[1] for p in found] == ["1", "3", "4", "1"]


def test_json_has_line_numbers_too():
    text = json.dumps({"description": "A clause.", "fields": {"x": {"kind": "flags", "meaning": "y"}}}, indent="\t")
    assert problems(text, "t.json")[0].startswith("t.json:5: ")


def test_escaped_characters_beyond_the_bmp_are_one_character(run, tmp_path):
    text = json.dumps({"description": "A clause 😀.", "fields": {"x": {"kind": "flag", "meaning": "𝔸 and 😀"}}}, indent=1)
    assert "\\ud83d\\ude00" in text
    asked = own_prompt(source(text, "t.json"))
    assert asked.definition == "A clause 😀."
    assert "𝔸 and 😀" in asked.render("").user
    assert run("types", "check", owntypes.write(tmp_path / "types", text, "t.json")) == (0, "t: well formed, 1 field\n", "")


@pytest.mark.parametrize("half", ["\\ud83d", "\\ude00", "\\ude00\\ud83d", "\\ud83d and \\ude00"])
def test_half_a_character_is_told_with_its_line(half, run, tmp_path):
    text = json.dumps({"description": "A clause.", "fields": {"x": {"kind": "flag", "meaning": "HALF"}}}, indent=1)
    line = next(n for n, row in enumerate(text.splitlines(), 1) if "HALF" in row)
    folder = owntypes.write(tmp_path / "types", text.replace("HALF", half), "t.json")
    status, out, err = run("types", "check", folder)
    assert (status, err) == (2, "")
    assert out.startswith(f"{folder / 't.json'}:{line}: an escape such as")


def test_a_key_of_half_a_character_is_told():
    assert problems(DESCRIBED + 'fields:\n  "\\ud83d": {kind: flag, meaning: y}\n')[0].startswith("t.yaml:3: an escape such as")


@pytest.mark.parametrize("kind", BUILT_IN)
def test_the_files_in_prompts_and_schemas_are_types(kind, tmp_path):
    """A folder of `prompt.md` and `schema.json`, copied from the built-in types, gives the same type."""
    folder = tmp_path / f"my_{kind}"
    folder.mkdir()
    (folder / "prompt.md").write_text(resources.read_text("prompts", f"{kind}.md"))
    (folder / "schema.json").write_text(resources.read_text("schemas", f"fields.{kind}.json"))
    (found,) = find_types(tmp_path)
    asked = own_prompt(found)
    assert asked.shape.kinds == SHAPES[kind].kinds
    built_in = prompt.load([kind])[kind]
    assert (asked.short, asked.definition) == (built_in.short, built_in.definition)


def test_a_folders_prompt_is_checked_with_line_numbers(tmp_path):
    (tmp_path / "t").mkdir()
    text = resources.read_text("prompts", "renewal.md")
    (tmp_path / "t" / "schema.yaml").write_text("fields:\n" + FIELD)
    wrong = text.split("\n").index("{schema}") + 1
    cases = (("{schema}", "{shema}", wrong), ("{type}", "{type} {", 4), ("short:", "long:", 1), ("---\nshort", "short", 1))
    for old, new, line in cases:
        (tmp_path / "t" / "prompt.md").write_text(text.replace(old, new, 1))
        with pytest.raises(TypeFileError) as caught:
            own_prompt(find_types(tmp_path)[0])
        assert any(f"prompt.md:{line}: " in p for p in caught.value.problems), caught.value.problems


def test_a_class_is_imported_only_when_it_is_named(tmp_path, monkeypatch):
    (tmp_path / "own_shapes.py").write_text(
        "from clausescan.schema.values import Durations, Fields\n\n\n"
        "class NoticeFields(Fields):\n    written: bool\n    periods: Durations\n\n\n"
        "class WrongFields(Fields):\n    text: str\n"
    )
    monkeypatch.syspath_prepend(str(tmp_path))
    text = DESCRIBED + "class: own_shapes:NoticeFields\n"
    assert "--types-class own_shapes:NoticeFields" in problems(text)[0]
    assert "own_shapes" not in sys.modules
    assert own_prompt(source(text), ["own_shapes:NoticeFields"]).shape.kinds == {"written": "flag", "periods": "durations"}
    for name, what in (("WrongFields", "is of no kind"), ("Nothing", "cannot be imported"), ("Durations", "does not derive")):
        path = f"own_shapes:{name}"
        assert what in problems(DESCRIBED + f"class: {path}\n", classes=[path])[0]
    del sys.modules["own_shapes"]


@pytest.mark.parametrize("name", ["indemnity", "page", "report", "Upper", "a-b", "1st", "x" * 41, "a b", "<b>"])
def test_names_that_cannot_be(name, tmp_path, run):
    (tmp_path / f"{name.replace('/', '')}.yaml").write_text(GOOD)
    with pytest.raises(TypeFileError, match=r"yaml:1: "):
        find_types(tmp_path)
    with pytest.raises(TypeFileError, match=r"x\.yaml:1: "):
        own_prompt(TypeSource(name, (("x.yaml", GOOD),)))
    if name not in BUILT_IN:
        assert run("types", "new", name, "--in", tmp_path / "new")[0] == 2


@pytest.mark.parametrize(
    ("field", "what"),
    [
        ("Literal['By Notice', 'none'] | None", "a choice is lower case"),
        (f"Literal[{', '.join(repr(f'c{n}') for n in range(13))}] | None", "at most 12"),
        ("Literal['a'] | str | None", "one Literal"),
        ("Annotated[Durations, Field(max_length=2)]", "of kind durations is only"),
        ("Annotated[tuple[str, ...], Field(max_length=6, strict=False), Kind('phrases')]", "of kind phrases is only"),
        ("Annotated[tuple[Phrase, ...], Field(max_length=9, strict=False), Kind('phrases')]", "of kind phrases is only"),
        ("Annotated[str, Kind('flag')]", "of kind flag is only"),
        ("Literal['a', 'b'] | None", None),
        ("Durations = Field(description='periods')", None),
        ("Parties", None),
        ("FewAmounts", None),
        ("FewParties", None),
    ],
)
def test_a_class_holds_only_what_a_report_can(field, what, tmp_path, monkeypatch):
    (tmp_path / "bounded_shapes.py").write_text(
        "from typing import Annotated, Literal\nfrom pydantic import Field\nfrom clausescan.schema.values import *\n\n\n"
        f"class OwnShape(Fields):\n    x: {field}\n"
    )
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.delitem(sys.modules, "bounded_shapes", raising=False)
    text, name = DESCRIBED + "class: bounded_shapes:OwnShape\n", "bounded_shapes:OwnShape"
    if what is None:
        assert list(own_prompt(source(text), [name]).shape.kinds) == ["x"]
    else:
        assert what in problems(text, classes=[name])[0]


def test_a_linked_folder_keeps_its_own_name(tmp_path, monkeypatch):
    for part, text in (("prompt.md", resources.read_text("prompts", "renewal.md")), ("schema.yaml", "fields:\n" + FIELD)):
        owntypes.write(tmp_path / "v2", text, part)
    (tmp_path / "types").mkdir()
    (tmp_path / "types" / "my_renewal").symlink_to(tmp_path / "v2")
    assert [t.name for t in find_types(tmp_path / "types")] == ["my_renewal"]
    monkeypatch.chdir(tmp_path / "v2")
    assert [t.name for t in find_types(".")] == ["v2"]


def test_files_that_cannot_be_read(tmp_path):
    (tmp_path / "t.yaml").write_bytes(b"description: x\nfields: \xff\n")
    with pytest.raises(TypeFileError, match=r"t\.yaml:2: is no UTF-8"):
        find_types(tmp_path)
    (tmp_path / "t.yaml").write_text("#" * 70_000)
    with pytest.raises(TypeFileError, match="larger than"):
        find_types(tmp_path)
    (tmp_path / "t.yaml").write_text(GOOD)
    (tmp_path / "t.json").write_text("{}")
    with pytest.raises(TypeFileError, match="there twice"):
        find_types(tmp_path)
    with pytest.raises(UsageError, match="no folder"):
        find_types(tmp_path / "nothing")
    (tmp_path / "half").mkdir()
    (tmp_path / "half" / "prompt.md").write_text("x")
    with pytest.raises(TypeFileError, match=r"prompt\.md and one of"):
        find_types(tmp_path / "half")


def test_only_what_is_asked_for_is_opened(tmp_path, monkeypatch):
    owntypes.write(tmp_path / "types")
    (tmp_path / "types" / "broken.yaml").write_bytes(b"\xff")
    (tmp_path / "types" / "notes.txt").write_text("left alone")
    monkeypatch.setattr(finding, "user_folder", lambda: tmp_path / "types")
    assert select(None) == (None, ())
    assert select("indemnity") == (("indemnity",), ())
    names, sources = select("indemnity, force_majeure")
    assert names == ("indemnity", "force_majeure")
    assert [s.name for s in sources] == ["force_majeure"]
    with pytest.raises(TypeFileError, match="UTF-8"):
        select("broken")
    with pytest.raises(UsageError, match="force_majeure"):
        select("nothing")
    with pytest.raises(UsageError, match="force_majeure"):
        select(None, tmp_path / "types")
    monkeypatch.setattr(finding, "user_folder", lambda: tmp_path / "missing")
    assert find_types() == ()


def test_options_know_their_own_types():
    own = TypeSource("force_majeure", (("x.yaml", GOOD),))
    assert ExtractConfig(types=("force_majeure", "insurance"), own_types=(own,)).types == ("force_majeure", "insurance")
    with pytest.raises(UsageError, match="same name"):
        ExtractConfig(own_types=(own, own))
