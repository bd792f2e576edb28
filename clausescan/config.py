"""The options of one run: one frozen object, built the same way by the command line, the page and library users."""

from __future__ import annotations

from dataclasses import dataclass

from clausescan.errors import UsageError
from clausescan.schema.clauses import BUILT_IN, ClauseType

BUDGETS = (64, 128, 256)
"""Visual tokens a question may cost; one trained model serves all three."""

PILLOW_PIXEL_LIMIT = 178_956_970
"""Pillow itself refuses larger pictures as decompression bombs."""

DPI_RANGE = (72, 600)
MAX_TIMEOUT_S = 86_400
MAX_PARALLEL = 64


@dataclass(frozen=True)
class TypeSource:
    """A clause type of the user's own as it stands in its files, so that options stay plain data; `clausescan.clausetypes` finds
    and reads them.
    """

    name: ClauseType
    files: tuple[tuple[str, str], ...]
    """(path, text) of its one file, or of its folder's prompt and schema."""


@dataclass(frozen=True)
class ExtractConfig:
    """What to look for, with which model, within which limits. Raises `UsageError` where an option makes no sense."""

    types: tuple[ClauseType, ...] | None = None
    """Clause types to look for, built-in ones and those of `own_types`; None for termination, indemnity and liability caps,
    as far as the model was taught them."""
    own_types: tuple[TypeSource, ...] = ()
    """Clause types of the user's own. Only those that `types` names are looked for, or even parsed."""
    own_classes: tuple[str, ...] = ()
    """Classes, as `package.module:Class`, that files of own types may have imported. No other code is ever run for them."""
    budget: int = 256
    """Visual tokens the language model may be given a question: 64, 128 or 256."""
    model: str | None = None
    """None for the model that ships with the package; else a folder with a model, the name of one that `clausescan models
    fetch` brought here, or `openai:URL#NAME` for one that a server holds. Nothing is ever fetched for it."""
    timeout_s: float = 180.0
    """A server's time for one answer, in seconds, without the waiting between retries."""
    parallel: int = 4
    """Questions a server is asked at once."""
    max_pixels: int = 50_000_000
    """Of one photo; larger ones are refused before they are decoded."""
    max_bytes: int = 100_000_000
    """Of one file or of standard input."""
    max_pages: int = 200
    """Of one document."""
    pdf_pages: tuple[int, ...] | None = None
    """Pages of each PDF or frames of each TIFF to read, counted from 1; None for all."""
    pdf_dpi: int = 300
    """Resolution at which PDF pages are drawn; 300 makes an A4 page 2480 px wide."""

    def __post_init__(self) -> None:
        known = [*BUILT_IN, *(source.name for source in self.own_types)]
        if len(set(known)) < len(known):
            raise UsageError("two clause types have the same name; see clausescan types check")
        if self.types is not None and (not self.types or len(set(self.types)) < len(self.types) or set(self.types) - set(known)):
            raise UsageError(f"--types needs one or more of {', '.join(known)}, each once")
        if self.budget not in BUDGETS:
            raise UsageError(f"--budget must be one of {', '.join(map(str, BUDGETS))}, not {self.budget}")
        if not 1 <= self.max_pixels <= PILLOW_PIXEL_LIMIT:
            raise UsageError(f"--max-pixels must lie between 1 and {PILLOW_PIXEL_LIMIT:,}")
        if self.max_bytes < 1 or self.max_pages < 1:
            raise UsageError("--max-bytes and --max-pages must be positive")
        if not DPI_RANGE[0] <= self.pdf_dpi <= DPI_RANGE[1]:
            raise UsageError(f"--pdf-dpi must lie between {DPI_RANGE[0]} and {DPI_RANGE[1]}")
        if not 0 < self.timeout_s <= MAX_TIMEOUT_S:
            raise UsageError(f"--timeout must lie above 0 and be at most {MAX_TIMEOUT_S} seconds")
        if not 1 <= self.parallel <= MAX_PARALLEL:
            raise UsageError(f"--parallel must lie between 1 and {MAX_PARALLEL}")
        if self.pdf_pages is not None and (not self.pdf_pages or min(self.pdf_pages) < 1):
            raise UsageError("--pages needs page numbers from 1 on, such as 1,3-5")


def page_numbers(text: str) -> tuple[int, ...]:
    """`1,3-5` as (1, 3, 4, 5). Raises `UsageError` for anything else."""
    numbers: list[int] = []
    for part in text.split(","):
        first, dash, last = part.strip().partition("-")
        if not first.isdecimal() or (dash and not last.isdecimal()) or len(part) > 12:
            raise UsageError(f"--pages needs page numbers such as 1,3-5, not {text!r}")
        start, end = int(first), int(last) if dash else int(first)
        if not 1 <= start <= end or end - start > 10_000:
            raise UsageError(f"--pages: {part.strip()} is not a range of page numbers from 1 on")
        numbers += range(start, end + 1)
    return tuple(dict.fromkeys(numbers))
