"""The probes against Newton's method and explicit loops, on the known values of digits, and on noise."""

from collections import Counter

import numpy as np
import pytest

from kerasgan.data import load
from kerasgan.metrics import linear_probe, nearest_neighbour_probe

PROBES = [linear_probe, nearest_neighbour_probe]


@pytest.fixture(scope="module")
def digits():
    return *load("digits", "train", as_numpy=True), *load("digits", "test", as_numpy=True)


@pytest.fixture
def two_classes():
    random = np.random.default_rng(0)
    y = random.integers(2, size=300)
    x = random.normal(size=(300, 3)) * [1.0, 5.0, 0.1] + np.outer(y, [1.0, 2.0, 0.05]) + 7.0
    return x[:100], y[:100], x[100:], y[100:]


@pytest.mark.parametrize("regularization", [1.0, 100.0])
def test_the_linear_probe_is_newtons_optimum(two_classes, regularization):
    x, y, test_x, test_y = two_classes
    mean, deviation = x.mean(axis=0), x.std(axis=0)
    design, test_design = (np.insert((z - mean) / deviation, 0, 1.0, axis=1) for z in (x, test_x))
    weights, penalty = np.zeros(4), regularization * np.diag([0.0, 1.0, 1.0, 1.0])
    for _ in range(20):
        probability = 1 / (1 + np.exp(-design @ weights))
        gradient = design.T @ (probability - y) + penalty @ weights
        hessian = design.T @ (design * (probability * (1 - probability))[:, None]) + penalty
        weights -= np.linalg.solve(hessian, gradient)
    expected = np.mean((test_design @ weights > 0) == test_y)
    assert 0.55 < expected < 0.99
    assert linear_probe(*two_classes, regularization=regularization) == pytest.approx(expected)


@pytest.mark.parametrize("neighbours", [1, 2, 5])
def test_the_nearest_neighbour_probe_is_a_vote(two_classes, neighbours):
    x, y, test_x, test_y = two_classes
    right = 0
    for sample, label in zip(test_x, test_y, strict=True):
        nearest = sorted(range(len(x)), key=lambda i: np.linalg.norm(x[i] - sample))[:neighbours]
        votes = Counter(y[nearest].tolist())
        right += max(sorted(votes), key=votes.get) == label
    assert nearest_neighbour_probe(*two_classes, neighbours=neighbours) == pytest.approx(right / len(test_x))


def test_digits_have_the_known_values(digits):
    assert linear_probe(*digits) == pytest.approx(0.962, abs=0.012)
    assert nearest_neighbour_probe(*digits) == pytest.approx(0.986, abs=0.01)


@pytest.mark.parametrize("probe", PROBES)
def test_noise_and_constant_features_are_chance(probe, digits):
    _, y, _, test_y = digits
    random = np.random.default_rng(0)
    noise = random.normal(size=(len(y), 4)), y, random.normal(size=(len(test_y), 4)), test_y
    assert probe(*noise) < 0.2
    assert probe(np.ones((len(y), 4)), y, np.ones((len(test_y), 4)), test_y) < 0.15


@pytest.mark.parametrize("probe", PROBES)
def test_wrong_input_is_refused(probe, two_classes):
    x, y, test_x, test_y = two_classes
    with pytest.raises(ValueError, match="`train_x` has 3 features and `test_x` has 2"):
        probe(x, y, test_x[:, :2], test_y)
    with pytest.raises(ValueError, match=r"`train_y` has shape \(9,\)"):
        probe(x, y[:9], test_x, test_y)
    with pytest.raises(ValueError, match="one class only"):
        probe(x, np.zeros_like(y), test_x, test_y)
    with pytest.raises(ValueError, match="NaN"):
        probe(x * np.nan, y, test_x, test_y)


def test_too_few_neighbours_are_refused(two_classes):
    with pytest.raises(ValueError, match="neighbours=101; expected 1 to 100"):
        nearest_neighbour_probe(*two_classes, neighbours=101)
