"""Stages C and D: finding clauses and answering about them, on pages labelled by reading.

For every page the model learns which words belong to a clause of each type (the line choice), and, for each clause, to write
its answer as JSON. A share of the pages is renumbered, renamed and misread, so that nothing is learnt by heart. All other
pages of the contracts are studied first: their words are filled in where masked, and what CUAD's spans and the headings tell
of their clauses is learnt.
"""

from __future__ import annotations

import os
import socket
import time
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn
from torch.multiprocessing.spawn import spawn

from clausescan.model.choice import best_runs
from clausescan.model.resampler import BUDGETS
from clausescan.model.vocabulary import IMAGE, MASK, Vocabulary
from clausescan.schema.clauses import CLAUSE_TYPES
from clausescan.train.checkpoints import Average, load_checkpoint, save_checkpoint
from clausescan.train.clause_losses import (
    Teacher,
    Understanding,
    begin_from,
    further_answer_loss,
    page_loss,
    see,
    weak_loss,
)
from clausescan.train.clause_run import ClauseRun
from clausescan.train.labels import LabelledPage
from clausescan.train.mixing import mixed
from clausescan.train.optimisers import MuonAndAdam
from clausescan.train.sightings import Sighting
from clausescan.train.spans import SpanTags
from clausescan.train.split import held_out_contract
from clausescan.train.targets import (
    clause_lines,
    page_places,
    tags_of,
    words_of,
)
from clausescan.train.weak import WeakPage


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
    optimiser = MuonAndAdam(model, run.rate, run.weight_decay)
    average = Average(model, 0.99)
    path = run.out / "clauses.pt"
    step = load_checkpoint(path, model, optimiser, average)
    seen = sights if sights is not None else [None] * len(pages)
    learn = [(p, s) for p, s in zip(pages, seen, strict=True) if not held_out_contract(p.pdf)]
    unseen = [(p, s) for p, s in zip(pages, seen, strict=True) if held_out_contract(p.pdf)]
    answerable = [(p, s) for p, s in learn if p.clauses]
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
        optimiser.set_rate(float(rate))
        optimiser.zero_grad(set_to_none=False)
        for n in range(rank, run.accumulate, run.workers):
            rng = np.random.default_rng((run.seed + 1, step, n))
            with torch.autocast("cpu", torch.bfloat16):
                if step < before:
                    loss, choice, answer = weak_loss(model, teacher, weak[step * run.accumulate + n], rng, run)
                else:
                    page, sighting = learn[order[at * run.accumulate + n]]
                    spans = further.get((page.pdf, page.index))
                    if sighting is None and rng.random() < run.mixed_share:
                        guest, _ = learn[int(rng.integers(len(learn)))]
                        page, spans = mixed(page, guest, rng, (spans, further.get((guest.pdf, guest.index)))) or (page, spans)
                    loss, choice, answer = page_loss(model, teacher, page, sighting, spans, rng, run)
                    for _ in range(run.further_answers):
                        other = answerable[int(rng.integers(len(answerable)))]
                        loss = loss + further_answer_loss(model, teacher, *other, rng, run)
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
    losses, meant = [], []
    for page, sighting in pages:
        words = words_of(page)
        tokens, first = teacher.page_tokens(page, words)
        if blind:
            tokens = torch.where(tokens > teacher.vocabulary.id[IMAGE], teacher.vocabulary.id[MASK], tokens)
        tags = tags_of(page)
        with torch.autocast("cpu", torch.bfloat16):
            _, scores = teacher.choice_loss(model, tokens, first, torch.from_numpy(tags), see(model, sighting, budget, None))
            for clause in page.clauses:
                visual = see(model, sighting, budget, clause_lines(clause))
                answer, fields = teacher.clause_loss(model, page, clause, words, clause.fields, visual)
                losses.append(float(answer))
                meant.append(float(fields))
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
        "field_loss": round(float(np.mean(meant)), 4),
    }
