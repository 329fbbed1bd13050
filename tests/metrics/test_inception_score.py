"""The score against its definition, its two ends, TF-GAN, and itself in batches."""

import numpy as np
import pytest
from scipy.special import softmax
from scipy.stats import entropy

from kerasgan.metrics import InceptionScore, inception_score
from tests.oracle import tfgan


@pytest.fixture
def logits():
    return 3.0 * np.random.default_rng(0).normal(size=(50, 7))


def test_it_is_the_mean_divergence_from_the_marginal(logits):
    probabilities = softmax(logits, axis=1)
    expected = np.exp(np.mean([entropy(row, probabilities.mean(axis=0)) for row in probabilities]))
    assert inception_score(probabilities) == pytest.approx(expected, rel=1e-10)


def test_the_ends():
    assert inception_score(np.eye(7)) == pytest.approx(7.0)
    assert inception_score(np.eye(7)[[3, 3, 3]]) == 1.0
    assert inception_score(np.full((4, 7), 1 / 7)) == pytest.approx(1.0)
    # A classifier sees no collapse within a class.
    assert inception_score(np.repeat(np.eye(7), 100, axis=0)) == pytest.approx(7.0)


def test_streaming_equals_one_shot(logits):
    probabilities = softmax(logits, axis=1).astype("float32")
    metric = InceptionScore()
    metric.update_state(np.eye(3))
    metric.reset_state()
    for start, stop in [(0, 1), (1, 30), (30, 50)]:
        metric.update_state(probabilities[start:stop])
    assert metric.result() == pytest.approx(inception_score(probabilities), rel=1e-12)


@pytest.mark.parametrize("probabilities", [np.ones((3, 2)), [[1.5, -0.5]], [[np.nan, 1.0]], np.ones((0, 2)), [1.0]])
def test_what_is_no_distribution_is_refused(probabilities):
    with pytest.raises(ValueError, match="softmax"):
        inception_score(probabilities)


def test_wrong_use_is_refused():
    metric = InceptionScore()
    with pytest.raises(ValueError, match="no samples yet"):
        metric.result()
    metric.update_state(np.eye(3))
    with pytest.raises(ValueError, match="2 classes; expected 3"):
        metric.update_state(np.eye(2))


@pytest.mark.tensorflow
def test_it_is_that_of_tfgan(logits):
    import tensorflow as tf

    expected = tfgan().classifier_metrics.classifier_score_from_logits(tf.constant(logits))
    assert inception_score(softmax(logits, axis=1)) == pytest.approx(float(expected), rel=1e-6)
