"""One root for every error a person may meet, each with its documented exit code.

Messages name the file or option, say what is wrong and what to do; they never carry a contract's words.
The command line turns them into one line on stderr and an exit status, at one place (`clausescan.cli`).
"""

from __future__ import annotations


class ClausescanError(Exception):
    """Anything clausescan refuses or cannot do. `exit_code` is the process status it stands for."""

    exit_code = 1


class UsageError(ClausescanError):
    """An option or argument that makes no sense."""

    exit_code = 2


class InputError(ClausescanError):
    """A photo or PDF that is missing, unreadable, too large, or not what it claims to be."""

    exit_code = 3


class UnreadablePageError(InputError):
    """The file is a picture, but no contract page in it can be read. `reason` is a short fixed key."""

    def __init__(self, message: str, reason: str) -> None:
        super().__init__(message)
        self.reason = reason


class ModelError(ClausescanError):
    """Weights that are missing, damaged, of a wrong hash or of an unknown architecture."""

    exit_code = 4


class AnswerError(ModelError):
    """A model's answer that was cut off or does not fit its schema, after the allowed retries."""


class PromptError(ModelError):
    """A prompt file that is missing, or whose variables are not those it is rendered with."""


class OutputError(ClausescanError):
    """A file or folder that cannot be written."""

    exit_code = 5


class PartialError(ClausescanError):
    """Some of several inputs failed; the others are done."""

    exit_code = 6


EXIT_CODES: dict[int, str] = {
    0: "done",
    1: "internal error",
    2: "usage error",
    3: "bad input",
    4: "model missing or invalid",
    5: "cannot write the output",
    6: "part of the inputs failed",
    130: "interrupted",
}
"""Every status the command line can end with: a stable interface."""
