"""Plots of points and numbers without a plotting library."""

import numpy as np

SIDE = 384  # pixels
MARGIN = 0.08  # margin around the points, as a fraction of the side


def scatter(points, limits=None):
    """Draws points in the plane as an image: dark blue dots on white, darker where they are dense.

    Args:
        points: Array of shape (count, 2).
        limits: Limits ((left, right), (bottom, top)) of the image. Defaults to the middle 99.8% of the points.

    Returns:
        A uint8 array of shape (384, 384, 3).
    """
    points = np.asarray(points, "float64")
    points = points[np.isfinite(points).all(axis=1)]
    if limits is None:
        low, high = np.quantile(points, [0.001, 0.999], axis=0) if len(points) else np.array([[-1.0, -1.0], [1.0, 1.0]])
        middle, reach = (low + high) / 2, max(float((high - low).max()) / 2, 1e-6) * (1 + 2 * MARGIN)
        limits = [(m - reach, m + reach) for m in middle]
    edges = [np.linspace(float(start), float(end), SIDE + 1) for start, end in limits]
    counts = np.histogram2d(points[:, 0], points[:, 1], edges)[0].T[::-1]
    ink = np.zeros_like(counts)
    for down in (-1, 0, 1):
        for right in (-1, 0, 1):
            ink += np.roll(counts, (down, right), (0, 1)) * (1.0 if down == right == 0 else 0.6)
    shade = 1.0 - 0.75**ink
    white, blue = np.array([255.0, 255, 255]), np.array([24.0, 50, 130])
    return np.rint(white + shade[..., None] * (blue - white)).astype("uint8")


def histogram(values, bins=64):
    """Draws a histogram of numbers as an image: blue bars on white.

    Args:
        values: Array of shape (count,).
        bins: Number of bars.

    Returns:
        A uint8 array of shape (384, 384, 3).
    """
    values = np.asarray(values, "float64")
    counts, _ = np.histogram(values[np.isfinite(values)], bins)
    picture = np.full((SIDE, SIDE, 3), 255, "uint8")
    heights = np.rint(counts / max(counts.max(), 1) * SIDE * (1 - 2 * MARGIN)).astype(int)
    for place, height in enumerate(heights):
        left, right = place * SIDE // bins, (place + 1) * SIDE // bins
        picture[SIDE - height :, left:right] = (24, 50, 130)
    return picture
