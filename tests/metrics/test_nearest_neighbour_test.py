"""The test against scikit-learn, at chance, and on copies, crowded samples and constant images."""

import numpy as np
import pytest
from sklearn.neighbors import NearestNeighbors

from kerasgan.metrics import distances, nearest_neighbour_test


@pytest.mark.parametrize("block_values", [1, 10**6])
def test_it_is_leave_one_out_of_scikit_learn(block_values, monkeypatch):
    monkeypatch.setattr(distances, "BLOCK_VALUES", block_values)
    random = np.random.default_rng(0)
    real, fake = random.normal(size=(60, 3)), random.normal(0.6, 1.0, (60, 3))
    pooled, labels = np.concatenate([real, fake]), np.repeat([0, 1], 60)
    neighbours = NearestNeighbors(n_neighbors=1).fit(pooled).kneighbors(return_distance=False)[:, 0]
    same = labels[neighbours] == labels
    assert nearest_neighbour_test(real, fake) == pytest.approx((same.mean(), same[:60].mean(), same[60:].mean()))


def test_chance_and_certainty():
    random = np.random.default_rng(0)
    assert nearest_neighbour_test(*random.normal(size=(2, 800, 2))).accuracy == pytest.approx(0.5, abs=0.04)
    assert nearest_neighbour_test(*random.normal([[[0.0]], [[99.0]]], 1.0, (2, 50, 2))) == (1.0, 1.0, 1.0)


def test_crowding_shows_on_one_side():
    real, fake = np.random.default_rng(0).normal(size=(2, 200, 10))
    result = nearest_neighbour_test(real, 0.5 * fake)
    assert result.real_accuracy < 0.6
    assert result.fake_accuracy > 0.9


def test_copies_and_constant_images():
    x = np.random.default_rng(0).normal(1e3, 1.0, (50, 4))
    assert nearest_neighbour_test(x, x) == (0.0, 0.0, 0.0)
    ones = np.ones((5, 4))
    assert nearest_neighbour_test(ones, ones) == pytest.approx((4 / 9, 4 / 9, 4 / 9))
    assert nearest_neighbour_test([[0.0]], [[1.0]]) == (0.0, 0.0, 0.0)


def test_wrong_input_is_refused():
    with pytest.raises(ValueError, match="5 real and 4 fake samples; expected equal counts"):
        nearest_neighbour_test(np.ones((5, 2)), np.ones((4, 2)))
    with pytest.raises(ValueError, match="NaN"):
        nearest_neighbour_test(np.ones((5, 2)), np.full((5, 2), np.nan))
