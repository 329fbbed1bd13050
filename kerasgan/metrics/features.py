"""The feature spaces in which samples are compared: a metric without their name means nothing."""

import numpy as np


def pixels(samples):
    """The samples themselves, flattened.

    Args:
        samples: Array of shape `(n, d)` or `(n, height, width, channels)`.

    Returns:
        A float64 array of shape `(n, d)`.

    Raises:
        ValueError: Rank below 2, no samples, or NaN or infinite values.
    """
    samples = np.asarray(samples)
    if samples.ndim < 2 or samples.size == 0:
        raise ValueError(
            f"samples has shape {samples.shape}; expected at least one sample, in the shape (n, d) "
            "or (n, height, width, channels)."
        )
    flat = samples.reshape(len(samples), -1).astype("float64")
    if not np.isfinite(flat).all():
        raise ValueError(
            "samples has NaN or infinite values; expected finite ones: the model that made them has diverged."
        )
    return flat


FEATURES = {"pixels": pixels}


def extract(features, samples):
    """Maps samples to features.

    Args:
        features: A key of `FEATURES`, or a function from samples to an array of shape `(n, d)`.
        samples: Array of `n` samples.

    Returns:
        A float64 array of shape `(n, d)`.

    Raises:
        ValueError: There are no features of this name, or they are not finite.
    """
    if callable(features):
        return pixels(features(samples))
    if features not in FEATURES:
        raise ValueError(
            f"features={features!r} is unknown; expected one of {', '.join(map(repr, FEATURES))}, "
            "or a function from samples to an array of shape (n, d)."
        )
    return FEATURES[features](samples)
