"""Batch normalization and initial weights as the papers set them."""

import keras
import numpy as np
import pytest
from keras import layers, ops

from kerasgan.game.engines import input_gradient
from kerasgan.layers import batch_normalization, normal, uniform


def test_running_statistics_keep_up():
    x = np.random.default_rng(0).normal(3.0, 2.0, size=(256, 2)).astype("float32")
    layer = batch_normalization()
    normalized = ops.convert_to_numpy(layer(x, training=True))
    np.testing.assert_allclose(normalized, (x - x.mean(0)) / np.sqrt(x.var(0) + 1e-5), rtol=1e-3, atol=1e-4)
    np.testing.assert_allclose(ops.convert_to_numpy(layer.moving_mean), 0.1 * x.mean(0), rtol=1e-4)
    np.testing.assert_allclose(ops.convert_to_numpy(layer.moving_variance), 0.9 + 0.1 * x.var(0), rtol=1e-4)
    assert layer.synchronized == (keras.backend.backend() == "tensorflow")


def test_scales_start_around_one():
    for stddev in (0.0, 0.02):
        layer = batch_normalization(scale_stddev=stddev)
        layer.build((None, 4000))
        gamma = ops.convert_to_numpy(layer.gamma)
        assert abs(gamma.mean() - 1.0) < 2e-3 and abs(gamma.std() - stddev) < 2e-3


def test_each_layer_draws_weights_of_its_own():
    first, second = (layers.Dense(50, kernel_initializer=normal(0.02)) for _ in range(2))
    for layer in (first, second):
        layer.build((None, 80))
    assert abs(first.get_weights()[0].std() - 0.02) < 2e-3
    assert (first.get_weights()[0] != second.get_weights()[0]).all()
    bounded = layers.Dense(50, kernel_initializer=uniform(0.1))
    bounded.build((None, 80))
    largest = np.abs(bounded.get_weights()[0]).max()
    assert 0.09 < largest <= 0.1


@pytest.mark.tensorflow  # on JAX it is the layer of Keras
@pytest.mark.parametrize("dtype", ["float32", "mixed_bfloat16", "float64"])
@pytest.mark.parametrize("shape", [(6, 5, 4, 3), (1, 1, 1, 3), (7, 3)])
def test_batch_normalization_is_that_of_keras(shape, dtype):
    random = np.random.default_rng(0)
    x, weights = (random.normal(2.0, 3.0, shape).astype("float32") for _ in range(2))
    ours, theirs = batch_normalization(dtype=dtype), layers.BatchNormalization(momentum=0.9, epsilon=1e-5, dtype=dtype)
    values = [random.normal(size=3) ** 2 for _ in range(4)]
    results = []
    for layer in (ours, theirs):
        layer.build((None, *shape[1:]))
        layer.set_weights(values)

        def loss(x, layer=layer):
            return ops.sum(ops.cast(layer(x, training=True), "float32") * weights)

        def penalty(x, loss=loss):
            return ops.sum(ops.square(input_gradient(loss, x)))

        x_now = ops.convert_to_tensor(ops.cast(x, layer.compute_dtype))
        twice = input_gradient(penalty, x_now)
        outputs = layer(x_now, training=True)
        found = [outputs, input_gradient(loss, x_now), twice, layer.moving_mean.value, layer.moving_variance.value]
        results.append([ops.convert_to_numpy(ops.cast(each, "float64")) for each in found])
    for one, other in zip(*results, strict=True):
        coarse = dtype == "mixed_bfloat16"
        np.testing.assert_allclose(
            one, other, rtol=0.05 if coarse else 2e-4, atol=(0.05 if coarse else 1e-4) * np.abs(other).max()
        )
