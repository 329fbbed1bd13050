"""StyleGAN3 (Karras et al. 2021, "Alias-Free Generative Adversarial Networks").

The discriminator is that of StyleGAN2.
"""

import dataclasses
import math
from typing import Any

import keras
from keras import ops

from kerasgan.bases.styles import StyleModel, StyleRecipe
from kerasgan.game.recipe import Adam
from kerasgan.game.schedules import Stairs, precision
from kerasgan.layers import ModulatedConv2D, ScaledLeakyReLU
from kerasgan.layers.alias_free import FilteredLeakyReLU, FourierFeatures, MovingMagnitude
from kerasgan.layers.growing import stage_widths as widths_of
from kerasgan.models import stylegan2
from kerasgan.objectives.penalties import R1
from kerasgan.zoo.convert import Source, assign_averages, kernel

MARGIN = 10  # number of samples around the image
LIMIT = 256.0


@dataclasses.dataclass(frozen=True)
class Signal:
    """A layer's features as a signal.

    Args:
        cutoff: Cutoff frequency, in cycles over the image.
        half_width: Half the width of the transition band above it.
        rate: Samples over the image.
        size: Height and width, margins included.
        critical: Whether the rate is only slightly above twice the cutoff, as in the last layers.
    """

    cutoff: float
    half_width: float
    rate: int
    size: int
    critical: bool


def signals(image_size, depth=14, critical=2, first_cutoff=2.0, first_stopband=2**2.1, last_stopband=2**0.3):
    """The signals of a generator's layers, followed by that of the images (section 3.2, "flexible layers").

    Cutoffs and stopbands grow geometrically from layer to layer up to the last `critical` ones; the sampling rate is
    the power of 2 that contains the stopband, at most that of the images.

    Args:
        image_size: Height and width of the images, a power of 2.
        depth: Number of layers except the last one, which outputs colours.
        critical: Number of layers at the end with the images' cutoff.
        first_cutoff: Cutoff of the first layer, in cycles over the image.
        first_stopband: Stopband of the first layer, in cycles over the image.
        last_stopband: Ratio of the last layer's stopband to half the image size.

    Returns:
        Tuple of `depth` + 1 `Signal`s.

    Raises:
        ValueError: If the image size is too small or not a power of 2.
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
    """Channels of the layers: `channel_base` divided by twice the cutoff, at most `channel_max`."""
    return tuple(round(min(channel_base / 2 / signal.cutoff, channel_max)) for signal in layer_signals)


def style_layers(depth=14):
    """Number of styles that a generator takes: one for the waves, one for each layer and one for the colours."""
    return depth + 2


def mapping_network(latent_dim=512, style_dim=512, num_classes=None, depth=2, decay=0.998):
    """The mapping network: that of StyleGAN2 with two layers (appendix B)."""
    return stylegan2.mapping_network(latent_dim, style_dim, num_classes, depth, decay=decay)


def synthesis_network(
    image_size, channels, layer_signals, widths, style_dim=512, kernel_size=3, radial=False, decay=0.999
):
    """The synthesis network, from the styles of its layers to images (section 3.2 and figure 4b).

    Waves pass through convolutions modulated by the styles; each is preceded by a division by the features' moving
    magnitude and followed by a leaky ReLU between filters. There is no noise, and only the last layer outputs an image,
    which is divided by 4.

    Configuration T, equivariant to translation: 3x3 kernels. Configuration R, equivariant to rotation as well: 1x1
    kernels, twice the channels, and radial filters except in the critical layers.

    Args:
        image_size: Height and width of the images.
        channels: Number of channels of the images.
        layer_signals: Signals of the layers, from `signals`.
        widths: Channels of the layers, from `stage_channels`; the last entry is not used.
        style_dim: Length of the styles.
        kernel_size: 3 for T, 1 for R.
        radial: False for T, True for R.
        decay: Decay of the moving magnitudes.

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


# The family -----------------------------------------------------------------------------------------------------------

CONFIGURATIONS = ("T", "R")


@dataclasses.dataclass(frozen=True)
class StyleGAN3Recipe(StyleRecipe):
    """Appendix C and the authors' settings for 256 pixels: R1 with gamma = 2 every 16 steps, no mixing, no path length.

    In addition to the settings of `kerasgan.bases.styles.StyleRecipe`:

    Args:
        blur_sigma: Initial standard deviation, in pixels, of the Gaussian blur of the discriminator's images in
            configuration R.
        blur_kimg: Thousands of images over which `blur_sigma` falls to 0.
    """

    batch_size: int | Stairs = 32
    style_mixing: float = 0.0
    penalties: tuple = (R1(2.0, interval=16),)
    blur_sigma: float = 10.0
    blur_kimg: float = 200.0
    discriminator_optimizer: Any = Adam(2e-3, beta_1=0.0, beta_2=0.99, epsilon=1e-8)
    generator_optimizer: Any = Adam(2.5e-3, beta_1=0.0, beta_2=0.99, epsilon=1e-8)


@keras.saving.register_keras_serializable(package="kerasgan")
class StyleGAN3(StyleModel):
    """Alias-free generator: details move with the objects they belong to, instead of sticking to pixels.

    Its features are continuous signals, sampled finely enough for their content, and each leaky ReLU lies between
    filters that remove frequencies that the sampling cannot represent (section 3). It starts from waves, which a style
    translates and rotates, and has no noise. Configuration T is equivariant to translation, R to rotation as well: its
    kernels are 1x1, its filters rotationally symmetric, its layers twice as wide. The discriminator is StyleGAN2's; in
    configuration R all its images are blurred at first (appendix C.3), with zeros beyond the borders.

    `recipes`: the default is for 256 pixels; the gamma of "auto" grows with the number of pixels, 2 at 256x256, as the
    authors recommend for batches of 32; "paper512" and "paper1024" have gamma 8.2 and 32.8.

    Args:
        image_shape: (size, size, channels) of images in [-1, 1]; the size a power of 2 of at least 16.
        latent_dim: Length of the latent vectors, standard normal.
        num_classes: Number of classes of a conditional model. `None` for an unconditional model.
        configuration: "T" or "R".
        style_dim: Length of the styles.
        channel_base: Channels of a generator layer multiplied by twice its cutoff frequency, and of a discriminator
            stage multiplied by its size; doubled for the generator in configuration R.
        channel_max: Largest number of channels; doubled in the same way.
        depth: Number of the mapping network's layers.
        generator_depth: Number of the generator's layers except the last one.
        critical: Number of final layers with the images' cutoff frequency.
        group_size: Number of samples in a group of the minibatch standard deviation.
        **kwargs: Arguments of `kerasgan.LatentModel`.

    Raises:
        ValueError: For an unknown configuration, an unsupported size, conditions that are not labels, or labels with
            packing.

    Examples:

    >>> model = StyleGAN3(image_shape=(32, 32, 3), channel_base=1024, channel_max=32, latent_dim=64, style_dim=64)
    >>> model.compile(recipe="auto", batch_size=16)
    >>> model.fit(images, epochs=100)
    >>> pictures = model.sample(64, seed=0, truncation=0.7)
    """

    official_format = "pickle"
    official_license = (
        "nvidia-source-code-license",
        "NVIDIA Source Code License for StyleGAN3: research and evaluation only, not commercial use; networks that "
        "were trained from its code or weights fall under it as well "
        "(https://github.com/NVlabs/stylegan3/blob/main/LICENSE.txt).",
    )
    recipe = StyleGAN3Recipe()
    recipes = {
        "auto": {},
        "paper512": {"penalties": (R1(8.2, interval=16),)},
        "paper1024": {"penalties": (R1(32.8, interval=16),)},
    }

    def __init__(
        self,
        image_shape,
        latent_dim=512,
        num_classes=None,
        configuration="T",
        style_dim=512,
        channel_base=32768,
        channel_max=512,
        depth=2,
        generator_depth=14,
        critical=2,
        group_size=4,
        **kwargs,
    ):
        if configuration not in CONFIGURATIONS:
            raise ValueError(f"`configuration` is {configuration!r}; expected 'T' or 'R'.")
        if image_shape[0] != image_shape[1]:
            raise ValueError(f"`image_shape` is {tuple(image_shape)}; expected squares, (size, size, channels).")
        self.configuration, self.style_dim = configuration, style_dim
        self.channel_base, self.channel_max, self.group_size = channel_base, channel_max, group_size
        self.depth, self.generator_depth, self.critical = depth, generator_depth, critical
        super().__init__(image_shape, latent_dim, num_classes=num_classes, **kwargs)

    def build_mapping(self):
        return mapping_network(self.latent_dim, self.style_dim, self.num_classes, self.depth)

    def build_generator(self):
        size, _, channels = self.image_shape
        radial = self.configuration == "R"
        layer_signals = signals(size, self.generator_depth, self.critical)
        widths = stage_channels(layer_signals, self.channel_base << radial, self.channel_max << radial)
        options = {"kernel_size": 1 if radial else 3, "radial": radial}
        return synthesis_network(size, channels, layer_signals, widths, self.style_dim, **options)

    def build_discriminator(self):
        widths = widths_of(self.halvings(self.image_shape) + 1, self.channel_base, self.channel_max)
        return discriminator_network(self.pack_shape, widths, self.num_classes, group_size=self.group_size)

    @classmethod
    def from_official(cls, network):
        """Creates a model whose generator, mapping network and their averages have published weights.

        Args:
            network: Generator of the authors' code, from `kerasgan.zoo.pickled_networks.read_network`.

        Returns:
            A `StyleGAN3` with an untrained discriminator.

        Raises:
            ValueError: If the network is a different one or uses an unsupported option.
        """
        model = cls(**official_sizes(network))
        pairs = [*stylegan2.mapping_sources(model.mapping), *synthesis_sources(model.generator)]
        return assign_averages(model, pairs, network.arrays, CONSTANT_ARRAYS)

    def compile(self, *, recipe=None, **changes):
        if recipe == "auto":
            changes = {"penalties": (R1(2.0 * (self.image_shape[0] / 256) ** 2, interval=16),), **changes}
        super().compile(recipe=recipe, **changes)

    def stage(self, moment):
        """Whether the discriminator's images are blurred at a `Moment`."""
        blurs = self.configuration == "R" and self.recipe.blur_sigma > 0
        return blurs and moment.images < 1000 * self.recipe.blur_kimg

    def viewed(self, samples, *conditions):
        if self.current_stage:
            share = 1.0 - ops.cast(self.images_seen, precision()) / (1000 * self.recipe.blur_kimg)
            sigma = self.recipe.blur_sigma * ops.maximum(share, 0.0)
            samples = blurred(samples, sigma, math.ceil(3 * self.recipe.blur_sigma))
        return super().viewed(samples, *conditions)


def blurred(images, sigma, reach):
    """Blurs images with a Gaussian filter, with zeros beyond their borders.

    Args:
        images: Floats of shape (batch, height, width, channels).
        sigma: Standard deviation in pixels, a non-negative scalar tensor.
        reach: Number of pixels from the centre of the filter to its end, an integer.
    """
    height, width, channels = images.shape[1:]
    planes = ops.reshape(ops.transpose(images, (0, 3, 1, 2)), (-1, height, width, 1))
    for axis, size in enumerate((height, width)):
        places = ops.arange(-min(reach, size - 1), min(reach, size - 1) + 1, dtype=sigma.dtype)
        taps = ops.exp(-0.5 * ops.square(places / ops.maximum(sigma, 1e-3)))
        full = ops.exp(-0.5 * ops.square(ops.arange(-reach, reach + 1, dtype=sigma.dtype) / ops.maximum(sigma, 1e-3)))
        taps = ops.cast(taps / ops.sum(full), planes.dtype)
        planes = ops.conv(planes, ops.reshape(taps, (-1, 1, 1, 1) if axis == 0 else (1, -1, 1, 1)), padding="same")
    return ops.transpose(ops.reshape(planes, (-1, channels, height, width)), (0, 2, 3, 1))


# Published weights: the arrays of NVIDIA's StyleGAN3 ------------------------------------------------------------------

CONSTANT_ARRAYS = ("up_filter", "down_filter")


def generator_sources(generator):
    """Maps a generator's variables to arrays: a list of (variable, `kerasgan.zoo.convert.Source`)."""
    mapping, synthesis = (generator.get_layer(name) for name in ("mapping", "synthesis"))
    return stylegan2.mapping_sources(mapping) + synthesis_sources(synthesis)


def synthesis_sources(synthesis):
    """Maps the variables of a synthesis network to arrays."""
    pairs = []
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


# Options of the authors' code that are constants in our networks.
EXPECTED = {
    **{"num_critical": 2, "first_cutoff": 2, "first_stopband": 2**2.1, "last_stopband_rel": 2**0.3, "margin_size": 10},
    **{"output_scale": 0.25, "conv_clamp": 256, "filter_size": 6, "lrelu_upsampling": 2},
}


def official_sizes(network):
    """The constructor arguments of the model that matches a generator from the authors' code.

    Args:
        network: `kerasgan.zoo.pickled_networks.Network`.

    Raises:
        ValueError: If the network is a different one or uses an unsupported option.
    """
    options = {**network.arguments, **network.arguments.get("synthesis_kwargs", {})}
    for name, expected in EXPECTED.items():
        given = options.get(name, expected)
        if not isinstance(given, (int, float)) or not math.isclose(given, expected):
            raise ValueError(f"`network` has {name}={given!r}; expected {expected!r}.")
    radial, size = bool(options.get("use_radial_filters")), options.get("img_resolution")
    if size is None or options.get("conv_kernel", 3) != (1 if radial else 3):
        raise ValueError(f"`network` is a {network.class_name} whose configuration is neither T nor R of StyleGAN3.")
    sizes = {"channel_base": options.get("channel_base", 32768), "channel_max": options.get("channel_max", 512)}
    if radial and any(value % 2 for value in sizes.values()):
        raise ValueError(f"`network` has {sizes}; expected even numbers in configuration R.")
    return {
        "image_shape": (size, size, options.get("img_channels", 3)),
        "configuration": "R" if radial else "T",
        "generator_depth": options.get("num_layers", 14),
        **{name: value >> radial for name, value in sizes.items()},
        **stylegan2.mapping_sizes(network),
    }
