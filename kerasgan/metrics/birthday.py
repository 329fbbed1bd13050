"""Birthday paradox test: estimates the size of a generator's support from the rate of near-duplicates."""

from typing import NamedTuple

import numpy as np

from kerasgan.metrics.distances import distance_blocks, neighbour_distances
from kerasgan.metrics.features import extract


class BirthdaySupport(NamedTuple):
    """Result of `birthday_support`.

    Attributes:
        batch_size: Size of the smallest batch that contains a near-duplicate with probability 1/2 or more; infinite if
            the whole pool is too small.
        support: Square of `batch_size`, an estimate of the number of different samples.
        duplicate_rate: Fraction of the pairs in the pool that are near-duplicates, from 0 to 1. For a uniform
            distribution its inverse is the size of the support, without the factor in `support`.
    """

    batch_size: float
    support: float
    duplicate_rate: float


def birthday_support(fake, threshold, trials=1000, seed=0, features="pixels"):
    """Estimates the size of a generator's support from the smallest batch that contains a near-duplicate.

    If batches of `s` samples contain a duplicate with probability 1/2, the support has a size of about `s²` (Arora,
    Risteski & Zhang 2018, "Do GANs learn the distribution?"), up to a factor that depends on how uneven the
    distribution is: for a uniform distribution the size is `s² / (2 ln 2)`. In the paper a person decides which of the
    closest pairs are duplicates. Here a distance decides (see `duplicate_threshold`), so inspect some pairs below the
    threshold. The batches are drawn without replacement from one pool of samples. Time and memory grow with the number
    of near-duplicate pairs, which is at most half the square of the pool size.

    Args:
        fake: Pool of generated samples of shape `(n, d)` or `(n, height, width, channels)`, several times larger than
            the expected batch size.
        threshold: Largest distance in feature space at which two samples count as duplicates. 0 counts only exact
            copies.
        trials: Number of random batches.
        seed: Random seed of the batches.
        features: `"pixels"`, or a function from samples to an array of shape `(n, d)`.

    Returns:
        A `BirthdaySupport`.

    Raises:
        ValueError: If there are fewer than two samples, if values are not finite, or if `threshold` is negative.
    """
    fake = extract(features, fake, "fake")
    if len(fake) < 2:
        raise ValueError(f"`fake` has {len(fake)} sample; expected at least 2.")
    if not threshold >= 0:
        raise ValueError(f"threshold={threshold}; expected a distance of at least 0.")
    pairs = np.concatenate([_pairs(rows, block, threshold) for rows, block in distance_blocks(fake, fake)])
    random = np.random.default_rng(seed)
    first = np.full(trials, np.inf)
    if len(pairs):
        for trial in range(trials):
            # A pair is complete once the later of its two samples is drawn.
            first[trial] = random.permutation(len(fake))[pairs].max(axis=1).min() + 1
    batch_size = float(np.sort(first)[(trials - 1) // 2])
    rate = len(pairs) / (len(fake) * (len(fake) - 1) / 2)
    return BirthdaySupport(batch_size, batch_size**2, rate)


def duplicate_threshold(real, percentile=1.0, features="pixels"):
    """Returns a distance below which two samples count as duplicates: few real samples have a neighbour that close.

    Args:
        real: Samples of shape `(n, d)` or `(n, height, width, channels)`, at least two.
        percentile: Percentage of the real samples whose nearest neighbour is closer than the threshold.
        features: `"pixels"`, or a function from samples to an array of shape `(n, d)`.

    Returns:
        The distance, a float.

    Raises:
        ValueError: If there are fewer than two samples, or if values are not finite.
    """
    return float(np.percentile(np.sqrt(neighbour_distances(extract(features, real, "real"))), percentile))


def _pairs(rows, block, threshold):
    first, second = np.nonzero(block <= threshold**2)
    pairs = np.stack([first + rows.start, second], axis=1)
    return pairs[pairs[:, 0] < pairs[:, 1]]
