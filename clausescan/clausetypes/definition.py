"""A type's files to its shape and its prompt, or to a list of all that is wrong with them.

description: What such a clause is, in a sentence or two.     # or `prompt.md` of a folder, its second paragraph
fields:                                                       # or `schema:`, a JSON Schema, or `class:`, a pydantic class
excused_events: {kind: phrases, meaning: the events that excuse a party, cues: [event]}
short: force majeure                                          # optional
prompt: |                                                     # optional: the question itself, as in prompts/
"""

from __future__ import annotations

import importlib
import re
import string
from collections.abc import Collection, Iterator, Mapping

from clausescan.clausetypes.fieldlist import FieldReader, OwnField, fields_model, fields_of_class, text_of
from clausescan.clausetypes.finding import problem_of_name
from clausescan.clausetypes.marked import File, Node, compose, entries, is_mapping, line_of, word
from clausescan.config import TypeSource
from clausescan.errors import PromptError, TypeFileError
from clausescan.prompt import VARIABLES, TypePrompt, parse_file, second_paragraph, type_prompt
from clausescan.schema.cues import cue_of
from clausescan.schema.shapes import shape, title
from clausescan.schema.values import FieldKind, Fields

KEYS = ("description", "fields", "schema", "class", "short", "prompt")
MAX_DESCRIPTION_CHARS = 2_000
MAX_SHORT_CHARS = 60
CLASS = re.compile(r"[A-Za-z_]\w*(\.[A-Za-z_]\w*)*:[A-Za-z_]\w*")

ASKED: Mapping[FieldKind, str] = {
    "flag": "true or false",
    "durations": "every such period; an empty list if there is none",
    "amounts": "every such sum, with its ISO 4217 currency code; an empty list if there is none",
    "months": "every such period, in months; an empty list if there is none",
    "percentages": "every such rate, in per cent; an empty list if there is none",
    "phrases": "each copied letter by letter from the passage; an empty list if there is none",
    "choice": "null if the passage does not say",
}
"""What is said about a field after its meaning, where the prompt is made from the fields."""


def own_prompt(source: TypeSource, classes: Collection[str] = ()) -> TypePrompt:
    """The question of one own type, its shape in it. `classes` are those that may be imported.

    Raises `TypeFileError` with everything that is wrong with its files.
    """
    return _Definition(source, classes).prompt()


class _Definition:
    def __init__(self, source: TypeSource, classes: Collection[str]) -> None:
        self.name, self.classes = source.name, classes
        files = [File(path, text) for path, text in source.files]
        self.file = files[-1]
        self.root = compose(self.file)
        self.prompt_file = files[0] if len(files) > 1 else None
        self.problems: list[str] = []
        self.keys = entries(self.root)

    def prompt(self) -> TypePrompt:
        wrong = problem_of_name(self.name)
        if wrong is not None:
            raise TypeFileError([self.file.at(1, wrong)])
        if not is_mapping(self.root):
            raise TypeFileError([self.file.at(self.root, f"a type is a mapping with some of {', '.join(KEYS)}")])
        fields, model = self._fields()
        description = self._description()
        text, name = self._text(fields, description)
        if self.problems:
            raise TypeFileError(self.problems)
        own = model or fields_model(self.name, description, fields)
        cues = {f.name: cue for f in fields if (cue := cue_of(f.cue_words))}
        try:
            return type_prompt(shape(self.name, own, cues), name, text, description)
        except (PromptError, ValueError) as error:  # what the checks with line numbers let through
            raise TypeFileError([self.file.at(1, str(error))]) from None

    def _say(self, node: Node | int, what: str) -> None:
        self.problems.append(self.file.at(node, what))

    def _fields(self) -> tuple[list[OwnField], type[Fields] | None]:
        reader = FieldReader(self.file, self.problems)
        if self.prompt_file is not None and "properties" in self.keys:
            return reader.of_schema(self.root), None
        for key, (at, _) in self.keys.items():
            if key not in KEYS or (self.prompt_file is not None and key in ("description", "short", "prompt")):
                known = KEYS if self.prompt_file is None else ("fields", "schema", "class")
                self._say(at, f"unknown key {key[:40]}; known are {', '.join(known)}")
        given = [key for key in ("fields", "schema", "class") if key in self.keys]
        if len(given) != 1:
            self._say(self.keys[given[1]][0] if given else self.root, "a type has one of fields, schema and class")
            return [], None
        node = self.keys[given[0]][1]
        if given[0] == "class":
            return self._class(node)
        return (reader.listed(node) if given[0] == "fields" else reader.of_schema(node)), None

    def _class(self, node: Node) -> tuple[list[OwnField], type[Fields] | None]:
        path = word(node) or ""
        if not CLASS.fullmatch(path):
            self._say(node, "a class is named as package.module:Class")
        elif path not in self.classes:
            self._say(node, f"the class {path} is imported, which runs its code, only with --types-class {path}")
        else:
            module, name = path.split(":")
            try:
                found = getattr(importlib.import_module(module), name)
                if not (isinstance(found, type) and issubclass(found, Fields)):
                    raise ValueError("it does not derive from clausescan.schema.values.Fields")
                return fields_of_class(found), found
            except ValueError as error:
                self._say(node, f"the class {path} cannot be used: {error}")
            except Exception as error:  # whatever a stranger's module does when it is imported
                self._say(node, f"the class {path} cannot be imported ({type(error).__name__})")
        return [], None

    def _description(self) -> str:
        if self.prompt_file is not None:
            return second_paragraph(_body(self.prompt_file.text)[1].strip())
        node = self.keys["description"][1] if "description" in self.keys else None
        text = text_of(node) if node is not None else None
        if not text or len(text) > MAX_DESCRIPTION_CHARS:
            self._say(node or self.root, f"a type needs a description of at most {MAX_DESCRIPTION_CHARS:,} characters")
        return text or ""

    def _text(self, fields: list[OwnField], description: str) -> tuple[str, str]:
        """The prompt file's text and what it is called in messages."""
        if self.prompt_file is not None:
            file = self.prompt_file
            try:
                head = parse_file("prompt.md", file.text).head
                if set(head) != {"short"}:
                    self.problems.append(file.at(1, "the head needs exactly the key short"))
            except PromptError as error:
                self.problems.append(file.at(1, str(error).removeprefix("prompts/")))
                return file.text, file.path
            first, body = _body(file.text)
            self.problems += [file.at(line, what) for line, what in wrong_variables(body, first)]
            if not description:
                self.problems.append(file.at(first, "the second paragraph must say what such a clause is, without variables"))
            return file.text, file.path
        short = text_of(self.keys["short"][1]) if "short" in self.keys else title(self.name).lower()
        if not short or len(short) > MAX_SHORT_CHARS:
            self._say(self.keys["short"][0], f"short is at most {MAX_SHORT_CHARS} characters")
        if "prompt" in self.keys:
            node = self.keys["prompt"][1]
            body = word(node) or ""
            # A block scalar begins on the line after its mark.
            first = line_of(node) + (getattr(node, "style", None) in ("|", ">"))
            self.problems += [self.file.at(line, what) for line, what in wrong_variables(body, first)]
        else:
            body = question(description, fields)
        return f"---\nshort: {short}\n---\n{body}", self.file.path


def question(description: str, fields: list[OwnField]) -> str:
    """A prompt's body from a description and the fields' meanings."""
    lines = [
        "Clause type: {type}",
        "",
        _literal(description),
        "",
        "Answer these fields about the passage:",
        "",
        "- `heading_words`: how many of the passage's first words form its heading, its number included; 0 if it has none.",
        "- `continues_from_previous`: true if the passage begins in the middle of a clause that started on an earlier page.",
        "- `continues_on_next`: true if the passage breaks off at the foot of the page and goes on.",
    ]
    for field in fields:
        choices = f"; one of {', '.join(field.choices)}" if field.choices else ""
        lines.append(f"- `{field.name}`: {_literal(field.meaning.rstrip('.'))}{choices}; {ASKED[field.kind]}.")
    return "\n".join([*lines, "", "Schema of the answer:", "", "{schema}", "", "<passage>", "{passage}", "</passage>", ""])


def wrong_variables(body: str, first_line: int) -> Iterator[tuple[int, str]]:
    """(line, problem) of every brace and variable in a prompt's body that is not as it must be."""
    used: set[str] = set()
    for number, line in enumerate(body.split("\n"), first_line):
        try:
            pieces = list(string.Formatter().parse(line))
        except ValueError:
            yield number, "a literal brace is written twice"
            continue
        for _, name, spec, conversion in pieces:
            if name is not None and (name not in VARIABLES or spec or conversion):
                yield number, f"unknown variable {{{name[:40]}}}; known are {_listed(VARIABLES)}"
            used |= {name} if name is not None else set()
    if VARIABLES - used:
        yield first_line, f"the variables {_listed(VARIABLES - used)} are missing from the prompt"


def _body(text: str) -> tuple[int, str]:
    """A prompt file's text after its head, and the line on which it begins."""
    lines = text.split("\n")
    rules = [n for n, line in enumerate(lines) if line.strip() == "---"]
    first = rules[1] + 1 if len(rules) > 1 else 0
    return first + 1, "\n".join(lines[first:])


def _literal(text: str) -> str:
    return text.replace("{", "{{").replace("}", "}}")


def _listed(names: Collection[str]) -> str:
    return ", ".join(f"{{{name}}}" for name in sorted(names))
