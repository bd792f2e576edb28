"""The command line. Every error becomes one line on stderr and an exit status here, and only here.

Nothing heavy is imported before a command needs it: `clausescan --help` loads neither torch nor OpenCV.
"""

from __future__ import annotations

import errno
import importlib.util
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from clausescan import __version__
from clausescan.config import ExtractConfig, page_numbers
from clausescan.errors import EXIT_CODES, ClausescanError, OutputError, UsageError, described, printable
from clausescan.options import Budget, Bytes, Dpi, Model, MostPages, Pages, Pixels, Types, TypesClass, TypesFrom
from clausescan.outputs import DocumentOutput, Drawing, check_outputs, write_json

if TYPE_CHECKING:
    from clausescan.export.writing import PicturedPage

INTERRUPTED = 130
EPILOG = "Exit codes: " + ", ".join(f"{code} {meaning}" for code, meaning in EXIT_CODES.items()) + "."

app = typer.Typer(
    name="clausescan",
    help="Photos of contract pages in, their termination, indemnity and liability clauses out. Works offline.",
    epilog=EPILOG,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)

Photos = Annotated[list[str], typer.Argument(metavar="PHOTO...", help="Photos or PDFs; several form one document. - is stdin.")]
Json = Annotated[str | None, typer.Option("--json", metavar="FILE", help="Write JSON there; - for standard output.")]


@app.command()
def extract(
    photos: Photos,
    json: Json = None,
    overlay: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Draw the clauses on the photo (.jpg, .png, .webp)."),
    ] = None,
    formats: Annotated[
        str | None,
        typer.Option("--format", metavar="LIST", help="Of json, jsonl, csv, html, pdf, png, coco, w3c, separated by commas."),
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option(metavar="FOLDER", help="Where --format writes its files, named after the first photo; made if need be."),
    ] = None,
    types: Types = None,
    types_from: TypesFrom = None,
    types_class: TypesClass = [],  # noqa: B006
    budget: Budget = 256,
    model: Model = None,
    timeout: Annotated[float, typer.Option(help="Seconds a server may take for one answer.")] = ExtractConfig.timeout_s,
    parallel: Annotated[int, typer.Option(help="Questions a server is asked at once.")] = ExtractConfig.parallel,
    pages: Pages = None,
    pdf_dpi: Dpi = ExtractConfig.pdf_dpi,
    max_pixels: Pixels = ExtractConfig.max_pixels,
    max_bytes: Bytes = ExtractConfig.max_bytes,
    max_pages: MostPages = ExtractConfig.max_pages,
) -> int:
    """Find the clauses of one document: a table on a terminal, JSON elsewhere."""
    from clausescan.clausetypes.finding import select

    chosen, own_types = select(types, types_from)
    config = ExtractConfig(
        types=chosen,
        own_types=own_types,
        own_classes=tuple(types_class),
        budget=budget,
        model=model,
        timeout_s=timeout,
        parallel=parallel,
        max_pixels=max_pixels,
        max_bytes=max_bytes,
        max_pages=max_pages,
        pdf_pages=None if pages is None else page_numbers(pages),
        pdf_dpi=pdf_dpi,
    )
    files = DocumentOutput(photos, formats, out, json, overlay) if formats is not None or out is not None else None
    check_outputs(photos, json, overlay, files)
    from clausescan import scan

    drawing = Drawing(overlay, config) if overlay else None
    takers = [drawing.page] if drawing else []
    takers += [files.document.page] if files else []

    def take(page: PicturedPage) -> None:
        for taker in takers:
            taker(page)

    try:
        report = scan.extract(photos, config, on_picture=take if takers else None, on_stage=drawing.stage if drawing else None)
    except UsageError:  # nothing was asked for that makes sense, so nothing is taken away
        raise
    except Exception:  # whatever it is: an overlay of an earlier run beside it would pass for this one's
        if drawing:
            try:
                drawing.fail(photos)
            except ClausescanError as left:  # told beside what went wrong, not in its place
                _complain(str(left), 0)
        raise
    if drawing:
        drawing.end(photos, len(report.pages))
    if files:
        files.end(report)
    if files and files.shown:
        if json is not None:
            write_json(report, json)
    elif not write_json(report, json, elsewhere=files is not None):
        from clausescan.tables import show_report

        show_report(report)
    return _status(report)


@app.command()
def read(
    photos: Photos,
    json: Json = None,
    model: Model = None,
    pages: Pages = None,
    pdf_dpi: Dpi = ExtractConfig.pdf_dpi,
    max_pixels: Pixels = ExtractConfig.max_pixels,
    max_bytes: Bytes = ExtractConfig.max_bytes,
    max_pages: MostPages = ExtractConfig.max_pages,
) -> int:
    """Read the whole text of one document: plain text on a terminal, JSON with the lines' places elsewhere."""
    numbers = None if pages is None else page_numbers(pages)
    config = ExtractConfig(
        model=model, max_pixels=max_pixels, max_bytes=max_bytes, max_pages=max_pages, pdf_pages=numbers, pdf_dpi=pdf_dpi
    )
    check_outputs(photos, json, None)
    from clausescan import scan

    transcript = scan.read(photos, config)
    if not write_json(transcript, json):
        from clausescan.tables import show_transcript

        show_transcript(transcript)
    return _status(transcript)


@app.command()
def schema(
    name: Annotated[str | None, typer.Argument(help="One of the names that the command lists without it.")] = None,
    write: Annotated[Path | None, typer.Option(metavar="FOLDER", help="Write all schemas into this folder instead.")] = None,
    types_from: Annotated[
        Path | None, typer.Option(metavar="DIR", help="With these clause types of your own beside the built-in ones.")
    ] = None,
    types_class: TypesClass = [],  # noqa: B006
) -> int:
    """Print a JSON Schema, or the names of all."""
    from clausescan.clausetypes.definition import own_prompt
    from clausescan.clausetypes.finding import find_types
    from clausescan.files import write_atomic
    from clausescan.schema.generated import all_schemas

    own = [own_prompt(source, types_class).shape for source in find_types(types_from)] if types_from is not None else []
    schemas = {file.removesuffix(".json"): text for file, text in all_schemas(own).items()}
    if write is not None:
        for key, text in schemas.items():
            write_atomic(write / f"{key}.json", text.encode())
    elif name is None:
        sys.stdout.write("".join(f"{key}\n" for key in schemas))
    elif name.removesuffix(".json") in schemas:
        sys.stdout.write(schemas[name.removesuffix(".json")])
    else:
        raise UsageError(f"no schema named {name}; there are {', '.join(schemas)}")
    return 0


models = typer.Typer(help="Show which models there are; fetch one by its name.", invoke_without_command=True)
app.add_typer(models, name="models")


@models.callback()
def list_models(
    context: typer.Context,
    server: Annotated[str | None, typer.Option(metavar="openai:URL#NAME", help="Ask this server, too, for its models.")] = None,
) -> None:
    """Show the built-in model, the fetched ones, those known by name, and whether a server can be reached."""
    if context.invoked_subcommand is None:
        from clausescan.tables import show_models

        raise typer.Exit(show_models(server))


@models.command()
def fetch(
    name: Annotated[str, typer.Argument(metavar="OWNER/NAME", help="The model's name on the Hugging Face hub.")],
    revision: Annotated[
        str | None, typer.Option(metavar="REV", help="A branch, tag or commit; its newest commit by default.")
    ] = None,
) -> int:
    """Download a model once; from then on it is used offline. Weights as safetensors only, no code."""
    from clausescan.providers.fetch import fetch as download

    found = download(name, revision)
    sys.stdout.write(f"{found.name} {found.revision} {found.folder}\n")
    return 0


@app.command()
def doctor() -> int:
    """Show what is installed and whether the weights load and are the right ones."""
    from clausescan.tables import show_checks

    return show_checks()


def _mount(name: str, summary: str, package: str | None = None) -> None:
    """Mount `clausescan.<package>.cli`, by default of the command's name, without importing it: its arguments are handed on as
    they are.
    """
    home = package or name
    if not (Path(__file__).with_name(home) / "cli.py").is_file():
        return
    settings = {"allow_extra_args": True, "ignore_unknown_options": True, "help_option_names": []}

    @app.command(name, help=summary, context_settings=settings, add_help_option=False)
    def run(context: typer.Context) -> int:
        inner = importlib.import_module(f"clausescan.{home}.cli").app
        command = typer.main.get_command(inner)
        return int(command.main(args=context.args, prog_name=f"clausescan {name}", standalone_mode=False) or 0)


_mount("types", "Show the clause types there are; write and check your own.", "clausetypes")
_mount("ui", "Open the page: drop photos, read their clauses, correct them, download them.")
_mount("batch", "Find the clauses of every photo in a folder; goes on where it was interrupted.")
_mount("train", "Train the model, a command a stage.")
_mount("bench", "Measure the model: accuracy, speed, memory.")


@app.callback(invoke_without_command=True)
def root(
    context: typer.Context,
    version: Annotated[bool, typer.Option("--version", is_eager=True, help="Print the version.")] = False,
) -> None:
    """Photos of contract pages in, their clauses out."""
    if version:
        sys.stdout.write(f"clausescan {__version__}\n")
        raise typer.Exit
    if context.invoked_subcommand is None:
        raise UsageError("no command given; see clausescan --help")


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command line and end the process with its documented status."""
    raise SystemExit(run_command(arguments))


def run_command(arguments: Sequence[str] | None = None) -> int:
    """Run one command line; the status it ends with. No exception leaves here."""
    usage_error: type[Any] = typer.BadParameter.__bases__[0]  # click's own, which some versions of typer carry inside
    try:
        status = typer.main.get_command(app).main(
            args=None if arguments is None else list(arguments), prog_name="clausescan", standalone_mode=False
        )
        sys.stdout.flush()
        if status == INTERRUPTED:  # typer's own way of saying it
            raise KeyboardInterrupt
        return int(status or 0)
    except ClausescanError as error:
        return _complain(str(error), error.exit_code)
    except usage_error as error:
        return _complain(f"{error.format_message()}; see clausescan --help", UsageError.exit_code)
    except (KeyboardInterrupt, typer.Abort):
        return _complain("interrupted", INTERRUPTED)
    except typer.Exit as stop:
        return int(stop.exit_code)
    except BrokenPipeError:
        sys.stdout = None  # the reader of our output went away; leave without a second error
        return OutputError.exit_code
    except OSError as error:
        if error.filename is not None or error.errno not in (errno.ENOSPC, errno.EDQUOT, errno.EIO, errno.EFBIG):
            return _complain(f"{described(error)}; please report it", 1)
        sys.stdout = None  # what is left of our output would fail again
        return _complain(f"cannot write standard output: {error.strerror}", OutputError.exit_code)
    except SystemExit:  # typer's own way of leaving when the reader of our output went away
        sys.stdout = None
        return OutputError.exit_code
    except MemoryError as error:
        return _complain(described(error), ClausescanError.exit_code)
    except Exception as error:
        return _complain(f"{described(error)}; please report it", 1)


def _complain(message: str, status: int) -> int:
    sys.stderr.write(f"clausescan: {printable(message)}\n")
    return status


def _status(result: Any) -> int:
    """The status, and on stderr why it is not 0."""
    from clausescan.scan import exit_code

    for page in result.pages:
        if page.status != "read":
            _complain(f"page {page.index + 1} {page.status}: {page.message}", 0)
    for clause in getattr(result, "clauses", ()):
        if not clause.complete:
            _complain(f"page {clause.page + 1}: the model's answer on a passage was invalid; its fields are missing", 0)
    return exit_code(result)
