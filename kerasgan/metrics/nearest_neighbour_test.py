"""Nearest-neighbour two-sample test: can real and generated samples be told apart by their neighbours?"""

from typing import NamedTuple

import numpy as np

from kerasgan.metrics.distances import RESOLUTION, distance_blocks, ignore_own
from kerasgan.metrics.features import extract_both


class NearestNeighbourTest(NamedTuple):
    """Result of `nearest_neighbour_test`.

    Attributes:
        accuracy: Mean of the two below, from 0 to 1; 0.5 is best.
        real_accuracy: Share of real samples whose nearest neighbour is real.
        fake_accuracy: Share of generated samples whose nearest neighbour is generated.
    """

    accuracy: float
    real_accuracy: float
    fake_accuracy: float


def nearest_neighbour_test(real, fake, features="pixels"):
    """Leave-one-out accuracy of the nearest-neighbour classifier of real against generated samples.

    The classifier two-sample test of Lopez-Paz & Oquab 2017 with one neighbour (Xu et al. 2018). About 0.5
    for equal distributions; towards 1 the sets can be told apart; below 0.5 the generated samples sit on the real ones,
    which means copies if the real ones are the training data. A low real and a high fake accuracy means that the
    generated samples crowd in the middle of the real ones. Of neighbours equally far, each counts for its share: two
    sets of `n` equal images give `(n - 1) / (2 n - 1)`.

    Args:
        real: Samples of shape `(n, d)` or `(n, height, width, channels)`.
        fake: As many generated samples: of unequal sets the larger one would be the better guess.
        features: `"pixels"`, or a function from samples to an array of shape `(n, d)`.

    Returns:
        A `NearestNeighbourTest` of the three floats.

    Raises:
        ValueError: Counts that differ, values that are not finite, or feature sizes that differ.
    """
    real, fake = extract_both(features, real, fake)
    if len(real) != len(fake):
        raise ValueError(f"got {len(real)} real and {len(fake)} fake samples; expected equal counts: drop some.")
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
