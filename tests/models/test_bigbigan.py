"""BigBiGAN's losses on a game of three parameters, and its networks."""

import keras
import numpy as np
import pytest
from keras import ops

from kerasgan import Batch, BigBiGAN
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
from kerasgan.testing import CHECKS, enliven, family_tests

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


SIZES = {
    "image_shape": (8, 8, 1),
    "latent_dim": 4,
    "units": 8,
    "blocks": 1,
    "encoder_widths": (4, 4),
    "encoder_depths": (1, 1),
    "encoder_units": 8,
    "encoder_blocks": 1,
    "generator_widths": (8, 8),
    "discriminator_widths": (8, 8),
}
# Biases that batch normalization takes away again.
TAKEN = tuple(f"generator: block0_{name}/bias" for name in ("convolution1", "convolution2", "shortcut"))

test_bigbigan = family_tests(BigBiGAN, SIZES, recipe={"generator_every": 2}, unmoved=TAKEN)
test_packed = family_tests(
    BigBiGAN,
    {**SIZES, "packing": 2, "encoder_size": 16},
    recipe={"generator_every": 1, "views": ("diffaugment:translation",)},
    unmoved=(*TAKEN, "discriminator: latents_score/bias"),  # no hinge of this score is closed
    slow=CHECKS,
)


@pytest.mark.slow
def test_the_parts_of_the_loss():
    """The phases of generator and encoder add up to the loss of both, and the step has the encoder's rate."""
    model = BigBiGAN(**SIZES, seed=0)
    model.compile()
    enliven(model)
    batch = Batch(ops.convert_to_tensor(model.data_specs()[0].example(4, 0)))
    names = ("discriminator", "generator", "encoder")
    assert [(phase.name, phase.trains, phase.optimizer) for phase in model.game] == [(n, (n,), n) for n in names]
    real, fake = model.real_logits(batch), model.fake_logits(batch)
    model.real_logits, model.fake_logits = lambda batch: real, lambda batch: fake
    parts = [float(loss(batch)[0]) for loss in (model.generator_loss, model.encoder_loss)]
    assert sum(parts) == pytest.approx(float(generator_encoder_loss(real, fake)), rel=1e-5)
    rates = [float(model.optimizer[player].learning_rate) for player in names]
    np.testing.assert_allclose(rates, [2e-4, 5e-5, 5e-4], rtol=1e-6)
    model = BigBiGAN(**SIZES, seed=0)
    model.compile(scores=("latents", "joint"))
    loss = model.discriminator_loss(batch)[0]
    assert np.isfinite(float(loss))


def test_larger_images_for_the_encoder():
    model = BigBiGAN(**SIZES, encoder_size=16, seed=0)
    x = np.random.default_rng(0).uniform(-1, 1, (3, 16, 16, 1)).astype("float32")
    shown = ops.convert_to_numpy(model.real_samples(Batch(ops.convert_to_tensor(x))))
    np.testing.assert_allclose(shown, x.reshape(3, 8, 2, 8, 2, 1).mean((2, 4)), atol=1e-6)
    assert model.reconstruct(x).shape == (3, 8, 8, 1)
    with pytest.raises(ValueError, match="`encoder_size` is 12; expected a multiple of the image size, 8"):
        BigBiGAN(**SIZES, encoder_size=12)


def test_both_directions():
    model = BigBiGAN(**SIZES, seed=0)
    enliven(model)
    for network in (model.encoder, model.generator):  # away from the averages
        network.set_weights([w + 0.1 for w in network.get_weights()])
    x = np.random.default_rng(0).uniform(-1, 1, (5, 8, 8, 1)).astype("float32")
    for ema, encoder in ((True, model.ema_encoder), (False, model.encoder)):
        mean = ops.convert_to_numpy(encoder(x, training=False)["mean"])
        np.testing.assert_allclose(model.encode(x, ema), mean, atol=1e-4)
        generator = model.ema_generator if ema else model.generator
        again = ops.convert_to_numpy(generator(ops.convert_to_tensor(mean), training=False))
        np.testing.assert_allclose(model.reconstruct(x, ema), again, atol=1e-4)
        pooled = ops.convert_to_numpy(features_of(encoder)(x, training=False))
        np.testing.assert_allclose(model.features(x, ema), pooled, atol=1e-4)
    assert pooled.shape == (5, 16)
    assert np.abs(model.encode(x, True) - model.encode(x, False)).max() > 0.01


def test_what_is_refused():
    with pytest.raises(ValueError, match="`num_classes` was given"):
        BigBiGAN(**SIZES, num_classes=3)
    model = BigBiGAN(**SIZES)
    for changes, message in (
        ({"loss": "wasserstein"}, "`loss` is 'wasserstein', but BigBiGAN uses a hinge"),
        ({"penalties": ("r1",)}, "`penalties` were given"),
        ({"scores": ("image",)}, "`scores` is .*expected some of"),
    ):
        with pytest.raises(ValueError, match=message):
            model.compile(**changes)
