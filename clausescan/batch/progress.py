"""What a person sees while a batch runs: a bar with rate and time left on a terminal, a plain line a photo elsewhere."""

from __future__ import annotations

import sys
import time
from typing import TYPE_CHECKING, Any, TextIO

if TYPE_CHECKING:
    from clausescan.batch.job import Outcome


class Progress:
    """Says nothing; what all others can do."""

    def start(self, total: int) -> None:
        """So many photos were found."""

    def skip(self) -> None:
        """One of them is done already."""

    def step(self, outcome: Outcome) -> None:
        """One of them is done now."""

    def end(self) -> None:
        """No more will come."""


class Lines(Progress):
    """A line a photo."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._total = self._done = self._skipped = 0

    def start(self, total: int) -> None:
        """See `Progress`."""
        self._total = total

    def skip(self) -> None:
        """See `Progress`."""
        self._skipped += 1
        self._done += 1

    def step(self, outcome: Outcome) -> None:
        """See `Progress`."""
        self._done += 1
        self._stream.write(f"{self._done}/{self._total} {described(outcome)}\n")
        self._stream.flush()

    def end(self) -> None:
        """See `Progress`."""
        if self._skipped:
            self._stream.write(f"{self._skipped} of {self._total} were done before\n")


class Bar(Progress):
    """A bar; photos that were done before count neither for the rate nor for the time left."""

    def __init__(self) -> None:
        from rich.console import Console
        from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeElapsedColumn, TimeRemainingColumn
        from rich.progress import Progress as RichProgress

        rate, wrong = TextColumn("{task.fields[rate]}"), TextColumn("{task.fields[wrong]}", style="yellow")
        columns = (BarColumn(), MofNCompleteColumn(), rate, TimeElapsedColumn(), TextColumn("left"), TimeRemainingColumn(), wrong)
        self._console = Console(stderr=True, highlight=False)
        self._bar: Any = RichProgress(*columns, console=self._console)
        self._task: Any = None
        self._total = self._done = self._wrong = 0
        self._began = 0.0

    def start(self, total: int) -> None:
        """See `Progress`."""
        self._total, self._began = total, time.monotonic()
        self._task = self._bar.add_task("", total=total, rate="", wrong="")
        self._bar.start()

    def skip(self) -> None:
        """See `Progress`."""
        self._total -= 1
        self._bar.update(self._task, total=self._total)

    def step(self, outcome: Outcome) -> None:
        """See `Progress`."""
        from rich.text import Text

        self._done += 1
        if outcome.status != "done":
            self._wrong += 1
            self._bar.console.print(Text(described(outcome), style="yellow"))
        a_minute = 60 * self._done / max(time.monotonic() - self._began, 1e-3)
        wrong = f"{self._wrong} need a look" if self._wrong else ""
        self._bar.update(self._task, advance=1, rate=f"{a_minute:.1f}/min", wrong=wrong)

    def end(self) -> None:
        """See `Progress`."""
        self._bar.stop()


def described(outcome: Outcome) -> str:
    """One photo in a line that is safe for a terminal: no control characters, no words of the contract."""
    detail = f"{outcome.clauses} clause{'s' * (outcome.clauses != 1)}"
    if outcome.status != "done":
        detail = f"{outcome.status}{f': {outcome.message}' * bool(outcome.message)}"
    return "".join(c if c.isprintable() else "\ufffd" for c in f"{outcome.job.file}: {detail}")


def shown() -> Progress:
    """What fits standard error."""
    return Bar() if sys.stderr.isatty() else Lines(sys.stderr)
