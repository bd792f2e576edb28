"""The fields of a type as its file lists them: name, kind, meaning; or as a JSON Schema has them, in the form of `schemas/`."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any, Literal

from pydantic import create_model
from pydantic.fields import FieldInfo

from clausescan.clausetypes.marked import File, Node, entries, is_mapping, items, word
from clausescan.schema.answers import PassageAnswer
from clausescan.schema.values import (
    FIELD_KINDS,
    MAX_CHOICES,
    MAX_NAME_CHARS,
    NAME,
    Amounts,
    Durations,
    FewAmounts,
    FewParties,
    FieldKind,
    Fields,
    Months,
    Parties,
    Percentages,
    Phrases,
    choices_of,
    kind_of,
)

MAX_FIELDS = 20
MAX_MEANING_CHARS = 400
MAX_CUES = 20
ANNOTATIONS: dict[FieldKind, Any] = {
    "flag": bool,
    "durations": Durations,
    "amounts": Amounts,
    "months": Months,
    "percentages": Percentages,
    "phrases": Phrases,
}
"""What a field of each kind but a choice is."""
NARROWER: dict[FieldKind, tuple[Any, ...]] = {"amounts": (FewAmounts,), "phrases": (Parties, FewParties)}
"""What it may be in a class, too: the same with closer bounds."""


@dataclass(frozen=True)
class OwnField:
    """One field."""

    name: str
    kind: FieldKind
    meaning: str
    choices: tuple[str, ...] = ()
    cues: tuple[str, ...] = ()
    """Words near which its value stands; the longer words of its name where none are given."""

    @property
    def annotation(self) -> Any:
        """As pydantic knows it."""
        return Literal[self.choices] | None if self.kind == "choice" else ANNOTATIONS[self.kind]

    @property
    def cue_words(self) -> tuple[str, ...]:
        """Words that show where its value stands."""
        return self.cues or tuple(part for part in self.name.split("_") if len(part) > 3)


def fields_model(kind: str, description: str, fields: list[OwnField]) -> type[Fields]:
    """The pydantic model of these fields."""
    name = "".join(part.capitalize() for part in kind.split("_")) + "Fields"
    own: dict[str, Any] = {f.name: (f.annotation, ...) for f in fields}
    return create_model(name, __base__=Fields, __doc__=description, __module__=__name__, **own)


def fields_of_class(model: type[Fields]) -> list[OwnField]:
    """The fields of a class of the user's. Raises `ValueError` for one that cannot be used."""
    out = []
    for name, info in model.model_fields.items():
        kind, wrong = kind_of(info), wrong_name(name) or _wrong_annotation(info)
        if kind is None or wrong:
            raise ValueError(f"its field {name}: {wrong or 'is of no kind of clausescan.schema.values'}")
        out.append(OwnField(name, kind, info.description or name.replace("_", " "), choices_of(info)))
    if not 0 < len(out) <= MAX_FIELDS:
        raise ValueError(f"it needs 1 to {MAX_FIELDS} fields")
    return out


def _wrong_annotation(info: FieldInfo) -> str | None:
    """Why a field's values might not fit into a report, which knows only the kinds as they are; None if they do."""
    kind, choices = kind_of(info), choices_of(info)
    if kind == "choice":
        if len(choices) > MAX_CHOICES or not all(re.fullmatch(NAME, choice) for choice in choices):
            return f"a choice is lower case letters, digits and _; there are at most {MAX_CHOICES}"
        expected: Any = Literal[choices] | None
        return None if info.annotation == expected else "a choice is one Literal of words, or None"
    if kind is None:
        return None
    kinds = [FieldInfo.from_annotation(a) for a in (ANNOTATIONS[kind], *NARROWER.get(kind, ()))]
    if any(known.annotation == info.annotation and known.metadata == info.metadata for known in kinds):
        return None
    return f"of kind {kind} is only what clausescan.schema.values has as such, without other bounds"


def wrong_name(name: str) -> str | None:
    """Why a field cannot be called so; None if it can."""
    if not re.fullmatch(NAME, name):
        return f"a name is lower case letters, digits and _, at most {MAX_NAME_CHARS}"
    if name in PassageAnswer.model_fields or hasattr(Fields, name) or name.startswith("model_"):
        return f"{name} means something else already; choose another name"
    return None


class FieldReader:
    """Reads fields and collects what is wrong with them."""

    def __init__(self, file: File, problems: list[str]) -> None:
        self.file, self.problems = file, problems

    def listed(self, node: Node) -> list[OwnField]:
        """`fields:` as a mapping of name to kind and meaning."""
        found = entries(node)
        self._check_count(node, found)
        return [field for name, (key, value) in found.items() if (field := self._listed(name, key, value))]

    def of_schema(self, node: Node) -> list[OwnField]:
        """A JSON Schema of an object."""
        root = entries(node)
        for name, (key, _) in root.items():
            if name not in ("$schema", "$defs", "title", "description", "type", "properties", "required", "additionalProperties"):
                self._say(key, f"the keyword {name[:40]} is not used here")
        if "type" in root and word(root["type"][1]) != "object":
            self._say(root["type"][1], "the schema must describe an object")
        properties = entries(root["properties"][1]) if "properties" in root else {}
        self._check_count(node, properties)
        for entry in items(root["required"][1]) if "required" in root else ():
            if word(entry) not in properties:
                self._say(entry, "names no property")
        defs = entries(root["$defs"][1]) if "$defs" in root else {}
        return [field for name, (key, value) in properties.items() if (field := self._property(name, key, value, defs))]

    def _say(self, node: Node, what: str) -> None:
        self.problems.append(self.file.at(node, what))

    def _check_count(self, node: Node, found: dict[str, tuple[Node, Node]]) -> None:
        if not 0 < len(found) <= MAX_FIELDS:
            self._say(node, f"a type has 1 to {MAX_FIELDS} fields, each a name with its kind and meaning")

    def _named(self, name: str, key: Node) -> bool:
        wrong = wrong_name(name)
        if wrong:
            self._say(key, wrong)
        return wrong is None

    def _listed(self, name: str, key: Node, value: Node) -> OwnField | None:
        if not self._named(name, key):
            return None
        parts = entries(value)
        for part, (at, _) in parts.items():
            if part not in ("kind", "meaning", "choices", "cues"):
                self._say(at, f"unknown key {part[:40]}; a field has kind, meaning, choices and cues")
        kind = next((k for k in FIELD_KINDS if "kind" in parts and word(parts["kind"][1]) == k), None)
        if kind is None:
            self._say(parts["kind"][1] if "kind" in parts else key, f"the field {name} needs a kind: {', '.join(FIELD_KINDS)}")
            return None
        meaning = text_of(parts["meaning"][1]) if "meaning" in parts else None
        if not meaning or len(meaning) > MAX_MEANING_CHARS:
            self._say(key, f"the field {name} needs a meaning of at most {MAX_MEANING_CHARS} characters")
            return None
        choices = self._choices(parts["choices"][1]) if "choices" in parts else ()
        if bool(choices) != (kind == "choice"):
            self._say(key, f"choices are what a field of kind choice has, 2 to {MAX_CHOICES} of them, and no other field")
            return None
        return OwnField(name, kind, meaning, choices, self._cues(parts["cues"][1]) if "cues" in parts else ())

    def _choices(self, node: Node) -> tuple[str, ...]:
        words = [word(entry) or "" for entry in items(node)]
        bad = next((entry for entry, w in zip(items(node), words, strict=True) if not re.fullmatch(NAME, w)), None)
        if bad is not None:
            self._say(bad, f"a choice is lower case letters, digits and _, at most {MAX_NAME_CHARS}")
        if not 2 <= len(set(words)) == len(words) <= MAX_CHOICES:
            self._say(node, f"there are 2 to {MAX_CHOICES} choices, each once")
            return ()
        return tuple(words)

    def _cues(self, node: Node) -> tuple[str, ...]:
        words = tuple(text.strip() for entry in items(node) if (text := word(entry)) and text.strip())
        if not 0 < len(words) == len(items(node)) <= MAX_CUES or any(len(w) > MAX_NAME_CHARS for w in words):
            self._say(node, f"cues are a list of 1 to {MAX_CUES} words, each of at most {MAX_NAME_CHARS} characters")
        return words

    def _property(self, name: str, key: Node, value: Node, defs: dict[str, tuple[Node, Node]]) -> OwnField | None:
        if not self._named(name, key):
            return None
        node = _resolved(value, defs)
        keys = entries(node)
        choices = _enum(node, defs)
        kind: FieldKind | None = "choice" if choices else _kind(node, defs)
        if kind is None:
            self._say(key, f"{name} is of no kind that is known here: {', '.join(FIELD_KINDS)}; see schemas/ for how each looks")
            return None
        if choices and (len(choices) > MAX_CHOICES or not all(re.fullmatch(NAME, c) for c in choices)):
            self._say(key, f"a choice is lower case letters, digits and _; there are at most {MAX_CHOICES}")
            return None
        meaning = text_of(keys["description"][1]) if "description" in keys else None
        return OwnField(name, kind, (meaning or name.replace("_", " "))[:MAX_MEANING_CHARS], choices)


def text_of(node: Node) -> str | None:
    """A scalar on one line; None for what is none."""
    text = word(node)
    return None if text is None else " ".join(text.split())


def _resolved(node: Node, defs: dict[str, tuple[Node, Node]]) -> Node:
    """What a `$ref` into `$defs` stands for; the node itself where it is none."""
    reference = entries(node).get("$ref")
    name = (word(reference[1]) or "").removeprefix("#/$defs/") if reference else ""
    return defs[name][1] if name in defs else node


def _enum(node: Node, defs: dict[str, tuple[Node, Node]]) -> tuple[str, ...]:
    """The words of an enumeration of strings, with or without null beside them."""
    keys = entries(node)
    options = [_resolved(option, defs) for option in items(keys["anyOf"][1])] if "anyOf" in keys else [node]
    listed = [entries(o)["enum"][1] for o in options if "enum" in entries(o)]
    nulls = [o for o in options if "type" in entries(o) and word(entries(o)["type"][1]) == "null"]
    if len(listed) != 1 or len(listed) + len(nulls) != len(options):
        return ()
    return tuple(w for entry in items(listed[0]) if (w := word(entry)) is not None)


def _kind(node: Node, defs: dict[str, tuple[Node, Node]]) -> FieldKind | None:
    keys = entries(node)
    what = word(keys["type"][1]) if "type" in keys else None
    if what == "boolean":
        return "flag"
    if what != "array" or "items" not in keys:
        return None
    item = entries(_resolved(keys["items"][1], defs))
    inner = word(item["type"][1]) if "type" in item else None
    if inner == "object" and "properties" in item and is_mapping(item["properties"][1]):
        names = set(entries(item["properties"][1]))
        return "durations" if names == {"value", "unit"} else "amounts" if names == {"amount", "currency"} else None
    simple: dict[str | None, FieldKind] = {"integer": "months", "number": "percentages", "string": "phrases"}
    return simple.get(inner)
