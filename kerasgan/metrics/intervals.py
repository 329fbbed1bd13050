"""Confidence intervals of means."""

from typing import NamedTuple

import numpy as np


class Interval(NamedTuple):
    """A mean with its confidence interval.

    Attributes:
        mean: Mean of the values.
        low: Lower end of the interval.
        high: Upper end.
    """

    mean: float
    low: float
    high: float


def paired_interval(differences, level=0.95):
    """Student's t interval of the mean of paired differences.

    Args:
        differences: Array of shape (pairs,), at least 2, such as accuracies with and without a change for each seed.
        level: Probability that the interval contains the mean, if the differences are normal and independent.

    Returns:
        An `Interval`.

    Raises:
        ValueError: For fewer than two differences, or a level outside (0, 1).
    """
    from scipy.stats import t

    differences = np.asarray(differences, "float64")
    if differences.ndim != 1 or len(differences) < 2:
        raise ValueError(f"`differences` has shape {differences.shape}; expected (pairs,), at least 2.")
    if not 0 < level < 1:
        raise ValueError(f"`level` is {level!r}; expected a number between 0 and 1.")
    mean, error = differences.mean(), differences.std(ddof=1) / np.sqrt(len(differences))
    reach = t.ppf(0.5 + level / 2, len(differences) - 1) * error
    return Interval(float(mean), float(mean - reach), float(mean + reach))
