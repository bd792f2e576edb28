"""`clausescan types`: which clause types there are, a template for a new one, and what is wrong with one."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from clausescan.clausetypes.finding import candidates, name_of, problem_of_name, source_of, user_folder
from clausescan.errors import TypeFileError, UsageError
from clausescan.schema.clauses import BUILT_IN

app = typer.Typer(
    add_completion=False,
    rich_markup_mode=None,
    invoke_without_command=True,
    help="Show the clause types there are; write and check your own.",
)

From = Annotated[
    Path | None, typer.Option("--types-from", metavar="DIR", help="Your types, instead of those in your configuration.")
]
Classes = Annotated[
    list[str],
    typer.Option("--types-class", metavar="MODULE:CLASS", help="Allow a type's file to import this class; repeatable."),
]


@app.callback()
def types(context: typer.Context, types_from: From = None) -> None:
    """List the clause types: built in, and your own."""
    if context.invoked_subcommand is not None:
        return
    from clausescan.providers.taught import answered_types, taught_types
    from clausescan.resources import PACKAGE

    taught, answered = taught_types(PACKAGE / "weights"), answered_types(PACKAGE / "weights")
    for name in BUILT_IN:
        what = "" if name in answered else ", found without its fields" if name in taught else ", needs a larger model"
        sys.stdout.write(f"{name}: built in{what}\n")
    for path in candidates(types_from):
        sys.stdout.write(f"{_plain(name_of(path))}: {_plain(str(path))}, needs a larger model\n")


@app.command()
def new(
    name: Annotated[str, typer.Argument(help="Lower case letters, digits and _. A built-in type's name copies it as my_NAME.")],
    folder: Annotated[
        Path | None, typer.Option("--in", metavar="DIR", help="Where to; by default your configuration folder.")
    ] = None,
) -> int:
    """Write a commented template of a clause type, to be changed."""
    from clausescan.clausetypes.template import PREFIX, template
    from clausescan.files import make_folder, write_atomic

    called = f"{PREFIX}{name}" if name in BUILT_IN else name
    wrong = problem_of_name(called)
    if wrong is not None:
        raise UsageError(wrong)
    place = user_folder() if folder is None else folder
    path = place / f"{called}.yaml"
    if called in map(name_of, candidates(place) if place.is_dir() else []):
        raise UsageError(f"{place} has a type {called} already; it is left as it is")
    make_folder(place)
    write_atomic(path, template(called, str(path), None if folder is None else str(folder)).encode())
    sys.stdout.write(f"{path}\n")
    return 0


@app.command()
def check(
    places: Annotated[list[Path] | None, typer.Argument(metavar="PATH...", help="Types or folders of types.")] = None,
    classes: Classes = [],  # noqa: B006
) -> int:
    """Say what is wrong with clause types, as path:line: problem; by default with those in your configuration folder."""
    from clausescan.clausetypes.definition import own_prompt

    problems = 0
    listed: list[Path] | list[None] = places or [None]
    for place in listed:
        found: list[str] = []
        for path in candidates(place):
            try:
                if name_of(path) in found:
                    raise TypeFileError([f"{path}:1: the type {name_of(path)} is there twice; keep one of its files"])
                found.append(name_of(path))
                shape = own_prompt(source_of(path), classes).shape
            except TypeFileError as error:
                problems += len(error.problems)
                sys.stdout.write("".join(f"{_plain(problem)}\n" for problem in error.problems))
                continue
            sys.stdout.write(f"{shape.name}: well formed, {len(shape.kinds)} field{'s' * (len(shape.kinds) != 1)}\n")
    return UsageError.exit_code if problems else 0


def _plain(text: str) -> str:
    return "".join(c if c.isprintable() else "\ufffd" for c in text)
