"""Batches with processes of their own, some of which come to harm."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from clausescan.batch import settings as batch_settings
from clausescan.batch.run import run_batch
from clausescan.batch.settings import BatchSettings
from clausescan.batch.workers import Limits, _Pool, _Worker
from clausescan.config import ExtractConfig
from clausescan.errors import ModelError, OutputError, UsageError
from tests import batch_fake, specimen
from tests.test_batch_run import small_photo, tree

ROOT = Path(__file__).parents[1]


def batch(folder, out, **options):
    return run_batch(BatchSettings(folder, out, **options), loader=batch_fake.LOADER, model=batch_fake.identity)


def test_a_photo_that_harms_its_worker_is_recorded_and_the_rest_goes_on(tmp_path, capfd):
    for name in ("a", "bug", "crash", "eat", "hang", "sub/b", "z"):
        small_photo(tmp_path / f"in/{name}.png")
    outcome = batch(tmp_path / "in", tmp_path / "out", workers=2, timeout=12, memory_mb=200)
    assert (outcome.exit_code, outcome.statuses) == (6, {"done": 3, "failed": 4})
    results = [json.loads(line) for line in (tmp_path / "out/results.jsonl").read_text().splitlines()]
    reasons = {r["document"]: r["files"][0]["reason"] for r in results}
    assert reasons == {
        "a.png": None,
        "bug.png": "internal",
        "crash.png": "crashed",
        "eat.png": "memory",
        "hang.png": "timeout",
        "sub/b.png": None,
        "z.png": None,
    }
    assert specimen.CANARY not in json.dumps(results)
    assert specimen.CANARY not in "".join(capfd.readouterr())
    assert not (tmp_path / "out/.clausescan/work").exists()


@pytest.mark.parametrize("workers", [1, 2])
def test_what_earlier_photos_left_in_memory_fails_no_photo(tmp_path, workers):
    for name in ("a", "eat", "hoard1", "hoard2", "hoard3", "z"):
        small_photo(tmp_path / f"in/{name}.png")
    outcome = batch(tmp_path / "in", tmp_path / "out", workers=workers, memory_mb=400)
    assert outcome.statuses == {"done": 5, "failed": 1}
    results = [json.loads(line) for line in (tmp_path / "out/results.jsonl").read_text().splitlines()]
    assert [r["document"] for r in results if r["files"][0]["reason"] == "memory"] == ["eat.png"]


class Pipe:
    """Takes jobs, as a worker would."""

    def __init__(self):
        self.jobs = []

    def send(self, job):
        self.jobs.append(job)


def test_a_job_that_comes_back_wakes_only_a_fresh_worker():
    pool = _Pool(iter([]), 2, Limits(), "", ExtractConfig())
    used, fresh = (_Worker(None, Pipe(), ready=True, done=done) for done in (3, 0))
    pool._workers += [used, fresh]
    pool._again.append("job")
    assert pool.keep_up()
    assert (used.pipe.jobs, fresh.pipe.jobs) == ([], ["job"])


def test_a_model_that_cannot_be_loaded_ends_the_batch(tmp_path):
    small_photo(tmp_path / "in/a.png")
    for marker, message in (("broken", "damaged"), ("dead", "ended while it loaded")):
        folder = tmp_path / marker
        folder.mkdir()
        (folder / marker).touch()
        with pytest.raises(ModelError, match=message):
            batch(tmp_path / "in", tmp_path / "out", config=ExtractConfig(model=str(folder)))
    with pytest.raises(UsageError, match="model alone"):
        batch(tmp_path / "in", tmp_path / "out", memory_mb=5)
    assert not list((tmp_path / "out").glob("*.json"))


def started(*arguments):
    environment = os.environ | {"PYTHONPATH": f"{ROOT}{os.pathsep}{os.environ.get('PYTHONPATH', '')}"}
    command = [sys.executable, "-m", "tests.batch_fake", *map(str, arguments)]
    return subprocess.Popen(
        command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, start_new_session=True
    )


def lines(journal):
    return journal.read_bytes().count(b"\n") if journal.exists() else 0


def wait_for(condition, process):
    while not condition():
        assert process.poll() is None, process.stderr.read().decode()
        time.sleep(0.01)


def alive(session):
    """Processes of a session, by /proc."""
    found = []
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = stat.read_text().rpartition(")")[2].split()
        except OSError:
            continue
        if int(fields[3]) == session and fields[0] != "Z":
            found.append(int(stat.parent.name))
    return found


@pytest.mark.skipif(sys.platform != "linux", reason="looks at /proc")
def test_kill_9_and_resume_give_the_same_bytes(tmp_path, monkeypatch):
    for i in range(8):
        small_photo(tmp_path / f"in/slow{i}.png")
    out, journal = tmp_path / "out", tmp_path / "out/.clausescan/journal.jsonl"
    moments = (
        lambda: (out / ".clausescan/work").exists(),  # before anything is done
        lambda: lines(journal) >= 2,
        lambda: lines(journal) >= 4,
    )
    for moment in moments:
        process = started(tmp_path / "in", out, 2, "json,csv")
        wait_for(moment, process)
        time.sleep(0.1)  # into the middle of the next photo, which takes 0.25 s
        process.send_signal(signal.SIGKILL)
        process.wait()
        before = lines(journal)
        deadline = time.monotonic() + 10
        while alive(process.pid):
            assert time.monotonic() < deadline, "a worker outlived its batch"
            time.sleep(0.02)
        assert lines(journal) == before
        for name, data in tree(out).items():
            if "/work/" not in name and name.endswith(".json"):
                json.loads(data)
            assert ".tmp" not in name or "/work/" in name
        for line in journal.read_bytes().splitlines() if journal.exists() else ():
            json.loads(line)
    done = lines(journal)
    process = started(tmp_path / "in", out, 2, "json,csv")
    wait_for(lambda: lines(journal) > done, process)
    with pytest.raises(OutputError, match=f"process {process.pid}"):
        batch(tmp_path / "in", out)
    assert process.wait(120) == 0
    timed = [json.loads(line)["file"] for line in (out / ".clausescan/timings.jsonl").read_text().splitlines()]
    assert len(set(timed)) == len(timed)  # nothing was done twice that was in the journal
    from clausescan import scan

    monkeypatch.setattr(scan, "rectify", scan.rectify)
    settings = BatchSettings(tmp_path / "in", tmp_path / "whole", formats=("json", "csv"))
    run_batch(settings, runner=batch_fake.inline, model=batch_fake.identity)
    assert tree(out) == tree(tmp_path / "whole")


@pytest.mark.skipif(sys.platform != "linux", reason="looks at /proc")
def test_an_interrupt_ends_every_process(tmp_path):
    for i in range(6):
        small_photo(tmp_path / f"in/slow{i}.png")
    process = started(tmp_path / "in", tmp_path / "out", 2, "json")
    wait_for(lambda: lines(tmp_path / "out/.clausescan/journal.jsonl") >= 1, process)
    os.killpg(process.pid, signal.SIGINT)
    process.wait(60)
    assert process.returncode != 0
    end = time.monotonic() + 10  # a worker that was told to go may take a moment to be gone
    while alive(process.pid) and time.monotonic() < end:
        time.sleep(0.05)
    assert not alive(process.pid)
    assert not (tmp_path / "out/.clausescan/work").exists()


def test_workers_are_no_more_than_the_cores():
    assert 1 <= batch_settings.default_workers(ExtractConfig()) <= 4


def test_a_worker_uses_one_thread():
    code = (
        "from clausescan.batch.workers import _one_thread\n_one_thread()\n"
        "import cv2, torch\nprint(torch.get_num_threads(), cv2.getNumThreads())"
    )
    environment = {k: v for k, v in os.environ.items() if not k.endswith("_NUM_THREADS")}
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, env=environment, capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["1", "1"]


def test_help_is_light():
    code = (
        "import sys\nfrom clausescan.cli import run_command\nstatus = run_command(['batch', '--help'])\n"
        "heavy = ('torch', 'transformers', 'cv2', 'gradio', 'reportlab')\n"
        "print(status, [m for m in heavy if m in sys.modules], file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stderr == "0 []\n"
