"""Sequences from a known distribution, as used in benchmarks of text GANs."""

import functools

import numpy as np

from kerasgan.data.builders.base import ProceduralDataset
from kerasgan.data.builders.features import Tensor

SIZES = {"large": (5000, 20), "small": (50, 10)}  # number of tokens in the vocabulary and in a sequence
UNITS = 32


class TextOracle:
    """A random LSTM with standard normal weights: a distribution of sequences with known likelihoods.

    SeqGAN (Yu et al. 2017, section 4) introduced the negative log-likelihood of a generator's samples under it,
    NLL_oracle, as a metric. It does not measure their diversity.

    Args:
        vocabulary_size: Number of different tokens.
        length: Number of tokens of a sequence.
        units: Number of units of the LSTM and length of a token's vector.
        seed: Random seed of the weights.
    """

    def __init__(self, vocabulary_size=5000, length=20, units=UNITS, seed=0):
        self.vocabulary_size, self.length, self.units = vocabulary_size, length, units
        normal = np.random.Generator(np.random.Philox(key=[seed, 0])).standard_normal
        self.embeddings = normal((vocabulary_size + 1, units))  # the last one is the start token
        self.kernel, self.recurrent, self.bias = (
            normal((units, 4 * units)),
            normal((units, 4 * units)),
            normal(4 * units),
        )
        self.head, self.head_bias = normal((units, vocabulary_size)), normal(vocabulary_size)

    def sample(self, uniform):
        """Draws sequences by inverting the distribution function of each token.

        Args:
            uniform: Uniform numbers in [0, 1) of shape (count, length).

        Returns:
            An int32 array of shape (count, length).
        """

        def choose(step, log_likelihoods):
            below = np.cumsum(np.exp(log_likelihoods), axis=1) <= uniform[:, step, None]
            return np.minimum(below.sum(axis=1), self.vocabulary_size - 1)

        return self._run(len(uniform), choose)[0]

    def log_likelihood(self, tokens):
        """Computes the natural logarithms of the probabilities of sequences.

        Args:
            tokens: Integers of shape (count, length).

        Returns:
            A float64 array of shape (count,): the sum over the tokens.
        """
        tokens = np.asarray(tokens)
        if tokens.ndim != 2 or tokens.shape[1] != self.length:
            raise ValueError(f"`tokens` has shape {tokens.shape}; expected (count, {self.length}).")
        return self._run(len(tokens), lambda step, log_likelihoods: tokens[:, step])[1]

    def nll(self, tokens):
        """NLL_oracle: the negative mean log-likelihood of sequences per token, as reported in papers."""
        return float(-self.log_likelihood(tokens).mean() / self.length)

    def _run(self, count, choose):
        state = memory = np.zeros((count, self.units))
        token, total, tokens = np.full(count, self.vocabulary_size), np.zeros(count), []
        for step in range(self.length):
            gates = self.embeddings[token] @ self.kernel + state @ self.recurrent + self.bias
            take, keep, give, candidate = np.split(gates, 4, axis=1)
            memory = _sigmoid(keep) * memory + _sigmoid(take) * np.tanh(candidate)
            state = _sigmoid(give) * np.tanh(memory)
            logits = state @ self.head + self.head_bias
            logits = logits - logits.max(axis=1, keepdims=True)
            log_likelihoods = logits - np.log(np.exp(logits).sum(axis=1, keepdims=True))
            token = choose(step, log_likelihoods)
            total = total + log_likelihoods[np.arange(count), token]
            tokens.append(token)
        return np.stack(tokens, axis=1).astype("int32"), total


def _sigmoid(x):
    return 0.5 * (1.0 + np.tanh(0.5 * x))


class OracleText(ProceduralDataset):
    """Sequences of tokens from a random LSTM with standard normal weights, with known likelihoods.

    Configs:

    * `large`: 20 tokens out of 5000, as in the synthetic benchmark of SeqGAN and RelGAN;
    * `small`: 10 tokens out of 50.

    `kerasgan.data.load` returns the tokens. `dataset.oracle` gives the likelihood of generated sequences. (Papers use
    different random weights, so that only the order of their numbers is comparable.)

    Attributes:
        oracle: `TextOracle`.
    """

    name = "oracle_text"
    version = "1.0.0"
    description = "Sequences of tokens of a random LSTM with standard normal weights: a known distribution."
    license = "CC0 1.0"
    configs = tuple(SIZES)
    sample = form = "tokens"
    image_sizes = range(0)
    sheet_count = 128
    counts = {"train": 10_000, "test": 2_000}

    @functools.cached_property
    def oracle(self):
        return TextOracle(*SIZES[self.config])

    @property
    def features(self):
        vocabulary_size, length = SIZES[self.config]
        return {"tokens": Tensor((length,), "int32", f"numbers from 0 to {vocabulary_size - 1}")}

    @property
    def forms(self):
        from kerasgan.data.kinds import Tokens

        vocabulary_size, length = SIZES[self.config]
        return {"tokens": (Tokens(length, vocabulary_size), "tokens")}

    def example(self, rng, split, index):
        return {"tokens": self.oracle.sample(rng.uniform(size=(1, self.oracle.length)))[0]}

    def sheet(self, arrays):
        """Draws the sequences as numbers, in columns."""
        from kerasgan.data.builders.words import written

        texts = [" ".join(map(str, row)) for row in arrays["tokens"]]
        return written(texts, columns=1 if self.config == "large" else 4, width=20 + 6 * max(map(len, texts)))
