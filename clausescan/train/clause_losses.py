"""What clauses are learnt by: the model's parts that understand, and the losses of one page."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor, nn

from clausescan.model.choice import BEGIN, ChoiceHead
from clausescan.model.copying import candidates
from clausescan.model.fieldhead import FIELDS, Candidate, FieldHead, field_odds
from clausescan.model.language import LanguageModel
from clausescan.model.resampler import BUDGETS, Resampler
from clausescan.model.vocabulary import ANSWER, ASK, END, IMAGE, MASK, Vocabulary, paragraph_starts
from clausescan.schema.clauses import CLAUSE_TYPES
from clausescan.schema.shapes import SHAPES
from clausescan.train.augment import misread
from clausescan.train.clause_run import ClauseRun
from clausescan.train.curriculum import TAUGHT
from clausescan.train.drills import draw_drill
from clausescan.train.labels import LabelledClause, LabelledPage
from clausescan.train.sightings import Sighting
from clausescan.train.targets import (
    answer_text,
    change_page,
    clause_lines,
    clause_words,
    tags_of,
    words_of,
)
from clausescan.train.weak import UNTOLD, WeakPage, known_tags


class Understanding(nn.Module):
    """Resampler, language model, line-choice head and field head."""

    def __init__(self, vocabulary: int) -> None:
        super().__init__()
        self.language = LanguageModel(vocabulary)
        self.choice = ChoiceHead(types=len(TAUGHT))
        self.fields = FieldHead()
        self.resampler = Resampler()


def begin_from(checkpoint: Path, model: Understanding) -> None:
    """Take over the averaged weights of an earlier run, also of one that was taught fewer clause types."""
    state = torch.load(checkpoint, map_location="cpu", weights_only=True)["average"]
    whole = model.state_dict()
    for name in ("choice.leave.weight", "choice.leave.bias"):
        whole[name][: len(state[name])] = state[name]
    model.load_state_dict(whole | {k: v for k, v in state.items() if not k.startswith("choice.leave.")})


class Teacher:
    """Turns labelled pages into token sequences and losses."""

    def __init__(self, vocabulary: Vocabulary, shorts: dict[str, str]) -> None:
        self.vocabulary = vocabulary
        self.asks = {t: vocabulary.text(" " + s) for t, s in shorts.items()}

    def page_tokens(self, page: LabelledPage, words: list[str]) -> tuple[Tensor, Tensor]:
        """Tokens (T,) of a page and the places (W,) of its words' first tokens."""
        lines, start = [], 0
        for line in page.lines:
            lines.append(words[start : start + len(line)])
            start += len(line)
        tokens, first = self.vocabulary.lines(lines, paragraph_starts(page.middles()))
        return torch.tensor(tokens), torch.tensor(first)

    def question(self, kind: str, lines: list[list[str]], begins: list[bool]) -> tuple[list[int], list[int]]:
        """What stands before the answer about one passage, and where its words' first tokens are."""
        v = self.vocabulary
        before = [v.id[ASK], *self.asks[kind]]
        tokens, first = v.lines(lines, begins)
        return [*before, *tokens, v.id[ANSWER]], [len(before) + f for f in first]

    def choice_loss(
        self, model: Understanding, tokens: Tensor, first: Tensor, tags: Tensor, visual: Tensor | None, further: float = 0.0
    ) -> tuple[Tensor, Tensor]:
        """The choice's loss against `tags` (types, W), and its scores (W, types, 3)."""
        scores = model.choice(page_states(model, tokens, visual)[first]).float()
        return tag_loss(scores, tags, further), scores

    def answer_loss(self, model: Understanding, question: list[int], answer: str, visual: Tensor | None) -> tuple[Tensor, Tensor]:
        """Mean loss over the answer's tokens, those that the grammar forces anyway weighing little; the question's states."""
        reply = [*self.vocabulary.answer(answer), self.vocabulary.id[END]]
        embedded = model.language.embedding(torch.tensor(question + reply[:-1]))[None]
        shift = 0
        if visual is not None:
            embedded, shift = torch.cat((visual[None].to(embedded.dtype), embedded), 1), len(visual)
        given = shift + len(question)
        hidden = model.language(embedded, given)[0]
        logits = model.language.logits(hidden[given - 1 :]).float()
        weight = torch.tensor([*self.choices(answer), FORCED_WEIGHT])
        loss = (F.cross_entropy(logits, torch.tensor(reply), reduction="none") * weight).sum() / weight.sum()
        return loss, hidden[shift:given]

    def clause_loss(
        self,
        model: Understanding,
        page: LabelledPage,
        clause: LabelledClause,
        words: list[str],
        fields: dict[str, Any],
        visual: Tensor | None,
    ) -> tuple[Tensor, Tensor]:
        """The losses of the answer about one clause of a page of these `words`, and of the field head on it."""
        lines, begins = clause_words(page, clause, words)
        question, first = self.question(clause.type, lines, begins)
        answer, states = self.answer_loss(model, question, answer_text(clause, fields), visual)
        scores = model.fields(states[torch.tensor(first)]).float()
        return answer, field_loss(scores, clause.type, [w for line in lines for w in line], fields)

    def choices(self, answer: str) -> list[float]:
        """The weight of each token of an answer: 1 where a value is chosen, `FORCED_WEIGHT` where the grammar leaves none."""
        out: list[float] = []
        for match in _PIECES.finditer(answer):
            chosen = match.lastgroup == "value" or answer[match.start() - 1] in "[}" or match.group() in "]"
            out += [1.0 if chosen else FORCED_WEIGHT] * len(self.vocabulary.answer(match.group()))
        return out


def page_states(model: Understanding, tokens: Tensor, visual: Tensor | None) -> Tensor:
    """Hidden states (T, D) of a page's tokens, all seeing each other and the visual tokens before them."""
    embedded = model.language.embedding(tokens)[None]
    shift = 0
    if visual is not None:
        embedded, shift = torch.cat((visual[None].to(embedded.dtype), embedded), 1), len(visual)
    return model.language(embedded, embedded.shape[1])[0, shift:]  # type: ignore[no-any-return]


def tag_loss(scores: Tensor, tags: Tensor, further: float) -> Tensor:
    """Mean cross-entropy of (W, types, 3) scores against (types, W) tags, plus `further` times that of the further types."""
    tags = tags.t()[:, : scores.shape[1]]
    scores = scores[:, : tags.shape[1]]
    weight = torch.where(tags == BEGIN, 3.0, 1.0) * (tags != UNTOLD)
    each = (
        F.cross_entropy(scores.flatten(0, 1), tags.flatten(), reduction="none", ignore_index=UNTOLD).view(weight.shape) * weight
    )
    main = len(CLAUSE_TYPES)
    loss = each[:, :main].sum() / weight[:, :main].sum().clamp(min=1)
    if tags.shape[1] > main:
        loss = loss + further * each[:, main:].sum() / weight[:, main:].sum().clamp(min=1)
    return loss


def field_loss(scores: Tensor, kind: str, words: list[str], fields: dict[str, Any]) -> Tensor:
    """Cross-entropy of the (W, K) field scores of a passage: a clause's flags, and each candidate of its lists; nats in all."""
    kinds = SHAPES[kind].kinds
    found = candidates(SHAPES[kind], words)
    loss = scores.new_zeros(())
    for name, odds in field_odds(scores, FIELDS, kinds, found).items():
        true = meant_among(found.get(name), fields[name])
        told = torch.tensor(told_apart(found.get(name), true), dtype=odds.dtype)
        loss = loss + F.binary_cross_entropy_with_logits(odds, torch.tensor(true, dtype=odds.dtype), told, reduction="sum")
    return loss


def told_apart(found: Sequence[Candidate] | None, true: Sequence[bool]) -> list[bool]:
    """Which of a list's candidates the head can learn from: not those that are untrue but end at a word of a true one.

    "Acme Supplier" and "Supplier" end at one word and so have one score; if the one is meant, that score must be high.
    """
    if found is None:
        return [True]
    meant = {word for c, yes in zip(found, true, strict=True) if yes for word in c.words}
    return [yes or meant.isdisjoint(c.words) for c, yes in zip(found, true, strict=True)]


def meant_among(found: Sequence[Candidate] | None, value: Any) -> list[bool]:
    """Which of a list's candidates a labelled clause means; for a flag (None) whether it is true, alone."""
    if found is None:
        return [bool(value)]
    meant = {value_key(v) for v in value}
    return [value_key(c.value) in meant for c in found]


def value_key(value: Any) -> str:
    """What two spellings of one value of a list have in common."""
    if isinstance(value, dict):
        return str([float(v) if isinstance(v, int | float) else v for v in value.values()])
    return str(float(value)) if isinstance(value, int | float) else " ".join(re.findall(r"\w+", value.casefold()))


def masked_words(tokens: Tensor, first: Tensor, vocabulary: Vocabulary, rng: np.random.Generator) -> tuple[Tensor, Tensor]:
    """A page's tokens with some runs of whole words masked (a few of them misprinted instead), and which tokens were."""
    ends = np.r_[first[1:].numpy(), len(tokens)]
    begin = rng.random(len(first)) < FILL_WORDS / 2
    chosen = (
        begin
        | (np.r_[False, begin[:-1]] & (rng.random(len(first)) < 0.7))
        | (np.r_[False, False, begin[:-2]] & (rng.random(len(first)) < 0.4))
    )
    hit = np.zeros(len(tokens), bool)
    for w in np.flatnonzero(chosen):
        hit[int(first[w]) : ends[w]] = True
    hit &= tokens.numpy() > vocabulary.id[IMAGE]
    out = tokens.clone()
    roll = rng.random(len(tokens))
    out[torch.from_numpy(hit & (roll < 0.9))] = vocabulary.id[MASK]
    swap = hit & (roll >= 0.95)
    out[torch.from_numpy(swap)] = torch.from_numpy(rng.integers(vocabulary.id[IMAGE] + 1, len(vocabulary), int(swap.sum())))
    return out, torch.from_numpy(hit)


FILL_WORDS = 0.16
"""Of a page's words, about how many are masked where words are to be filled in."""
FORCED_WEIGHT = 0.03
_PIECES = re.compile(
    r"(?P<value>(?<=:)(?:true|false|-?[\d.]+)"  # flags and numbers
    r'|(?<=":")\w+'  # units and currencies
    r'|(?<=\[")[^"]+(?=")|(?<=",")[^":]+(?="[],]))'  # names
    r"|[^\W\d_]+|.",
    re.DOTALL,
)


def page_loss(
    model: Understanding,
    teacher: Teacher,
    page: LabelledPage,
    sighting: Sighting | None,
    spans: NDArray[np.int64] | None,
    rng: np.random.Generator,
    run: ClauseRun,
) -> tuple[Tensor, float, float]:
    """One page's loss, its choice part and its mean answer part; the budget is drawn at random."""
    words, fields = words_of(page), [c.fields for c in page.clauses]
    if rng.random() < run.changed_share:
        words, fields = change_page(page, rng)
    rate = float(rng.choice([0, 0, 0.003, 0.01, 0.03]))
    words = [misread(w, rate, rng) for w in words]
    tokens, first = teacher.page_tokens(page, words)
    budget = int(rng.choice(BUDGETS)) if sighting is not None and rng.random() < run.visual_share else 0
    if budget and rng.random() < run.blind_share:
        covered = torch.from_numpy(rng.random(len(tokens)) < rng.choice([0.5, 1.0])) & (tokens > teacher.vocabulary.id[IMAGE])
        tokens = torch.where(covered, teacher.vocabulary.id[MASK], tokens)
    tags = torch.from_numpy(known_tags(page, tags_of(page), spans))
    loss, _ = teacher.choice_loss(model, tokens, first, tags, see(model, sighting, budget, None), run.further_weight)
    total, answers = loss, 0.0
    for clause, value in zip(page.clauses, fields, strict=True):
        answer, meant = teacher.clause_loss(model, page, clause, words, value, see(model, sighting, budget, clause_lines(clause)))
        total = total + run.answer_weight * answer + run.field_weight * meant
        answers += float(answer.detach()) / len(page.clauses)
    if rng.random() < run.drill_share:
        drill = drill_loss(model, teacher, page, words, rng)
        total = total if drill is None else total + 0.3 * drill
    return total, float(loss.detach()), answers


def further_answer_loss(
    model: Understanding,
    teacher: Teacher,
    page: LabelledPage,
    sighting: Sighting | None,
    rng: np.random.Generator,
    run: ClauseRun,
) -> Tensor:
    """The losses of the answer and the fields of one clause of a page, drawn at random, its numbers and names exchanged."""
    words, fields = words_of(page), [c.fields for c in page.clauses]
    if rng.random() < run.changed_share:
        words, fields = change_page(page, rng)
    n = int(rng.integers(len(page.clauses)))
    clause = page.clauses[n]
    budget = int(rng.choice(BUDGETS)) if sighting is not None and rng.random() < run.visual_share else 0
    answer, meant = teacher.clause_loss(model, page, clause, words, fields[n], see(model, sighting, budget, clause_lines(clause)))
    return run.answer_weight * answer + run.field_weight * meant


def weak_loss(
    model: Understanding, teacher: Teacher, weak: WeakPage, rng: np.random.Generator, run: ClauseRun
) -> tuple[Tensor, float, float]:
    """A weakly labelled page's loss: choice, filling in of masked words (nats a token), at times a drill."""
    rate = float(rng.choice([0, 0.003, 0.01]))
    words = [misread(w, rate, rng) for w in words_of(weak.page)]
    tokens, first = teacher.page_tokens(weak.page, words)
    shown, hit = tokens, torch.zeros(len(tokens), dtype=torch.bool)
    if rng.random() < run.fill_share:
        shown, hit = masked_words(tokens, first, teacher.vocabulary, rng)
    states = page_states(model, shown, None)
    loss = tag_loss(model.choice(states[first]).float(), torch.from_numpy(weak.tags), run.further_weight)
    choice, filling = float(loss.detach()), 0.0
    if hit.any():
        fill = F.cross_entropy(model.language.logits(states[hit]).float(), tokens[hit])
        loss, filling = loss + run.fill_weight * fill, float(fill.detach())
    drill = drill_loss(model, teacher, weak.page, words, rng) if rng.random() < run.drill_share else None
    return (loss if drill is None else loss + 0.3 * drill), choice, filling


def drill_loss(
    model: Understanding, teacher: Teacher, page: LabelledPage, words: list[str], rng: np.random.Generator
) -> Tensor | None:
    """A copying drill on one of the page's passages; None where no number stands."""
    lines, start = [], 0
    for line in page.lines:
        lines.append(words[start : start + len(line)])
        start += len(line)
    drill = draw_drill(lines, rng)
    if drill is None:
        return None
    v = teacher.vocabulary
    part = slice(drill.first_line, drill.last_line + 1)
    question = [
        v.id[ASK],
        *v.text(" " + drill.ask),
        *v.lines(lines[part], paragraph_starts(page.middles())[part])[0],
        v.id[ANSWER],
    ]
    return teacher.answer_loss(model, question, drill.answer, None)[0]


def see(model: Understanding, sighting: Sighting | None, budget: int, lines: list[int] | None) -> Tensor | None:
    """Visual tokens (budget, D) of a page's lines, None for a budget of 0."""
    if sighting is None or not budget:
        return None
    return model.resampler(*sighting.of_lines(lines), budget)  # type: ignore[no-any-return]
