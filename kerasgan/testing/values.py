"""What models hold, as NumPy arrays to compare, and what checks say of it."""

import unittest

import keras
import numpy as np
from keras import ops

from kerasgan.game.randomness import is_seed_state

ON_TENSORFLOW = keras.backend.backend() == "tensorflow"


def all_variables(model):
    """All variables that a file holds, and the states of the seed generators."""
    return [*model.variables, *model.optimizer.variables]


def values(model):
    """NumPy copies of `all_variables`."""
    return [np.array(ops.convert_to_numpy(v)) for v in all_variables(model)]


def saved_values(model):
    """NumPy copies of what a file holds: all variables but the states of the seed generators."""
    return [np.array(ops.convert_to_numpy(v)) for v in all_variables(model) if not is_seed_state(v)]


def samples_of(model, data):
    """What the model is made for: samples, or predictions from its data where it cannot `sample`."""
    return model.sample(4, seed=3) if hasattr(model, "sample") else model.predict(data[0], verbose=0)


def enliven(model):
    """Initial weights that no gradient vanishes at: He-like kernels, and nothing at exactly 0 or 1."""
    rng = np.random.default_rng(0)
    for name, network in model.networks.items():
        for variable in network.trainable_variables:
            noise = rng.normal(size=variable.shape)
            if len(variable.shape) > 1:
                variable.assign(noise / np.sqrt(np.prod(variable.shape[:-1])))
            else:
                variable.assign(ops.convert_to_numpy(variable) + 0.1 * noise)
        if name in model.averages:
            model.averages[name].set_weights(network.get_weights())


def require(condition, message):
    """Raises an AssertionError with the message unless the condition holds."""
    if not condition:
        raise AssertionError(message)


def skip(reason):
    """Skips a check that this process cannot do (pytest knows this exception)."""
    raise unittest.SkipTest(reason)
