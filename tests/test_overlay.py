import io
import time

import numpy as np
import pytest
from PIL import Image

from clausescan import overlay, scan
from clausescan.errors import OutputError
from clausescan.schema.clauses import BUILT_IN


@pytest.fixture
def clauses(photo_file, fake_model):
    return scan.extract(photo_file, model=fake_model).clauses


def test_clauses_are_tinted_and_nothing_else_is(clauses):
    photo = np.full((1400, 2048, 3), 255, np.uint8)
    drawn = overlay.draw(photo, clauses)
    assert (photo == 255).all()
    assert drawn.shape == photo.shape
    for clause in clauses:
        (x0, y0), (x1, y1) = clause.quads[0][0], clause.quads[0][2]
        inside = drawn[int(y0) + 8 : int(y1) - 8, int(x0) + 8 : int(x1) - 8].reshape(-1, 3)
        tint = 255 * (1 - overlay.OPACITY) + np.array(overlay.STYLES[clause.type].colour) * overlay.OPACITY
        assert np.abs(np.median(inside, axis=0) - tint).max() <= 2
    assert (drawn[:250] == 255).all()
    assert (drawn[:1000, 1900:] == 255).all()


def test_types_differ_in_more_than_colour():
    assert set(overlay.STYLES) == set(BUILT_IN)
    assert len({(s.dash, s.hatch) for s in overlay.STYLES.values()}) == len(BUILT_IN)


def test_quads_beyond_the_frame_do_no_harm(clauses):
    for shape in ((300, 200, 3), (64, 64, 3)):
        assert overlay.draw(np.zeros(shape, np.uint8), clauses).shape == shape
    assert overlay.draw(np.zeros((100, 100, 3), np.uint8), ()).any()


def test_twelve_megapixels_are_fast(clauses):
    photo = np.full((3024, 4032, 3), 200, np.uint8)
    began = time.process_time()
    overlay.draw(photo, clauses)
    assert time.process_time() - began < 1


@pytest.mark.parametrize("suffix", [".jpg", ".PNG", ".webp"])
def test_files_carry_no_metadata(suffix):
    data = overlay.encode(np.zeros((80, 90, 3), np.uint8), suffix)
    image = Image.open(io.BytesIO(data))
    assert image.size == (90, 80)
    assert not image.getexif()


def test_unknown_formats_are_refused():
    with pytest.raises(OutputError, match="gif"):
        overlay.encode(np.zeros((8, 8, 3), np.uint8), ".gif")
