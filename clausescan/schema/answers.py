"""What the language model must write for one passage: compact JSON, every key present, in this order.

The grammar that constrains decoding is made from `answer_schema`; `dump_answer` writes the canonical form, which training
uses as its target.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from typing import Annotated, Any

from pydantic import Field, create_model

from clausescan.schema.clauses import FIELDS, MAX_HEADING_WORDS, ClauseType
from clausescan.schema.values import Fields, Strict


class PassageAnswer(Strict):
    """What every type's answer begins with; what follows are the type's own fields."""

    heading_words: Annotated[int, Field(ge=0, le=MAX_HEADING_WORDS)]
    """Leading words of the passage that form its heading, number included; 0 for none."""
    continues_from_previous: bool
    """The passage begins on an earlier page."""
    continues_on_next: bool
    """The passage runs on to the next page."""


def answer_model(kind: ClauseType, fields: type[Fields]) -> type[PassageAnswer]:
    """The model of an answer about a passage of one type."""
    name = fields.__name__.removesuffix("Fields") + "Answer"
    words = kind.replace("_", " ")
    note = f"The answer for {'an' if words[0] in 'aeiou' else 'a'} {words} passage."
    # The order of the bases fixes the order of the keys: pydantic collects fields from the last base to the first.
    make: Any = create_model  # whose own type knows no bases of two kinds
    model: type[PassageAnswer] = make(name, __base__=(fields, PassageAnswer), __doc__=note, __module__=__name__)
    return model


ANSWERS: dict[ClauseType, type[PassageAnswer]] = {kind: answer_model(kind, fields) for kind, fields in FIELDS.items()}
"""The answer model of each built-in clause type."""


def answer_schema(answer: type[PassageAnswer]) -> dict[str, Any]:
    """The JSON Schema of one type's answer, without titles and descriptions: what a grammar needs."""
    bare = without_notes(answer.model_json_schema())
    assert isinstance(bare, dict)
    return bare


def answer_schema_sha256(answers: Iterable[type[PassageAnswer]]) -> str:
    """One hash over the answer schemas of the types that a run asks for."""
    return hashlib.sha256(json.dumps([answer_schema(a) for a in answers]).encode()).hexdigest()


def dump_answer(answer: PassageAnswer) -> str:
    """The answer as the compact JSON a model should write: no spaces, whole amounts without a decimal point."""
    return json.dumps(_whole(answer.model_dump(mode="json")), separators=(",", ":"), ensure_ascii=False)


def fields_of(fields: type[Fields], answer: PassageAnswer) -> Fields:
    """The clause fields of an answer, without what every answer begins with."""
    return fields(**{name: getattr(answer, name) for name in fields.model_fields})


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
