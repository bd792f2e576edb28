"""Weak labels from section headings: sections under a telling heading are clauses, passages without a telling word are not,
and whatever lies between is left out of the loss. Noisy, but there are thousands of such pages.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from clausescan.model.choice import BEGIN, INSIDE
from clausescan.schema.clauses import CLAUSE_TYPES
from clausescan.train.contracts import Contracts
from clausescan.train.curriculum import BY_HEADING, CUAD_CATEGORIES
from clausescan.train.labels import LabelledPage, page_of

UNTOLD = -100
LEAST_LETTERS, MOST_LETTERS = 500, 7500
"""Of a page worth reading."""

_NUMBER = re.compile(r"^(?:(?:section|article|§)\s*)?(\d{1,2}(?:\.\d{1,2}){0,3}|[IVX]{1,5})[.):]?$", re.IGNORECASE)
_HEADINGS = {
    "termination": re.compile(r"\bterminat(?:ion|e)\b|\bsurvival\b", re.IGNORECASE),
    "indemnity": re.compile(r"indemnif|indemnit|hold harmless", re.IGNORECASE),
    "liability_cap": re.compile(
        r"(?:limit\w*|exclu\w*|cap) (?:of|on|to) (?:\w+ )?(?:liabilit|damages)|consequential damages", re.IGNORECASE
    ),
    "confidentiality": re.compile(r"\bconfidential|non-?disclosure", re.IGNORECASE),
    "payment_terms": re.compile(r"\bpayments?\b|\binvoic|\bfees\b|\bcompensation\b|\bpricing\b|\bprices?\b", re.IGNORECASE),
    "warranty_limitation": re.compile(
        r"disclaim|(?:limit\w*|exclu\w*) (?:of|on|to) (?:\w+ )?warrant|(?:no|limited) (?:other )?warrant", re.IGNORECASE
    ),
}
_WORDS = {
    "termination": re.compile(r"\bterminat|\bexpir|\bsurviv|\bcancel", re.IGNORECASE),
    "indemnity": re.compile(r"indemni|harmless|\bdefend", re.IGNORECASE),
    "liability_cap": re.compile(r"liab|damages|\bexceed", re.IGNORECASE),
    "confidentiality": re.compile(r"confidential|non-?disclosure|\bdisclos|secret", re.IGNORECASE),
    "payment_terms": re.compile(r"\bpay|\binvoic|\bfees?\b|\bprice", re.IGNORECASE),
    "warranty_limitation": re.compile(r"warrant|as is\b|merchantab", re.IGNORECASE),
}


@dataclass(frozen=True)
class WeakPage:
    """A page with tags (types, W): outside, begin, inside, or UNTOLD."""

    page: LabelledPage
    tags: NDArray[np.int64]


def section_number(line: tuple[str, ...]) -> tuple[str, int] | None:
    """The number a line begins with and how many words it takes; None for a line that begins no section."""
    for n in (1, 2):
        match = _NUMBER.match(" ".join(line[:n])) if len(line) > n else None
        if match and (n == 2 or not line[0].isalpha() or line[0].isupper()):
            return match.group(1), n
    return None


def heading_of(line: tuple[str, ...], skip: int) -> str:
    """The words after a section's number that look like its heading: capitalised, up to a full stop or colon."""
    words = []
    for word in line[skip : skip + 9]:
        if not (word[0].isupper() or word.casefold() in ("of", "for", "and", "on", "the", "by", "or", "to", "in", "upon")):
            break
        words.append(word)
        if word.endswith((".", ":", ";")):
            break
    return " ".join(words)


def weak_tags(page: LabelledPage, kinds: Sequence[str] = CLAUSE_TYPES) -> NDArray[np.int64]:
    """Tags (kinds, W) of a page by its headings and telling words."""
    begins = [section_number(line) for line in page.lines]
    starts = np.cumsum([0] + [len(line) for line in page.lines])
    tags = np.zeros((len(kinds), int(starts[-1])), np.int64)
    paragraphs = [n for n, b in enumerate(begins) if b is not None]
    edges = [0, *paragraphs, len(page.lines)]
    parent: dict[str, str] = {}
    for a, b in pairwise(edges):
        if a == b:
            continue
        text = " ".join(w for line in page.lines[a:b] for w in line)
        number = begins[a]
        heading = heading_of(page.lines[a], number[1]) if number else ""
        for row, kind in enumerate(kinds):
            if number and "." not in number[0]:
                parent.pop(kind, None)
            telling = bool(_HEADINGS[kind].search(heading)) and len(heading) > 5
            if telling and number and "." not in number[0].rstrip("."):
                parent[kind] = number[0]
            under = number is not None and number[0].split(".")[0] == parent.get(kind)
            if telling or under:
                tags[row, starts[a] : starts[b]] = INSIDE
                tags[row, starts[a]] = BEGIN
            elif _WORDS[kind].search(text):
                tags[row, starts[a] : starts[b]] = UNTOLD
    return tags


def known_tags(page: LabelledPage, own: NDArray[np.int64] | None, spans: NDArray[np.int64] | None) -> NDArray[np.int64]:
    """Tags (taught types, W): `own` labels or headings; CUAD's spans, untold without any; headings for the rest."""
    words = sum(len(line) for line in page.lines)
    if spans is None or spans.shape[1] != words:
        spans = np.full((len(CUAD_CATEGORIES), words), UNTOLD, np.int64)
    return np.concatenate((weak_tags(page) if own is None else own, spans, weak_tags(page, BY_HEADING)))


def contract_pages(contracts: Contracts, known: set[tuple[str, int]]) -> list[LabelledPage]:
    """All pages with text worth reading but the labelled ones (`known`), as pages without labels."""
    texts = (contracts[i] for i in range(len(contracts)))
    return [page_of(t) for t in texts if (t.pdf, t.index) not in known and LEAST_LETTERS < len(t.chars) < MOST_LETTERS]
