import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from clausescan.geometry import Chain, Homography
from clausescan.schema.pagemap import PageMap, projective, sample

SIZE = (2048, 2700)
CORNERS = np.array([[0, 0], (SIZE[0], 0), SIZE, (0, SIZE[1])], np.float64)
offsets = st.lists(st.floats(-200, 200), min_size=8, max_size=8)


class Curl:
    """Photo to page: a page whose lines sag by `height` px."""

    def __init__(self, height):
        self.height = height

    def forward(self, points):
        return points - np.c_[0 * points[:, 0], self.height * np.sin(points[:, 0] / 400)]

    def inverse(self, points):
        return points + np.c_[0 * points[:, 0], self.height * np.sin(points[:, 0] / 400)]


def perspective(moves):
    return Homography(projective(CORNERS + np.array(moves).reshape(4, 2), CORNERS))


def sampled(to_page):
    return sample(to_page, (3000, 4000), SIZE, CORNERS, 0)


@settings(deadline=None, max_examples=30)
@given(offsets)
def test_a_flat_page_needs_no_grid(moves):
    page_map = sampled(perspective(moves))
    assert page_map.grid is None
    points = np.random.default_rng(0).uniform([0, 0], SIZE, (50, 2))
    assert np.abs(page_map.inverse(points) - perspective(moves).inverse(points)).max() < 0.01
    assert np.abs(page_map.forward(page_map.inverse(points)) - points).max() < 0.01


@settings(deadline=None, max_examples=20)
@given(offsets, st.floats(1, 80))
def test_a_curled_page_round_trips_within_a_pixel(moves, height):
    true = Chain((perspective(moves), Curl(height)))
    page_map = PageMap.model_validate_json(sampled(true).model_dump_json())
    points = np.random.default_rng(1).uniform([0, 0], SIZE, (200, 2))
    assert np.linalg.norm(page_map.inverse(points) - true.inverse(points), axis=1).max() < 0.6
    assert np.linalg.norm(page_map.forward(page_map.inverse(points)) - points, axis=1).max() < 0.5


def test_the_error_is_told():
    page_map = sampled(Curl(60))
    assert page_map.grid is not None
    assert page_map.max_error_px <= 0.25
    assert page_map.grid.columns * page_map.grid.rows == len(page_map.grid.dx) == len(page_map.grid.dy)


def test_projective_takes_corners_to_corners():
    target = np.array([[1, 2], [9, 1], [8, 12], [0, 10]], np.float64)
    assert Homography(projective(CORNERS, target)).forward(CORNERS) == pytest.approx(target, abs=1e-6)
