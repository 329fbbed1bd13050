"""Precision and recall of generated samples, and their robust variants density and coverage."""

from typing import NamedTuple

import numpy as np

from kerasgan.metrics.distances import RESOLUTION, distance_blocks, neighbour_distances
from kerasgan.metrics.features import extract_both


class PrecisionRecall(NamedTuple):
    """Result of `precision_recall_density_coverage`. Larger values are better.

    Attributes:
        precision: Fraction of generated samples in the neighbourhood of a real sample, from 0 to 1.
        recall: Fraction of real samples in the neighbourhood of a generated sample, from 0 to 1.
        density: Mean number of real neighbourhoods that contain a generated sample, divided by `neighbours`. It is
            about 1 for real samples and can exceed 1.
        coverage: Fraction of real samples whose neighbourhood contains a generated sample, from 0 to 1.
    """

    precision: float
    recall: float
    density: float
    coverage: float


def precision_recall_density_coverage(real, fake, neighbours=5, features="pixels"):
    """Fractions of generated samples that are realistic and of real samples that are covered.

    The neighbourhood of a sample is the open ball up to its k-th nearest neighbour in its own set. Precision and recall
    follow Kynkäänniemi et al. 2019, eqs. 1 and 2, density and coverage follow Naeem et al. 2020, section 3. The papers
    define closed balls, but the official implementations use open ones, and so does this function. For two equal sets
    all four values are 1. The values depend on the number of samples: use equal counts, and report the values of two
    real sets as well.

    The ball of a sample with k or more copies is empty: against a set of constant images all values are 0.

    Args:
        real: Samples of shape `(n, d)` or `(n, height, width, channels)`, more than `neighbours` of them.
        fake: Generated samples of the same shape, more than `neighbours` of them.
        neighbours: The k in the definition; 5 in Naeem et al., 3 in Kynkäänniemi et al.
        features: `"pixels"`, or a function from samples to an array of shape `(n, d)`.

    Returns:
        A `PrecisionRecall` of four floats.

    Raises:
        ValueError: If there are too few samples, if values are not finite, or if feature sizes differ.
    """
    real, fake = extract_both(features, real, fake)
    # A sample whose distance equals the radius up to rounding is outside.
    real_radii, fake_radii = ((1 - RESOLUTION) * neighbour_distances(x, neighbour=neighbours) for x in (real, fake))
    balls_around = np.zeros(len(fake))
    recalled, covered = np.zeros(len(real), bool), np.zeros(len(real), bool)
    for rows, block in distance_blocks(real, fake):
        inside = block < real_radii[rows, None]
        balls_around += inside.sum(axis=0)
        covered[rows] = inside.any(axis=1)
        recalled[rows] = (block < fake_radii).any(axis=1)
    return PrecisionRecall(
        precision=float((balls_around > 0).mean()),
        recall=float(recalled.mean()),
        density=float(balls_around.mean() / neighbours),
        coverage=float(covered.mean()),
    )
