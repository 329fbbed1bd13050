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


def labelled(name, x, y):
    """Samples and their labels, flattened.

    Args:
        name: What the samples are called in an error: `"fake"` for `fake_x` and `fake_y`.
        x: Array of shape `(n, d)` or `(n, height, width, channels)`.
        y: Integers of shape `(n,)` or `(n, 1)`.

    Returns:
        A float64 array of shape `(n, d)` and integers of shape `(n,)`.

    Raises:
        ValueError: Not one integer for each sample, or samples that `pixels` refuses.
    """
    x, y = pixels(x), np.asarray(y)
    if y.shape not in ((len(x),), (len(x), 1)) or y.dtype.kind not in "iu":
        raise ValueError(
            f"{name}_y has shape {y.shape} and dtype {y.dtype}; expected one integer label for "
            f"each of the {len(x)} images in {name}_x."
        )
    return x, y.reshape(-1)


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


def extract_both(features, real, fake):
    """Maps real and generated samples to features of the same size.

    Args:
        features: A key of `FEATURES`, or a function from samples to an array of shape `(n, d)`.
        real: Array of real samples.
        fake: Array of generated samples; the number may differ.

    Returns:
        Two float64 arrays of shape `(n, d)` and `(m, d)`.

    Raises:
        ValueError: Unknown features, values that are not finite, or feature sizes that differ.
    """
    real, fake = extract(features, real), extract(features, fake)
    if real.shape[1] != fake.shape[1]:
        raise ValueError(
            f"real has {real.shape[1]} features and fake has {fake.shape[1]}; expected the same: "
            "bring both to one image size."
        )
    return real, fake
