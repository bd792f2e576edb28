import dataclasses
import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from PIL import Image

from clausescan import __version__, scan
from clausescan.errors import EXIT_CODES, ClausescanError, ModelError
from clausescan.schema.generated import all_schemas
from clausescan.schema.report import Report, Transcript
from tests import specimen

ROOT = Path(__file__).parents[1]


@pytest.fixture
def model(monkeypatch, fake_model):
    """What the command line takes for the shipped model."""
    monkeypatch.setattr(scan._Run, "model", property(lambda self: fake_model))
    return fake_model


def clausescan(*arguments, **options):
    return subprocess.run([sys.executable, "-m", "clausescan", *arguments], cwd=ROOT, capture_output=True, text=True, **options)


def test_json_goes_to_a_pipe(run, model, photo_file):
    status, out, err = run("extract", photo_file)
    assert (status, err) == (0, "")
    assert len(Report.model_validate_json(out).clauses) == 3


def test_a_terminal_shows_a_table(run, model, photo_file, terminal):
    status, out, _ = run("extract", photo_file)
    assert status == 0
    assert "Limitation of Liability" in out
    assert "cure_periods: 10 business" in out
    assert "Termination: found 95%" in out
    status, out, _ = run("extract", photo_file, "--json", "-")
    assert len(json.loads(out)["clauses"]) == 3
    status, out, _ = run("read", photo_file)
    assert out.splitlines() == list(specimen.LINES)


def test_json_and_overlay_files(run, model, photo_file, tmp_path):
    status, out, err = run(
        "extract", photo_file, photo_file, "--json", tmp_path / "r.json", "--overlay", tmp_path / "o.jpg", "--types", "indemnity"
    )
    assert (status, out, err) == (0, "", "")
    report = Report.model_validate_json((tmp_path / "r.json").read_text())
    assert [c.type for c in report.clauses] == ["indemnity", "indemnity"]
    assert Image.open(tmp_path / "o.jpg").size == Image.open(tmp_path / "o-2.jpg").size == (2048, 1400)


def test_read_to_json(run, model, photo_file):
    status, out, _ = run("read", photo_file)
    assert status == 0
    assert [line.text for line in Transcript.model_validate_json(out).pages[0].lines] == list(specimen.LINES)


@pytest.mark.parametrize(
    "arguments",
    [
        (),
        ("bogus",),
        ("extract",),
        ("extract", "x.jpg", "--budget", "100"),
        ("extract", "x.jpg", "--budget", "many"),
        ("extract", "x.jpg", "--types", "warranty"),
        ("extract", "x.jpg", "--pages", "3-1"),
        ("extract", "x.jpg", "--overlay", "x.gif"),
        ("extract", "x.jpg", "--overlay", "x.jpg"),
        ("extract", "x.jpg", "--bogus"),
        ("schema", "bogus"),
    ],
)
def test_usage_errors_end_with_2(run, arguments):
    status, out, err = run(*arguments)
    assert (status, out) == (2, "")
    assert len(err.splitlines()) == 1


def test_bad_input_ends_with_3(run, model, tmp_path, photo_file):
    for name, data in (("empty.jpg", b""), ("text.jpg", b"hello"), ("cut.png", photo_file.read_bytes()[:5000])):
        (tmp_path / name).write_bytes(data)
        status, out, err = run("extract", tmp_path / name)
        assert (status, out) == (3, "")
        assert name in err
        assert len(err.splitlines()) == 1
    assert run("extract", tmp_path)[0] == run("extract", tmp_path / "missing.jpg")[0] == 3


def test_an_unreadable_page_gives_a_report_and_3(run, monkeypatch, model, photo_file):
    model.text = specimen.reading(())
    status, out, err = run("extract", photo_file)
    assert status == 3
    assert "unreadable" in err
    report = Report.model_validate_json(out)
    assert {v.verdict for v in report.verdicts.values()} == {"cannot_tell"}


def test_a_missing_model_ends_with_4(run, monkeypatch, flat, photo_file):
    def missing(self):
        raise ModelError("no weights")

    monkeypatch.setattr(scan._Run, "model", property(missing))
    assert run("extract", photo_file) == (4, "", "clausescan: no weights\n")


def test_a_model_is_a_folder_and_never_fetched(run, flat, photo_file):
    status, out, err = run("extract", photo_file, "--model", "someone/some-model")
    assert (status, out) == (4, "")
    assert "never fetched" in err


def test_an_output_that_cannot_be_written_ends_with_5_before_anything_is_read(run, model, photo_file, tmp_path):
    (tmp_path / "file").touch()
    for option in ("--json", "--overlay"):
        for target in (tmp_path / "none" / "a.jpg", tmp_path / "file" / "a.jpg"):
            status, _, err = run("extract", photo_file, option, target)
            assert status == 5
            assert "cannot write" in err
    assert model.pages == 0


def test_a_part_that_failed_ends_with_6_and_a_report(run, model, photo_file, tmp_path):
    status, out, err = run("extract", photo_file, tmp_path / "missing.jpg")
    assert status == 6
    assert len(Report.model_validate_json(out).clauses) == 3
    assert err == "clausescan: page 2 failed: missing.jpg: no such file\n"


def test_internal_errors_quote_nothing(run, monkeypatch, model, photo_file):
    def broken(*_):
        raise RuntimeError(f"cannot handle {specimen.CANARY}")

    monkeypatch.setattr(scan, "ground", broken)
    status, out, err = run("extract", photo_file)
    assert (status, out) == (1, "")
    assert specimen.CANARY not in err
    assert "RuntimeError at" in err
    assert "Traceback" not in err


def test_an_interrupt_ends_with_130(run, monkeypatch, model, photo_file):
    def stop(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(scan, "ground", stop)
    assert run("extract", photo_file)[0] == 130


def test_a_real_interrupt():
    code = (
        "import time\nfrom clausescan import cli, photo\n"
        "photo._bytes = lambda *_: print('ready', flush=True) or time.sleep(60)\ncli.main(['extract', '-'])"
    )
    process = subprocess.Popen([sys.executable, "-c", code], cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert process.stdout.readline() == "ready\n"
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=20)
    assert (process.returncode, err) == (130, "clausescan: interrupted\n")


def test_schemas_are_printed(run):
    status, out, _ = run("schema")
    assert out.split() == [name.removesuffix(".json") for name in all_schemas()]
    status, out, _ = run("schema", "report")
    assert (status, json.loads(out)["title"]) == (0, "Report")


def test_the_doctor_finds_what_is_wrong(run, monkeypatch):
    from clausescan import tables

    monkeypatch.setattr(tables, "_weights", lambda: "fake loads")
    status, out, _ = run("doctor")
    assert (status, "in step" in out) == (0, True)

    def wrong():
        raise ModelError("the hash is wrong")

    monkeypatch.setattr(tables, "_weights", wrong)
    status, out, _ = run("doctor")
    assert status == 4
    assert "WRONG: the hash is wrong" in out


def test_version_help_and_completion():
    assert clausescan("--version").stdout == f"clausescan {__version__}\n"
    for arguments in (["--help"], ["extract", "--help"], ["read", "--help"], ["schema", "--help"], ["doctor", "--help"]):
        assert clausescan(*arguments).returncode == 0
    script = clausescan("--show-completion", "bash", env=os.environ | {"_TYPER_COMPLETE_TEST_DISABLE_SHELL_DETECTION": "1"})
    assert "complete" in script.stdout


def test_help_names_every_exit_code():
    assert all(f"{code} {meaning.split()[0]}" in clausescan("--help").stdout for code, meaning in EXIT_CODES.items())


def test_help_is_light():
    code = (
        "import sys, time\nfrom clausescan.cli import run_command\nstatus = run_command(['--help'])\n"
        "heavy = [m for m in ('torch', 'transformers', 'cv2', 'gradio', 'scipy', 'numpy') if m in sys.modules]\n"
        "print(status, heavy, time.process_time(), file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    status, heavy, seconds = done.stderr.split()
    assert (status, heavy) == ("0", "[]")
    assert float(seconds) < 0.5


def test_every_error_has_a_documented_code():
    def classes(root):
        return [root, *(c for s in root.__subclasses__() for c in classes(s))]

    assert {c.exit_code for c in classes(ClausescanError)} <= set(EXIT_CODES)


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full")
def test_a_full_standard_output_cannot_be_written():
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(
            [sys.executable, "-m", "clausescan", "schema", "report"], cwd=ROOT, stdout=full, stderr=subprocess.PIPE, text=True
        )
    assert (done.returncode, done.stderr.count("\n")) == (5, 1)
    assert "cannot write standard output" in done.stderr


def test_an_overlay_of_another_photo_does_not_stay(run, model, photo_file, tmp_path):
    overlay = tmp_path / "marked.png"
    assert run("extract", photo_file, "--overlay", overlay)[0] == 0
    Image.new("RGB", (800, 600), "white").save(tmp_path / "blank.png")
    model.text = specimen.reading(())
    assert run("extract", tmp_path / "blank.png", "--overlay", overlay)[0] == 3
    assert not overlay.exists()


def test_an_invalid_answer_is_told_on_stderr(run, model, photo_file):
    model.passages = (dataclasses.replace(specimen.TERMINATION, answer_json="{"),)
    status, out, err = run("extract", photo_file, "--json", "-")
    assert (status, len(Report.model_validate_json(out).clauses)) == (4, 1)
    assert err == "clausescan: page 1: the model's answer on a passage was invalid; its fields are missing\n"
