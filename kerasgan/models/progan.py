"""Progressive GAN (Karras et al. 2018, "Progressive Growing of GANs for Improved Quality, ...").

The networks: see `kerasgan.layers.growing` for what a growing network is.
"""

import math

import keras
from keras import layers

from kerasgan.layers import EqualizedConv2D, EqualizedDense, OneHot, PixelNormalization
from kerasgan.layers.growing import ROOT2, growing_discriminator, growing_images, share_input
from kerasgan.zoo.convert import Source, flattened, kernel, unflattened


def generator_network(smallest, channels, stage_widths, latent_dim=512, num_classes=None):
    """The generator (section 2 and table 2).

    Latents, and the label's one-hot vector beside them, are normalized to mean square 1. A dense layer makes the first
    4x4 maps, one 3x3 convolution follows, and in each further stage pixels are repeated to twice the size and two
    convolutions follow. Behind each layer stands a leaky ReLU (.2) and the normalization of each pixel (section 4.2).
    The images are linear functions of the features.

    Args:
        smallest: (height, width) of stage 0.
        channels: Of the images.
        stage_widths: Channels of the stages, smallest first, as from `kerasgan.layers.growing.stage_widths`.
        latent_dim: Length of the latents.
        num_classes: Number of classes, None for no labels.

    Returns:
        A growing `keras.Model` (see `kerasgan.layers.growing`) of the inputs `latents` [, `labels`] and `share`.
    """

    def normalized(x, name):
        return PixelNormalization(name=f"{name}_normalized")(layers.LeakyReLU(0.2, name=f"{name}_activation")(x))

    latents, share = keras.Input((latent_dim,), name="latents"), share_input()
    inputs, x = [latents], latents
    if num_classes:
        inputs.append(keras.Input((), dtype="int32", name="labels"))
        x = layers.Concatenate(name="latents_and_labels")([x, OneHot(num_classes, name="label_one_hot")(inputs[-1])])
    x = PixelNormalization(name="normalized_latents")(x)
    # The gain of the authors' code: that of a convolution whose 4x4 kernel sees the latents once.
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


# Published weights: the arrays of Facebook's pytorch_GAN_zoo ----------------------------------------------------------


def equalized_sources(layer, key, layout=kernel, bias_layout=None, multiplier=1.0, shift=0.0):
    """Which arrays a layer's kernel and bias are: list of (variable, `kerasgan.zoo.convert.Source`).

    There a layer computes (kernel x + bias) sqrt(2 / fan-in) times its rate multiplier: the bias is scaled as well, and
    the gain is that of a ReLU in all layers.
    """
    ratio = ROOT2 * multiplier / (layer.gain * layer.rate_multiplier)
    bias_ratio = ROOT2 * multiplier / (math.sqrt(math.prod(layer.kernel.shape[:-1])) * layer.rate_multiplier)
    bias = Source(f"{key}.module.bias", bias_layout or (lambda values: values), bias_ratio, shift)
    return [(layer.kernel, Source(f"{key}.module.weight", layout, ratio)), (layer.bias, bias)]


def generator_sources(generator):
    """Likewise of all layers of a generator."""
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
    """Likewise of all layers of a discriminator."""
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
