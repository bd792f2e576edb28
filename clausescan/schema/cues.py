"""Words that show where in a passage a field's value stands: for a flag or a choice the first sentence with such a word,
for one of several equal values the one nearest to such a word. They only show where to look; nothing is decided by them.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

_SENTENCES = {
    "termination": {
        "for_convenience": r"convenience|without (any )?(cause|reason)|(any|no) (time|reason)|at will|discretion|option|notice",
        "for_cause": r"breach|default|insolven|bankrupt|for cause|fail(s|ure)?\b|receiver|liquidat|change of control|terminat",
    },
    "indemnity": {
        "mutual": r"each (party|of the)|either party|mutual|both parties|other party|reciprocal|indemnif",
        "defend": r"\bdefend",
    },
    "liability_cap": {
        "excludes_consequential": r"consequential|indirect|incidental|special|punitive|exemplary|lost (profit|revenue)|loss of",
        "excludes_all": r"(not|nor|neither|no event).{0,60}(liab|responsib)|no liab|not be (held )?(liab|respons)|exclu|liab",
        "uncapped": r"unlimited|without limit|no limit|except|exclu|shall not (apply|limit)|nothing|other than|notwith|absence",
    },
    "governing_law": {
        "exclusive_jurisdiction": r"exclusive|\bsole\b|\bonly\b",
        "arbitration": r"\barbitra",
    },
    "assignment": {
        "consent_required": r"consent|approv|permission|may not assign|neither party",
        "consent_not_unreasonably_withheld": r"unreasonabl|withheld|withhold|delayed",
        "affiliates_excepted": r"affiliat|subsidiar",
        "successors_excepted": r"merg|acqui|successor|substantially all|consolidat|reorgani",
        "change_of_control": r"(change|transfer) (of|in) (control|ownership)|controlling|voting",
    },
    "confidentiality": {
        "mutual": r"each (party|of the)|either party|mutual|both parties|other party|receiving party",
        "return_or_destroy": r"\breturn|\bdestr|\bdelet",
        "compelled_disclosure": r"compel|subpoena|court|required by|legal(ly)? (process|required)|government|regulat",
    },
    "renewal": {"automatic": r"automatic|shall (be )?(renew|extend)|successive|unless"},
    "payment_terms": {
        "interest_period": r"per (month|annum|year)|monthly|annual|a (month|year)|interest",
        "dispute_right": r"disput|withhold|contest|good faith",
    },
    "warranty_limitation": {
        "as_is": r"as[ -]is|all faults|as available",
        "implied_excluded": r"implied|merchantab|fitness|non-?infringement",
        "exclusive_remedy": r"(sole|exclusive|only) (and (sole|exclusive) )?(remed|liab|oblig)|remed",
    },
    "exclusivity": {
        "exclusive": r"exclusiv|\bsole\b|solely",
        "non_compete": r"compet",
        "non_solicit": r"solicit|entice|\bhire\b|recruit",
    },
    "audit_rights": {"cost_shifting": r"\bcosts?\b|expense|\bpay|reimburs|\bborne?\b|\bbear"},
    "insurance": {
        "additional_insured": r"additional(ly)? (named )?insured|named insured|\binsureds?\b",
        "certificate": r"certificat|evidence|proof",
    },
    "ip_ownership": {
        "assigned": r"\bassign|\btransfer|convey",
        "work_for_hire": r"for[ -]hire",
        "joint": r"\bjoint",
        "retained": r"retain|reserv|remain|pre-?existing|background",
    },
}
"""Searched for in each sentence, by type and field."""

_NEAR = {
    "termination": {
        "notice_periods": r"notice|notif|prior|written|advance",
        "cure_periods": r"cure|remed|rectif|correct|breach|default",
    },
    "liability_cap": {"fee_months": r"(fees?|paid|payable|preceding|prior|received|amounts?)\b"},
    "confidentiality": {"durations": r"confiden|disclos|secre|surviv|period"},
    "renewal": {
        "renewal_terms": r"renew|extend|extension|successive|additional|term",
        "notice_periods": r"notice|notif|prior|written|advance|before",
    },
    "payment_terms": {
        "payment_periods": r"invoice|receipt|receiv|due|pay|date",
        "amounts": r"fees?\b|price|pay|rate|sum",
        "late_interest": r"interest|late|overdue|rate|charge|past",
    },
    "warranty_limitation": {"warranty_periods": r"warrant|deliver|accept|period|after"},
    "exclusivity": {"durations": r"exclusiv|compet|period|term|after"},
    "audit_rights": {
        "notice_periods": r"notice|notif|prior|written|advance",
        "retention_periods": r"retain|keep|kept|maintain|preserv|record|books",
        "discrepancy": r"discrepan|underpa|deficien|error|exceed|more",
    },
    "insurance": {"amounts": r"insur|coverage|limit|less|least|occurrence|aggregate"},
}
"""Matched with the beginning of each word, by type and field."""


def cues(kind: str) -> dict[str, re.Pattern[str]]:
    """The cues of a built-in type's fields; a field without has none."""
    near = {name: re.compile(rf"\W*({pattern})", re.IGNORECASE) for name, pattern in _NEAR.get(kind, {}).items()}
    return near | {name: re.compile(pattern, re.IGNORECASE) for name, pattern in _SENTENCES.get(kind, {}).items()}


def cue_of(words: Iterable[str]) -> re.Pattern[str] | None:
    """One cue for plain words, which are taken literally; None for no words."""
    listed = "|".join(re.escape(word) for word in words if word)
    return re.compile(rf"\W*\b({listed})", re.IGNORECASE) if listed else None
