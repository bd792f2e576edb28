"""What a model that is shown a whole page must write: the passages it sees, each by its first and last words.

The words are pointers, never a quotation: they are looked up among the words that our own reader read on the page.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Annotated, Any

from pydantic import Field

from clausescan.schema.answers import without_notes
from clausescan.schema.clauses import ClauseType
from clausescan.schema.values import Strict

MAX_PASSAGES = 20
"""Of one page: the most of three types seen on a labelled page is 5."""
MAX_QUOTE_CHARS = 80
"""Of the first or the last words: eight long words."""

Quote = Annotated[str, Field(min_length=1, max_length=MAX_QUOTE_CHARS)]


class ListedPassage(Strict):
    """One clause as the model says it stands on the page."""

    type: ClauseType
    first_words: Quote
    last_words: Quote


class PageListing(Strict):
    """Every clause that the model says stands on the page."""

    passages: Annotated[tuple[ListedPassage, ...], Field(max_length=MAX_PASSAGES, strict=False)]


def listing_schema(types: Iterable[ClauseType]) -> dict[str, Any]:
    """The JSON Schema of a page's listing in which only the given types can be named; made for a grammar."""
    bare = without_notes(PageListing.model_json_schema())
    assert isinstance(bare, dict)
    bare["$defs"]["ListedPassage"]["properties"]["type"] = {"enum": list(types), "type": "string"}
    return bare
