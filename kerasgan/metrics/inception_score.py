"""Inception score: how sure a classifier is of each sample, and how evenly the samples fill its classes."""

import numpy as np


class InceptionScore:
    """`inception_score` of samples that come in batches: the same value as in one piece.

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
        """Takes in a batch.

        Args:
            probabilities: Of each class for each generated sample, of shape `(n, classes)`.

        Raises:
            ValueError: Another number of classes than before, or rows that are not distributions.
        """
        probabilities = np.asarray(probabilities, "float64")
        # Written so that NaN is refused too.
        if probabilities.ndim != 2 or not (
            len(probabilities) and (probabilities >= 0).all() and np.allclose(probabilities.sum(axis=1), 1.0, atol=1e-3)
        ):
            raise ValueError(
                f"probabilities has shape {probabilities.shape}; expected (n, classes) with n >= 1, no value below 0 "
                "or NaN, and a sum of 1 in each row: the softmax of the classifier's logits."
            )
        if self._count and len(self._total) != probabilities.shape[1]:
            raise ValueError(
                f"probabilities has {probabilities.shape[1]} classes; expected {len(self._total)} as before."
            )
        # A float32 softmax sums to 1 up to 1e-7 only.
        probabilities = probabilities / probabilities.sum(axis=1, keepdims=True)
        self._total = probabilities.sum(axis=0) + (self._total if self._count else 0.0)
        self._count += len(probabilities)
        self._negative_entropy += _plogp(probabilities)

    def result(self):
        """The score of all samples so far, a float from 1 to the number of classes.

        Raises:
            ValueError: There are no samples yet.
        """
        if not self._count:
            raise ValueError("got no samples yet; expected at least one before result().")
        # The mean of KL(p(y|x) || p(y)) is the entropy of the mean less the mean entropy.
        divergence = self._negative_entropy / self._count - _plogp(self._total / self._count)
        return float(np.exp(max(divergence, 0.0)))


def inception_score(probabilities):
    """Score of a classifier's predictions for generated samples.

    `exp(mean_x KL(p(y|x) || p(y)))`, with `p(y)` the mean of `p(y|x)` over all samples (Salimans et al. 2016, section
    4). From 1 (all samples look alike to the classifier) to the number of classes (each sample certain, all classes
    equal). It sees no real data and nothing within a class: one good sample per class has the highest score. Only with
    Inception-v3 may it be compared with published numbers; name the classifier and print the score of real samples
    beside it. All samples are taken together; the paper's mean over ten splits is lower.

    Args:
        probabilities: Of each class for each generated sample, of shape `(n, classes)`; rows that sum to 1.

    Returns:
        The score, a float from 1 to the number of classes.

    Raises:
        ValueError: No samples, or rows that are not distributions.
    """
    metric = InceptionScore()
    metric.update_state(probabilities)
    return metric.result()


def _plogp(probabilities):
    return float((probabilities * np.log(np.where(probabilities > 0, probabilities, 1.0))).sum())
