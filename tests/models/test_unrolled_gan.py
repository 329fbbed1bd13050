"""Unrolled GAN: the family harness, and its gradient against a computation of its own in float64."""

import itertools

import keras
import numpy as np
import pytest
from keras import ops

import kerasgan
from kerasgan import UnrolledGAN
from kerasgan.game.engines import gradients
from kerasgan.testing import EAGERLY, FURTHER, double_precision, family_tests

test_unrolled_gan = family_tests(UnrolledGAN, {"image_shape": (2,), "latent_dim": 3, "units": 4}, {"unrolled_steps": 2})
test_packed_simultaneous = family_tests(
    UnrolledGAN,
    {"image_shape": (2,), "latent_dim": 3, "units": 4, "packing": 2},
    recipe={
        "unrolled_steps": 2,
        "update": "simultaneous",
        "loss": "relativistic_paired",
        "penalties": ("r1",),
        "discriminator_optimizer": {"class_name": "sgd", "config": {"learning_rate": 0.1, "momentum": 0.5}},
    },
    unmoved=("discriminator: logits/bias",),  # only differences of logits count
    slow=FURTHER,
)

# A game of two scalars: G(z) = a z + b, D(x) = w x + c x^2, in which everything can be written down.
REAL = np.array([[1.0], [0.4], [-0.3], [2.0]])
LATENTS = np.array([[0.5], [-1.0], [0.3], [1.2]])
RATE, EPSILON = 2.0**-2, 2.0**-20  # Keras rounds these numbers to float32
START = {"a": 0.7, "b": -0.2, "w": 0.3, "c": -0.4}


def sigmoid(x):
    return 1.0 / (1.0 + np.exp(-x))


class Rule:
    """The update rules of the textbook, one object for one player."""

    def __init__(self, kind, rate, momentum=0.0, beta_1=0.9, beta_2=0.999, epsilon=EPSILON):
        self.__dict__.update(vars(), m=np.zeros(2), v=np.zeros(2), step=0)

    def __call__(self, values, slopes):
        if self.kind == "sgd":
            self.m = self.momentum * self.m - self.rate * slopes
            return values + self.m
        self.step += 1
        self.m = self.beta_1 * self.m + (1 - self.beta_1) * slopes
        self.v = self.beta_2 * self.v + (1 - self.beta_2) * slopes**2
        corrected = np.sqrt(1 - self.beta_2**self.step) / (1 - self.beta_1**self.step)
        return values - self.rate * corrected * self.m / (np.sqrt(self.v) + self.epsilon)

    def copy(self):
        other = Rule(self.kind, self.rate, self.momentum, self.beta_1, self.beta_2, self.epsilon)
        other.m, other.v, other.step = self.m.copy(), self.v.copy(), self.step
        return other


def discriminator_slopes(a, b, w, c):
    """Derivatives of E sp(-D(x)) + E sp(D(G(z))) with respect to (w, c)."""
    fake = a * LATENTS + b

    def logits(x):
        return w * x + c * x * x

    on_real, on_fake = -sigmoid(-logits(REAL)), sigmoid(logits(fake))
    return np.array([(on_real * REAL**n).mean() + (on_fake * fake**n).mean() for n in (1, 2)])


def generator_objective(a, b, w, c, rule, steps):
    """-E sp(D(G(z))) after steps of the discriminator."""
    rule, values = rule.copy(), np.array([w, c])
    for _ in range(steps):
        values = rule(values, discriminator_slopes(a, b, *values))
    fake = a * LATENTS + b
    return -np.logaddexp(0.0, values[0] * fake + values[1] * fake**2).mean()


def expected_training(rule, steps, rate, rounds):
    """The values of a, b, w, c after alternating rounds: D steps by its rule, G by gradient descent."""
    a, b, w, c = START.values()
    for _ in range(rounds):
        w, c = rule(np.array([w, c]), discriminator_slopes(a, b, w, c))
        slopes, h = [], 1e-5
        for da, db in ((h, 0.0), (0.0, h)):  # of fourth order, so that 1e-10 is what is left
            f = [generator_objective(a + k * da, b + k * db, w, c, rule, steps) for k in (-2, -1, 1, 2)]
            slopes.append((f[0] - 8 * f[1] + 8 * f[2] - f[3]) / (12 * h))
        a, b = a - rate * slopes[0], b - rate * slopes[1]
    return np.array([a, b, w, c])


class Square(keras.layers.Layer):
    def call(self, x):
        return ops.concatenate([x, x * x], axis=-1)


def scalar_game(**recipe):
    """The game of two scalars as a model, whose latents are always the same."""

    class Scripted(UnrolledGAN):
        def draw_latents(self, count, seed):
            return ops.convert_to_tensor(LATENTS)

    points = keras.Input((1,))
    model = Scripted(
        (1,),
        latent_dim=1,
        generator=keras.Sequential([keras.Input((1,)), keras.layers.Dense(1)]),
        discriminator=keras.Model(points, keras.layers.Dense(1, use_bias=False)(Square()(points))),
        seed=0,
    )
    model.generator.set_weights([np.array([[START["a"]]]), np.array([START["b"]])])
    model.discriminator.set_weights([np.array([[START["w"]], [START["c"]]])])
    model.compile(batch_size=4, generator_optimizer=keras.optimizers.SGD(RATE), run_eagerly=EAGERLY, **recipe)
    return model


def trained(rounds=3, **recipe):
    with double_precision():
        model = scalar_game(**recipe)
        model.fit(np.repeat(REAL[None], rounds, 0).reshape(-1, 1), batch_size=4, shuffle=False, verbose=0)
        weights = [*model.generator.get_weights(), *model.discriminator.get_weights()]
        return np.concatenate([weight.ravel() for weight in weights]), model


RULES = {
    "adam": (
        {"learning_rate": 0.125, "beta_1": 0.5, "beta_2": 0.875, "epsilon": EPSILON},
        Rule("adam", 0.125, 0.0, 0.5, 0.875),
    ),
    "sgd": ({"learning_rate": 0.25}, Rule("sgd", 0.25)),
    "momentum": ({"learning_rate": 0.25, "momentum": 0.5}, Rule("sgd", 0.25, 0.5)),
}


@pytest.mark.parametrize(("rule", "steps"), [("adam", 0), ("adam", 1), ("adam", 4), ("sgd", 3), ("momentum", 3)])
def test_three_rounds_by_hand(rule, steps):
    """The second and third round start from the moments that the first has left."""
    config, reference = RULES[rule]
    kind = keras.optimizers.Adam if rule == "adam" else keras.optimizers.SGD
    found, _ = trained(unrolled_steps=steps, discriminator_optimizer=kind(**config))
    expected = expected_training(reference.copy(), steps, RATE, rounds=3)
    np.testing.assert_allclose(found, expected, atol=2e-9, rtol=0)
    # Negative control: a generator that looks one step less or more ahead ends elsewhere.
    for other in (steps - 1, steps + 1):
        if other >= 0:
            assert np.abs(found - expected_training(reference.copy(), other, RATE, rounds=3)).max() > 1e-4


@pytest.mark.parametrize("update", ["alternating", "simultaneous"])
def test_no_steps_are_the_plain_game(update):
    arguments = {"image_shape": (2,), "latent_dim": 3, "seed": 4}
    networks = UnrolledGAN(**arguments, units=8)
    sgd = {
        f"{player}_optimizer": {"class_name": "sgd", "config": {"learning_rate": 0.1}} for player in networks.networks
    }
    results = []
    for family, more in ((kerasgan.LatentModel, {}), (UnrolledGAN, {"unrolled_steps": 0})):
        copies = [keras.models.clone_model(n) for n in (networks.generator, networks.discriminator)]
        for copy, network in zip(copies, networks.networks.values(), strict=True):
            copy.set_weights(network.get_weights())
        model = family(**arguments, generator=copies[0], discriminator=copies[1])
        model.compile(loss="minimax", update=update, run_eagerly=EAGERLY, **sgd, **more)
        model.fit(np.random.default_rng(0).normal(size=(32, 2)).astype("float32"), batch_size=16, verbose=0)
        results.append([*model.generator.get_weights(), *model.discriminator.get_weights()])
    for plain, unrolled in zip(*results, strict=True):
        np.testing.assert_allclose(unrolled, plain, atol=1e-6)
    assert any(np.abs(a - b).max() > 1e-5 for a, b in zip(results[0], networks.get_weights(), strict=False))


def test_weights_without_a_gradient_make_no_nan():
    """A dead unit has moments of 0, where the slope of Adam's root is infinite."""
    model = UnrolledGAN((2,), latent_dim=3, units=4, seed=0)
    hidden = model.discriminator.layers[-2]
    hidden.bias.assign([-1e3, 0.0, 0.0, 0.0])
    model.compile(run_eagerly=EAGERLY)
    history = model.fit(np.zeros((16, 2), "float32"), batch_size=8, verbose=0).history
    weights = [*model.generator.get_weights(), *model.discriminator.get_weights()]
    assert np.isfinite(history["generator_loss"]).all() and all(np.isfinite(w).all() for w in weights)


def test_gradients_are_differentiable():
    """Of x^2 y: (2 x y, x^2), and the derivative of their sum with respect to x: 2 y + 2 x."""
    x, y = (ops.convert_to_tensor(np.float32(value)) for value in (3.0, 5.0))

    def sum_of_slopes(outer):
        return sum(gradients(lambda inner: inner[0] * inner[0] * inner[1], [outer[0], y]))

    assert [float(g) for g in gradients(lambda t: t[0] * t[0] * t[1], [x, y])] == [30.0, 9.0]
    assert [float(g) for g in gradients(sum_of_slopes, [x])] == [16.0]


def test_what_cannot_be_unrolled_is_refused():
    model = UnrolledGAN((2,), latent_dim=2, units=2, seed=0)
    for optimizer in (
        keras.optimizers.RMSprop(),
        keras.optimizers.Adam(amsgrad=True),
        keras.optimizers.SGD(nesterov=True, momentum=0.5),
        keras.optimizers.Adam(clipnorm=1.0),
    ):
        with pytest.raises(ValueError, match="can be unrolled"):
            model.compile(discriminator_optimizer=optimizer)
    for steps in (-1, 1.5):
        with pytest.raises(ValueError, match="a plain GAN"):
            model.compile(unrolled_steps=steps)
    with pytest.raises(ValueError, match="unconditional"):
        UnrolledGAN((2,), num_classes=3)


def test_networks_of_the_paper():
    model = UnrolledGAN((2,), seed=0)
    assert [layer.units for layer in model.generator.layers if hasattr(layer, "units")] == [128, 128, 2]
    assert [layer.units for layer in model.discriminator.layers if hasattr(layer, "units")] == [128, 1]
    assert model.generator.input_shape == (None, 256)
    for layer in itertools.chain(model.generator.layers, model.discriminator.layers):
        if hasattr(layer, "kernel"):
            values = np.linalg.svd(ops.convert_to_numpy(layer.kernel), compute_uv=False)
            np.testing.assert_allclose(values, 0.8, atol=1e-5)
    x = np.array([[4.0, -8.0]], "float32")
    quarter = keras.Sequential(model.discriminator.layers[3:])
    np.testing.assert_allclose(
        ops.convert_to_numpy(model.discriminator(x)), ops.convert_to_numpy(quarter(x / 4)), atol=1e-6
    )
