"""Sliced Wasserstein distance: the mean optimal transport distance along random directions."""

import numpy as np

from kerasgan.metrics.features import extract_both

DIRECTIONS_AT_ONCE = 64


def sliced_wasserstein(real, fake, directions=512, order=1, seed=0, features="pixels"):
    """Wasserstein distance of the samples' projections, averaged over random directions.

    `(mean_w W_p(w·x, w·y)^p)^(1/p)` over directions `w` uniform on the unit sphere (Rabin et al. 2012; Bonneel et al.
    2015), where each `W_p` is exact: for equal counts it is the distance of the sorted projections. The distance has
    the units of the features; it decreases with the number of features, as `1 / sqrt(d)`, and with the number of
    samples.

    Args:
        real: Samples of shape `(n, d)` or `(n, height, width, channels)`.
        fake: Generated samples of the same shape; the number may differ.
        directions: Number of random directions.
        order: The p in the formula, 1 or 2.
        seed: Random seed of the directions.
        features: `"pixels"`, or a function from samples to an array of shape `(n, d)`.

    Returns:
        The distance, a float of at least 0. It is 0 for equal sets.

    Raises:
        ValueError: If `order` is not 1 or 2, if `directions` is less than 1, if values are not finite, or if feature
            sizes differ.
    """
    if order not in (1, 2):
        raise ValueError(f"order={order}; expected 1 or 2.")
    if directions < 1:
        raise ValueError(f"directions={directions}; expected at least 1.")
    real, fake = extract_both(features, real, fake)
    # The quantile functions have steps only at the multiples of 1 / n and 1 / m.
    steps = np.union1d(np.arange(1, len(real) + 1) * len(fake), np.arange(1, len(fake) + 1) * len(real))
    weights = np.diff(steps, prepend=0) / (len(real) * len(fake))
    real_ranks, fake_ranks = (steps - 1) // len(fake), (steps - 1) // len(real)
    random = np.random.default_rng(seed)
    total = 0.0
    for start in range(0, directions, DIRECTIONS_AT_ONCE):
        size = min(DIRECTIONS_AT_ONCE, directions - start)
        w = random.normal(size=(size, real.shape[1]))
        w /= np.linalg.norm(w, axis=1, keepdims=True)
        real_sorted, fake_sorted = (np.sort(x @ w.T, axis=0) for x in (real, fake))
        moved = np.abs(real_sorted[real_ranks] - fake_sorted[fake_ranks])
        total += (weights @ moved**order).sum()
    return float((total / directions) ** (1 / order))
