"""The feature spaces in which samples are compared: a metric without their name means nothing.

`pixels`, a fixed random network, small classifiers that come with the package, and the Inception network of 2015, whose
weights a user must give. Only with the last is a Fréchet distance called FID.
"""

import functools
import warnings

import numpy as np

from kerasgan.data.kinds import Images
from kerasgan.data.kinds.basic import RANGE_TOLERANCE

CLASSIFIERS = ("classifier-digits-v1", "classifier-glyphs-v1", "classifier-sprites-v1")
INCEPTION = "inception-2015"
GENERATED = ("samples", "fake", "fake_x")  # names of what generators made, which may go a little
OVERSHOOT = 1.5  # beyond [-1, 1]
NAMES = ("pixels", "random-conv-seed0", *CLASSIFIERS, INCEPTION)


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


def check_samples(samples, name="samples"):
    """Refuses samples that `fit` would refuse: images that are no finite floats in [-1, 1], vectors with NaN.

    Images are told by their rank; vectors, flattened images among them, may have any range. Images that never go below
    0 are warned of, and generated ones that go a little beyond [-1, 1]. Features must not come here: they may have any
    range and rank.

    Args:
        samples: Array of shape `(n, d)` or `(n, height, width, channels)`, or of another rank, which is not looked at.
        name: What the messages call them.

    Returns:
        The samples as a NumPy array.

    Raises:
        ValueError: A sentence that says what came, what was expected and what to call.
    """
    samples = np.asarray(samples)
    if samples.ndim == 4 and samples.size:
        inside = samples
        if name in GENERATED and samples.dtype.kind == "f" and RANGE_TOLERANCE < np.abs(samples).max() - 1 < OVERSHOOT:
            inside = np.clip(samples, -1, 1)
            warnings.warn(
                f"{name} has values from {samples.min():g} to {samples.max():g}, beyond [-1, 1]. A generator without a "
                f"bounded last layer makes such: call np.clip({name}, -1, 1), as a picture of them would.",
                UserWarning,
                stacklevel=3,
            )
        Images(samples.shape[1:]).check(inside, name)
    elif samples.ndim == 2 and samples.dtype.kind in "fc" and not np.isfinite(samples).all():
        raise ValueError(f"{name} has NaN or infinite values; expected finite ones: the model has diverged.")
    return samples


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


def get(features):
    """What computes features.

    Args:
        features: One of `NAMES`, or a function from samples to an array of shape `(n, d)`, which is returned.

    Returns:
        `pixels`, a `kerasgan.metrics.features.network.FeatureNetwork`, or the function.

    Raises:
        ValueError: There are no features of this name, or the weights that they need are missing or damaged.
    """
    if callable(features):
        return features
    if features == INCEPTION:
        # Not kept by this name: the environment says which file it is.
        from kerasgan.metrics.features.inception import inception_2015

        return inception_2015()
    return _network(features)


@functools.cache
def _network(name):
    if name == "pixels":
        return pixels
    if name == "random-conv-seed0":
        from kerasgan.metrics.features.random_conv import RandomConvolutions

        return RandomConvolutions()
    if name in CLASSIFIERS:
        from kerasgan.metrics.features.classifier import Classifier

        return Classifier(name)
    raise ValueError(
        f"features={name!r} is unknown; expected one of {', '.join(map(repr, NAMES))}, "
        "or a function from samples to an array of shape (n, d)."
    )


def name_of(features):
    """The name of features as it stands beside a score: that of a function, if these are not one of `NAMES`."""
    if isinstance(features, str):
        return features
    return getattr(features, "name", None) or getattr(features, "__name__", type(features).__name__)


def extract(features, samples, name="samples"):
    """Maps samples to features.

    Args:
        features: One of `NAMES`, or a function from samples to an array of shape `(n, d)`.
        samples: Array of `n` samples: images in [-1, 1] of rank 4, or vectors.
        name: What the messages call them; None maps samples that are checked elsewhere.

    Returns:
        A float64 array of shape `(n, d)`.

    Raises:
        ValueError: There are no features of this name, samples that `check_samples` refuses, or features that are not
            finite.
    """
    return pixels(get(features)(samples if name is None else check_samples(samples, name)))


def extract_both(features, real, fake):
    """Maps real and generated samples to features of the same size.

    Args:
        features: One of `NAMES`, or a function from samples to an array of shape `(n, d)`.
        real: Array of real samples.
        fake: Array of generated samples; the number may differ.

    Returns:
        Two float64 arrays of shape `(n, d)` and `(m, d)`.

    Raises:
        ValueError: Unknown features, values that are not finite, or feature sizes that differ.
    """
    real, fake = extract(features, real, "real"), extract(features, fake, "fake")
    if real.shape[1] != fake.shape[1]:
        raise ValueError(
            f"real has {real.shape[1]} features and fake has {fake.shape[1]}; expected the same: "
            "bring both to one image size."
        )
    return real, fake
