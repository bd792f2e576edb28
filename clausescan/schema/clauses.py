"""Clause types and their fields, as `prompts/<type>.md` defines them in words.

Absent means `None` or an empty list, never a guess. Lists and strings are bounded so that a grammar made from the
schema always ends.
"""

from __future__ import annotations

from typing import Annotated, Literal, get_args

from pydantic import BaseModel, ConfigDict, Field

ClauseType = Literal["termination", "indemnity", "liability_cap"]
CLAUSE_TYPES: tuple[ClauseType, ...] = get_args(ClauseType)
"""All clause types, in the order reports list them."""

Unit = Literal["hours", "days", "business_days", "weeks", "months", "years"]

MAX_ITEMS = 6
"""Of any list of field values: the most seen on a labelled page is 4."""
MAX_PARTY_CHARS = 60
MAX_HEADING_WORDS = 40


class Strict(BaseModel):
    """Immutable, no unknown keys, no coercion of one JSON type into another."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, allow_inf_nan=False)


class Duration(Strict):
    """A period as written: thirty (30) days is `{"value": 30, "unit": "days"}`."""

    value: Annotated[int, Field(ge=1, le=9999)]
    unit: Unit


class Amount(Strict):
    """A sum of money; `currency` is an ISO 4217 code, None where the page names no currency."""

    amount: Annotated[float, Field(ge=0, le=999_999_999_999)]
    currency: Annotated[str, Field(pattern="^[A-Z]{3}$")] | None


Durations = Annotated[tuple[Duration, ...], Field(max_length=MAX_ITEMS, strict=False)]
Amounts = Annotated[tuple[Amount, ...], Field(max_length=MAX_ITEMS, strict=False)]
Months = Annotated[tuple[Annotated[int, Field(ge=1, le=999)], ...], Field(max_length=MAX_ITEMS, strict=False)]
Party = Annotated[str, Field(min_length=1, max_length=MAX_PARTY_CHARS)]
Parties = Annotated[tuple[Party, ...], Field(max_length=MAX_ITEMS, strict=False)]


class TerminationFields(Strict):
    """Who may end the agreement, on what grounds, with what notice."""

    for_convenience: bool
    """Some party may end it without cause or at will."""
    for_cause: bool
    """Breach, insolvency or another stated event allows ending."""
    notice_periods: Durations
    """Every period of notice of termination or of non-renewal."""
    cure_periods: Durations
    """Every period allowed to cure a breach or default."""


class IndemnityFields(Strict):
    """A duty to indemnify, defend or hold harmless."""

    mutual: bool
    """Each party indemnifies the other."""
    indemnifying_parties: Parties
    """The names used for those who must indemnify, as written."""
    defend: bool
    """The duty includes defending."""


class LiabilityCapFields(Strict):
    """A limit on the amount or kind of recoverable loss."""

    amounts: Amounts
    """Every stated maximum in money."""
    fee_months: Months
    """Where the cap is the fees over a period: its length in months."""
    excludes_consequential: bool
    """Consequential, indirect, special or similar damages are excluded."""
    excludes_all: bool
    """A party's liability is excluded altogether."""
    uncapped: bool
    """Some liability is stated to be unlimited, or carved out of the limit."""


AnyFields = TerminationFields | IndemnityFields | LiabilityCapFields

FIELDS: dict[ClauseType, type[TerminationFields] | type[IndemnityFields] | type[LiabilityCapFields]] = {
    "termination": TerminationFields,
    "indemnity": IndemnityFields,
    "liability_cap": LiabilityCapFields,
}
"""The fields model of each clause type."""
