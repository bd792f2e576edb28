"""The language model's untrusted text to a validated answer, or an error; never something in between."""

from __future__ import annotations

import json
from collections.abc import Collection
from typing import Any

from pydantic import ValidationError

from clausescan.errors import AnswerError
from clausescan.schema.answers import PassageAnswer
from clausescan.schema.clauses import ClauseType
from clausescan.schema.listing import PageListing
from clausescan.schema.shapes import ClauseShape

MAX_CHARS = 65_536
"""The longest valid answer of a built-in type is shorter, and so are three lists of 24 phrases of 120 escaped characters."""
MAX_LISTING_CHARS = 24_576
"""Twenty passages of twice eighty escaped characters are shorter."""


def parse_answer(shape: ClauseShape, answer_json: str) -> PassageAnswer:
    """One passage's answer. Raises `AnswerError` when it is cut off, no JSON, or does not fit the schema exactly.

    The error names at most a field of the schema, never the answer's text.
    """
    what = f"the model's answer about a {shape.name} passage"
    _check_json(answer_json, MAX_CHARS, what)
    try:
        return shape.answer.model_validate_json(answer_json)
    except ValidationError as error:
        raise AnswerError(f"{what} does not fit its schema{_known_place(shape, error)}") from None


def parse_listing(types: Collection[ClauseType], text: str) -> PageListing:
    """The passages a model lists for a page. Raises `AnswerError` as `parse_answer` does, or when a type was not asked for."""
    what = "the model's list of a page's passages"
    _check_json(text, MAX_LISTING_CHARS, what)
    try:
        listing = PageListing.model_validate_json(text)
    except ValidationError:
        raise AnswerError(f"{what} does not fit its schema") from None
    if any(p.type not in types for p in listing.passages):
        raise AnswerError(f"{what} names a clause type that was not asked for")
    return listing


def _check_json(text: str, limit: int, what: str) -> None:
    if len(text) > limit:
        raise AnswerError(f"{what} is endless")
    try:
        json.loads(text, object_pairs_hook=_no_twins, parse_constant=_no_constant)
    except (ValueError, RecursionError):
        raise AnswerError(f"{what} was cut off or is no JSON") from None


def _no_twins(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    if len({k for k, _ in pairs}) != len(pairs):
        raise ValueError("a key stands twice")
    return dict(pairs)


def _no_constant(_: str) -> Any:
    raise ValueError("not a finite number")


def _known_place(shape: ClauseShape, error: ValidationError) -> str:
    """The first wrong field's name, if the schema knows it: unknown keys may hold the contract's words."""
    first = error.errors(include_input=False, include_context=False, include_url=False)[0]["loc"]
    return f" (at {first[0]})" if first and first[0] in shape.answer.model_fields else ""
