"""Number of statistically different bins: are the clusters of the real samples filled as they should be?"""

from typing import NamedTuple

import numpy as np

from kerasgan.metrics.distances import distance_blocks
from kerasgan.metrics.features import extract


class BinDifferences(NamedTuple):
    """Result of `different_bins`.

    Attributes:
        different: Number of bins whose shares differ at the significance level (NDB).
        share: The same over all bins (NDB/K); for equal distributions about the significance level.
        jensen_shannon: Jensen-Shannon divergence of the shares in nats, from 0 to `ln 2`.
        real_shares: Share of the real samples in each bin, of shape `(bins,)`.
        fake_shares: Share of the generated ones.
    """

    different: int
    share: float
    jensen_shannon: float
    real_shares: np.ndarray
    fake_shares: np.ndarray


class DifferentBins:
    """Compares how real and generated samples are spread over clusters of the real ones, in batches.

    Richardson & Weiss 2018 ("On GANs and GMMs"): k-means of the real samples, each generated sample to the nearest
    center, and in each bin the z-test of two proportions `(p - q) / sqrt(r (1 - r) (1/n + 1/m))` with the pooled
    proportion `r`. A bin without any samples is not different. The memory is that of the real samples and of one batch.

    Args:
        real: Samples of shape `(n, d)` or `(n, height, width, channels)`, at least as many as bins. Give ten or more a
            bin: with few the normal approximation is bad.
        bins: Number of clusters, the K of the paper.
        significance: Level of each test.
        seed: Of the k-means.
        features: `"pixels"`, or a function from samples to an array of shape `(n, d)`.

    Raises:
        ValueError: Fewer samples than bins, or values that are not finite.
    """

    def __init__(self, real, bins=100, significance=0.05, seed=0, features="pixels"):
        from sklearn.cluster import KMeans

        real = extract(features, real, "real")
        if not 1 <= bins <= len(real):
            raise ValueError(f"bins={bins}; expected 1 to {len(real)}, the number of real samples.")
        if not 0 < significance < 1:
            raise ValueError(f"significance={significance}; expected a number between 0 and 1.")
        self.features = features
        self.significance = significance
        self.centers = KMeans(bins, n_init=1, random_state=seed).fit(real).cluster_centers_
        self._real_counts = self._count(real)
        self.reset_state()

    def reset_state(self):
        """Forgets the generated samples; the bins stay."""
        self._fake_counts = np.zeros(len(self.centers), "int64")

    def update_state(self, fake):
        """Takes in a batch of generated samples.

        Raises:
            ValueError: Values that are not finite, or another number of features than the real samples have.
        """
        fake = extract(self.features, fake, "fake")
        if fake.shape[1] != self.centers.shape[1]:
            raise ValueError(
                f"real has {self.centers.shape[1]} features and fake has {fake.shape[1]}; expected the same."
            )
        self._fake_counts += self._count(fake)

    def _count(self, samples):
        counts = np.zeros(len(self.centers), "int64")
        for _, block in distance_blocks(samples, self.centers):
            counts += np.bincount(block.argmin(axis=1), minlength=len(self.centers))
        return counts

    def result(self):
        """The `BinDifferences` of all generated samples so far.

        Raises:
            ValueError: There are no generated samples yet.
        """
        from scipy.stats import norm

        real_count, fake_count = self._real_counts.sum(), self._fake_counts.sum()
        if fake_count == 0:
            raise ValueError("got no generated samples yet; expected at least one before result().")
        real, fake = self._real_counts / real_count, self._fake_counts / fake_count
        pooled = (self._real_counts + self._fake_counts) / (real_count + fake_count)
        error = np.sqrt(pooled * (1 - pooled) * (1 / real_count + 1 / fake_count))
        different = int(np.count_nonzero(np.abs(real - fake) > norm.isf(self.significance / 2) * error))
        middle = (real + fake) / 2
        divergence = (_relative_entropy(real, middle) + _relative_entropy(fake, middle)) / 2
        return BinDifferences(different, different / len(real), max(divergence, 0.0), real, fake)


def different_bins(real, fake, bins=100, significance=0.05, seed=0, features="pixels"):
    """Number of clusters of the real samples that generated ones fill differently: `DifferentBins` in one piece.

    Args:
        real: Samples of shape `(n, d)` or `(n, height, width, channels)`.
        fake: The same for the generated samples; the number may differ.
        bins: Number of clusters.
        significance: Level of the test in each bin.
        seed: Of the k-means.
        features: `"pixels"`, or a function from samples to an array of shape `(n, d)`.

    Returns:
        The `BinDifferences`.

    Raises:
        ValueError: Fewer real samples than bins, values that are not finite, or feature sizes that differ.
    """
    metric = DifferentBins(real, bins, significance, seed, features)
    metric.update_state(fake)
    return metric.result()


def _relative_entropy(shares, reference):
    present = shares > 0
    return float((shares[present] * np.log(shares[present] / reference[present])).sum())
