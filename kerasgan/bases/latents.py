"""Latents: what generators start from."""

import dataclasses
import math

import keras
from keras import ops

NO_TRUNCATION = 10.0  # standard deviations beyond which a normal number is never drawn, to float32's precision


@dataclasses.dataclass(frozen=True)
class Normal:
    """Standard normal latents.

    Truncation resamples each number that is further from 0 than the threshold (BigGAN: Brock et al. 2019, section 3.1),
    which is to draw from the truncated normal distribution.

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
            truncation: Threshold in standard deviations, a number or a scalar tensor; from 10 on, or `None`, for none.
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
