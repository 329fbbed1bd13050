"""Batch normalization and initial weights as the papers set them."""

import keras
import numpy as np
from keras import layers, ops

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
