"""Periods and sums as the tests of the quantities compare them."""

from clausescan.quantities import amounts, durations


def found_durations(text: str) -> list[tuple[float, str]]:
    return [(d.value, d.unit) for d in durations(text.split())]


def found_money(text: str) -> list[tuple[float, str | None]]:
    return [(m.amount, m.currency) for m in amounts(text.split()) if m.currency]
