"""WGAN-GP against mimicry (kwotsin/mimicry at a7fda06): both steps of the game, in networks of its kind.

Ours has DCGAN's networks, mimicry residual ones, which are built here of our layers: batch normalization, bilinear
enlarging, and what Keras has. Where a block of mimicry's critic begins with a ReLU, that one works in place, so that
the shortcut too gets the rectified maps; in the paper's own code (igul222/improved_wgan_training) a shortcut gets what
comes in. Running variances of PyTorch are unbiased, those of Keras biased. mimicry's minimax loss of the generator is
what the GAN paper calls non-saturating (section 3); ours is that of its equation 1. And mimicry's non-saturating loss
adds 1e-8 within the logarithm.
"""

import functools
import unittest.mock

import keras
import pytest
from keras import layers, ops

from kerasgan import WGANGP
from kerasgan.game.phase import Batch
from kerasgan.layers import Resample, batch_normalization
from kerasgan.objectives import losses
from tests.golden.reader import (
    SLOW_ON_JAX,
    Golden,
    array,
    channels_first,
    channels_last,
    kernel,
    official,
    weight_gradients,
)

pytestmark = SLOW_ON_JAX


def convolution(x, name, filters, size=3):
    return layers.Conv2D(filters, size, padding="same", name=name)(x)


def build_generator(width=8):
    """Three blocks that double the image."""
    latents = keras.Input((8,))
    x = layers.Dense(16 * width, name="l1")(latents)
    x = layers.Permute((2, 3, 1))(layers.Reshape((width, 4, 4))(x))
    for block in ("block2", "block3", "block4"):
        y = layers.ReLU()(batch_normalization(name=f"{block}.b1")(x))
        y = convolution(Resample(up=2, mirror=True)(y), f"{block}.c1", width)
        y = layers.ReLU()(batch_normalization(name=f"{block}.b2")(y))
        shortcut = convolution(Resample(up=2, mirror=True)(x), f"{block}.c_sc", width, 1)
        x = layers.Add()([convolution(y, f"{block}.c2", width), shortcut])
    x = layers.ReLU()(batch_normalization(name="b5")(x))
    return keras.Model(latents, ops.tanh(convolution(x, "c5", 3)), name="generator")


def build_critic(width=8):
    """Two blocks that halve the image, two that do not."""
    images = keras.Input((32, 32, 3))
    halved = layers.AveragePooling2D(2)
    y = convolution(layers.ReLU()(convolution(images, "block1.c1", width)), "block1.c2", width)
    x = layers.Add()([halved(y), convolution(halved(images), "block1.c_sc", width, 1)])
    for block in ("block2", "block3", "block4"):
        x = layers.ReLU()(x)
        y = layers.ReLU()(convolution(x, f"{block}.c1", width))
        y = convolution(y, f"{block}.c2", width)
        if block == "block2":
            y, x = halved(y), halved(convolution(x, f"{block}.c_sc", width, 1))
        x = layers.Add()([y, x])
    x = layers.GlobalAveragePooling2D()(layers.ReLU()(x))
    return keras.Model(images, layers.Dense(1, name="l5")(x), name="discriminator")


class Theirs:
    """Our WGAN-GP with networks of mimicry's kind and the stored weights, and its batch."""

    def __init__(self):
        self.golden = golden = Golden("mimicry_wgan_gp_32")
        self.networks = {"G": build_generator(), "D": build_critic()}
        self.model = WGANGP((32, 32, 3), latent_dim=8, generator=self.networks["G"], discriminator=self.networks["D"])
        self.model.phases()
        self.reset()
        self.batch = Batch(images(golden["inputs/x"]))
        self.latents = ops.convert_to_tensor(golden["inputs/z"], keras.config.floatx())
        self.model.draw_latents = lambda count, seed: self.latents

    def variables(self, network):
        """{their name: our variable}, running statistics too."""
        found = {}
        for layer in self.networks[network].layers:
            names = {"kernel": "weight", "gamma": "weight", "bias": "bias", "beta": "bias"}
            names |= {"moving_mean": "running_mean", "moving_variance": "running_var"}
            found |= {
                f"{layer.name}.{name}": getattr(layer, ours) for ours, name in names.items() if hasattr(layer, ours)
            }
        return found

    def reset(self):
        for network in self.networks:
            weights = self.golden.part(f"weights/{network}/")
            variables = self.variables(network)
            assert set(variables) == {name for name in weights if not name.endswith("num_batches_tracked")}
            for name, variable in variables.items():
                variable.assign(kernel(weights[name]) if weights[name].ndim > 1 else weights[name])

    def check_gradients(self, network, loss):
        trained = {name: v for name, v in self.variables(network).items() if "running" not in name}
        found = dict(zip(trained, map(array, weight_gradients(loss, list(trained.values()))), strict=True))
        found = {name: official(gradient) if gradient.ndim > 1 else gradient for name, gradient in found.items()}
        self.golden.check_all(f"grads/{network}_step/{network}/", found)

    def discriminator_loss(self):
        alpha = ops.reshape(ops.convert_to_tensor(self.golden["inputs/gp_alpha"], keras.config.floatx()), (-1, 1, 1, 1))
        with unittest.mock.patch("keras.random.uniform", lambda *_, **__: alpha):
            return self.model.discriminator_loss(self.batch)


def images(values):
    return ops.convert_to_tensor(channels_last(values), keras.config.floatx())


@functools.cache
def theirs_in(precision):
    return Theirs()


@pytest.fixture
def case(precision):
    return theirs_in(precision)


def test_both_steps(case):
    generator, critic = case.networks["G"], case.networks["D"]
    case.reset()
    found = {"outputs/eval/img": channels_first(generator(case.latents)[:2]), "outputs/eval/D_x": critic(case.batch.x)}
    found["outputs/train/img"] = channels_first(generator(case.latents, training=True)[:2])
    found["outputs/train/D_x"] = critic(case.batch.x, training=True)
    for name, variable in case.variables("G").items():
        if "running" in name:
            before = 0.9 * case.golden[f"weights/G/{name}"].astype("float64")
            count = len(case.golden["inputs/z"]) * generator.get_layer(name.rpartition(".")[0]).output.shape[1] ** 2
            unbiased = count / (count - 1) if name.endswith("var") else 1.0
            found[f"outputs/train/G_after/{name}"] = before + (array(variable) - before) * unbiased
    loss, logs = case.discriminator_loss()
    found["outputs/D_step/errD"] = loss - logs["gradient_penalty"]
    for name, logits in (("D(x)", case.model.real_logits), ("D(G(z))", case.model.fake_logits)):
        found[f"outputs/D_step/{name}"] = losses.mean(ops.sigmoid(logits(case.batch)))
    found["outputs/G_step/errG"] = case.model.generator_loss(case.batch)[0]
    case.golden.check(found)


def test_gradients(case):
    case.reset()
    case.check_gradients("D", lambda: case.discriminator_loss()[0])
    case.check_gradients("G", lambda: case.model.generator_loss(case.batch)[0])


def test_losses(precision):
    golden = Golden("mimicry_wgan_gp_32")
    real, fake = (ops.convert_to_tensor(golden[f"inputs/logits_{n}"], keras.config.floatx()) for n in ("real", "fake"))
    found = {"outputs/losses/minimax_loss_gen": losses.NonSaturating().generator(fake)}
    found["outputs/losses/minimax_loss_dis"] = losses.Minimax().discriminator(real, fake)
    for name, loss in (("hinge", losses.Hinge()), ("wasserstein", losses.Wasserstein())):
        found[f"outputs/losses/{name}_loss_gen"] = loss.generator(fake)
        found[f"outputs/losses/{name}_loss_dis"] = loss.discriminator(real, fake)
    golden.check(found)
    non_saturating = float(losses.NonSaturating().generator(fake))
    assert non_saturating == pytest.approx(
        float(golden["outputs/losses/ns_loss_gen"]), rel=1e-7 if precision == "float64" else 1e-5
    )
