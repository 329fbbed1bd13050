"""The support of known distributions, the classical 23, and collapsed and continuous generators."""

import math

import numpy as np
import pytest
from scipy.spatial.distance import cdist, pdist

from kerasgan.metrics import birthday_support, distances, duplicate_threshold


@pytest.mark.parametrize("block_values", [2000, 10**7])
def test_the_birthdays_of_23_people(block_values, monkeypatch):
    monkeypatch.setattr(distances, "BLOCK_VALUES", block_values)
    days = np.random.default_rng(0).integers(365, size=(1500, 1)).astype(float)
    result = birthday_support(days, threshold=0.5, trials=800)
    assert result.batch_size == pytest.approx(23, abs=2)
    assert result.support == result.batch_size**2
    assert 1 / result.duplicate_rate == pytest.approx(365, rel=0.05)
    assert result.support / (2 * math.log(2)) == pytest.approx(365, rel=0.2)


def test_it_is_the_first_batch_of_half_of_all_orders():
    # Duplicates: the pairs (0, 1) and (2, 3). Of four samples drawn one by one the second completes a pair with
    # probability 1/3, and the third always does.
    points = [[0.0], [0.1], [5.0], [5.1]]
    result = birthday_support(points, threshold=0.2)
    assert (result.batch_size, result.support) == (3.0, 9.0)
    assert result.duplicate_rate == pytest.approx(2 / 6)


def test_copies_only():
    points = np.random.default_rng(0).normal(1e3, 1.0, (40, 3))
    assert birthday_support(points, threshold=0) == (math.inf, math.inf, 0.0)
    doubled = np.concatenate([points, points])
    assert birthday_support(doubled, threshold=0).duplicate_rate == pytest.approx(40 / (80 * 79 / 2))
    assert birthday_support(np.ones((30, 3)), threshold=0) == (2.0, 4.0, 1.0)


def test_the_rate_and_the_threshold_are_those_of_all_pairs():
    random = np.random.default_rng(0)
    points = random.normal(size=(80, 4))
    assert birthday_support(points, threshold=1.2).duplicate_rate == pytest.approx((pdist(points) <= 1.2).mean())
    nearest = np.sort(cdist(points, points), axis=1)[:, 1]
    assert duplicate_threshold(points) == pytest.approx(np.percentile(nearest, 1), rel=1e-9)
    assert duplicate_threshold(points, 50) == pytest.approx(np.median(nearest), rel=1e-9)


def test_a_collapsed_generator_has_a_smaller_support():
    random = np.random.default_rng(0)
    real, collapsed = random.normal(size=(2, 500, 2))
    threshold = duplicate_threshold(real, 20)
    assert 4 * birthday_support(0.1 * collapsed, threshold).support < birthday_support(collapsed, threshold).support


def test_wrong_input_is_refused():
    with pytest.raises(ValueError, match="1 sample; expected at least 2"):
        birthday_support(np.ones((1, 2)), 0.1)
    with pytest.raises(ValueError, match="threshold=-1"):
        birthday_support(np.ones((3, 2)), -1)
    with pytest.raises(ValueError, match="NaN"):
        birthday_support(np.full((3, 2), np.nan), 0.1)
    with pytest.raises(ValueError, match="neighbour=1; expected 1 to 0"):
        duplicate_threshold(np.ones((1, 2)))
