"""W3C Web Annotations (Recommendation of 23 February 2017) as JSON-LD: an SVG selector on the photo, text bodies.

The selector's coordinates are pixels of the photo as a viewer shows it (EXIF orientation applied). The machine's bodies tell
nothing of when; those of a reader's corrections have creator and time. Identifiers follow from the photo's hash, so that the
same report gives the same file.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterable
from typing import Any
from urllib.parse import quote

from clausescan.export.writing import File, Writer
from clausescan.review import Review, report_reviews
from clausescan.schema.found import Clause
from clausescan.schema.pagemap import Quad
from clausescan.schema.report import PageReport, Report

CONTEXT = "http://www.w3.org/ns/anno.jsonld"


class WebAnnotationsWriter(Writer):
    """An annotation page of the document's clauses."""

    def end(self, report: Report) -> Iterable[File]:
        """One file."""
        yield ".w3c.json", (json.dumps(to_annotations(report), ensure_ascii=False, indent=1) + "\n").encode()


def to_annotations(report: Report) -> dict[str, Any]:
    """An `AnnotationPage`, an annotation a clause."""
    name = " ".join(page.source.sha256 or page.source.name for page in report.pages)
    return {
        "@context": CONTEXT,
        "id": _urn(name),
        "type": "AnnotationPage",
        "items": [_annotation(n, review, report) for n, review in enumerate(report_reviews(report), 1)],
    }


def _annotation(number: int, review: Review, report: Report) -> dict[str, Any]:
    clause = review.machine
    page = report.pages[clause.page]
    bodies = [_body("classifying", clause.type), _body("describing", clause.text)]
    if clause.fields is not None:
        bodies.append(_body("describing", _fields(clause), "application/json"))
    return {
        "id": _urn(f"{page.source.sha256} {page.source.page_index} {number}"),
        "type": "Annotation",
        "motivation": "highlighting",
        "generator": {"type": "Software", "name": f"clausescan {report.clausescan}"},
        "body": bodies + _review_bodies(review),
        "target": {"source": _source(page), "selector": {"type": "SvgSelector", "value": _svg(clause, page)}},
    }


def _body(purpose: str, value: str, media: str = "text/plain") -> dict[str, Any]:
    return {"type": "TextualBody", "purpose": purpose, "value": value, "format": media}


def _fields(clause: Clause) -> str:
    assert clause.fields is not None
    return json.dumps(clause.fields.model_dump(mode="json"), ensure_ascii=False)


def _review_bodies(review: Review) -> list[dict[str, Any]]:
    """What a reader said of the clause, and each corrected value."""
    if review.status is None:
        return []
    bodies = [_body("assessing", review.status)]
    if "type" in review.changed:
        bodies.append(_body("classifying", review.clause.type))
    if "text" in review.changed:
        bodies.append(_body("editing", review.clause.text))
    if "fields" in review.changed and review.clause.fields is not None:
        bodies.append(_body("editing", _fields(review.clause), "application/json"))
    return [body | {"creator": {"type": "Person", "name": review.by}, "created": review.at} for body in bodies]


def _source(page: PageReport) -> str:
    """The file's name as a relative IRI; of a PDF with its page (RFC 8118)."""
    fragment = f"#page={page.source.page_index + 1}" if page.source.page_index else ""
    return quote(page.source.name) + fragment


def _svg(clause: Clause, page: PageReport) -> str:
    width, height = page.map.photo_size_px if page.map else (0, 0)
    view = f' viewBox="0 0 {width} {height}"' if page.map else ""
    return f'<svg xmlns="http://www.w3.org/2000/svg"{view}>{"".join(_polygon(quad) for quad in clause.quads)}</svg>'


def _polygon(quad: Quad) -> str:
    return f'<polygon points="{" ".join(f"{x:g},{y:g}" for x, y in quad)}"/>'


def _urn(name: str) -> str:
    return uuid.uuid5(uuid.NAMESPACE_URL, f"clausescan:{name}").urn
