import pytest

from tests.quantities_found import found_durations


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("within hundred and eighty days, in the hundred and twenty days", [(180, "days"), (120, "days")]),
        ("tw0 hundred and eighty (180) days", [(180, "days")]),
        ("[***] hundred and eighty days, several thousand five hundred days", []),
        ("one hundred and eighty days", [(180, "days")]),
        ("between one hundred and two hundred days", [(100, "days"), (200, "days")]),
    ],
)
def test_the_rest_of_a_number_is_not_another(text, expected):
    assert found_durations(text) == expected
