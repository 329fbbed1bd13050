"""The kernel distance against explicit loops, TF-GAN, its own unbiasedness, and itself in batches."""

import itertools
import math

import numpy as np
import pytest

from kerasgan.metrics import KernelDistance, kernel_distance
from tests.oracle import tfgan


def by_loops(real, fake):
    def kernel(x, y):
        return (sum(a * b for a, b in zip(x, y, strict=True)) / len(x) + 1) ** 3

    def within(z):
        pairs = list(itertools.permutations(z, 2))
        return sum(kernel(*pair) for pair in pairs) / len(pairs)

    between = [kernel(x, y) for x in real for y in fake]
    return within(real) + within(fake) - 2 * sum(between) / len(between)


@pytest.fixture
def samples():
    random = np.random.default_rng(0)
    return random.normal(size=(40, 3)), random.normal(0.5, 1.5, (30, 3))


def test_it_is_the_sum_over_pairs(samples):
    real, fake = samples
    estimate = kernel_distance(real, fake)
    assert estimate.distance == pytest.approx(by_loops(real, fake), rel=1e-10)
    assert math.isnan(estimate.standard_error)


def test_subsets_are_averaged_and_give_the_standard_error(samples):
    real, fake = samples
    parts = [by_loops(real[20 * i : 20 * i + 20], fake[15 * i : 15 * i + 15]) for i in range(2)]
    estimate = kernel_distance(real, fake, subset_size=20, seed=None)
    assert estimate.distance == pytest.approx(np.mean(parts), rel=1e-10)
    assert estimate.standard_error == pytest.approx(abs(parts[0] - parts[1]) / 2, rel=1e-10)


def test_it_is_unbiased_and_its_standard_error_is_right():
    random = np.random.default_rng(0)
    estimates = [kernel_distance(*random.normal(size=(2, 200, 2)), subset_size=20) for _ in range(100)]
    scores = np.array([estimate.distance / estimate.standard_error for estimate in estimates])
    assert abs(scores.mean()) < 0.35
    assert 0.8 < scores.std() < 1.4
    assert min(estimate.distance for estimate in estimates) < 0
    assert kernel_distance(*random.normal([[[0.0]], [[0.5]]], 1.0, (2, 200, 2)), subset_size=20).distance > 0.3


def test_the_order_matters_only_without_a_seed(samples):
    real, fake = samples
    ordered = np.sort(real, axis=0)
    assert kernel_distance(real, fake, subset_size=10) != kernel_distance(real, fake, subset_size=10, seed=None)
    assert kernel_distance(ordered, fake).distance == pytest.approx(kernel_distance(ordered[::-1], fake).distance)


def test_the_metric_streams(samples):
    real, fake = samples
    metric = KernelDistance(subset_size=15)
    metric.update_state(real=fake)
    metric.reset_state()
    with pytest.raises(ValueError, match="0 real and 0 fake samples; expected at least subset_size=15"):
        metric.result()
    metric.update_state(real=real[:8])
    metric.update_state(fake=fake)
    for start in (8, 13, 33):
        metric.update_state(real=real[start : {8: 13, 13: 33, 33: 40}[start]])
    expected = kernel_distance(real[:30], fake, subset_size=15, seed=None)
    assert metric.result() == pytest.approx(expected, rel=1e-12)


def test_constant_and_equal_sets():
    ones = np.ones((10, 4))
    assert kernel_distance(ones, ones).distance == 0.0
    assert kernel_distance(ones, -ones).distance == pytest.approx(2.0**3 + 2.0**3 - 0.0)


def test_wrong_input_is_refused(samples):
    real, fake = samples
    with pytest.raises(ValueError, match="40 real and 3 fake samples in 4 subsets"):
        kernel_distance(real, fake[:3], subset_size=10)
    with pytest.raises(ValueError, match="`real` has 3 features and `fake` has 2"):
        kernel_distance(real, fake[:, :2])
    with pytest.raises(ValueError, match="NaN"):
        kernel_distance(real, np.full_like(fake, np.nan))
    with pytest.raises(ValueError, match="subset_size=1"):
        kernel_distance(real, fake, subset_size=1)
    with pytest.raises(ValueError, match="subset_size=1"):
        KernelDistance(subset_size=1)
    metric = KernelDistance()
    metric.update_state(real=real)
    with pytest.raises(ValueError, match="`fake` has 2 features; expected 3"):
        metric.update_state(fake=fake[:, :2])


@pytest.mark.tensorflow
@pytest.mark.parametrize("subset_size", [100, 17])
def test_it_is_that_of_tfgan(samples, subset_size):
    import tensorflow as tf

    oracle = tfgan().classifier_metrics.kernel_classifier_distance_and_std_from_activations
    expected = [float(value) for value in oracle(*map(tf.constant, samples), max_block_size=subset_size)]
    estimate = kernel_distance(*samples, subset_size=subset_size, seed=None)
    assert estimate == pytest.approx(tuple(expected), rel=1e-6, nan_ok=True)
