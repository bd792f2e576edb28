"""Which contracts are kept for measuring: whole companies, so that near-identical contracts never stand on both sides."""

from __future__ import annotations

import re
import zlib

HELD_OUT_SHARE = 12
"""One company in so many."""


def company(pdf: str) -> str:
    """The first letters of a file name, which name the company in CUAD."""
    return re.sub(r"[^a-z]", "", pdf.lower())[:8]


def held_out_contract(pdf: str) -> bool:
    """Whether a contract is for measuring only."""
    return zlib.crc32(company(pdf).encode()) % HELD_OUT_SHARE == 0
