"""CUAD's span labels on the pages: its text files' character offsets, carried over to the words of the PDFs' text layer.

The text files and the PDFs hold the same words but for headers, hyphens and line ends, so the words of both are aligned by
the runs of six words that occur once in each, and from there as far as they agree.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from clausescan.model.choice import BEGIN, INSIDE, OUTSIDE
from clausescan.train.contracts import Contracts
from clausescan.train.curriculum import CUAD_CATEGORIES

GRAM = 6
"""Words of an anchor."""
LEAST_MAPPED = 0.6
"""Of a span's words, how many must have been found on the pages for the span to be used."""
SpanTags = dict[tuple[str, int], NDArray[np.int64]]
"""Tags of a page by (PDF, page number)."""
_WORD = re.compile(r"\S+")
_LETTERS = re.compile(r"\W+")


def align(a: list[str], b: list[str]) -> NDArray[np.int64]:
    """For each word of `a` its place in `b`, -1 where none is found."""
    out = np.full(len(a), -1, np.int64)
    grams_a, grams_b = [[tuple(words[i : i + GRAM]) for i in range(len(words) - GRAM + 1)] for words in (a, b)]
    once_a, once_b = Counter(grams_a), Counter(grams_b)
    where = {g: j for j, g in enumerate(grams_b) if once_b[g] == 1}
    for i, gram in enumerate(grams_a):
        if once_a[gram] == 1 and gram in where:
            out[i : i + GRAM] = np.arange(where[gram], where[gram] + GRAM)
    for order, step in ((range(1, len(a)), 1), (range(len(a) - 2, -1, -1), -1)):
        for i in order:
            beside = out[i - step]
            if out[i] < 0 and beside >= 0 and 0 <= beside + step < len(b) and a[i] == b[beside + step]:
                out[i] = beside + step
    return out


def span_tags(contracts: Contracts, cuad: Path) -> SpanTags:
    """(PDF, page) to tags (types of :data:`CUAD_CATEGORIES`, words) of every page of a contract whose text file is at hand."""
    types = {category: n for n, categories in enumerate(CUAD_CATEGORIES.values()) for category in categories}
    pages: dict[str, list[int]] = {}
    for i, row in enumerate(contracts.index):
        pages.setdefault(Path(row["pdf"]).stem.casefold(), []).append(i)
    out: SpanTags = {}
    for line in (cuad / "spans.jsonl").read_text(encoding="utf-8").splitlines():
        contract = json.loads(line)
        numbers = sorted(pages.get(Path(contract["file"]).stem.casefold(), []), key=lambda i: contracts.index[i]["page"])
        file = cuad / "txt" / contract["file"]
        if not numbers or not file.exists():
            continue
        text = file.read_bytes().decode("utf-8", errors="replace")  # line ends as they are: the offsets count them
        found = list(_WORD.finditer(text))
        per_page = [[w for row in contracts[i].words() for w, _ in row] for i in numbers]
        theirs = [_LETTERS.sub("", m.group()).casefold() for m in found]
        ours = [_LETTERS.sub("", w).casefold() for words in per_page for w in words]
        place = align(theirs, ours)
        tags = np.zeros((len(CUAD_CATEGORIES), len(ours)), np.int64)
        starts = np.array([m.start() for m in found])
        for span in contract["spans"]:
            kind = types.get(span["cat"])
            if kind is None:
                continue
            low, high = np.searchsorted(starts, span["start"] - 3), np.searchsorted(starts, span["end"])
            hit = place[low:high]
            hit = hit[hit >= 0]
            if len(hit) and len(hit) >= LEAST_MAPPED * (high - low) and hit[-1] - hit[0] < 2 * (high - low) + 60:
                tags[kind, hit[0] : hit[-1] + 1] = INSIDE
        before = np.c_[np.zeros(len(tags), np.int64), tags[:, :-1]]
        tags[(tags == INSIDE) & (before == OUTSIDE)] = BEGIN
        ends = np.cumsum([len(words) for words in per_page])
        for i, part in zip(numbers, np.split(tags, ends[:-1], axis=1), strict=True):
            row = contracts.index[i]
            out[row["pdf"], row["page"]] = part
    return out
