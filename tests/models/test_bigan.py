"""BiGAN through the family harness, and the swapped labels that its encoder learns from."""

import keras
import numpy as np
import pytest
from keras import layers, ops

from kerasgan import Batch, BiGAN
from kerasgan.game.engines import gradients
from kerasgan.game.schedules import Exponential
from kerasgan.objectives import penalties
from kerasgan.testing import CHECKS, enliven, family_tests

SIZES = {"image_shape": (8, 8, 1), "latent_dim": 3, "units": 8}

test_bigan = family_tests(BiGAN, SIZES)
test_convolutional = family_tests(
    BiGAN, {**SIZES, "image_shape": (8, 8, 3), "convolutional": True, "width": 2}, slow=CHECKS
)
test_convolutional_without_normalization = family_tests(
    BiGAN,
    {**SIZES, "image_shape": (8, 8, 3), "convolutional": True, "width": 2, "discriminator_normalization": None},
    slow=CHECKS,
)
test_packed_vectors_with_penalty = family_tests(
    BiGAN,
    {**SIZES, "image_shape": (2,), "packing": 2},
    recipe={"update": "alternating", "penalties": (penalties.R1(1.0),)},
    slow=CHECKS,
)


def linear(weights, decay=0.0, **recipe):
    """A game of one weight each on numbers: G(z) = g z, E(x) = e x, D(x, z) = a x + b z."""
    g, e, a, b = weights

    def dense(value):
        return layers.Dense(1, use_bias=False, kernel_initializer=keras.initializers.Constant(value))

    x, z = keras.Input((1,), name="images"), keras.Input((1,), name="latents")
    model = BiGAN(
        (1,),
        1,
        generator=keras.Model(z, dense(g)(z)),
        encoder=keras.Model(x, dense(e)(x)),
        discriminator=keras.Model([x, z], layers.Add()([dense(a)(x), dense(b)(z)])),
        seed=0,
    )
    model.compile(weight_decay=decay, **recipe)
    return model


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


@pytest.mark.parametrize("decay", [0.0, 0.3])
def test_the_encoder_learns_from_real_pairs_with_swapped_labels(decay):
    """With D = a x + b z and swapped labels the gradient of e is E[s(D(x, e x)) b x], that of g E[-s(-D(g z, z)) a z].

    The controls: with the labels as the discriminator has them, e's would be -E[s(-D) b x], of the other sign.
    """
    rng, (g, e, a, b) = np.random.default_rng(0), (0.7, -0.4, 1.3, 0.9)
    x, z = (rng.normal(size=(16, 1)).astype("float32") for _ in range(2))
    model = linear((g, e, a, b), decay)
    model.latents = lambda batch: ops.convert_to_tensor(z)
    batch, variables = Batch(ops.convert_to_tensor(x)), [model.generator.weights[0], model.encoder.weights[0]]

    def loss_at(values, loss):
        with keras.StatelessScope(list(zip(variables, values, strict=True))):
            return loss(batch)[0]

    start = [ops.convert_to_tensor(np.array(ops.convert_to_numpy(v))) for v in variables]
    found = [
        [float(ops.convert_to_numpy(x).squeeze()) for x in gradients(lambda v: loss_at(v, loss), start)]  # noqa: B023
        for loss in (model.generator_loss, model.discriminator_loss)
    ]
    real, fake = a * x + b * e * x, a * g * z + b * z
    expected_g, expected_e = np.mean(-sigmoid(-fake) * a * z), np.mean(sigmoid(real) * b * x)
    assert found[0] == pytest.approx([expected_g + decay * g, expected_e + decay * e], rel=1e-4)
    control = [np.mean(sigmoid(fake) * a * z), np.mean(-sigmoid(-real) * b * x)]
    assert found[1] == pytest.approx(control, rel=1e-4)
    assert abs(found[1][1] - expected_e) > 0.1
    loss = np.mean(np.logaddexp(0, real)) + np.mean(np.logaddexp(0, -fake)) + decay / 2 * (g**2 + e**2)
    assert float(model.generator_loss(batch)[0]) == pytest.approx(loss, rel=1e-5)
    judged = np.mean(np.logaddexp(0, -real)) + np.mean(np.logaddexp(0, fake)) + decay / 2 * (a**2 + b**2)
    assert float(model.discriminator_loss(batch)[0]) == pytest.approx(judged, rel=1e-5)


def test_both_players_see_the_same_pairs():
    """In a simultaneous step the encoder runs once, and its unscaled output is what the discriminator is given."""
    model, seen = BiGAN(**SIZES, seed=0), []
    model.compile()
    judge = model.discriminate
    model.discriminate = lambda images, latents: (seen.append((images, latents)), judge(images, latents))[1]
    x = ops.convert_to_tensor(np.random.default_rng(0).uniform(-1, 1, (8, 8, 8, 1)).astype("float32"))
    model.evaluate_losses(model.game, Batch(x))
    (real, encoded), (fake, latents) = [tuple(map(ops.convert_to_numpy, pair)) for pair in seen]
    np.testing.assert_allclose(encoded, ops.convert_to_numpy(model.encoder(real, training=True)), atol=1e-5)
    np.testing.assert_allclose(fake, ops.convert_to_numpy(model.generator(latents, training=True)), atol=1e-5)
    assert np.abs(latents).max() <= 1


def test_a_penalty_on_pairs():
    """R1 of a x + b z is (a^2 + b^2) / 2: the gradient with respect to both."""
    model = linear((0.7, -0.4, 1.3, 0.9), penalties=(penalties.R1(1.0),))
    logs = model.discriminator_loss(Batch(ops.ones((4, 1))))[1]
    assert float(logs["r1"]) == pytest.approx((1.3**2 + 0.9**2) / 2, rel=1e-5)


def test_both_directions():
    model = BiGAN(**SIZES, seed=0)
    for network in (model.encoder, model.generator):  # away from the averages
        network.set_weights([w + 0.1 for w in network.get_weights()])
    x = np.random.default_rng(0).uniform(-1, 1, (5, 8, 8, 1)).astype("float32")
    for ema, prefix in ((True, "ema_"), (False, "")):
        encoder, generator = getattr(model, f"{prefix}encoder"), getattr(model, f"{prefix}generator")
        latents = encoder(x, training=False)
        np.testing.assert_allclose(model.encode(x, ema), ops.convert_to_numpy(latents), atol=1e-5)
        again = ops.convert_to_numpy(generator(latents, training=False))
        np.testing.assert_allclose(model.reconstruct(x, ema), again, atol=1e-5)
        out = encoder.get_layer("latents")
        np.testing.assert_allclose(ops.convert_to_numpy(out(model.features(x, ema))), model.encode(x, ema), atol=1e-4)
    assert np.abs(model.encode(x, True) - model.encode(x, False)).max() > 0.01
    with pytest.raises(ValueError, match="value_range"):
        model.encode(127.5 * (x + 1))


@pytest.mark.skipif(keras.backend.backend() != "tensorflow", reason="a SavedModel is TensorFlow's")
def test_both_directions_are_served(tmp_path):
    import tensorflow as tf

    model = BiGAN(**SIZES, seed=0)
    x = np.random.default_rng(0).uniform(-1, 1, (3, 8, 8, 1)).astype("float32")
    model.export(tmp_path / "model")
    served = tf.saved_model.load(tmp_path / "model").signatures
    for name, output in (("encode", "latents"), ("features", "features"), ("reconstruct", "images")):
        found = served[name](images=tf.constant(x))[output].numpy()
        np.testing.assert_allclose(found, getattr(model, name)(x), atol=1e-5)
    latents = served["encode"](images=tf.constant(x))["latents"]
    np.testing.assert_allclose(
        served["serving_default"](latents=latents)["images"].numpy(), model.reconstruct(x), atol=1e-5
    )


def test_the_papers_networks_and_recipe():
    model = BiGAN((28, 28, 1), seed=0)
    shapes = {
        name: [tuple(v.shape) for v in network.trainable_variables if v.name == "kernel"]
        for name, network in model.networks.items()
    }
    assert shapes["generator"] == [(50, 1024), (1024, 1024), (1024, 784)]
    assert shapes["encoder"] == [(784, 1024), (1024, 1024), (1024, 50)]
    assert shapes["discriminator"] == [(784, 1024), (1074, 1024), (1024, 1)]
    normalized = [x for n in model.networks.values() for x in n.layers if isinstance(x, layers.BatchNormalization)]
    assert len(normalized) == 4 and not any(layer.trainable_variables for layer in normalized)
    model.compile()
    rate = model.optimizer["generator"]
    for epochs, expected in ((0, 2e-4), (200, 2e-4), (300, 2e-5), (400, 2e-6), (500, 2e-6)):
        model.images_seen.assign(epochs * 50_000)
        assert float(rate.learning_rate) == pytest.approx(expected, rel=1e-4)


def test_exponential():
    schedule = Exponential(2.0, 0.5, kimg=4, wait=2)
    for images, expected in ((0, 2), (2000, 2), (3000, 2**0.5), (4000, 1), (6000, 0.5), (10**6, 0.5)):
        assert float(schedule(images)) == pytest.approx(expected, rel=1e-5)
    assert 3.0 * schedule == Exponential(6.0, 1.5, kimg=4, wait=2)
    with pytest.raises(ValueError, match="positive"):
        Exponential(1.0, 0.0, kimg=4)


@pytest.mark.parametrize("size", [8, 28, 64])
def test_convolutional_sizes(size):
    model = BiGAN((size, size, 3), latent_dim=2, units=4, convolutional=True, width=1, seed=0)
    images = model.sample(2)
    assert images.shape == (2, size, size, 3) and model.encode(images).shape == (2, 2)


def test_classes_are_refused():
    with pytest.raises(ValueError, match="unconditional"):
        BiGAN((8, 8, 1), num_classes=3)


@pytest.mark.parametrize(("kind", "alike"), [("layer", True), (None, True), ("batch", False)])
def test_the_discriminator_judges_each_pair_by_itself(kind, alike):
    """Without batch normalization a pair's score does not depend on the others; with it, the control, it does."""
    model = BiGAN((8, 8, 1), latent_dim=3, units=8, discriminator_normalization=kind, seed=0)
    enliven(model)
    x, z = np.random.default_rng(0).uniform(-1, 1, (4, 8, 8, 1)), np.random.default_rng(1).uniform(-1, 1, (4, 3))
    x, z = (ops.convert_to_tensor(each.astype("float32")) for each in (x, z))
    together, alone = model.discriminator([x, z], training=True), model.discriminator([x[:1], z[:1]], training=True)
    close = np.allclose(ops.convert_to_numpy(together)[:1], ops.convert_to_numpy(alone), rtol=1e-4, atol=1e-6)
    assert close == alike


@pytest.mark.parametrize(("convolutional", "alone", "joint"), [(True, 2, 2), (False, 0, 1)])
def test_the_discriminators_layers_for_latents_alone_and_for_pairs(convolutional, alone, joint):
    """ALI's in convolutional networks; in perceptrons the latents join in the second layer, as in the official code."""
    sizes = {"latent_dim": 3, "units": 5, "convolutional": convolutional, "width": 2}
    model = BiGAN((8, 8, 1), seed=0, **sizes)
    pixels = 4 * 2 * 2 if convolutional else 5  # what reaches the pairs' layers of an image
    shapes = [tuple(v.shape) for v in model.discriminator.trainable_variables if len(v.shape) == 2]
    latents = [(3, 5), (5, 5)][:alone]
    pairs = [(pixels + (5 if alone else 3), 5), (5, 5)][:joint]
    image = [] if convolutional else [(64, 5)]
    assert sorted(shapes) == sorted([*image, *latents, *pairs, (5, 1)])
