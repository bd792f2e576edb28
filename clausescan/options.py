"""The options that several commands share, each said once."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from clausescan.config import BUDGETS

Model = Annotated[
    str | None,
    typer.Option(metavar="WHICH", help="Instead of the shipped model: a folder, a fetched model's name, or openai:URL#NAME."),
]
Types = Annotated[
    str | None,
    typer.Option(metavar="LIST", help="Clause types, separated by commas, see clausescan types; the first three by default."),
]
TypesFrom = Annotated[
    Path | None, typer.Option(metavar="DIR", help="Clause types of your own, instead of those in your configuration folder.")
]
TypesClass = Annotated[
    list[str], typer.Option(metavar="MODULE:CLASS", help="Allow the file of one of your types to import this class; repeatable.")
]
Pages = Annotated[str | None, typer.Option(metavar="LIST", help="Pages of PDFs and TIFFs to read, such as 1,3-5.")]
Dpi = Annotated[int, typer.Option("--pdf-dpi", help="Resolution at which PDF pages are drawn.")]
Pixels = Annotated[int, typer.Option(help="Refuse photos with more pixels.")]
Bytes = Annotated[int, typer.Option(help="Refuse larger files.")]
MostPages = Annotated[int, typer.Option("--max-pages", help="Refuse documents with more pages.")]
Budget = Annotated[int, typer.Option(help=f"Visual tokens a question: {', '.join(map(str, BUDGETS))}.")]
