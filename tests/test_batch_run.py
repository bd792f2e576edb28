"""Whole batches in this process; those with workers of their own are in `test_batch_workers`, the command in `test_batch_cli`."""

import csv
import functools
import hashlib
import io
import json
import os
import re
import shutil
import subprocess
from pathlib import Path

import jsonschema
import pytest

from clausescan import scan
from clausescan.batch.job import Outcome
from clausescan.batch.run import run_batch
from clausescan.batch.settings import BatchSettings
from clausescan.config import ExtractConfig
from clausescan.errors import InputError, ModelError, OutputError, UsageError
from clausescan.export.formats import FORMATS
from clausescan.schema.batch_result import DocumentResult
from clausescan.schema.generated import all_schemas
from clausescan.schema.report import Report
from tests import batch_fake, specimen
from tests.test_export_formats import Tags


@functools.cache
def small_picture():
    return specimen.picture().resize((512, 350))


def small_photo(path):
    """A page that differs from every other by a pixel."""
    path.parent.mkdir(parents=True, exist_ok=True)
    picture = small_picture().copy()
    picture.putpixel((0, 0), tuple(hashlib.sha256(path.name.encode()).digest()[:3]))
    picture.save(path, compress_level=1)


def tree(out):
    """Every file of an output folder but those that are told to change."""
    own = (".clausescan/timings.jsonl",)
    files = {p.relative_to(out).as_posix(): p.read_bytes() for p in out.rglob("*") if p.is_file()}
    return {name: data for name, data in files.items() if name not in own}


@pytest.fixture(autouse=True)
def same_rectifier(monkeypatch):
    monkeypatch.setattr(scan, "rectify", scan.rectify)  # the fake puts in its own
    monkeypatch.setattr(os, "fsync", lambda descriptor: None)  # no power cut is tried here, and a busy disk is slow


@pytest.fixture
def photos(tmp_path):
    folder = tmp_path / "in"
    for name in ("a.png", "sub/b.png", "sub/blank.png", "x_p1.png", "x_p2.png", "x_p3.png"):
        small_photo(folder / name)
    (folder / "bad.jpg").write_bytes(b"hello")
    return folder


class Inline:
    """Does the jobs in this process and remembers which they were."""

    def __init__(self):
        self.done = []

    def __call__(self, jobs, *rest):
        def noted():
            for job in jobs:
                self.done.append(job.file)
                yield job

        return batch_fake.inline(noted(), *rest)


@pytest.fixture
def batch(photos, tmp_path):
    def run(out="out", runner=None, **options):
        inline = Inline()
        settings = BatchSettings(photos, tmp_path / out, **options)
        outcome = run_batch(settings, runner=runner or inline, model=batch_fake.identity)
        return outcome, sorted(inline.done)

    return run


def test_every_photo_gets_its_report_and_formats(batch, photos, tmp_path):
    outcome, done = batch(formats=tuple(FORMATS))
    assert (outcome.exit_code, outcome.statuses) == (6, {"done": 5, "unreadable": 1, "failed": 1})
    assert len(done) == 7
    names = set(tree(tmp_path / "out"))
    for base in ("a", "sub/b", "sub/blank", "x_p1"):
        assert {f"{base}{f.suffix}" for f in FORMATS.values()} <= names
    assert not [n for n in names if "bad" in n or n.endswith(".tmp") or "/work" in n]
    report = Report.model_validate_json((tmp_path / "out/sub/b.json").read_text())
    assert (len(report.clauses), report.seconds, report.pages[0].seconds) == (3, {}, {})
    timings = [json.loads(line) for line in (tmp_path / "out/.clausescan/timings.jsonl").read_text().splitlines()]
    assert {t["file"] for t in timings if "read" in t["seconds"]} == {"a.png", "sub/b.png", "x_p1.png", "x_p2.png", "x_p3.png"}


def test_the_results_hold_every_document(batch, tmp_path):
    batch(documents=r"(?P<contract>x)_p")
    lines = (tmp_path / "out/results.jsonl").read_text().splitlines()
    for line in lines:
        jsonschema.validate(json.loads(line), json.loads(all_schemas()["document.json"]))
    results = {r.document: r for r in map(DocumentResult.model_validate_json, lines)}
    assert list(results) == ["a.png", "bad.jpg", "sub/b.png", "sub/blank.png", "x"]
    contract = results["x"]
    assert [f.file for f in contract.files] == ["x_p1.png", "x_p2.png", "x_p3.png"]
    assert [p.source.name for p in contract.report.pages] == ["x_p1.png", "x_p2.png", "x_p3.png"]
    (joined,) = contract.joined
    assert [(p.clause, p.page, p.file) for p in joined.parts] == [(i, i, f"x_p{i + 1}.png") for i in range(3)]
    bad = results["bad.jpg"].files[0]
    assert (bad.status, bad.reason, results["bad.jpg"].report) == ("failed", "input", None)
    assert results["sub/blank.png"].files[0].status == "unreadable"
    rows = list(csv.DictReader(io.StringIO((tmp_path / "out/results.csv").read_text(), newline="")))
    assert [(r["document"], r["file"], r["joined_with"]) for r in rows if r["document"] == "x"] == [
        ("x", "x_p1.png", "2, 3"),
        ("x", "x_p2.png", "1, 3"),
        ("x", "x_p3.png", "1, 2"),
    ]
    assert [r["file"] for r in rows].count("sub/b.png") == 3


def test_the_summary_shows_what_needs_a_person(batch, photos, tmp_path):
    small_photo(photos / "<script>alert(1)<script>.png")
    small_photo(photos / "<img src=x onerror=alert(1)> blank.png")
    batch(formats=("html",))
    text = (tmp_path / "out/summary.html").read_text()
    page = Tags(text)
    assert page._open == []
    assert {t for t, _ in page.tags} <= set(
        "html head meta title style body h1 h2 table tr th td a br div figure img figcaption".split()
    )
    assert not [a for _, attributes in page.tags for a in attributes if a.startswith("on")]
    assert "Pages that need a person: 3" in page.text
    assert "failed: bad.jpg: is not a photo that can be read (JPEG, PNG, WEBP, TIFF, BMP, HEIC or PDF)" in page.text
    assert all(a["src"].startswith("data:image/jpeg;base64,") for a in page.every("img"))
    assert len(page.every("img")) == 8
    assert len(page.every("figure")) == 9
    for link in page.every("a"):
        assert link["href"].startswith("./")
    assert "<b>termination" not in text
    assert "Content-Security-Policy" in text


def test_only_what_changed_is_done_again(batch, photos, tmp_path, monkeypatch):
    batch()
    first = tree(tmp_path / "out")
    assert batch()[1] == []
    assert tree(tmp_path / "out") == first
    small_photo(photos / "new.png")
    with (photos / "a.png").open("ab") as stream:
        stream.write(b"more")
    assert batch()[1] == ["a.png", "new.png"]
    (tmp_path / "out/sub/b.json").unlink()
    (tmp_path / "out/x_p1.json").write_text("{")
    assert batch()[1] == ["sub/b.png", "x_p1.png"]
    assert len(batch(formats=("csv",))[1]) == 8
    assert len(batch(config=ExtractConfig(budget=64))[1]) == 8
    assert not (tmp_path / "out/a.csv").exists()
    monkeypatch.setenv("FAKE_MODEL", "m2")
    assert len(batch()[1]) == 8
    monkeypatch.setattr("clausescan.prompt.combined_sha256", lambda prompts: "0" * 64)
    assert len(batch()[1]) == 8
    assert batch(documents="(?P<c>x)_p", timeout=5, workers=2)[1] == []


def test_a_second_photo_of_the_same_stem_renames_the_first(batch, photos, tmp_path):
    batch()
    shutil.copy(photos / "sub/b.png", photos / "a.webp")
    assert batch()[1] == ["a.png", "a.webp"]
    names = set(tree(tmp_path / "out"))
    assert {"a.png.json", "a.webp.json"} <= names
    assert "a.json" not in names


def test_a_failure_is_kept_until_it_is_retried(batch, tmp_path):
    def out_of_time(jobs, *rest):
        for job in jobs:
            if job.file == "a.png":
                yield Outcome(job, "failed", "timeout", "took too long", job.sha256)
            else:
                yield from batch_fake.inline(iter([job]), *rest)

    assert batch(runner=out_of_time)[0].statuses == {"done": 4, "unreadable": 1, "failed": 2}
    assert not (tmp_path / "out/a.json").exists()
    assert batch()[1] == []
    assert batch(retry_failed=True)[1] == ["a.png", "bad.jpg"]
    assert batch()[0].statuses == {"done": 5, "unreadable": 1, "failed": 1}
    batch(out="other")
    assert tree(tmp_path / "other") == tree(tmp_path / "out")


class KilledError(BaseException):
    """What a process does not survive."""


def test_killed_at_any_step_it_gives_the_same_bytes(batch, tmp_path, monkeypatch):
    """Dies at the n-th rename, flush, write to the journal or removal, for every n; then goes on."""
    options = {"include": ("a.png", "sub", "*_p1.png", "bad.jpg"), "formats": ("csv",)}
    batch("whole", **options)
    whole = tree(tmp_path / "whole")
    steps = {Path: ["replace", "unlink"], os: ["fsync", "write"], shutil: ["rmtree"]}
    for n in range(1, 500, 3):
        count = 0

        def mortal(function, last=n):
            def call(*arguments, **options):
                nonlocal count
                count += 1
                if count >= last:
                    raise KilledError
                return function(*arguments, **options)

            return call

        with monkeypatch.context() as patch:
            for owner, names in steps.items():
                for name in names:
                    patch.setattr(owner, name, mortal(getattr(owner, name)))
            try:
                batch("out", **options)
            except KilledError:
                pass
            else:
                break
        for name, data in tree(tmp_path / "out").items():
            if name.endswith(".json") and "/work/" not in name:
                json.loads(data)
            assert ".tmp" not in name or "/work/" in name
        if n % 9 == 1:
            assert len(batch("out", **options)[1]) <= 5
            assert tree(tmp_path / "out") == whole
            shutil.rmtree(tmp_path / "out")
    else:
        pytest.fail("it never came to an end")
    assert tree(tmp_path / "out") == whole


def test_usage_and_input_errors(batch, photos, tmp_path):
    for options, error in (
        ({"out": "in"}, UsageError),
        ({"out": "."}, UsageError),
        ({"workers": 0}, UsageError),
        ({"timeout": 0}, UsageError),
        ({"timeout": float("nan")}, UsageError),
        ({"memory_mb": -1}, UsageError),
        ({"documents": "(?P<a>x)", "manifest": tmp_path / "m"}, UsageError),
        ({"documents": "x"}, UsageError),
        ({"include": ("*.nothing",)}, InputError),
    ):
        with pytest.raises(error):
            batch(**options)
    assert not (tmp_path / "out").exists()
    with pytest.raises(InputError):
        BatchSettings(tmp_path / "none", tmp_path / "out")
    with pytest.raises(ModelError, match="never fetched"):
        run_batch(BatchSettings(photos, tmp_path / "out", ExtractConfig(model="someone/model")))
    (tmp_path / "m.csv").write_text("document,file\nA,none.png\n")
    with pytest.raises(UsageError):
        batch(manifest=tmp_path / "m.csv")


def test_patterns_that_leave_no_photo_are_named(batch, photos):
    for include, told in (
        (("*.jpgg",), "no photo in it; nothing matches the pattern *.jpgg"),
        (("*.jpgg", "sub/*.gif"), "no photo in it; nothing matches any of the patterns *.jpgg, sub/*.gif"),
    ):
        with pytest.raises(InputError, match=f"^{re.escape(f'{photos}: {told}')}$"):
            batch(include=include)
    with pytest.raises(InputError, match=r"no photo in it$"):
        batch(include=("*.jpg",), exclude=("bad.*",))


def test_results_within_the_folder_of_photos_are_not_read(batch, photos):
    assert len(batch("in/results", formats=("png",))[1]) == 7
    assert batch("in/results", formats=("png",))[1] == []


def test_an_output_folder_that_cannot_be_written(batch, tmp_path):
    (tmp_path / "file").touch()
    for out in ("file", "file/under"):
        with pytest.raises(OutputError):
            batch(out)
    (tmp_path / "out/a.json").mkdir(parents=True)
    (tmp_path / "out/.clausescan").mkdir()
    with pytest.raises(OutputError, match=r"a\.json"):
        batch()


@pytest.fixture
def mounted(tmp_path):
    """A small disk, and a way to change its options."""
    place = tmp_path / "disk"
    place.mkdir()

    def mount(options):
        return subprocess.run(["mount", "-t", "tmpfs", "-o", options, "none", place], capture_output=True).returncode == 0

    if not mount("size=100k"):
        pytest.skip("needs the right to mount")
    yield place, mount
    subprocess.run(["umount", "-l", place], check=True)


def test_a_full_and_a_read_only_disk(batch, tmp_path, mounted):
    place, mount = mounted
    with pytest.raises(OutputError, match="No space left"):
        batch("disk/out", formats=("html",))
    for name, data in tree(place / "out").items():
        assert ".tmp" not in name
        if name.endswith(".json"):
            Report.model_validate_json(data)
    assert mount("remount,ro")
    with pytest.raises(OutputError, match="Read-only"):
        batch("disk/out", formats=("html",))
    assert mount("remount,rw,size=20m")
    assert len(batch("disk/out", formats=("html",))[1]) < 7
    batch("whole", formats=("html",))
    assert tree(place / "out") == tree(tmp_path / "whole")
