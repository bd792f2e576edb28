"""What measures: fits, processes, squares, tiles, prefill, the encoder's pages."""

import numpy as np
import pytest
import torch

from clausescan.bench import measure, prefill, tokens
from clausescan.bench.encodercost import page_size
from clausescan.bench.measure import Process, fit, spread
from clausescan.bench.prefill import Prefill
from clausescan.bench.squash import TOKENS, squashed, tiles
from clausescan.errors import ClausescanError
from clausescan.model import language
from clausescan.model.language import LanguageModel


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
