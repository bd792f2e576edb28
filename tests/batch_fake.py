"""A model for batch workers, which import it by name, and a rectifier that does what a photo's file name says."""

import os
import signal
import sys
import time
from pathlib import Path

from clausescan import scan
from clausescan.batch.job import work
from clausescan.batch.run import run_batch
from clausescan.batch.settings import BatchSettings
from clausescan.errors import ModelError, UnreadablePageError
from tests import specimen

LOADER = "tests.batch_fake:load"
ONGOING = {
    "_p1": (specimen.TERMINATION, {"following": True}),
    "_p2": (specimen.TERMINATION, {"previous": True, "following": True}),
    "_p3": (specimen.TERMINATION, {"previous": True}),
}
FIELDS = {"for_convenience": False, "for_cause": True, "notice_periods": [{"value": 30, "unit": "days"}], "cure_periods": []}


def load(config):
    """The fake model; in a folder it may be told to fail, to be large, or to tell when it is at work."""
    folder = Path(config.model or "no model")
    if (folder / "broken").exists():
        raise ModelError("the weights are damaged")
    if (folder / "dead").exists():
        os.kill(os.getpid(), signal.SIGKILL)
    model = specimen.FakeModel()
    model.ballast = []

    def rectify(photo, *, readability=None):
        name = photo.name
        if "slow" in name:
            time.sleep(0.25)
        if "hang" in name:
            time.sleep(60)
        if "crash" in name:
            os.kill(os.getpid(), signal.SIGSEGV)
        if "eat" in name:
            while True:
                model.ballast.append(b"x" * 20_000_000)
        if "hoard" in name:
            model.ballast.append(b"x" * 200_000_000)
            time.sleep(0.5)  # long enough to be seen
        if "bug" in name:
            raise RuntimeError(f"cannot handle {specimen.CANARY}")
        if "blank" in name:
            raise UnreadablePageError(f"{name}: no page can be seen", "no_page")
        part = next((p for p in ONGOING if p in name), None)
        fresh = specimen.FakeModel()
        model.passages, model.presence = fresh.passages, fresh.presence
        if part:
            model.presence = {"termination": 0.95, "indemnity": 0.05, "liability_cap": 0.05}
            passage, flags = ONGOING[part]
            model.passages = (specimen.replace(passage, answer_json=specimen.answer_text(2, **flags, **FIELDS)),)
        return specimen.flat_rectify(photo)

    scan.rectify = rectify
    return model


def inline(jobs, workers, limits, loader, config):
    """All jobs in this process, one after the other."""
    model = load(config)
    for job in jobs:
        yield work(job, model)


def identity(config):
    """The model's hash, which a test may change."""
    return os.environ.get("FAKE_MODEL", "m1")


if __name__ == "__main__":
    folder, out, workers, formats = sys.argv[1:5]
    settings = BatchSettings(Path(folder), Path(out), workers=int(workers), formats=tuple(formats.split(",")))
    sys.exit(run_batch(settings, loader=LOADER, model=identity).exit_code)
