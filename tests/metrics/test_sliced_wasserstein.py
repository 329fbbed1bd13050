"""The distance against scipy's in one dimension, closed forms, and TF-GAN on the same directions."""

import sys

import numpy as np
import pytest
from scipy.optimize import linear_sum_assignment
from scipy.stats import wasserstein_distance

from kerasgan.metrics import sliced_wasserstein
from tests.oracle import tfgan


@pytest.fixture
def samples():
    random = np.random.default_rng(0)
    return random.normal(size=(24, 5)), random.normal(0.5, 1.5, (18, 5))


@pytest.mark.parametrize("counts", [(24, 18), (7, 13), (18, 18), (1, 5)])
def test_in_one_dimension_it_is_that_of_scipy(samples, counts):
    real, fake = (x[:n, :1] for x, n in zip(samples, counts, strict=True))
    assert sliced_wasserstein(real, fake) == pytest.approx(wasserstein_distance(real[:, 0], fake[:, 0]), rel=1e-9)


def test_of_order_two_it_is_the_best_assignment(samples):
    real, fake = samples[0][:18, :1], samples[1][:, :1]
    cost = np.square(real - fake.T)
    expected = np.sqrt(cost[linear_sum_assignment(cost)].mean())
    assert sliced_wasserstein(real, fake, order=2) == pytest.approx(expected, rel=1e-9)
    # Repeating all samples of a set does not change its distribution.
    assert sliced_wasserstein(np.repeat(real, 3, axis=0), fake, order=2) == pytest.approx(expected, rel=1e-9)


def test_a_shift_is_seen_at_its_mean_cosine(samples):
    real, _ = samples
    shift = np.array([3.0, 0.0, 0.0, -4.0, 0.0])
    assert sliced_wasserstein(real, real + shift, 20_000, order=2) == pytest.approx(5 / np.sqrt(5), rel=0.02)
    # The mean of |cos| in five dimensions is 3 / 8.
    assert sliced_wasserstein(real, real + shift, 20_000) == pytest.approx(5 * 3 / 8, rel=0.02)


def test_directions_in_parts_are_those_at_once(samples, monkeypatch):
    whole = sliced_wasserstein(*samples, directions=100)
    monkeypatch.setattr(sys.modules[sliced_wasserstein.__module__], "DIRECTIONS_AT_ONCE", 7)
    assert sliced_wasserstein(*samples, directions=100) == pytest.approx(whole, rel=1e-12)


def test_equal_and_constant_sets(samples):
    real, _ = samples
    assert sliced_wasserstein(real, real[::-1]) == 0.0
    assert sliced_wasserstein(np.ones((4, 3)), np.ones((5, 3))) == pytest.approx(0.0, abs=1e-12)


def test_wrong_input_is_refused(samples):
    real, fake = samples
    with pytest.raises(ValueError, match="order=3"):
        sliced_wasserstein(real, fake, order=3)
    with pytest.raises(ValueError, match="directions=0"):
        sliced_wasserstein(real, fake, directions=0)
    with pytest.raises(ValueError, match="NaN"):
        sliced_wasserstein(real, fake * np.nan)


@pytest.mark.tensorflow
def test_it_is_that_of_tfgan_on_the_same_directions(samples, monkeypatch):
    import tensorflow as tf

    real, fake = samples[0][:18], samples[1]
    directions = np.random.default_rng(0).normal(size=(40, 5))
    monkeypatch.setattr(tf.random, "normal", lambda shape: tf.constant(directions.T))
    expected = tfgan().sliced_wasserstein._sliced_wasserstein(tf.constant(real), tf.constant(fake), 1, 40)
    assert sliced_wasserstein(real, fake, directions=40) == pytest.approx(float(expected), rel=1e-6)
