"""Perceptual path length: how much images change along a path between two latent vectors."""

import numpy as np

from kerasgan.metrics.features import extract

INTERPOLATIONS = ("spherical", "linear")


def perceptual_path_length(
    generate, starts, ends, interpolation="spherical", epsilon=1e-4, batch_size=64, seed=0, features="pixels"
):
    """Mean squared change of the generated images' features for a small step between two latents.

    `mean |f(G(p(t + epsilon))) - f(G(p(t)))|² / epsilon²` over pairs of latents, with `t` uniform on [0, 1], without
    the values below the 1st and above the 99th percentile (Karras et al. 2019, section 4.1 and the official
    implementation; the full path of table 3). The paper uses VGG features with LPIPS weights; values with other
    features, including pixels, are not comparable with published ones. A smaller value means a smoother generator; a
    generator that ignores its latents scores 0.

    Args:
        generate: Function from latents of shape `(n, d)` to images. It must be deterministic: fix the noise and the
            labels, and call the model with `training=False`.
        starts: Latents of shape `(n, d)`.
        ends: Latents of the same shape. For outputs of a mapping network use `interpolation="linear"`.
        interpolation: `"spherical"` for Gaussian latents, `sin((1 - t) a) / sin a · start + sin(t a) / sin a · end`
            with the angle `a` between them (Shoemake 1985), or `"linear"`.
        epsilon: Length of the step, as a fraction of the path.
        batch_size: Number of pairs in a batch.
        seed: Random seed of the positions on the paths.
        features: `"pixels"`, or a function from images to an array of shape `(n, d)`.

    Returns:
        The path length, a float of at least 0, in squared units of the features.

    Raises:
        ValueError: If shapes differ, if `interpolation` is unknown, if `epsilon` is not positive, if images are not
            finite, or if `generate` is not deterministic.
    """
    starts, ends = np.asarray(starts), np.asarray(ends)
    if starts.shape != ends.shape or starts.ndim != 2 or len(starts) == 0:
        raise ValueError(
            f"`starts` has shape {starts.shape} and `ends` has shape {ends.shape}; expected (n, d) for both."
        )
    if interpolation not in INTERPOLATIONS:
        raise ValueError(f"interpolation={interpolation!r}; expected one of {', '.join(map(repr, INTERPOLATIONS))}.")
    if not epsilon > 0:
        raise ValueError(f"epsilon={epsilon}; expected a positive number.")
    between = linear if interpolation == "linear" else spherical
    places = np.random.default_rng(seed).uniform(size=(len(starts), 1))
    squares = []
    for first in range(0, len(starts), batch_size):
        rows = slice(first, first + batch_size)
        here, there = (
            between(starts[rows].astype("float64"), ends[rows].astype("float64"), t).astype(starts.dtype)
            for t in (places[rows], places[rows] + epsilon)
        )
        images = extract(features, generate(here), None)
        if first == 0 and not np.array_equal(images, extract(features, generate(here), None)):
            raise ValueError(
                "`generate` returned two different images for one latent; expected the same image. Fix the noise and "
                "the labels, and call the model with training=False."
            )
        squares.append(np.square(extract(features, generate(there), None) - images).sum(axis=1))
    lengths = np.concatenate(squares) / epsilon**2
    lowest = np.percentile(lengths, 1, method="lower")
    highest = np.percentile(lengths, 99, method="higher")
    return float(lengths[(lengths >= lowest) & (lengths <= highest)].mean())


def linear(start, end, t):
    """Points on the straight line from start to end, arrays of the same shape; t from 0 to 1."""
    return start + t * (end - start)


def spherical(start, end, t):
    """Points on the arc from start to end, arrays of shape (n, d); t from 0 to 1 (Shoemake 1985)."""
    lengths = np.linalg.norm(start, axis=1, keepdims=True) * np.linalg.norm(end, axis=1, keepdims=True)
    cosine = (start * end).sum(axis=1, keepdims=True) / np.where(lengths > 0, lengths, 1.0)
    angle = np.arccos(np.clip(cosine, -1.0, 1.0))
    sine = np.sin(angle)
    # For parallel latents, where the formula is 0 / 0, the arc is a straight line.
    straight = sine < 1e-7
    sine = np.where(straight, 1.0, sine)
    arc = np.sin((1 - t) * angle) / sine * start + np.sin(t * angle) / sine * end
    return np.where(straight, linear(start, end, t), arc)
