"""The judge of `python -m benchmarks.digits`: real digits pass, what carries no information fails."""

import numpy as np
import pytest

from benchmarks import digits


@pytest.fixture(scope="module")
def split():
    return digits.halves(0)


def meets(family, numbers):
    return {
        key: numbers[key] <= limit if sign == "<=" else numbers[key] >= limit
        for key, (sign, limit) in digits.DEMANDS[family].items()
    }


def test_real_digits_meet_every_demand(split):
    train_x, test_x, train_y, test_y = split
    numbers = digits.judge(train_x, train_y, train_x, train_y, test_x, test_y)
    assert all(meets("dcgan", numbers).values()), numbers


def test_wrong_labels_and_noise_fail(split):
    train_x, test_x, train_y, test_y = split
    shuffled = np.random.default_rng(0).permutation(train_y)
    wrong = meets("dcgan", digits.judge(train_x, shuffled, train_x, train_y, test_x, test_y))
    assert wrong["frechet_distance"] and not wrong["cas"] and not wrong["fidelity"]
    noise = np.random.default_rng(0).uniform(-1, 1, train_x.shape).astype("float32")
    wrong = meets("cgan", digits.judge(noise, train_y, train_x, train_y, test_x, test_y))
    assert not (wrong["frechet_distance"] or wrong["cas"] or wrong["fidelity"])


def test_a_collapsed_generator_is_not_taken_for_a_good_one(split):
    train_x, test_x, train_y, test_y = split
    means = np.stack([train_x[train_y == label].mean(axis=0) for label in range(10)])
    labels = np.arange(900) % 10
    fakes = means[labels] + np.random.default_rng(0).normal(0, 0.02, (900, 8, 8, 1))
    verdict = meets("cgan", digits.judge(fakes, labels, train_x, train_y, test_x, test_y))
    assert verdict["fidelity"] and not verdict["frechet_distance"] and not verdict["cas"]
