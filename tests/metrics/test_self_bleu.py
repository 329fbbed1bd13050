"""BLEU and self-BLEU against counts by hand."""

import math

import numpy as np
import pytest

from kerasgan.metrics import bleu, self_bleu


def test_bleu_by_hand():
    """Papineni et al.'s clipped counts: "the" occurs twice in a reference at most."""
    sequence = ["the", "the", "the", "cat"]
    references = [["the", "cat", "is", "on", "the", "mat"], ["there", "is", "a", "cat"]]
    # Unigrams: 2 of "the", 1 of "cat" out of 4. Bigrams: "the cat" out of 3. The nearest reference has 4 words.
    assert bleu(sequence, references, order=2) == pytest.approx(math.sqrt(3 / 4 * 1 / 3))
    assert bleu(sequence, references[:1], order=1) == pytest.approx(3 / 4 * math.exp(1 - 6 / 4))
    assert bleu(sequence, references, order=3) == pytest.approx((3 / 4 * 1 / 3 * 0.1 / 2) ** (1 / 3))
    assert bleu(references[0], references) == pytest.approx(1.0)


def test_self_bleu_by_hand():
    """Three sequences; each is compared with the two others, and not with itself."""
    sequences = np.array([[1, 2, 3], [1, 2, 4], [5, 5, 4]])
    # Precisions of 1- and 2-grams: 2/3, 1/2; 3/3 (1, 2 and 4), 1/2; 1/3 (4), none of 2, for which 0.1 stands.
    expected = [math.sqrt(2 / 3 * 1 / 2), math.sqrt(3 / 3 * 1 / 2), math.sqrt(1 / 3 * 0.1 / 2)]
    assert self_bleu(sequences, order=2) == pytest.approx(np.mean(expected))
    found = [bleu(each, np.delete(sequences, place, axis=0), 2) for place, each in enumerate(sequences.tolist())]
    np.testing.assert_allclose(found, expected)


def test_self_bleu_is_the_mean_of_bleu():
    sequences = np.random.default_rng(0).integers(4, size=(30, 8))
    slow = [bleu(each, np.delete(sequences, place, axis=0)) for place, each in enumerate(sequences)]
    assert self_bleu(sequences) == pytest.approx(np.mean(slow))
    assert self_bleu(sequences, count=10, seed=1) == pytest.approx(np.mean(slow), abs=0.2)
    assert self_bleu([" ".join(map(str, row)) for row in sequences]) == pytest.approx(np.mean(slow))


def test_equal_sequences_are_the_worst():
    assert self_bleu([[1, 2, 3, 4]] * 5) == pytest.approx(1.0)
    assert self_bleu(np.arange(20).reshape(5, 4)) < 0.2


def test_mistakes():
    with pytest.raises(ValueError, match="two sequences"):
        self_bleu([[1, 2]])
    with pytest.raises(ValueError, match="`order`"):
        bleu([1], [[1]], order=0)
