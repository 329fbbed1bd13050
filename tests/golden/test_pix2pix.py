"""pix2pix against the authors' PyTorch code (junyanz/pytorch-CycleGAN-and-pix2pix).

Ours normalizes each sample by itself, at test too. Theirs normalizes the batch, which is the same for the paper's
batches of one image, and by running statistics where it is told to evaluate, which the paper does not do: those outputs
are left out. The running statistics are compared with what our normalizations' inputs would make of them. Where it
differs from the paper's own Lua code, ours follows that one: the first and the last convolution of the encoder have a
bias (zero here), and the decoder's maps are joined with the encoder's, not the encoder's with the decoder's. A
convolution before their pixel discriminator's instance normalization has a bias, which has no effect.
"""

import functools
import unittest.mock

import keras
import numpy as np
import pytest
from keras import ops

from kerasgan import Pix2Pix
from kerasgan.game.phase import Batch
from kerasgan.layers import InstanceNormalization, patch_discriminator
from kerasgan.objectives.losses import LeastSquares, NonSaturating, Wasserstein, mean
from kerasgan.objectives.penalties import GradientPenalty
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
DEPTH = 7
BLOCKS = ["model.model.1." + "model.3." * level for level in range(DEPTH - 1)]  # of the halvings but the first
INSIDE = BLOCKS[-1]


def generator_names():
    """Their names of our U-Net's weights; None for the biases that they do not have."""
    names = ["model.model.0.weight", None]
    for block in BLOCKS:
        normalized = [None] if block is INSIDE else [f"{block}model.2.weight", f"{block}model.2.bias"]
        names += [f"{block}model.1.weight", *normalized]
    for block in reversed(BLOCKS):
        place = 3 if block is INSIDE else 5
        names += [f"{block}model.{i}" for i in (f"{place}.weight", f"{place + 1}.weight", f"{place + 1}.bias")]
    return [*names, "model.model.3.weight", "model.model.3.bias"]


def swapped(weight, name):
    """A kernel with its halves of joined maps in the other order, where it takes such maps; all else as it is."""
    joined = name in [f"{block}model.5.weight" for block in BLOCKS] or name == "model.model.3.weight"
    return np.roll(weight, weight.shape[0] // 2, axis=0) if joined else weight


class Theirs:
    """Our Pix2Pix with the stored weights, and its batch."""

    def __init__(self):
        self.golden = golden = Golden("pix2pix")
        self.model = Pix2Pix((128, 128, 3), width=2, depth=DEPTH, discriminator_depth=3, dropout=0.0, seed=0)
        self.discriminator = patch_discriminator((128, 128, 3), (128, 128, 3), width=4)
        self.model.networks["discriminator"] = self.model.discriminator = self.discriminator
        # Not compile(), which traces the game for its logs and so takes most of the time.
        self.model.recipe = Pix2Pix.recipe.replace(jitter=0.0, flip=False)
        parameters = [name for name in golden.part("weights/D_basic/") if name.endswith(("weight", "bias"))]
        self.names = {"G_unet128": generator_names(), "D_basic": parameters}
        self.networks = {"G_unet128": self.model.generator, "D_basic": self.discriminator}
        for network, names in self.names.items():
            for variable, name in zip(self.networks[network].trainable_variables, names, strict=True):
                weight = np.zeros(variable.shape) if name is None else golden[f"weights/{network}/{name}"]
                variable.assign(kernel(swapped(weight, name)) if weight.ndim > 1 else weight)
        self.batch = Batch(*(images(golden[f"inputs/real_{side}"]) for side in "AB"))

    def check_gradients(self, network, loss):
        variables, names = self.networks[network].trainable_variables, self.names[network]
        found = zip(names, map(array, weight_gradients(loss, variables)), strict=True)
        named = {n: swapped(official(g), n) if g.ndim > 1 else g for n, g in found if n is not None}
        self.golden.check_all(f"grads/train/{network}/", named)


def images(values):
    return ops.convert_to_tensor(channels_last(values), keras.config.floatx())


@functools.cache
def theirs_in(precision):
    return Theirs()


@pytest.fixture
def case(precision):
    return theirs_in(precision)


def test_both_steps(case):
    model, batch, golden = case.model, case.batch, case.golden
    fake = model.translated(batch)
    judged = model.logits(batch, fake)
    generator_loss, logs = model.generator_loss(batch)
    found = {
        "outputs/train/fake_B[:,:,32:96,32:96]": channels_first(fake),
        "outputs/train/fake_B_mean_abs": mean(ops.abs(fake)),
        "outputs/train/D_fake": channels_first(judged),
        "outputs/train/loss_G_GAN": generator_loss - 100.0 * logs["l1"],
        "outputs/train/loss_G_L1_x100": 100.0 * logs["l1"],
        "outputs/train/loss_D": model.discriminator_loss(batch)[0],
    }
    golden.check(found)


def test_gradients(case):
    case.check_gradients("G_unet128", lambda: case.model.generator_loss(case.batch)[0])
    case.check_gradients("D_basic", lambda: case.model.discriminator_loss(case.batch)[0])


def test_what_is_normalized(case):
    """The statistics of all inputs of the generator's normalizations."""
    generator, golden = case.model.generator, case.golden
    inputs = [layer.input for layer in generator.layers if isinstance(layer, InstanceNormalization)]
    named = [name.removesuffix(".bias") for name in generator_names() if name and name.endswith(".bias")][:-1]
    found = {}
    for name, x in zip(named, keras.Model(generator.inputs, inputs)(case.batch.x), strict=True):
        x = array(x)
        for kind, now in (
            ("mean", x.mean((0, 1, 2))),
            ("var", x.var((0, 1, 2)) * x[..., 0].size / (x[..., 0].size - 1)),
        ):
            before = golden[f"weights/G_unet128/{name}.running_{kind}"].astype("float64")
            found[f"{name}.running_{kind}"] = 0.9 * before + 0.1 * now
    golden.check_all("outputs/train/G_after/", found)


def test_the_pixel_discriminator(case):
    golden = case.golden
    network = patch_discriminator((16, 16, 6), width=4, depth=0, affine=False)
    names = [name for name in golden.part("weights/D_pixel_instancenorm/") if name != "net.2.bias"]
    for variable, name in zip(network.trainable_variables, names, strict=True):
        weight = golden[f"weights/D_pixel_instancenorm/{name}"]
        variable.assign(kernel(weight) if weight.ndim > 1 else weight)
    pairs = np.concatenate([golden["inputs/real_A"], golden["inputs/real_B"]], 1)[:, :, :16, :16]
    found = {"outputs/D_pixel_instancenorm_crop16": channels_first(network(images(pairs)))}
    real, fake, alpha = (golden[f"inputs/gp_{name}"] for name in ("real", "fake", "alpha"))
    real, fake, alpha = images(real), images(fake), ops.convert_to_tensor(alpha[:, :, None, None], real.dtype)
    with unittest.mock.patch("keras.random.uniform", lambda *_, **__: ops.cast(alpha, keras.config.floatx())):
        for kind, pair in (("mixed", (real, fake)), ("real", (real, real)), ("fake", (fake, fake))):
            key = f"outputs/gradient_penalty_pixelD_instancenorm/{kind}"
            found[key] = GradientPenalty(10.0)(network, *pair)
    golden.check(found)


def test_losses(precision):
    golden = Golden("pix2pix")
    logits = images(golden["inputs/prediction"])
    zero = ops.zeros_like(logits)
    found = {}
    # Theirs are means for one target at a time, squares whole.
    for name, loss, factor in (
        ("lsgan", LeastSquares(), 2.0),
        ("vanilla", NonSaturating(), 1.0),
        ("wgangp", Wasserstein(), 1.0),
    ):
        of_real = loss.generator(zero)
        found[f"outputs/GANLoss/{name}/True"] = factor * loss.generator(logits)
        found[f"outputs/GANLoss/{name}/False"] = factor * (loss.discriminator(zero, logits) - of_real)
    golden.check(found)
