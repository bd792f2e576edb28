"""What the language model must write for one passage: compact JSON, every key present, in this order.

The grammar that constrains decoding is made from `answer_schema(type)`; `dump_answer` writes the canonical form,
which training uses as its target.
"""

from __future__ import annotations

import hashlib
import json
from typing import Annotated, Any

from pydantic import Field

from clausescan.schema.clauses import (
    CLAUSE_TYPES,
    FIELDS,
    MAX_HEADING_WORDS,
    AnyFields,
    ClauseType,
    IndemnityFields,
    LiabilityCapFields,
    Strict,
    TerminationFields,
)


class PassageAnswer(Strict):
    """What every type's answer begins with."""

    heading_words: Annotated[int, Field(ge=0, le=MAX_HEADING_WORDS)]
    """Leading words of the passage that form its heading, number included; 0 for none."""
    continues_from_previous: bool
    """The passage begins on an earlier page."""
    continues_on_next: bool
    """The passage runs on to the next page."""


# The order of the bases fixes the order of the keys: pydantic collects fields from the last base to the first.
class TerminationAnswer(TerminationFields, PassageAnswer):
    """The answer for a termination passage."""


class IndemnityAnswer(IndemnityFields, PassageAnswer):
    """The answer for an indemnity passage."""


class LiabilityCapAnswer(LiabilityCapFields, PassageAnswer):
    """The answer for a liability cap passage."""


AnyAnswer = TerminationAnswer | IndemnityAnswer | LiabilityCapAnswer

ANSWERS: dict[ClauseType, type[TerminationAnswer] | type[IndemnityAnswer] | type[LiabilityCapAnswer]] = {
    "termination": TerminationAnswer,
    "indemnity": IndemnityAnswer,
    "liability_cap": LiabilityCapAnswer,
}
"""The answer model of each clause type."""


def answer_schema(kind: ClauseType) -> dict[str, Any]:
    """The JSON Schema of one type's answer, without titles and descriptions: what a grammar needs."""
    bare = without_notes(ANSWERS[kind].model_json_schema())
    assert isinstance(bare, dict)
    return bare


def answer_schema_sha256() -> str:
    """One hash over the answer schemas of all types."""
    return hashlib.sha256(json.dumps([answer_schema(t) for t in CLAUSE_TYPES]).encode()).hexdigest()


def dump_answer(answer: AnyAnswer) -> str:
    """The answer as the compact JSON a model should write: no spaces, whole amounts without a decimal point."""
    return json.dumps(_whole(answer.model_dump(mode="json")), separators=(",", ":"), ensure_ascii=False)


def fields_of(kind: ClauseType, answer: AnyAnswer) -> AnyFields:
    """The clause fields of an answer, without what every answer begins with."""
    shape = FIELDS[kind]
    return shape(**{name: getattr(answer, name) for name in shape.model_fields})


def _whole(value: Any) -> Any:
    if isinstance(value, dict):
        return {k: _whole(v) for k, v in value.items()}
    if isinstance(value, list):
        return [_whole(v) for v in value]
    return int(value) if isinstance(value, float) and value.is_integer() else value


def without_notes(node: Any, names: bool = False) -> Any:
    """A JSON Schema without titles and descriptions. `names`: the keys of this object are property names, not keywords."""
    if isinstance(node, dict):
        return {
            k: without_notes(v, names=not names and k in ("properties", "$defs"))
            for k, v in node.items()
            if names or k not in ("title", "description")
        }
    return [without_notes(v) for v in node] if isinstance(node, list) else node
