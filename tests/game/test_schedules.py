"""Schedules against the cosine they are named after, and in the optimizer, a penalty and the average."""

import json

import keras
import numpy as np
import pytest
from keras import ops

from kerasgan.game import schedules
from kerasgan.game.optimizers import PlayerOptimizers, ScheduledAdam
from kerasgan.game.schedules import Cosine, Exponential
from kerasgan.objectives import penalties
from kerasgan.testing.scripted import double_precision


def test_cosine():
    schedule = Cosine(2e-4, 5e-5, kimg=20)
    for images in (0, 1, 5_000, 10_000, 19_999, 20_000, 10**9):
        share = min(images / 20_000, 1)
        expected = 5e-5 + 1.5e-4 * (1 + np.cos(np.pi * share)) / 2
        np.testing.assert_allclose(schedule(images), expected, rtol=1e-6)
    np.testing.assert_allclose(Cosine(0.0, 1.0, 20_000)(64), np.sin(np.pi * 64 / 4e7) ** 2, rtol=1e-5)
    with pytest.raises(ValueError, match="`kimg` is 0"):
        Cosine(1.0, 0.0, 0)


def test_schedules_are_as_precise_as_the_game():
    """In float64, where that is Keras' default: rounded to float32 each engine's would be another one."""
    with double_precision():
        for images in (0, 24, 72, 19_999, 10**9):
            share = min(images / 20_000, 1)
            expected = 5e-5 + 1.5e-4 * (1 + np.cos(np.pi * share)) / 2
            np.testing.assert_allclose(Cosine(2e-4, 5e-5, kimg=20)(images), expected, rtol=1e-15)
            expected = 2e-4 * 0.25**share
            np.testing.assert_allclose(Exponential(2e-4, 5e-5, kimg=20)(images), expected, rtol=1e-15)
    assert keras.backend.standardize_dtype(Cosine(1.0, 0.0, 1)(3).dtype) == "float32"


def test_numbers_stay_numbers():
    assert schedules.value_at(3.0, 5) == schedules.lowest(3.0) == schedules.get(3.0) == 3.0
    assert schedules.lowest(Cosine(2.0, 1.0, 5)) == 1.0


def test_scheduled_adam_is_adam_with_the_present_values():
    """Against Adam's equations in float64, at a clock that runs on by 100 images a step."""
    rate, decay, images = Cosine(0.1, 0.01, 1), Cosine(0.9, 0.99, 1), keras.Variable(0, dtype="int32")
    adam = ScheduledAdam(rate, 0.5, decay, epsilon=1e-8)
    PlayerOptimizers({"generator": adam}).follow(lambda: images)
    weight, expected = keras.Variable([1.0, -2.0]), np.float64([1, -2])
    adam.build([weight])
    m = v = np.zeros(2)
    for step in range(1, 8):
        gradient = np.float64([np.sin(step), step])
        adam.apply([ops.convert_to_tensor(gradient, "float32")], [weight])
        a, b = (float(schedule(images.value)) for schedule in (rate, decay))
        m, v = 0.5 * m + 0.5 * gradient, b * v + (1 - b) * gradient**2
        expected = expected - a * m / (1 - 0.5**step) / (np.sqrt(v / (1 - b**step)) + 1e-8)
        np.testing.assert_allclose(weight, expected, rtol=1e-4)
        images.assign_add(100)
    assert float(adam.learning_rate) < 0.06 and float(adam.beta_2) > 0.93


def test_scheduled_adam_with_numbers_is_adam():
    both = [cls(0.05, 0.3, 0.9) for cls in (ScheduledAdam, keras.optimizers.Adam)]
    weights = [keras.Variable([1.0, -2.0]) for _ in both]
    for step in range(3):
        for adam, weight in zip(both, weights, strict=True):
            adam.apply([ops.convert_to_tensor([1.0, step])], [weight])
    np.testing.assert_array_equal(*weights)
    both[0].learning_rate = 0.5
    assert float(both[0].learning_rate) == 0.5


def test_a_scheduled_rate_is_not_settable():
    adam = ScheduledAdam(Cosine(0.1, 0.01, 1))
    with pytest.raises(TypeError, match="follows a schedule"):
        adam.learning_rate = 0.5


def test_scheduled_adam_round_trips():
    adam = ScheduledAdam(Cosine(0.1, 0.01, 1), 0.2, Cosine(0.9, 0.99, 2))
    config = json.loads(json.dumps(keras.saving.serialize_keras_object(adam)))
    again = keras.optimizers.get(config)
    assert (again.scheduled_rate, again.scheduled_decay) == (Cosine(0.1, 0.01, 1), Cosine(0.9, 0.99, 2))
    assert again.get_config() == adam.get_config()


def test_a_penalty_with_a_schedule():
    x = ops.convert_to_tensor(np.ones((2, 2), "float32"))
    slope_3 = lambda x: 3 * x[:, :1]  # noqa: E731
    scheduled = penalties.R1(Cosine(4.0, 2.0, 1))
    for images, gamma in ((0, 4.0), (500, 3.0), (10**6, 2.0)):
        np.testing.assert_allclose(scheduled(slope_3, x, None, images_seen=images), gamma / 2 * 9, rtol=1e-6)
    config = json.loads(json.dumps(keras.saving.serialize_keras_object(scheduled)))
    assert penalties.get(config) == scheduled != penalties.R1(4.0)
    with pytest.raises(ValueError, match="not be negative"):
        penalties.R1(Cosine(1.0, -1.0, 5))
