"""A clause's fields in words, and what is said in place of them or of clauses, for tables and pages that people read."""

from __future__ import annotations

from collections.abc import Mapping

from clausescan.schema.clauses import ClauseType
from clausescan.schema.found import Clause
from clausescan.schema.report import Verdict
from clausescan.schema.shapes import title
from clausescan.schema.values import Fields


def why_none(clause: Clause) -> str:
    """Why a clause has no fields at all."""
    if clause.complete:
        return "its fields need a larger model"
    return "the model's answer was invalid; the fields are missing"


def unclear_types(verdicts: Mapping[ClauseType, Verdict]) -> str:
    """The titles of the types of which nothing can be told, with commas; empty where there are none."""
    return ", ".join(title(kind) for kind, verdict in verdicts.items() if verdict.verdict == "cannot_tell")


def no_clause(verdicts: Mapping[ClauseType, Verdict], where: str, none: str) -> str:
    """What is said where no clause is quoted: `none` only if every type is known to be absent."""
    unclear = unclear_types(verdicts)
    return f"No clause is quoted from {where}; whether it has one cannot be told: {unclear}." if unclear else none


def field_texts(fields: Fields) -> list[tuple[str, str]]:
    """(name, value) of every field that says something: flags that are set, with an empty value, and lists."""
    out = []
    for name, value in fields.model_dump(mode="json").items():
        if value is True:
            out.append((name, ""))
        elif value:
            out.append((name, value_text(value)))
    return out


def fields_text(fields: Fields) -> str:
    """All fields that say something in one line: `for cause; notice periods: 30 days`."""
    return "; ".join(f"{name.replace('_', ' ')}{': ' * bool(value)}{value}" for name, value in field_texts(fields))


def value_text(value: object) -> str:
    """A duration, an amount, a rate, copied words, a choice, or several of them."""
    if isinstance(value, list):
        return ", ".join(value_text(v) for v in value)
    if isinstance(value, dict) and "unit" in value:
        return f"{value['value']} {str(value['unit']).replace('_', ' ')}"
    if isinstance(value, dict):
        return f"{value['amount']:,.2f} {value['currency'] or ''}".strip()
    if isinstance(value, float):
        return f"{value:g} %"
    return str(value)
