"""Identical arithmetic and random numbers on every engine and on any number of replicas.

Engines and replicas draw different random numbers by design. Checks that compare them replace the numbers by a script
(`scripted_random`): a hash of the seed state and of the sample's position in the global batch, which is the same
everywhere.
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
    """Context manager that computes everything in float64, including operations that would still round to float32.

    On JAX, Keras' type promotion rounds to float32 even if 64-bit types are enabled; on TensorFlow, leaky ReLU rounds
    its slope.
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
    """Context manager that makes Keras' random numbers depend only on the seed state and the sample.

    A number is a function of the seed state and of the sample's position in the global batch, so a sample gets the same
    numbers on every engine and with any number of replicas. The first axis of the drawn numbers is that of the samples;
    concatenated batches are recognised by their length. `normal` returns uniform numbers with the requested mean and
    standard deviation. Distributions that no family draws from in training raise NotImplementedError.

    Args:
        batch_size: Global batch size over all replicas.
        packing: Number of samples that the discriminator sees together; it draws one row per pack.
    """
    from keras.src.backend import random as drawn

    def units(shape, seed):
        """Returns numbers in (0, 1) of a shape."""
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
    """Returns the positions of this replica's rows in the rows of a single device."""
    replica, replicas = 0, 1
    if ON_TENSORFLOW:
        import tensorflow as tf

        context = tf.distribute.get_replica_context()
        if context is not None:  # it is None, for example, while a model is compiled under a strategy
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
    for multiplier in (0x7FEB352D, 0x846CA68B):  # any odd numbers with many bits work
        word = (word ^ ops.right_shift(word, _word(16))) * _word(multiplier)
    return word ^ ops.right_shift(word, _word(15))
