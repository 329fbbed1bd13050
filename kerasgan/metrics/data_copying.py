"""Memorisation: are generated samples closer to the training samples than unseen real samples are?"""

from typing import NamedTuple

import numpy as np

from kerasgan.metrics.distances import distance_blocks, neighbour_distances
from kerasgan.metrics.features import extract, extract_both

FEWEST = 20  # smallest number of generated samples in a cell that counts


class DataCopying(NamedTuple):
    """Result of `data_copying`.

    Attributes:
        score: Three-sample statistic C_T. It is approximately standard normal if the generated samples are as far from
            the training samples as unseen real samples are. Below -3 the generator copies; above 3 it underfits.
        distance_ratio: Median distance to the nearest training sample of the generated samples, divided by that of the
            held-out samples. 1 is ideal, below 0.8 suggests copying, 0 means copies; NaN if both medians are 0.
    """

    score: float
    distance_ratio: float


def data_copying(train, held_out, fake, cells=1, seed=0, features="pixels"):
    """Three-sample test of whether a generator copies its training samples.

    Meehan, Chaudhuri & Dasgupta 2020 ("A Non-Parametric Test to Detect Data-Copying"): the Mann-Whitney statistic of
    the distances to the nearest training sample, `U = #{(x, y): d(y) > d(x)}` of held-out `x` and generated `y` with
    ties counted half, standardised as `(U - n m / 2) / sqrt(n m (n + m + 1) / 12)`. It is computed in each cell of the
    feature space and averaged over the cells, weighted by the number of held-out samples. The cells are clusters of the
    training samples; cells with fewer than 20 generated samples or no held-out samples are skipped. A single cell
    misses a generator that copies in one region and underfits in another.

    Args:
        train: Training samples of the generator, of shape `(n, d)` or `(n, height, width, channels)`.
        held_out: Real samples that the generator has not seen.
        fake: Generated samples, about as many as held-out samples.
        cells: Number of cells. With more than one, pass several dozen samples per cell.
        seed: Random seed of the clustering.
        features: `"pixels"`, or a function from samples to an array of shape `(n, d)`.

    Returns:
        A `DataCopying` of `score` and `distance_ratio`.

    Raises:
        ValueError: If values are not finite, if feature sizes differ, if there are more cells than training samples, or
            if no cell has enough samples.
    """
    train, held_out = extract_both(features, train, held_out)
    fake = extract(features, fake, "fake")
    if fake.shape[1] != train.shape[1]:
        raise ValueError(f"`train` has {train.shape[1]} features and `fake` has {fake.shape[1]}; expected the same.")
    if not 1 <= cells <= len(train):
        raise ValueError(f"cells={cells}; expected 1 to {len(train)}, the number of training samples.")
    unseen_distances, fake_distances = (np.sqrt(neighbour_distances(x, train)) for x in (held_out, fake))
    unseen_cells, fake_cells = _cells(train, held_out, fake, cells, seed)
    scores, weights = [], []
    for cell in range(cells):
        unseen, generated = unseen_distances[unseen_cells == cell], fake_distances[fake_cells == cell]
        if len(unseen) and len(generated) >= FEWEST:
            scores.append(_mann_whitney(unseen, generated))
            weights.append(len(unseen))
    if not scores:
        raise ValueError(
            f"There are {len(held_out)} held-out and {len(fake)} fake samples in {cells} cells; expected a cell with "
            f"at least one held-out and {FEWEST} fake samples. Pass more samples or fewer cells."
        )
    medians = np.median(fake_distances), np.median(unseen_distances)
    with np.errstate(divide="ignore", invalid="ignore"):
        return DataCopying(float(np.average(scores, weights=weights)), float(np.divide(*medians)))


def _cells(train, held_out, fake, cells, seed):
    if cells == 1:
        return np.zeros(len(held_out), int), np.zeros(len(fake), int)
    from sklearn.cluster import KMeans

    centers = KMeans(cells, n_init=1, random_state=seed).fit(train).cluster_centers_
    return (
        np.concatenate([block.argmin(axis=1) for _, block in distance_blocks(x, centers)]) for x in (held_out, fake)
    )


def _mann_whitney(first, second):
    """Standardised Mann-Whitney statistic: positive if the values of the second set are larger."""
    from scipy.stats import rankdata

    n, m = len(first), len(second)
    above = rankdata(np.concatenate([first, second]))[n:].sum() - m * (m + 1) / 2
    return (above - n * m / 2) / np.sqrt(n * m * (n + m + 1) / 12)
