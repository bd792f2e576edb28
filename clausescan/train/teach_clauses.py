"""Stages C and D: finding clauses and answering about them, on pages labelled by reading.

For every page the model learns which words belong to a clause of each type (the line choice), and, for each clause, to write
its answer as JSON. A share of the pages is renumbered, renamed and misread, so that nothing is learnt by heart. All other
pages of the contracts are studied first: their words are filled in where masked, and what CUAD's spans and the headings tell
of their clauses is learnt.
"""

from __future__ import annotations

import os
import re
import socket
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.multiprocessing.spawn import spawn

from clausescan.model.choice import BEGIN, INSIDE, ChoiceHead, best_runs, word_places
from clausescan.model.language import LanguageModel
from clausescan.model.resampler import BUDGETS, Resampler
from clausescan.model.vocabulary import ANSWER, ASK, END, IMAGE, MASK, Vocabulary, paragraph_starts
from clausescan.schema.answers import ANSWERS, dump_answer
from clausescan.schema.clauses import CLAUSE_TYPES
from clausescan.train.augment import misread, other_name, rename, renumber_fields, renumber_words, renumbering
from clausescan.train.checkpoints import Average, load_checkpoint, save_checkpoint
from clausescan.train.curriculum import TAUGHT
from clausescan.train.drills import draw_drill
from clausescan.train.labels import LabelledClause, LabelledPage
from clausescan.train.sightings import Sighting
from clausescan.train.split import held_out_contract
from clausescan.train.weak import UNTOLD, WeakPage, known_tags

SpanTags = dict[tuple[str, int], NDArray[np.int64]]


@dataclass(frozen=True)
class ClauseRun:
    """What a run of the clause training is made of."""

    out: Path
    language: Path
    """Checkpoint of stage 0 to begin from."""
    tokenizer: Path
    begin: Path | None = None
    """Checkpoint of an earlier clause run to begin from, instead of stage 0."""
    visual_share: float = 0.0
    """Of pages shown with their visual tokens; the rest is shown as transcript alone."""
    blind_share: float = 0.15
    """Of the pages shown with visual tokens, how many have half or all of their transcript masked."""
    epochs: int = 8
    rate: float = 4e-4
    accumulate: int = 8
    warmup: int = 20
    weight_decay: float = 0.05
    changed_share: float = 0.6
    answer_weight: float = 1.0
    """Of an answer's loss beside the choice of words."""
    drill_share: float = 0.3
    """Of pages on which a copying drill is set as well."""
    fill_share: float = 0.8
    """Of the weakly labelled pages on which masked words are to be filled in."""
    fill_weight: float = 0.4
    seed: int = 1
    workers: int = 1
    """Processes of one thread each, which average their gradients."""


class Understanding(nn.Module):
    """Resampler, language model and line-choice head."""

    def __init__(self, vocabulary: int) -> None:
        super().__init__()
        self.language = LanguageModel(vocabulary)
        self.choice = ChoiceHead(types=len(TAUGHT))
        self.resampler = Resampler()


def begin_from(checkpoint: Path, model: Understanding) -> None:
    """Take over the averaged weights of an earlier run, also of one that was taught fewer clause types."""
    state = torch.load(checkpoint, map_location="cpu", weights_only=True)["average"]
    whole = model.state_dict()
    for name in ("choice.leave.weight", "choice.leave.bias"):
        whole[name][: len(state[name])] = state[name]
    model.load_state_dict(whole | {k: v for k, v in state.items() if not k.startswith("choice.leave.")})


def words_of(page: LabelledPage) -> list[str]:
    """All words of a page, counted through."""
    return [w for line in page.lines for w in line]


def page_places(page: LabelledPage) -> NDArray[np.int8]:
    """Where a page's words stand, see `word_places`."""
    return word_places(page.lines, paragraph_starts(page.middles()))


def word_number(page: LabelledPage, place: Sequence[int]) -> int:
    """A (line, word) place as a number counted through the page."""
    return sum(len(line) for line in page.lines[: place[0]]) + place[1]


def tags_of(page: LabelledPage) -> np.ndarray[Any, np.dtype[np.int64]]:
    """(types, W): outside, begin or inside for each word; words of skipped lines are outside."""
    starts = np.cumsum([0] + [len(line) for line in page.lines])
    tags = np.zeros((len(CLAUSE_TYPES), starts[-1]), np.int64)
    for clause in page.clauses:
        row = tags[CLAUSE_TYPES.index(clause.type)]
        first, last = word_number(page, clause.first), word_number(page, clause.last)
        row[first : last + 1] = INSIDE
        for line in clause.skip_lines:
            row[starts[line] : starts[line + 1]] = 0
        row[first] = BEGIN
    return tags


def clause_words(page: LabelledPage, clause: LabelledClause, words: list[str]) -> tuple[list[list[str]], list[bool]]:
    """A clause's words by line as the model is shown them, and which lines begin paragraphs."""
    begins = paragraph_starts(page.middles())
    lines, flags, start = [], [], 0
    for n, line in enumerate(page.lines):
        row = words[start : start + len(line)]
        start += len(line)
        if n < clause.first[0] or n > clause.last[0] or n in clause.skip_lines:
            continue
        low = clause.first[1] if n == clause.first[0] else 0
        high = clause.last[1] + 1 if n == clause.last[0] else len(line)
        lines.append(row[low:high])
        flags.append(begins[n])
    return lines, flags


def answer_text(clause: LabelledClause, fields: dict[str, Any]) -> str:
    """The JSON the model should write for a clause."""
    answer = ANSWERS[clause.type].model_validate(
        {
            "heading_words": min(40, clause.heading_words),
            "continues_from_previous": clause.continues_from_previous,
            "continues_on_next": clause.continues_on_next,
            **{k: _bounded(v) for k, v in fields.items()},
        }
    )
    return dump_answer(answer)


def _bounded(value: Any) -> Any:
    if isinstance(value, list):
        return [v[:60] if isinstance(v, str) else v for v in value[:6]]
    return value


def change_page(page: LabelledPage, rng: np.random.Generator) -> tuple[list[str], list[dict[str, Any]]]:
    """A page's words with numbers and parties exchanged, and each clause's fields to match."""
    words = words_of(page)
    fields = [c.fields for c in page.clauses]
    for n, clause in enumerate(page.clauses):
        change = renumbering(clause.fields, rng)
        first, last = word_number(page, clause.first), word_number(page, clause.last)
        new = renumber_words(words[first : last + 1], change) if change else None
        if new is not None and not any(o is not clause and _overlap(page, o, clause) for o in page.clauses):
            words[first : last + 1] = new
            fields[n] = renumber_fields(clause.fields, change)
    parties = {p for f in fields for p in f.get("indemnifying_parties") or [] if p.isalpha()}
    for old in parties:
        new_name = other_name(rng)
        words = rename(words, old, new_name)
        fields = [
            {**f, "indemnifying_parties": [new_name if p == old else p for p in f["indemnifying_parties"]]}
            if "indemnifying_parties" in f
            else f
            for f in fields
        ]
    return words, fields


def _overlap(page: LabelledPage, a: LabelledClause, b: LabelledClause) -> bool:
    return word_number(page, a.first) <= word_number(page, b.last) and word_number(page, b.first) <= word_number(page, a.last)


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

    def question(self, kind: str, lines: list[list[str]], begins: list[bool]) -> list[int]:
        """What stands before the answer about one passage."""
        v = self.vocabulary
        return [v.id[ASK], *self.asks[kind], *v.lines(lines, begins)[0], v.id[ANSWER]]

    def choice_loss(
        self, model: Understanding, tokens: Tensor, first: Tensor, tags: Tensor, visual: Tensor | None
    ) -> tuple[Tensor, Tensor]:
        """The choice's loss against `tags` (types, W), and its scores (W, types, 3)."""
        scores = model.choice(page_states(model, tokens, visual)[first]).float()
        return tag_loss(scores, tags), scores

    def answer_loss(self, model: Understanding, question: list[int], answer: str, visual: Tensor | None) -> Tensor:
        """Mean loss over the answer's tokens, those that the grammar would force anyway weighing little."""
        reply = [*self.vocabulary.answer(answer), self.vocabulary.id[END]]
        embedded = model.language.embedding(torch.tensor(question + reply[:-1]))[None]
        given = len(question)
        if visual is not None:
            embedded, given = torch.cat((visual[None].to(embedded.dtype), embedded), 1), given + len(visual)
        hidden = model.language(embedded, given)
        logits = model.language.logits(hidden[0, given - 1 :]).float()
        weight = torch.tensor([*self.choices(answer), FORCED_WEIGHT])
        return (F.cross_entropy(logits, torch.tensor(reply), reduction="none") * weight).sum() / weight.sum()

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


def tag_loss(scores: Tensor, tags: Tensor) -> Tensor:
    """Mean cross-entropy of (W, types, 3) scores against (types, W) tags; types beyond the first three weigh less."""
    tags = tags.t()[:, : scores.shape[1]]
    scores = scores[:, : tags.shape[1]]
    weight = torch.where(tags == BEGIN, 3.0, 1.0) * (tags != UNTOLD)
    each = (
        F.cross_entropy(scores.flatten(0, 1), tags.flatten(), reduction="none", ignore_index=UNTOLD).view(weight.shape) * weight
    )
    main = len(CLAUSE_TYPES)
    loss = each[:, :main].sum() / weight[:, :main].sum().clamp(min=1)
    if tags.shape[1] > main:
        loss = loss + FURTHER_WEIGHT * each[:, main:].sum() / weight[:, main:].sum().clamp(min=1)
    return loss


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
FURTHER_WEIGHT = 0.5
"""Of the loss over the types without hand-made labels, beside the first three."""
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
    loss, _ = teacher.choice_loss(model, tokens, first, tags, see(model, sighting, budget, None))
    total, answers = loss, 0.0
    for clause, value in zip(page.clauses, fields, strict=True):
        question = teacher.question(clause.type, *clause_words(page, clause, words))
        visual = see(model, sighting, budget, clause_lines(clause))
        part = teacher.answer_loss(model, question, answer_text(clause, value), visual)
        total = total + run.answer_weight * part
        answers += float(part.detach()) / len(page.clauses)
    if rng.random() < run.drill_share:
        drill = drill_loss(model, teacher, page, words, rng)
        total = total if drill is None else total + 0.3 * drill
    return total, float(loss.detach()), answers


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
    loss = tag_loss(model.choice(states[first]).float(), torch.from_numpy(weak.tags))
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
    return teacher.answer_loss(model, question, drill.answer, None)


def see(model: Understanding, sighting: Sighting | None, budget: int, lines: list[int] | None) -> Tensor | None:
    """Visual tokens (budget, D) of a page's lines, None for a budget of 0."""
    if sighting is None or not budget:
        return None
    return model.resampler(*sighting.of_lines(lines), budget)  # type: ignore[no-any-return]


def clause_lines(clause: LabelledClause) -> list[int]:
    """The lines a clause stands on."""
    return [n for n in range(clause.first[0], clause.last[0] + 1) if n not in clause.skip_lines]


def train(
    run: ClauseRun,
    pages: list[LabelledPage],
    shorts: dict[str, str],
    sights: list[Sighting | None] | None = None,
    weak: list[WeakPage] | None = None,
    further: SpanTags | None = None,
    log: Any = print,
) -> Path:
    """Train or resume; returns the checkpoint's path. Weakly labelled pages come first, once; held-out figures at the end.

    `further` holds the tags by CUAD's spans of the labelled pages.
    """
    weak = [w for w in weak or [] if not held_out_contract(w.page.pdf)]
    further = further or {}
    if run.workers == 1:
        _work(0, run, pages, shorts, sights, weak, further, log)
    else:
        os.environ.setdefault("MASTER_ADDR", "127.0.0.1")
        os.environ.setdefault("MASTER_PORT", str(_free_port()))
        spawn(_work, (run, pages, shorts, sights, weak, further, log), nprocs=run.workers)  # type: ignore[no-untyped-call]
    return run.out / "clauses.pt"


def _free_port() -> int:
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return int(s.getsockname()[1])


def _work(
    rank: int,
    run: ClauseRun,
    pages: list[LabelledPage],
    shorts: dict[str, str],
    sights: list[Sighting | None] | None,
    weak: list[WeakPage],
    further: SpanTags,
    log: Any,
) -> None:
    """One worker's share of every step; worker 0 reports, measures and saves."""
    torch.set_num_threads(1)
    torch.manual_seed(run.seed)
    if run.workers > 1:
        torch.distributed.init_process_group("gloo", rank=rank, world_size=run.workers)
    vocabulary = Vocabulary(run.tokenizer)
    teacher = Teacher(vocabulary, shorts)
    model = Understanding(len(vocabulary))
    if run.begin is not None:
        begin_from(run.begin, model)
    else:
        load_checkpoint(run.language, model.language)
    optimiser = torch.optim.AdamW(model.parameters(), lr=run.rate, betas=(0.9, 0.97), weight_decay=run.weight_decay)
    average = Average(model, 0.99)
    path = run.out / "clauses.pt"
    step = load_checkpoint(path, model, optimiser, average)
    seen = sights if sights is not None else [None] * len(pages)
    learn = [(p, s) for p, s in zip(pages, seen, strict=True) if not held_out_contract(p.pdf)]
    unseen = [(p, s) for p, s in zip(pages, seen, strict=True) if held_out_contract(p.pdf)]
    an_epoch = len(learn) // run.accumulate
    before = len(weak) // run.accumulate
    steps = before + run.epochs * an_epoch
    if rank == 0:
        log(
            f"{len(weak)} weak and {len(learn)} pages, {len(unseen)} held out, {steps} steps of {run.accumulate} pages",
            flush=True,
        )
    sums = np.zeros(2)
    started = last_save = time.time()
    while step < steps:
        epoch, at = divmod(max(0, step - before), an_epoch)
        order = np.random.default_rng((run.seed, epoch)).permutation(len(learn))
        rate = run.rate * min(1.0, (step + 1) / run.warmup) * max(0.02, 0.5 * (1 + np.cos(np.pi * step / steps)))
        for group in optimiser.param_groups:
            group["lr"] = float(rate)
        optimiser.zero_grad(set_to_none=False)
        for n in range(rank, run.accumulate, run.workers):
            rng = np.random.default_rng((run.seed + 1, step, n))
            with torch.autocast("cpu", torch.bfloat16):
                if step < before:
                    loss, choice, answer = weak_loss(model, teacher, weak[step * run.accumulate + n], rng, run)
                else:
                    page, sighting = learn[order[at * run.accumulate + n]]
                    loss, choice, answer = page_loss(
                        model, teacher, page, sighting, further.get((page.pdf, page.index)), rng, run
                    )
            (loss / run.accumulate).backward()  # type: ignore[no-untyped-call]
            sums += np.array([choice, answer]) * run.workers / run.accumulate / 10
        if run.workers > 1:
            _sum_gradients(model)
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimiser.step()
        average.update(model, step)
        step += 1
        if rank:
            continue
        if step % 10 == 0:
            log(f"step {step} choice {sums[0]:.4f} answer {sums[1]:.4f} {(time.time() - started) / 10:.2f} s/step", flush=True)
            sums[:] = 0
            started = time.time()
        if time.time() - last_save > 180 or step == steps:
            save_checkpoint(path, model, optimiser, step, {k: str(v) for k, v in asdict(run).items()}, average)
            last_save = time.time()
        if step == steps or (sights is None and step > before and (step - before) % an_epoch == 0):
            with average.shown(model):
                for budget in (0, *BUDGETS) if sights is not None else (0,):
                    figures = evaluate(model, teacher, unseen, budget)
                    log(f"step {step} held out, {budget} visual tokens: {figures}", flush=True)
            started = time.time()
    if run.workers > 1:
        torch.distributed.destroy_process_group()


def _sum_gradients(model: nn.Module) -> None:
    """Add up all workers' gradients; parameters that no page of this step used count as zero."""
    own = [p.grad if p.grad is not None else torch.zeros_like(p) for p in model.parameters()]
    flat = torch.cat([g.flatten() for g in own])
    torch.distributed.all_reduce(flat)
    start = 0
    for p, g in zip(model.parameters(), own, strict=True):
        p.grad = flat[start : start + g.numel()].view_as(g)
        start += g.numel()


@torch.no_grad()
def evaluate(
    model: Understanding,
    teacher: Teacher,
    pages: Sequence[tuple[LabelledPage, Sighting | None]],
    budget: int = 0,
    blind: bool = False,
) -> dict[str, float]:
    """Word F1 and presence F1 of the line choice over all types, and the answers' loss, on true text (masked if `blind`)."""
    hit = said = true = there = right = claimed = 0
    losses = []
    for page, sighting in pages:
        words = words_of(page)
        tokens, first = teacher.page_tokens(page, words)
        if blind:
            tokens = torch.where(tokens > teacher.vocabulary.id[IMAGE], teacher.vocabulary.id[MASK], tokens)
        tags = tags_of(page)
        with torch.autocast("cpu", torch.bfloat16):
            _, scores = teacher.choice_loss(model, tokens, first, torch.from_numpy(tags), see(model, sighting, budget, None))
            for clause in page.clauses:
                question = teacher.question(clause.type, *clause_words(page, clause, words))
                visual = see(model, sighting, budget, clause_lines(clause))
                losses.append(float(teacher.answer_loss(model, question, answer_text(clause, clause.fields), visual)))
        log_p = F.log_softmax(scores, -1).double().numpy()
        for t in range(len(CLAUSE_TYPES)):
            found = np.zeros(len(words), bool)
            for r in best_runs(log_p[:, t], page_places(page)):
                found[r.first : r.last + 1] = True
                found[list(r.outside)] = False
            gold = tags[t] > 0
            hit, said, true = hit + int((found & gold).sum()), said + int(found.sum()), true + int(gold.sum())
            right, claimed, there = right + int(found.any() and gold.any()), claimed + int(found.any()), there + int(gold.any())
    return {
        "word_f1": round(2 * hit / max(1, said + true), 4),
        "presence_f1": round(2 * right / max(1, claimed + there), 4),
        "answer_loss": round(float(np.mean(losses)), 4),
    }
