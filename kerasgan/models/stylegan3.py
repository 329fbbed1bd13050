"""StyleGAN3 (Karras et al. 2021, "Alias-Free Generative Adversarial Networks").

The discriminator is that of StyleGAN2.
"""

import dataclasses
import math

import keras

from kerasgan.layers import ModulatedConv2D, ScaledLeakyReLU
from kerasgan.layers.alias_free import FilteredLeakyReLU, FourierFeatures, MovingMagnitude
from kerasgan.models import stylegan2
from kerasgan.zoo.convert import Source, kernel

MARGIN = 10  # samples around the image
LIMIT = 256.0


@dataclasses.dataclass(frozen=True)
class Signal:
    """What a layer's features are as a signal.

    Args:
        cutoff: Cutoff frequency, in cycles over the image.
        half_width: Half the width of the transition band above it.
        rate: Samples over the image.
        size: Height and width, margins included.
        critical: Whether the rate is hardly above twice the cutoff, as in the last layers.
    """

    cutoff: float
    half_width: float
    rate: int
    size: int
    critical: bool


def signals(image_size, depth=14, critical=2, first_cutoff=2.0, first_stopband=2**2.1, last_stopband=2**0.3):
    """The signals of the layers of a generator, and at last of the images (section 3.2, "flexible layers").

    Cutoffs and stopbands grow geometrically from layer to layer up to the last `critical` ones; the sampling rate is
    the power of 2 that holds the stopband, at most the images'.

    Args:
        image_size: Height and width of the images, a power of 2.
        depth: Number of layers without the last one, which makes colours.
        critical: Number of layers at the end with the images' cutoff.
        first_cutoff: Cutoff of the first layer, in cycles over the image.
        first_stopband: Its stopband, likewise.
        last_stopband: Stopband of the last layer over half the image size.

    Returns:
        Tuple of `depth` + 1 `Signal`s.

    Raises:
        ValueError: If the image size is not a power of 2 or too small.
    """
    if image_size < 16 or image_size & (image_size - 1):
        raise ValueError(f"image_size is {image_size}, expected a power of 2 of at least 16.")
    last = image_size / 2
    found = []
    for place in range(depth + 1):
        share = min(place / (depth - critical), 1.0)
        cutoff = first_cutoff * (last / first_cutoff) ** share
        stopband = first_stopband * (last * last_stopband / first_stopband) ** share
        rate = 2 ** math.ceil(math.log2(min(2 * stopband, image_size)))
        size = image_size if place >= depth - 1 else rate + 2 * MARGIN
        half_width = max(stopband, rate / 2) - cutoff
        found.append(Signal(cutoff, half_width, rate, size, place >= depth - critical))
    return tuple(found)


def stage_channels(layer_signals, channel_base=32768, channel_max=512):
    """Channels of the layers: `channel_base` over twice the cutoff, at most `channel_max`."""
    return tuple(round(min(channel_base / 2 / signal.cutoff, channel_max)) for signal in layer_signals)


def style_layers(depth=14):
    """Number of styles that a generator takes: of the waves, of each layer and of the colours."""
    return depth + 2


def mapping_network(latent_dim=512, style_dim=512, num_classes=None, depth=2, decay=0.998):
    """The mapping network: that of StyleGAN2 with two layers (appendix B)."""
    return stylegan2.mapping_network(latent_dim, style_dim, num_classes, depth, decay=decay)


def synthesis_network(
    image_size, channels, layer_signals, widths, style_dim=512, kernel_size=3, radial=False, decay=0.999
):
    """The synthesis network: styles of its layers to images (section 3.2 and figure 4b).

    Waves pass through convolutions modulated by the styles, each behind a division by the features' moving magnitude
    and before a leaky ReLU between filters. There is no noise and no image of earlier layers. What the last layer makes
    is divided by 4.

    Configuration T, equivariant to translation: 3x3 kernels. Configuration R, to rotation as well: 1x1 kernels, twice
    the channels, and radial filters but for the critical layers.

    Args:
        image_size: Height and width of the images.
        channels: Of the images.
        layer_signals: As from `signals`.
        widths: Channels of the layers, as from `stage_channels`; the last entry plays no part.
        style_dim: Length of the styles.
        kernel_size: 3 for T, 1 for R.
        radial: False for T, True for R.
        decay: Of the moving magnitudes.

    Returns:
        `keras.Model` of the input `styles` of shape (batch, `style_layers`, style_dim) with images of any range.
    """
    depth = len(layer_signals) - 1
    styles = keras.Input((style_layers(depth), style_dim), name="styles")
    old = layer_signals[0]
    x = FourierFeatures(old.size, widths[0], old.cutoff, old.rate, name="waves")(styles[:, 0])
    for place, signal in enumerate(layer_signals):
        name, style = f"layer{place}", styles[:, place + 1]
        x = MovingMagnitude(decay, name=f"{name}_magnitude")(x)
        if place == depth:
            x = ModulatedConv2D(channels, 1, demodulate=False, name=name)([x, style])
            break
        x = ModulatedConv2D(widths[place], kernel_size, padding="full", prenormalize=True, name=name)([x, style])
        x = FilteredLeakyReLU(
            signal.size,
            *(old.rate, signal.rate, old.cutoff, signal.cutoff, old.half_width, signal.half_width),
            radial=radial and not signal.critical,
            limit=LIMIT,
            name=f"{name}_activation",
        )(x)
        old = signal
    x = ScaledLeakyReLU(1.0, 1.0, LIMIT, name="limited")(x)
    x = ScaledLeakyReLU(0.25, 1.0, dtype=keras.config.floatx(), name="images")(x)
    return keras.Model(styles, x, name="synthesis")


generator_network = stylegan2.generator_network
discriminator_network = stylegan2.discriminator_network


# Published weights: the arrays of NVIDIA's StyleGAN3 ------------------------------------------------------------------

CONSTANT_ARRAYS = ("up_filter", "down_filter")


def generator_sources(generator):
    """Which arrays a generator's variables are: list of (variable, `kerasgan.zoo.convert.Source`)."""
    pairs = stylegan2.mapping_sources(generator.get_layer("mapping"))
    synthesis = generator.get_layer("synthesis")
    for layer in synthesis.layers:
        if isinstance(layer, FourierFeatures):
            key = "synthesis.input"
            pairs += [
                (layer.frequencies, Source(f"{key}.freqs")),
                (layer.phases, Source(f"{key}.phases")),
                (layer.transform, Source(f"{key}.transform")),
                (layer.kernel, Source(f"{key}.weight", kernel)),
                (layer.style_kernel, Source(f"{key}.affine.weight", kernel)),
                (layer.style_bias, Source(f"{key}.affine.bias")),
            ]
        elif isinstance(layer, ModulatedConv2D):
            place = layer.name.removeprefix("layer")
            last = f"{layer.name}_activation" not in [each.name for each in synthesis.layers]
            shape = layer.output.shape if last else synthesis.get_layer(f"{layer.name}_activation").output.shape
            key = f"synthesis.L{place}_{shape[1]}_{shape[-1]}"
            pairs += stylegan2.modulated_sources(layer, key)
            magnitude = synthesis.get_layer(f"{layer.name}_magnitude").magnitude
            pairs.append((magnitude, Source(f"{key}.magnitude_ema")))
    return pairs
