"""Statistics of tokens, by hand."""

import numpy as np
import pytest

from kerasgan.metrics import self_bleu, token_metrics
from kerasgan.metrics.token_statistics import divergence_of_triples, independent_likelihood, independent_tokens

TRAINING = np.array([[1, 2, 3, 0], [1, 2, 2, 1], [3, 3, 0, 0]])
UNSEEN = np.array([[2, 1, 2, 0], [1, 2, 3, 0]])


def test_shares_and_self_bleu():
    made = np.array([[1, 2, 3, 0], [1, 2, 3, 0], [2, 1, 2, 0], [3, 2, 1, 0]], "int64")
    found = token_metrics(made, TRAINING, UNSEEN, padding=0)
    assert (found["real"], found["real_unseen"], found["different"]) == (0.75, 0.25, 0.75)
    assert found["self_bleu"] == self_bleu([[1, 2, 3], [1, 2, 3], [2, 1, 2], [3, 2, 1]])
    assert token_metrics(made, TRAINING, UNSEEN)["self_bleu"] == self_bleu(made)


def test_divergence_of_triples():
    """Half of the triples are the same: 0.5 bits. Equal ones have none, and quite other ones 1."""
    one, other = np.array([[1, 2, 3]] * 2), np.array([[1, 2, 3], [3, 2, 1]])
    assert divergence_of_triples(one, one) == 0
    assert divergence_of_triples(one, np.array([[3, 2, 1]])) == pytest.approx(1)
    p, q = np.array([1.0, 0.0]), np.array([0.5, 0.5])
    middle = (p + q) / 2
    by_hand = (np.log2(1 / middle[0]) + 0.5 * np.log2(0.5 / middle[0]) + 0.5 * np.log2(0.5 / middle[1])) / 2
    assert divergence_of_triples(one, other) == pytest.approx(by_hand)


def test_independent_tokens():
    """They have the frequencies of each place and not those of pairs; the likelihood is that of the frequencies."""
    known = np.array([[0, 1]] * 300 + [[1, 0]] * 100)
    drawn = independent_tokens(known, 4000, seed=0)
    np.testing.assert_allclose(drawn.mean(axis=0), [0.25, 0.75], atol=0.03)
    assert abs((drawn.sum(axis=1) == 1).mean() - (0.75**2 + 0.25**2)) < 0.03
    expected = -(np.log(301 / 402) * 2) / 2
    assert independent_likelihood(known, np.array([[0, 1]]), 2) == pytest.approx(expected)
