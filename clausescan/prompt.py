"""Prompt files to rendered prompts: `prompts/system.md`, one file a clause type, and `prompts/page.md` about a whole page.

A prompt file is Markdown with a head between two `---` lines:

    ---
    short: termination
    ---
    Body with {type}, {schema} and {passage}.

`short` is what a compact model trained on the question is given instead of the body. The variables of a file must be
exactly those it is rendered with; a literal brace is written twice. The second paragraph of a type's body says what such a
clause is; `page.md`, which asks for the passages of all types at once, is given it with {types}. The passage is put in as
data: its words are never read as a template, and it cannot close the tag it stands in.
"""

from __future__ import annotations

import hashlib
import json
import string
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from clausescan import resources
from clausescan.answer import Prompt, RenderedPrompt
from clausescan.errors import ClausescanError, PromptError
from clausescan.schema.answers import answer_schema
from clausescan.schema.clauses import ClauseType
from clausescan.schema.listing import listing_schema
from clausescan.schema.shapes import SHAPES, ClauseShape

VARIABLES = frozenset({"type", "schema", "passage"})
"""Of a clause type's file; the system part has none."""
PAGE = "page.md"
"""The question about a whole page, for models that must be asked what stands on it."""


@dataclass(frozen=True)
class PromptFile:
    """One prompt file: its head and its body."""

    name: str
    head: Mapping[str, str]
    body: str

    def fill(self, values: Mapping[str, str]) -> str:
        """The body with its variables replaced. Raises `PromptError` when one is missing, unknown or never used."""
        out: list[str] = []
        used: set[str] = set()
        try:
            for literal, name, spec, conversion in string.Formatter().parse(self.body):
                out.append(literal)
                if name is None:
                    continue
                if name not in values or spec or conversion:
                    raise PromptError(f"prompts/{self.name}: unknown variable {{{name}}}; known are {_listed(values)}")
                used.add(name)
                out.append(values[name])
        except ValueError as error:
            raise PromptError(f"prompts/{self.name}: {error}; a literal brace is written twice") from None
        unused = set(values) - used
        if unused:
            raise PromptError(f"prompts/{self.name}: the variables {_listed(unused)} are missing from it")
        return "".join(out)


@dataclass(frozen=True)
class TypePrompt:
    """The question for one clause type; fulfils `clausescan.answer.Prompt`."""

    shape: ClauseShape
    short: str
    sha256: str
    system: str
    file: PromptFile
    described: str = ""
    """What such a clause is, where the file does not say it in its second paragraph."""

    @property
    def type(self) -> ClauseType:
        """The clause type's name."""
        return self.shape.name

    @property
    def definition(self) -> str:
        """What such a clause is, in words: the second paragraph of the body, unless it was described elsewhere."""
        return self.described or second_paragraph(self.file.body) or self.short

    def render(self, passage: str) -> RenderedPrompt:
        """The question about one passage. Raises `PromptError`."""
        values = {"type": self.type, "schema": json.dumps(answer_schema(self.shape.answer)), "passage": fenced(passage)}
        return RenderedPrompt(self.type, self.system, self.file.fill(values), self.short)


def parse_file(name: str, text: str) -> PromptFile:
    """A prompt file's text as head and body. Raises `PromptError` when the head is malformed."""
    lines = text.replace("\r\n", "\n").split("\n")
    if lines[0].strip() != "---" or "---" not in [line.strip() for line in lines[1:]]:
        raise PromptError(f"prompts/{name} must begin with a head between two --- lines")
    end = [line.strip() for line in lines[1:]].index("---") + 1
    head: dict[str, str] = {}
    for line in lines[1:end]:
        key, colon, value = line.partition(":")
        if not colon or not value.strip() or key.strip() in head:
            raise PromptError(f"prompts/{name}: every line of the head must be 'key: value', each key once")
        head[key.strip()] = value.strip()
    return PromptFile(name, head, "\n".join(lines[end + 1 :]).strip() + "\n")


def load(types: Iterable[ClauseType]) -> dict[ClauseType, Prompt]:
    """The prompts of the given built-in types, checked. Raises `PromptError`."""
    return {kind: type_prompt(SHAPES[kind], f"{kind}.md", _read(f"{kind}.md")) for kind in types}


def type_prompt(shape: ClauseShape, name: str, text: str, described: str = "") -> TypePrompt:
    """A prompt from the text of its file, `name`, checked. Raises `PromptError`."""
    system_text = _read("system.md")
    system = parse_file("system.md", system_text).fill({})
    file = parse_file(name, text)
    if set(file.head) != {"short"}:
        raise PromptError(f"prompts/{name}: the head needs exactly the key 'short'")
    digest = hashlib.sha256(f"{system_text}\0{text}".encode()).hexdigest()
    prompt = TypePrompt(shape, file.head["short"], digest, system, file, described)
    prompt.render("")  # a wrong variable is found here, not in the middle of a document
    return prompt


def second_paragraph(body: str) -> str:
    """Of a type's body: what such a clause is. Empty where there is none, or where it holds variables."""
    paragraphs = body.split("\n\n")
    return " ".join(paragraphs[1].split()) if len(paragraphs) > 1 and "{" not in paragraphs[1] else ""


def page_question(prompts: Mapping[ClauseType, Prompt]) -> tuple[str, str]:
    """System and user part of the question which passages of the given types stand on a page. Raises `PromptError`."""
    types = "\n".join(f"- `{t}`: {p.definition}" for t, p in prompts.items())
    values = {"types": types, "schema": json.dumps(listing_schema(prompts))}
    return parse_file("system.md", _read("system.md")).fill({}), parse_file(PAGE, _read(PAGE)).fill(values)


def combined_sha256(prompts: Mapping[ClauseType, Prompt]) -> str:
    """One hash over all questions that a run may ask, for the report."""
    lines = [*(f"{t} {p.sha256}" for t, p in sorted(prompts.items())), hashlib.sha256(_read(PAGE).encode()).hexdigest()]
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()


def fenced(passage: str) -> str:
    """The passage so that it cannot leave `<passage>...</passage>`: its own tags lose their angle bracket."""
    return passage.replace("<", "\u2039").replace(">", "\u203a")


def _read(name: str) -> str:
    try:
        return resources.read_text("prompts", name)
    except ClausescanError as error:
        raise PromptError(str(error)) from None


def _listed(names: Iterable[str]) -> str:
    return ", ".join(f"{{{n}}}" for n in sorted(names)) or "none"
