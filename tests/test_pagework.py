import time
from dataclasses import replace

import pytest

from clausescan.errors import InputError, InternalError
from clausescan.page import Reading
from clausescan.pagework import STAGES, PageWork, guarded, source_of
from clausescan.photo import Photo
from tests import specimen


@pytest.fixture
def work(photo_file):
    return PageWork(3, source_of(photo_of(photo_file)))


def photo_of(path):
    from clausescan.config import ExtractConfig
    from clausescan.photo import pages

    [photo] = pages([path], ExtractConfig())
    assert isinstance(photo, Photo)
    return photo


def test_a_stage_that_is_entered_twice_is_told_once_and_its_time_adds_up(work):
    told = []
    work.on_stage = lambda index, stage: told.append((index, stage))
    for _ in range(2):
        with work.timed(STAGES[2]):
            time.sleep(0.02)
    assert told == [(3, "read")]
    assert 0.04 <= work.seconds["read"] < 0.2


def test_time_is_kept_of_a_stage_that_fails(work):
    with pytest.raises(ZeroDivisionError), work.timed("find"):
        work.index / 0
    assert "find" in work.seconds


@pytest.mark.parametrize("error", [InputError("torn"), MemoryError()])
def test_what_is_no_defect_of_ours_passes_a_guard(error):
    with pytest.raises(type(error)) as raised, guarded("page.png"):
        raise error
    assert raised.value is error


def test_a_defect_becomes_its_pages_error_that_says_where_and_quotes_nothing():
    told = r"^page\.png: internal error: ValueError at \w+\.py:\d+; please report it$"
    with pytest.raises(InternalError, match=told), guarded("page.png"):
        raise ValueError(specimen.CANARY)


def test_confidence_is_unknown_without_words_and_their_mean_with_them(work):
    assert work.confidence is None
    work.reading = Reading()
    assert work.confidence is None
    work.reading = specimen.reading(confidence=0.75)
    assert work.confidence == pytest.approx(0.75)


def test_what_gave_up_says_so_in_reports(work):
    work.give_up("unreadable", "blurred", "page.png: blurred")
    common = work.common()
    assert (common["status"], common["reason"], common["message"]) == ("unreadable", "blurred", "page.png: blurred")
    assert (common["index"], common["source"].name, common["steps"], common["defects"]) == (3, "page.png", (), ())
    assert work.tokens(()) == 0


def test_a_source_tells_its_name_and_hash_but_not_its_folder(photo_file):
    photo = photo_of(photo_file)
    source = source_of(photo)
    assert (source.name, source.sha256, source.size_bytes) == (photo_file.name, photo.sha256, photo_file.stat().st_size)
    assert source_of(replace(photo, name="other.jpg")).name == "other.jpg"
