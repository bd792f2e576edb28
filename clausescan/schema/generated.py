"""The JSON Schema files in `schemas/`, generated from the pydantic models; with types of the user's own in them on demand."""

from __future__ import annotations

import json
from collections.abc import Iterable
from functools import reduce
from operator import or_
from typing import Annotated, Any

from pydantic import BaseModel, Field, create_model

from clausescan.schema.answers import ANSWERS
from clausescan.schema.batch_result import DocumentResult
from clausescan.schema.clauses import FIELDS
from clausescan.schema.corrections import Correction
from clausescan.schema.found import CLAUSES, clause_model
from clausescan.schema.listing import PageListing
from clausescan.schema.report import Report, Transcript
from clausescan.schema.shapes import ClauseShape

DIALECT = "https://json-schema.org/draft/2020-12/schema"


def all_schemas(own: Iterable[ClauseShape] = ()) -> dict[str, str]:
    """File name to file text of every schema; types of the user's own stand in the reports' clauses like the built-in ones."""
    own = tuple(own)
    report = report_model(own)
    inside: Any = (report | None, ...)
    document = create_model("DocumentResult", __base__=DocumentResult, __doc__=DocumentResult.__doc__, report=inside)
    models: dict[str, Any] = {"report": report, "transcript": Transcript, "document": document}
    models |= {f"fields.{kind}": model for kind, model in FIELDS.items()} | {f"fields.{s.name}": s.fields for s in own}
    models |= {f"answer.{kind}": model for kind, model in ANSWERS.items()} | {f"answer.{s.name}": s.answer for s in own}
    models["answer.page"] = PageListing
    return {
        f"{name}.json": json.dumps({"$schema": DIALECT, **model.model_json_schema()}, indent=2, ensure_ascii=False) + "\n"
        for name, model in models.items()
    }


def report_model(own: Iterable[ClauseShape]) -> type[BaseModel]:
    """A report whose clauses, and what readers made of them, are of the built-in types or of these, each with its own fields."""
    own = tuple(own)
    if not own:
        return Report
    every = [*CLAUSES.values(), *(clause_model(s.name, s.fields) for s in own)]
    clause: Any = Annotated[reduce(or_, every), Field(discriminator="type")]
    clauses: Any = (tuple[clause, ...], ...)
    fields: Any = (reduce(or_, [*FIELDS.values(), *(s.fields for s in own)]) | None, None)
    correction = create_model("Correction", __base__=Correction, __doc__=Correction.__doc__, fields=fields)
    corrections: Any = (tuple[correction, ...], ())
    return create_model("Report", __base__=Report, __doc__=Report.__doc__, clauses=clauses, corrections=corrections)
