"""The compact model's shapes, costs and conventions, on tiny random models."""

from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file
from torch.utils.flop_counter import FlopCounterMode
from transformers import AutoModelForImageTextToText
from transformers.cache_utils import DynamicCache

from clausescan.model.charset import NUM_CLASSES
from clausescan.model.choice import BEGIN, INSIDE, OUTSIDE, SENTENCE, UNIT, Run, best_runs, clauses_of, sections_of, word_places
from clausescan.model.configuration import ClausescanConfig
from clausescan.model.dimensions import Dimensions
from clausescan.model.encoder import LINE_CHANNELS, PageEncoder
from clausescan.model.language import Cache, GrowingCache, LanguageModel
from clausescan.model.modeling import ClausescanForConditionalGeneration
from clausescan.model.network import Network
from clausescan.model.reader import LineReader
from clausescan.model.resampler import BUDGETS, Kind, Resampler
from clausescan.model.strips import STRIP_HEIGHT

TINY = {
    "encoder_widths": (8, 12), "encoder_depths": (1, 1), "reader_widths": (8, 8, 12), "reader_depths": (1, 1),
    "line_channels": 16, "line_dilations": (1,), "vocab_size": 300, "hidden_size": 40, "num_hidden_layers": 2,
    "num_attention_heads": 5,
}  # fmt: skip


def tiny(**changes: object) -> ClausescanForConditionalGeneration:
    """A small random model."""
    torch.manual_seed(0)
    return ClausescanForConditionalGeneration(ClausescanConfig(**{**TINY, **changes})).eval()


def operations(module: torch.nn.Module, *shapes: tuple[int, ...]) -> int:
    """Floating-point operations of one pass over zeros of some shapes, counted on meta tensors."""
    with FlopCounterMode(display=False) as counter, torch.device("meta"):
        module.to("meta")(*(torch.zeros(*shape) for shape in shapes))
    return counter.get_total_flops()


def test_encoder_cost_grows_with_the_pixels() -> None:
    small, large = operations(PageEncoder(), (1, 1, 1360, 1024)), operations(PageEncoder(), (1, 1, 2720, 2048))
    assert large / small == pytest.approx(4.0, rel=0.01)
    assert large < 50e9  # the documented cost of a whole page


def test_reader_cost_grows_with_the_lines() -> None:
    small, large = (operations(LineReader(), (n, 1, STRIP_HEIGHT, 1024), (n, 128)) for n in (10, 40))
    assert large / small == pytest.approx(4.0, rel=0.01)
    assert large < 120e9  # the documented cost of a page of 40 lines


def test_encoder_shape() -> None:
    maps = PageEncoder((8, 12), (1, 1))(torch.rand(2, 1, 64, 128))
    assert maps.shape == (2, LINE_CHANNELS, 8, 16)


def test_reader_shapes() -> None:
    reader = LineReader((8, 8, 12), (1, 1), 16, (1,))
    states, sequence, glyphs = reader(torch.rand(3, 1, STRIP_HEIGHT, 64), torch.ones(3, 8, dtype=torch.bool))
    assert states.shape == (3, 8, 16)
    assert sequence.shape == glyphs.shape == (3, 16, NUM_CLASSES)


def test_folding_changes_nothing() -> None:
    model, page, mask = tiny(), torch.rand(1, 1, STRIP_HEIGHT, 64), torch.ones(1, 8, dtype=torch.bool)
    with torch.no_grad():
        before = model.reader(page, mask)
        model.fold()
        for a, b in zip(before, model.reader(page, mask), strict=True):
            assert torch.allclose(a, b, atol=1e-5)


@pytest.mark.parametrize("kind", ["anchored", "perceiver", "c_abstractor"])
@pytest.mark.parametrize("count", [0, 3, 5000])
def test_resampler_keeps_its_budget(kind: Kind, count: int) -> None:
    resampler = Resampler(16, 40, kind)
    for budget in BUDGETS:
        assert resampler(torch.rand(count, 16), torch.rand(count, 2), budget).shape == (budget, 40)
    with pytest.raises(ValueError, match="257"):
        resampler(torch.rand(9, 16), torch.rand(9, 2), 257)


def test_anchored_tokens_look_at_their_own_share_only() -> None:
    resampler, places = Resampler(16, 40).eval(), torch.rand(640, 2)
    features = torch.rand(640, 16)
    other = features.clone()
    other[320:] += 1
    with torch.no_grad():
        a, b = resampler(features, places, 64), resampler(other, places, 64)
    assert torch.equal(a[:32], b[:32])
    assert not torch.allclose(a[32:], b[32:])


def test_given_positions_see_each_other_and_written_ones_only_the_past() -> None:
    torch.manual_seed(0)
    model = LanguageModel(300, 40, 2, 5).eval()
    x = torch.rand(1, 10, 40)
    with torch.no_grad():
        before = model(x, 6)
        late = x.clone()
        late[0, 8] += torch.rand(40)
        after = model(late, 6)
        assert torch.allclose(before[:, :8], after[:, :8], atol=1e-6)
        assert not torch.allclose(before[:, 9], after[:, 9])
        early = x.clone()
        early[0, 5] += torch.rand(40)
        assert not torch.allclose(before[:, 0], model(early, 6)[:, 0])


@pytest.mark.parametrize("kind", [DynamicCache, GrowingCache])
def test_cache_gives_what_the_whole_sequence_gives(kind: type[Cache]) -> None:
    cache = kind()
    torch.manual_seed(0)
    model = LanguageModel(300, 40, 2, 5).eval()
    x = torch.rand(1, 12, 40)
    with torch.no_grad():
        whole = model(x, 7)
        parts = [model(x[:, :7], 7, cache), model(x[:, 7:10], 0, cache), model(x[:, 10:], 0, cache)]
    assert torch.allclose(whole, torch.cat(parts, 1), atol=1e-5)


def test_saved_model_loads_and_generates_through_the_auto_classes(tmp_path: Path) -> None:
    tiny().save_pretrained(tmp_path)
    model = AutoModelForImageTextToText.from_pretrained(tmp_path, dtype=torch.float32)
    ids = torch.tensor([[7] * 64 + [20, 21, 22]])
    page = torch.zeros(1, 1, 64, 128)
    out = model.generate(input_ids=ids, pixel_values=page, max_new_tokens=5, do_sample=False, eos_token_id=None)
    assert out.shape == (1, 72)
    again = model.generate(input_ids=ids, pixel_values=page, max_new_tokens=5, do_sample=False, eos_token_id=None, use_cache=True)
    assert torch.equal(out, again)


def test_the_bare_network_is_the_same_model(tmp_path: Path) -> None:
    model = tiny()
    model.save_pretrained(tmp_path)
    network = Network(Dimensions.load(tmp_path / "config.json"))
    network.load_state_dict(load_file(tmp_path / "model.safetensors"))
    assert network.config == model.config.dimensions
    ids, visual = torch.tensor([[7] * 64 + [20, 21, 22]]), torch.rand(64, 40)
    with torch.no_grad():
        states = network.eval().states(ids, visual, ids.shape[1])
        whole = model(input_ids=ids, visual=visual)
    assert torch.allclose(network.language.logits(states), whole.logits)


def test_language_model_gets_no_more_visual_tokens_than_the_budget() -> None:
    model = tiny()
    lengths: list[int] = []
    model.language.register_forward_pre_hook(lambda _, args: lengths.append(args[0].shape[1]))
    ids = torch.tensor([[7] * 64 + [20, 21]])
    model(input_ids=ids, pixel_values=torch.rand(1, 1, 320, 512))
    assert lengths == [66]
    with pytest.raises(ValueError, match="image tokens"):
        model(input_ids=ids, visual=torch.rand(128, 40))


def test_best_runs_finds_adjacent_clauses_and_steps_over_a_footer() -> None:
    tags = [OUTSIDE] * 5 + [BEGIN] + [INSIDE] * 9 + [BEGIN] + [INSIDE] * 5 + [OUTSIDE] * 3 + [INSIDE] * 6 + [OUTSIDE] * 4
    p = np.full((len(tags), 3), 0.02)
    p[np.arange(len(tags)), tags] = 0.96
    first, second = best_runs(np.log(p), np.full(len(tags), UNIT, np.int8))
    assert (first.first, first.last, first.outside) == (5, 14, ())
    assert (second.first, second.last, second.outside) == (15, 29, (21, 22, 23))
    assert second.confidence == pytest.approx(0.98, abs=0.01)
    assert best_runs(np.zeros((0, 3)), np.zeros(0, np.int8)) == []


def test_a_clause_begins_and_ends_with_a_sentence_unless_the_words_say_otherwise() -> None:
    words = [["Fees", "are", "due.", "Either", "party", "may"], ["end", "it.", "(b)", "Taxes", "too."]]
    places = word_places(words, [True, False])
    assert places.tolist() == [UNIT, 0, 0, SENTENCE, 0, 0, 0, 0, UNIT, 0, 0]
    tags = [OUTSIDE] * 4 + [BEGIN] + [INSIDE] * 2 + [OUTSIDE] * 4  # a word short at both ends
    for certainty, place in ((0.8, (3, 7)), (0.9999, (4, 6))):
        p = np.full((len(tags), 3), (1 - certainty) / 2)
        p[np.arange(len(tags)), tags] = certainty
        (run,) = best_runs(np.log(p), places)
        assert (run.first, run.last) == place


def test_a_number_in_brackets_is_a_part_only_where_one_may_begin() -> None:
    words = "upon thirty (30) days notice if (a) it fails; (2) it leaves or (3) ends (within statute)".split()
    places = word_places([words], [True])
    assert [word for word, place in zip(words, places, strict=True) if place == UNIT] == ["upon", "(a)", "(2)", "(3)"]


def test_a_heading_stays_with_its_text() -> None:
    words = [["9.1", "Ending.", "Either", "party", "may", "end", "it.", "9.2", "Effect.", "All", "is", "paid."]]
    tags = [BEGIN, INSIDE, BEGIN, INSIDE, INSIDE, INSIDE, INSIDE, BEGIN, INSIDE, INSIDE, INSIDE, INSIDE]
    p = np.full((len(tags), 3), 0.05)
    p[np.arange(len(tags)), tags] = 0.9
    assert [(r.first, r.last) for r in best_runs(np.log(p), word_places(words, [True]))] == [(0, 6), (7, 11)]


@pytest.mark.parametrize(("first", "kept"), [(0, True), (1, False), (2, True)])
def test_a_short_run_inside_a_sentence_is_no_clause(first: int, kept: bool) -> None:
    words = [["party", "may.", "Either", "may", "end", "this", "now", "and", "so", "on"]]
    places = word_places(words, [False])
    p = np.full((10, 3), 0.0005)
    p[:, OUTSIDE] = 0.999
    tags = [BEGIN] + [INSIDE] * 5
    p[np.arange(first, first + 6), :] = 0.00001
    p[np.arange(first, first + 6), tags] = 0.99998
    assert bool(clauses_of(np.log(p), places)) == kept


def test_a_heading_found_on_its_own_joins_what_it_heads() -> None:
    tags = [OUTSIDE] * 3 + [BEGIN] + [INSIDE] * 3 + [BEGIN] + [INSIDE] * 20 + [OUTSIDE] * 3
    p = np.full((len(tags), 3), 0.01)
    p[np.arange(len(tags)), tags] = 0.98
    places = np.full(len(tags), UNIT, np.int8)
    assert [(r.first, r.last) for r in best_runs(np.log(p), places)] == [(3, 6), (7, 27)]
    assert [(r.first, r.last) for r in clauses_of(np.log(p), places)] == [(3, 27)]


def test_unheaded_parts_of_one_section_are_one_clause() -> None:
    log_p = np.log(np.tile([0.1, 0.3, 0.6], (40, 1)))
    runs = [Run(0, 9, (), 0.9), Run(10, 19, (12,), 0.8), Run(20, 29, (), 0.9), Run(31, 39, (), 0.9)]
    joined = sections_of(runs, log_p, ["word"] * 40, lambda run: run.first == 20)
    assert [(run.first, run.last, run.outside) for run in joined] == [(0, 19, (12,)), (20, 29, ()), (31, 39, ())]
    assert joined[0].confidence == pytest.approx(0.9)


@pytest.mark.parametrize(
    ("before", "number", "parted"),
    [
        ("9. Customer", "10. Supplier", True),
        ("9.4 Customer", "10.1 Supplier", True),
        ("9.Customer may", "10.Supplier may", True),
        ("Section 9 Customer", "Section 10 Supplier", True),
        ("§ 9 Customer", "§ 10 Supplier", True),
        ("ARTICLE IX EFFECT", "ARTICLE X DEFAULT", True),
        ("9.1 Customer", "9.2 Supplier", False),
        ("Section 9.1 Customer", "Section 9.2 Supplier", False),
        ("9. Customer", "(b) Supplier", False),
        ("9. Customer", "10) Supplier", False),  # parts are counted in this way, too
        ("9. Customer", "1. by", False),  # as are lists inside a section
        ("may end", "2. by", False),
        ("I. Customer", "2. Supplier", False),
        ("9. Customer", "30 days", False),
    ],
)
def test_numbered_sections_without_headings_stay_apart(before: str, number: str, parted: bool) -> None:
    """The unit is the smallest numbered section; only parts of one section join."""
    words = [f"{beginning} {'word ' * 20}".split()[:20] for beginning in (before, number)]
    runs = [Run(0, 19, (), 0.9), Run(20, 39, (), 0.9)]
    found = sections_of(runs, np.log(np.tile([0.1, 0.3, 0.6], (40, 1))), words[0] + words[1], lambda run: False)
    assert [(run.first, run.last) for run in found] == ([(0, 19), (20, 39)] if parted else [(0, 39)])
