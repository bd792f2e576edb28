"""HTML: one file for people, the photo with its clauses outlined beside the clauses as cards.

A polygon and its card point at each other: hovering over or focusing one marks the other, by style alone.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from clausescan.export.field_text import field_texts, fields_text, no_clause, why_none
from clausescan.export.markup import colour, data_uri, document, escaped
from clausescan.export.writing import File, PicturedPage, Writer, jpeg
from clausescan.overlay import styles
from clausescan.review import Review, report_reviews, shown_types
from clausescan.schema.report import PageReport, Report
from clausescan.schema.shapes import title

LONGEST_PX = 1600
"""Of the embedded photo: enough to read a page on a screen, at some hundred kilobytes."""
QUALITY = 82

_STYLE = """
:root { color-scheme: light; font: 16px/1.45 system-ui, sans-serif; color: #1b1b1b; background: #fff; }
body { margin: 0 auto; max-width: 110rem; padding: 1rem; }
h1, h2 { font-size: 1.2rem; overflow-wrap: anywhere; } h3 { margin: 0; font-size: 1rem; }
table { border-collapse: collapse; } th, td { text-align: left; padding: .2rem .8rem .2rem 0; vertical-align: top; }
.page { display: grid; grid-template-columns: minmax(0, 3fr) minmax(18rem, 2fr); gap: 1.2rem; border-top: 1px solid #bbb; }
.page > h2, .page > p { grid-column: 1 / -1; margin: .8rem 0 0; }
.photo { position: relative; align-self: start; } .photo img { display: block; width: 100%; }
.photo svg { position: absolute; inset: 0; width: 100%; height: 100%; }
.mark { fill-opacity: .18; stroke-width: 2; vector-effect: non-scaling-stroke; outline: none; }
.mark polygon { vector-effect: non-scaling-stroke; }
.mark:hover, .mark:focus, .mark:target { fill-opacity: .45; stroke-width: 4; }
.card { border: 1px solid #bbb; border-left-width: .5rem; padding: .6rem .8rem; margin-bottom: .8rem; }
.card:target, .card:focus-within { background: #fff8d6; }
blockquote { margin: .5rem 0; white-space: pre-wrap; overflow-wrap: anywhere; } .small { font-size: .85rem; color: #555; }
.rejected blockquote { text-decoration: line-through; } .mark.mark.rejected { fill-opacity: 0; stroke: #6e6e6e; }
.review { font-weight: 600; } summary { cursor: pointer; }
a { color: #004a7a; } a:focus-visible { outline: 3px solid #000; outline-offset: 2px; }
@media (max-width: 50rem) { .page { grid-template-columns: minmax(0, 1fr); } }
@media print { .page { break-inside: avoid; } }
"""


@dataclass(frozen=True)
class _Shown:
    """What is kept of a page's photo."""

    jpeg: bytes
    size_px: tuple[int, int]


class HtmlWriter(Writer):
    """One self-contained page."""

    def __init__(self) -> None:
        self._photos: dict[int, _Shown] = {}

    def page(self, page: PicturedPage) -> Iterable[File]:
        """Keeps the photo, made small."""
        self._photos[page.report.index] = _Shown(jpeg(page.rgb, QUALITY, LONGEST_PX), page.size_px)
        return ()

    def end(self, report: Report) -> Iterable[File]:
        """One file."""
        heading = f"Clauses of {report.pages[0].source.name}" if report.pages else "Clauses"
        body = _body(heading, report, self._photos)
        yield ".html", "".join(document(heading, _style(report), body)).encode()


def _style(report: Report) -> str:
    """The sheet; each clause has rules of its own, so that a polygon and its card light up together."""
    looks = styles(shown_types(report))
    types = "".join(
        f".mark.type-{kind} {{ fill: {colour(s.colour)}; stroke: {colour(s.colour)}; }}\n"
        f".card.type-{kind} {{ border-left-color: {colour(s.colour)}; }}\n"
        for kind, s in looks.items()
    )
    dashes = "".join(
        f".mark.type-{kind} {{ stroke-dasharray: {s.dash[0] * 2:g} {s.dash[1] * 2:g}; }}\n" for kind, s in looks.items() if s.dash
    )
    pairs = "".join(
        f".page:has(#mark-{n}:hover) #clause-{n}, .page:has(#mark-{n}:focus) #clause-{n} {{ background: #fff8d6; }}\n"
        f".page:has(#clause-{n}:hover) #mark-{n}, .page:has(#clause-{n} a:focus) #mark-{n} {{ fill-opacity: .45; }}\n"
        for n in range(1, len(report.clauses) + 1)
    )
    return _STYLE + types + dashes + pairs


def _body(heading: str, report: Report, photos: dict[int, _Shown]) -> Iterator[str]:
    yield f"<h1>{escaped(heading)}</h1>\n<table>\n"
    for kind, verdict in report.verdicts.items():
        detail = f" ({verdict.reason.replace('_', ' ')})" if verdict.reason else _percent(verdict.confidence)
        yield f"<tr><th>{escaped(title(kind))}</th><td>{escaped(verdict.verdict.replace('_', ' ') + detail)}</td></tr>\n"
    yield "</table>\n"
    for page in report.pages:
        numbered = [(n, r) for n, r in enumerate(report_reviews(report), 1) if r.machine.page == page.index]
        yield from _page(page, numbered, photos.get(page.index))
    for warning in report.warnings:
        yield f'<p class="small">Warning: {escaped(warning)}</p>\n'
    made = f"clausescan {report.clausescan}, model {report.model.name} {report.model.weights_sha256[:16]}"
    yield f'<footer class="small">{escaped(made)}</footer>\n'


def _page(page: PageReport, clauses: list[tuple[int, Review]], shown: _Shown | None) -> Iterator[str]:
    yield f'<section class="page">\n<h2>Page {page.index + 1}: {escaped(page.source.name)}</h2>\n'
    if page.status != "read":
        yield f"<p>{escaped(page.status)}: {escaped(page.message or page.reason or '')}</p>\n"
    yield '<div class="photo">'
    if shown is not None:
        yield f'<img src="{data_uri(shown.jpeg)}" alt="Photo of page {page.index + 1}">'
        yield f'<svg viewBox="0 0 {shown.size_px[0]} {shown.size_px[1]}" preserveAspectRatio="none">'
        for number, review in clauses:
            yield _mark(number, review)
        yield "</svg>"
    yield "</div>\n<div>\n"
    if not clauses and page.status == "read":
        yield f"<p>{escaped(no_clause(page.verdicts, 'this page', 'No clause on this page.'))}</p>\n"
    for number, review in clauses:
        yield from _card(number, review)
    yield "</div>\n</section>\n"


def _mark(number: int, review: Review) -> str:
    clause = review.clause
    polygons = "".join(f'<polygon points="{" ".join(f"{x:g},{y:g}" for x, y in quad)}"/>' for quad in clause.quads)
    label = f"{number}. {title(clause.type)}"
    return (
        f'<a href="#clause-{number}" id="mark-{number}" class="mark {_classes(review)}" aria-label="{escaped(label)}">'
        f"<title>{escaped(label)}</title>{polygons}</a>"
    )


def _classes(review: Review) -> str:
    return f"type-{review.clause.type}{' rejected' * (review.status == 'rejected')}"


def _card(number: int, review: Review) -> Iterator[str]:
    clause = review.clause
    heading = f"{number}. {title(clause.type)}" + (f": {clause.heading}" if clause.heading else "")
    yield f'<article id="clause-{number}" class="card {_classes(review)}">\n<h3>{escaped(heading)}</h3>\n'
    before = "… " if clause.continues_from_previous else ""
    after = " …" if clause.continues_on_next else ""
    yield f"<blockquote>{before}{escaped(clause.text)}{after}</blockquote>\n"
    if clause.fields is None:
        yield f"<p>No fields: {escaped(why_none(clause))}.</p>\n"
    elif texts := field_texts(clause.fields):
        yield "<table>\n"
        for name, value in texts:
            yield f"<tr><th>{escaped(name.replace('_', ' '))}</th><td>{escaped(value or 'yes')}</td></tr>\n"
        yield "</table>\n"
    yield from _review(review)
    for word in clause.uncertain_words:
        yield f'<p class="small">Uncertain: “{escaped(word.text)}”, or “{escaped(word.other)}”</p>\n'
    link = f'<a href="#mark-{number}">Show on the photo</a>'
    yield f'<p class="small">{link}, confidence{_percent(clause.confidence)}</p>\n</article>\n'


def _review(review: Review) -> Iterator[str]:
    """Who did what, and the machine's answer where it was changed."""
    if review.said:
        yield f'<p class="review">{escaped(review.said[0].upper() + review.said[1:])}</p>\n'
    if review.changed:
        machine = review.machine
        fields = fields_text(machine.fields) if machine.fields is not None else ""
        yield f"<details><summary>The machine's answer</summary><p>{escaped(title(machine.type))}</p>\n"
        yield f"<blockquote>{escaped(machine.text)}</blockquote>\n<p>{escaped(fields)}</p></details>\n"


def _percent(value: float | None) -> str:
    return "" if value is None else f" {100 * value:.0f} %"
