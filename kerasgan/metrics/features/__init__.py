"""Feature spaces in which samples are compared. A score is meaningful only together with their name.

There are `pixels`, a fixed random network, the same for pictures of sounds, films and solids, small classifiers that
come with the package, and the Inception network of 2015, whose weights the user provides. A Fréchet distance is called
FID with the last one only.
"""

import functools
import warnings

import numpy as np

from kerasgan.data.kinds import Images
from kerasgan.data.kinds.basic import RANGE_TOLERANCE

CLASSIFIERS = (
    "classifier-digits-v1",
    "classifier-glyphs-v1",
    "classifier-sprites-v1",
    "classifier-fashion-v1",
    "classifier-fashion-judge-v1",  # of another architecture and seed than the former: a second opinion
    "classifier-parts-v1",
)
INCEPTION = "inception-2015"
GENERATED = ("samples", "fake", "fake_x")  # names of what generators made, which may go a little
OVERSHOOT = 1.5  # beyond [-1, 1]
DRAWN = {"audio": "spectrograms-conv-seed0", "video": "moments-conv-seed0", "voxels": "views-conv-seed0"}  # by kind
NAMES = ("pixels", "random-conv-seed0", *DRAWN.values(), *CLASSIFIERS, INCEPTION)


def pixels(samples):
    """Returns the samples themselves, flattened.

    Args:
        samples: Array of shape `(n, d)` or `(n, height, width, channels)`.

    Returns:
        A float64 array of shape `(n, d)`.

    Raises:
        ValueError: If the rank is below 2, if there are no samples, or if values are NaN or infinite.
    """
    samples = np.asarray(samples)
    if samples.ndim < 2 or samples.size == 0:
        raise ValueError(
            f"`samples` has shape {samples.shape}; expected at least one sample, of shape (n, d) "
            "or (n, height, width, channels)."
        )
    flat = samples.reshape(len(samples), -1).astype("float64")
    if not np.isfinite(flat).all():
        raise ValueError(
            "`samples` has NaN or infinite values; expected finite values. The model that generated them has diverged."
        )
    return flat


def check_samples(samples, name="samples"):
    """Raises an error for samples that `fit` would reject: images that are not finite floats in [-1, 1], or vectors
    with NaN.

    Images are recognised by their rank. Vectors, including flattened images, can have any range. Images that are never
    below 0, and generated images slightly outside [-1, 1], cause a warning. Do not pass features, which can have any
    range and rank.

    Args:
        samples: Array of shape `(n, d)` or `(n, height, width, channels)`. Arrays of another rank are not checked.
        name: Name of the samples in messages.

    Returns:
        The samples as a NumPy array.

    Raises:
        ValueError: If the samples are invalid. The message says what came, what was expected and what to do.
    """
    samples = np.asarray(samples)
    if samples.ndim == 4 and samples.size:
        inside = samples
        if name in GENERATED and samples.dtype.kind == "f" and RANGE_TOLERANCE < np.abs(samples).max() - 1 < OVERSHOOT:
            inside = np.clip(samples, -1, 1)
            warnings.warn(
                f"{name} has values from {samples.min():g} to {samples.max():g}, outside [-1, 1], as generated "
                "without a "
                f"bounded last layer. Call np.clip({name}, -1, 1).",
                UserWarning,
                stacklevel=3,
            )
        Images(samples.shape[1:]).check(inside, name)
    elif samples.ndim == 2 and samples.dtype.kind in "fc" and not np.isfinite(samples).all():
        raise ValueError(f"{name} has NaN or infinite values; expected finite ones: the model has diverged.")
    return samples


def labelled(name, x, y):
    """Returns samples and their labels, flattened.

    Args:
        name: Prefix of the argument names in errors: `"fake"` for `fake_x` and `fake_y`.
        x: Array of shape `(n, d)` or `(n, height, width, channels)`.
        y: Integers of shape `(n,)` or `(n, 1)`.

    Returns:
        A float64 array of shape `(n, d)` and integers of shape `(n,)`.

    Raises:
        ValueError: If there is not one integer per sample, or if `pixels` raises it.
    """
    x, y = pixels(x), np.asarray(y)
    if y.shape not in ((len(x),), (len(x), 1)) or y.dtype.kind not in "iu":
        raise ValueError(
            f"`{name}_y` has shape {y.shape} and dtype {y.dtype}; expected one integer label for "
            f"each of the {len(x)} images in `{name}_x`."
        )
    return x, y.reshape(-1)


def get(features):
    """Returns the function that computes features.

    Args:
        features: One of `NAMES`, or a function from samples to an array of shape `(n, d)`, which is returned unchanged.

    Returns:
        `pixels`, a `kerasgan.metrics.features.network.FeatureNetwork`, or the function.

    Raises:
        ValueError: If the name is unknown, or if the required weights are missing or damaged.
    """
    if callable(features):
        return features
    if features == INCEPTION:
        # Not cached by name: the file depends on environment variables.
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
    if name in DRAWN.values():
        from kerasgan.metrics.features.drawn import DRAWINGS, DrawnFeatures

        return DrawnFeatures(name, *DRAWINGS[name])
    if name in CLASSIFIERS:
        from kerasgan.metrics.features.classifier import Classifier

        return Classifier(name)
    raise ValueError(
        f"features={name!r} is unknown; expected one of {', '.join(map(repr, NAMES))}, "
        "or a function from samples to an array of shape (n, d)."
    )


def name_of(features):
    """Returns the name of features as printed beside a score: one of `NAMES`, or the name of the function."""
    if isinstance(features, str):
        return features
    return getattr(features, "name", None) or getattr(features, "__name__", type(features).__name__)


def extract(features, samples, name="samples"):
    """Maps samples to features.

    Args:
        features: One of `NAMES`, or a function from samples to an array of shape `(n, d)`.
        samples: Array of `n` samples: images in [-1, 1] of rank 4, or vectors.
        name: Name of the samples in messages. None skips the check of the samples.

    Returns:
        A float64 array of shape `(n, d)`.

    Raises:
        ValueError: If the name is unknown, if `check_samples` raises it, or if the features are not finite.
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
        ValueError: If features are unknown, if values are not finite, or if feature sizes differ.
    """
    real, fake = extract(features, real, "real"), extract(features, fake, "fake")
    if real.shape[1] != fake.shape[1]:
        raise ValueError(
            f"`real` has {real.shape[1]} features and `fake` has {fake.shape[1]}; expected the same. "
            "Resize both to one image size."
        )
    return real, fake
