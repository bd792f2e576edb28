"""What a terminal shows: tables of clauses, plain text of pages, and the doctor's findings."""

from __future__ import annotations

import platform
from importlib.metadata import PackageNotFoundError, version

from rich.console import Console
from rich.table import Table
from rich.text import Text

from clausescan.errors import ClausescanError, ModelError, ServerError, printable
from clausescan.export.field_text import field_texts, why_none
from clausescan.schema.found import Clause
from clausescan.schema.report import Report, Transcript, Verdict
from clausescan.schema.shapes import title

SHOWN_CHARS = 600
"""Of a clause's text in the table; the JSON has all of it."""
PACKAGES = "numpy opencv-python-headless pillow pillow-heif pydantic pypdfium2 torch transformers xgrammar httpx2".split()

_STYLES = {"found": "green", "absent": "", "cannot_tell": "yellow"}


def show_report(report: Report) -> None:
    """The clauses as a table, then the verdicts and the warnings."""
    console = Console()
    if report.clauses:
        table = Table(show_lines=True, title=f"{len(report.clauses)} clause{'s' * (len(report.clauses) != 1)}")
        for column in ("#", "Page", "Clause", "Text", "Fields", "Conf."):
            table.add_column(column, overflow="fold", no_wrap=column in ("#", "Page", "Conf."))
        for number, clause in enumerate(report.clauses, 1):
            cells = str(number), str(clause.page + 1), _title(clause), _text(clause), _fields(clause), _percent(clause.confidence)
            table.add_row(*cells)
        console.print(table)
    for kind, verdict in report.verdicts.items():
        console.print(_verdict(title(kind), verdict))
    for left_out in report.unplaced:
        where = f"page {left_out.page + 1}: {title(left_out.type).lower()} listed but not quoted"
        console.print(Text(f"{where} ({left_out.reason.replace('_', ' ')})", style="yellow"))
    for warning in report.warnings:
        console.print(Text(f"warning: {printable(warning)}", style="yellow"))
    seconds = report.seconds.get("total", 0.0)
    console.print(Text(f"{report.model.name}, {report.visual_tokens} visual tokens, {seconds:.1f} s", style="dim"))


def show_transcript(transcript: Transcript) -> None:
    """The text, a line each; pages parted by an empty line."""
    console = Console(highlight=False, soft_wrap=True)
    for i, page in enumerate(transcript.pages):
        if i:
            console.print()
        for line in page.lines:
            console.print(Text(printable(line.text)))


def show_checks() -> int:
    """What is installed, and whether the weights load; the status to end with."""
    console = Console()
    table = Table("what", "is", show_header=False, box=None)
    table.add_row("clausescan", _version("clausescan"))
    table.add_row("Python", f"{platform.python_version()} on {platform.system()} {platform.machine()}")
    for package in PACKAGES:
        table.add_row(package, _version(package))
    healthy = True
    for name, check in (("prompts", _prompts), ("schemas", _schemas), ("weights", _weights)):
        try:
            table.add_row(name, Text(check()))
        except (ClausescanError, ImportError) as error:
            healthy = False
            table.add_row(name, Text(f"WRONG: {printable(str(error))}", style="red", overflow="fold"))
    console.print(table)
    return 0 if healthy else ModelError.exit_code


def show_models(server: str | None) -> int:
    """The built-in model, the fetched ones, those known by name, and a server if one is named; the status to end with."""
    from clausescan.providers.families import FAMILIES
    from clausescan.providers.store import fetched

    console = Console(soft_wrap=True)
    console.print(Text(f"built in: clausescan-compact ({_built_in()})"))
    for model in fetched():
        size = f"{model.size_bytes / 1e6:,.1f} MB"
        console.print(Text(printable(f"fetched: {model.name} at {model.revision[:12]}, {size}, {model.folder}")))
    for family in FAMILIES.values():
        console.print(
            Text(f"known by name: {family.title}, such as {family.example}, up to {family.visual_tokens} visual tokens a picture")
        )
    return 0 if server is None else _show_server(console, server)


def _show_server(console: Console, server: str) -> int:
    from clausescan.providers.served import ServedModel, parse_address

    address = parse_address(server)
    try:
        names = ServedModel(address, timeout_s=30.0).models()
    except ServerError as error:
        console.print(Text(f"not reachable: {printable(str(error))}", style="red"))
        return error.exit_code
    held = address.model in names or f"{address.model}:latest" in names  # as Ollama lists a name without a tag
    console.print(Text(printable(f"reachable: {address.base}, {'with' if held else 'WITHOUT'} {address.model}")))
    return 0 if held else ModelError.exit_code


def _built_in() -> str:
    from clausescan.providers.taught import OURS
    from clausescan.resources import PACKAGE

    return "present" if (PACKAGE / "weights" / OURS).is_file() else "missing"


def _title(clause: Clause) -> Text:
    name = title(clause.type)
    return Text(f"{name}\n{printable(clause.heading)}" if clause.heading else name)


def _text(clause: Clause) -> Text:
    """The clause, words of which the two readings disagree underlined."""
    uncertain = {u.word for u in clause.uncertain_words}
    text = Text("… " if clause.continues_from_previous else "")
    for i, word in enumerate(clause.text.split(" ")):
        if len(text) > SHOWN_CHARS:
            text.append("[…]")
            return text
        text.append(printable(word), style="underline yellow" if i in uncertain else "")
        text.append(" ")
    return text.append("…") if clause.continues_on_next else text


def _fields(clause: Clause) -> Text:
    if clause.fields is None:
        return Text(why_none(clause), style="" if clause.complete else "red")
    lines = [f"{name}: {value}" if value else name for name, value in field_texts(clause.fields)]
    return Text(printable("; ".join(lines)) or "-")


def _verdict(name: str, verdict: Verdict) -> Text:
    shown = verdict.verdict.replace("_", " ")
    detail = f" ({verdict.reason.replace('_', ' ')})" if verdict.reason else f" {_percent(verdict.confidence)}"
    return Text.assemble(f"{name}: ", (shown, _STYLES[verdict.verdict]), detail)


def _percent(value: float | None) -> str:
    return "" if value is None else f"{100 * value:.0f}%"


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return "not installed"


def _prompts() -> str:
    from clausescan.prompt import combined_sha256, load
    from clausescan.schema.clauses import BUILT_IN

    return f"{len(BUILT_IN)} and the system part, sha256 {combined_sha256(load(BUILT_IN))[:16]}"


def _schemas() -> str:
    from clausescan.resources import read_text
    from clausescan.schema.generated import all_schemas

    stale = [name for name, text in all_schemas().items() if read_text("schemas", name) != text]
    if stale:
        raise ClausescanError(f"out of step with the program: {', '.join(stale)}")
    return f"{len(all_schemas())}, in step"


def _weights() -> str:
    from clausescan.model.engine import load

    model = load(None)
    return f"{model.name} loads, sha256 {model.weights_sha256}"
