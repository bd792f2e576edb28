"""A clause type as data: its name and title, the shapes of its fields and answers, and where its values stand."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from clausescan.schema.answers import ANSWERS, PassageAnswer, answer_model
from clausescan.schema.clauses import FIELDS, ClauseType
from clausescan.schema.cues import cues
from clausescan.schema.values import FieldKind, Fields, kind_of


@dataclass(frozen=True)
class ClauseShape:
    """What every stage has to know of a clause type. Raises `ValueError` for fields that are of no kind."""

    name: ClauseType
    fields: type[Fields]
    answer: type[PassageAnswer]
    cues: Mapping[str, re.Pattern[str]] = field(default_factory=dict)
    """Of fields that have any, see `clausescan.schema.cues`."""

    def __post_init__(self) -> None:
        wrong = [name for name, info in self.fields.model_fields.items() if kind_of(info) is None]
        if wrong or not self.fields.model_fields:
            raise ValueError(f"{self.fields.__name__}.{wrong[0]} is of no kind" if wrong else "there are no fields")

    @property
    def kinds(self) -> dict[str, FieldKind]:
        """What each field holds, in order."""
        return {name: kind for name, info in self.fields.model_fields.items() if (kind := kind_of(info))}


def shape(name: ClauseType, fields: type[Fields], cues: Mapping[str, re.Pattern[str]]) -> ClauseShape:
    """The shape of a type with these fields."""
    return ClauseShape(name, fields, answer_model(name, fields), cues)


SHAPES: dict[ClauseType, ClauseShape] = {kind: ClauseShape(kind, FIELDS[kind], ANSWERS[kind], cues(kind)) for kind in FIELDS}
"""The built-in types, in the order reports list them."""

_TITLES = {"ip_ownership": "IP ownership"}


def title(kind: ClauseType) -> str:
    """A clause type's name as people read it."""
    return _TITLES.get(kind) or kind.replace("_", " ").capitalize()
