"""Kernel distance: squared maximum mean discrepancy with a cubic kernel, with its standard error."""

from typing import NamedTuple

import numpy as np

from kerasgan.metrics.features import extract_both
from kerasgan.metrics.mmd import unbiased_squared_mmd
from kerasgan.metrics.streaming import TwoSampleMetric


class KernelDistanceEstimate(NamedTuple):
    """Result of `kernel_distance`.

    Attributes:
        distance: Unbiased estimate of the distance, which can be negative.
        standard_error: Standard error of the distance over the subsets; NaN for a single subset.
    """

    distance: float
    standard_error: float


def kernel_distance(real, fake, features="pixels", subset_size=1000, seed=0):
    """Squared maximum mean discrepancy with the kernel `(x·y / d + 1)³`, averaged over disjoint subsets.

    With the features of Inception-v3 this is the KID (Bińkowski et al. 2018, section 4); with other features it must
    not be called KID. Unlike the Fréchet distance it is unbiased, so values of sets of different sizes are comparable.
    The paper draws its subsets with replacement. Here they are disjoint (the block estimator of Zaremba et al. 2013, as
    in TF-GAN), which makes them independent and the standard error correct. Pass enough samples for ten subsets.

    Args:
        real: Samples of shape `(n, d)` or `(n, height, width, channels)`.
        fake: Generated samples of the same shape; the number may differ.
        features: `"pixels"`, or a function from samples to an array of shape `(n, d)`.
        subset_size: Largest number of samples of a set in one subset. Time and memory grow with its square.
        seed: Random seed of the assignment of samples to subsets. None keeps their order.

    Returns:
        A `KernelDistanceEstimate` of `distance` and `standard_error`.

    Raises:
        ValueError: If a subset has fewer than two samples of a set, if values are not finite, or if feature sizes
            differ.
    """
    real, fake = extract_both(features, real, fake)
    if subset_size < 2:
        raise ValueError(f"subset_size={subset_size}; expected at least 2.")
    if seed is not None:
        random = np.random.default_rng(seed)
        real, fake = random.permutation(real), random.permutation(fake)
    subsets = -(-max(len(real), len(fake)) // subset_size)
    if min(len(real), len(fake)) < 2 * subsets:
        raise ValueError(
            f"There are {len(real)} real and {len(fake)} fake samples in {subsets} subsets; expected at least 2 of "
            "each in every subset. Use counts that are closer together, or a larger subset_size."
        )
    # The larger subsets come last, as in TF-GAN.
    parts = zip(_split(real, subsets), _split(fake, subsets), strict=True)
    return _estimate([_squared_mmd(*part) for part in parts])


class KernelDistance(TwoSampleMetric):
    """`kernel_distance` of samples that arrive in batches. Memory holds one subset.

    Each subset consists of the next `subset_size` real and generated samples. Samples without a counterpart are kept in
    memory, so alternate between real and generated samples.

    Args:
        features: `"pixels"`, or a function from samples to an array of shape `(n, d)`.
        subset_size: Number of samples of each set in one subset, at least 2.
    """

    def __init__(self, features="pixels", subset_size=1000):
        if subset_size < 2:
            raise ValueError(f"subset_size={subset_size}; expected at least 2.")
        self.subset_size = subset_size
        super().__init__(features)

    def reset_state(self):
        """Forgets all samples."""
        self._waiting: dict[str, list] = {"real": [], "fake": []}
        self._distances: list[float] = []

    def _add(self, side, features):
        for other in self._waiting.values():
            if other and other[0].shape != features.shape[1:]:
                raise ValueError(
                    f"`{side}` has {features.shape[1]} features; expected {len(other[0])} as in previous batches."
                )
        self._waiting[side].extend(features)
        size = self.subset_size
        while min(map(len, self._waiting.values())) >= size:
            self._distances.append(_squared_mmd(*(np.stack(rows[:size]) for rows in self._waiting.values())))
            for rows in self._waiting.values():
                del rows[:size]

    def result(self):
        """Returns the `KernelDistanceEstimate` over all complete subsets so far.

        Raises:
            ValueError: If there is no complete subset yet.
        """
        if not self._distances:
            counts = " and ".join(f"{len(rows)} {side}" for side, rows in self._waiting.items())
            raise ValueError(f"There are {counts} samples; expected at least subset_size={self.subset_size} of each.")
        return _estimate(self._distances)


def _split(samples, subsets):
    return [part[::-1] for part in np.array_split(samples[::-1], subsets)][::-1]


def _squared_mmd(real, fake):
    return unbiased_squared_mmd(_cubic(real, real), _cubic(fake, fake), _cubic(real, fake))


def _cubic(x, y):
    return (x @ y.T / x.shape[1] + 1.0) ** 3


def _estimate(distances):
    count = len(distances)
    error = np.std(distances, ddof=1) / np.sqrt(count) if count > 1 else np.nan
    return KernelDistanceEstimate(float(np.mean(distances)), float(error))
