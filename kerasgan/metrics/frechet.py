"""Fréchet distance between two sets of samples, each modelled as a Gaussian in a feature space."""

import numpy as np

from kerasgan.metrics.features import extract
from kerasgan.metrics.streaming import TwoSampleMetric

WIDE = 8192  # number of features above which covariances take gigabytes, and hours


class GaussianMoments:
    """Mean and covariance of features that arrive in batches, in float64.

    Batches are merged by their means and scatter matrices (Chan, Golub & LeVeque 1983), which avoids cancellation when
    the mean is large compared with the spread. Memory holds one batch and one `(d, d)` matrix, independent of the
    number of samples.

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
            features: Array of shape `(n, d)`, with any `n >= 1` and the same `d` in each call.

        Returns:
            The object itself.

        Raises:
            ValueError: If the rank or the number of features is wrong.
        """
        features = _checked(features)
        batch = GaussianMoments()
        batch.count, batch.mean = len(features), features.mean(axis=0)
        deviations = features - batch.mean
        batch._scatter = deviations.T @ deviations
        return self.merge(batch)

    def merge(self, other):
        """Adds the samples of other moments, for example from another worker.

        Args:
            other: `GaussianMoments` of features of the same size; not modified.

        Returns:
            The object itself.

        Raises:
            ValueError: If feature sizes differ.
        """
        if other.count == 0:
            return self
        if self.count == 0:
            self.count, self.mean, self._scatter = other.count, other.mean.copy(), other._scatter.copy()
            return self
        if len(other.mean) != len(self.mean):
            raise ValueError(
                f"`features` has {len(other.mean)} columns; expected {len(self.mean)} as in the previous batches."
            )
        count = self.count + other.count
        shift = other.mean - self.mean
        self._scatter += other._scatter + np.outer(shift, shift) * (self.count * other.count / count)
        self.mean = self.mean + shift * (other.count / count)
        self.count = count
        return self

    @property
    def covariance(self):
        """Unbiased covariance of shape `(d, d)`: the scatter matrix divided by `count - 1` (`ddof=1`).

        Raises:
            ValueError: If there are fewer than two samples.
        """
        if self.count < 2:
            raise ValueError(f"The covariance needs at least 2 samples; got {self.count}.")
        return self._scatter / (self.count - 1)


def _checked(features):
    features = np.asarray(features, "float64")
    if features.ndim != 2 or len(features) == 0:
        raise ValueError(f"`features` has shape {features.shape}; expected (n, d) with at least one row.")
    if not np.isfinite(features).all():
        raise ValueError("`features` has NaN or infinite values; expected finite values.")
    return features


def frechet_distance(real, fake, features="pixels"):
    """Squared Fréchet (2-Wasserstein) distance between Gaussians fitted to two sets of samples.

    `|m1 - m2|^2 + Tr(C1 + C2 - 2 (C1^1/2 C2 C1^1/2)^1/2)` (Dowson & Landau 1982; Heusel et al. 2017, eq. 6) in the
    symmetric form, whose eigenvalues are real; those within rounding of 0 are set to 0. Covariances are divided by
    `n - 1`. With the features of Inception-v3 this is the FID; with other features it must not be called FID. The
    distance scales with the square of the feature range and decreases with the number of samples. Compare only values
    with the same features, range and counts, and report the distance between two halves of the real data as well. With
    more than 8,192 features (such as the voxels of solids) and fewer samples than features, the same value is computed
    from the products of the samples, without covariances.

    Args:
        real: Samples of shape `(n, d)` or `(n, height, width, channels)`, or a `GaussianMoments` of
            their features.
        fake: Generated samples, in the same form; the number may differ.
        features: `"pixels"`, or a function from samples to an array of shape `(n, d)`.

    Returns:
        The distance, a float of at least 0.

    Raises:
        ValueError: If there are fewer than two samples, if values are not finite, if features are unknown, or if
            feature sizes differ.
    """
    real, fake = (
        samples if isinstance(samples, GaussianMoments) else _checked(extract(features, samples, name))
        for name, samples in (("real", real), ("fake", fake))
    )
    both = [side.shape for side in (real, fake) if not isinstance(side, GaussianMoments)]
    if len(both) == 2 and both[0][1] == both[1][1] > max(WIDE, both[0][0], both[1][0]) and min(both)[0] > 1:
        return _of_few_samples(real, fake)
    real, fake = (
        side if isinstance(side, GaussianMoments) else GaussianMoments().update(side) for side in (real, fake)
    )
    covariances = real.covariance, fake.covariance
    if real.mean.shape != fake.mean.shape:
        raise ValueError(
            f"`real` has {len(real.mean)} features and `fake` has {len(fake.mean)}; expected the same. "
            "Resize both to one image size."
        )
    root = _symmetric_root(covariances[0])
    overlap = np.sqrt(_without_rounding(np.linalg.eigvalsh(root @ covariances[1] @ root))).sum()
    shift = np.square(real.mean - fake.mean).sum()
    distance = shift + np.trace(covariances[0]) + np.trace(covariances[1]) - 2.0 * overlap
    # For equal sets the terms cancel up to rounding, which can leave a value just below 0.
    return max(float(distance), 0.0)


def _of_few_samples(real, fake):
    """The distance for fewer samples than features.

    With deviations A and B divided by the square roots of n - 1, the covariances are A^T A and B^T B, and the
    eigenvalues of their product are the squared singular values of A B^T.
    """
    shift = np.square(real.mean(axis=0) - fake.mean(axis=0)).sum()
    real, fake = ((side - side.mean(axis=0)) / np.sqrt(len(side) - 1) for side in (real, fake))
    overlap = np.linalg.svd(real @ fake.T, compute_uv=False).sum()
    return max(float(shift + np.square(real).sum() + np.square(fake).sum() - 2.0 * overlap), 0.0)


class FrechetDistance(TwoSampleMetric):
    """`frechet_distance` of samples that arrive in batches. Memory holds two covariances.

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
        """Returns the distance between all real and all generated samples so far.

        Raises:
            ValueError: If a side has fewer than two samples, or if feature sizes differ.
        """
        return frechet_distance(**self.moments)


def _symmetric_root(covariance):
    eigenvalues, vectors = np.linalg.eigh(covariance)
    return (vectors * np.sqrt(_without_rounding(eigenvalues))) @ vectors.T


def _without_rounding(eigenvalues):
    """Returns the eigenvalues of a positive semidefinite matrix, with those within rounding of 0 set to 0.

    With fewer samples than features most eigenvalues are 0, and each rounding error of 1e-16 would add its square root,
    1e-8.
    """
    rounding = len(eigenvalues) * np.finfo("float64").eps * eigenvalues.max()
    return np.where(eigenvalues > rounding, eigenvalues, 0.0)
