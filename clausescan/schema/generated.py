"""The JSON Schema files in `schemas/`, generated from the pydantic models."""

from __future__ import annotations

import json
from typing import Any

from clausescan.schema.answers import ANSWERS
from clausescan.schema.batch_result import DocumentResult
from clausescan.schema.clauses import FIELDS
from clausescan.schema.listing import PageListing
from clausescan.schema.report import Report, Transcript

DIALECT = "https://json-schema.org/draft/2020-12/schema"


def all_schemas() -> dict[str, str]:
    """File name to file text of every generated schema."""
    models: dict[str, Any] = {"report": Report, "transcript": Transcript, "document": DocumentResult}
    models |= {f"fields.{kind}": model for kind, model in FIELDS.items()}
    models |= {f"answer.{kind}": model for kind, model in ANSWERS.items()} | {"answer.page": PageListing}
    return {
        f"{name}.json": json.dumps({"$schema": DIALECT, **model.model_json_schema()}, indent=2, ensure_ascii=False) + "\n"
        for name, model in models.items()
    }
