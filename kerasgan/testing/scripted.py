"""Equal arithmetic and equal random numbers on every engine and on any number of replicas.

Engines and replicas draw different random numbers by design, so the checks that compare them replace the numbers by a
script (`scripted_random`): a hash of the seed state and of the sample's place in the global batch, equal everywhere.
"""

import contextlib
import unittest.mock

import keras
import numpy as np
from keras import ops

from kerasgan.game.phase import MICRO_BATCH
from kerasgan.game.randomness import seed_states
from kerasgan.testing.values import ON_TENSORFLOW


@contextlib.contextmanager
def double_precision():
    """Everything in float64: layers, variables, JAX, and what would round to float32 all the same.

    Keras' type promotion does on JAX even where 64-bit types are on, and TensorFlow's leaky ReLU holds its slope so.
    """
    from keras.src.backend import nn
    from keras.src.backend.common.dtypes import BIT64_TO_BIT32_DTYPE

    def leaky_relu(x, negative_slope=0.2):
        return ops.where(x > 0, x, negative_slope * x)

    floatx, policy = keras.config.floatx(), keras.config.dtype_policy()
    with contextlib.ExitStack() as stack:
        if not ON_TENSORFLOW:
            import jax

            stack.enter_context(jax.enable_x64(True))
        stack.enter_context(unittest.mock.patch.dict(BIT64_TO_BIT32_DTYPE, float64="float64"))
        stack.enter_context(unittest.mock.patch.object(nn, "leaky_relu", leaky_relu))
        keras.config.set_floatx("float64")
        keras.config.set_dtype_policy("float64")
        try:
            yield
        finally:
            keras.config.set_floatx(floatx)
            keras.config.set_dtype_policy(policy)


@contextlib.contextmanager
def scripted_random(batch_size, packing=1):
    """Makes what Keras draws a function of the seed state and of a sample's place in the global batch.

    Whatever the engine and the number of replicas, a sample then gets the same numbers. The first axis of what is drawn
    is that of the samples; batches joined along it are known by their length. `normal` gives uniform numbers of the
    asked mean and deviation. Distributions that no family draws from in training raise NotImplementedError.

    Args:
        batch_size: samples a step, over all replicas.
        packing: how many samples a discriminator judges together: it draws one row for each pack.
    """
    from keras.src.backend import random as drawn

    def units(shape, seed):
        """Numbers in (0, 1) of a shape."""
        state = ops.cast(keras.src.random.seed_generator.draw_seed(seed), "uint32")
        rows, width = (shape[0] if len(shape) else 1), int(np.prod(shape[1:]))
        row = ops.cast(global_rows(rows, batch_size, packing), "uint32")
        place = row[:, None] * _word(width) + ops.cast(ops.arange(width, dtype="int32"), "uint32")
        hashed = _hash(_hash(place + state[0]) + state[1])
        return ops.reshape((ops.cast(hashed, "float64") + 0.5) / 2**32, shape)

    def uniform(shape, minval=0.0, maxval=1.0, dtype=None, seed=None):
        return ops.cast(minval + (maxval - minval) * units(shape, seed), dtype or keras.config.floatx())

    def normal(shape, mean=0.0, stddev=1.0, dtype=None, seed=None):
        reach = np.sqrt(3.0) * stddev
        return uniform(shape, mean - reach, mean + reach, dtype, seed)

    def randint(shape, minval, maxval, dtype="int32", seed=None):
        return ops.cast(ops.floor(uniform(shape, minval, maxval, "float64", seed)), dtype)

    def dropout(inputs, rate, noise_shape=None, seed=None):
        shape = ops.shape(inputs)
        if noise_shape is not None:
            shape = [n if wanted is None else wanted for n, wanted in zip(shape, noise_shape, strict=True)]
        return ops.where(units(shape, seed) < rate, ops.zeros_like(inputs), inputs / (1.0 - rate))

    def unscripted(*arguments, **options):
        raise NotImplementedError("kerasgan.testing.scripted_random has no script for this distribution; add one.")

    script = {"uniform": uniform, "normal": normal, "truncated_normal": normal, "randint": randint, "dropout": dropout}
    script.update(dict.fromkeys(("categorical", "shuffle", "gamma", "binomial", "beta"), unscripted))

    def states_of_one(seed, generators, step, phase, replica, part=None):
        return seed_states(seed, generators, step, phase, 0)

    with (
        unittest.mock.patch.multiple(drawn, **script),  # type: ignore[call-overload]
        unittest.mock.patch("kerasgan.game.model.seed_states", states_of_one),
    ):
        yield


def global_rows(rows, batch_size, packing=1):
    """Places of this replica's rows in what one device would draw, of one batch or of several joined ones."""
    replica, replicas = 0, 1
    if ON_TENSORFLOW:
        import tensorflow as tf

        context = tf.distribute.get_replica_context()
        if context is not None:  # as while a model is compiled under a strategy
            replica, replicas = context.replica_id_in_sync_group, context.num_replicas_in_sync
    row = ops.arange(rows, dtype="int32")
    part, parts = MICRO_BATCH.get() or (0, 1)
    for whole in (batch_size, batch_size // packing):
        mine = whole // replicas // parts
        if mine and rows % mine == 0:
            return row // mine * whole + replica * (whole // replicas) + part * mine + row % mine
    return row


def _word(value):
    return ops.convert_to_tensor(np.uint32(value))


def _hash(word):
    for multiplier in (0x7FEB352D, 0x846CA68B):  # any odd numbers with many bits do
        word = (word ^ ops.right_shift(word, _word(16))) * _word(multiplier)
    return word ^ ops.right_shift(word, _word(15))
