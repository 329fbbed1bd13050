"""SRGAN and ESRGAN against the authors' code (xinntao/ESRGAN and BasicSR): networks, gradients, losses.

SRGAN's own authors published no code. Its discriminator has the layers of ESRGAN's with other kernels, and its
generator is compared in BasicSR's modified form, which shares the residual blocks and the pixel shuffle.
"""

import keras
import numpy as np
import pytest
from keras import ops

from kerasgan import ESRGAN, SRGAN
from kerasgan.objectives.losses import Hinge, LeastSquares, NonSaturating, RelativisticAverage, Wasserstein
from tests.golden.networks import call, gradients_of
from tests.golden.reader import SLOW_ON_JAX, Golden, channels_first, channels_last, kernel, official

pytestmark = SLOW_ON_JAX
DENSE = [f"RRDB_trunk.{i}.RDB{j}.conv{k}" for i in range(2) for j in (1, 2, 3) for k in (1, 2, 3, 4, 5)]
RRDB = ["conv_first", *DENSE, "trunk_conv", "upconv1", "upconv2", "HRconv", "conv_last"]


def tensor(values):
    return ops.convert_to_tensor(channels_last(values), keras.config.floatx())


def load(golden, prefix, network):
    """Gives convolutions their weights, in the order of the file."""
    names = [name for name in golden.part(prefix) if name.endswith(("weight", "bias"))]
    for variable, name in zip(network.trainable_variables, names, strict=True):
        weight = golden[prefix + name]
        variable.assign(kernel(weight) if weight.ndim > 1 else weight)
    return names


@pytest.mark.usefixtures("precision")
def test_rrdb_and_its_gradients():
    golden = Golden("esrgan")
    model = ESRGAN((36, 44, 3), width=8, blocks=2, growth=4, stages=1, units=2)
    assert load(golden, "weights/RRDBNet/", model.generator) == [f"{n}.{p}" for n in RRDB for p in ("weight", "bias")]
    small, cotangent = (tensor(golden[f"inputs/{name}"]) for name in ("lr", "cotangent"))
    golden.check({"outputs/RRDBNet(lr)": channels_first(call(model.generator, small, training=True))})

    def value():
        return ops.sum(model.generator(small, training=True) * cotangent)

    names = list(golden.part("weights/RRDBNet/"))
    found = zip(names, gradients_of(value, model.generator.trainable_variables), strict=True)
    named = {name: official(g) if len(g.shape) > 1 else g for name, g in found}
    stored = golden.part("grads/RRDBNet/")
    golden.check_all("grads/RRDBNet/", {name: g for name, g in named.items() if name in stored})


@pytest.mark.usefixtures("precision")
@pytest.mark.parametrize("factor", [2, 3, 4])
def test_modified_srresnet(factor):
    golden = Golden("esrgan")
    shape = (9 * factor, 11 * factor, 3)
    model = SRGAN(shape, factor, width=6, blocks=2, network="msrresnet", stages=1, units=2)
    load(golden, f"weights/MSRResNet_x{factor}/", model.generator)
    found = call(model.generator, tensor(golden["inputs/lr"][:1]), training=True)
    golden.check({f"outputs/MSRResNet_x{factor}(lr[:1])": channels_first(found)})


@pytest.mark.usefixtures("precision")
def test_discriminator():
    golden = Golden("esrgan")
    model = ESRGAN((128, 128, 3), width=2, blocks=1, growth=1)
    network, prefix = model.discriminator, "weights/VGGStyleDiscriminator128/"
    layers = [layer for layer in network.layers if layer.weights]
    names = list(dict.fromkeys(name.rsplit(".", 1)[0] for name in golden.part(prefix)))
    assert len(layers) == len(names)
    for layer, name in zip(layers, names, strict=True):
        values = golden.part(f"{prefix}{name}.")
        if name == "linear1":  # theirs flattens channels first
            weight = values["weight"].reshape(100, 16, 4, 4)
            values["weight"] = np.moveaxis(weight, 1, -1).reshape(100, -1)
        order = ("weight", "bias", "running_mean", "running_var")
        weights = [values[key] for key in order if key in values]
        layer.set_weights([kernel(weight) if weight.ndim > 1 else weight for weight in weights])
    images = tensor(golden["inputs/hr128_a"].astype("float64") + golden["inputs/hr128_b"])
    golden.check({"outputs/VGGStyleDiscriminator128_eval(a+b)": call(network, images, training=False)})
    golden.check({"outputs/VGGStyleDiscriminator128_train(a+b)": call(network, images, training=True)})


@pytest.mark.usefixtures("precision")
def test_losses():
    golden = Golden("esrgan")
    real, fake = (ops.convert_to_tensor(golden[f"inputs/logits_{n}"], keras.config.floatx()) for n in ("real", "fake"))
    found = {}
    # Theirs are for one kind of images at a time, generators' times 0.5; squares are whole. Where a loss of ours has
    # two terms, the other one is made 0 or subtracted.
    none = ops.full_like(real, 1e3)
    for name, loss in (("vanilla", NonSaturating()), ("wgan_softplus", NonSaturating()), ("hinge", Hinge())):
        found[f"{name}/gen_fake"] = 0.5 * loss.generator(fake)
        found[f"{name}/disc_real"] = loss.discriminator(real, -none)
        found[f"{name}/disc_fake"] = loss.discriminator(none, fake)
    squares, critic, zero = LeastSquares(), Wasserstein(), ops.zeros_like(real)
    found["lsgan/gen_fake"] = squares.generator(fake)
    found["lsgan/disc_real"] = 2.0 * squares.discriminator(real, zero)
    found["lsgan/disc_fake"] = 2.0 * squares.discriminator(ops.ones_like(real), fake)
    found["wgan/gen_fake"] = 0.5 * critic.generator(fake)
    found["wgan/disc_real"], found["wgan/disc_fake"] = (
        critic.discriminator(real, zero),
        critic.discriminator(zero, fake),
    )
    found = {f"outputs/GANLoss_w0.5/{name}": value for name, value in found.items()}
    share, average = ESRGAN.adversarial_share, RelativisticAverage()
    found["outputs/relativistic_average/gen"] = share * average.generator(fake, real)
    golden.check(found)
    halves = golden["outputs/relativistic_average/disc_real"] + golden["outputs/relativistic_average/disc_fake"]
    assert abs(float(share * average.discriminator(real, fake)) - halves) <= golden.tolerance(
        "outputs/relativistic_average/disc_real"
    )
