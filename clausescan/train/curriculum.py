"""The clause types the choice head is taught, in the order of its outputs: those with hand-made labels first.

The further types have no labels made by reading. Seven of them stand in CUAD's own span labels, three are labelled weakly,
by their section headings.
"""

from __future__ import annotations

from clausescan.schema.clauses import CLAUSE_TYPES

CUAD_CATEGORIES = {
    "governing_law": ("Governing Law",),
    "assignment": ("Anti-Assignment", "Change Of Control"),
    "renewal": ("Renewal Term", "Notice Period To Terminate Renewal"),
    "exclusivity": ("Exclusivity", "Non-Compete", "Competitive Restriction Exception"),
    "audit_rights": ("Audit Rights",),
    "insurance": ("Insurance",),
    "ip_ownership": ("Ip Ownership Assignment", "Joint Ip Ownership"),
}
"""Which of CUAD's categories make up a further type."""

BY_HEADING = ("confidentiality", "payment_terms", "warranty_limitation")
"""Further types that CUAD has no spans for."""

TAUGHT: tuple[str, ...] = (*CLAUSE_TYPES, *CUAD_CATEGORIES, *BY_HEADING)
"""All of them."""
