"""W3C Web Annotations (Recommendation of 23 February 2017) as JSON-LD: an SVG selector on the photo, text bodies.

The selector's coordinates are pixels of the photo as a viewer shows it (EXIF orientation applied). Nothing tells when or
by whom; identifiers follow from the photo's hash, so that the same report gives the same file.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterable
from typing import Any
from urllib.parse import quote

from clausescan.export.writing import File, Writer
from clausescan.schema.pagemap import Quad
from clausescan.schema.report import Clause, PageReport, Report

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
        "items": [_annotation(n, clause, report) for n, clause in enumerate(report.clauses, 1)],
    }


def _annotation(number: int, clause: Clause, report: Report) -> dict[str, Any]:
    page = report.pages[clause.page]
    bodies = [
        {"type": "TextualBody", "purpose": "classifying", "value": clause.type, "format": "text/plain"},
        {"type": "TextualBody", "purpose": "describing", "value": clause.text, "format": "text/plain"},
    ]
    if clause.fields is not None:
        value = json.dumps(clause.fields.model_dump(mode="json"), ensure_ascii=False)
        bodies.append({"type": "TextualBody", "purpose": "describing", "value": value, "format": "application/json"})
    return {
        "id": _urn(f"{page.source.sha256} {page.source.page_index} {number}"),
        "type": "Annotation",
        "motivation": "highlighting",
        "generator": {"type": "Software", "name": f"clausescan {report.clausescan}"},
        "body": bodies,
        "target": {"source": _source(page), "selector": {"type": "SvgSelector", "value": _svg(clause, page)}},
    }


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
