import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from clausescan.geometry import Chain, Homography, bounding_box, box_quad, ribbon

small = st.floats(-0.2, 0.2)


@given(st.lists(small, min_size=6, max_size=6), st.lists(st.floats(-1e-5, 1e-5), min_size=2, max_size=2))
def test_homographies_and_chains_round_trip(affine, projective):
    a = Homography(np.array([[1 + affine[0], affine[1], 50], [affine[2], 1 + affine[3], -20], [*projective, 1]]))
    chain = Chain((a, Homography(np.diag([2.0, 0.5, 1.0])), a))
    points = np.random.default_rng(0).uniform(0, 2000, (30, 2))
    assert np.allclose(chain.inverse(chain.forward(points)), points, atol=1e-4)
    assert np.allclose(Chain().forward(points), points)
    assert np.allclose(Homography.identity().inverse(points), points)


def test_a_flat_matrix_is_refused():
    with pytest.raises(ValueError, match="invertible"):
        Homography(np.zeros((3, 3)))


def test_boxes_and_ribbons():
    quad = box_quad((1, 2, 5, 4))
    assert quad.tolist() == [[1, 2], [5, 2], [5, 4], [1, 4]]
    assert bounding_box(quad) == (1, 2, 5, 4)
    upper, lower = ribbon(np.array([[0.0, 10.0], [5.0, 10.0], [10.0, 10.0]]), 4)
    assert upper.tolist() == [[0, 8], [5, 8], [10, 8]]
    assert lower.tolist() == [[0, 12], [5, 12], [10, 12]]
