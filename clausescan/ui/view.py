"""One document to look at: its verdicts, its photos with the clauses drawn on them, and the clauses as cards beside."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from math import hypot
from pathlib import Path

from clausescan.export.field_text import no_clause
from clausescan.overlay import Style, styles
from clausescan.review import Review, report_reviews, shown_types
from clausescan.schema.found import Clause
from clausescan.schema.report import PageReport, Report, Verdict
from clausescan.schema.shapes import title
from clausescan.ui.cards import card_html, clause_name, kind_classes
from clausescan.ui.form import Problem
from clausescan.ui.pieces import act, look, percent, polygons, safe, verdict_words, words
from clausescan.ui.workspace import Document

Address = Callable[[Path], str]
"""From a file of the private folder to where a browser gets it."""
_Drawn = tuple[Review, Style]

EMPTY = (
    '<div class="cs-empty"><h2>Nothing to show yet</h2><p>Drop photos or PDFs of contract pages above. Their clauses '
    "appear here, word for word, beside the photo. With the model that ships, nothing leaves this machine.</p></div>"
)


def view_html(document: Document | None, address: Address, problem: Problem | None = None, saved: int | None = None) -> str:
    """The document, or a few words where there is none. `saved` is the number of a form that was just saved."""
    if document is None or document.report is None:
        return EMPTY
    return "".join(_view(document, document.report, address, problem, saved))


def _view(document: Document, report: Report, address: Address, problem: Problem | None, saved: int | None) -> Iterator[str]:
    reviews = report_reviews(report)
    drawn = styles(shown_types(report))
    answer = "" if saved is None else f' data-saved="{saved}"'
    yield f'<section class="cs-view" data-document="{document.number}"{answer} aria-labelledby="cs-title">'
    yield f'<h2 id="cs-title">{safe(document.name)}</h2>'
    yield '<ul class="cs-verdicts" aria-label="Verdicts">'
    for kind, verdict in report.verdicts.items():
        yield f'<li class="{verdict.verdict}" style="{look(drawn[kind])}"><b>{safe(title(kind))}</b> '
        yield f"{safe(_verdict(verdict))}</li>"
    yield "</ul>"
    yield from _notices(report)
    yield '<div class="cs-columns">'
    yield from _photos(document, report, [(review, drawn[review.clause.type]) for review in reviews], address)
    yield '<div class="cs-cards">'
    if reviews:
        yield f'<p class="cs-small">{_count(reviews)}</p><ol>'
        for i, review in enumerate(reviews):
            style = drawn[review.clause.type]
            yield card_html(review, i, len(report.pages), problem, style=style, shapes=document.shapes)
        yield "</ol>"
    elif any(page.status == "read" for page in report.pages):
        said = no_clause(report.verdicts, "this document", "No clause of the chosen types was found.")
        yield f'<p class="cs-none">{safe(said)}</p>'
    yield "</div></div></section>"


def _count(reviews: tuple[Review, ...]) -> str:
    open_ones = sum(review.status is None for review in reviews)
    left = f"{open_ones} to be looked at" if open_ones else "all looked at"
    return f"{len(reviews)} clause{'s' * (len(reviews) != 1)}, {left}"


def _verdict(verdict: Verdict) -> str:
    detail = f": {words(verdict.reason)}" if verdict.reason else f" {percent(verdict.confidence)}"
    return verdict_words(verdict.verdict) + detail


def _notices(report: Report) -> Iterator[str]:
    """What a reader must know before trusting the cards."""
    for page in report.pages:
        if page.status != "read":
            yield f'<p class="cs-wrong">Page {page.index + 1} {safe(page.status)}: {safe(page.message or page.reason or "")}</p>'
    told = {f"page {page.index + 1}: {page.message}" for page in report.pages if page.status != "read"}
    warnings = [warning for warning in report.warnings if warning not in told]
    if warnings:
        yield f'<details class="cs-warnings"><summary>{len(warnings)} warning{"s" * (len(warnings) != 1)}</summary><ul>'
        yield from (f"<li>{safe(warning)}</li>" for warning in warnings)
        yield "</ul></details>"


def _photos(document: Document, report: Report, reviews: list[_Drawn], address: Address) -> Iterator[str]:
    yield '<div class="cs-photo"><div class="cs-tools" role="group" aria-label="Zoom">'
    yield act("zoom-out", "−", about="zoom out") + '<output class="cs-zoom">100 %</output>' + act("zoom-in", "+", about="zoom in")
    yield act("zoom-fit", "Fit") + "</div>"
    yield '<div class="cs-scroll" tabindex="0" role="region" aria-label="Photo with its clauses"><div class="cs-pages">'
    for page in report.pages:
        yield from _photo(document, page, reviews, address)
    yield "</div></div></div>"


def _photo(document: Document, page: PageReport, reviews: list[_Drawn], address: Address) -> Iterator[str]:
    preview = document.previews.get(page.index)
    if preview is None:
        return
    width, height = preview.size_px
    alt = f"Photo of page {page.index + 1}: {page.source.name}"
    yield f'<figure data-page="{page.index}" style="aspect-ratio: {width} / {height}">'
    yield f'<img src="{safe(address(preview.path))}" width="{width}" height="{height}" loading="lazy" alt="{safe(alt)}">'
    yield f'<svg viewBox="0 0 {width} {height}" role="group" aria-label="Clauses on page {page.index + 1}">'
    own = [(i, review, style) for i, (review, style) in enumerate(reviews) if review.machine.page == page.index]
    radius = max(width, height) / 75
    for index, review, style in own:
        yield _mark(index, review, style, radius)
    for index, review, _ in own:
        for number, evidence in enumerate(review.clause.field_evidence):
            yield f'<g class="cs-words" data-evidence="{index}-{number}">{polygons(evidence.quads)}</g>'
    yield "</svg></figure>"


def _mark(index: int, review: Review, style: Style, radius: float) -> str:
    """The clause's outline with its number before the first line."""
    quads = review.clause.quads
    number = ""
    if quads:
        x = max((quads[0][0][0] + quads[0][3][0]) / 2 - 1.9 * radius, radius)
        y = (quads[0][0][1] + quads[0][3][1]) / 2
        number = (
            f'<circle cx="{x:.0f}" cy="{y:.0f}" r="{radius:.0f}"/>'
            f'<text x="{x:.0f}" y="{y:.0f}" font-size="{1.2 * radius:.0f}" aria-hidden="true">{index + 1}</text>'
        )
    return (
        f'<g class="cs-mark {kind_classes(review)}" style="{look(style)}" data-clause="{index}" data-act="choose" role="button" '
        f'tabindex="0" aria-pressed="false" aria-label="{safe(clause_name(review, index))}">'
        f"{polygons(quads)}{_edge(review.clause, radius / 2)}{number}</g>"
    )


def _edge(clause: Clause, gap: float) -> str:
    """A line to the left of the clause; solid, dashed or dotted, it helps to tell types without colours."""
    parts = []
    for i, quad in enumerate(clause.quads):
        if i and clause.quad_lines[i] == clause.quad_lines[i - 1]:
            continue  # a further piece of a bent line
        (x0, y0), (x1, y1), (right, below) = quad[0], quad[3], quad[1]
        length = hypot(right - x0, below - y0) or 1.0
        dx, dy = gap * (x0 - right) / length, gap * (y0 - below) / length
        parts.append(f"{x0 + dx:.1f},{y0 + dy:.1f}L{x1 + dx:.1f},{y1 + dy:.1f}")
    return f'<path d="M{"L".join(parts)}"/>' if parts else ""
