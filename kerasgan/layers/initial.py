"""Initializers as configurations, from which Keras creates a new initializer with its own seed at every use.

(A shared initializer object would give two layers of the same shape the same weights.)
"""


def normal(stddev, mean=0.0):
    """Config of an initializer that draws from N(mean, stddev^2)."""
    return {"class_name": "RandomNormal", "config": {"mean": mean, "stddev": stddev}}


def scaled(gain=1.0):
    """Config of an initializer that draws from N(0, gain^2 / fan-in), which scales standard deviations by `gain`."""
    config = {"scale": gain**2, "mode": "fan_in", "distribution": "untruncated_normal"}
    return {"class_name": "VarianceScaling", "config": config}


def uniform(limit):
    """Config of an initializer that draws from U(-limit, limit)."""
    return {"class_name": "RandomUniform", "config": {"minval": -limit, "maxval": limit}}


def glorot(gain=1.0):
    """Config of an initializer that draws from a uniform distribution of variance 2 gain^2 / (fan-in + fan-out)."""
    config = {"scale": gain**2, "mode": "fan_avg", "distribution": "uniform"}
    return {"class_name": "VarianceScaling", "config": config}


def orthogonal(gain=1.0):
    """Config of an initializer of orthogonal kernels.

    As a matrix with one row per position and input channel, the kernel has orthogonal rows or columns of length `gain`.
    """
    return {"class_name": "Orthogonal", "config": {"gain": gain}}
