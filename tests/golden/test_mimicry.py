"""SNGAN and SAGAN against mimicry (github.com/kwotsin/mimicry at a7fda06): networks, one step of each player.

Two of its ways are not the authors' of SNGAN and options of ours: maps are enlarged bilinearly, and the first ReLU of a
discriminator's block overwrites what the shortcut sees. Of PyTorch's batch normalization the moving variance is the
unbiased one. Called without training, its discriminators do not iterate: there they are compared to plain ones whose
kernels NumPy has divided by sigma.
"""

import keras
import numpy as np
import pytest
from keras import ops

from kerasgan.models.sagan import sagan_discriminator, sagan_generator
from kerasgan.models.sngan import mimicry_pairs, sngan_discriminator, sngan_generator
from kerasgan.objectives import losses
from kerasgan.zoo.convert import assign
from kerasgan.zoo.official import DERIVED
from tests.golden.networks import ON_JAX, call, check_gradients, check_state, evaluated
from tests.golden.reader import Golden, channels_first, channels_last

SLOW = [pytest.mark.slow] if ON_JAX else []  # where each operation is compiled by itself
FILES = (
    "mimicry_sngan_32",
    pytest.param("mimicry_cgan_pd_32", marks=SLOW),
    pytest.param("mimicry_sagan_32", marks=SLOW),
)
SHAPE = (32, 32, 3)


class Theirs:
    """Networks of ours with the weights of a file, and what it feeds in."""

    def __init__(self, file, spectral=True):
        self.golden = golden = Golden(file)
        self.classes = None if file == "mimicry_sngan_32" else 6
        labels = [keras.Input((), dtype="int32", name="labels")] if self.classes else []
        if file == "mimicry_sagan_32":
            build, judge, width = sagan_generator, sagan_discriminator, 16
            places = {"attention": (1,), "spectral": spectral}, {"attention": (1,)}
        else:
            build, judge, width = sngan_generator, sngan_discriminator, 8
            places = {}, {}
        sizes = {"labels": labels, "num_classes": self.classes, "widths": (width,) * 4}
        self.G = build(SHAPE, 8, **sizes, interpolation="bilinear", **places[0])
        self.D = judge(SHAPE, **sizes, downs=2, activated=True, spectral=spectral, **places[1])
        for name in "GD":
            weights = golden.part(f"weights/{name}/")
            weights = weights if spectral else {k: v for k, v in baked(weights).items() if not k.endswith("_u")}
            assign(mimicry_pairs(getattr(self, name), weights), weights, DERIVED)
        self.latents = ops.convert_to_tensor(golden["inputs/z"], keras.config.floatx())
        self.real = ops.convert_to_tensor(channels_last(golden["inputs/x"]), keras.config.floatx())
        self.labels = {k: ops.convert_to_tensor(golden[f"inputs/{k}"]) for k in ("y", "dy") if self.classes}

    def generate(self, training):
        return self.call(self.G, self.latents, "y", training)

    def judge(self, images, of="dy", training=True):
        return self.call(self.D, images, of, training)

    def call(self, network, x, labels, training):
        inputs = [x, self.labels[labels]] if self.classes else [x]
        if keras.src.backend.in_stateless_scope():
            return network(inputs, training=training)
        return call(network, inputs, training)

    def check_gradients(self, step, network, fn):
        check_gradients(self.golden, f"grads/{step}/{network}/", mimicry_pairs, getattr(self, network), fn)


def baked(weights):
    """Weights with kernels divided by u^T W v: of stored vectors, or (`sn_u`) after one iteration."""
    result = dict(weights)
    for name in weights:
        module, _, parameter = name.rpartition(".")
        if parameter == "weight_orig":
            kernel = result.pop(name).astype("float64")
            u, v = weights[f"{module}.weight_u"], weights[f"{module}.weight_v"]
            rows = 0 if len(u) == len(kernel) else 1  # those of a transposed convolution are its second axis
            matrix = np.moveaxis(kernel, rows, 0).reshape(len(u), -1)
            result[f"{module}.weight"] = kernel / (u.astype("float64") @ matrix @ v)
        elif parameter == "sn_u":
            del result[name]
            matrix = weights[f"{module}.weight"].astype("float64")
            v = weights[name][0] @ matrix
            result[f"{module}.weight"] = matrix / np.linalg.norm(matrix @ v / np.linalg.norm(v))
    return result


@pytest.mark.parametrize("file", FILES)
def test_called_without_training(file, precision):
    theirs = Theirs(file, spectral=False)
    theirs.golden.check(
        {
            "outputs/eval/img": channels_first(theirs.generate(False)[:2]),
            "outputs/eval/D_x": theirs.judge(theirs.real, training=False),
        }
    )


@pytest.mark.parametrize("file", FILES)
def test_called_in_training(file, precision):
    theirs = Theirs(file)
    images, logits = theirs.generate(True), theirs.judge(theirs.real)
    theirs.golden.check({"outputs/train/img": channels_first(images[:2]), "outputs/train/D_x": logits})
    sizes = len(images) * np.array([4, 8, 8, 16, 16, 32, 32]) ** 2
    names = [f"block{block}.b{place}." for block in (2, 3, 4) for place in (1, 2)]
    counts = dict(zip([*names, "b5."], sizes, strict=True))
    check_state(theirs.golden, "outputs/train/G_after/", mimicry_pairs, theirs.G, "weights/G/", counts)
    check_state(theirs.golden, "outputs/train/D_after/", mimicry_pairs, theirs.D)


@pytest.mark.parametrize("file", FILES)
def test_steps(file, precision):
    theirs, hinge = Theirs(file), losses.Hinge()
    fake = theirs.generate(True)
    theirs = Theirs(file)

    def discriminator_loss():
        real = theirs.judge(theirs.real)  # `u` moves in each call outside of a game, so that the order counts
        return hinge.discriminator(real, theirs.judge(fake, "y"))

    theirs.check_gradients("D_step", "D", discriminator_loss)
    theirs = Theirs(file)

    def generator_loss():
        return hinge.generator(theirs.judge(theirs.generate(True), "y"))

    theirs.check_gradients("G_step", "G", generator_loss)
    theirs = Theirs(file)
    theirs.golden.check({"outputs/G_step/errG": evaluated(generator_loss)})


@pytest.mark.parametrize("file", FILES[:1])
def test_losses(file, precision):
    golden = Golden(file)
    real, fake = (ops.convert_to_tensor(golden[f"inputs/logits_{x}"], keras.config.floatx()) for x in ("real", "fake"))
    kinds = {"minimax": losses.NonSaturating(), "hinge": losses.Hinge(), "wasserstein": losses.Wasserstein()}
    found = {f"outputs/losses/{name}_loss_dis": loss.discriminator(real, fake) for name, loss in kinds.items()}
    # What mimicry calls the generator's minimax loss is the non-saturating one; its other one has an epsilon of 1e-8.
    found |= {f"outputs/losses/{name}_loss_gen": loss.generator(fake, real) for name, loss in kinds.items()}
    golden.check(found)
