"""What the benches show and write."""

import io
import json
from dataclasses import replace
from pathlib import Path

import pytest
from PIL import Image

from clausescan import cli
from clausescan.bench import peers, prefill, shown
from clausescan.bench.charts import Panel, chart, lengths
from clausescan.bench.encodercost import EncoderCost, EncoderCosts, page_size
from clausescan.bench.measure import fit
from clausescan.bench.peers import Answered, Way, WayResult
from clausescan.bench.prefill import Prefill
from clausescan.bench.reading import Figures
from clausescan.bench.tokens import Comparison, TokenRow
from clausescan.errors import InputError
from tests.labelled import SAMPLES, clause, photo, scored


def test_bars_are_in_proportion_or_by_orders_of_magnitude() -> None:
    panel = Panel("x", [10.0, 1000.0, None, 0.0], str)
    assert lengths(panel) == [0.01, 1.0, None, 0.0]
    assert lengths(replace(panel, decades=True)) == pytest.approx([1 / 3, 1.0, None, 0.0])


def test_a_chart_has_a_row_a_label() -> None:
    one, two = (
        Image.open(io.BytesIO(chart("t", "n", ["a"] * rows, [True] * rows, [Panel("x", [1.0] * rows, str)]))) for rows in (1, 2)
    )
    assert two.width == one.width and two.height > one.height
    assert two.convert("RGB").getcolors(100_000) != one.convert("RGB").getcolors(100_000)


def rows() -> list[TokenRow]:
    scores, figures = scored(photo(clause("a b")), clause("a b")), Figures(edits=1, characters=4)
    return [
        TokenRow("ours", True, 64, 900, scores, figures, 0, 1e11, 2 * 10**10, 0.2, 30.0, True, 1.5, 900.0),
        TokenRow(
            "tiles",
            False,
            82_944,
            82_944,
            language_operations=54 * 10**12,
            prefill_s=400.0,
            prefill_mb=9e4,
            prefill_measured=False,
        ),
    ]


def curve() -> prefill.PrefillCurve:
    return prefill.curve([Prefill("written out", n, 1e-7 * n * n + 0.01, 1e-5 * n * n + 1) for n in (512, 1024, 2048, 4096)])


def compressors(tmp_path: Path) -> Path:
    row = {"kind": "perceiver", "parameters": 9, "steps": 2, "seconds": 1.0, "figures": {"64": {"loss": 4.1, "accuracy": 0.2}}}
    file = tmp_path / "compressors.json"
    file.write_text(json.dumps({"budget": 256, "rows": [row]}))
    return file


def test_tokens_are_shown_and_written(tmp_path: Path, capsys) -> None:
    data = shown.load_compressors(compressors(tmp_path))
    shown.tokens_report(Comparison(rows(), {"written out": curve()}), data, {"threads": 2}, tmp_path / "out")
    text = capsys.readouterr().out
    assert "82,944" in text and "400.00 fit" in text and "perceiver" in text and "0.2500" in text and "threads 2" in text
    written = json.loads((tmp_path / "out" / "tokens.json").read_text())
    assert [row["prefill_measured"] for row in written["rows"]] == [True, False]
    assert written["rows"][0]["word_f1"] == 1 and written["rows"][0]["reading_cer"] == 0.25
    assert written["prefill"]["written out"]["seconds"]["residual"] < 1e-6
    assert Image.open(tmp_path / "out" / "tokens.png").width > 1000


def test_peers_are_shown_and_written(tmp_path: Path, capsys) -> None:
    results = [WayResult(Way(peers.OURS)), WayResult(Way("tesseract"))]
    for result, total in zip(results, (1.0, 4.0), strict=True):
        result.add(photo(clause("may")), Answered([clause("may")], (), {"total": total}), 1.0)
    shown.peers_report(results, {}, tmp_path)
    assert "tesseract on the photo" in capsys.readouterr().out
    ways = json.loads((tmp_path / "peers.json").read_text())["ways"]
    assert [w["ours_over_this_median"] for w in ways] == [1.0, 0.25]


def test_the_encoder_s_line_is_shown(tmp_path: Path, capsys) -> None:
    made = tuple(EncoderCost(page_size(m), 0.02 * m, 0.02 * m, int(6e9 * m), 10.0 * m, 1.0) for m in (1.0, 2.0, 4.0))
    x = [row.megapixels for row in made]
    costs = EncoderCosts(made, fit(x, [r.seconds for r in made], 1), fit(x, [float(r.operations) for r in made], 1))
    shown.encoder_report(costs, {"threads": 2}, tmp_path)
    text = capsys.readouterr().out
    assert "seconds [s, Mpx]" in text and "residual up to" in text
    assert len(json.loads((tmp_path / "encoder.json").read_text())["rows"]) == 3


@pytest.mark.parametrize("text", ["", "[]", '{"rows": []}', '{"rows": [{"kind": "perceiver"}]}'])
def test_other_figures_are_not_taken_for_compressors(tmp_path: Path, text: str) -> None:
    (tmp_path / "c.json").write_text(text)
    with pytest.raises(InputError, match=r"c\.json"):
        shown.load_compressors(tmp_path / "c.json")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["peers", str(SAMPLES), "--engines", "abbyy"], "'abbyy' is none of tesseract, rapidocr"),
        (["tokens", str(SAMPLES / "source")], "truth.json"),
        (["peers", "/nowhere"], "truth.json"),
    ],
)
def test_wrong_arguments_are_usage_errors(arguments: list[str], message: str, capsys) -> None:
    assert cli.run_command(["bench", *arguments]) == 2
    said = capsys.readouterr().err
    assert message in said and said.count("\n") == 1
