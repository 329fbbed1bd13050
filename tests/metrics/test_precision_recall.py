"""The four shares against explicit loops and the known values of digits; dropped modes and outliers."""

import numpy as np
import pytest

from kerasgan.data import load
from kerasgan.metrics import distances
from kerasgan.metrics import precision_recall_density_coverage as prdc


def by_loops(real, fake, k):
    def radius(z, i):
        return sorted(np.linalg.norm(z[i] - z[j]) for j in range(len(z)) if j != i)[k - 1]

    real_radii = [radius(real, i) for i in range(len(real))]
    fake_radii = [radius(fake, i) for i in range(len(fake))]
    inside = np.array([[np.linalg.norm(x - y) < r for y in fake] for x, r in zip(real, real_radii, strict=True)])
    recalled = [any(np.linalg.norm(x - y) < r for y, r in zip(fake, fake_radii, strict=True)) for x in real]
    return inside.any(axis=0).mean(), np.mean(recalled), inside.sum() / (k * len(fake)), inside.any(axis=1).mean()


@pytest.mark.parametrize(("k", "block_values"), [(1, 1), (3, 100), (5, 10**6)])
def test_it_is_the_definition(k, block_values, monkeypatch):
    monkeypatch.setattr(distances, "BLOCK_VALUES", block_values)
    random = np.random.default_rng(0)
    real, fake = random.normal(size=(40, 2)), random.normal(0.7, 1.3, (31, 2))
    assert prdc(real, fake, k) == pytest.approx(by_loops(real, fake, k), rel=1e-12)


def test_digits_have_the_known_values():
    (train, _), (test, _) = (load("digits", split, as_numpy=True) for split in ("train", "test"))
    assert prdc(train, test) == pytest.approx((0.965, 0.961, 1.007, 0.970), abs=0.015)


def test_dropped_modes_cost_recall_and_outliers_precision():
    random = np.random.default_rng(0)
    modes = random.normal(size=(400, 2)) + np.repeat([[0.0], [100.0]], 200, axis=0)
    dropped = prdc(modes, random.normal(size=(400, 2)))
    assert dropped.precision > 0.9
    assert dropped.recall < 0.51
    assert dropped.coverage < 0.51
    strays = prdc(random.normal(size=(400, 2)), modes)
    assert strays.recall > 0.9
    assert strays.precision < 0.51
    assert strays.density < 0.6


def test_a_real_outlier_fools_precision_and_not_density():
    real, fake = np.concatenate([np.arange(20.0), [1000.0]])[:, None], np.full((20, 1), 500.0) + np.arange(20)[:, None]
    shares = prdc(real, fake, neighbours=3)
    assert shares.precision == 1.0
    assert shares.density == pytest.approx(1 / 3)
    assert shares.coverage == pytest.approx(1 / 21)


def test_equal_and_constant_sets():
    x = np.random.default_rng(0).normal(1e3, 1.0, (100, 6))
    assert prdc(x, x) == (1.0, 1.0, 1.0, 1.0)
    assert prdc(x, x[::-1]) == (1.0, 1.0, 1.0, 1.0)
    ones = np.ones((9, 6))
    assert prdc(ones, ones) == (0.0, 0.0, 0.0, 0.0)
    assert prdc(x, ones).recall == 0.0
    assert prdc(x, x + 1e6) == (0.0, 0.0, 0.0, 0.0)


def test_wrong_input_is_refused():
    x = np.ones((5, 2))
    with pytest.raises(ValueError, match="neighbour=5; expected 1 to 4"):
        prdc(x, np.ones((9, 2)))
    with pytest.raises(ValueError, match="NaN"):
        prdc(x, x * np.inf)
    with pytest.raises(ValueError, match="`real` has 2 features and `fake` has 3"):
        prdc(x, np.ones((9, 3)))
