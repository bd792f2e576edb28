"""`clausescan batch` on the command line: what it says, where, and with which status it ends."""

import functools
import sys

import pytest
import rich.console

from clausescan import cli
from clausescan.batch import run as batch_run
from clausescan.batch.progress import Bar, Lines
from clausescan.batch.run import run_batch
from clausescan.batch.settings import BatchSettings
from tests import batch_fake
from tests.test_batch_run import Inline, photos, same_rectifier, small_photo

__all__ = ["photos", "same_rectifier"]  # fixtures


@pytest.fixture
def command(monkeypatch, capsys):
    """Run the command in this process: (status, stdout, stderr)."""
    monkeypatch.setattr(batch_run, "run_batch", functools.partial(run_batch, runner=Inline(), model=batch_fake.identity))

    def run(*arguments):
        status = cli.run_command(["batch", *map(str, arguments)])
        return status, *capsys.readouterr()

    return run


def test_the_command_line(photos, tmp_path, command):
    status, out, err = command(
        photos, "--out", tmp_path / "o", "--format", "csv", "--exclude", "bad*", "--exclude", "blank.png", "--workers", 1
    )
    assert (status, out) == (0, "5 photos: 5 done\n")
    assert err.splitlines()[0] == "1/5 a.png: 3 clauses"
    status, out, err = command(photos, "--out", tmp_path / "o", "--format", "csv")
    assert (status, out) == (6, "7 photos: 5 done, 1 failed, 1 unreadable\n")
    assert err.splitlines()[-1] == "5 of 7 were done before"
    assert (tmp_path / "o/a.csv").exists()
    assert command(photos)[0] == command(photos, "--out", tmp_path / "o", "--format", "docx")[0] == 2
    assert command(tmp_path / "none", "--out", tmp_path / "o")[0] == 3
    assert command(photos, "--out", photos / "a.png")[0] == 5
    assert command("--help")[0] == 0


def test_patterns_that_nothing_matches_are_told(photos, tmp_path, command):
    options = ("--include", "a.png", "--include", "*.jpgg", "--exclude", "draft/\x1b*")
    status, out, err = command(photos, "--out", tmp_path / "o", *options)
    assert (status, out) == (0, "1 photos: 1 done\n")
    assert err.splitlines()[1:] == [
        f"clausescan: nothing in {photos} matches the pattern *.jpgg",
        f"clausescan: nothing in {photos} matches the pattern draft/\ufffd*",
    ]
    status, out, err = command(photos, "--out", tmp_path / "none", "--include", "*.jpgg")
    assert (status, out) == (3, "")
    assert err == f"clausescan: {photos}: no photo in it; nothing matches the pattern *.jpgg\n"


def test_a_terminal_gets_a_bar(photos, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(rich.console, "Console", functools.partial(rich.console.Console, force_terminal=True, width=120))
    settings = BatchSettings(photos, tmp_path / "out")
    for _ in range(2):
        run_batch(settings, Bar(), runner=Inline(), model=batch_fake.identity)
    err = capsys.readouterr().err
    assert "7/7" in err
    assert "/min" in err
    assert "2 need a look" in err


def test_names_cannot_move_the_cursor(photos, tmp_path, capsys):
    small_photo(photos / "\x1b[2J.png")
    run_batch(BatchSettings(photos, tmp_path / "out"), Lines(sys.stderr), runner=Inline(), model=batch_fake.identity)
    assert "\x1b" not in capsys.readouterr().err
