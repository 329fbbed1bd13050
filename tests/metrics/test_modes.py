"""Modes of mixtures and classes: the protocol by loops, real samples, and the collapses that it must see."""

import math

import numpy as np
import pytest
from scipy.stats import chi2, entropy

from kerasgan.data.builders.gaussians import MIXTURES
from kerasgan.metrics import ClassModes, class_modes, mixture_modes, stacked_labels


def draw(name, count, seed=0, scale=1.0):
    means, sigma, _ = MIXTURES[name]
    random = np.random.default_rng(seed)
    return random.normal(means[random.integers(len(means), size=count)], scale * sigma), means, sigma


def test_it_is_the_protocol_by_loops():
    samples, means, sigma = draw("ring", 300, scale=2.5)
    samples = samples[samples[:, 0] > -0.5]
    counts, squares = [0] * 8, []
    for sample in samples:
        distances = [math.dist(sample, mean) for mean in means]
        if min(distances) < 3 * sigma:
            counts[distances.index(min(distances))] += 1
            squares.append(min(distances) ** 2)
    result = mixture_modes(samples, means, sigma)
    assert result.modes.counts.tolist() == counts
    assert result.high_quality == pytest.approx(sum(counts) / len(samples))
    assert result.modes.reverse_kl == pytest.approx(entropy(counts, np.ones(8)), rel=1e-10)
    assert result.modes.reached == sum(count > 0 for count in counts) < 8
    assert result.modes.filled == sum(count >= len(samples) // 80 for count in counts)
    real = sigma * np.sqrt(chi2.cdf(9, 4) / chi2.cdf(9, 2))
    assert result.width == pytest.approx(np.sqrt(np.mean(squares) / 2) / real, rel=1e-9)


@pytest.mark.parametrize("name", ["ring", "ring2", "grid", "line"])
def test_real_samples_have_what_is_promised(name):
    samples, means, sigma = draw(name, 20_000)
    result = mixture_modes(samples, means, sigma)
    assert result.modes.reached == result.modes.filled == len(means)
    assert result.high_quality == pytest.approx(result.real_high_quality, abs=0.004)
    assert result.width == pytest.approx(1.0, abs=0.02)
    assert result.modes.reverse_kl < 3 * result.modes.reverse_kl_floor


def test_the_numbers_of_the_papers():
    samples, means, sigma = draw("grid", 2500)
    result = mixture_modes(samples, means, sigma)
    assert result.real_high_quality == pytest.approx(1 - math.exp(-4.5))
    assert result.modes.reverse_kl_floor == pytest.approx(0.0048)
    assert class_modes(np.arange(26_000) % 1000).reverse_kl_floor == pytest.approx(999 / 52_000)


def test_collapse_narrow_modes_and_noise_are_seen():
    samples, means, sigma = draw("ring", 2500)
    collapsed = mixture_modes(np.tile(means[3], (2500, 1)), means, sigma)
    assert (collapsed.modes.reached, collapsed.high_quality, collapsed.width) == (1, 1.0, 0.0)
    assert collapsed.modes.reverse_kl == pytest.approx(math.log(8))
    narrow = mixture_modes(draw("ring", 2500, scale=0.5)[0], means, sigma)
    assert narrow.high_quality > narrow.real_high_quality
    assert narrow.width == pytest.approx(0.5 / 0.9744, abs=0.02)
    bridges = mixture_modes(np.concatenate([samples[:1] * np.ones((2430, 1)), samples[:70]]), means, sigma)
    assert bridges.modes.reached == 8
    assert bridges.modes.filled == 1
    far = mixture_modes(samples + 100, means, sigma)
    assert (far.modes.reached, far.modes.filled, far.high_quality) == (0, 0, 0.0)
    assert math.isnan(far.modes.reverse_kl)
    assert math.isnan(far.width)


def test_classes_stream_and_count_every_sample():
    random = np.random.default_rng(0)
    labels = random.integers(600, size=5000)
    metric = ClassModes()
    metric.update_state([999])
    metric.reset_state()
    for part in np.array_split(labels, 7):
        metric.update_state(part)
    result = metric.result()
    counts = np.bincount(labels, minlength=1000)
    assert result.reached == np.count_nonzero(counts)
    assert result.reverse_kl == pytest.approx(entropy(counts, np.ones(1000)), rel=1e-10)
    assert result.samples == counts.sum() == 5000
    metric.update_state([0])
    assert result.counts.tolist() == counts.tolist()
    assert class_modes(labels)._replace(counts=None) == result._replace(counts=None)


def test_uniform_labels_stand_on_the_floor():
    labels = np.random.default_rng(0).integers(1000, size=26_000)
    result = class_modes(labels)
    assert result.reached == 1000
    assert result.reverse_kl == pytest.approx(result.reverse_kl_floor, rel=0.1)
    assert class_modes(np.arange(1000)).reverse_kl == pytest.approx(0.0, abs=1e-12)
    assert class_modes([5]).reverse_kl == pytest.approx(math.log(1000))


def test_stacked_labels_are_those_of_the_data_set():
    assert stacked_labels([[1, 2, 3], [0, 0, 7], [9, 9, 9]]).tolist() == [123, 7, 999]
    # The classes of the data set: 100 red + 10 green + blue.
    digits = np.random.default_rng(0).integers(10, size=(50, 3), dtype="uint8")
    assert (stacked_labels(digits) == digits @ np.array([100, 10, 1])).all()


@pytest.mark.parametrize("labels", [[0.5], [[1]], [-1], [10]])
def test_wrong_labels_are_refused(labels):
    with pytest.raises(ValueError, match="`labels` has"):
        class_modes(labels, classes=10)


def test_wrong_input_is_refused():
    with pytest.raises(ValueError, match="no samples"):
        ClassModes().result()
    with pytest.raises(ValueError, match="classes=0"):
        ClassModes(0)
    with pytest.raises(ValueError, match="`digits` has"):
        stacked_labels([[10, 0, 0]])
    with pytest.raises(ValueError, match="`samples` has 3 columns and `means` has 2"):
        mixture_modes(np.ones((4, 3)), np.ones((2, 2)), 1.0)
    with pytest.raises(ValueError, match="sigma=0"):
        mixture_modes(np.ones((4, 2)), np.ones((2, 2)), 0)
    with pytest.raises(ValueError, match="NaN"):
        mixture_modes(np.full((4, 2), np.nan), np.ones((2, 2)), 1.0)
