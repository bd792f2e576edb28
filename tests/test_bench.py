"""The benches: scores on hand-made cases, fits, costs, peers behind fake engines, and what is shown of it all."""

import io
import json
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from clausescan import cli
from clausescan.answer import PageAnswer
from clausescan.bench import measure, peers, prefill, shown, tokens
from clausescan.bench.charts import Panel, chart, lengths
from clausescan.bench.encodercost import EncoderCost, EncoderCosts, page_size
from clausescan.bench.labelled import LabelledPhoto, clean, labelled_photos
from clausescan.bench.measure import Process, fit, spread
from clausescan.bench.ocrengines import Tesseract, rapid_reading, tesseract_reading
from clausescan.bench.peers import Answered, Runner, Way, WayResult
from clausescan.bench.prefill import Prefill
from clausescan.bench.reading import Figures, compare
from clausescan.bench.scoring import Scores, area_overlap, plain_words, quote_errors, stated
from clausescan.bench.squash import TOKENS, squashed, tiles
from clausescan.bench.stages import TextOnly, grounded
from clausescan.bench.tokens import Comparison, TokenRow
from clausescan.errors import ClausescanError, InputError, UsageError
from clausescan.geometry import Homography
from clausescan.model import language
from clausescan.model.language import LanguageModel
from clausescan.page import Reading
from tests import specimen

SAMPLES = Path(__file__).parents[1] / "samples"
QUAD = [[80, 80], [480, 80], [480, 160], [80, 160]]


def photo(*clauses: dict, words: str = "Either party may terminate upon thirty (30) days' notice.") -> LabelledPhoto:
    return LabelledPhoto("a", "easy", Path("a.jpg"), (800, 600), tuple(words.split()), (), clauses)


def clause(text: str, kind: str = "termination", quads: list | None = None, **fields: object) -> dict:
    return {"type": kind, "text": text, "quads": [QUAD] if quads is None else quads, "fields": fields}


def scored(page: LabelledPhoto, *found: dict) -> Scores:
    scores = Scores()
    scores.add(page, found)
    return scores


# Scores


def test_the_truth_scores_full_marks() -> None:
    scores = Scores()
    for page in labelled_photos(SAMPLES):
        scores.add(page, page.clauses)
    figures = scores.figures()
    assert figures == {
        "pages": 7, "word_f1": 1.0, "presence_f1": 1.0, "cer": 0.0, "invented": 0.0, "box_iou": 1.0, "fields_f1": 1.0,
    }  # fmt: skip


def test_no_report_scores_nothing() -> None:
    scores = Scores()
    for page in labelled_photos(SAMPLES):
        scores.add(page, ())
    assert (scores.words.f1, scores.presence.f1, scores.fields.f1, scores.iou, scores.cer) == (0, 0, 0, 0, None)


def test_half_the_words_score_two_thirds() -> None:
    scores = scored(photo(clause("Either party may terminate")), clause("party may"))
    assert scores.words.f1 == pytest.approx(2 * 2 / (4 + 2))
    assert (scores.presence.f1, scores.cer, scores.invented) == (1, 0, 0)


def test_words_count_in_their_order_only() -> None:
    assert scored(photo(clause("either party may")), clause("may party either")).words.right == 1


def test_a_clause_of_another_type_is_wrong_on_both_sides() -> None:
    scores = scored(photo(clause("party may")), clause("party may", "indemnity"))
    assert (scores.words.f1, scores.presence.f1, scores.presence.found, scores.presence.true) == (0, 0, 1, 1)


def test_what_stands_nowhere_is_invented_but_a_misread_letter_is_not() -> None:
    scores = scored(photo(clause("party may terminate")), clause("parly may zebrafish"))
    assert (scores.invented, scores.emitted) == (1, 3)


def test_quotes_are_compared_between_the_words_that_both_share() -> None:
    assert quote_errors("1. Either party may end it now", "party rnay end it then") == (2, len("party may end it"))
    assert quote_errors("party", "nothing") == (0, 0)


def test_typography_case_and_edges_do_not_count() -> None:
    assert plain_words("“Party’s” (A) — may,") == ["party's", "a", "may"]
    assert clean("a–b  “c”…") == 'a-b "c"...'


def test_fields_are_compared_as_values() -> None:
    true = clause("x", for_convenience=True, for_cause=False, notice_periods=[{"value": 30, "unit": "days"}])
    found = clause(
        "x", for_convenience=True, notice_periods=[{"value": 30.0, "unit": "day"}], cure_periods=[{"value": 5, "unit": "days"}]
    )
    scores = scored(photo(true), found)
    assert (scores.fields.right, scores.fields.found, scores.fields.true) == (2, 3, 2)
    cap = clause("x", "liability_cap", amounts=[{"amount": 1e6, "currency": None}], fee_months=[12], uncapped=False)
    assert stated("liability_cap", [cap]) == {("amount", 1e6, ""), ("fee_months", 12.0)}
    party = clause("x", "indemnity", indemnifying_parties=["the Supplier,"])
    assert stated("indemnity", [party]) == {("party", "the supplier")}
    assert stated("termination", [{**party, "type": "termination"}]) == set()


def test_areas() -> None:
    right = [[x + 400, y] for x, y in QUAD]
    assert area_overlap([QUAD], [QUAD], (800, 600)) == 1
    assert area_overlap([QUAD], [], (800, 600)) == 0
    assert area_overlap([QUAD, right], [QUAD], (1000, 600)) == pytest.approx(0.5, abs=0.02)


def test_lines_are_compared_where_they_stand() -> None:
    words = specimen.reading()
    lines = grounded(words, Homography.identity(), lambda _: PageAnswer((), {})).lines
    rows = tuple({"text": line.text, "quad": [list(p) for p in line.quads[0]]} for line in lines)
    page = replace(photo(), lines=rows)
    assert compare(lines, page).cer == 0
    figures = compare(lines[1:], page)
    assert (figures.missed, figures.edits) == (1, len(clean(lines[0].text)))


@pytest.mark.parametrize("text", ["", "[]", "{}", '[{"id": "a"}]'])
def test_a_folder_without_truth_is_a_usage_error(tmp_path: Path, text: str) -> None:
    (tmp_path / "truth.json").write_text(text)
    with pytest.raises(UsageError, match=r"truth\.json"):
        labelled_photos(tmp_path)


def test_a_photo_that_is_gone_is_named(tmp_path: Path) -> None:
    row = {"id": "gone", "level": "easy", "size": [8, 8], "words": [], "lines": [], "clauses": []}
    (tmp_path / "truth.json").write_text(json.dumps([row]))
    with pytest.raises(UsageError, match=r"gone\.jpg is missing"):
        labelled_photos(tmp_path)


# Measuring


def test_a_line_is_found_again_and_its_residual_told() -> None:
    x = [1.0, 2.0, 4.0, 8.0]
    exact = fit(x, [0.5 + 0.25 * v for v in x], 1)
    assert exact.coefficients == pytest.approx((0.5, 0.25))
    assert exact.residual < 1e-9
    assert exact.r_squared == pytest.approx(1)
    bent = fit(x, [v**2 for v in x], 1)
    assert bent.residual > 0.3


def test_a_parabola_is_found_again_far_beyond_its_points() -> None:
    x = [512.0, 1024.0, 2048.0, 4096.0]
    curve = fit(x, [0.01 + 1e-5 * v + 6e-8 * v * v for v in x], 2)
    assert curve(82944) == pytest.approx(0.01 + 1e-5 * 82944 + 6e-8 * 82944**2, rel=1e-6)


@pytest.mark.parametrize(("x", "y", "degree"), [([1, 2], [1, 2], 1), ([1, 2, 3], [1, 2, 3], 2), ([1, 2, 3], [1, 0, 3], 1)])
def test_a_curve_through_too_few_points_is_refused(x: list, y: list, degree: int) -> None:
    with pytest.raises(ValueError, match="measurements"):
        fit(x, y, degree)


def test_spread() -> None:
    values = spread([float(v) for v in range(1, 101)])
    assert (values.median, values.high, values.count) == (50.5, 95.0, 100)
    assert spread([3.0]).high == 3.0


def _fill(megabytes: int) -> float:
    before = measure.forget_peak()
    held = np.ones(megabytes * 2**20, np.uint8)
    del held
    return measure.peak_mb() - before


def _die() -> None:
    import os

    os._exit(9)


def test_a_process_has_its_threads_and_its_own_peak() -> None:
    ballast = np.ones(2**28, np.uint8)  # of this process: no part of the other's peak
    with measure.process(1) as own:
        assert own.call(torch.get_num_threads) == 1
        assert own.call(_fill, 150) == pytest.approx(150, abs=30)
        assert own.call(_fill, 20) == pytest.approx(20, abs=15)
        with pytest.raises(ZeroDivisionError):
            own.call(divmod, 1, 0)
        with pytest.raises(ClausescanError, match="process died"):
            own.call(_die)
    assert ballast.nbytes == 2**28


# Squares, tiles and prefill


def test_tiles() -> None:
    assert (tiles(336, 336), tiles(337, 336), tiles(4032, 3024)) == (1, 2, 108)
    assert tiles(*tokens.FRAME_4K) * TOKENS == 144 * 576 == 82_944


def test_a_squashed_page_keeps_its_size_and_loses_its_letters() -> None:
    page = np.full((2896, 2048), 250, np.uint8)
    page[1000:1400, 512:1536] = 40  # a picture
    page[2000:2400, ::4] = 0  # print: strokes of a px or two
    page[2000:2400, 1::4] = 0
    small = squashed(page)
    assert small.shape == page.shape and small.dtype == np.uint8
    assert small[1200, 1000] == pytest.approx(40, abs=3) and small[500, 1000] == pytest.approx(250, abs=3)
    assert np.std(small[2050:2350]) < 0.2 * np.std(page[2050:2350])


def test_prefill_operations_are_those_counted() -> None:
    from torch.utils.flop_counter import FlopCounterMode

    model = LanguageModel(100, 40, 2, 5)
    with FlopCounterMode(display=False) as counter:
        model(torch.zeros(1, 96, 40), 96)
    assert prefill.operations(model, 96) == counter.get_total_flops()


def test_fused_attention_is_attention() -> None:
    q, k, v = (torch.randn(1, 5, 12, 8, generator=torch.Generator().manual_seed(n)) for n in range(3))
    assert torch.allclose(prefill.fused(q, k, v), language.attend(q, k, v), atol=1e-5)


class Foreseen(Process):
    """Prefill as the curves have it, without a process; notes what was run."""

    def __init__(self) -> None:
        self.ran: list[int] = []

    def call(self, function, folder, attention, length, runs):
        self.ran.append(length)
        memory = 10 + 2e-5 * length**2 if attention == "written out" else 5 + 0.01 * length
        return Prefill(attention, length, 0.02 + 6e-8 * length**2, memory)


@pytest.mark.parametrize(
    ("attention", "limit_s", "free_mb", "longest"),
    [
        ("written out", 1e9, 3000.0, 8192),
        ("written out", 3.0, 1e9, 4096),
        ("fused", 1e9, 3000.0, 82944),
    ],
)
def test_prefill_stops_at_time_and_memory(monkeypatch, attention, limit_s, free_mb, longest) -> None:
    monkeypatch.setattr(prefill, "available_mb", lambda: free_mb)
    own = Foreseen()
    curve = prefill.measured(own, None, attention, 82944, limit_s, 1)
    assert own.ran[-1] == longest
    seconds, _, measured = curve.at(82944)
    assert seconds == pytest.approx(0.02 + 6e-8 * 82944**2, rel=1e-6)
    assert measured == (longest == 82944)


def test_pages_for_the_encoder() -> None:
    for megapixels in (1.0, 12.0):
        w, h = page_size(megapixels)
        assert w % 16 == h % 16 == 0
        assert w * h / 1e6 == pytest.approx(megapixels, rel=0.02)
        assert h / w == pytest.approx(2**0.5, rel=0.02)


# Peers

TSV = """level\tpage_num\tblock_num\tpar_num\tline_num\tword_num\tleft\ttop\twidth\theight\tconf\ttext
1\t1\t0\t0\t0\t0\t0\t0\t800\t600\t-1\t
5\t1\t1\t1\t1\t1\t100\t50\t80\t20\t96.5\tEither
5\t1\t1\t1\t1\t2\t190\t50\t70\t20\t90\t"party
5\t1\t1\t1\t1\t3\t270\t50\t70\t20\t90\t\u00a0
5\t1\t1\t2\t1\t1\t100\t90\t60\t20\t80\tmay
"""


def test_tesseract_s_table_becomes_a_reading() -> None:
    reading = tesseract_reading(TSV)
    assert reading.text == 'Either "party\nmay'
    word = reading.lines[0].words[0]
    assert word.box_page_px == (100, 50, 180, 70) and word.confidence == pytest.approx(0.965)
    assert reading.lines[1].centre_page_px.tolist() == [[100, 100], [160, 100]]


def test_rapidocr_s_pieces_on_one_row_become_one_line() -> None:
    def piece(text: str, x: float, y: float) -> tuple[str, float, list]:
        return text, 0.9, [[x, y], [x + 60, y + 2], [x + 60, y + 22], [x, y + 20]]

    reading = rapid_reading([[piece("12.", 100, 50)], [piece("Term", 200, 54), piece("", 260, 54)], [piece("may", 100, 90)], []])
    assert reading.text == "12. Term\nmay"
    assert rapid_reading([]) == Reading(())


def test_a_page_without_words_has_no_clauses() -> None:
    found = grounded(Reading(()), Homography.identity(), lambda _: pytest.fail("nothing to ask about"))
    assert (found.lines, found.clauses) == ((), ())


def test_tesseract_that_is_not_there_is_a_usage_error(monkeypatch) -> None:
    monkeypatch.setenv("PATH", "")
    with pytest.raises(UsageError, match="tesseract-ocr"):
        Tesseract(2)


class OneEngine:
    """Reads the specimen's lines, whatever it is shown."""

    memory_mb = 50.0

    def __init__(self, threads: int) -> None:
        self.shown: list[tuple[int, ...]] = []

    def read(self, picture: np.ndarray) -> Reading:
        self.shown.append(picture.shape)
        return specimen.reading()


@pytest.mark.weights
def test_the_classifier_behind_an_engine_finds_clauses_by_text_alone(monkeypatch, photo_file: Path) -> None:
    monkeypatch.setitem(peers.ENGINES, "one", OneEngine)
    monkeypatch.setattr(peers, "rectify", specimen.flat_rectify)
    raw, flat = (Runner(Way("one", flattened), None, 256, 1) for flattened in (False, True))
    answers = [runner.answer(photo_file) for runner in (raw, flat)]
    for answered in answers:
        kinds = {c["type"]: c for c in answered.clauses}
        assert "thirty (30) days'" in kinds["termination"]["text"]
        assert all(c["visual_tokens"] == 0 for c in answered.clauses)
        assert [line.text for line in answered.lines] == list(specimen.LINES)
    assert set(answers[0].seconds) == {"decode", "read", "find", "total"}
    assert set(answers[1].seconds) == {"decode", "rectify", "read", "find", "total"}
    assert len(raw.engine.shown[0]) == 3 and len(flat.engine.shown[0]) == 2
    assert raw.memory_mb() > measure.peak_mb()


@pytest.mark.weights
def test_text_alone_is_read_with_line_breaks_and_paragraphs() -> None:
    from clausescan.model.engine import load

    answer = TextOnly(load()).find(specimen.reading())
    passages = {p.type: p for p in answer.passages}
    cap = passages["liability_cap"]
    assert cap.first[0] <= 5 <= cap.last[0]
    assert all(p.visual_tokens == 0 for p in answer.passages)


def test_all_ways_take_turns_on_every_photo(monkeypatch) -> None:
    calls: list[tuple[str, Path]] = []

    class Fake:
        def call(self, function, *arguments):
            if function is peers._start:
                self.way = arguments[0]
                return None
            if function is peers._memory:
                return 700.0
            calls.append((str(self.way), arguments[0]))
            seconds = {"total": 1.0 if self.way.engine == peers.OURS else 4.0, "read": 0.5}
            return Answered([clause("Either party may")], (), seconds)

    @contextmanager
    def fake(threads: int):
        yield Fake()

    monkeypatch.setattr(peers, "process", fake)
    pages = [replace(photo(clause("Either party may")), file=Path(name)) for name in ("a", "b")]
    results = peers.run(pages, ["tesseract"], None, 256, 2, lambda _: None)
    names = ["clausescan", "tesseract on the photo", "tesseract on our sheet"]
    assert [str(r.way) for r in results] == names
    assert calls == [(n, Path("a")) for n in names] + [(n, Path(p)) for p in "ab" for n in names]  # the first is a warm-up
    assert [r.ratios for r in results] == [[1, 1], [0.25, 0.25], [0.25, 0.25]]
    assert all(r.scores.pages == 2 and r.scores.words.f1 == 1 and r.memory_mb == 700 for r in results)


# What is shown


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
    row = {"kind": "perceiver", "parameters": 9, "steps": 2, "seconds": 1.0, "loss": 0.1, "word_f1": 0.2, "presence_f1": 0.3}
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
