"""What `clausescan types new` writes: a type to be changed, with a word on every part of it."""

from __future__ import annotations

import json
import re

from clausescan import prompt
from clausescan.schema.clauses import BUILT_IN
from clausescan.schema.shapes import SHAPES, title
from clausescan.schema.values import choices_of

PREFIX = "my_"
"""Before the name of a built-in type that is taken as a pattern."""

_HEAD = """\
# A clause type of your own: {name}
# Check it:  clausescan types check {path}
# Use it:    clausescan extract page.jpg --types {name}{where} --model openai:http://localhost:8000/v1#NAME
# The file's name is the type's name. The model that ships with clausescan knows no types but built-in ones: name a larger one.

# What such a clause is, and what it is not, in a sentence or two. The model decides by it.
description: >-
  {description}

# What is to be read out of the clause: name, kind and meaning. Values that do not stand in the clause are dropped. Kinds:
#   flag         true or false: a judgement of the model
#   durations    periods, as in "thirty (30) days"
#   amounts      sums of money
#   months       periods in months, as in "the fees of twelve (12) months"
#   percentages  rates, as in "1.5% per month"
#   phrases      words copied from the clause, such as names and places
#   choice       one of the words under choices, or null: a judgement of the model
# cues are optional: words near which the value stands in print.
fields:
{fields}

# Optional: how the type is called in prose.
# short: {short}

# Optional: the whole question instead of the one that is made from the above. It must use {{type}}, {{schema}} and {{passage}}.
# prompt: |
#   Clause type: {{type}}
#
#   Answer about the passage by this schema: {{schema}}
#
#   <passage>
#   {{passage}}
#   </passage>
"""

_EXAMPLE = """\
  events: {kind: phrases, meaning: the events that count, cues: [event, such as]}
  notice_periods: {kind: durations, meaning: periods of notice, cues: [notice]}
  payment_excepted: {kind: flag, meaning: duties to pay are left as they are}
  consequence: {kind: choice, choices: [suspended, ended], meaning: what happens to the agreement}"""

_MEANING = re.compile(r"^- `(\w+)`: (.+?)\.?$", re.MULTILINE)


def template(name: str, path: str, types_from: str | None) -> str:
    """The text of a new type's file; one that is called after a built-in type, `my_...`, begins as that."""
    pattern = name.removeprefix(PREFIX)
    known = pattern in BUILT_IN and name != pattern
    words = title(pattern).lower()
    article = "An" if words[0] in "aeiou" else "A"
    return _HEAD.format(
        name=name,
        path=path,
        where=f" --types-from {types_from}" if types_from else "",
        description=_definition(pattern) if known else f"{article} {words} clause says ... It is not ...",
        fields=_fields(pattern) if known else _EXAMPLE,
        short=words,
    )


def _definition(kind: str) -> str:
    return prompt.load([kind])[kind].definition


def _fields(kind: str) -> str:
    meanings = dict(_MEANING.findall(prompt.load([kind])[kind].render("").user))
    lines = []
    for name, info in SHAPES[kind].fields.model_fields.items():
        parts = {"kind": SHAPES[kind].kinds[name], "choices": list(choices_of(info)), "meaning": meanings[name]}
        shown = ", ".join(f"{key}: {json.dumps(value, ensure_ascii=False)}" for key, value in parts.items() if value)
        lines.append(f"  {name}: {{{shown}}}")
    return "\n".join(lines)
