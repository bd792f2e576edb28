"""Pages with clause labels made by reading: the hand-labelled set, and our own file of further pages.

Our own labels (`labels.jsonl` beside this file) name contract, page, and places as (line, word) in the packed text layer
of `clausescan.train.contracts`; they hold no contract text but party names.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from clausescan.train.contracts import Contracts, PageText

OWN_LABELS = Path(__file__).with_name("labels.jsonl")


@dataclass(frozen=True)
class LabelledClause:
    """One clause: `first` and `last` are (line, word), both included."""

    type: str
    first: tuple[int, int]
    last: tuple[int, int]
    skip_lines: tuple[int, ...]
    heading_words: int
    continues_from_previous: bool
    continues_on_next: bool
    fields: dict[str, Any]


@dataclass(frozen=True)
class LabelledPage:
    """A page's words with boxes in points, and its clauses."""

    pdf: str
    index: int
    size_pt: tuple[float, float]
    lines: tuple[tuple[str, ...], ...]
    boxes: tuple[tuple[tuple[float, float, float, float], ...], ...]
    clauses: tuple[LabelledClause, ...]

    def middles(self) -> list[float]:
        """The lines' heights on the page, in points."""
        return [sorted((b[1] + b[3]) / 2 for b in line)[len(line) // 2] for line in self.boxes]


def hand_labelled(file: Path) -> list[LabelledPage]:
    """The pages of `data/pages/pages.jsonl`."""
    out = []
    for row in file.read_text(encoding="utf-8").splitlines():
        page = json.loads(row)
        lines = tuple(tuple(str(w[0]) for w in line) for line in page["lines"])
        clauses = tuple(
            LabelledClause(
                c["type"], tuple(c["first"]), tuple(c["last"]), tuple(c["skip_lines"]),
                heading_length(lines, c["first"], c["heading"]),
                c["continues_from_previous"], c["continues_on_next"], c["fields"],
            )
            for c in page["clauses"]
        )  # fmt: skip
        boxes = tuple(tuple(tuple(w[1:5]) for w in line) for line in page["lines"])
        out.append(LabelledPage(page["pdf"], page["page"], tuple(page["size_pt"]), lines, boxes, clauses))
    return out


def heading_length(lines: tuple[tuple[str, ...], ...], first: tuple[int, int], heading: str | None) -> int:
    """How many of the clause's first words reach to the end of its heading, number included; 0 without one."""
    if not heading:
        return 0
    words = [w for line in lines[first[0] : first[0] + 6] for w in line][first[1] :]
    target = "".join(filter(str.isalnum, heading)).casefold()
    for skip in range(6):
        joined = ""
        for n, word in enumerate(words[skip:40]):
            joined += "".join(filter(str.isalnum, word)).casefold()
            if joined == target:
                return skip + n + 1
            if not target.startswith(joined):
                break
    return 0


def page_of(text: PageText, clauses: tuple[LabelledClause, ...] = ()) -> LabelledPage:
    """A packed page with labels."""
    lines = text.words()
    return LabelledPage(
        text.pdf, text.index, text.size_pt, tuple(tuple(w for w, _ in line) for line in lines),
        tuple(tuple(b for _, b in line) for line in lines), clauses,
    )  # fmt: skip


def _own_clause(label: dict[str, Any]) -> LabelledClause:
    values: dict[str, Any] = {k: tuple(v) if k in ("first", "last", "skip_lines") else v for k, v in label.items()}
    return LabelledClause(**values)


def own_labelled(contracts: Contracts, file: Path = OWN_LABELS) -> list[LabelledPage]:
    """The pages of our own label file, joined with their words."""
    where = {(row["pdf"], row["page"]): i for i, row in enumerate(contracts.index)}
    out = []
    for row in file.read_text(encoding="utf-8").splitlines():
        label = json.loads(row)
        text = contracts[where[label["pdf"], label["page"]]]
        out.append(page_of(text, tuple(_own_clause(c) for c in label["clauses"])))
    return out
