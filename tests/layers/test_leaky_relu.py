"""Leaky ReLU against Keras': values, gradients, their gradients, and what those do not pass through."""

import keras
import numpy as np
import pytest
from keras import layers, ops

from kerasgan.game.engines import gradients
from kerasgan.layers import LeakyReLU, ScaledLeakyReLU

X = np.random.default_rng(0).normal(size=(4, 5)).astype("float32")


def derivatives(activation, x):
    def value(tensors):
        return ops.sum(ops.cast(activation(ops.square(tensors[0]) - 0.5), "float32") ** 3)

    def penalty(tensors):
        return ops.sum(ops.cast(gradients(value, tensors)[0], "float32") ** 3)

    def third(tensors):
        return ops.sum(ops.cast(gradients(penalty, tensors)[0], "float32") ** 2)

    x = ops.convert_to_tensor(x)
    found = [activation(x), *(gradients(fn, [x])[0] for fn in (value, penalty, third))]
    return [ops.convert_to_numpy(ops.cast(each, "float32")) for each in found]


@pytest.mark.parametrize("slope", [0.0, 0.1, 0.2])
@pytest.mark.parametrize("training", [True, False])
def test_it_is_that_of_keras(training, slope):
    ours, theirs = LeakyReLU(slope), layers.LeakyReLU(slope)
    found = derivatives(lambda x: ours(x, training=training), X)
    for one, other in zip(found, derivatives(theirs, X), strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-5, atol=1e-6)
    again = keras.layers.deserialize(keras.layers.serialize(ours))
    assert isinstance(again, LeakyReLU) and again.negative_slope == np.float32(slope)


def test_the_slope_is_exact_in_double_precision(float64):
    """Where TensorFlow's kernel takes 0.2 for 0.20000000298."""
    x = ops.convert_to_tensor([-1.0, 3.0], "float64")
    np.testing.assert_allclose(LeakyReLU(0.2)(x, training=True), [-0.2, 3.0], rtol=1e-15)


@pytest.mark.tensorflow
@pytest.mark.parametrize("layer", [LeakyReLU(0.2), ScaledLeakyReLU()], ids=lambda layer: type(layer).__name__)
def test_the_gradient_of_a_gradient_does_not_pass_through_the_input(layer):
    """The slope of a piecewise linear function is constant: there is nothing to hand back, not even zeros."""
    import tensorflow as tf

    def slope_of_slope(activation):
        x, direction = tf.Variable(X), tf.Variable(X)
        with tf.GradientTape() as outer:
            with tf.GradientTape() as inner:
                y = tf.reduce_sum(activation(tf.convert_to_tensor(x)) * direction)
            slope = inner.gradient(y, x)
        return outer.gradient(slope, [x, direction])

    nothing, something = slope_of_slope(lambda x: layer(x, training=True))
    assert nothing is None and something is not None
    zeros, _ = slope_of_slope(layers.LeakyReLU(0.2))
    assert zeros is not None  # where this fails, TensorFlow has learned it, and the layer can go
