"""Pages made for training: our own passages, CUAD's spans, masked words."""

import json
import re
from itertools import pairwise

import numpy as np
import pytest
import torch

from clausescan.model.vocabulary import MASK, Vocabulary
from clausescan.train.clause_losses import masked_words, tag_loss
from clausescan.train.curriculum import TAUGHT
from clausescan.train.labels import OWN_LABELS, LabelledPage
from clausescan.train.mixing import joints, mixed
from clausescan.train.passages import composed_pages, load_passages, parse
from clausescan.train.spans import align
from clausescan.train.split import held_out_contract
from clausescan.train.targets import tags_of, words_of
from clausescan.train.weak import UNTOLD, known_tags
from tests.test_model_reading import vocabulary  # noqa: F401 (a fixture)


def test_a_passage_knows_where_its_clauses_stand() -> None:
    clause = {"id": 1, "type": "termination", "heading_words": 2, "fields": {}}
    passage = parse("Fees are due.\n{1:9. Ending. Either party may go.:1} Taxes too.", [clause])
    first, last, *_ = passage.clauses[0]
    assert passage.words[first : last + 1] == ("9.", "Ending.", "Either", "party", "may", "go.")
    assert passage.paragraph[first] == 1


@pytest.mark.parametrize("text", ["{1:no end", "no beginning:1}", "none at all"])
def test_marks_that_do_not_match_are_refused(text: str) -> None:
    with pytest.raises(ValueError, match="marks"):
        parse(text, [{"id": 1, "type": "termination", "heading_words": 0, "fields": {}}])


def test_a_mixed_page_keeps_its_clauses_and_the_words_beside_them() -> None:
    pages = composed_pages(load_passages(), 30, seed=3)
    rng = np.random.default_rng(2)
    seen = 0
    for page, other in pairwise(pages):
        tags = [np.tile(np.arange(len(words_of(p))), (1, 1)) for p in (page, other)]
        made = mixed(page, other, rng, (tags[0], tags[1]))
        if made is None:
            assert not joints(page) or len(joints(other)) < 2
            continue
        new, further = made
        words = words_of(new)
        assert further is not None and further.shape == (1, len(words))
        for word, n in zip(words, further[0], strict=True):
            assert word in words_of(page)[n : n + 1] + words_of(other)[n : n + 1]
        assert np.all(np.diff(new.middles()) > 0)
        texts = [[_texts(p) for p in (page, other)], _texts(new)]
        assert all(clause in texts[0][0] + texts[0][1] for clause in texts[1])
        if sum(map(len, new.lines)) > sum(map(len, page.lines)):
            seen += 1
            assert len(texts[1]) >= len(texts[0][0]) or len(words) > 700
    assert seen > 5


def _texts(page: LabelledPage) -> list[tuple[str, str, str]]:
    out = []
    for c in page.clauses:
        lines = [" ".join(page.lines[n]) for n in range(c.first[0], c.last[0] + 1)]
        out.append((c.type, page.lines[c.first[0]][c.first[1]], " ".join(lines)))
    return out


def test_composed_pages_keep_every_clause_whole() -> None:
    passages = load_passages()
    pages = composed_pages(passages, 12, seed=4)
    assert pages == composed_pages(passages, 12, seed=4)
    texts = {" ".join(p.words[a : b + 1]).casefold() for p in passages for a, b, *_ in p.clauses}
    clauses = 0
    for page in pages:
        words = words_of(page)
        starts = np.cumsum([0] + [len(line) for line in page.lines])
        for clause in page.clauses:
            a, b = (starts[line] + word for line, word in (clause.first, clause.last))
            assert " ".join(words[a : b + 1]).casefold() in texts
            clauses += 1
    assert clauses > 12


def test_pages_are_composed_of_fewer_passages_than_a_page_wants() -> None:
    few = sorted(load_passages(), key=lambda p: len(p.words))[:3]
    pages = composed_pages(few, 20, seed=1)
    assert len(pages) == 20 and pages == composed_pages(few, 20, seed=1)


def test_the_model_card_counts_measuring_pages_apart() -> None:
    """Further labels come behind those that the card tells of."""
    card = (OWN_LABELS.parents[1] / "weights" / "MODEL_CARD.md").read_text(encoding="utf-8")
    told = re.search(r"\| ([\d,]+) of the ([\d,]+) further pages .*the other (\d+) are for measuring", card)
    assert told is not None
    learnt, pages, measured = (int(number.replace(",", "")) for number in told.groups())
    rows = [json.loads(row) for row in OWN_LABELS.read_text(encoding="utf-8").splitlines()[:pages]]
    assert sum(held_out_contract(row["pdf"]) for row in rows) == measured == pages - learnt


def test_words_of_two_texts_are_aligned() -> None:
    a = "one two three four five six seven eight nine ten".split()
    b = "page 4 one two three four five six seven footer eight nine ten".split()
    assert align(a, b).tolist() == [2, 3, 4, 5, 6, 7, 8, -1, -1, -1]


def test_further_types_stand_behind_the_first_three() -> None:
    page = composed_pages(load_passages(), 1)[0]
    own = tags_of(page)
    tags = known_tags(page, own, None)
    assert tags.shape == (len(TAUGHT), len(words_of(page)))
    assert (tags[:3] == own).all()
    assert (tags[3:-3] == UNTOLD).all()


def test_untold_words_cost_nothing() -> None:
    scores = torch.randn(5, 4, 3)
    tags = torch.zeros(4, 5, dtype=torch.int64)
    tags[3] = UNTOLD
    changed = scores.clone()
    changed[:, 3] += torch.randn(5, 3)
    assert torch.equal(tag_loss(scores, tags, 1.0), tag_loss(changed, tags, 1.0))


def test_masked_words_are_masked_whole(vocabulary: Vocabulary) -> None:  # noqa: F811
    tokens, first = vocabulary.lines([["either", "party", "may", "end", "this", "agreement"]] * 8, [True] * 8)
    shown, hit = masked_words(torch.tensor(tokens), torch.tensor(first), vocabulary, np.random.default_rng(2))
    ends = [*first[1:], len(tokens)]
    for a, b in zip(first, ends, strict=True):
        own = [i for i in range(a, b) if tokens[i] > vocabulary.id[MASK]]
        inside = hit[own]
        assert inside.all() or not inside.any()
    assert hit.any()
    assert torch.equal(shown[~hit], torch.tensor(tokens)[~hit])
