"""Gradients and compiled calls of networks that were filled with `kerasgan.zoo.convert`."""

import keras
import numpy as np

from tests.golden.reader import array


def in_their_layout(source, gradient, shape):
    """A gradient with respect to a variable of ours as that with respect to the array it came from.

    Args:
        source: The variable's `kerasgan.zoo.convert.Source`.
        gradient: The gradient.
        shape: Shape of their array.
    """
    places = source.layout(np.arange(np.prod(shape, dtype=int)).reshape(shape))
    result = np.zeros(np.prod(shape, dtype=int))
    np.add.at(result, places.ravel(), source.scale * array(gradient).ravel())
    return result.reshape(shape)


def compiled(fn):
    """`fn` as one compiled function of tensors on JAX, which is slow at networks taken step by step; else as it is."""
    if keras.backend.backend() != "jax":
        return fn
    import jax

    return jax.jit(fn)
