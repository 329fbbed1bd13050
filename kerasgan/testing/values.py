"""Values of models as NumPy arrays for comparisons, and assertions of the checks."""

import unittest

import keras
import numpy as np
from keras import ops

from kerasgan.game.randomness import is_seed_state

ON_TENSORFLOW = keras.backend.backend() == "tensorflow"


def all_variables(model):
    """Returns all saved variables, and the states of the seed generators."""
    return [*model.variables, *model.optimizer.variables]


def values(model):
    """Returns NumPy copies of `all_variables`."""
    return [np.array(ops.convert_to_numpy(v)) for v in all_variables(model)]


def saved_values(model):
    """Returns NumPy copies of the saved variables: all variables except the states of the seed generators."""
    return [np.array(ops.convert_to_numpy(v)) for v in all_variables(model) if not is_seed_state(v)]


def samples_of(model, data):
    """Returns the model's outputs: samples, or predictions from its data if it has no `sample`."""
    return flat(model.sample(4, seed=3) if hasattr(model, "sample") else model.predict(data[0], verbose=0))


def flat(samples):
    """Returns samples unchanged, or samples with several parts as one float32 array of shape (count, size)."""
    if not isinstance(samples, dict):
        return samples
    parts = [np.asarray(samples[name], "float32") for name in sorted(samples)]
    return np.concatenate([part.reshape(len(part), -1) for part in parts], axis=1)


def enliven(model):
    """Sets weights at which no gradient vanishes: He-like kernels, and no values of exactly 0 or 1.

    Layers with an equalized learning rate scale their weights at run time, so that they get the weights of `Equalized`.
    """
    rng = np.random.default_rng(0)
    for name, network in model.networks.items():
        layers = [layer for layer in network._flatten_layers() if hasattr(layer, "rate_multiplier")]
        scales = {id(v): 1 / layer.rate_multiplier for layer in layers for v in layer.trainable_variables}
        for variable in network.trainable_variables:
            noise = rng.normal(size=variable.shape)
            if len(variable.shape) > 1:
                variable.assign(noise * scales.get(id(variable), 1 / np.sqrt(np.prod(variable.shape[:-1]))))
            else:
                variable.assign(ops.convert_to_numpy(variable) + 0.1 * scales.get(id(variable), 1.0) * noise)
        if name in model.averages:
            model.averages[name].set_weights(network.get_weights())


def require(condition, message):
    """Raises an AssertionError with the message unless the condition is true."""
    if not condition:
        raise AssertionError(message)


def skip(reason):
    """Skips a check that this process does not support (pytest handles this exception)."""
    raise unittest.SkipTest(reason)
