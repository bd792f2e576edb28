"""COCO object detection JSON (cocodataset.org, "Data format"): a category a clause type, polygons in photo pixels.

Text and fields stand in each annotation's `attributes`, where annotation tools look for what the format does not define;
where a reader corrected a clause, `review` there holds who and when, and the machine's answer.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any

from clausescan.export.writing import File, PicturedPage, Writer
from clausescan.review import Review, report_reviews, shown_types
from clausescan.schema.clauses import BUILT_IN, ClauseType
from clausescan.schema.found import Clause
from clausescan.schema.report import Report

Size = tuple[int, int]
Polygon = list[tuple[float, float]]


class CocoWriter(Writer):
    """One data set of the document's pages."""

    def __init__(self) -> None:
        self._sizes: dict[int, Size] = {}

    def page(self, page: PicturedPage) -> Iterable[File]:
        """Remembers the photo's size, which the report lacks for pages that could not be read."""
        self._sizes[page.report.index] = page.size_px
        return ()

    def end(self, report: Report) -> Iterable[File]:
        """One file."""
        yield ".coco.json", (json.dumps(to_coco(report, self._sizes), ensure_ascii=False) + "\n").encode()


def to_coco(report: Report, sizes_px: Mapping[int, Size]) -> dict[str, Any]:
    """The data set; `sizes_px` is (width, height) by page index, and pages without are left out."""
    numbers = category_numbers(report)
    return {
        "info": {"description": "Contract clauses", "version": report.clausescan},
        "licenses": [],
        "images": [
            {"id": i + 1, "file_name": page.source.name, "width": sizes_px[i][0], "height": sizes_px[i][1]}
            | ({"page_index": page.source.page_index} if page.source.page_index else {})
            for i, page in enumerate(report.pages)
            if i in sizes_px
        ],
        "categories": [{"id": n, "name": kind, "supercategory": "clause"} for kind, n in numbers.items()],
        "annotations": [
            _annotation(n, review, numbers[review.clause.type], sizes_px[review.machine.page])
            for n, review in enumerate(report_reviews(report), 1)
            if review.machine.page in sizes_px
        ],
    }


def category_numbers(report: Report) -> dict[ClauseType, int]:
    """A number for each type that was asked for or that readers chose: always the same one for a built-in type, the next ones
    for others.
    """
    kinds = shown_types(report)
    own = [kind for kind in kinds if kind not in BUILT_IN]
    return {kind: (BUILT_IN.index(kind) if kind in BUILT_IN else len(BUILT_IN) + own.index(kind)) + 1 for kind in kinds}


def _annotation(number: int, review: Review, category: int, size: Size) -> dict[str, Any]:
    clause = review.clause
    polygons = [[_inside(point, size) for point in quad] for quad in clause.quads]
    xs = [x for polygon in polygons for x, _ in polygon] or [0.0]
    ys = [y for polygon in polygons for _, y in polygon] or [0.0]
    return {
        "id": number,
        "image_id": clause.page + 1,
        "category_id": category,
        "iscrowd": 0,
        "segmentation": [[c for point in polygon for c in point] for polygon in polygons],
        "bbox": [min(xs), min(ys), round(max(xs) - min(xs), 1), round(max(ys) - min(ys), 1)],
        "area": round(sum(_area(polygon) for polygon in polygons), 1),
        "score": clause.confidence,
        "attributes": {"heading": clause.heading} | _words(clause) | _review(review),
    }


def _words(clause: Clause) -> dict[str, Any]:
    return {"text": clause.text, "fields": None if clause.fields is None else clause.fields.model_dump(mode="json")}


def _review(review: Review) -> dict[str, Any]:
    """Nothing where nobody has looked at the clause."""
    if review.status is None:
        return {}
    machine = {"type": review.machine.type} | _words(review.machine)
    return {"review": {"status": review.status, "by": review.by, "at": review.at, "machine": machine}}


def _inside(point: tuple[float, float], size: Size) -> tuple[float, float]:
    """The point, or the nearest of the photo's: readers of the format refuse what lies outside."""
    return min(max(point[0], 0.0), float(size[0])), min(max(point[1], 0.0), float(size[1]))


def _area(polygon: Polygon) -> float:
    """The shoelace formula."""
    turned = polygon[1:] + polygon[:1]
    return abs(sum(x0 * y1 - x1 * y0 for (x0, y0), (x1, y1) in zip(polygon, turned, strict=True))) / 2
