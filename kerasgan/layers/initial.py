"""Initial weights as configurations: Keras makes a new initializer, with a seed of its own, wherever one is used.

(One initializer object used for two layers of the same shape would give both the same weights.)
"""


def normal(stddev, mean=0.0):
    """Weights from N(mean, stddev^2)."""
    return {"class_name": "RandomNormal", "config": {"mean": mean, "stddev": stddev}}


def uniform(limit):
    """Weights from U(-limit, limit)."""
    return {"class_name": "RandomUniform", "config": {"minval": -limit, "maxval": limit}}
