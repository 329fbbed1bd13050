"""The controller of ADA's probability in a game: against float64, over replicas, and compiled."""

import keras
import numpy as np
import pytest
from keras import ops

from kerasgan.augment import Adaptive
from kerasgan.testing import mirrored_strategy
from tests.augment.common import add_state, images_of


def reference(signs, images, target, interval, kimg, limit=np.inf):
    """p after each step, in float64, from lists of the signs and of the number of images of each step."""
    p, history = 0.0, []
    for step in range(1, len(signs) + 1):
        if step % interval == 0:
            recent = slice(step - interval, step)
            r = np.concatenate([np.ravel(s) for s in signs[recent]]).astype("float64").mean()
            p = min(max(p + np.sign(r - target) * sum(images[recent]) / (1000 * kimg), 0), limit)
        history.append(p)
    return history


def logits_of(steps, shape, seed=0):
    """Logits of a discriminator that first overfits and then does not."""
    random = np.random.default_rng(seed)
    shift = np.concatenate([np.linspace(-1, 2, steps // 2), np.linspace(2, -1, steps - steps // 2)])
    return [(random.normal(s, 1, shape)).astype("float32") for s in shift]


@pytest.mark.parametrize("shape", [(16, 1), (8, 3, 3, 1)], ids=["one logit", "a map of logits"])
@pytest.mark.parametrize("limit", [None, 0.3])
def test_the_probability_follows_the_signs(shape, limit):
    view = Adaptive(target=0.55, interval=3, kimg=0.5, limit=limit).build(add_state)
    logits, history = logits_of(60, shape), []
    for values in logits:
        view.observe(ops.convert_to_tensor(values), shape[0])
        history.append(float(view.logs()["augment_probability"]))
    signs, images = [np.sign(values) for values in logits], [shape[0]] * 60
    expected = reference(signs, images, 0.55, 3, 0.5, limit or np.inf)
    np.testing.assert_allclose(history, expected, rtol=1e-5, atol=1e-6)
    assert max(history) == pytest.approx(0.3) if limit else max(history) > 0.3
    assert history[-1] < max(history) - 0.1


def test_nobody_learns_from_the_probability():
    """The logits' gradient does not flow into the states."""
    from kerasgan.game.engines import gradients

    view = Adaptive(interval=1, kimg=0.01).build(add_state)

    def after(tensors):
        with keras.StatelessScope() as scope:
            view.observe(tensors[0], 4)
        return scope.get_current_value(view.probability) + 0 * ops.sum(tensors[0])

    assert float(after([ops.ones((4, 1))])) == pytest.approx(0.4)
    np.testing.assert_array_equal(ops.convert_to_numpy(gradients(after, [ops.ones((4, 1))])[0]), np.zeros((4, 1)))


def test_the_probability_decides_what_is_shown():
    view = Adaptive(categories=("luma_flip",)).build(add_state)
    images, seed = images_of((64, 4, 4, 1)), keras.random.SeedGenerator(0)
    for p in (0.0, 0.5, 1.0):
        view.probability.assign(p)
        flipped = (ops.convert_to_numpy(view(images, seed=seed)[0]) == -images).all(axis=(1, 2, 3))
        assert abs(flipped.mean() - p / 2) < 0.2 and (p > 0) == flipped.any()


@pytest.mark.tensorflow
@pytest.mark.parametrize("compiled", [False, True])
def test_replicas_agree(compiled):
    import tensorflow as tf

    strategy = mirrored_strategy(2)
    with strategy.scope():
        view = Adaptive(target=0.1, interval=2, kimg=0.1).build(
            lambda name, shape=(), initializer="zeros": keras.Variable(
                initializer, shape=shape, trainable=False, name=name, aggregation="only_first_replica"
            )
        )

    def step(logits):
        view.observe(logits, tf.shape(logits)[0])

    def everywhere(halves):
        values = strategy.experimental_distribute_values_from_function(
            lambda context: halves[context.replica_id_in_sync_group]
        )

        def play():
            strategy.run(step, args=(values,))

        (tf.function(play) if compiled else play)()

    logits = logits_of(8, (8, 1))
    for values in logits:
        everywhere([tf.constant(values[:4]), tf.constant(values[4:])])
    expected = reference([np.sign(values) for values in logits], [8] * 8, 0.1, 2, 0.1)
    local = [float(v) for v in strategy.experimental_local_results(view.probability.value)]
    np.testing.assert_allclose(local, [expected[-1]] * 2, rtol=1e-5)
    assert expected[-1] > 0
