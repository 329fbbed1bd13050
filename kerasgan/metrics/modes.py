"""Coverage of known modes: how many a generator reaches, and how evenly, for Gaussian mixtures and for classes."""

from typing import NamedTuple

import numpy as np

from kerasgan.metrics.distances import distance_blocks
from kerasgan.metrics.features import pixels

FILLED_SHARE = 0.1  # fraction of a uniform share


class Modes(NamedTuple):
    """Distribution of samples over modes.

    Attributes:
        reached: Number of modes with at least one sample that counts. It grows with the number of samples.
        filled: Number of modes with at least a tenth, rounded down, of the samples that an even distribution gives each
            mode (31 of 2,500 samples on the ring of 8 modes, 10 on the grid of 25). Noise between the modes does not
            fill a mode.
        reverse_kl: `KL(samples over modes || uniform)` in nats of the samples that count; NaN if there are none.
        reverse_kl_floor: Expected value of `reverse_kl` for uniformly distributed samples, `(modes - 1) / (2 samples)`.
        counts: Number of samples that count in each mode, integers of shape `(modes,)`.
        samples: Number of all samples.
    """

    reached: int
    filled: int
    reverse_kl: float
    reverse_kl_floor: float
    counts: np.ndarray
    samples: int


class MixtureModes(NamedTuple):
    """Result of `mixture_modes`.

    Attributes:
        modes: `Modes` of the high-quality samples.
        high_quality: Fraction of the samples within `threshold` standard deviations of the nearest mode, from 0 to 1.
            Real samples have `real_high_quality`; a larger value means that the modes are too narrow.
        real_high_quality: The same fraction of the true mixture: 0.9889 in two dimensions within 3 standard deviations.
        width: Standard deviation of the high-quality samples around their modes, divided by that of real samples. 1 is
            ideal; NaN if there are no high-quality samples.
    """

    modes: Modes
    high_quality: float
    real_high_quality: float
    width: float


class ClassModes:
    """Coverage of classes by labelled samples that arrive in batches, such as the 1000 modes of stacked digits.

    Every sample counts. The protocol of stacked MNIST (Metz et al. 2017, section 3.3.1; Lin et al. 2018, section 4.2)
    takes 26,000 generated images, labels each channel with a classifier of single digits (`stacked_labels` joins the
    channels) to get one of 1000 classes, and reports the divergence of the labels from the uniform distribution, whose
    floor is 0.019.

    Args:
        classes: Number of classes.
    """

    def __init__(self, classes=1000):
        if classes < 1:
            raise ValueError(f"classes={classes}; expected at least 1.")
        self.classes = classes
        self.reset_state()

    def reset_state(self):
        """Forgets all samples."""
        self._counts = np.zeros(self.classes, "int64")

    def update_state(self, labels):
        """Adds a batch.

        Args:
            labels: Class of each generated sample, integers of shape `(n,)` from 0 to `classes - 1`.

        Raises:
            ValueError: If labels are not integers, have another shape or are out of range.
        """
        labels = np.asarray(labels)
        if labels.ndim != 1 or labels.dtype.kind not in "iu":
            raise ValueError(f"`labels` has shape {labels.shape} and dtype {labels.dtype}; expected integers (n,).")
        if len(labels) and not (labels.min() >= 0 and labels.max() < self.classes):
            raise ValueError(
                f"`labels` has values from {labels.min()} to {labels.max()}; expected 0 to {self.classes - 1}."
            )
        self._counts += np.bincount(labels.astype("int64"), minlength=self.classes)

    def result(self):
        """Returns the `Modes` of all samples so far.

        Raises:
            ValueError: If there are no samples yet.
        """
        return _modes(self._counts.copy(), self._counts.sum())


def class_modes(labels, classes=1000):
    """Coverage of classes by labelled samples: `ClassModes` in one call.

    Args:
        labels: Class of each generated sample, integers of shape `(n,)` from 0 to `classes - 1`.
        classes: Number of classes.

    Returns:
        A `Modes`.

    Raises:
        ValueError: If there are no samples, or if labels are not integers or are out of range.
    """
    metric = ClassModes(classes)
    metric.update_state(labels)
    return metric.result()


def stacked_labels(digits):
    """Returns the classes of stacked digits from the digits of their channels.

    Args:
        digits: Integers from 0 to 9 of shape `(n, channels)`, the most significant first.

    Returns:
        Integers of shape `(n,)`, from 0 to `10 ** channels - 1`.

    Raises:
        ValueError: If `digits` has another shape or contains anything but digits.
    """
    digits = np.asarray(digits)
    if digits.ndim != 2 or digits.dtype.kind not in "iu" or not np.isin(digits, np.arange(10)).all():
        raise ValueError(
            f"`digits` has shape {digits.shape} and dtype {digits.dtype}; expected integers from 0 to 9 of shape "
            "(n, channels)."
        )
    return digits.astype("int64") @ 10 ** np.arange(digits.shape[1])[::-1]


def mixture_modes(samples, means, sigma, threshold=3.0):
    """Coverage of a mixture of well separated Gaussians.

    The protocol of VEEGAN (Srivastava et al. 2017, section 4.1) and PacGAN (Lin et al. 2018, section 4.1): a sample has
    high quality, and counts for its nearest mode, if it lies within 3 standard deviations of the mode. Pass 2,500
    samples as in these papers, because the number of reached modes grows with the number of samples.

    Args:
        samples: Generated samples of shape `(n, d)`.
        means: Means of the modes, of shape `(modes, d)`.
        sigma: Standard deviation of every mode along each axis.
        threshold: Largest distance from the mode, in standard deviations.

    Returns:
        A `MixtureModes` of `modes`, `high_quality`, `real_high_quality` and `width`.

    Raises:
        ValueError: If sizes differ, if values are not finite, or if `sigma` or `threshold` is not positive.
    """
    from scipy.special import gammainc

    samples, means = pixels(samples), pixels(means)
    if samples.shape[1] != means.shape[1]:
        raise ValueError(
            f"`samples` has {samples.shape[1]} columns and `means` has {means.shape[1]}; expected the same."
        )
    if not (sigma > 0 and threshold > 0):
        raise ValueError(f"sigma={sigma} and threshold={threshold}; expected positive numbers.")
    counts, squares = np.zeros(len(means), "int64"), 0.0
    for _, block in distance_blocks(samples, means):
        nearest, squared = block.argmin(axis=1), block.min(axis=1)
        good = squared < (threshold * sigma) ** 2
        counts += np.bincount(nearest[good], minlength=len(means))
        squares += squared[good].sum()
    # Squared distances follow a chi-squared distribution; these are its CDFs for d and d + 2 degrees of freedom.
    dimension = means.shape[1]
    real_share, next_share = gammainc([dimension / 2, dimension / 2 + 1], threshold**2 / 2)
    good_count = counts.sum()
    width = np.sqrt(squares / good_count / (dimension * sigma**2 * next_share / real_share)) if good_count else np.nan
    return MixtureModes(_modes(counts, len(samples)), float(good_count / len(samples)), float(real_share), float(width))


def _modes(counts, samples):
    if samples == 0:
        raise ValueError("There are no samples; expected at least one.")
    shares = counts / max(counts.sum(), 1)
    present = shares[shares > 0]
    divergence = (present * np.log(present * len(counts))).sum() if len(present) else np.nan
    return Modes(
        reached=int(np.count_nonzero(counts)),
        filled=int(np.count_nonzero(counts >= max(1, FILLED_SHARE * samples // len(counts)))),
        reverse_kl=max(float(divergence), 0.0) if len(present) else float("nan"),
        reverse_kl_floor=(len(counts) - 1) / (2 * int(samples)),
        counts=counts,
        samples=int(samples),
    )
