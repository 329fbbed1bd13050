"""The discrepancy against explicit loops; the test's level, its power, and all relabellings of a tiny set."""

import itertools

import numpy as np
import pytest
from scipy.spatial.distance import pdist

from kerasgan.metrics import mmd_test


def by_loops(real, fake, bandwidth):
    def kernel(x, y):
        return np.exp(-np.square(np.subtract(x, y)).sum() / (2 * bandwidth**2))

    within = [np.mean([kernel(*pair) for pair in itertools.permutations(z, 2)]) for z in (real, fake)]
    return sum(within) - 2 * np.mean([kernel(x, y) for x in real for y in fake])


@pytest.fixture
def samples():
    random = np.random.default_rng(0)
    return random.normal(size=(12, 3)), random.normal(0.5, 1.0, (9, 3))


def test_the_statistic_is_the_sum_over_pairs(samples):
    assert mmd_test(*samples, bandwidth=0.7).statistic == pytest.approx(by_loops(*samples, 0.7), rel=1e-9)
    median = np.median(pdist(np.concatenate(samples)))
    assert mmd_test(*samples).statistic == pytest.approx(by_loops(*samples, median), rel=1e-9)


@pytest.mark.parametrize("count", [2, 4])
def test_the_p_value_is_the_share_of_all_relabellings(count):
    pooled = np.array([[0.0], [0.3], [1.1], [2.0], [2.2], [3.5]])
    parts = [
        (pooled[list(chosen)], np.delete(pooled, chosen, axis=0)) for chosen in itertools.combinations(range(6), count)
    ]
    statistics = np.array([by_loops(*part, 1.0) for part in parts])
    for index in (1, 4, 9):
        exact = np.mean(statistics >= statistics[index] - 1e-12)
        result = mmd_test(*parts[index], bandwidth=1.0, permutations=4000)
        assert result.p_value == pytest.approx(exact, abs=0.025)


def test_level_and_power():
    random = np.random.default_rng(0)
    p_values = [mmd_test(*random.normal(size=(2, 25, 2)), permutations=99, seed=i).p_value for i in range(200)]
    assert np.mean(np.array(p_values) <= 0.1) == pytest.approx(0.1, abs=0.06)
    assert np.mean(p_values) == pytest.approx(0.5, abs=0.07)
    assert mmd_test(*random.normal([[[0.0]], [[1.0]]], 1.0, (2, 40, 2))).p_value == pytest.approx(1 / 501)


def test_units_do_not_matter_with_the_median(samples):
    real, fake = samples
    assert mmd_test(1e3 * real, 1e3 * fake).statistic == pytest.approx(mmd_test(real, fake).statistic, rel=1e-9)


def test_constant_and_equal_sets(samples):
    real, _ = samples
    ones = np.ones((6, 3))
    assert mmd_test(ones, ones) == (0.0, 1.0)
    assert mmd_test(real, real).p_value > 0.9
    assert mmd_test(real, np.ones((12, 3))).p_value < 0.01


def test_wrong_input_is_refused(samples):
    real, fake = samples
    with pytest.raises(ValueError, match="12 real and 1 fake samples; expected at least 2"):
        mmd_test(real, fake[:1])
    with pytest.raises(ValueError, match="bandwidth=0"):
        mmd_test(real, fake, bandwidth=0)
    with pytest.raises(ValueError, match="NaN"):
        mmd_test(real * np.nan, fake)
