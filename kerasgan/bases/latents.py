"""Distributions of latents, the input of generators."""

import dataclasses
import itertools
import math

import keras
from keras import ops

NO_TRUNCATION = 10.0  # standard deviations beyond which a normal number is never drawn, to float32's precision


@dataclasses.dataclass(frozen=True)
class Normal:
    """Standard normal latents.

    Truncation redraws each number further from 0 than the threshold (BigGAN: Brock et al. 2019, section 3.1), which
    gives the truncated normal distribution.

    Args:
        size: Length of a latent vector.
    """

    size: int
    truncates = True

    def draw(self, count, seed, truncation=None):
        """Latents of shape (count, size).

        Args:
            count: Number of latent vectors, an integer or a scalar tensor.
            seed: Seed as for `keras.random`.
            truncation: Threshold in standard deviations, a number or a scalar tensor. 10 or more, or `None`, for no
                truncation.
        """
        shape = (count, self.size)
        if truncation is None or (isinstance(truncation, (int, float)) and truncation >= NO_TRUNCATION):
            return keras.random.normal(shape, seed=seed)
        if isinstance(truncation, (int, float)):
            return self._truncated(shape, seed, truncation)
        free, held = keras.random.normal(shape, seed=seed), self._truncated(shape, seed, truncation)
        return ops.where(truncation >= NO_TRUNCATION, free, held)

    @staticmethod
    def _truncated(shape, seed, threshold):
        """Truncated normal numbers, by the inverse of their distribution function."""
        most = ops.erf(ops.convert_to_tensor(threshold, "float32") / math.sqrt(2.0))
        uniform = keras.random.uniform(shape, -1.0, 1.0, dtype="float32", seed=seed)
        drawn = math.sqrt(2.0) * ops.erfinv(ops.clip(most * uniform, -1.0 + 1e-7, 1.0 - 1e-7))
        return ops.cast(drawn, keras.config.floatx())


@dataclasses.dataclass(frozen=True)
class Uniform:
    """Uniform latents.

    Args:
        size: Length of a latent vector.
        low: Smallest value.
        high: Largest value.
    """

    size: int
    low: float = -1.0
    high: float = 1.0
    truncates = False

    def draw(self, count, seed, truncation=None):
        """Latents of shape (count, size); see `Normal.draw`. There is no truncation."""
        return keras.random.uniform((count, self.size), self.low, self.high, seed=seed)


@dataclasses.dataclass(frozen=True)
class Codes:
    """Vectors of noise, one-hot codes and continuous codes; noise and continuous codes are uniform in [-1, 1].

    Args:
        noise: Length of the noise.
        categorical: Number of classes of each categorical code.
        continuous: Number of continuous codes.
    """

    noise: int
    categorical: tuple = ()
    continuous: int = 0
    truncates = False

    @property
    def count(self):
        """Number of codes."""
        return len(self.categorical) + self.continuous

    @property
    def code_size(self):
        """Total length of the codes in a latent vector."""
        return sum(self.categorical) + self.continuous

    @property
    def size(self):
        """Length of a latent vector."""
        return self.noise + self.code_size

    def draw(self, count, seed, truncation=None):
        """Latents of shape (count, size); see `Normal.draw`. There is no truncation."""
        uniform = keras.random.uniform((count, self.noise + self.count), seed=seed)
        noise, *classes, continuous = columns(uniform, (self.noise, *[1] * len(self.categorical)))
        codes = [  # the minimum: in low precision size * u may round up to size
            ops.one_hot(ops.cast(ops.minimum(ops.floor(size * u[:, 0]), size - 1), "int32"), size, dtype=u.dtype)
            for size, u in zip(self.categorical, classes, strict=True)
        ]
        return ops.concatenate([2.0 * noise - 1.0, *codes, 2.0 * continuous - 1.0], axis=-1)

    def split(self, codes):
        """Splits codes of shape (batch, code_size) into a list: each categorical code, then all continuous ones."""
        return columns(codes, self.categorical)


def columns(x, sizes):
    """Splits a matrix into groups of columns of given sizes and the remaining columns."""
    edges = list(itertools.accumulate(sizes, initial=0))
    return [x[:, start:end] for start, end in zip(edges, [*edges[1:], None], strict=True)]
