"""StyleGAN (Karras et al. 2019, "A Style-Based Generator Architecture for Generative Adversarial Networks")."""

import dataclasses
from typing import Any

import keras
import numpy as np
from keras import layers, ops

from kerasgan.bases.growing import GrowingModel, GrowingRecipe
from kerasgan.bases.styles import StyleModel, StyleRecipe
from kerasgan.game.schedules import Stairs
from kerasgan.layers import (
    AdaptiveInstanceNormalization,
    EqualizedConv2D,
    EqualizedDense,
    LeakyReLU,
    LearnedConstant,
    MeanStyle,
    Noise,
    PixelNormalization,
    Resample,
)
from kerasgan.layers.growing import ROOT2, growing_discriminator, growing_images, share_input
from kerasgan.models.progan import ADAM, equalized_sources
from kerasgan.objectives.penalties import R1
from kerasgan.zoo.convert import Source, channels_last

BINOMIAL = (1, 2, 1)
FIRST = 1  # stage of the first images, 8x8


def style_layers(stages):
    """Number of a generator's layers that take a style: two per stage."""
    return 2 * stages


def mapping_network(latent_dim=512, style_dim=512, num_classes=None, depth=8, rate_multiplier=0.01, decay=0.995):
    """The mapping network: latents [and labels] to styles (section 2).

    Latents, with a learned vector of the label appended, are normalized to mean square 1; `depth` dense layers with
    leaky ReLUs (0.2) follow.

    Args:
        latent_dim: Length of the latents and of the label's vector.
        style_dim: Length of the styles.
        num_classes: Number of classes. None for no labels.
        depth: Number of dense layers.
        rate_multiplier: Learning rate of the dense layers relative to other layers.
        decay: Decay of the mean style, which the layer `mean_style` tracks.

    Returns:
        `keras.Model` of the inputs `latents` [and `labels`] with outputs of shape (batch, style_dim).
    """
    latents = keras.Input((latent_dim,), name="latents")
    inputs, x = [latents], latents
    if num_classes:
        inputs.append(keras.Input((), dtype="int32", name="labels"))
        vectors = layers.Embedding(num_classes, latent_dim, "random_normal", name="label_embedding")(inputs[-1])
        x = layers.Concatenate(name="latents_and_labels")([x, vectors])
    x = PixelNormalization(name="normalized_latents")(x)
    for place in range(depth):
        options = {"gain": ROOT2, "rate_multiplier": rate_multiplier, "name": f"dense{place}"}
        x = LeakyReLU(0.2, name=f"activation{place}")(EqualizedDense(style_dim, **options)(x))
    x = MeanStyle(decay, name="mean_style")(x)
    return keras.Model(inputs if num_classes else latents, x, name="mapping")


def synthesis_network(smallest, channels, stage_widths, style_dim=512, taps=BINOMIAL, seed=None):
    """The synthesis network, from the styles of its layers to images (section 2, figure 1b).

    It starts from a learned 4x4 image; each stage has two layers, each followed by noise, a leaky ReLU (0.2), instance
    normalization, and a scale and an offset of each channel set by the layer's style. A stage's first layer repeats
    pixels to twice the size, convolves and smooths. The images are linear functions of the features; the first images
    are those of stage 1.

    Args:
        smallest: (height, width) of stage 0.
        channels: Number of channels of the images.
        stage_widths: Channels of the stages, smallest first, as from `kerasgan.layers.growing.stage_widths`.
        style_dim: Length of the styles.
        taps: Taps of the smoothing filter. None for no filter.
        seed: Seed of the noise.

    Returns:
        A growing `keras.Model` (see `kerasgan.layers.growing`) of the inputs `styles` of shape (batch, `style_layers`,
        style_dim) and `share`.
    """
    styles, share = keras.Input((style_layers(len(stage_widths)), style_dim), name="styles"), share_input()

    def styled(x, place):
        name = f"stage{place // 2}_{place % 2}"
        x = Noise(per_channel=True, seed=seed if seed is None else seed + place, name=f"{name}_noise")(x)
        x = LeakyReLU(0.2, name=f"{name}_activation")(x)
        return AdaptiveInstanceNormalization(name=f"{name}_style")([x, styles[:, place]])

    x, features = LearnedConstant((*smallest, stage_widths[0]), name="constant")(styles), []
    for stage, width in enumerate(stage_widths):
        if stage:
            x = layers.UpSampling2D(2, name=f"stage{stage}_enlarged")(x)
            x = EqualizedConv2D(width, 3, gain=ROOT2, name=f"stage{stage}_conv0")(x)
            x = Resample(taps=taps, name=f"stage{stage}_smoothed")(x) if taps else x
        x = styled(x, 2 * stage)
        x = EqualizedConv2D(width, 3, gain=ROOT2, name=f"stage{stage}_conv1")(x)
        x = styled(x, 2 * stage + 1)
        features.append(x)
    outputs = growing_images(features, channels, share, FIRST)
    inputs = [styles, share] if len(features) > FIRST + 1 else styles
    return keras.Model(inputs, outputs, name="synthesis")


def discriminator_network(smallest, channels, stage_widths, taps=BINOMIAL, **options):
    """The discriminator: that of ProGAN, with a smoothing filter before each halving (section 2, configuration B)."""
    return growing_discriminator(smallest, channels, stage_widths, first=FIRST, taps=taps, **options)


# The family -----------------------------------------------------------------------------------------------------------


@dataclasses.dataclass(frozen=True)
class StyleGANRecipe(GrowingRecipe, StyleRecipe):
    """Appendix C: the non-saturating loss with R1 (gamma = 10), Adam(1e-3, 0, 0.99), faster from 128 pixels on."""

    batch_size: int | Stairs = Stairs(((0, 256), (600, 128), (1800, 64), (3000, 32)))
    penalties: tuple = (R1(10.0),)
    rate_factors: tuple = ((128, 1.5), (256, 2.0), (512, 3.0))
    discriminator_optimizer: Any = ADAM
    generator_optimizer: Any = ADAM


@keras.saving.register_keras_serializable(package="kerasgan")
class StyleGAN(GrowingModel, StyleModel):
    """A style-based generator: a mapping network's style sets the scale and offset of each channel in each layer.

    The generator starts from a learned constant and receives latents only through the styles; noise is added after each
    convolution (section 2). In training, some of the generated images mix the styles of two latents (section 3.1).
    Truncation pulls the styles of the first 8 layers towards their mean (appendix B). It grows like ProGAN, from 8x8
    pixels on, and its discriminator is ProGAN's with a smoothing filter. With labels, the discriminator has one logit
    per class, and the label selects one of them.

    The recipe's batch sizes are those of the authors' code for 8 devices and match its spans of 600 thousand images;
    set other sizes for other spans. `sample` returns images of the size reached so far.

    Differences from the authors' code: each sample has its own crossover point in style mixing, and the generator's
    average warms up (`ema_rampup`).

    Args:
        image_shape: (height, width, channels) of images in [-1, 1]; height and width even. Stage 0, at half the size of
            the first images, has the size that results from halving both down to 4 or more.
        latent_dim: Length of the latent vectors, standard normal.
        num_classes: Number of classes of a conditional model. `None` for an unconditional model.
        style_dim: Length of the styles.
        channel_base: Channels of a stage multiplied by its size (4, 8, 16, ...): 16384 in the authors' code.
        channel_max: Largest number of channels.
        depth: Number of the mapping network's layers.
        group_size: Number of samples in a group of the minibatch standard deviation.
        **kwargs: Arguments of `kerasgan.LatentModel`.

    Raises:
        ValueError: For conditions that are not labels, or labels with packing.

    Examples:

    >>> model = StyleGAN(image_shape=(32, 32, 3), channel_base=1024, channel_max=64, latent_dim=64, style_dim=64)
    >>> model.compile(stage_kimg=60, fade_kimg=60, batch_size=16)
    >>> model.fit(images, epochs=100)
    >>> pictures = model.sample(64, seed=0, truncation=0.7)
    """

    recipe = StyleGANRecipe()
    first_stage = FIRST
    truncated_layers = 8

    def __init__(
        self,
        image_shape,
        latent_dim=512,
        num_classes=None,
        style_dim=512,
        channel_base=16384,
        channel_max=512,
        depth=8,
        group_size=4,
        **kwargs,
    ):
        self.style_dim, self.channel_base, self.channel_max = style_dim, channel_base, channel_max
        self.depth, self.group_size = depth, group_size
        super().__init__(image_shape, latent_dim=latent_dim, num_classes=num_classes, **kwargs)

    def build_mapping(self):
        return mapping_network(self.latent_dim, self.style_dim, self.num_classes, self.depth)

    def build_generator(self):
        return synthesis_network(self.smallest, self.image_shape[-1], self.widths, self.style_dim)

    def build_discriminator(self):
        sizes = self.smallest, self.pack_shape[-1], self.widths
        return discriminator_network(*sizes, group_size=self.group_size, logits=self.num_classes or 1)

    @property
    def mixed_layers(self):
        return style_layers(self.current_stage[0] + 1)

    def discriminate(self, samples, *conditions):
        logits = self.played(self.discriminator, [samples])
        if not self.num_classes:
            return logits
        chosen = ops.one_hot(ops.cast(conditions[0], "int32"), self.num_classes, dtype=logits.dtype)
        return ops.sum(logits * chosen, axis=-1, keepdims=True)


# Published weights: the arrays of Facebook's pytorch_GAN_zoo ----------------------------------------------------------


def generator_sources(mapping, synthesis):
    """Maps a generator's variables to arrays: a list of (variable, `kerasgan.zoo.convert.Source`).

    In that code, a style gives the scale itself, not its difference from 1.
    """
    pairs = []
    for layer in mapping.layers:
        if isinstance(layer, MeanStyle):
            pairs.append((layer.mean, Source("mean_w", lambda values: values[0])))
        elif isinstance(layer, EqualizedDense):
            key = f"mapping.FC.{layer.name.removeprefix('dense')}"
            pairs += equalized_sources(layer, key, multiplier=layer.rate_multiplier)
    for layer in synthesis.layers:
        stage, _, part = layer.name.removeprefix("stage").partition("_")
        place = f"{int(stage) - 1}." if stage.isdecimal() else ""
        if isinstance(layer, LearnedConstant):
            pairs.append((layer.image, Source("baseScale0", lambda values: channels_last(values[0]))))
        elif part == "colors":
            pairs += equalized_sources(layer, f"toRGBLayers.{int(stage) - FIRST}")
        elif isinstance(layer, EqualizedConv2D):
            pairs += equalized_sources(layer, "conv0" if stage == "0" else f"scaleLayers.{place}{2 * int(part[-1])}")
        elif isinstance(layer, AdaptiveInstanceNormalization):
            number = int(part[0])
            key = f"adain0{number}" if stage == "0" else f"scaleLayers.{place}{2 * number + 1}"
            width = layer.style.units // 2
            shift = np.repeat([-1.0, 0.0], width)
            pairs += equalized_sources(layer.style, f"{key}.styleModulator", shift=shift)
        elif isinstance(layer, Noise):
            key = f"noiseMod0{part[0]}" if stage == "0" else f"noiseModulators.{place}{part[0]}"
            pairs.append((layer.strength, Source(f"{key}.module.weight", repeated(layer.strength.shape[0]))))
    return pairs


def repeated(count):
    """Layout of one number that is repeated for all channels."""
    return lambda values: np.repeat(values.ravel(), count)
