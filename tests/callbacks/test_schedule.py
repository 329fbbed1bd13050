"""A schedule moves its player's learning rate, and no other."""

import keras
import numpy as np
import pytest
from keras import ops

from kerasgan.callbacks import PlayerSchedule


def rate(model, player):
    return float(ops.convert_to_numpy(model.optimizer[player].learning_rate))


def test_by_epoch_also_where_a_resume_begins(model, images):
    asked = []

    def halved(epoch, learning_rate):
        asked.append((epoch, learning_rate))
        return learning_rate / 2

    callback = PlayerSchedule("discriminator", halved)
    history = model.fit(images, epochs=5, initial_epoch=3, verbose=0, callbacks=[callback])
    assert asked == [(3, 0.25), (4, 0.125)]
    assert history.history["discriminator_learning_rate"] == [0.125, 0.0625]
    assert (rate(model, "discriminator"), rate(model, "generator")) == (0.0625, 0.25)


def test_by_step_it_counts_for_the_steps_that_follow(begin, images):
    """Constant for an epoch, then so low that the generator stands still, while the discriminator goes on."""
    asked = []

    def stop(step, learning_rate):
        asked.append(step)
        return 0.25 if step < 4 else 1e-30

    still = begin()
    still.fit(images, epochs=1, verbose=0)
    weights = [network.get_weights() for network in (still.generator, still.discriminator)]
    model = begin()
    model.fit(images, epochs=2, verbose=0, callbacks=[PlayerSchedule("generator", stop, by="step")])
    assert asked == list(range(8))
    for first, second in zip(model.generator.get_weights(), weights[0], strict=True):
        np.testing.assert_allclose(first, second)
    assert all(
        (first != second).any() for first, second in zip(model.discriminator.get_weights(), weights[1], strict=True)
    )


@pytest.mark.parametrize("by, expected", [("step", [6, 7]), ("epoch", [])])
def test_a_resume_within_an_epoch_asks_for_the_steps_that_are_left(begin, images, by, expected):
    model, asked = begin(), []
    model.fit(images, epochs=1, verbose=0)
    model.iterations.assign(6)  # as a checkpoint two steps into the second epoch leaves it

    def halved(place, learning_rate):
        asked.append(place)
        return learning_rate / 2

    callback = PlayerSchedule("generator", halved, by)
    model.fit(images, initial_epoch=1, epochs=2, initial_step=2, verbose=0, callbacks=[callback])
    assert asked == expected
    assert rate(model, "generator") == 0.25 / 2 ** len(expected)


def test_what_cannot_be_scheduled_is_refused(build, images):
    with pytest.raises(ValueError, match="expected 'epoch' or 'step'"):
        PlayerSchedule("generator", float, by="kimg")
    model = build(generator_optimizer=keras.optimizers.SGD(keras.optimizers.schedules.ExponentialDecay(0.1, 1, 0.9)))
    with pytest.raises(ValueError, match="no player 'critic'; the players are discriminator, generator"):
        PlayerSchedule("critic", lambda epoch, rate: rate).set_model(model)
    with pytest.raises(ValueError, match="already has a learning-rate schedule"):
        model.fit(images, verbose=0, callbacks=[PlayerSchedule("generator", lambda epoch, rate: rate)])
