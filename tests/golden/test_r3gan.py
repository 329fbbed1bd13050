"""R3GAN against the authors' code (github.com/brownvc/R3GAN at 19a7ddf): networks, losses, gradients, filters.

One thing differs. Of class c the authors' discriminator gives the inner product of a learned vector e_c with W f, a
linear map of its features f; ours gives (w + v_c) f with learned w and v_c (Miyato & Koyama 2018). Both are one linear
function of f a class, so that here w is 0 and v_c is e_c W, and the gradients of e and W follow from those of v.
"""

import functools

import keras
import numpy as np
import pytest
from keras import layers, ops

from kerasgan import R3GAN
from kerasgan.layers import Resample
from kerasgan.models.r3gan import r3_schedules
from kerasgan.objectives.losses import RelativisticPaired
from kerasgan.objectives.penalties import R1, R2, squared_gradient_norms
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

SIZES = {"image_shape": (32, 32, 3), "latent_dim": 8, "width": (16, 16, 12, 8), "blocks": (2, 1, 1, 2)}
HEAD = "Model.MainLayers.3.Layers.2.LinearLayer.weight"
EMBEDDING = "Model.EmbeddingLayer.weight"


def block(prefix):
    """Names of a residual block's weights, in our order."""
    names = ("LinearLayer1.Layer.weight", "NonLinearity1.Bias", "LinearLayer2.Layer.weight", "NonLinearity2.Bias")
    return [f"{prefix}.{name}" for name in (*names, "LinearLayer3.Layer.weight")]


def generator_names(golden):
    names = [EMBEDDING] if f"weights/G/{EMBEDDING}" in golden.values else []
    names += [f"Model.MainLayers.0.Layers.0.{name}" for name in ("LinearLayer.weight", "Basis")]
    for stage, blocks in enumerate(SIZES["blocks"]):
        change = f"Model.MainLayers.{stage}.Layers.0.LinearLayer.Layer.weight"
        names += [change] if f"weights/G/{change}" in golden.values else []
        names += [name for i in range(blocks) for name in block(f"Model.MainLayers.{stage}.Layers.{i + 1}")]
    return [*names, "Model.AggregationLayer.Layer.weight"]


def discriminator_names(golden):
    """Without the head."""
    names = ["Model.ExtractionLayer.Layer.weight"]
    for stage, blocks in enumerate(SIZES["blocks"][::-1]):
        names += [name for i in range(blocks) for name in block(f"Model.MainLayers.{stage}.Layers.{i}")]
        change = f"Model.MainLayers.{stage}.Layers.{blocks}.LinearLayer.Layer.weight"
        names += [change] if f"weights/D/{change}" in golden.values else []
    return [*names, "Model.MainLayers.3.Layers.2.Basis.weight"]


def ours(name, weight):
    """A weight in our layout."""
    if name.endswith("Basis"):
        return np.moveaxis(weight, 0, -1)
    return kernel(weight)[:, :, 0] if name.endswith("Basis.weight") else kernel(weight) if weight.ndim > 1 else weight


def theirs(name, weight):
    """A weight or gradient in their layout."""
    weight = array(weight)
    if name.endswith("Basis"):
        return np.moveaxis(weight, -1, 0)
    return (
        official(weight[:, :, None])
        if name.endswith("Basis.weight")
        else official(weight)
        if weight.ndim > 1
        else weight
    )


class Theirs:
    """Our R3GAN with the weights of a file, and what the file feeds in."""

    def __init__(self, file):
        self.golden = golden = Golden(file)
        self.classes = 5 if file == "r3gan_cond" else None
        self.model = R3GAN(**SIZES, group_width=8, num_classes=self.classes, embedding=8, seed=0)
        self.names = {"G": generator_names(golden), "D": discriminator_names(golden)}
        self.variables = {"G": list(self.model.generator.trainable_variables)}
        everything = self.model.discriminator.trainable_variables
        self.variables["D"], self.head = everything[: len(self.names["D"])], everything[len(self.names["D"]) :]
        for network, names in self.names.items():
            for variable, name in zip(self.variables[network], names, strict=True):
                variable.assign(ours(name, golden[f"weights/{network}/{name}"]))
        head = golden[f"weights/D/{HEAD}"]
        if self.classes:
            logits, projection = sorted(self.head, key=lambda v: "projection" in v.path)
            logits.assign(np.zeros(logits.shape))
            projection.assign(golden[f"weights/D/{EMBEDDING}"].astype("float64").T @ head)
            self.head = [projection]
        else:
            self.head[0].assign(kernel(head))
        self.latents, self.real = (self.tensor(golden[f"inputs/{name}"]) for name in ("z", "real"))
        self.labels = ops.convert_to_tensor(golden["inputs/c"].argmax(-1)) if self.classes else None

    @staticmethod
    def tensor(values):
        return ops.convert_to_tensor(channels_last(values), keras.config.floatx())

    def generate(self):
        return self.model.generator([self.latents, self.labels] if self.classes else self.latents, training=True)

    def judge(self, images):
        return self.model.discriminate(images, self.labels)

    def gradients(self, network, loss):
        """Gradients by the authors' names."""
        variables = self.variables[network]
        found = weight_gradients(loss, variables + (self.head if network == "D" else []))
        named = {n: theirs(n, g) for n, g in zip(self.names[network], found[: len(variables)], strict=True)}
        if network == "G":
            return named
        head = array(found[-1])
        if not self.classes:
            return {**named, HEAD: official(head)}
        embedding = self.golden[f"weights/D/{EMBEDDING}"].astype("float64")
        return {**named, HEAD: embedding @ head, EMBEDDING: self.golden[f"weights/D/{HEAD}"].astype("float64") @ head.T}


@pytest.fixture(params=[pytest.param("r3gan_uncond", marks=SLOW_ON_JAX), "r3gan_cond"])
def case(request, precision):
    return theirs_in(request.param, precision)


@functools.cache
def theirs_in(file, precision):
    return Theirs(file)


def stages(network):
    """Our tensors where a stage of theirs ends: behind the generator's last block, before the discriminator's next."""
    adds = [layer for layer in network.layers if isinstance(layer, layers.Add) and len(layer.output.shape) == 4]
    first = np.cumsum([0, *(SIZES["blocks"] if network.name == "generator" else SIZES["blocks"][::-1])])
    if network.name == "generator":
        return {f"MainLayers.{i}": adds[last - 1].output for i, last in enumerate(first[1:])}
    ends = {f"MainLayers.{i}": adds[next].input[0] for i, next in enumerate(first[1:-1])}
    return {**ends, "features": network.get_layer("basis").output}


def results(case):
    """Outputs by their keys."""
    golden, model = case.golden, case.model
    fake = case.generate()
    real_logits, fake_logits = case.judge(case.real), case.judge(fake)
    found = {"outputs/img": fake, "outputs/D_real": real_logits[:, 0]}
    for network, inputs in ((model.generator, case.latents), (model.discriminator, case.real)):
        inside = keras.Model(network.inputs, stages(network))([inputs, case.labels] if case.classes else inputs)
        for name, values in inside.items():
            if name == "features":
                head = ops.convert_to_tensor(golden[f"weights/D/{HEAD}"], keras.config.floatx())
                name, values = "MainLayers.3", values @ ops.transpose(head)
            found[f"outputs/layers/{network.name[0].upper()}/{name}"] = values
    loss, each = RelativisticPaired(), [slice(i, i + 1) for i in range(4)]
    found["outputs/D_step/relativistic_logits"] = (real_logits - fake_logits)[:, 0]
    found["outputs/G_step/relativistic_logits"] = (fake_logits - real_logits)[:, 0]
    of_each = [(real_logits[i], fake_logits[i]) for i in each]
    found["outputs/D_step/adversarial_loss"] = ops.stack([loss.discriminator(real, fake) for real, fake in of_each])
    found["outputs/G_step/adversarial_loss"] = ops.stack([loss.generator(fake, real) for real, fake in of_each])
    for name, images in (("R1", case.real), ("R2", fake)):
        found[f"outputs/D_step/{name}"] = squared_gradient_norms(case.judge, images)
    return found


def test_networks_and_losses(case):
    found = {key: channels_first(v) if len(v.shape) > 1 else v for key, v in results(case).items()}
    case.golden.check_all("outputs/layers/", {key.removeprefix("outputs/layers/"): v for key, v in found.items()})
    case.golden.check(found)


def test_gradients(case):
    golden, loss = case.golden, RelativisticPaired()
    gamma = float(golden["inputs/gamma"])

    def discriminator_loss():
        fake = case.generate()
        penalty = sum(kind(gamma)(case.judge, case.real, fake) for kind in (R1, R2))
        return loss.discriminator(case.judge(case.real), case.judge(fake)) + penalty

    golden.check_all("grads/D_step/D/", case.gradients("D", discriminator_loss))
    found = case.gradients("G", lambda: loss.generator(case.judge(case.generate()), case.judge(case.real)))
    golden.check_all("grads/G_step/G/", found)


def test_filters(precision):
    golden = Golden("r3gan_uncond")
    x = Theirs.tensor(golden["inputs/resampler_x"])
    golden.check({f"outputs/resampler_{way}": channels_first(Resample(**{way: 2})(x)) for way in ("up", "down")})


def test_schedules(precision):
    """Of CIFAR-10. The last column, the authors' augmentation, is not in the family."""
    table = Golden("r3gan_uncond")["outputs/schedule_cifar10_nimg_lr_beta2_gamma_emanimg_augp"]
    recipe = r3_schedules()
    adam = recipe["generator_optimizer"].config
    r1, r2 = (penalty.gamma for penalty in recipe["penalties"])
    chosen = (adam["learning_rate"], adam["beta_2"], r1, recipe["ema_half_life"])
    assert r1 == r2
    found = [[float(schedule(images)) for schedule in chosen] for images in table[:, 0].astype("int32")]
    tolerance = 1e-9 if precision == "float64" else 5e-5
    np.testing.assert_allclose(found, table[:, 1:5], rtol=tolerance, atol=tolerance * table[:, 4].max())
