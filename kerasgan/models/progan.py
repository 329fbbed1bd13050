"""Progressive GAN (Karras et al. 2018, "Progressive Growing of GANs for Improved Quality, ...").

Growing networks are defined in `kerasgan.layers.growing`.
"""

import dataclasses
import math
from typing import Any

import keras
from keras import layers, ops

from kerasgan.bases.growing import GrowingModel, GrowingRecipe
from kerasgan.bases.heads import HeadedModel, cross_entropy
from kerasgan.game.phase import shared
from kerasgan.game.recipe import Adam
from kerasgan.game.schedules import Stairs
from kerasgan.game.signals import probed
from kerasgan.layers import EqualizedConv2D, EqualizedDense, LeakyReLU, OneHot, PixelNormalization
from kerasgan.layers.growing import ROOT2, growing_discriminator, growing_images, share_input
from kerasgan.objectives.penalties import Drift, GradientPenalty
from kerasgan.zoo.convert import Source, flattened, kernel, unflattened


def generator_network(smallest, channels, stage_widths, latent_dim=512, num_classes=None):
    """The generator (section 2 and table 2).

    Latents, with the label's one-hot vector appended, are normalized to mean square 1. A dense layer makes the first
    4x4 maps, followed by one 3x3 convolution; each further stage repeats pixels to twice the size and applies two
    convolutions. Each layer is followed by a leaky ReLU (0.2) and pixel normalization (section 4.2). The images are
    linear functions of the features.

    Args:
        smallest: (height, width) of stage 0.
        channels: Number of channels of the images.
        stage_widths: Channels of the stages, smallest first, as from `kerasgan.layers.growing.stage_widths`.
        latent_dim: Length of the latents.
        num_classes: Number of classes. None for no labels.

    Returns:
        A growing `keras.Model` (see `kerasgan.layers.growing`) of the inputs `latents` [, `labels`] and `share`.
    """

    def normalized(x, name):
        return PixelNormalization(name=f"{name}_normalized")(LeakyReLU(0.2, name=f"{name}_activation")(x))

    latents, share = keras.Input((latent_dim,), name="latents"), share_input()
    inputs, x = [latents], latents
    if num_classes:
        inputs.append(keras.Input((), dtype="int32", name="labels"))
        x = layers.Concatenate(name="latents_and_labels")([x, OneHot(num_classes, name="label_one_hot")(inputs[-1])])
    x = PixelNormalization(name="normalized_latents")(x)
    # The gain follows the authors' code: a convolution whose 4x4 kernel sees the latents once.
    x = EqualizedDense(smallest[0] * smallest[1] * stage_widths[0], gain=ROOT2 / 4, name="dense")(x)
    x = normalized(layers.Reshape((*smallest, stage_widths[0]), name="maps")(x), "dense")
    features = []
    for stage, width in enumerate(stage_widths):
        name = f"stage{stage}"
        if stage:
            x = layers.UpSampling2D(2, name=f"{name}_enlarged")(x)
            x = normalized(EqualizedConv2D(width, 3, gain=ROOT2, name=f"{name}_conv0")(x), f"{name}_conv0")
        x = normalized(EqualizedConv2D(width, 3, gain=ROOT2, name=f"{name}_conv1")(x), f"{name}_conv1")
        features.append(x)
    inputs = [*inputs, share] if len(features) > 1 else inputs
    outputs = growing_images(features, channels, share)
    return keras.Model(inputs if len(inputs) > 1 else inputs[0], outputs, name="generator")


def discriminator_network(smallest, channels, stage_widths, num_classes=None, **deviation):
    """The discriminator (table 2): `kerasgan.layers.growing.growing_discriminator`."""
    return growing_discriminator(smallest, channels, stage_widths, num_classes, **deviation)


# The family -----------------------------------------------------------------------------------------------------------

ADAM = Adam(1e-3, beta_1=0.0, beta_2=0.99, epsilon=1e-8)


@dataclasses.dataclass(frozen=True)
class ProGANRecipe(GrowingRecipe):
    """Appendix A.1: WGAN-GP with drift, Adam(1e-3, 0, 0.99), batches of 16, and of 14, 6 and 3 from 256 pixels on.

    In addition to the settings of `kerasgan.bases.growing.GrowingRecipe`:

    Args:
        classification: Weight of the class loss, for both players of a conditional model.
    """

    batch_size: int | Stairs = Stairs(((0, 16), (6600, 14), (7800, 6), (9000, 3)))
    loss: Any = "wasserstein"
    penalties: tuple = (GradientPenalty(10.0), Drift(1e-3))
    rate_factors: tuple = ((1024, 1.5),)
    classification: float = 1.0
    discriminator_optimizer: Any = ADAM
    generator_optimizer: Any = ADAM


@keras.saving.register_keras_serializable(package="kerasgan")
class ProGAN(GrowingModel, HeadedModel):
    """Progressive growing: training starts with images of 4x4 pixels and repeatedly fades in twice the size.

    Layers for a new size enter smoothly: the images, and the discriminator's features of images, are blended from those
    of the old layers to those of the new ones (section 2). The discriminator sees the variation of samples within a
    batch (section 3); weights are scaled at run time, so that all layers learn at the same pace (section 4.1); the
    generator normalizes the features of each pixel (section 4.2). The loss is WGAN-GP with a drift penalty. With
    labels, the discriminator also predicts the class, as in AC-GAN.

    The recipe's batch sizes match its spans of 600 thousand images; for other spans, set them with
    `batch_size=kerasgan.game.schedules.Stairs(((0, 64), (30, 16)))`. `sample` returns images of the size reached so
    far.

    Differences from the authors' code: the generator's average warms up (`ema_rampup`). Their conditional version also
    weights the class loss by 1.

    Args:
        image_shape: (height, width, channels) of images in [-1, 1]; height and width even. The smallest stage has the
            size that results from halving both down to 4 or more.
        latent_dim: Length of the latent vectors, standard normal.
        num_classes: Number of classes of a conditional model. `None` for an unconditional model.
        channel_base: Channels of a stage multiplied by its size (4, 8, 16, ...): 16384 in the authors' code.
        channel_max: Largest number of channels.
        group_size: Number of samples in a group of the minibatch standard deviation.
        **kwargs: Arguments of `kerasgan.LatentModel`.

    Examples:

    >>> model = ProGAN(image_shape=(32, 32, 3), channel_base=1024, channel_max=64)
    >>> model.compile(stage_kimg=60, fade_kimg=60, batch_size=16)
    >>> model.fit(images, epochs=100)
    >>> pictures = model.sample(64, seed=0)
    """

    recipe = ProGANRecipe()
    heads = ("classes",)

    def __init__(
        self,
        image_shape,
        latent_dim=512,
        num_classes=None,
        channel_base=16384,
        channel_max=512,
        group_size=4,
        **kwargs,
    ):
        self.channel_base, self.channel_max, self.group_size = channel_base, channel_max, group_size
        super().__init__(image_shape, latent_dim=latent_dim, num_classes=num_classes, **kwargs)

    def build_generator(self):
        sizes = self.smallest, self.image_shape[-1], self.widths
        return generator_network(*sizes, self.latent_dim, self.num_classes)

    def build_discriminator(self):
        classes = self.packing * self.num_classes if self.num_classes else None
        sizes = self.smallest, self.pack_shape[-1], self.widths
        return discriminator_network(*sizes, classes, group_size=self.group_size)

    @shared
    def generated(self, batch):
        return probed(self.synthesized(self.latents(batch), *self.fake_condition(batch)))

    def _tell(self, images):
        outputs = self.played(self.discriminator, [images])
        return dict(zip(("logits", "classes"), outputs, strict=True)) if self.num_classes else {"logits": outputs}

    @property
    def fake_head_weights(self):
        return self.recipe.classification, self.recipe.classification

    def real_head_loss(self, batch):
        return self._class_loss(batch, self.told_of_real(batch), self.recipe.classification)

    def fake_head_loss(self, batch):
        return self._class_loss(batch, self.told_of_fake(batch))[0], {}

    def _class_loss(self, batch, told, weight=1.0):
        if not self.num_classes:
            return 0.0, {}
        targets = ops.one_hot(ops.cast(self.labels(batch), "int32"), self.num_classes)
        loss = cross_entropy(targets, self.per_sample(told["classes"]), batch.sample_weight)
        return weight * loss, {"class_loss": loss}


# Published weights: the arrays of Facebook's pytorch_GAN_zoo ----------------------------------------------------------


def equalized_sources(layer, key, layout=kernel, bias_layout=None, multiplier=1.0, shift=0.0):
    """Maps a layer's kernel and bias to arrays: a list of (variable, `kerasgan.zoo.convert.Source`).

    In that code, a layer computes (kernel x + bias) sqrt(2 / fan-in) times its rate multiplier: the bias is scaled as
    well, and all layers have the gain of a ReLU.
    """
    ratio = ROOT2 * multiplier / (layer.gain * layer.rate_multiplier)
    bias_ratio = ROOT2 * multiplier / (math.sqrt(math.prod(layer.kernel.shape[:-1])) * layer.rate_multiplier)
    bias = Source(f"{key}.module.bias", bias_layout or (lambda values: values), bias_ratio, shift)
    return [(layer.kernel, Source(f"{key}.module.weight", layout, ratio)), (layer.bias, bias)]


def generator_sources(generator):
    """Maps the variables of all layers of a generator to arrays."""
    pairs = []
    for layer in generator.layers:
        if not isinstance(layer, (EqualizedConv2D, EqualizedDense)):
            continue
        stage, _, part = layer.name.removeprefix("stage").partition("_")
        if layer.name == "dense":
            shape = generator.get_layer("maps").target_shape
            layout = unflattened(shape)
            pairs += equalized_sources(layer, "formatLayer", lambda v, f=layout: kernel(f(v)), layout)
        elif part == "colors":
            pairs += equalized_sources(layer, f"toRGBLayers.{stage}")
        elif stage == "0":
            pairs += equalized_sources(layer, "groupScale0.0")
        else:
            pairs += equalized_sources(layer, f"scaleLayers.{int(stage) - 1}.{part.removeprefix('conv')}")
    return pairs


def discriminator_sources(discriminator):
    """Maps the variables of all layers of a discriminator to arrays."""
    pairs = []
    for layer in discriminator.layers:
        if not isinstance(layer, (EqualizedConv2D, EqualizedDense)):
            continue
        stage, _, part = layer.name.removeprefix("stage").partition("_")
        if layer.name == "features":
            pairs += equalized_sources(
                layer, "groupScaleZero.1", flattened(discriminator.get_layer("flat").input.shape[1:])
            )
        elif layer.name in ("conv", "logits"):
            pairs += equalized_sources(layer, {"conv": "groupScaleZero.0", "logits": "decisionLayer"}[layer.name])
        elif part == "colors":
            pairs += equalized_sources(layer, f"fromRGBLayers.{stage}")
        else:
            pairs += equalized_sources(layer, f"scaleLayers.{int(stage) - 1}.{part.removeprefix('conv')}")
    return pairs
