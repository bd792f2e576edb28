import pytest

from tests.quantities_found import found_durations


@pytest.mark.parametrize(
    "text",
    [
        "Section 8 or 30 days, in 2023 or 30 days, May 5 or 30 days",
        "Milestone 2 or 30 days, Stage 3 or 30 days, Tranche 1 or 30 days",
    ],
)
def test_bare_figures_after_names_are_not_periods(text):
    assert found_durations(text) == [(30, "days")] * 3
