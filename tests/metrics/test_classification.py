"""The two scores on digits: the known ceiling, a collapsed model, and shuffled labels."""

import numpy as np
import pytest
from scipy.stats import ttest_1samp

from kerasgan.data import load
from kerasgan.metrics import augmentation_gain, classification_accuracy_score, label_fidelity


@pytest.fixture(scope="module")
def digits():
    return load("digits", "train", as_numpy=True), load("digits", "test", as_numpy=True)


def test_real_digits_reach_the_ceiling(digits):
    train, test = digits
    score = classification_accuracy_score(*train, *test)
    assert score == pytest.approx(0.989, abs=0.003)
    # Both train on one set and test on the other; they differ in which one is called fake.
    assert label_fidelity(*test, *train) == score


def test_the_range_of_the_pixels_does_not_matter(digits):
    """Of vectors, as images of a wrong range are refused."""
    (x, y), (test_x, test_y) = digits
    levels, test_levels = ((each * 8 + 8).reshape(len(each), -1) for each in (x, test_x))
    rescaled = classification_accuracy_score(levels, y, test_levels, test_y)
    assert rescaled == pytest.approx(classification_accuracy_score(x, y, test_x, test_y), abs=2e-3)


def test_the_scores_tell_a_collapsed_model(digits):
    (x, y), test = digits
    means = np.stack([x[y == label].mean(axis=0) for label in range(10)])
    fakes = np.random.default_rng(0).normal(means[y], 0.02)
    assert label_fidelity(fakes, y, *test) > 0.99
    assert 0.86 < classification_accuracy_score(fakes, y, *test) < 0.93


def test_shuffled_labels_are_chance(digits):
    (x, y), test = digits
    shuffled = np.random.default_rng(0).permutation(y)
    assert label_fidelity(x, shuffled, *test) < 0.2
    assert classification_accuracy_score(x, shuffled, *test) < 0.3


def test_labels_may_be_a_column(digits):
    (x, y), test = digits
    assert label_fidelity(x, y[:, None], *test) == label_fidelity(x, y, *test)


def test_wrong_input_is_refused(digits):
    (x, y), test = digits
    with pytest.raises(ValueError, match=r"`fake_y` has shape \(5,\).*898 images"):
        classification_accuracy_score(x, y[:5], *test)
    with pytest.raises(ValueError, match="dtype float64"):
        classification_accuracy_score(x, y.astype(float), *test)
    with pytest.raises(ValueError, match="`fake_x` has 16 pixels and `real_x` has 64"):
        classification_accuracy_score(x[:, :4, :4], y, *test)
    with pytest.raises(ValueError, match="one class only"):
        classification_accuracy_score(x, np.zeros_like(y), *test)
    with pytest.raises(ValueError, match="NaN"):
        label_fidelity(x * np.nan, y, *test)


def test_more_real_images_are_a_gain_and_wrong_labels_a_loss(digits):
    (x, y), test = digits
    gain = augmentation_gain(x, y, x, y, *test, per_class=5, draws=4)
    assert 0.05 < gain.low < gain.mean < gain.high < 0.2
    # The digits with all labels get 0.989, five of each class 0.88.
    assert gain.mean == pytest.approx(0.989 - 0.884, abs=0.04)
    shuffled = augmentation_gain(x, np.random.default_rng(0).permutation(y), x, y, *test, per_class=5, draws=2)
    assert shuffled.mean < -0.2


def test_the_gain_is_paired_and_its_interval_is_students(digits):
    (x, y), test = digits
    gain = augmentation_gain(x[:100], y[:100], x, y, *test, per_class=5, draws=3, seed=1)
    random = np.random.default_rng(1)
    for value in gain.gains:
        chosen = np.concatenate([random.choice(np.flatnonzero(y == c), 5, replace=False) for c in range(10)])
        alone = classification_accuracy_score(x[chosen], y[chosen], *test)
        both = np.append(chosen, np.arange(100))
        assert value == classification_accuracy_score(x[both], y[both], *test) - alone
    interval = ttest_1samp(gain.gains, 0.0).confidence_interval()
    assert gain[:3] == pytest.approx((np.mean(gain.gains), interval.low, interval.high))


def test_a_gain_refuses_wrong_input(digits):
    (x, y), test = digits
    with pytest.raises(ValueError, match="draws=1"):
        augmentation_gain(x, y, x, y, *test, per_class=5, draws=1)
    with pytest.raises(ValueError, match=r"per_class=500; expected 1 to \d\d,"):
        augmentation_gain(x, y, x, y, *test, per_class=500)
    with pytest.raises(ValueError, match="`fake_x` has 16 pixels and `real_x` has 64"):
        augmentation_gain(x[:, :4, :4], y, x, y, *test, per_class=5)
