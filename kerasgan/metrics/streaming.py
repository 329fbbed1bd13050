"""Base class of the metrics over batches, with `update_state`, `result` and `reset_state` as in Keras.

They store float64 NumPy arrays on the host rather than Keras variables: a covariance or a kernel sum in float32 is not
precise enough to distinguish two models.
"""

from kerasgan.metrics.features import extract


class TwoSampleMetric:
    """A comparison of real and generated samples that arrive in batches of any order and size.

    A subclass implements `reset_state()`, `result()` and `_add(side, features)`, where `side` is `"real"` or `"fake"`
    and the features have shape `(n, d)`.

    Args:
        features: `"pixels"`, or a function from samples to an array of shape `(n, d)`.
    """

    def __init__(self, features="pixels"):
        self.features = features
        self.reset_state()

    def update_state(self, real=None, fake=None):
        """Adds a batch of real samples, generated samples, or both.

        Args:
            real: Samples of shape `(n, d)` or `(n, height, width, channels)`, or None.
            fake: Generated samples of the same shape, or None; the number may differ.

        Raises:
            ValueError: If values are not finite, or if feature sizes differ.
        """
        for side, samples in (("real", real), ("fake", fake)):
            if samples is not None:
                self._add(side, extract(self.features, samples, side))

    def reset_state(self):
        """Forgets all samples."""
        raise NotImplementedError

    def _add(self, side, features):
        raise NotImplementedError

    def result(self):
        """Returns the metric of all samples so far."""
        raise NotImplementedError
