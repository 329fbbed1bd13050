"""StyleGAN (Karras et al. 2019, "A Style-Based Generator Architecture for Generative Adversarial Networks")."""

import keras
import numpy as np
from keras import layers

from kerasgan.layers import (
    AdaptiveInstanceNormalization,
    EqualizedConv2D,
    EqualizedDense,
    LearnedConstant,
    MeanStyle,
    Noise,
    PixelNormalization,
    Resample,
)
from kerasgan.layers.growing import ROOT2, growing_discriminator, growing_images, share_input
from kerasgan.models.progan import equalized_sources
from kerasgan.zoo.convert import Source, channels_last

BINOMIAL = (1, 2, 1)
FIRST = 1  # stage of the first images, 8x8


def style_layers(stages):
    """Number of a generator's layers that take a style: two a stage."""
    return 2 * stages


def mapping_network(latent_dim=512, style_dim=512, num_classes=None, depth=8, rate_multiplier=0.01, decay=0.995):
    """The mapping network: latents [and labels] to styles (section 2).

    Latents, and a learned vector of the label beside them, are normalized to mean square 1; `depth` dense layers with
    leaky ReLUs (.2) follow.

    Args:
        latent_dim: Length of the latents and of the label's vector.
        style_dim: Length of the styles.
        num_classes: Number of classes, None for no labels.
        depth: Number of dense layers.
        rate_multiplier: How fast they learn compared with other layers.
        decay: Of the mean style, which its layer `mean_style` keeps.

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
        x = layers.LeakyReLU(0.2, name=f"activation{place}")(EqualizedDense(style_dim, **options)(x))
    x = MeanStyle(decay, name="mean_style")(x)
    return keras.Model(inputs if num_classes else latents, x, name="mapping")


def synthesis_network(smallest, channels, stage_widths, style_dim=512, taps=BINOMIAL, seed=None):
    """The synthesis network: styles of its layers to images (section 2, figure 1b).

    It starts from a learned 4x4 image; each stage has two layers, whose styles set the scale and offset of each channel
    behind noise, a leaky ReLU (.2) and instance normalization. A stage's first layer repeats pixels to twice the size,
    convolves and smooths. The images are linear functions of the features; the first ones are those of stage 1.

    Args:
        smallest: (height, width) of stage 0.
        channels: Of the images.
        stage_widths: Channels of the stages, smallest first, as from `kerasgan.layers.growing.stage_widths`.
        style_dim: Length of the styles.
        taps: Of the smoothing filter; None for none.
        seed: Seed of the noise.

    Returns:
        A growing `keras.Model` (see `kerasgan.layers.growing`) of the inputs `styles` of shape (batch, `style_layers`,
        style_dim) and `share`.
    """
    styles, share = keras.Input((style_layers(len(stage_widths)), style_dim), name="styles"), share_input()

    def styled(x, place):
        name = f"stage{place // 2}_{place % 2}"
        x = Noise(per_channel=True, seed=seed if seed is None else seed + place, name=f"{name}_noise")(x)
        x = layers.LeakyReLU(0.2, name=f"{name}_activation")(x)
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


# Published weights: the arrays of Facebook's pytorch_GAN_zoo ----------------------------------------------------------


def generator_sources(mapping, synthesis):
    """Which arrays a generator's variables are: list of (variable, `kerasgan.zoo.convert.Source`).

    There a style gives the scale itself, not what is added to 1.
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
    """Layout of one number for all channels."""
    return lambda values: np.repeat(values.ravel(), count)
