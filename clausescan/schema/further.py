"""The fields of the clause types beyond the first three. They are looked for when they are asked for by name."""

from __future__ import annotations

from typing import Literal

from clausescan.schema.values import Amounts, Durations, Fields, Parties, Percentages, Phrases


class GoverningLawFields(Fields):
    """Which law governs the agreement, and where disputes are decided."""

    laws: Phrases
    """Every state, country or body of law that governs, as written."""
    venues: Phrases
    """Every place, court or arbitral body that is to decide disputes, as written."""
    exclusive_jurisdiction: bool
    """The named courts alone may decide."""
    arbitration: bool
    """Disputes go to arbitration."""


class AssignmentFields(Fields):
    """Whether the agreement or rights under it may be passed on, and what a change of control does."""

    consent_required: bool
    """Some assignment needs the other party's consent or notice to it."""
    consent_not_unreasonably_withheld: bool
    """Consent must not be withheld, delayed or conditioned unreasonably."""
    affiliates_excepted: bool
    """Assignment to an affiliate is free."""
    successors_excepted: bool
    """Assignment on a merger or a sale of the business is free."""
    change_of_control: bool
    """A change of control counts as an assignment, or gives a party a right."""


class ConfidentialityFields(Fields):
    """A duty to keep information secret."""

    mutual: bool
    """Each party owes it to the other."""
    bound_parties: Parties
    """The names used for those who must keep secret, as written."""
    durations: Durations
    """Every period for which the duty lasts."""
    return_or_destroy: bool
    """Information must be given back or destroyed."""
    compelled_disclosure: bool
    """Disclosure that law or a court demands is allowed."""


class RenewalFields(Fields):
    """Whether and how the term is prolonged."""

    automatic: bool
    """It is prolonged unless a party objects."""
    renewal_terms: Durations
    """The length of every prolongation."""
    notice_periods: Durations
    """Every period of notice against, or for, a prolongation."""


class PaymentTermsFields(Fields):
    """When and how money is to be paid."""

    payment_periods: Durations
    """Every period within which an invoice or sum is to be paid."""
    amounts: Amounts
    """Every fee or price stated in money."""
    late_interest: Percentages
    """Every rate charged on late sums, in per cent."""
    interest_period: Literal["month", "year"] | None
    """What the rate counts for."""
    dispute_right: bool
    """The payer may withhold or contest a sum."""


class WarrantyLimitationFields(Fields):
    """A limit on what is warranted."""

    as_is: bool
    """Something is supplied "as is" or with all faults."""
    implied_excluded: bool
    """Implied warranties, such as merchantability, are excluded."""
    warranty_periods: Durations
    """Every period for which a warranty lasts."""
    exclusive_remedy: bool
    """Repair, replacement, refund or the like is the only remedy."""


class ExclusivityFields(Fields):
    """A duty to deal with one party alone, or not to compete."""

    exclusive: bool
    """Rights, supply or dealing are exclusive to a party."""
    non_compete: bool
    """A party must not compete."""
    non_solicit: bool
    """Employees or customers must not be solicited."""
    bound_parties: Parties
    """The names used for those who are bound, as written."""
    durations: Durations
    """Every period for which it binds."""
    territories: Phrases
    """Every place, market or field to which it is confined, as written."""


class AuditRightsFields(Fields):
    """A right to inspect books, records or premises."""

    auditing_parties: Parties
    """The names used for those who may inspect, as written."""
    notice_periods: Durations
    """Every period of notice before an inspection."""
    retention_periods: Durations
    """Every period for which records are to be kept."""
    cost_shifting: bool
    """The inspected party pays for the inspection in some case."""
    discrepancy: Percentages
    """Every deviation, in per cent, from which on it pays."""


class InsuranceFields(Fields):
    """A duty to hold insurance."""

    insured_parties: Parties
    """The names used for those who must hold it, as written."""
    coverages: Phrases
    """Every kind of insurance, as written."""
    amounts: Amounts
    """Every minimum cover in money."""
    additional_insured: bool
    """The other party is to be named as an additional insured."""
    certificate: bool
    """A certificate or other proof is to be given."""


class IpOwnershipFields(Fields):
    """To whom intellectual property belongs."""

    owners: Parties
    """The names used for those to whom it belongs, as written."""
    assigned: bool
    """One party assigns rights to the other."""
    work_for_hire: bool
    """Something is a work made for hire."""
    joint: bool
    """Something is owned jointly."""
    retained: bool
    """A party keeps what it had before."""


FIELDS: dict[str, type[Fields]] = {
    "governing_law": GoverningLawFields,
    "assignment": AssignmentFields,
    "confidentiality": ConfidentialityFields,
    "renewal": RenewalFields,
    "payment_terms": PaymentTermsFields,
    "warranty_limitation": WarrantyLimitationFields,
    "exclusivity": ExclusivityFields,
    "audit_rights": AuditRightsFields,
    "insurance": InsuranceFields,
    "ip_ownership": IpOwnershipFields,
}
"""By clause type, in the order reports list them."""
