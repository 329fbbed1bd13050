"""The Fréchet distance against scipy's matrix square root, closed forms, and itself in batches."""

import tracemalloc

import numpy as np
import pytest
from scipy import linalg

from kerasgan.metrics import FrechetDistance, GaussianMoments, frechet, frechet_distance
from tests.oracle import tfgan


@pytest.fixture
def samples():
    random = np.random.default_rng(0)
    real = random.normal(size=(300, 12)) @ random.normal(size=(12, 12)) + 1.0
    fake = random.normal(size=(200, 12)) @ random.normal(size=(12, 12)) - 0.5
    return real, fake


def test_it_is_the_textbook_formula(samples):
    real, fake = samples
    covariances = [np.cov(x, rowvar=False) for x in samples]
    expected = np.square(real.mean(0) - fake.mean(0)).sum() + np.trace(
        covariances[0] + covariances[1] - 2 * linalg.sqrtm(covariances[0] @ covariances[1]).real
    )
    assert frechet_distance(real, fake) == pytest.approx(expected, rel=1e-9)
    assert frechet_distance(fake, real) == pytest.approx(expected, rel=1e-9)


def test_of_gaussians_with_diagonal_covariances_it_is_the_sum_over_the_axes():
    # A sample whose mean is 0 and whose covariance is exactly the identity.
    white = np.sqrt(3.5) * np.concatenate([np.eye(4), -np.eye(4)])
    np.testing.assert_allclose(np.cov(white, rowvar=False), np.eye(4), atol=1e-12)
    means, scales = np.array([1.0, 0.0, -2.0, 0.0]), np.array([3.0, 1.0, 0.5, 0.0])
    expected = np.square(means).sum() + np.square(scales - 1.0).sum()
    assert frechet_distance(white, means + scales * white) == pytest.approx(expected, rel=1e-12)


def test_it_uses_the_unbiased_covariance():
    # Two points in 1-D at +-1: variance 2 with ddof=1; against variance 8: (sqrt 8 - sqrt 2)^2.
    assert frechet_distance([[-1.0], [1.0]], [[-2.0], [2.0]]) == pytest.approx(2.0, rel=1e-12)


def test_singular_covariances_and_equal_sets(samples):
    real, fake = samples
    assert frechet_distance(real, real) == pytest.approx(0.0, abs=1e-6)
    few = real[:5]  # 5 samples in 12 dimensions: rank 4
    assert frechet_distance(few, few) == pytest.approx(0.0, abs=1e-6)
    constant = np.ones((9, 12))
    spread = np.trace(np.cov(fake, rowvar=False))
    shift = np.square(fake.mean(0) - 1.0).sum()
    assert frechet_distance(constant, fake) == pytest.approx(spread + shift, rel=1e-9)


def test_images_are_flattened_and_features_may_be_a_function(samples):
    real, fake = samples
    largest = max(np.abs(x).max() for x in samples)
    as_images = [(x / largest).reshape(len(x), 2, 3, 2).astype("float32") for x in samples]
    assert largest**2 * frechet_distance(*as_images) == pytest.approx(frechet_distance(real, fake), rel=1e-5)
    doubled = frechet_distance(real, fake, features=lambda x: 2 * x)
    assert doubled == pytest.approx(4 * frechet_distance(real, fake), rel=1e-9)


def test_of_more_features_than_samples_it_is_the_same_without_covariances(samples, monkeypatch):
    wide = [np.random.default_rng(seed).normal(seed, 1 + seed, (count, 60)) for seed, count in ((0, 20), (1, 33))]
    expected = frechet_distance(*wide)
    monkeypatch.setattr(frechet, "WIDE", 50)
    monkeypatch.setattr(frechet.GaussianMoments, "update", None)
    np.testing.assert_allclose(frechet_distance(*wide), expected, rtol=1e-10)
    assert frechet_distance(wide[0], wide[0]) < 1e-10


def test_streaming_equals_one_shot(samples):
    # A mean of 1e6 would cost sums of squares all of their digits.
    x = samples[0] + 1e6
    moments = GaussianMoments()
    for start, stop in [(0, 1), (1, 120), (120, 121), (121, 300)]:
        moments.update(x[start:stop])
    assert moments.count == 300
    np.testing.assert_allclose(moments.mean, x.mean(0), rtol=1e-14)
    np.testing.assert_allclose(moments.covariance, np.cov(x, rowvar=False), rtol=0, atol=1e-7)
    streamed = GaussianMoments().update(samples[0][:7]).update(samples[0][7:])
    assert frechet_distance(streamed, samples[1]) == pytest.approx(frechet_distance(*samples), rel=1e-9)


@pytest.mark.parametrize(
    ("real", "fake", "features", "message"),
    [
        (np.ones((1, 2)), np.ones((3, 2)), "pixels", "at least 2 samples; got 1"),
        (np.ones((3, 2)), np.ones((3, 4)), "pixels", "`real` has 2 features and `fake` has 4"),
        (np.ones((3, 2)), np.full((3, 2), np.nan), "pixels", "NaN"),
        (np.ones(3), np.ones((3, 2)), "pixels", r"shape \(3,\)"),
        (np.ones((0, 2)), np.ones((3, 2)), "pixels", "at least one sample"),
        (np.ones((3, 2)), np.ones((3, 2)), "inception", "'inception' is unknown"),
        (GaussianMoments(), np.ones((3, 2)), "pixels", "at least 2 samples; got 0"),
    ],
)
def test_wrong_input_is_refused(real, fake, features, message):
    with pytest.raises(ValueError, match=message):
        frechet_distance(real, fake, features)


def test_moments_refuse_other_shapes():
    with pytest.raises(ValueError, match="2 columns; expected 3"):
        GaussianMoments().update(np.ones((4, 3))).update(np.ones((4, 2)))
    with pytest.raises(ValueError, match="expected \\(n, d\\)"):
        GaussianMoments().update(np.ones((2, 2, 2)))
    with pytest.raises(ValueError, match="NaN"):
        GaussianMoments().update(np.full((2, 2), np.inf))


def test_merging_is_exact_and_leaves_the_other_alone(samples):
    x = samples[0] - 1e6
    left, right = GaussianMoments().update(x[:50]), GaussianMoments().update(x[50:])
    mean = right.mean.copy()
    left.merge(right).merge(GaussianMoments())
    np.testing.assert_allclose(left.covariance, np.cov(x, rowvar=False), rtol=0, atol=1e-7)
    np.testing.assert_array_equal(right.mean, mean)
    copy = GaussianMoments().merge(right).update(x[:50])
    np.testing.assert_allclose(copy.covariance, left.covariance, rtol=1e-12, atol=1e-9)
    np.testing.assert_array_equal(right.mean, mean)
    assert right.count == 250


def test_the_metric_streams_both_sides_and_forgets(samples):
    real, fake = samples
    metric = FrechetDistance()
    metric.update_state(fake=np.ones((5, 12)))
    metric.reset_state()
    for start in range(0, 300, 100):
        metric.update_state(real=real[start : start + 100], fake=fake[start : start + 100] if start < 200 else None)
    assert metric.result() == pytest.approx(frechet_distance(real, fake), rel=1e-9)


def test_a_hundred_thousand_samples_need_the_memory_of_one_batch():
    metric, random = FrechetDistance(), np.random.default_rng(0)
    tracemalloc.start()
    for _ in range(100):
        metric.update_state(real=random.normal(size=(1000, 8)), fake=2.0 + 3.0 * random.normal(size=(1000, 8)))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert metric.moments["real"].count == 100_000
    assert metric.result() == pytest.approx(8 * (2.0**2 + (3.0 - 1.0) ** 2), rel=0.01)
    assert peak < 1_000_000  # all of the samples would be 12.8 MB


@pytest.mark.tensorflow
def test_it_is_that_of_tfgan(samples):
    real, fake = (x.astype("float64") for x in samples)
    expected = tfgan().classifier_metrics.frechet_classifier_distance_from_activations(real, fake)
    assert frechet_distance(real, fake) == pytest.approx(float(expected), rel=1e-6)
