"""What the benches print and write: tables on the terminal, the same as JSON, pictures for the README."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from clausescan.bench.charts import Panel, chart
from clausescan.bench.encodercost import EncoderCosts
from clausescan.bench.heldout import GroupResult
from clausescan.bench.measure import Fit, plain_data
from clausescan.bench.peers import WayResult
from clausescan.bench.tokens import Comparison, TokenRow
from clausescan.errors import InputError
from clausescan.files import make_folder, write_atomic

Cell = float | int | str | None


def number(value: float | None, digits: int = 3, factor: float = 1.0) -> str:
    """A figure for a table; "-" where there is none."""
    return "-" if value is None else f"{value * factor:,.{digits}f}"


def table(title: str, heads: Sequence[str], rows: Sequence[Sequence[str]]) -> Table:
    """A table whose first column is text and whose others are figures."""
    made = Table(*heads, title=title, title_justify="left")
    for column in made.columns[1:]:
        column.justify = "right"
    for row in rows:
        made.add_row(*row)
    return made


def show(*things: Any) -> None:
    """Print on standard output, wide where it is no terminal."""
    console = Console()
    if not console.is_terminal:
        console = Console(width=200)
    for thing in things:
        console.print(thing, highlight=False, markup=False)


def write_json(out: Path | None, name: str, data: Mapping[str, Any]) -> None:
    """Write a bench's figures into the folder `out`, if there is one. Raises `OutputError`."""
    if out is not None:
        make_folder(out)
        write_atomic(out / name, (json.dumps(data, indent=1, ensure_ascii=False) + "\n").encode())


def fit_text(name: str, unit: str, curve: Fit) -> str:
    """A fitted curve in words: its terms, the largest residual and R squared."""
    terms = " + ".join(f"{c:.3g}{'' if k == 0 else ' x' if k == 1 else f' x^{k}'}" for k, c in enumerate(curve.coefficients))
    return f"{name} [{unit}] = {terms}; residual up to {100 * curve.residual:.1f} %, R² {curve.r_squared:.4f}"


def encoder_report(costs: EncoderCosts, about: Mapping[str, Any], out: Path | None) -> None:
    """The encoder's costs by pixels."""
    heads = ("page", "Mpx", "s, median", "s, fastest", "off the line", "GFLOP", "MB", "load")
    rows = [
        (
            f"{r.size[0]} x {r.size[1]}", f"{r.megapixels:.2f}", number(r.seconds), number(r.fastest),
            f"{100 * (costs.seconds(r.megapixels) / r.seconds - 1):+.1f} %", number(r.operations, 1, 1e-9),
            number(r.memory_mb, 0), number(r.load_average, 1),
        )
        for r in costs.rows
    ]  # fmt: skip
    lines = (fit_text("seconds", "s, Mpx", costs.seconds), fit_text("operations", "FLOP, Mpx", costs.operations))
    show(table("Page encoder by pixels of the page", heads, rows), *lines, about_text(about))
    write_json(out, "encoder.json", {"about": dict(about), **plain_data(costs)})


def about_text(about: Mapping[str, Any]) -> str:
    """The circumstances in one line."""
    return ", ".join(f"{name.replace('_', ' ')} {value}" for name, value in about.items())


def peers_report(results: Sequence[WayResult], about: Mapping[str, Any], out: Path | None) -> None:
    """All ways from photo to clauses side by side."""
    heads = "way,word F1,presence F1,CER of quotes,CER of page,invented,IoU,fields F1,s median,s 95 %,ours / this,MB".split(",")
    rows, data = [], []
    for r in results:
        figures, seconds, ratio = r.scores.figures(), r.time, sorted(r.ratios)[len(r.ratios) // 2]
        rows.append(
            (
                str(r.way), number(r.scores.words.f1), number(r.scores.presence.f1), number(r.scores.cer, 4),
                number(r.reading.cer, 4), number(r.scores.invented_share, 4), number(r.scores.iou), number(r.scores.fields.f1),
                number(seconds.median, 2), number(seconds.high, 2), number(ratio, 2), number(r.memory_mb, 0),
            )
        )  # fmt: skip
        stages = {name: sorted(values)[len(values) // 2] for name, values in r.stages.items()}
        data.append(
            {
                "way": str(r.way), **figures, "page_cer": r.reading.cer, "lines_missed": r.reading.missed,
                "seconds_median": seconds.median, "seconds_95": seconds.high, "stages_median": stages,
                "ours_over_this_median": ratio, "peak_mb": r.memory_mb,
            }
        )  # fmt: skip
    title = f"{results[0].scores.pages} photos; behind each engine: our language model on its words, no visual tokens"
    show(table(title, heads, rows), about_text(about))
    write_json(out, "peers.json", {"about": dict(about), "ways": data})


def heldout_report(results: Sequence[GroupResult], about: Mapping[str, Any], out: Path | None) -> None:
    """Seen and held-out contracts and fonts."""
    heads = "contracts,fonts,pages,families,CER,lines missed,word F1,presence F1,IoU,fields F1".split(",")
    rows = [
        (
            r.group.contracts, r.group.fonts, str(r.scores.pages), str(r.families), number(r.reading.cer, 4),
            f"{r.reading.missed} of {r.reading.lines}", number(r.scores.words.f1), number(r.scores.presence.f1),
            number(r.scores.iou), number(r.scores.fields.f1),
        )
        for r in results
    ]  # fmt: skip
    show(table("Pages set and photographed here", heads, rows), about_text(about))
    data = [
        {"contracts": r.group.contracts, "fonts": r.group.fonts, "families": r.families, "page_cer": r.reading.cer}
        | {"lines_missed": r.reading.missed, "lines": r.reading.lines}
        | r.scores.figures()
        for r in results
    ]
    write_json(out, "heldout.json", {"about": dict(about), "groups": data})


def tokens_report(found: Comparison, compressors: Mapping[str, Any] | None, about: Mapping[str, Any], out: Path | None) -> None:
    """The comparison of visual tokens, and of compressors if their figures are there."""
    heads = (
        "way,visual tokens,positions,word F1,presence F1,CER of page,refused,GFLOP vision,GFLOP language,prefill s,prefill MB,"
        "first output s,peak MB"
    ).split(",")
    rows = [
        (
            r.name, f"{r.visual_tokens:,}", f"{r.positions:,}", *_quality(r), number(r.vision_operations, 0, 1e-9),
            number(r.language_operations, 0, 1e-9), number(r.prefill_s, 2) + ("" if r.prefill_measured else " fit"),
            number(r.prefill_mb, 0) + ("" if r.prefill_measured else " fit"), number(r.first_output_s, 2), number(r.peak_mb, 0),
        )
        for r in found.rows
    ]  # fmt: skip
    curves = [
        fit_text(f"prefill, attention {a}, up to {c.rows[-1].length:,} positions measured: {what}", unit, line)
        for a, c in found.curves.items()
        for what, unit, line in (("seconds", "s, positions", c.seconds), ("memory", "MB, positions", c.memory))
    ]
    show(table("Visual tokens of one page", heads, rows), *curves)
    if compressors is not None:
        show(_compressor_table(compressors))
    show(about_text(about))
    data = {
        "about": dict(about),
        "rows": [r.figures() for r in found.rows],
        "prefill": {a: plain_data(c) for a, c in found.curves.items()},
        "compressors": compressors,
    }
    write_json(out, "tokens.json", data)
    if out is not None:
        write_atomic(out / "tokens.png", tokens_picture(found.rows))


def _quality(row: TokenRow) -> tuple[str, str, str, str]:
    if row.scores is None or row.reading is None:
        return "-", "-", "-", "-"
    return number(row.scores.words.f1), number(row.scores.presence.f1), number(row.reading.cer, 4), str(row.refused)


def tokens_picture(rows: Sequence[TokenRow]) -> bytes:
    """The comparison as a PNG: quality, tokens and the cost of taking them in."""
    panels = (
        Panel("word F1", [None if r.scores is None else r.scores.words.f1 for r in rows], lambda v: f"{v:.2f}"),
        Panel("visual tokens", [float(r.visual_tokens) for r in rows], lambda v: f"{v:,.0f}", decades=True),
        Panel("prefill, seconds", [r.prefill_s for r in rows], lambda v: f"{v:,.2f}", decades=True),
        Panel("prefill, MB", [r.prefill_mb for r in rows], lambda v: f"{v:,.0f}", decades=True),
    )
    fitted = "" if all(r.prefill_measured for r in rows) else " Prefill of the tiled photos is fitted to shorter ones."
    note = "The same language model in every row." + fitted
    title = "One contract page: what the language model is given"
    return chart(title, note, [r.name for r in rows], [r.ours for r in rows], panels)


COMPRESSOR_KEYS = ("kind", "parameters", "steps", "seconds", "figures")


def load_compressors(file: Path) -> dict[str, Any]:
    """What `clausescan train compressors` wrote. Raises `InputError` when it is something else."""
    try:
        data = json.loads(file.read_text(encoding="utf-8"))
        rows = data["rows"]
        complete = bool(rows) and all(key in row for row in rows for key in COMPRESSOR_KEYS)
    except (OSError, ValueError, KeyError, TypeError):
        complete = False
    if not complete:
        raise InputError(f"{file} does not hold the figures of `clausescan train compressors`")
    return dict(data)


def _compressor_table(data: Mapping[str, Any]) -> Table:
    budgets = list(data["rows"][0]["figures"])
    told = [f"{what} at {budget}" for what in ("words right", "nats a word") for budget in budgets]
    heads = ["compressor", "parameters", "MFLOP a page", "steps", "s", *told]
    rows = [
        (
            str(row["kind"]), f"{row['parameters']:,}", number(row.get("operations"), 0, 1e-6), str(row["steps"]),
            number(row["seconds"], 0), *(number(row["figures"][b]["accuracy"]) for b in budgets),
            *(number(row["figures"][b]["loss"], 2) for b in budgets),
        )
        for row in data["rows"]
    ]  # fmt: skip
    return table("Compressors: words told by visual tokens alone, at held-out pages; same steps, same pages", heads, rows)
