"""What the metrics over batches have in common: `update_state`, `result` and `reset_state` as in Keras.

They hold float64 NumPy arrays on the host, not Keras variables: a covariance or a kernel sum in the float32 of an
engine loses the digits that tell two models apart.
"""

from kerasgan.metrics.features import extract


class TwoSampleMetric:
    """A comparison of real with generated samples that come in batches, in any order and any batch sizes.

    A subclass writes `reset_state()`, `_add(side, features)` with `side` `"real"` or `"fake"` and features of shape
    `(n, d)`, and `result()`.

    Args:
        features: `"pixels"`, or a function from samples to an array of shape `(n, d)`.
    """

    def __init__(self, features="pixels"):
        self.features = features
        self.reset_state()

    def update_state(self, real=None, fake=None):
        """Takes in a batch of real samples, of generated ones, or of both.

        Args:
            real: Samples of shape `(n, d)` or `(n, height, width, channels)`, or None.
            fake: The same for the generated samples; their number may differ.

        Raises:
            ValueError: Values that are not finite, or feature sizes that differ.
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
        """The metric of all samples so far."""
        raise NotImplementedError
