"""BigBiGAN's losses on a game of three parameters, and its networks."""

import keras
import numpy as np
import pytest
from keras import ops

from kerasgan.game.engines import gradients
from kerasgan.models.bigbigan import (
    SCORES,
    bigbigan_discriminator,
    bigbigan_encoder,
    bigbigan_generator,
    discriminator_loss,
    drawn_latents,
    features_of,
    generator_encoder_loss,
)

X, Z = np.array([0.5, 2.0]), np.array([1.0, -0.25])


def scores(psi, x, z):
    """A discriminator of one parameter."""
    return {"images": psi * x, "latents": psi * z, "joint": psi * x * z}


def game(parameters):
    """Scores of (x, E(x)) and (G(z), z) with E(x) = e x, G(z) = g z, and psi."""
    psi, g, e = parameters
    return scores(psi, X, e * X), scores(psi, g * Z, Z)


def derivatives(loss, parameters):
    """Gradient of a loss with respect to psi, g and e."""
    found = gradients(lambda t: loss(*game(t)), [ops.convert_to_tensor(p, "float32") for p in parameters])
    return [float(value) for value in found]


def test_each_score_has_a_hinge_of_its_own():
    psi, g, e = 0.9, 2.0, -3.0
    real, fake = game((psi, g, e))
    value = sum(np.maximum(0, 1 - real[s]).mean() + np.maximum(0, 1 + fake[s]).mean() for s in SCORES)
    of_sum = np.maximum(0, 1 - sum(real.values())).mean() + np.maximum(0, 1 + sum(fake.values())).mean()
    assert abs(value - of_sum) > 1.0
    convert = [{name: ops.convert_to_tensor(v, "float32") for name, v in each.items()} for each in (real, fake)]
    np.testing.assert_allclose(float(discriminator_loss(*convert)), value, rtol=1e-6)
    expected = 0.0  # x = 2 is real enough by "images", and 1.8 > 1
    for s, factors in (("images", (X, g * Z)), ("latents", (e * X, Z)), ("joint", (X * e * X, g * Z * Z))):
        expected += (-factors[0] * (real[s] < 1)).mean() + (factors[1] * (fake[s] > -1)).mean()
    np.testing.assert_allclose(derivatives(discriminator_loss, (psi, g, e))[0], expected, rtol=1e-5)


def test_the_encoder_lowers_what_the_generator_raises():
    psi, g, e = 0.9, 2.0, -3.0
    _, of_g, of_e = derivatives(generator_encoder_loss, (psi, g, e))
    # d/de E[psi e x + psi e x^2] is positive, and its descent lowers the scores of images and their latents.
    np.testing.assert_allclose(of_e, psi * (X + X * X).mean(), rtol=1e-5)
    np.testing.assert_allclose(of_g, -psi * (Z + Z * Z).mean(), rtol=1e-5)
    assert of_e > 0 > of_g


def test_scores_can_be_left_out():
    _, of_g, of_e = derivatives(lambda *s: generator_encoder_loss(*s, scores=("latents", "joint")), (1.0, 2.0, -3.0))
    np.testing.assert_allclose((of_e, of_g), ((X + X * X).mean(), -(Z * Z).mean()), rtol=1e-5)


@pytest.mark.parametrize("encoder_size", [32, 64])
def test_networks(encoder_size):
    generator, discriminator = bigbigan_generator(32, 16, 2), bigbigan_discriminator(32, 16, 2, units=8, blocks=2)
    encoder = bigbigan_encoder(encoder_size, 16, widths=(4, 8), depths=(1, 1), units=8)
    rng = np.random.default_rng(0)
    latents = ops.convert_to_tensor(rng.normal(size=(2, 16)), "float32")
    images = generator([latents])
    told = discriminator([images, latents])
    assert {name: tuple(value.shape) for name, value in told.items()} == dict.fromkeys(SCORES, (2, 1))
    inputs = ops.convert_to_tensor(rng.uniform(-1, 1, (2, encoder_size, encoder_size, 3)), "float32")
    found = encoder([inputs])
    drawn = drawn_latents(found["mean"], found["spread"], ops.zeros((2, 16)))
    np.testing.assert_array_equal(ops.convert_to_numpy(drawn), ops.convert_to_numpy(found["mean"]))
    assert features_of(encoder)([inputs]).shape == (2, 32)
    # Scores of images do not see latents, nor the other way round.
    others = discriminator([images, 2.0 * latents])
    same = {name: bool(ops.all(ops.isclose(told[name], others[name]))) for name in SCORES}
    assert same == {"images": True, "latents": False, "joint": False}


def test_its_encoder_is_resnet_50():
    """23.5 million parameters without a classifier."""
    encoder = bigbigan_encoder(128, latent_dim=1, units=1, blocks=0)
    trunk = keras.Model(encoder.inputs, encoder.get_layer("features").output)
    assert sum(np.prod(v.shape) for v in trunk.trainable_variables) == 23_500_352
