"""A clause as a card: what it is, its words, its fields with the words behind them, and what a reader may do with it."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Mapping

from clausescan.export.field_text import field_texts, value_text, why_none
from clausescan.overlay import Style, styles
from clausescan.review import Review
from clausescan.schema.clauses import ClauseType
from clausescan.schema.found import Clause, Evidence
from clausescan.schema.shapes import SHAPES, ClauseShape, title
from clausescan.ui.form import Problem, form_html
from clausescan.ui.pieces import act, look, percent, safe, words

MOST_EVIDENCE_CHARS = 80
"""Of the words behind a value, shown beside it; the photo shows them all."""


def card_html(
    review: Review,
    index: int,
    page_count: int,
    problem: Problem | None = None,
    *,
    style: Style | None = None,
    shapes: Mapping[ClauseType, ClauseShape] = SHAPES,
) -> str:
    """The card of the clause with this index in its report; `shapes` are the types that it can be corrected to."""
    drawn = style or styles([review.clause.type])[review.clause.type]
    return "".join(_card(review, index, page_count, drawn, form_html(review, index, problem, shapes)))


def kind_classes(review: Review) -> str:
    """The classes that a card and its mark on the photo have in common."""
    return f"type-{review.clause.type}{' rejected' * (review.status == 'rejected')}"


def clause_name(review: Review, index: int) -> str:
    """`3. Liability cap: Limitation of Liability`."""
    heading = f": {review.clause.heading}" if review.clause.heading else ""
    return f"{index + 1}. {title(review.clause.type)}{heading}"


def _card(review: Review, index: int, page_count: int, style: Style, form: str) -> Iterator[str]:
    clause = review.clause
    yield f'<li><article class="cs-card {kind_classes(review)}" style="{look(style)}" data-clause="{index}" '
    yield f'aria-labelledby="cs-name-{index}">'
    yield (
        f'<h3><button type="button" class="cs-choose" id="cs-name-{index}" data-act="choose" aria-pressed="false">'
        f"{safe(clause_name(review, index))}</button></h3>"
    )
    where = f"page {clause.page + 1} · " if page_count > 1 else ""
    sure = f"{where}confidence {percent(clause.confidence)} · words read with {percent(clause.reading_confidence)}"
    yield f'<p class="cs-small">{safe(sure)}</p>'
    yield f"<blockquote>{marked_text(clause)}</blockquote>"
    yield from _fields(review, index)
    yield from _review(review)
    about = f"clause {index + 1}"
    yield '<div class="cs-acts">'
    yield act("accept", "Accept", about=about, kind="chosen" if review.status == "accepted" else "")
    yield act("reject", "Reject", about=about, kind="chosen" if review.status == "rejected" else "")
    yield act("edit", "Correct…", about=about)
    if review.status is not None:
        yield act("undo", "Undo", about=f"all that was done to {about}")
    yield f"</div>{form}</article></li>"


def marked_text(clause: Clause) -> str:
    """The clause's words; those on which the two readings disagree are marked, with the other reading."""
    others = {u.word: u.other for u in clause.uncertain_words}
    shown = []
    for i, word in enumerate(clause.text.split(" ")):
        if i in others:
            other = f"or “{others[i]}”" if others[i] else "or nothing"
            unseen = f'<span class="cs-unseen"> ({safe(other)})</span>'
            shown.append(f'<mark class="cs-uncertain" title="{safe(other)}">{safe(word)}{unseen}</mark>')
        else:
            shown.append(safe(word))
    before = "… " if clause.continues_from_previous else ""
    after = " …" if clause.continues_on_next else ""
    return f"{before}{' '.join(shown)}{after}"


def _fields(review: Review, index: int) -> Iterator[str]:
    clause = review.clause
    if clause.fields is None:
        look = "" if clause.complete else ' class="cs-wrong"'
        yield f"<p{look}>No fields: {safe(why_none(clause))}.</p>"
        return
    if not field_texts(clause.fields):
        return
    yield '<dl class="cs-fields">'
    for name, value in clause.fields.model_dump(mode="json").items():
        if not value:
            continue
        yield f"<div><dt>{safe(words(name))}</dt><dd>"
        values: list[tuple[int | None, str]] = [(None, "yes" if value is True else words(value_text(value)))]
        if isinstance(value, list):
            values = [(i, value_text(v)) for i, v in enumerate(value)]
        for at, text in values:
            found = ((n, e) for n, e in enumerate(clause.field_evidence) if e.field == name and e.index == at and e.words)
            yield f"<span class='cs-value'>{safe(text)}{_evidence(index, next(found, None))}</span>"
        yield "</dd></div>"
    yield "</dl>"


def _evidence(index: int, found: tuple[int, Evidence] | None) -> str:
    """A button that shows the words behind a value on the photo."""
    if found is None:
        return ""
    number, evidence = found
    label = f"“{textwrap.shorten(evidence.text, MOST_EVIDENCE_CHARS, placeholder=' …')}”"
    return (
        f' <button type="button" class="cs-evidence-button" data-act="words" data-evidence="{index}-{number}" '
        f'aria-pressed="false">{safe(label)}</button>'
    )


def _review(review: Review) -> Iterator[str]:
    if review.said:
        yield f'<p class="cs-review {review.status}">{safe(review.said[0].upper() + review.said[1:])}</p>'
    if review.changed:
        machine = review.machine
        yield f"<details><summary>The machine’s answer</summary><p>{safe(title(machine.type))}</p>"
        yield f"<blockquote>{marked_text(machine)}</blockquote>"
        for name, value in field_texts(machine.fields) if machine.fields is not None else ():
            yield f"<p class='cs-small'>{safe(words(name))}: {safe(value or 'yes')}</p>"
        yield "</details>"
