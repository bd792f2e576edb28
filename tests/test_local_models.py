"""Models of other houses in folders: tiny random ones, made, saved, loaded and asked the way the real ones are."""

import json
import math
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file

from clausescan import prompt, scan
from clausescan.config import ExtractConfig
from clausescan.errors import AnswerError, ModelError, TruncatedAnswerError
from clausescan.parse import parse_answer, parse_listing
from clausescan.providers import glance, registry
from clausescan.providers.families import FAMILIES, Family
from clausescan.providers.local import LocalModel
from clausescan.providers.masking import Grammars
from clausescan.providers.question import Question
from clausescan.providers.seeing import Preparation, within
from clausescan.schema.answers import answer_schema
from clausescan.schema.clauses import CLAUSE_TYPES
from clausescan.schema.listing import listing_schema
from clausescan.schema.shapes import SHAPES
from tests import fakeserver, specimen, tinymodels
from tests.tinymodels import MAKERS

pytestmark = pytest.mark.usefixtures("one_thread")

GRAY = np.array(specimen.picture().convert("L"))


@pytest.fixture(scope="module")
def loaded(tiny_model):
    """Each model, loaded once."""
    return {kind: LocalModel(tiny_model(kind), kind) for kind in MAKERS}


@pytest.fixture
def copied(tiny_model, tmp_path):
    """A model to be damaged."""
    return Path(shutil.copytree(tiny_model("llava"), tmp_path / "copy"))


def question(kind="indemnity", steps=200):
    """Without the prompt, which a random model cannot read."""
    return Question(GRAY[:300], "You read contracts.", f"Clause type: {kind}", answer_schema(SHAPES[kind].answer), steps)


@pytest.mark.parametrize("kind", MAKERS)
def test_answers_keep_to_the_schema(loaded, kind):
    """A random model writes nonsense, and even that nonsense is an answer of the right shape."""
    whole = 0
    for asked in CLAUSE_TYPES:
        (answer,) = loaded[kind].ask([question(asked)])
        if isinstance(answer, AnswerError):
            continue
        parse_answer(SHAPES[asked], answer.text)
        assert 0 < answer.visual_tokens <= FAMILIES[kind].visual_tokens
        whole += 1
    assert whole


@pytest.mark.parametrize("kind", MAKERS)
def test_a_whole_page_is_listed(loaded, kind):
    prompts = prompt.load(["indemnity"])
    system, user = prompt.page_question(prompts)
    (answer,) = loaded[kind].ask([Question(GRAY, system, user, listing_schema(prompts), 300)])
    assert isinstance(answer, TruncatedAnswerError) or parse_listing(["indemnity"], answer.text) is not None


def test_a_truncated_answer_is_an_error_not_a_text(loaded):
    answers = loaded["qwen2_5_vl"].ask([question(steps=5), question(steps=1)])
    assert [type(a) for a in answers] == [TruncatedAnswerError] * 2


def test_the_same_question_gets_the_same_answer(loaded):
    assert loaded["smolvlm"].ask([question()]) == loaded["smolvlm"].ask([question()])


@pytest.mark.parametrize("kind", ["idefics3", "smolvlm", "qwen2_5_vl", "llava"])
def test_a_report_from_option_to_json(monkeypatch, flat, small_photo, tiny_model, kind):
    """By the path, with the fake reader; the list of passages is given, since a random model lists nothing that stands there."""
    monkeypatch.setattr(registry, "compact", lambda folder: specimen.FakeModel())
    monkeypatch.setattr(glance, "MAX_LISTING_TOKENS", 8)
    with pytest.raises(TruncatedAnswerError):
        scan.extract(small_photo, ExtractConfig(model=str(tiny_model(kind))))
    monkeypatch.setattr(glance, "parse_listing", lambda types, text: parse_listing(types, fakeserver.listing(*fakeserver.LISTED)))
    monkeypatch.setattr(glance, "MAX_LISTING_TOKENS", 200)
    monkeypatch.setattr(glance, "MAX_ANSWER_TOKENS", 200)
    monkeypatch.setattr(
        glance, "listing_schema", lambda types: {"type": "object", "properties": {}, "additionalProperties": False}
    )
    report = scan.extract(small_photo, ExtractConfig(model=str(tiny_model(kind))))
    assert [c.type for c in report.clauses] == ["termination", "liability_cap", "indemnity"]
    assert any(c.complete for c in report.clauses)
    assert report.clauses[0].text == " ".join(specimen.LINES[1:4])
    assert report.model.name == kind
    assert report.model.weights_sha256 not in ("0" * 64, "")
    assert 0 < report.visual_tokens <= report.budget == FAMILIES[kind].visual_tokens


def test_the_tiles_are_written_as_the_models_own_processor_writes_them(tiny_model):
    from transformers import AutoConfig

    config = AutoConfig.from_pretrained(tiny_model("idefics3"))
    own = Preparation(tiny_model("idefics3"), config, FAMILIES["idefics3"])
    ours = Preparation(tiny_model("idefics3"), config, Family("", "", "tiles", 0))
    for picture in (GRAY, GRAY[:200], GRAY[:, :300]):
        a, b = own.inputs(picture, "text"), ours.inputs(picture, "text")
        assert torch.equal(a["input_ids"], b["input_ids"])
        assert torch.equal(a["pixel_values"], b["pixel_values"])


def test_a_page_is_scaled_to_the_budget_of_a_grid(tiny_model):
    from transformers import AutoConfig

    folder = tiny_model("qwen2_5_vl")
    small = Preparation(folder, AutoConfig.from_pretrained(folder), Family("", "", "grid", 30))
    inputs = small.inputs(np.full((2900, 2048), 255, np.uint8), "text")
    assert 20 <= int((inputs["input_ids"] == small.image_id).sum()) <= 30


@pytest.mark.parametrize("most", [1, 30, 2560])
@pytest.mark.parametrize("size", [(2048, 2900), (2048, 40), (1, 5000), (28, 28), (29, 29), (1433, 1400), (9999, 9999)])
def test_no_picture_costs_more_than_the_budget_of_a_grid(size, most):
    width, height = within(size, 28, most)
    assert math.ceil(width / 28) * math.ceil(height / 28) <= most
    assert (width, height) == size or width % 28 == height % 28 == 0


def test_no_part_of_a_page_is_cut_away_for_a_square(tiny_model):
    from transformers import AutoConfig

    folder = tiny_model("llava")
    page = np.full((800, 400), 255, np.uint8)
    page[:20] = page[-20:] = 0
    seen = Preparation(folder, AutoConfig.from_pretrained(folder), FAMILIES["llava"]).inputs(page, "text")["pixel_values"]
    middle = seen[0, 0, :, 28]
    assert middle[0] < middle[28] > middle[-1]


@pytest.mark.parametrize("kind", ["idefics3", "qwen2_5_vl", "llava"])
def test_the_models_own_marks_in_a_passage_are_only_words(loaded, kind):
    """Neither a second picture nor the end of the turn can be written by a page."""
    preparation = loaded[kind]._preparation
    marks = [m for m in preparation._marks if len(m) > 2]
    plain = preparation.inputs(GRAY[:100], "a b")
    hostile = preparation.inputs(GRAY[:100], "a " + " ".join(marks) + " b")
    special = [int(preparation.tokenizer.convert_tokens_to_ids(m)) for m in marks]
    for number in special:
        assert (plain["input_ids"] == number).sum() == (hostile["input_ids"] == number).sum()


def test_only_safetensors_are_loaded(copied):
    (copied / "model.safetensors").unlink()
    torch.save({"a": torch.zeros(1)}, copied / "pytorch_model.bin")
    with pytest.raises(ModelError, match="safetensors"):
        LocalModel(copied, "x")


@pytest.mark.parametrize(
    ("change", "match"),
    [
        ({"model_type": "nothing_known"}, "cannot be loaded"),
        ({"model_type": "bert"}, "cannot be loaded"),
        (
            {"model_type": "strange", "auto_map": {"AutoConfig": "code.Config", "AutoModelForImageTextToText": "code.M"}},
            "cannot be",
        ),
    ],
)
def test_unknown_models_and_their_code_are_refused(copied, change, match):
    (copied / "code.py").write_text("raise SystemExit('remote code was run')\n")
    config = json.loads((copied / "config.json").read_text())
    (copied / "config.json").write_text(json.dumps(config | change))
    with pytest.raises(ModelError, match=match):
        LocalModel(copied, "x")


def test_a_damaged_file_is_a_clear_error(copied):
    data = (copied / "model.safetensors").read_bytes()
    (copied / "model.safetensors").write_bytes(data[: len(data) // 2])
    with pytest.raises(ModelError, match="cannot be loaded"):
        LocalModel(copied, "x")
    (copied / "config.json").write_text("{")
    with pytest.raises(ModelError, match="cannot be loaded"):
        LocalModel(copied, "x")


@pytest.mark.parametrize("change", [{"model": {"type": "zebrafish"}}, {"version": "zebrafish"}, {"added_tokens": [{"id": 5}]}])
def test_a_damaged_tokenizer_is_a_clear_error(copied, change):
    """tokenizers raises a bare Exception there."""
    file = copied / "tokenizer.json"
    file.write_text(json.dumps(json.loads(file.read_text()) | change))
    with pytest.raises(ModelError, match="cannot be loaded") as caught:
        LocalModel(copied, "x")
    assert specimen.CANARY not in str(caught.value)


@pytest.mark.parametrize(
    "template", ["{% for", "{{ raise_exception(messages | string) }}", "{{ messages.nothing.more }}", "no picture"]
)
def test_a_template_that_shows_no_picture_is_a_clear_error(copied, template):
    (copied / "chat_template.jinja").write_text(template)
    model = LocalModel(copied, "x")
    with pytest.raises(ModelError) as caught:
        model.ask([Question(GRAY[:300], "", specimen.CANARY, {"type": "boolean"}, 5)])
    assert specimen.CANARY not in str(caught.value)


def test_missing_weights_are_not_made_up(copied, capfd):
    weights = load_file(copied / "model.safetensors")
    weights.pop(next(name for name in weights if "q_proj" in name))
    save_file(weights, copied / "model.safetensors", {"format": "pt"})
    with pytest.raises(ModelError, match="lacks some of its weights"):
        LocalModel(copied, "x")
    assert capfd.readouterr().err == ""


def test_a_family_whose_template_marks_a_picture_by_another_word(tmp_path):
    model = LocalModel(tinymodels.gemma3(tmp_path / "gemma3"), "gemma3")
    (answer,) = model.ask([question()])
    assert isinstance(answer, TruncatedAnswerError) or answer.visual_tokens == 4
    ids = model._preparation.inputs(GRAY[:300], "<start_of_image> text <image_soft_token>")["input_ids"]
    assert int((ids == model._preparation.image_id).sum()) == 4


def test_a_model_that_fails_while_it_is_asked_quotes_nothing(loaded, monkeypatch):
    def broken(*_):
        raise RuntimeError(specimen.CANARY)

    model = loaded["llava"]
    monkeypatch.setattr(model._preparation, "inputs", broken)
    with pytest.raises(ModelError) as caught:
        model.ask([question()])
    assert specimen.CANARY not in str(caught.value)


def test_the_mask_lets_only_the_grammar_through():
    words = tinymodels.tokenizer(["<end>"], "<end>")
    grammars = Grammars(words, len(words) + 56, [words.convert_tokens_to_ids("<end>")])  # a head may be padded
    schema = {"type": "object", "properties": {"a": {"type": "boolean"}}, "required": ["a"], "additionalProperties": False}
    for seed in range(5):
        mask = grammars.mask(schema)
        noise = torch.Generator().manual_seed(seed)
        ids = torch.zeros(1, 3, dtype=torch.long)
        for _ in range(30):
            scores = mask(ids, torch.randn(1, len(words) + 56, generator=noise))
            ids = torch.cat([ids, scores.argmax(-1, keepdim=True)], 1)
            if mask.finished(ids[0]):
                break
        assert words.decode(ids[0, 3:], skip_special_tokens=True) in ('{"a":true}', '{"a":false}')
