"""The oracle of texts: likelihoods against sums, samples against likelihoods; tokens and graphs of other data."""

import itertools

import numpy as np
import pytest

import kerasgan
from kerasgan.data.builders.oracle_text import OracleText, TextOracle
from kerasgan.data.kinds import Tokens

ALL = np.array(list(itertools.product(range(3), repeat=3)))


def test_likelihoods_sum_to_one_and_samples_have_them():
    oracle = TextOracle(3, 3, units=4, seed=1)
    found = np.exp(oracle.log_likelihood(ALL))
    assert found.sum() == pytest.approx(1.0)
    count = 50_000
    samples = oracle.sample(np.random.default_rng(0).uniform(size=(count, 3)))
    observed, expected = np.bincount(samples @ [9, 3, 1], minlength=27), found * count
    kept = expected > 5
    assert ((observed - expected) ** 2 / expected)[kept].sum() < 54.1  # 99.9% for 26 degrees of freedom
    other = np.exp(TextOracle(3, 3, units=4, seed=2).log_likelihood(ALL)) * count
    assert ((observed - other) ** 2 / other).sum() > 1000


def test_nll_of_its_own_samples_is_the_lowest():
    """Below that of uniform tokens, which is above the entropy of a uniform distribution."""
    oracle = TextOracle(50, 10)
    random = np.random.default_rng(0)
    own, uniform = oracle.sample(random.uniform(size=(2000, 10))), random.integers(50, size=(2000, 10))
    assert oracle.nll(own) < np.log(50) < oracle.nll(uniform)
    with pytest.raises(ValueError, match="expected"):
        oracle.nll(own[:, :5])


def test_data():
    x = kerasgan.data.load("oracle_text/small", as_numpy=True, count=100)
    assert x.dtype == np.int32 and x.shape == (100, 10)
    found = kerasgan.data.source("oracle_text/small", count=100)
    assert found.kind == Tokens(10, 50)
    found.kind.check(x)
    dataset = OracleText("small")
    np.testing.assert_array_equal(dataset.make("train", 10, 20)["tokens"], x[10:20])
    assert OracleText().features["tokens"].shape == (20,)


def test_only_known_forms():
    with pytest.raises(ValueError, match="samples='graphs'"):
        kerasgan.data.load("oracle_text/small", as_numpy=True, count=10, samples="graphs")
    with pytest.raises(ValueError, match="expected none"):
        kerasgan.data.load("digits", as_numpy=True, samples="tokens")
