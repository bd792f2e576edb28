"""The clause types that are built in, and their fields, as `prompts/<type>.md` defines them in words."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from clausescan.schema import further
from clausescan.schema.values import MAX_ITEMS as MAX_ITEMS
from clausescan.schema.values import MAX_PARTY_CHARS as MAX_PARTY_CHARS
from clausescan.schema.values import NAME, Durations, FewAmounts, FewParties, Fields, Months
from clausescan.schema.values import Amount as Amount
from clausescan.schema.values import Duration as Duration
from clausescan.schema.values import Strict as Strict
from clausescan.schema.values import Unit as Unit

ClauseType = Annotated[str, Field(pattern=f"^{NAME}$")]
"""A clause type's name: a built-in one's, or one of the user's own."""

MAX_HEADING_WORDS = 40


class TerminationFields(Fields):
    """Who may end the agreement, on what grounds, with what notice."""

    for_convenience: bool
    """Some party may end it without cause or at will."""
    for_cause: bool
    """Breach, insolvency or another stated event allows ending."""
    notice_periods: Durations
    """Every period of notice of termination or of non-renewal."""
    cure_periods: Durations
    """Every period allowed to cure a breach or default."""


class IndemnityFields(Fields):
    """A duty to indemnify, defend or hold harmless."""

    mutual: bool
    """Each party indemnifies the other."""
    indemnifying_parties: FewParties
    """The names used for those who must indemnify, as written."""
    defend: bool
    """The duty includes defending."""


class LiabilityCapFields(Fields):
    """A limit on the amount or kind of recoverable loss."""

    amounts: FewAmounts
    """Every stated maximum in money."""
    fee_months: Months
    """Where the cap is the fees over a period: its length in months."""
    excludes_consequential: bool
    """Consequential, indirect, special or similar damages are excluded."""
    excludes_all: bool
    """A party's liability is excluded altogether."""
    uncapped: bool
    """Some liability is stated to be unlimited, or carved out of the limit."""


FIELDS: dict[ClauseType, type[Fields]] = {
    "termination": TerminationFields,
    "indemnity": IndemnityFields,
    "liability_cap": LiabilityCapFields,
    **further.FIELDS,
}
"""The fields model of each built-in clause type, in the order reports list them."""

CLAUSE_TYPES: tuple[ClauseType, ...] = ("termination", "indemnity", "liability_cap")
"""The first three: what is looked for unless told otherwise."""
BUILT_IN: tuple[ClauseType, ...] = tuple(FIELDS)
"""All that need no file of the user's."""
