"""The three-sample test by loops, at its null distribution, and on copies, in one region too."""

import math

import numpy as np
import pytest
from scipy.stats import mannwhitneyu

from kerasgan.metrics import data_copying


@pytest.fixture
def samples():
    random = np.random.default_rng(0)
    return random.normal(size=(60, 3)), random.normal(size=(40, 3)), random.normal(0.0, 1.2, (30, 3))


def nearest(x, train):
    return np.array([min(math.dist(a, b) for b in train) for a in x])


def test_it_is_the_definition_by_loops(samples):
    train, held_out, fake = samples
    unseen, generated = nearest(held_out, train), nearest(fake, train)
    u = sum((y > x) + (y == x) / 2 for x in unseen for y in generated)
    assert u == mannwhitneyu(generated, unseen).statistic
    expected = (u - 40 * 30 / 2) / math.sqrt(40 * 30 * 71 / 12)
    result = data_copying(*samples)
    assert result.score == pytest.approx(expected, rel=1e-10)
    assert result.distance_ratio == pytest.approx(np.median(generated) / np.median(unseen), rel=1e-9)


def test_the_score_of_unseen_samples_is_standard_normal():
    scores = [data_copying(*np.random.default_rng(seed).normal(size=(3, 60, 2))).score for seed in range(150)]
    assert np.mean(scores) == pytest.approx(0.0, abs=0.3)
    assert np.std(scores) == pytest.approx(1.0, abs=0.3)


def test_copies_are_seen_and_underfitting_is_told_from_them(samples):
    train, held_out, _ = samples
    noise = np.random.default_rng(1).normal(size=train.shape)
    copies = data_copying(train, held_out, train + 0.01 * noise)
    assert copies.score < -6
    assert copies.distance_ratio < 0.05
    assert data_copying(train, held_out, train).distance_ratio == 0.0
    assert data_copying(train, held_out, 5 * noise).score > 3


def test_cells_find_copies_that_strays_hide():
    random = np.random.default_rng(0)
    shift = np.repeat([[0.0], [100.0]], 100, axis=0)
    train, held_out = (random.normal(size=(200, 2)) + shift for _ in range(2))
    fake = train + 0.001 * random.normal(size=(200, 2))
    fake[100:] = 100 + 4 * random.normal(size=(100, 2))
    whole, (score, _) = data_copying(train, held_out, fake), data_copying(train, held_out, fake, cells=2)
    parts = [data_copying(train[rows], held_out[rows], fake[rows]).score for rows in (slice(100), slice(100, 200))]
    assert parts[0] < -10 < 5 < parts[1]
    assert score == pytest.approx(np.mean(parts), rel=1e-9)
    assert abs(whole.score) < 5
    # A cell without enough generated samples is passed over.
    assert data_copying(train, held_out, fake[:119], cells=2).score == pytest.approx(parts[0], rel=1e-9)


def test_constant_sets():
    ones = np.ones((20, 2))
    result = data_copying(ones, ones, ones)
    assert result.score == 0.0
    assert math.isnan(result.distance_ratio)
    assert data_copying(ones, ones, 2 * ones).distance_ratio == math.inf


def test_wrong_input_is_refused(samples):
    train, held_out, fake = samples
    with pytest.raises(ValueError, match="40 held-out and 19 fake samples in 1 cells"):
        data_copying(train, held_out, fake[:19])
    with pytest.raises(ValueError, match="cells=61; expected 1 to 60"):
        data_copying(train, held_out, fake, cells=61)
    with pytest.raises(ValueError, match="`train` has 3 features and `fake` has 2"):
        data_copying(train, held_out, fake[:, :2])
    with pytest.raises(ValueError, match="NaN"):
        data_copying(train, held_out, fake * np.nan)
