"""The questions of a run: those of the built-in types it asks for, and those of the user's own."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping

from clausescan import prompt
from clausescan.answer import Prompt
from clausescan.clausetypes.definition import own_prompt
from clausescan.config import ExtractConfig, TypeSource
from clausescan.schema.answers import answer_schema_sha256
from clausescan.schema.clauses import BUILT_IN, ClauseType
from clausescan.schema.report import OwnType


def questions(config: ExtractConfig, types: tuple[ClauseType, ...]) -> dict[ClauseType, Prompt]:
    """The prompts of these types, in this order, checked. Raises `PromptError` and `TypeFileError`."""
    own = {source.name: source for source in config.own_types}
    built_in = prompt.load(t for t in types if t not in own)
    return {t: own_prompt(own[t], config.own_classes) if t in own else built_in[t] for t in types}


def schemas_sha256(prompts: Mapping[ClauseType, Prompt]) -> str:
    """One hash over the answer schemas of these types, in the order of the built-in types, then by name."""
    order = sorted(prompts, key=lambda t: (BUILT_IN.index(t) if t in BUILT_IN else len(BUILT_IN), t))
    return answer_schema_sha256(prompts[t].shape.answer for t in order)


def described(config: ExtractConfig, prompts: Mapping[ClauseType, Prompt]) -> tuple[OwnType, ...]:
    """What a report says of the own types among these."""
    own = {source.name: source for source in config.own_types}
    return tuple(OwnType(type=t, sha256=_sha256(own[t]), fields=p.shape.kinds) for t, p in prompts.items() if t in own)


def _sha256(source: TypeSource) -> str:
    return hashlib.sha256("\0".join(text for _, text in source.files).encode()).hexdigest()
