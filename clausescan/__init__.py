"""clausescan: a photo of a contract page in, its clauses out, offline.

    from clausescan import extract
    report = extract(["page.jpg"])
    for clause in report.clauses:
        print(clause.type, clause.text)

Nothing heavy is imported before a name is used.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

__version__ = "0.1.0"

_HOME = {
    "extract": "scan",
    "read": "scan",
    "ExtractConfig": "config",
    "Report": "schema.report",
    "Transcript": "schema.report",
    "ClausescanError": "errors",
    "UsageError": "errors",
    "TypeFileError": "errors",
    "TypeSource": "config",
    "find_types": "clausetypes.finding",
    "InputError": "errors",
    "LimitError": "errors",
    "UnreadablePageError": "errors",
    "ModelError": "errors",
    "AnswerError": "errors",
    "TruncatedAnswerError": "errors",
    "ServerError": "errors",
    "ServerUnreachableError": "errors",
    "ServerTimeoutError": "errors",
    "ServerDeniedError": "errors",
    "ServerModelMissingError": "errors",
    "ServerBusyError": "errors",
    "ServerRedirectError": "errors",
    "ServerReplyError": "errors",
    "PromptError": "errors",
    "OutputError": "errors",
    "InternalError": "errors",
    "PartialError": "errors",
    "EXIT_CODES": "errors",
}

if TYPE_CHECKING:
    from clausescan.clausetypes.finding import find_types as find_types
    from clausescan.config import ExtractConfig as ExtractConfig
    from clausescan.config import TypeSource as TypeSource
    from clausescan.errors import EXIT_CODES as EXIT_CODES
    from clausescan.errors import AnswerError as AnswerError
    from clausescan.errors import ClausescanError as ClausescanError
    from clausescan.errors import InputError as InputError
    from clausescan.errors import InternalError as InternalError
    from clausescan.errors import LimitError as LimitError
    from clausescan.errors import ModelError as ModelError
    from clausescan.errors import OutputError as OutputError
    from clausescan.errors import PartialError as PartialError
    from clausescan.errors import PromptError as PromptError
    from clausescan.errors import ServerBusyError as ServerBusyError
    from clausescan.errors import ServerDeniedError as ServerDeniedError
    from clausescan.errors import ServerError as ServerError
    from clausescan.errors import ServerModelMissingError as ServerModelMissingError
    from clausescan.errors import ServerRedirectError as ServerRedirectError
    from clausescan.errors import ServerReplyError as ServerReplyError
    from clausescan.errors import ServerTimeoutError as ServerTimeoutError
    from clausescan.errors import ServerUnreachableError as ServerUnreachableError
    from clausescan.errors import TruncatedAnswerError as TruncatedAnswerError
    from clausescan.errors import TypeFileError as TypeFileError
    from clausescan.errors import UnreadablePageError as UnreadablePageError
    from clausescan.errors import UsageError as UsageError
    from clausescan.scan import extract as extract
    from clausescan.scan import read as read
    from clausescan.schema.report import Report as Report
    from clausescan.schema.report import Transcript as Transcript

__all__ = ["__version__", *sorted(_HOME)]


def __getattr__(name: str) -> object:
    if name not in _HOME:
        raise AttributeError(f"module 'clausescan' has no attribute {name!r}")
    return getattr(importlib.import_module(f"clausescan.{_HOME[name]}"), name)


def __dir__() -> list[str]:
    return sorted(__all__)
