"""All players' optimizers as one, and the schedules of the first GAN papers against NumPy."""

import keras
import numpy as np
import pytest
from keras import ops

from kerasgan import GAN
from kerasgan.game.optimizers import FlooredDecay, MomentumRampSGD, PlayerOptimizers


def players():
    return PlayerOptimizers({"discriminator": keras.optimizers.SGD(0.4), "generator": keras.optimizers.SGD(0.1)})


def rate(optimizer):
    return float(ops.convert_to_numpy(optimizer.learning_rate))


def test_a_stock_schedule_scales_every_player():
    optimizers = players()
    assert rate(optimizers) == pytest.approx(0.1)  # the last player's
    optimizers.learning_rate = 0.05
    assert rate(optimizers["generator"]) == pytest.approx(0.05)
    assert rate(optimizers["discriminator"]) == pytest.approx(0.2)


def test_what_cannot_be_scaled_is_refused():
    optimizers = players()
    with pytest.raises(ValueError, match="one by one"):
        optimizers.learning_rate = keras.optimizers.schedules.ExponentialDecay(0.1, 1, 0.5)
    optimizers["generator"].learning_rate = 0.0
    with pytest.raises(ValueError, match="one by one"):
        optimizers.learning_rate = 0.1


def test_floored_decay():
    schedule = FlooredDecay(0.1, 1.5, 0.02)
    got = [float(ops.convert_to_numpy(schedule(step))) for step in range(6)]
    np.testing.assert_allclose(got, [max(0.1 / 1.5**step, 0.02) for step in range(6)], rtol=1e-6)


def test_momentum_ramp():
    optimizer = MomentumRampSGD(learning_rate=0.1, momentum=0.5, final_momentum=0.9, ramp_steps=4)
    variable = keras.Variable(np.array([1.0, -2.0], "float32"))
    optimizer.build([variable])
    expected, velocity = np.array([1.0, -2.0]), np.zeros(2)
    for step in range(8):
        momentum = 0.5 + 0.4 * min(step / 4, 1.0)
        velocity = momentum * velocity - 0.1 * 2 * expected
        optimizer.apply([2 * variable.value], [variable])
        expected = expected + velocity
        np.testing.assert_allclose(ops.convert_to_numpy(variable), expected, rtol=1e-5)


def test_the_first_papers_recipe_survives_serialisation():
    optimizer = GAN.recipe.optimizers()["generator"]
    again = keras.optimizers.get(keras.optimizers.serialize(optimizer))
    assert isinstance(again, MomentumRampSGD)
    assert again.get_config() == optimizer.get_config()
    assert rate(again) == pytest.approx(0.1)
