"""SimGAN through the family harness; its losses in float64; whose turn it is; what comes from the past."""

import keras
import numpy as np
import pytest
from keras import layers, ops

from kerasgan import Batch, SimGAN
from kerasgan.game.phase import EVALUATION
from kerasgan.layers import ImagePool
from kerasgan.testing import CHECKS, enliven, family_tests

SIZES = {"image_shape": (8, 8, 1), "width": 2, "blocks": 1, "discriminator_widths": (6, 5, 6, 4)}
RECIPE = {"batch_size": 8, "pool_size": 8, "warm_up_steps": 1, "discriminator_steps": 1, "refiner_updates": 1}

test_simgan = family_tests(SimGAN, SIZES, recipe=RECIPE)


def looking():
    """The constructor arguments with a feature network."""
    images = keras.Input((8, 8, 1))
    return {**SIZES, "features": keras.Model(images, layers.Conv2D(2, 3, activation="tanh")(images))}


test_learned_features = family_tests(SimGAN, looking, recipe=RECIPE, slow=CHECKS)
test_gradients = family_tests(SimGAN, {**SIZES, "features": "gradients"}, recipe=RECIPE, slow=CHECKS)


def array(x):
    return ops.convert_to_numpy(x).astype("float64")


def compiled(features="identity", shape=(8, 8, 1), **recipe):
    keras.utils.set_random_seed(0)
    model = SimGAN(**{**SIZES, "image_shape": shape, "features": features}, seed=0)
    enliven(model)
    model.compile(**{**RECIPE, **recipe})
    return model


def images(seed=0, count=8, shape=(8, 8, 1)):
    return np.random.default_rng(seed).uniform(-1, 1, (count, *shape)).astype("float32")


def test_self_regularisation_is_the_distance_of_the_features():
    shape = (8, 8, 3)
    x = images(shape=shape)
    for features in ("identity", "channel_mean", "gradients"):
        model = compiled(features, shape)
        token = EVALUATION.set({})
        try:
            found, _ = model.regularization(Batch(ops.convert_to_tensor(x)))
        finally:
            EVALUATION.reset(token)
        difference = array(model.refiner(x)) - x
        expected = {
            "identity": np.abs(difference).mean(),
            "channel_mean": np.abs(difference.mean(-1)).mean(),
            "gradients": np.abs(np.diff(difference, axis=1)).mean() + np.abs(np.diff(difference, axis=2)).mean(),
        }
        assert float(array(found)) == pytest.approx(expected[features], rel=1e-5)


def test_the_losses_are_those_of_equations_2_and_4():
    """Of all patches in float64; the first batch's history is itself."""
    model, x, y = compiled(regularization_weight=3.0), images(0), images(1)
    batch = Batch(ops.convert_to_tensor(x), ops.convert_to_tensor(y))
    token = EVALUATION.set({})
    try:
        discriminator, refiner = (float(array(f(batch)[0])) for f in (model.discriminator_loss, model.generator_loss))
    finally:
        EVALUATION.reset(token)
    refined = array(model.refiner(x))
    real, fake = array(model.discriminator(y)), array(model.discriminator(refined.astype("float32")))
    assert real.shape == (8, 2, 2, 1)
    assert discriminator == pytest.approx(np.log1p(np.exp(-real)).mean() + np.log1p(np.exp(fake)).mean(), rel=1e-5)
    expected = np.log1p(np.exp(-fake)).mean() + 3 * np.abs(refined - x).mean()
    assert refiner == pytest.approx(expected, rel=1e-5)


def test_turns():
    model = compiled(warm_up_steps=2, discriminator_steps=1, refiner_updates=2, discriminator_updates=1)
    names = [model.due(step) for step in range(9)]
    assert names[:3] == [("warm_up",), ("warm_up",), ("discriminator_alone",)]
    assert names[3:] == [("refiner",), ("refiner",), ("discriminator",)] * 2
    assert [phase.name for phase in compiled(warm_up_steps=0, discriminator_steps=0).game] == [
        "refiner",
        "discriminator",
    ]


@pytest.mark.slow
def test_half_of_a_batch_is_from_the_past():
    """The others are new; ages are geometric with the mean of the memory's length."""
    batch, length, steps = 8, 5, 600
    pool = ImagePool((1,), size=length * batch // 2, batch_size=batch, seed=3, exactly_half=True)
    ages = []
    for step in range(steps):
        now = step * batch + np.arange(batch, dtype="float32")
        out = array(pool(now[:, None]))[:, 0]
        np.testing.assert_array_equal(out[::2], now[::2])
        np.testing.assert_array_equal(out[1::2] % batch, now[1::2] % batch)
        if step >= length:
            ages.append((now[1::2] - out[1::2]) / batch)
        else:
            np.testing.assert_array_equal(out, now)
    ages = np.concatenate(ages[20 * length :])
    assert ages.min() == 1  # never one of the same step
    deviation = np.sqrt(length * (length - 1))  # of a geometric distribution
    assert abs(ages.mean() - length) < 5 * deviation / np.sqrt(len(ages) / 3)
    assert abs((ages == 1).mean() - 1 / length) < 0.04
    with pytest.raises(ValueError, match="expected an even number"):
        ImagePool((1,), 8, 3, exactly_half=True)


def test_labels_are_kept(tmp_path):
    model, x = compiled(), images(count=5)
    angles = np.linspace(0, 1, 5)
    path = model.write_refined(tmp_path / "refined.npz", x, angle=angles, label=np.arange(5))
    with np.load(path) as found:
        np.testing.assert_array_equal(found["angle"], angles)
        np.testing.assert_array_equal(found["label"], np.arange(5))
        assert found["images"].dtype == "uint8" and found["images"].shape == x.shape
        np.testing.assert_allclose(found["images"] / 127.5 - 1, model.refine(x), atol=1 / 255 + 1e-6)
    with pytest.raises(ValueError, match=r"`angle` has shape \(4,\)"):
        model.write_refined(tmp_path / "wrong.npz", x, angle=angles[:4])


def test_features_that_are_none_are_refused():
    with pytest.raises(ValueError, match="`features` is 'edges'"):
        SimGAN(**SIZES, features="edges")
