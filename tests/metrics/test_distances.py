"""Distances against scipy, in small blocks, far from the origin, and for copies."""

import numpy as np
import pytest
from scipy.spatial.distance import cdist

from kerasgan.metrics import distances


@pytest.fixture(params=[1, 50, distances.BLOCK_VALUES])
def samples(request, monkeypatch):
    monkeypatch.setattr(distances, "BLOCK_VALUES", request.param)
    random = np.random.default_rng(0)
    return random.normal(1e4, 1.0, (23, 5)), random.normal(1e4, 2.0, (17, 5))


def test_they_are_those_of_scipy(samples):
    np.testing.assert_allclose(distances.squared_distances(*samples), cdist(*samples, "sqeuclidean"), rtol=1e-8)


def test_nearest_neighbours(samples):
    x, y = samples
    for k in (1, 4):
        expected = np.sort(cdist(x, y, "sqeuclidean"), axis=1)[:, k - 1]
        np.testing.assert_allclose(distances.neighbour_distances(x, y, k), expected, rtol=1e-8)
        expected = np.sort(cdist(x, x, "sqeuclidean"), axis=1)[:, k]
        np.testing.assert_allclose(distances.neighbour_distances(x, neighbour=k), expected, rtol=1e-8)


def test_copies_have_distance_zero(samples):
    x, _ = samples
    assert (np.diag(distances.squared_distances(x, x)) == 0).all()
    assert (distances.neighbour_distances(x, x) == 0).all()
    assert (distances.neighbour_distances(np.repeat(x, 2, axis=0)) == 0).all()


def test_too_few_neighbours_are_refused(samples):
    with pytest.raises(ValueError, match="neighbour=23; expected 1 to 22"):
        distances.neighbour_distances(samples[0], neighbour=23)
