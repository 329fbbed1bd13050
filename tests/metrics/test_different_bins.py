"""The bins against explicit tests of proportions, at their level, and on dropped classes."""

import numpy as np
import pytest
from scipy.spatial.distance import cdist, jensenshannon
from scipy.stats import chi2_contingency

from kerasgan.data import load
from kerasgan.metrics import DifferentBins, different_bins


@pytest.fixture
def samples():
    random = np.random.default_rng(0)
    return random.normal(size=(400, 2)), random.normal(0.3, 1.0, (300, 2))


def test_it_is_the_test_of_two_proportions_in_each_bin(samples):
    real, fake = samples
    metric = DifferentBins(real, bins=10)
    metric.update_state(fake)
    result = metric.result()
    counts = [np.bincount(cdist(x, metric.centers).argmin(axis=1), minlength=10) for x in samples]
    np.testing.assert_allclose(result.real_shares, counts[0] / 400, rtol=1e-12)
    np.testing.assert_allclose(result.fake_shares, counts[1] / 300, rtol=1e-12)
    # The squared z-statistic of two proportions is Pearson's chi-squared of the 2x2 table.
    p_values = sorted(
        chi2_contingency([[a, 400 - a], [b, 300 - b]], correction=False).pvalue for a, b in zip(*counts, strict=True)
    )
    assert result.different == sum(p < 0.05 for p in p_values)
    assert result.share == result.different / 10
    assert result.jensen_shannon == pytest.approx(jensenshannon(*counts) ** 2, rel=1e-9)
    for rank in (2, 5):
        for level, expected in [(p_values[rank] * (1 - 1e-6), rank), (p_values[rank] * (1 + 1e-6), rank + 1)]:
            metric.significance = level
            assert metric.result().different == expected


def test_equal_distributions_differ_at_the_level():
    shares = []
    for seed in range(10):
        # The centers are fitted to the real samples only, which matters little with 50 samples a bin.
        shares.append(different_bins(*np.random.default_rng(seed).normal(size=(2, 1000, 2)), bins=20).share)
    assert np.mean(shares) == pytest.approx(0.05, abs=0.035)


def test_dropped_digits_are_seen():
    (x, _), (test_x, test_y) = (load("digits", split, as_numpy=True) for split in ("train", "test"))
    whole = different_bins(x, test_x, bins=20)
    dropped = different_bins(x, test_x[test_y < 6], bins=20)
    assert whole.share <= 0.25
    assert dropped.share > 0.4
    assert dropped.jensen_shannon > 5 * whole.jensen_shannon


def test_streaming_equals_one_shot(samples):
    real, fake = samples
    metric = DifferentBins(real, bins=7)
    with pytest.raises(ValueError, match="no generated samples yet"):
        metric.result()
    metric.update_state(real)
    metric.reset_state()
    for part in np.array_split(fake, 4):
        metric.update_state(part)
    np.testing.assert_equal(metric.result(), different_bins(real, fake, bins=7))


def test_equal_disjoint_and_constant_sets(samples):
    real, _ = samples
    assert different_bins(real, real, bins=10)[:3] == (0, 0.0, 0.0)
    two = np.repeat([[0.0], [1.0]], 50, axis=0)
    apart = different_bins(two, np.ones((50, 1)), bins=2)
    assert apart.different == 2
    assert different_bins(two[:50], np.zeros((9, 1)), bins=1)[:3] == (0, 0.0, 0.0)


@pytest.mark.filterwarnings("ignore:Number of distinct clusters")
def test_bins_of_copies_stay_empty():
    result = different_bins(np.ones((30, 2)), np.ones((20, 2)), bins=3)
    assert result[:3] == (0, 0.0, 0.0)
    assert sorted(result.real_shares) == [0.0, 0.0, 1.0]


def test_wrong_input_is_refused(samples):
    real, fake = samples
    with pytest.raises(ValueError, match="bins=500; expected 1 to 400"):
        different_bins(real, fake, bins=500)
    with pytest.raises(ValueError, match="significance=0"):
        different_bins(real, fake, bins=5, significance=0)
    with pytest.raises(ValueError, match="`real` has 2 features and `fake` has 1"):
        different_bins(real, fake[:, :1], bins=5)
    with pytest.raises(ValueError, match="NaN"):
        different_bins(real, fake * np.nan, bins=5)
