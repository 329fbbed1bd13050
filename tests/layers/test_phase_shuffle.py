"""Phase shuffle: moves, reflection, and the gradient of a gradient."""

import unittest.mock

import keras
import numpy as np
import pytest
from keras import ops

from kerasgan.game.engines import gradients, input_gradient
from kerasgan.layers import PhaseShuffle


def moved(sound, move):
    """A sound (length, channels) moved to the right by `move` places, filled by reflection."""
    places = np.abs(np.arange(len(sound)) - move)
    return sound[len(sound) - 1 - np.abs(len(sound) - 1 - places)]


def test_each_example_is_moved_on_its_own():
    sounds = np.random.default_rng(0).normal(size=(500, 6, 3)).astype("float32")
    layer = PhaseShuffle(2, seed=0)
    found = ops.convert_to_numpy(layer(sounds, training=True))
    pairs = zip(sounds, found, strict=True)
    fits = [[(moved(sound, move) == result).all() for move in range(-2, 3)] for sound, result in pairs]
    assert (np.sum(fits, axis=1) == 1).all()
    shares = np.mean(fits, axis=0)
    assert (np.abs(shares - 0.2) < 4 * np.sqrt(0.2 * 0.8 / 500)).all(), shares
    assert (ops.convert_to_numpy(layer(sounds, training=True)) != found).any()  # new moves in each call
    np.testing.assert_array_equal(layer(sounds), sounds)
    np.testing.assert_array_equal(PhaseShuffle(0)(sounds, training=True), sounds)


def test_gradient_of_a_gradient():
    """Of || grad_x sum(shuffle(x)^3) ||^2 = 9 || S' S(x)^2 ||^2 against the matrices S of the moves."""
    x = np.random.default_rng(0).normal(size=(4, 5, 2)).astype("float32")
    layer, drawn = PhaseShuffle(2), [1, -2, 0, 2]
    shuffles = np.stack([moved(np.eye(5), move) for move in drawn])

    def critic(x):
        return ops.sum(layer(x, training=True) ** 3, axis=(1, 2))

    def penalty(inputs):
        return ops.sum(ops.square(input_gradient(critic, inputs[0])))

    with unittest.mock.patch("keras.random.randint", lambda *_, **__: ops.convert_to_tensor(drawn, "int32")):
        (found,) = gradients(penalty, [ops.convert_to_tensor(x)])
    y = np.einsum("nij,njc->nic", shuffles, x)
    slope = 3 * np.einsum("nji,njc->nic", shuffles, y**2)
    expected = np.einsum("nji,njc->nic", shuffles, 12 * y * np.einsum("nij,njc->nic", shuffles, slope))
    np.testing.assert_allclose(ops.convert_to_numpy(found), expected, rtol=1e-4, atol=1e-4)


def test_too_short_sequences_and_wrong_radii():
    with pytest.raises(ValueError, match="expected 3 or more"):
        PhaseShuffle(2)(np.zeros((1, 2, 1), "float32"))
    with pytest.raises(ValueError, match="`radius` is -1"):
        PhaseShuffle(-1)
    layer = keras.layers.deserialize(keras.layers.serialize(PhaseShuffle(3, seed=1)))
    assert (layer.radius, layer.seed) == (3, 1)
