"""A page in a process of its own, with homes of its own, and a browser that looks at it."""

import os
import re
import signal
import subprocess
import sys
import time
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[1]
REAL = ("-m", "clausescan", "ui", "--no-browser", "--port", "0")
FAKE = ("-m", "tests.ui_fake", "127.0.0.1", "0")


@dataclass
class Running:
    url: str
    process: subprocess.Popen
    home: Path
    log: Path

    @property
    def cache(self):
        """The folder of the running pages' folders."""
        return self.home / "cache" / "clausescan" / "ui"

    def end(self, number=signal.SIGTERM):
        """Send a signal; the status it ended with."""
        self.process.send_signal(number)
        return self.process.wait(60)


def environment(home):
    """Everything that a program may write lies below `home`."""
    places = {"HOME": home, "XDG_CACHE_HOME": home / "cache", "XDG_CONFIG_HOME": home / "config", "TMPDIR": home / "tmp"}
    for place in places.values():
        place.mkdir(parents=True, exist_ok=True)
    chosen = {name: str(place) for name, place in places.items()}
    return os.environ | chosen | {"PYTHONPATH": str(ROOT), "HF_HUB_OFFLINE": "1", "USER": "tester", "LOGNAME": "tester"}


@contextmanager
def running(home, command=FAKE, *more, before=()):
    """The page, until the block ends."""
    home.mkdir(exist_ok=True)
    log = home / "stderr.txt"
    with log.open("a") as stream:
        process = subprocess.Popen(
            [*before, sys.executable, *command, *more],
            cwd=ROOT,
            env=environment(home),
            stdout=subprocess.PIPE,
            stderr=stream,
            text=True,
        )
        try:
            line = process.stdout.readline()
            found = re.search(r"https?://\S+", line)
            assert found, line + log.read_text()
            yield Running(found[0], process, home, log)
        finally:
            if process.poll() is None:
                process.terminate()
                process.wait(60)
            process.stdout.close()


def wait_for(condition, seconds=120):
    """Until it holds."""
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it took too long"
        time.sleep(0.05)
