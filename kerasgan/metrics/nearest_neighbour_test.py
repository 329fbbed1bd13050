"""Nearest-neighbour two-sample test: do neighbours reveal whether a sample is real or generated?"""

from typing import NamedTuple

import numpy as np

from kerasgan.metrics.distances import RESOLUTION, distance_blocks, ignore_own
from kerasgan.metrics.features import extract_both


class NearestNeighbourTest(NamedTuple):
    """Result of `nearest_neighbour_test`.

    Attributes:
        accuracy: Mean of the following two accuracies, from 0 to 1; 0.5 is best.
        real_accuracy: Fraction of real samples whose nearest neighbour is real.
        fake_accuracy: Fraction of generated samples whose nearest neighbour is generated.
    """

    accuracy: float
    real_accuracy: float
    fake_accuracy: float


def nearest_neighbour_test(real, fake, features="pixels"):
    """Leave-one-out accuracy of a nearest-neighbour classifier of real and generated samples.

    This is the classifier two-sample test of Lopez-Paz & Oquab 2017 with one neighbour (Xu et al. 2018). The accuracy
    is about 0.5 for equal distributions and approaches 1 for sets that are easy to distinguish. Below 0.5 the generated
    samples are too close to the real samples, which means copies if these are the training data. A low real accuracy
    with a high fake accuracy means that the generated samples concentrate between the real ones. Neighbours at the same
    distance share the vote equally: two sets of `n` equal images give `(n - 1) / (2 n - 1)`.

    Args:
        real: Samples of shape `(n, d)` or `(n, height, width, channels)`.
        fake: Generated samples of the same shape and number. With unequal sets the majority class would be the better
            guess.
        features: `"pixels"`, or a function from samples to an array of shape `(n, d)`.

    Returns:
        A `NearestNeighbourTest` of three floats.

    Raises:
        ValueError: If the numbers of samples differ, if values are not finite, or if feature sizes differ.
    """
    real, fake = extract_both(features, real, fake)
    if len(real) != len(fake):
        raise ValueError(
            f"There are {len(real)} real and {len(fake)} fake samples; expected equal counts. Drop samples of one side."
        )
    pooled = np.concatenate([real, fake])
    is_real = np.arange(len(pooled)) < len(real)
    same = np.empty(len(pooled))
    for rows, block in distance_blocks(pooled, pooled):
        ignore_own(rows, block)
        nearest = block <= (1 + RESOLUTION) * block.min(axis=1, keepdims=True)
        real_share = nearest[:, : len(real)].sum(axis=1) / nearest.sum(axis=1)
        same[rows] = np.where(is_real[rows], real_share, 1 - real_share)
    real_accuracy, fake_accuracy = float(same[is_real].mean()), float(same[~is_real].mean())
    return NearestNeighbourTest((real_accuracy + fake_accuracy) / 2, real_accuracy, fake_accuracy)
