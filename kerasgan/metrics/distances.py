"""Distances between all pairs of two sets, in blocks of bounded memory, and to the nearest neighbours."""

import numpy as np

BLOCK_VALUES = 2**23  # 64 MB
# Squared distances that differ relatively by less count as equal: the matrix product rounds equal ones differently.
RESOLUTION = 1e-10
# Squared distances below this share of the squared norms are rounding: the samples are copies.
ROUNDING = 1e-13


def squared_distances(x, y):
    """Squared Euclidean distances between all pairs.

    `|x|² + |y|² - 2 x·y` on samples that are centred first, so that little cancels; copies have distance 0 exactly.

    Args:
        x: Float64 array of shape `(n, d)`.
        y: Float64 array of shape `(m, d)`.

    Returns:
        Float64 array of shape `(n, m)`.
    """
    return np.concatenate([block for _, block in distance_blocks(x, y)])


def distance_blocks(x, y):
    """Squared distances as `squared_distances`, a few rows at a time.

    Args:
        x: Float64 array of shape `(n, d)`.
        y: Float64 array of shape `(m, d)`.

    Yields:
        A slice of the rows of `x`, and their squared distances to all of `y`, of shape `(rows, m)`.
    """
    center = y.mean(axis=0)
    x, y = x - center, y - center
    x_norms, y_norms = np.square(x).sum(axis=1), np.square(y).sum(axis=1)
    size = max(1, BLOCK_VALUES // len(y))
    for start in range(0, len(x), size):
        rows = slice(start, start + size)
        norms = x_norms[rows, None] + y_norms
        block = norms - 2.0 * (x[rows] @ y.T)
        block[block <= ROUNDING * norms] = 0.0
        yield rows, block


def neighbour_distances(x, y=None, neighbour=1):
    """Squared distance of each sample to its k-th nearest neighbour in another set, or in its own.

    Args:
        x: Float64 array of shape `(n, d)`.
        y: Float64 array of shape `(m, d)`; None looks for the neighbours among the other samples of `x`.
        neighbour: Which neighbour, 1 for the nearest; a sample is not its own neighbour, a copy of it is.

    Returns:
        Float64 array of shape `(n,)`.

    Raises:
        ValueError: Fewer samples than neighbours.
    """
    others = x if y is None else y
    candidates = len(x) - 1 if y is None else len(y)
    if not 1 <= neighbour <= candidates:
        raise ValueError(f"the neighbour {neighbour} was asked for and there are {candidates}; give more samples.")
    nearest = np.empty(len(x))
    for rows, block in distance_blocks(x, others):
        if y is None:
            ignore_own(rows, block)
        nearest[rows] = np.partition(block, neighbour - 1, axis=1)[:, neighbour - 1]
    return nearest


def ignore_own(rows, block):
    """Makes the distance of each sample to itself infinite, in a block of the distances of one set to itself."""
    own = np.arange(len(block))
    block[own, rows.start + own] = np.inf
