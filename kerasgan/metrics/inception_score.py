"""Inception score: how confidently a classifier labels each sample, and how evenly the samples cover its classes."""

import numpy as np


class InceptionScore:
    """`inception_score` of samples that arrive in batches. The value equals that of a single call.

    Example:
        >>> metric = InceptionScore()
        >>> for images in batches:
        ...     metric.update_state(classifier.predict(images))
        >>> metric.result()
    """

    def __init__(self):
        self.reset_state()

    def reset_state(self):
        """Forgets all samples."""
        self._count = 0
        self._total = np.zeros(0)
        self._negative_entropy = 0.0

    def update_state(self, probabilities):
        """Adds a batch.

        Args:
            probabilities: Class probabilities of each generated sample, of shape `(n, classes)`.

        Raises:
            ValueError: If the number of classes differs from previous batches, or if a row is not a distribution.
        """
        probabilities = np.asarray(probabilities, "float64")
        # The condition is written so that it also rejects NaN.
        if probabilities.ndim != 2 or not (
            len(probabilities) and (probabilities >= 0).all() and np.allclose(probabilities.sum(axis=1), 1.0, atol=1e-3)
        ):
            raise ValueError(
                f"`probabilities` has shape {probabilities.shape}; expected (n, classes) with n >= 1, no negative or "
                "NaN values, and rows that sum to 1, such as the softmax of the classifier's logits."
            )
        if self._count and len(self._total) != probabilities.shape[1]:
            raise ValueError(
                f"`probabilities` has {probabilities.shape[1]} classes; expected {len(self._total)} as in previous "
                "batches."
            )
        # A float32 softmax sums to 1 only up to 1e-7.
        probabilities = probabilities / probabilities.sum(axis=1, keepdims=True)
        self._total = probabilities.sum(axis=0) + (self._total if self._count else 0.0)
        self._count += len(probabilities)
        self._negative_entropy += _plogp(probabilities)

    def result(self):
        """Returns the score of all samples so far, a float from 1 to the number of classes.

        Raises:
            ValueError: If there are no samples yet.
        """
        if not self._count:
            raise ValueError("There are no samples yet. Call update_state() before result().")
        # The mean of KL(p(y|x) || p(y)) is the entropy of the mean minus the mean entropy.
        divergence = self._negative_entropy / self._count - _plogp(self._total / self._count)
        return float(np.exp(max(divergence, 0.0)))


def inception_score(probabilities):
    """Inception score of a classifier's predictions for generated samples.

    `exp(mean_x KL(p(y|x) || p(y)))`, with `p(y)` the mean of `p(y|x)` over all samples (Salimans et al. 2016, section
    4). It ranges from 1 (all samples look alike to the classifier) to the number of classes (all predictions certain,
    all classes equally frequent). The score ignores real data and variation within a class: one good sample per class
    has the highest score. Only scores with Inception-v3 are comparable with published numbers, so name the classifier
    and report the score of real samples as well. The score is computed over all samples at once; the paper's mean over
    ten splits is lower.

    Args:
        probabilities: Class probabilities of each generated sample, of shape `(n, classes)`, with rows that sum to 1.

    Returns:
        The score, a float from 1 to the number of classes.

    Raises:
        ValueError: If there are no samples, or if a row is not a distribution.
    """
    metric = InceptionScore()
    metric.update_state(probabilities)
    return metric.result()


def _plogp(probabilities):
    return float((probabilities * np.log(np.where(probabilities > 0, probabilities, 1.0))).sum())
