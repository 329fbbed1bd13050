"""Mean of a per-sample metric over batches."""

import numpy as np


class SampleMean:
    """Mean of a metric that returns one value per sample, such as `psnr` or `ssim`, over batches of any size.

    Args:
        measure: Function from the arrays of a batch to an array of shape `(n,)`.
        **settings: Keyword arguments of the function.

    Example:
        >>> metric = SampleMean(psnr, value_range=(-1, 1))
        >>> for originals, images in batches:
        ...     metric.update_state(originals, images)
        >>> metric.result()
    """

    def __init__(self, measure, **settings):
        self.measure = measure
        self.settings = settings
        self.reset_state()

    def reset_state(self):
        """Forgets all samples."""
        self._count = 0
        self._total = 0.0

    def update_state(self, *batch):
        """Adds a batch: the arrays that the function takes."""
        values = np.asarray(self.measure(*batch, **self.settings), "float64")
        self._count += len(values)
        self._total += values.sum()

    def result(self):
        """Returns the mean over all samples so far, a float; infinite if the value of a sample is.

        Raises:
            ValueError: If there are no samples yet.
        """
        if not self._count:
            raise ValueError("There are no samples yet. Call update_state() before result().")
        return float(self._total / self._count)
