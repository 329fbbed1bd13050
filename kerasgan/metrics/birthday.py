"""Birthday paradox: how many different samples a generator has, from how soon near-duplicates appear."""

from typing import NamedTuple

import numpy as np

from kerasgan.metrics.distances import distance_blocks, neighbour_distances
from kerasgan.metrics.features import extract


class BirthdaySupport(NamedTuple):
    """Result of `birthday_support`.

    Attributes:
        batch_size: Smallest batch that holds a near-duplicate with probability at least 1/2; infinite if the whole
            pool is too small.
        support: Its square, about the number of different samples.
        duplicate_rate: Share of the pairs in the pool that are near-duplicates, from 0 to 1. Its inverse is the support
            of a uniform distribution, without the factor of the square.
    """

    batch_size: float
    support: float
    duplicate_rate: float


def birthday_support(fake, threshold, trials=1000, seed=0, features="pixels"):
    """Size of a generator's support, from the smallest batch in which two samples look alike.

    If batches of `s` samples hold a duplicate with probability 1/2, the support is about `s²` (Arora, Risteski & Zhang
    2018, "Do GANs learn the distribution?"), up to a factor that depends on how uneven it is: for a uniform one it is
    `s² / (2 ln 2)`. There a person decides what a duplicate is among the closest pairs; here a distance does, see
    `duplicate_threshold`: look at some pairs below it. The batches are drawn from one pool of samples without
    replacement. Time and memory grow with the number of near-duplicate pairs: half the square of the pool at worst.

    Args:
        fake: Pool of generated samples of shape `(n, d)` or `(n, height, width, channels)`, several times larger than
            the batch that is looked for.
        threshold: Distance in feature space up to which two samples are duplicates; 0 takes exact copies only.
        trials: Random batches.
        seed: Of the batches.
        features: `"pixels"`, or a function from samples to an array of shape `(n, d)`.

    Returns:
        A `BirthdaySupport`.

    Raises:
        ValueError: Fewer than two samples, values that are not finite, or a negative threshold.
    """
    fake = extract(features, fake, "fake")
    if len(fake) < 2:
        raise ValueError(f"got {len(fake)} sample; expected at least 2.")
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
    """Distance below which two samples pass for duplicates: few real ones have a neighbour as near.

    Args:
        real: Samples of shape `(n, d)` or `(n, height, width, channels)`, at least two.
        percentile: Percentage of the real samples whose nearest neighbour is nearer.
        features: `"pixels"`, or a function from samples to an array of shape `(n, d)`.

    Returns:
        The distance, a float.

    Raises:
        ValueError: Fewer than two samples, or values that are not finite.
    """
    return float(np.percentile(np.sqrt(neighbour_distances(extract(features, real, "real"))), percentile))


def _pairs(rows, block, threshold):
    first, second = np.nonzero(block <= threshold**2)
    pairs = np.stack([first + rows.start, second], axis=1)
    return pairs[pairs[:, 0] < pairs[:, 1]]
