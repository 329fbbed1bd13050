"""FastGAN's layers against the FastGAN generator and a discriminator head of Projected GAN.

(github.com/autonomousvision/projected-gan at e1c246b.) Its generator differs from ours by design: latents are scaled to
mean square 1, the excitation's activation is the swish, and images end without the hyperbolic tangent; "big" has two
convolutions with noise in each stage. Called without training, its layers do not iterate the spectral norm: there ours
are plain ones whose kernels NumPy has divided by sigma, as in the tests of mimicry.
"""

import keras
import pytest
from keras import layers, ops

from kerasgan.layers import PixelNormalization
from kerasgan.models.fastgan import convolution, generator_network, halved
from kerasgan.objectives.losses import Hinge
from kerasgan.zoo.convert import Source, assign
from kerasgan.zoo.official import DERIVED, pairs
from tests.golden.networks import call, check_gradients, check_state
from tests.golden.reader import Golden, channels_first, channels_last
from tests.golden.test_mimicry import baked

WIDTHS = (32, 16, 8, 4, 4, 2)


def generator_pairs(network, names):
    """The generator's variables beside what they are in a `state_dict`."""
    owners = {"synthesis.to_big": network.get_layer("colors")}
    owners["synthesis.init.init.0"] = network.get_layer("start_convolution")
    owners["synthesis.init.init.1"] = network.get_layer("start_normalization")
    big = any(layer.name.endswith("_convolution1") for layer in network.layers)
    for layer in network.layers:
        stage, _, part = layer.name.removeprefix("stage").partition("_")
        if not stage.isdecimal():
            continue
        kind, place = part.rstrip("0123456789"), int(part[-1]) if part[-1].isdecimal() else 0
        size = 4 << int(stage)
        number = {"convolution": 1, "noise": 2, "normalization": 3 if big else 2}.get(kind)
        if number:
            owners[f"synthesis.feat_{size}.{number + 4 * place}"] = layer
        elif kind in ("squeeze", "scale"):
            owners[f"synthesis.se_{size}.main.{1 if kind == 'squeeze' else 3}"] = layer
    noises = [
        (layer.strength, name)
        for name in names
        if name.endswith(".weight") and hasattr(layer := owners.get(name.removesuffix(".weight")), "strength")
    ]
    first = [(variable, Source(name, lambda values: values.reshape(()))) for variable, name in noises]
    return first + pairs(owners, names)


class Theirs:
    """Our generator with the weights of the file."""

    def __init__(self, name, spectral):
        self.golden = golden = Golden("projected_gan_fastgan")
        weights = {key: v for key, v in golden.part(f"weights/{name}/").items() if "_256" not in key}
        if "se_256" not in weights:  # of 128 pixels: what belongs to larger images is unused
            weights = {key: v for key, v in weights.items() if "se_256" not in key}
        weights = weights if spectral else {k: v for k, v in baked(weights).items() if not k.endswith("_u")}
        sizes = {"latent_dim": 8, "convolutions": 1 if name == "G_lite" else 2}
        options = {**sizes, "activation": layers.Activation("swish"), "spectral": spectral}
        network = generator_network((4, 4), 3, WIDTHS, **options)
        self.network = keras.Model(network.input, network.get_layer("colors").output)
        assign(generator_pairs(self.network, weights), weights, DERIVED)
        latents = ops.convert_to_tensor(golden["inputs/z"], keras.config.floatx())
        self.latents = PixelNormalization()(latents)


@pytest.fixture
def noise(monkeypatch):
    golden = Golden("projected_gan_fastgan")

    def stored(shape, seed, dtype):
        height, width = (int(n) for n in shape[1:3])
        return ops.convert_to_tensor(channels_last(golden[f"inputs/noise2x1x{height}x{width}"]), dtype)

    monkeypatch.setattr("kerasgan.layers.noise.draw_noise", stored)


@pytest.mark.parametrize("name", ["G", "G_lite"])
def test_called_without_training(name, precision, noise):
    theirs = Theirs(name, spectral=False)
    images = channels_first(theirs.network(theirs.latents, training=False))
    keys = ("eval_img[:,:,::4,::4]", "eval_img_crop[:1,:,56:72,56:72]")
    theirs.golden.check({f"outputs/{name}/{key}": images for key in keys})


def test_called_in_training(precision, noise):
    theirs = Theirs("G", spectral=True)
    images = channels_first(call(theirs.network, theirs.latents, True))
    theirs.golden.check({"outputs/G/train_img[:,:,::4,::4]": images})
    counts = {"synthesis.init": 2 * 4**2, "synthesis.feat_8": 2 * 8**2}
    check_state(theirs.golden, "outputs/G/train_after/", generator_pairs, theirs.network, "weights/G/", counts)


def head(spectral):
    """Two convolutions that halve a map, and logits of windows of 4x4."""
    features = x = keras.Input((32, 32, 6))
    for place in range(2):
        x = halved(x, 8, f"halved{place}", spectral, direct=False, bias=True)
    x = convolution(1, 4, spectral, padding="valid", name="windows")(x)
    return keras.Model(features, x)


def head_pairs(network, names):
    owners = {f"main.{n}.main.0": network.get_layer(f"halved{n}_convolution0") for n in range(2)}
    owners |= {f"main.{n}.main.1": network.get_layer(f"halved{n}_normalization0") for n in range(2)}
    return pairs({**owners, "main.2": network.get_layer("windows")}, names)


def test_discriminator(precision):
    golden = Golden("projected_gan_fastgan")
    features = ops.convert_to_tensor(channels_last(golden["inputs/features"]), keras.config.floatx())
    weights, found = golden.part("weights/SingleDisc/"), {}
    for kind, spectral in (("eval", False), ("train", True)):
        network = head(spectral)
        given = weights if spectral else {k: v for k, v in baked(weights).items() if not k.endswith("_u")}
        assign(head_pairs(network, given), given, DERIVED)
        found[f"outputs/SingleDisc/{kind}"] = channels_first(call(network, features, spectral))
    golden.check(found)
    network = head(True)
    assign(head_pairs(network, weights), weights, DERIVED)
    prefix = "grads/SingleDisc/relu(1-train).mean/"

    def loss():
        return ops.sum(ops.relu(1 - network(features, training=True))) / 75

    check_gradients(golden, prefix, head_pairs, network, loss)


def test_losses(precision):
    """Lightweight GAN's hinge loss (github.com/lucidrains/lightweight-gan at efbec45); its sign is the other one."""
    golden = Golden("lightweight_gan")
    real, fake = (ops.convert_to_tensor(golden[f"inputs/logits_{x}"], keras.config.floatx()) for x in ("real", "fake"))
    found = {"hinge_D": Hinge().discriminator(-real, -fake), "hinge_G": Hinge().generator(-fake, -real)}
    golden.check({f"outputs/losses/{name}": value for name, value in found.items()})
