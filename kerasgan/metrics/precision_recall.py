"""Precision and recall of generated samples, and their robust forms, density and coverage."""

from typing import NamedTuple

import numpy as np

from kerasgan.metrics.distances import RESOLUTION, distance_blocks, neighbour_distances
from kerasgan.metrics.features import extract_both


class PrecisionRecall(NamedTuple):
    """Result of `precision_recall_density_coverage`, of which more is better.

    Attributes:
        precision: Share of generated samples near a real one, from 0 to 1.
        recall: Share of real samples near a generated one, from 0 to 1.
        density: Mean number of real neighbourhoods that a generated sample is in, over `neighbours`; about 1 for real
            samples, and may be above.
        coverage: Share of real samples whose neighbourhood holds a generated one, from 0 to 1.
    """

    precision: float
    recall: float
    density: float
    coverage: float


def precision_recall_density_coverage(real, fake, neighbours=5, features="pixels"):
    """What share of the generated samples is realistic, and what share of the real ones is covered.

    The neighbourhood of a sample is the open ball up to its k-th nearest neighbour in its own set. Precision and recall
    are those of Kynkäänniemi et al. 2019, eqs. 1 and 2, density and coverage those of Naeem et al. 2020, section 3;
    where those papers write a closed ball and their authors' programs take an open one, this takes the open one. For
    two sets that are equal all four are 1. The values depend on the number of samples: use equal counts, and print
    those of two real sets beside them.

    The balls of samples with k or more copies are empty: against a set of constant images all are 0.

    Args:
        real: Samples of shape `(n, d)` or `(n, height, width, channels)`, more than `neighbours` of them.
        fake: The same for the generated samples.
        neighbours: The k above; 5 in Naeem et al., 3 in Kynkäänniemi et al.
        features: `"pixels"`, or a function from samples to an array of shape `(n, d)`.

    Returns:
        A `PrecisionRecall` of the four floats.

    Raises:
        ValueError: Too few samples, values that are not finite, or feature sizes that differ.
    """
    real, fake = extract_both(features, real, fake)
    # What is as far as the radius up to rounding is outside.
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
