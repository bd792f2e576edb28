import dataclasses

import pytest

from clausescan.config import ExtractConfig, page_numbers
from clausescan.errors import UsageError


@pytest.mark.parametrize(
    "options",
    [
        {"budget": 100},
        {"types": ()},
        {"types": ("termination", "termination")},
        {"types": ("warranty",)},
        {"max_pixels": 0},
        {"max_pixels": 10**9},
        {"max_bytes": 0},
        {"max_pages": 0},
        {"pdf_dpi": 10},
        {"pdf_pages": ()},
        {"pdf_pages": (0,)},
    ],
)
def test_options_that_make_no_sense_are_refused(options):
    with pytest.raises(UsageError, match="--"):
        ExtractConfig(**options)


def test_it_is_frozen():
    with pytest.raises(dataclasses.FrozenInstanceError):
        ExtractConfig().budget = 64


@pytest.mark.parametrize(("text", "pages"), [("1", (1,)), ("1,3-5", (1, 3, 4, 5)), (" 2 , 1-2", (2, 1))])
def test_page_numbers(text, pages):
    assert page_numbers(text) == pages


@pytest.mark.parametrize("text", ["", "a", "0", "3-1", "1-", "-1", "1,,2", "1-99999999", "²"])
def test_wrong_page_numbers(text):
    with pytest.raises(UsageError):
        page_numbers(text)
