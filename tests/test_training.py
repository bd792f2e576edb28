"""What the training makes of labels and answers, and checkpoints that survive."""

from contextlib import nullcontext
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
import pytest
import torch

from clausescan.model.charset import encode
from clausescan.model.choice import BEGIN, INSIDE, OUTSIDE
from clausescan.model.vocabulary import Vocabulary
from clausescan.train.augment import renumber_fields, renumber_words, renumbering
from clausescan.train.checkpoints import Average, load_checkpoint, mean_checkpoint, save_checkpoint
from clausescan.train.clause_losses import Teacher
from clausescan.train.crops import CropLine
from clausescan.train.labels import LabelledClause, LabelledPage
from clausescan.train.optimisers import MuonAndAdam
from clausescan.train.targets import tags_of
from clausescan.train.teach_reader import batch_of, greedy
from tests.test_model_reading import vocabulary  # noqa: F401 (a fixture)

ANSWER = (
    '{"heading_words":2,"continues_from_previous":false,"continues_on_next":false,"for_convenience":true,"for_cause":false,'
    '"notice_periods":[{"value":30,"unit":"days"}],"cure_periods":[]}'
)


def test_only_choices_weigh_in_an_answer(vocabulary: Vocabulary) -> None:  # noqa: F811
    weights = Teacher(vocabulary, {}).choices(ANSWER)
    tokens = vocabulary.answer(ANSWER)
    assert len(weights) == len(tokens)
    chosen = "".join(vocabulary.decode([t]) for t, w in zip(tokens[1:], weights[1:], strict=True) if w == 1)
    assert chosen == "2falsefalsetruefalse{30days]]"


def test_tags_step_over_a_footer() -> None:
    lines = (("1.", "Term.", "Either"), ("page", "3"), ("party", "may", "end"), ("Other",))
    boxes = tuple(tuple((0.0, 0.0, 1.0, 1.0) for _ in line) for line in lines)
    clause = LabelledClause("termination", (0, 1), (2, 2), (1,), 1, False, False, {})
    tags = tags_of(LabelledPage("a.pdf", 0, (595.0, 842.0), lines, boxes, (clause,)))
    assert tags[0].tolist() == [OUTSIDE, BEGIN, INSIDE, OUTSIDE, OUTSIDE, INSIDE, INSIDE, INSIDE, OUTSIDE]
    assert not tags[1:].any()


def test_numbers_change_in_words_and_fields_alike() -> None:
    fields = {"notice_periods": [{"value": 30, "unit": "days"}], "cure_periods": []}
    change = renumbering(fields, np.random.default_rng(3))
    words = renumber_words("upon thirty (30) days notice".split(), change)
    new = renumber_fields(fields, change)["notice_periods"][0]["value"]
    assert words is not None and f"({new})" in words


def test_a_batch_holds_its_lines() -> None:
    text = "all 30 days"
    line = CropLine(np.full((40, 200), 245, np.uint8), np.array(encode(text)), np.zeros(50, np.int64))
    batch = batch_of([line, CropLine(np.full((40, 96), 245, np.uint8), np.array(encode("a")), np.zeros(24, np.int64))])
    assert batch["strips"].shape == (2, 1, 40, 256)
    assert batch["mask"].sum(1).tolist() == [25, 12]
    logits = torch.full((1, 40, 200), -9.0)
    for n, c in enumerate(encode(text)):
        logits[0, 2 * n, c] = 9.0
        logits[0, 2 * n + 1, 0] = 9.0
    assert greedy(logits, torch.tensor([22])) == [text]


def test_a_run_goes_on_where_it_was_saved(tmp_path: Path) -> None:
    def made() -> tuple[torch.nn.Linear, torch.optim.AdamW, Average]:
        torch.manual_seed(1)
        model = torch.nn.Linear(3, 2)
        return model, torch.optim.AdamW(model.parameters(), lr=0.1), Average(model)

    def step(model: torch.nn.Linear, optimiser: torch.optim.AdamW, average: Average, n: int) -> None:
        optimiser.zero_grad()
        model(torch.full((1, 3), float(n))).sum().backward()
        optimiser.step()
        average.update(model, n)

    model, optimiser, average = made()
    for n in range(3):
        step(model, optimiser, average, n)
    save_checkpoint(tmp_path / "run.pt", model, optimiser, 3, {}, average)
    step(model, optimiser, average, 3)
    again, its_optimiser, its_average = made()
    assert load_checkpoint(tmp_path / "run.pt", again, its_optimiser, its_average) == 3
    step(again, its_optimiser, its_average, 3)
    assert torch.equal(model.weight, again.weight)
    assert torch.equal(average.state["weight"], its_average.state["weight"])
    assert not list(tmp_path.glob("*.part"))


def test_both_optimisers_go_on_where_they_were(tmp_path: Path) -> None:
    def net() -> torch.nn.Sequential:
        torch.manual_seed(0)
        return torch.nn.Sequential(torch.nn.Embedding(5, 8), torch.nn.Linear(8, 8), torch.nn.LayerNorm(8))

    def step(model: torch.nn.Module, optimiser: MuonAndAdam) -> None:
        optimiser.zero_grad()
        (model(torch.arange(5)) ** 4).mean().backward()
        optimiser.step()

    model = net()
    start = {k: v.clone() for k, v in model.state_dict().items()}
    optimiser = MuonAndAdam(model, 1e-2, 0.0)
    step(model, optimiser)
    assert all(not torch.equal(v, start[k]) for k, v in model.state_dict().items())
    save_checkpoint(tmp_path / "c.pt", model, optimiser, 1, {})
    again = net()
    other = MuonAndAdam(again, 1.0, 0.0)
    assert load_checkpoint(tmp_path / "c.pt", again, other) == 1
    for m, o in ((model, optimiser), (again, other)):
        o.set_rate(5e-3)
        step(m, o)
    assert all(torch.equal(v, again.state_dict()[k]) for k, v in model.state_dict().items())


def _saved(file: Path, value: float, size: int = 2, averaged: bool = True) -> None:
    model = torch.nn.Linear(size, 1)
    torch.nn.init.constant_(model.weight, value)
    torch.nn.init.constant_(model.bias, 3.0 * value)
    save_checkpoint(file, model, MuonAndAdam(model, 1e-2, 0.0), 5, {}, Average(model) if averaged else None)


def test_the_mean_of_checkpoints_is_one_to_load(tmp_path: Path) -> None:
    files = [tmp_path / "a.pt", tmp_path / "b.pt"]
    _saved(files[0], 0.0)
    _saved(files[1], 1.0, averaged=False)  # as stage 0 saves
    mean_checkpoint(files, tmp_path / "new" / "mean.pt")
    joined = torch.nn.Linear(2, 1)
    assert load_checkpoint(tmp_path / "new" / "mean.pt", joined, averaged=True) == 5
    assert joined.weight.tolist() == [[0.5, 0.5]]
    assert joined.bias.tolist() == [1.5]


def test_a_mean_is_begun_anew_from(tmp_path: Path) -> None:
    _saved(tmp_path / "a.pt", 2.0)
    mean_checkpoint([tmp_path / "a.pt"], tmp_path / "a.pt")
    model = torch.nn.Linear(2, 1)
    optimiser, average = MuonAndAdam(model, 1e-2, 0.0), Average(model)
    assert load_checkpoint(tmp_path / "a.pt", model, optimiser, average) == 0
    assert model.weight.tolist() == average.state["weight"].tolist() == [[2.0, 2.0]]


def test_a_mean_that_cannot_be_written_leaves_the_checkpoint_in_its_place(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _saved(tmp_path / "a.pt", 2.0)
    before = (tmp_path / "a.pt").read_bytes()

    def fails(state: object, file: Path | BinaryIO) -> None:
        with file.open("wb") if isinstance(file, Path) else nullcontext(file) as stream:
            stream.write(b"half")
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(torch, "save", fails)
    with pytest.raises(OSError, match="No space"):
        mean_checkpoint([tmp_path / "a.pt"], tmp_path / "a.pt")
    assert (tmp_path / "a.pt").read_bytes() == before


def test_a_mean_of_what_is_no_checkpoint_is_a_usage_error(tmp_path: Path, run: Any) -> None:
    _saved(tmp_path / "a.pt", 1.0)
    _saved(tmp_path / "wide.pt", 1.0, size=3)
    (tmp_path / "text.pt").write_text("no checkpoint")
    torch.save({"average": {}}, tmp_path / "part.pt")
    for name, why in (
        ("none.pt", "No such file"),
        (".", "cannot be read"),
        ("text.pt", "no checkpoint"),
        ("part.pt", "no checkpoint"),
        ("wide.pt", "other shapes"),
    ):
        status, _, err = run("train", "mean", tmp_path / "a.pt", tmp_path / name, "--work", tmp_path / "work")
        assert (status, why in err, len(err.splitlines())) == (2, True, 1), err
    assert not (tmp_path / "work").exists()
    assert run("train", "mean", tmp_path / "a.pt", tmp_path / "a.pt", "--work", tmp_path / "work")[0] == 0
    assert load_checkpoint(tmp_path / "work" / "clauses-visual" / "clauses.pt", torch.nn.Linear(2, 1)) == 5
