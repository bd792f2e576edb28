"""Pages set again for measuring, and the compressors' training."""

import json
from pathlib import Path

import numpy as np
import pytest
import reportlab
import torch

from clausescan.bench import heldout
from clausescan.bench.heldout import GROUPS, Group, set_again, truth_of
from clausescan.bench.labelled import labelled_photo
from clausescan.errors import UsageError
from clausescan.geometry import bounding_box
from clausescan.model.engine import WEIGHTS
from clausescan.model.vocabulary import Vocabulary
from clausescan.train import compressors
from clausescan.train.compressors import KINDS, CompressorRun, Pair, SeenPage, judge, seen_pages, train, words_at
from clausescan.train.labels import LabelledClause, LabelledPage
from clausescan.train.scene import Look, sheet_map
from clausescan.train.sheets import SHEET_WIDTH
from clausescan.train.sightings import Sighting
from clausescan.train.split import held_out_contract

FONT = str(Path(reportlab.__file__).parent / "fonts" / "Vera.ttf")
LINES = (("1.", "Term.", "Either", "party"), ("Page", "3"), ("may", "end", "this", "\uf0b7", "Agreement"))


def page(pdf: str = "a.pdf") -> LabelledPage:
    def box(line: int, word: int) -> tuple[float, float, float, float]:
        return 70 + 60 * word, 100 + 20 * line, 70 + 60 * word + 8 * len(LINES[line][word]), 112 + 20 * line

    boxes = tuple(tuple(box(n, k) for k in range(len(line))) for n, line in enumerate(LINES))
    fields = {"for_convenience": True, "for_cause": False, "notice_periods": [], "cure_periods": []}
    clause = LabelledClause("termination", (0, 2), (2, 4), (1,), 0, False, False, fields)
    return LabelledPage(pdf, 0, (595.0, 842.0), LINES, boxes, (clause,))


GEOMETRY = [(70.0, 340.0, 106.0 + 20 * n, 5.0) for n in range(3)]


def test_words_are_set_where_they_stood() -> None:
    made = set_again(page(), GEOMETRY, FONT)
    scale = SHEET_WIDTH / 595
    for boxes, before in zip(made.boxes, page().boxes, strict=True):
        for box, old in zip(boxes, before, strict=True):
            if box is not None:
                assert box[0] == pytest.approx(old[0] * scale, abs=12)
                ink = made.picture[int(box[1]) : int(box[3]) + 2, int(box[0]) : int(box[2]) + 2]
                assert ink.min() < 60  # there is print in the box
    white = made.picture.copy()
    for box in (b for line in made.boxes for b in line if b is not None):
        x0, y0, x1, y1 = (round(v) for v in box)
        white[y0 - 1 : y1 + 3, x0 - 1 : x1 + 3] = 255
    assert white.min() == 255  # and nowhere else


def test_what_a_font_lacks_is_left_out_of_print_and_truth() -> None:
    made = set_again(page(), GEOMETRY, FONT)
    assert made.texts[2][3] == "" and made.boxes[2][3] is None
    to_photo = sheet_map((SHEET_WIDTH, made.picture.shape[0]), 210, Look(1))
    truth = truth_of("a", page(), made, to_photo, (2400, 3200))
    assert truth["clauses"][0]["text"] == "Either party may end this Agreement"  # and steps over the footer
    assert truth["lines"][2]["text"] == "may end this Agreement"
    assert len(truth["clauses"][0]["quads"]) == 6
    photo = labelled_photo(truth, Path("a.jpg"))
    low_x, low_y, high_x, high_y = bounding_box(np.array([q for line in photo.lines for q in line["quad"]]))
    assert 0 < low_x < high_x < 2400 and 0 < low_y < high_y < 3200


class Packed:
    """Stands for the packed contracts."""

    index = ({"pdf": "a.pdf", "page": 0},)

    def __getitem__(self, number: int):
        raise AssertionError("not needed here")


def test_groups_are_kept_apart(monkeypatch, tmp_path: Path) -> None:
    monkeypatch.setattr(heldout, "families", lambda kept_out: (("held",),) if kept_out else (("seen",),))
    names = [name for name in (f"{c}.pdf" for c in "abcdefghijklmnopqrstuvwxyz") if held_out_contract(name)]
    assert len(GROUPS) == 4 and names
    with pytest.raises(UsageError, match="2 pages of held out contracts"):
        list(heldout.compose(Group("held out", "seen"), [page(names[0])], Packed(), 2, 1, tmp_path))
    monkeypatch.setattr(heldout, "families", lambda kept_out: ())
    with pytest.raises(UsageError, match="in held out fonts"):
        list(heldout.compose(Group("held out", "held out"), [page(names[0])], Packed(), 1, 1, tmp_path))


def sighted(folder: Path, number: int, pdf: str) -> SeenPage:
    generator = torch.Generator().manual_seed(number)
    count = 300 + number
    file = folder / f"{number}.pt"
    line = torch.arange(count) * len(LINES) // count
    parts = (torch.randn(count, 256, generator=generator).half(), torch.rand(count, 2, generator=generator), line)
    torch.save(parts, file)
    return SeenPage(page(pdf), file)


def test_words_lie_among_the_features_as_their_boxes_do() -> None:
    vocabulary = Vocabulary(WEIGHTS / "tokenizer.json")
    made, width = page(), page().size_pt[0]
    features = [
        ((x0 + x1) / 2 / width + off, n) for n, row in enumerate(made.boxes) for x0, _, x1, _ in row for off in (-0.001, 0.0)
    ]
    places, line = torch.tensor([(x, 0.0) for x, _ in features]), torch.tensor([n for _, n in features])
    shares, tokens = words_at(vocabulary, made, Sighting(torch.zeros(len(line), 256), places, line))
    assert (shares * len(line)).tolist() == pytest.approx([2 * word + 1.5 for word in range(11)])  # the second of each two
    assert tokens[0] == vocabulary.word(LINES[0][0])[0] and len(tokens) == 11


def test_compressors_learn_from_the_same_pages_and_are_judged(tmp_path: Path) -> None:
    held = next(name for name in (f"{c}.pdf" for c in "abcdefghijklmnopqrstuvwxyz") if held_out_contract(name))
    learn = next(name for name in (f"{c}.pdf" for c in "abcdefghijklmnopqrstuvwxyz") if not held_out_contract(name))
    pages = [sighted(tmp_path, 1, learn), sighted(tmp_path, 2, learn), sighted(tmp_path, 3, held)]
    run = CompressorRun(tmp_path / "out", WEIGHTS / "tokenizer.json", steps=2, accumulate=2)
    said: list[str] = []
    target = train(run, pages, KINDS, said.append)
    data = json.loads(target.read_text())
    assert [row["kind"] for row in data["rows"]] == ["anchored", "perceiver", "c_abstractor", "nothing"]
    assert {row["pages"] for row in data["rows"]} == {4} and {row["held_out"] for row in data["rows"]} == {1}
    assert all(list(row["figures"]) == ["64", "128", "256"] for row in data["rows"])
    assert all(np.isfinite(f["loss"]) and 0 <= f["accuracy"] <= 1 for row in data["rows"] for f in row["figures"].values())
    assert all((row["operations"] > 0) == (row["kind"] != "nothing") for row in data["rows"])
    nothing = data["rows"][-1]["figures"]
    assert nothing["64"] == nothing["256"]  # it sees no tokens, however many
    assert all(len({f["loss"] for f in row["figures"].values()}) == 3 for row in data["rows"][:-1])
    again = json.loads(train(run, pages, KINDS, said.append).read_text())  # all done: judged again, not trained again
    assert again == data
    with pytest.raises(UsageError, match="too few sightings"):
        train(CompressorRun(tmp_path / "few", run.tokenizer, steps=1), pages[:1], KINDS, said.append)


def test_a_probe_learns_what_its_tokens_say(tmp_path: Path) -> None:
    """Two pages with other words at the same places: only by the tokens can they be told apart."""
    vocabulary = Vocabulary(WEIGHTS / "tokenizer.json")
    pages = []
    for number, word in enumerate(("Supplier", "notice"), 1):
        lines = tuple(tuple(word for _ in line) for line in LINES)
        made = LabelledPage("a.pdf", 0, page().size_pt, lines, page().boxes, ())
        pages.append(SeenPage(made, sighted(tmp_path, number, "a.pdf").file))
    found = {}
    for kind in ("anchored", None):
        torch.manual_seed(0)
        pair = Pair(kind, len(vocabulary))
        optimiser = torch.optim.Adam(pair.parameters(), lr=1e-3)
        for step in range(30):
            sighting = pages[step % 2].sighting()
            shares, tokens = words_at(vocabulary, pages[step % 2].page, sighting)
            loss = torch.nn.functional.cross_entropy(pair(sighting, shares, 16), tokens)
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
        found[kind] = judge(pair, vocabulary, pages, 16)["accuracy"]
    assert found["anchored"] == 1.0 and found[None] == 0.5


def test_the_order_is_shuffled_epochs_and_the_same_for_all() -> None:
    order = list(compressors._order(5, 12, 7))
    assert sorted(order[:5]) == sorted(order[5:10]) == list(range(5))
    assert len(order) == 12 and order == list(compressors._order(5, 12, 7)) and order != list(compressors._order(5, 12, 8))


def test_only_pages_that_were_seen_are_used(tmp_path: Path) -> None:
    sighted(tmp_path, 1, "a.pdf")
    index = [{"pdf": "b.pdf", "page": 0}, {"pdf": "a.pdf", "page": 0}]
    assert [p.page.pdf for p in seen_pages([page("a.pdf"), page("b.pdf")], index, tmp_path)] == ["a.pdf"]
