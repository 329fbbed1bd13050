"""The mean over batches of a measure of single samples."""

import numpy as np


class SampleMean:
    """Mean of a measure that gives one value for each sample, such as `psnr` or `ssim`, over batches of any sizes.

    Args:
        measure: Function from a batch's arrays to an array of shape `(n,)`.
        **settings: Passed to the function each time.

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
        """Takes in a batch: the arrays that the measure wants."""
        values = np.asarray(self.measure(*batch, **self.settings), "float64")
        self._count += len(values)
        self._total += values.sum()

    def result(self):
        """The mean over all samples so far, a float; infinite if the value of one is.

        Raises:
            ValueError: There are no samples yet.
        """
        if not self._count:
            raise ValueError("got no samples yet; expected at least one before result().")
        return float(self._total / self._count)
