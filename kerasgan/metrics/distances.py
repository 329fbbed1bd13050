"""Pairwise distances between two sets, in blocks of bounded memory, and nearest-neighbour distances."""

import numpy as np

BLOCK_VALUES = 2**23  # 64 MB
# Squared distances with a smaller relative difference count as equal, because matrix products round differently.
RESOLUTION = 1e-10
# Squared distances below this fraction of the squared norms are rounding errors: the samples are copies.
ROUNDING = 1e-13


def squared_distances(x, y):
    """Squared Euclidean distances between all pairs.

    `|x|² + |y|² - 2 x·y` on centred samples, which limits cancellation. Copies have a distance of exactly 0.

    Args:
        x: Float64 array of shape `(n, d)`.
        y: Float64 array of shape `(m, d)`.

    Returns:
        A float64 array of shape `(n, m)`.
    """
    return np.concatenate([block for _, block in distance_blocks(x, y)])


def distance_blocks(x, y):
    """Yields `squared_distances` a few rows at a time.

    Args:
        x: Float64 array of shape `(n, d)`.
        y: Float64 array of shape `(m, d)`.

    Yields:
        A slice of the rows of `x`, and the squared distances of these rows to all of `y`, of shape `(rows, m)`.
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
    """Squared distance of each sample to its k-th nearest neighbour in another set or in its own set.

    Args:
        x: Float64 array of shape `(n, d)`.
        y: Float64 array of shape `(m, d)`. None searches among the other samples of `x`.
        neighbour: The k, 1 for the nearest neighbour. A sample is not its own neighbour, but a copy of it is.

    Returns:
        A float64 array of shape `(n,)`.

    Raises:
        ValueError: If there are fewer candidates than `neighbour`.
    """
    others = x if y is None else y
    candidates = len(x) - 1 if y is None else len(y)
    if not 1 <= neighbour <= candidates:
        raise ValueError(
            f"neighbour={neighbour}; expected 1 to {candidates}, the number of other samples. Pass more samples."
        )
    nearest = np.empty(len(x))
    for rows, block in distance_blocks(x, others):
        if y is None:
            ignore_own(rows, block)
        nearest[rows] = np.partition(block, neighbour - 1, axis=1)[:, neighbour - 1]
    return nearest


def ignore_own(rows, block):
    """Sets the distance of each sample to itself to infinity, in a block of the distances within one set."""
    own = np.arange(len(block))
    block[own, rows.start + own] = np.inf
