"""What a batch writes where: a folder of its own, names that fit, parts that failed, pages that say what is known of them."""

import os
from itertools import count

import pytest

from clausescan import scan
from clausescan.batch.job import work
from clausescan.batch.run import run_batch
from clausescan.batch.settings import BatchSettings
from clausescan.config import ExtractConfig
from clausescan.errors import ModelError, UsageError
from clausescan.schema.batch_result import DocumentResult
from tests import batch_fake
from tests.test_batch_run import Inline, small_photo, small_picture
from tests.test_export_formats import Tags


@pytest.fixture(autouse=True)
def same_rectifier(monkeypatch):
    monkeypatch.setattr(scan, "rectify", scan.rectify)  # the fake puts in its own
    monkeypatch.setattr(os, "fsync", lambda descriptor: None)


@pytest.fixture
def batch(tmp_path):
    def run(runner=None, **options):
        inline = Inline()
        settings = BatchSettings(tmp_path / "in", tmp_path / "out", **options)
        outcome = run_batch(settings, runner=runner or inline, model=batch_fake.identity)
        return outcome, inline.done

    return run


def frames(path, number):
    path.parent.mkdir(exist_ok=True)
    pages = [small_picture().copy() for _ in range(number)]
    for i, page in enumerate(pages):
        page.putpixel((0, 0), (i, 0, 0))
    pages[0].save(path, save_all=True, append_images=pages[1:])


def results(tmp_path):
    lines = (tmp_path / "out/results.jsonl").read_text().splitlines()
    return {r.document: r for r in map(DocumentResult.model_validate_json, lines)}


# Whose folder it is


def test_a_folder_with_files_of_ones_own_is_left_alone(batch, tmp_path):
    small_photo(tmp_path / "in/contract.png")
    (tmp_path / "out").mkdir()
    for name in ("contract.pdf", "summary.html"):
        (tmp_path / "out" / name).write_text("mine")
    with pytest.raises(UsageError, match=r"holds files that are no batch's results; choose an empty folder"):
        batch(formats=("pdf",))
    assert {p.name: p.read_text() for p in (tmp_path / "out").iterdir()} == {"contract.pdf": "mine", "summary.html": "mine"}


def test_an_empty_folder_and_results_of_before_are_taken(batch, tmp_path):
    small_photo(tmp_path / "in/contract.png")
    (tmp_path / "out").mkdir()
    (tmp_path / "out/.DS_Store").touch()  # hidden files are never results
    assert batch()[1] == ["contract.png"]
    assert batch()[1] == []


# Names


def test_a_name_too_long_costs_only_its_own_photo(batch, tmp_path):
    long = f"{'n' * 251}.png"
    for name in (long, f"{'é' * 100}.png", "a.png"):
        small_photo(tmp_path / "in" / name)
    outcome, done = batch(formats=("coco",))
    assert (outcome.exit_code, outcome.statuses, len(done)) == (6, {"done": 2, "failed": 1}, 3)
    failed = results(tmp_path)[long].files[0]
    assert failed.reason == "limits"
    assert failed.message.startswith("its name is too long")
    assert batch(formats=("coco",))[1] == []
    assert not [p for p in (tmp_path / "out").rglob("*") if "nnn" in p.name]


# What failed in part


def failing(pages):
    """Does the jobs with a model that fails at these pages, counted from 1 over all."""

    def runner(jobs, workers, limits, loader, config):
        model = batch_fake.load(config)
        find, number = model.find, count(1)

        def find_or_fail(*arguments):
            if next(number) in pages:
                raise ModelError("the server is busy")
            return find(*arguments)

        model.find = find_or_fail
        for job in jobs:
            yield work(job, model)

    return runner


def test_a_document_that_failed_in_part_is_retried_when_asked(batch, tmp_path):
    frames(tmp_path / "in/whole.tiff", 2)
    frames(tmp_path / "in/part.tiff", 2)
    assert batch(failing({1}))[0].statuses == {"partial": 1, "done": 1}
    assert batch()[1] == []
    assert batch(retry_failed=True)[1] == ["part.tiff"]
    assert batch(retry_failed=True)[0].statuses == {"done": 2}


def test_a_page_that_cannot_be_read_is_not_retried(batch, tmp_path):
    small_photo(tmp_path / "in/blank.png")
    assert batch()[0].statuses == {"unreadable": 1}
    assert batch(retry_failed=True)[1] == []


# Pages


def test_pages_have_the_numbers_of_their_file_and_are_joined_only_in_a_row(batch, tmp_path):
    frames(tmp_path / "in/x_p2.tiff", 7)  # on each page, a clause that comes from before and goes on
    config = ExtractConfig(types=("termination", "renewal"), pdf_pages=(1, 2, 7))
    batch(config=config)
    (result,) = results(tmp_path).values()
    assert [[part.page for part in joined.parts] for joined in result.joined] == [[0, 1]]
    page = Tags((tmp_path / "out/summary.html").read_text())
    assert [text.removeprefix(", page ") for text in page.text if text.startswith("x_p2.tiff, page ")] == [
        f"x_p2.tiff, page {number}" for number in (1, 2, 7)
    ]
    assert [text for text in page.text if text in "1234567"][-3:] == ["1", "2", "7"]
    assert len(page.every("img")) == 3


def test_no_page_is_said_to_be_without_clause_that_may_have_one(batch, tmp_path):
    small_photo(tmp_path / "in/_p1.png")
    small_photo(tmp_path / "in/blank.png")
    (tmp_path / "in/bad.jpg").write_bytes(b"hello")
    batch(config=ExtractConfig(types=("renewal",)))
    text = (tmp_path / "out/summary.html").read_text()
    assert text.count("no clause quoted; cannot tell: Renewal") == 2
    assert "page 1<br>failed" in text
    assert "<br>no clause<" not in text
