"""What the tests of the views share."""

import keras
import numpy as np
from keras import ops


def compiled(fn, xla=False):
    """A function of tensors, compiled as a training step is; with XLA too, if that is asked for on TensorFlow."""
    if keras.backend.backend() == "tensorflow":
        import tensorflow as tf

        return tf.function(fn, autograph=False, jit_compile=xla)
    import jax

    return jax.jit(fn)


def compiled_on_jax(fn):
    """JAX compiles each operation by itself where there is no function around them, which takes many times as long."""
    return compiled(fn) if keras.backend.backend() == "jax" else fn


def shown(view, *inputs, **options):
    """What a view shows of tensors or arrays, as arrays."""
    outputs = compiled_on_jax(lambda *inputs: view(*inputs, seed=3, **options))(*inputs)
    return [None if x is None else ops.convert_to_numpy(x) for x in outputs]


def images_of(shape=(4, 8, 6, 3), dtype="float32"):
    return np.random.default_rng(0).uniform(-1, 1, shape).astype(dtype)


def add_state(name, shape=(), initializer="zeros"):
    return keras.Variable(initializer, shape=shape, dtype="float32", trainable=False, name=name)
