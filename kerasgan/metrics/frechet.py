"""Fréchet distance between two sets of samples, each seen as one Gaussian in a feature space."""

import numpy as np

from kerasgan.metrics.features import extract
from kerasgan.metrics.streaming import TwoSampleMetric


class GaussianMoments:
    """Mean and covariance of features that come in batches, in float64.

    Each batch is merged by its own mean and scatter (Chan, Golub & LeVeque 1983), so that
    nothing cancels when the mean is large against the spread. The memory is that of one batch and
    one `(d, d)` matrix, however many samples come.

    Example:
        >>> moments = GaussianMoments()
        >>> for batch in batches:
        ...     moments.update(batch)
        >>> moments.mean, moments.covariance
    """

    def __init__(self):
        self.count = 0
        self.mean = np.zeros(0)
        self._scatter = np.zeros((0, 0))

    def update(self, features):
        """Adds a batch.

        Args:
            features: Array of shape `(n, d)`, any `n >= 1`, the same `d` each time.

        Returns:
            The moments themselves.

        Raises:
            ValueError: Wrong rank or size.
        """
        features = np.asarray(features, "float64")
        if features.ndim != 2 or len(features) == 0:
            raise ValueError(f"features has shape {features.shape}; expected (n, d) with at least one row.")
        if not np.isfinite(features).all():
            raise ValueError("features has NaN or infinite values; expected finite ones.")
        batch = GaussianMoments()
        batch.count, batch.mean = len(features), features.mean(axis=0)
        deviations = features - batch.mean
        batch._scatter = deviations.T @ deviations
        return self.merge(batch)

    def merge(self, other):
        """Adds the samples of other moments, such as those of another worker.

        Args:
            other: `GaussianMoments` of features of the same size; stays as it is.

        Returns:
            The moments themselves.

        Raises:
            ValueError: Feature sizes that differ.
        """
        if other.count == 0:
            return self
        if self.count == 0:
            self.count, self.mean, self._scatter = other.count, other.mean.copy(), other._scatter.copy()
            return self
        if len(other.mean) != len(self.mean):
            raise ValueError(
                f"features has {len(other.mean)} columns; expected {len(self.mean)} as in the batches before."
            )
        count = self.count + other.count
        shift = other.mean - self.mean
        self._scatter += other._scatter + np.outer(shift, shift) * (self.count * other.count / count)
        self.mean = self.mean + shift * (other.count / count)
        self.count = count
        return self

    @property
    def covariance(self):
        """Covariance of shape `(d, d)`, unbiased: the scatter over `count - 1` (`ddof=1`).

        Raises:
            ValueError: Fewer than two samples were seen.
        """
        if self.count < 2:
            raise ValueError(f"a covariance needs at least 2 samples; got {self.count}.")
        return self._scatter / (self.count - 1)


def frechet_distance(real, fake, features="pixels"):
    """Squared Fréchet (2-Wasserstein) distance between the Gaussians fitted to two sets of samples.

    `|m1 - m2|^2 + Tr(C1 + C2 - 2 (C1^1/2 C2 C1^1/2)^1/2)` (Dowson & Landau 1982; Heusel et al.
    2017, eq. 6) in the symmetric form, whose eigenvalues are real (those within rounding of 0 are
    taken as 0), with covariances over `n - 1`. With the features of Inception-v3 this would be the
    FID; with others it must not be called so. It scales with the square of the range of the
    features and falls with the number of samples: compare only values of the same features, range
    and counts, and print the distance between two halves of the real data beside it.

    Args:
        real: Samples of shape `(n, d)` or `(n, height, width, channels)`, or a `GaussianMoments` of
            their features.
        fake: The same for the generated samples; the number may differ.
        features: `"pixels"`, or a function from samples to an array of shape `(n, d)`.

    Returns:
        The distance, a float of at least 0.

    Raises:
        ValueError: Fewer than two samples, values that are not finite, unknown features, or feature
            sizes that differ.
    """
    real, fake = (
        samples if isinstance(samples, GaussianMoments) else GaussianMoments().update(extract(features, samples, name))
        for name, samples in (("real", real), ("fake", fake))
    )
    covariances = real.covariance, fake.covariance
    if real.mean.shape != fake.mean.shape:
        raise ValueError(
            f"real has {len(real.mean)} features and fake has {len(fake.mean)}; expected the same: "
            "bring both to one image size."
        )
    root = _symmetric_root(covariances[0])
    overlap = np.sqrt(_without_rounding(np.linalg.eigvalsh(root @ covariances[1] @ root))).sum()
    shift = np.square(real.mean - fake.mean).sum()
    distance = shift + np.trace(covariances[0]) + np.trace(covariances[1]) - 2.0 * overlap
    # For equal sets the terms cancel up to rounding, which may leave it just below 0.
    return max(float(distance), 0.0)


class FrechetDistance(TwoSampleMetric):
    """`frechet_distance` of samples that come in batches, in the memory of two covariances.

    Args:
        features: `"pixels"`, or a function from samples to an array of shape `(n, d)`.

    Example:
        >>> metric = FrechetDistance()
        >>> for images in batches:
        ...     metric.update_state(real=images, fake=generate(len(images)))
        >>> metric.result()
    """

    def reset_state(self):
        """Forgets all samples."""
        self.moments = {"real": GaussianMoments(), "fake": GaussianMoments()}

    def _add(self, side, features):
        self.moments[side].update(features)

    def result(self):
        """The distance between all real and all generated samples so far.

        Raises:
            ValueError: Fewer than two samples on a side, or feature sizes that differ.
        """
        return frechet_distance(**self.moments)


def _symmetric_root(covariance):
    eigenvalues, vectors = np.linalg.eigh(covariance)
    return (vectors * np.sqrt(_without_rounding(eigenvalues))) @ vectors.T


def _without_rounding(eigenvalues):
    """Eigenvalues of a matrix that has none below 0, with 0 for what may be rounding.

    Of fewer samples than features most are 0, and each that rounding leaves at 1e-16 would add its root, 1e-8.
    """
    rounding = len(eigenvalues) * np.finfo("float64").eps * eigenvalues.max()
    return np.where(eigenvalues > rounding, eigenvalues, 0.0)
