"""One root for every error a person may meet, each with its documented exit code.

Messages name the file or option, say what is wrong and what to do; they never carry a contract's words.
The command line turns them into one line on stderr and an exit status, at one place (`clausescan.cli`).
"""

from __future__ import annotations

import traceback
from collections.abc import Sequence
from pathlib import Path


class ClausescanError(Exception):
    """Anything clausescan refuses or cannot do. `exit_code` is the process status it stands for."""

    exit_code = 1


class UsageError(ClausescanError):
    """An option or argument that makes no sense."""

    exit_code = 2


class TypeFileError(UsageError):
    """The files of a clause type of the user's own that are malformed; each problem as `path:line: what is wrong`."""

    def __init__(self, problems: Sequence[str]) -> None:
        more = f" (and {len(problems) - 1} more; see clausescan types check)" if len(problems) > 1 else ""
        super().__init__(f"{problems[0]}{more}")
        self.problems = tuple(problems)


class InputError(ClausescanError):
    """A photo or PDF that is missing, unreadable, too large, or not what it claims to be."""

    exit_code = 3


class LimitError(InputError):
    """A photo beyond an option's limit of pixels or bytes, before any of it is decoded."""


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


class TruncatedAnswerError(AnswerError):
    """A model's answer that ended at its length limit: never passed on as a whole one."""


class ServerError(ModelError):
    """A model server that does not do what was asked; each way has a class of its own."""


class ServerUnreachableError(ServerError):
    """Nothing answers at the address, after the allowed retries."""


class ServerTimeoutError(ServerError):
    """The server took longer than the time limit."""


class ServerDeniedError(ServerError):
    """The server wants a key, or does not accept the one it was given (401, 403)."""


class ServerModelMissingError(ServerError):
    """The server does not have the model, or no chat API at that address (404)."""


class ServerBusyError(ServerError):
    """The server is overloaded or failing (429, 5xx), after the allowed retries."""


class ServerRedirectError(ServerError):
    """The server sends us to another host, which is never followed."""


class ServerReplyError(ServerError):
    """The server's reply is no chat completion, or it refused the request as malformed."""


class PromptError(ModelError):
    """A prompt file that is missing, or whose variables are not those it is rendered with."""


class OutputError(ClausescanError):
    """A file or folder that cannot be written."""

    exit_code = 5


class InternalError(ClausescanError):
    """A page that met a defect of ours; the message says which and where, and quotes nothing."""


class PartialError(ClausescanError):
    """Some of several inputs failed; the others are done."""

    exit_code = 6


def place(error: BaseException) -> str:
    """File and line of our own code where the error arose; never its message, which may quote a contract."""
    frames = traceback.extract_tb(error.__traceback__)
    own = [f for f in frames if "clausescan" in Path(f.filename).parts] or frames
    return f"{Path(own[-1].filename).name}:{own[-1].lineno}"


def printable(message: str) -> str:
    """A message for a terminal: file names and the like may hold control characters."""
    return "".join(c if c.isprintable() else "\ufffd" for c in message)


def described(error: BaseException) -> str:
    """One line for a person about any error: what our own errors say, of others the kind and place alone."""
    if isinstance(error, ClausescanError):
        return str(error)
    if isinstance(error, MemoryError):
        return "not enough memory"
    return f"internal error: {type(error).__name__} at {place(error)}"


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
