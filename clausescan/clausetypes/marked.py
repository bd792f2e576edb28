"""YAML, and JSON, which is YAML, with the line of every piece: plain mappings, lists and words, nothing else."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, TypeAlias

import yaml

from clausescan.errors import TypeFileError

MOST_DEPTH = 30
Node: TypeAlias = Any
"""A `yaml.Node`; PyYAML comes without types."""


@dataclass(frozen=True)
class File:
    """One file, or a piece of it, whose pieces can be wrong."""

    path: str
    text: str

    def at(self, node: Node | int, what: str) -> str:
        """A problem as people read it; `node` may be a line counted from 1."""
        line = node if isinstance(node, int) else line_of(node)
        return f"{self.path}:{line}: {what}"


def line_of(node: Node) -> int:
    """Of the node's beginning, counted from 1."""
    return int(node.start_mark.line) + 1


def compose(file: File) -> Node:
    """The file's one document. Raises `TypeFileError`: no YAML, aliases, tags, half characters, twin keys, too deep."""
    text = file.text.replace("\t", "  ") if file.path.endswith(".json") else file.text
    try:
        problem = _forbidden(file, text)
        root = None if problem else yaml.compose(text, yaml.SafeLoader)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        raise TypeFileError([file.at(mark.line + 1 if mark else 1, f"is no YAML or JSON: {error.problem}")]) from None
    except (yaml.YAMLError, ValueError, OverflowError):  # the last two of an escape beyond Unicode
        raise TypeFileError([file.at(1, "is no YAML or JSON: a character that text cannot hold")]) from None
    if problem:
        raise TypeFileError([problem])
    if root is None:
        raise TypeFileError([file.at(1, "is empty")])
    problems = [*_join_halves(file, root), *_twins(file, root)]
    if problems:
        raise TypeFileError(problems)
    return root


def entries(node: Node) -> dict[str, tuple[Node, Node]]:
    """A mapping's keys with key node and value node; empty for what is no mapping."""
    return {str(k.value): (k, v) for k, v in node.value} if isinstance(node, yaml.MappingNode) else {}


def items(node: Node) -> list[Node]:
    """A list's pieces; empty for what is no list."""
    return list(node.value) if isinstance(node, yaml.SequenceNode) else []


def word(node: Node | None) -> str | None:
    """A scalar as it is written, so that `no` and `12` are words too; None for what is none or null."""
    if not isinstance(node, yaml.ScalarNode) or node.tag.endswith(":null"):
        return None
    return str(node.value)


def is_mapping(node: Node | None) -> bool:
    """Whether it is a mapping."""
    return isinstance(node, yaml.MappingNode)


def _forbidden(file: File, text: str) -> str | None:
    """What stands in the way of composing: aliases, which may expand without end, and depth, which takes the parser too long."""
    depth = 0
    for event in yaml.parse(text, yaml.SafeLoader):
        line = int(event.start_mark.line) + 1
        if isinstance(event, yaml.AliasEvent):
            return file.at(line, "aliases (*name) are not used here; write it out")
        depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
        if depth > MOST_DEPTH:
            return file.at(line, "is nested too deeply")
    return None


def _join_halves(file: File, node: Node) -> list[str]:
    """Make one character of the two halves by which JSON escapes one beyond the BMP; told are halves that stand alone."""
    if isinstance(node, yaml.ScalarNode):
        try:
            node.value = node.value.encode("utf-16-le", "surrogatepass").decode("utf-16-le")
        except UnicodeDecodeError:
            return [file.at(node, "an escape such as \\ud83d is half a character; the other half is missing")]
        return []
    pieces = (piece for pair in node.value for piece in pair) if isinstance(node, yaml.MappingNode) else node.value
    return [problem for piece in pieces for problem in _join_halves(file, piece)]


def _twins(file: File, node: Node) -> Iterator[str]:
    if isinstance(node, yaml.MappingNode):
        seen: set[str] = set()
        for key, value in node.value:
            if not isinstance(key, yaml.ScalarNode):
                yield file.at(key, "a key must be a word")
            elif key.value in seen:
                yield file.at(key, f"the key {key.value[:40]!r} stands twice")
            else:
                seen.add(key.value)
            yield from _twins(file, value)
    elif isinstance(node, yaml.SequenceNode):
        for value in node.value:
            yield from _twins(file, value)
