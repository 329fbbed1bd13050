"""Number of statistically different bins: do generated samples fill the clusters of the real samples evenly?"""

from typing import NamedTuple

import numpy as np

from kerasgan.metrics.distances import distance_blocks
from kerasgan.metrics.features import extract


class BinDifferences(NamedTuple):
    """Result of `different_bins`.

    Attributes:
        different: Number of bins whose proportions differ at the significance level (NDB).
        share: `different` divided by the number of bins (NDB/K). For equal distributions it is about the significance
            level.
        jensen_shannon: Jensen-Shannon divergence of the proportions in nats, from 0 to `ln 2`.
        real_shares: Proportion of the real samples in each bin, of shape `(bins,)`.
        fake_shares: Proportion of the generated samples in each bin, of shape `(bins,)`.
    """

    different: int
    share: float
    jensen_shannon: float
    real_shares: np.ndarray
    fake_shares: np.ndarray


class DifferentBins:
    """Compares the distribution of real and generated samples over clusters of the real samples, batch by batch.

    Richardson & Weiss 2018 ("On GANs and GMMs"): the bins are k-means clusters of the real samples, each generated
    sample belongs to the nearest centre, and each bin is tested by the z-test of two proportions
    `(p - q) / sqrt(r (1 - r) (1/n + 1/m))` with the pooled proportion `r`. An empty bin does not count as different.
    Memory holds the real samples and one batch.

    Args:
        real: Samples of shape `(n, d)` or `(n, height, width, channels)`, at least as many as bins. Pass ten or more
            per bin; with fewer the normal approximation is poor.
        bins: Number of clusters, the K of the paper.
        significance: Significance level of each test.
        seed: Random seed of k-means.
        features: `"pixels"`, or a function from samples to an array of shape `(n, d)`.

    Raises:
        ValueError: If there are fewer samples than bins, or if values are not finite.
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
        """Forgets the generated samples but keeps the bins."""
        self._fake_counts = np.zeros(len(self.centers), "int64")

    def update_state(self, fake):
        """Adds a batch of generated samples.

        Raises:
            ValueError: If values are not finite, or if the number of features differs from that of the real samples.
        """
        fake = extract(self.features, fake, "fake")
        if fake.shape[1] != self.centers.shape[1]:
            raise ValueError(
                f"`real` has {self.centers.shape[1]} features and `fake` has {fake.shape[1]}; expected the same."
            )
        self._fake_counts += self._count(fake)

    def _count(self, samples):
        counts = np.zeros(len(self.centers), "int64")
        for _, block in distance_blocks(samples, self.centers):
            counts += np.bincount(block.argmin(axis=1), minlength=len(self.centers))
        return counts

    def result(self):
        """Returns the `BinDifferences` of all generated samples so far.

        Raises:
            ValueError: If there are no generated samples yet.
        """
        from scipy.stats import norm

        real_count, fake_count = self._real_counts.sum(), self._fake_counts.sum()
        if fake_count == 0:
            raise ValueError("There are no generated samples yet. Call update_state() before result().")
        real, fake = self._real_counts / real_count, self._fake_counts / fake_count
        pooled = (self._real_counts + self._fake_counts) / (real_count + fake_count)
        error = np.sqrt(pooled * (1 - pooled) * (1 / real_count + 1 / fake_count))
        different = int(np.count_nonzero(np.abs(real - fake) > norm.isf(self.significance / 2) * error))
        middle = (real + fake) / 2
        divergence = (_relative_entropy(real, middle) + _relative_entropy(fake, middle)) / 2
        return BinDifferences(different, different / len(real), max(divergence, 0.0), real, fake)


def different_bins(real, fake, bins=100, significance=0.05, seed=0, features="pixels"):
    """Counts the clusters of real samples that generated samples fill differently: `DifferentBins` in one call.

    Args:
        real: Samples of shape `(n, d)` or `(n, height, width, channels)`.
        fake: Generated samples of the same shape; the number may differ.
        bins: Number of clusters.
        significance: Significance level of the test in each bin.
        seed: Random seed of k-means.
        features: `"pixels"`, or a function from samples to an array of shape `(n, d)`.

    Returns:
        A `BinDifferences`.

    Raises:
        ValueError: If there are fewer real samples than bins, if values are not finite, or if feature sizes differ.
    """
    metric = DifferentBins(real, bins, significance, seed, features)
    metric.update_state(fake)
    return metric.result()


def _relative_entropy(shares, reference):
    present = shares > 0
    return float((shares[present] * np.log(shares[present] / reference[present])).sum())
