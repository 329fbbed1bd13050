"""StyleGAN2 (Karras et al. 2020, "Analyzing and Improving the Image Quality of StyleGAN").

Labels as in StyleGAN2-ADA (Karras et al. 2020, "Training Generative Adversarial Networks with Limited Data").
"""

import dataclasses
import math
import re
from typing import Any

import keras
import numpy as np
from keras import layers, ops

from kerasgan.bases.growing import DoublingStages
from kerasgan.bases.styles import StyleModel, StyleRecipe
from kerasgan.game.phase import Phase
from kerasgan.game.recipe import Adam, recipe_of
from kerasgan.game.schedules import Stairs
from kerasgan.layers import (
    EqualizedConv2D,
    EqualizedDense,
    LearnedConstant,
    MeanStyle,
    MinibatchStandardDeviation,
    ModulatedConv2D,
    Noise,
    OneHot,
    PixelNormalization,
    Resample,
    ScaledLeakyReLU,
    normal,
)
from kerasgan.layers.growing import stage_widths
from kerasgan.layers.resample import BILINEAR
from kerasgan.objectives.losses import mean
from kerasgan.objectives.penalties import R1
from kerasgan.objectives.regularizers import lazy_adam, path_length_penalty, path_lengths
from kerasgan.zoo.convert import Source, assign_averages, channels_last, flattened, kernel, one_channel

HALF = math.sqrt(0.5)  # scales each of two branches so that their sum has the variance of one
ARCHITECTURES = ("skip", "residual", "original")


def style_layers(stages):
    """Number of a generator's layers that take a style: one at 4x4, two at each further size, one to colours."""
    return 2 * stages


def check_architecture(architecture):
    if architecture not in ARCHITECTURES:
        raise ValueError(f"architecture is {architecture!r}, expected one of {', '.join(map(repr, ARCHITECTURES))}.")


def mapping_network(latent_dim=512, style_dim=512, num_classes=None, depth=8, rate_multiplier=0.01, decay=0.995):
    """The mapping network: latents [and labels] to styles (StyleGAN, section 2).

    Latents are normalized to mean square 1, and a learned vector of the label, normalized in the same way, is appended.
    `depth` dense layers with leaky ReLUs (0.2) follow.

    Args:
        latent_dim: Length of the latents.
        style_dim: Length of the styles.
        num_classes: Number of classes. None for no labels.
        depth: Number of dense layers.
        rate_multiplier: Learning rate of the dense layers relative to other layers.
        decay: Decay of the mean style, which the layer `mean_style` tracks. None for no such layer.

    Returns:
        `keras.Model` of the inputs `latents` [and `labels`] with outputs of shape (batch, style_dim).
    """
    latents = keras.Input((latent_dim,), name="latents")
    inputs, parts = [latents], [PixelNormalization(name="normalized_latents")(latents)]
    if num_classes:
        inputs.append(keras.Input((), dtype="int32", name="labels"))
        parts.append(label_styles(inputs[-1], num_classes, style_dim))
    x = layers.Concatenate(name="latents_and_labels")(parts) if num_classes else parts[0]
    x = style_stack(x, style_dim, depth, rate_multiplier)
    if decay is not None:
        x = MeanStyle(decay, name="mean_style")(x)
    return keras.Model(inputs if num_classes else latents, x, name="mapping")


def label_styles(labels, num_classes, length):
    """A learned vector for each label, normalized to mean square 1."""
    x = EqualizedDense(length, name="label_embedding")(OneHot(num_classes, name="label_one_hot")(labels))
    return PixelNormalization(name="normalized_labels")(x)


def style_stack(x, length, depth, rate_multiplier):
    """Dense layers with leaky ReLUs, named dense0, dense1, ..."""
    for place in range(depth):
        x = EqualizedDense(length, rate_multiplier=rate_multiplier, name=f"dense{place}")(x)
        x = ScaledLeakyReLU(name=f"activation{place}")(x)
    return x


def synthesis_network(smallest, channels, stage_widths, style_dim=512, architecture="skip", limit=None, seed=None):
    """The synthesis network, from the styles of its layers to images (section 2 and figure 7).

    It starts from a learned 4x4 image. Each stage has a 3x3 convolution that doubles the size (except in the first
    stage) and another 3x3 convolution, both modulated and demodulated and followed by noise, a bias and a leaky ReLU.

    Args:
        smallest: (height, width) of the first stage.
        channels: Number of channels of the images.
        stage_widths: Channels of the stages, smallest first.
        style_dim: Length of the styles.
        architecture: "skip": the image is the sum of the enlarged images of all stages, as in the paper. "residual":
            each stage adds to the enlarged features of the previous one. "original": neither, as in StyleGAN.
        limit: Bound of all activations, as for `ScaledLeakyReLU`.
        seed: Seed of the noise.

    Returns:
        `keras.Model` of the input `styles` of shape (batch, `style_layers`, style_dim) with images of any range.
    """
    check_architecture(architecture)
    styles = keras.Input((style_layers(len(stage_widths)), style_dim), name="styles")
    seeds = iter([None] * 2 * len(stage_widths) if seed is None else range(seed, seed + 2 * len(stage_widths)))

    def convolution(x, style, width, name, scale=1.0, **options):
        x = ModulatedConv2D(width, 3, name=name, **options)([x, style])
        x = Noise(seed=next(seeds), name=f"{name}_noise")(x)
        return activated(x, name, limit, scale)

    x = LearnedConstant((*smallest, stage_widths[0]), normal(1.0), name="constant")(styles)
    images = None
    for stage, width in enumerate(stage_widths):
        name, first, y = f"stage{stage}", 2 * stage, None
        if stage:
            if architecture == "residual":
                y = EqualizedConv2D(width, 1, gain=HALF, use_bias=False, name=f"{name}_skip")(x)
                y = Resample(up=2, name=f"{name}_enlarged")(y)
            x = convolution(x, styles[:, first - 1], width, f"{name}_conv0", up=2)
        x = convolution(x, styles[:, first], width, f"{name}_conv1", scale=1.0 if y is None else HALF)
        x = x if y is None else layers.Add(name=f"{name}_joined")([x, y])
        if architecture == "skip" or stage + 1 == len(stage_widths):
            options = {"demodulate": False, "name": f"{name}_colors"}
            y = ModulatedConv2D(channels, 1, **options)([x, styles[:, first + 1]])
            y = ScaledLeakyReLU(1.0, 1.0, limit, name=f"{name}_limited")(y) if limit else y
            if images is not None:
                y = layers.Add(name=f"{name}_sum")([Resample(up=2, name=f"{name}_enlarged_images")(images), y])
            images = y
    images = layers.Activation("linear", dtype=keras.config.floatx(), name="images")(images)
    return keras.Model(styles, images, name="synthesis")


def activated(x, name, limit=None, scale=1.0):
    """The activation of a layer, scaled after its limit is applied."""
    limit = limit if limit is None else limit * scale
    return ScaledLeakyReLU(math.sqrt(2) * scale, limit=limit, name=f"{name}_activation")(x)


def generator_network(mapping, synthesis):
    """A generator whose layers all take the style from the mapping network.

    Args:
        mapping: Mapping network, from `mapping_network`.
        synthesis: Synthesis network, from `synthesis_network`.

    Returns:
        `keras.Model` from the mapping network's inputs to images, with the two networks as layers `mapping` and
        `synthesis`.
    """
    styles = layers.RepeatVector(synthesis.input_shape[1], name="styles")(mapping(mapping.input))
    return keras.Model(mapping.input, synthesis(styles), name="generator")


def discriminator_network(
    image_shape, stage_widths, num_classes=None, architecture="residual", group_size=4, depth=8, limit=None
):
    """The discriminator (section 4.1 and figure 7).

    Each stage has a 3x3 convolution and one that halves the size after a smoothing filter; at 4x4, the minibatch
    standard deviation, a convolution and two dense layers follow. With labels, the logit is the inner product of the
    last layer's output with a vector that a separate mapping network makes from the label, divided by the square root
    of its length.

    Args:
        image_shape: (height, width, channels).
        stage_widths: Channels of the stages, smallest first.
        num_classes: Number of classes. None for no labels.
        architecture: "residual": the mean of two branches, scaled to keep the variance, as in the paper. "skip": each
            stage adds features of the shrunk image. "original": neither.
        group_size: See `MinibatchStandardDeviation`.
        depth: Number of dense layers of the label's mapping network.
        limit: Bound of the activations of all convolutions, as for `ScaledLeakyReLU`.

    Returns:
        `keras.Model` of the inputs `images` [and `labels`] with logits of shape (batch, 1).
    """
    check_architecture(architecture)
    images = keras.Input(image_shape, name="images")
    inputs = [images]

    def features(images, x, stage):
        """Features of the images, added to the existing ones."""
        name = f"stage{stage}_colors"
        y = activated(EqualizedConv2D(stage_widths[stage], 1, name=name)(images), name, limit)
        return y if x is None else layers.Add(name=f"{name}_sum")([x, y])

    last = len(stage_widths) - 1
    x = None
    for stage in range(last, 0, -1):
        name, width = f"stage{stage}", stage_widths[stage - 1]
        if x is None or architecture == "skip":
            x = features(images, x, stage)
        if architecture == "skip":
            images = Resample(down=2, name=f"{name}_shrunk_images")(images)
        y = x
        x = activated(EqualizedConv2D(stage_widths[stage], 3, name=f"{name}_conv0")(x), f"{name}_conv0", limit)
        # The filter enlarges the size by one pixel, so that the convolution without padding gives exactly half.
        x = Resample(padding=(2, 2), name=f"{name}_smoothed")(x)
        x = EqualizedConv2D(width, 3, strides=2, padding="valid", name=f"{name}_conv1")(x)
        x = activated(x, f"{name}_conv1", limit, HALF if architecture == "residual" else 1.0)
        if architecture == "residual":
            y = Resample(down=2, name=f"{name}_shrunk")(y)
            y = EqualizedConv2D(width, 1, gain=HALF, use_bias=False, name=f"{name}_skip")(y)
            x = layers.Add(name=f"{name}_joined")([x, y])
    if x is None or architecture == "skip":
        x = features(images, x, 0)
    x = MinibatchStandardDeviation(group_size, name="deviation")(x)
    x = activated(EqualizedConv2D(stage_widths[0], 3, name="conv")(x), "conv", limit)
    x = activated(EqualizedDense(stage_widths[0], name="features")(layers.Flatten(name="flat")(x)), "features")
    if not num_classes:
        return keras.Model(images_of(inputs), EqualizedDense(1, name="logits")(x), name="discriminator")
    inputs.append(keras.Input((), dtype="int32", name="labels"))
    vectors = style_stack(label_styles(inputs[-1], num_classes, stage_widths[0]), stage_widths[0], depth, 0.01)
    x = EqualizedDense(stage_widths[0], name="judgement")(x)
    x = layers.Dot(axes=1, name="agreement")([x, vectors])
    logits = ScaledLeakyReLU(1 / math.sqrt(stage_widths[0]), slope=1.0, name="logits")(x)
    return keras.Model(inputs, logits, name="discriminator")


def images_of(inputs):
    return inputs if len(inputs) > 1 else inputs[0]


# The family -----------------------------------------------------------------------------------------------------------

INTERVAL = 16  # steps from one R1 penalty to the next
NO_RAMPUP = 1e9  # a constant half-life of the average from the first image on


def adams(learning_rate):
    """Recipe fields for the Adam optimizers of both players."""
    adam = Adam(learning_rate, beta_1=0.0, beta_2=0.99, epsilon=1e-8)
    return {"discriminator_optimizer": adam, "generator_optimizer": adam}


def r1(gamma):
    """Recipe field for R1 in every 16th step."""
    return {"penalties": (R1(gamma, interval=INTERVAL),)}


@dataclasses.dataclass(frozen=True)
class StyleGAN2Recipe(StyleRecipe):
    """Configuration F (section 3 and appendix B): R1 with gamma = 10 every 16 steps, path length every 4.

    In addition to the settings of `kerasgan.bases.styles.StyleRecipe`:

    Args:
        path_weight: Weight of the path length penalty. 0 for no penalty.
        path_interval: Number of steps between two evaluations of the path length penalty.
        path_batch_shrink: Number of parts into which the batch is divided; the penalty uses only the first one.
        path_decay: Fraction by which the mean path length moves towards that of each batch.
    """

    batch_size: int | Stairs = 32
    ema_rampup: float = NO_RAMPUP
    penalties: tuple = r1(10.0)["penalties"]
    path_weight: float = 2.0
    path_interval: int = 4
    path_batch_shrink: int = 2
    path_decay: float = 0.01
    discriminator_optimizer: Any = adams(2e-3)["discriminator_optimizer"]
    generator_optimizer: Any = adams(2e-3)["generator_optimizer"]


@keras.saving.register_keras_serializable(package="kerasgan")
class StyleGAN2(DoublingStages, StyleModel):
    """Style-modulated generator with path length regularization; StyleGAN2-ADA with `views=("ada",)`.

    A mapping network turns latents into a style, which scales the input channels of each convolution; demodulation
    replaces StyleGAN's normalization (section 2.2). Noise is added after each convolution. Images of all sizes are
    summed, instead of growing (section 4). The loss is the non-saturating one with R1. The path length penalty
    encourages a fixed-size step in style to change the image by a fixed amount (section 3.2). Both are lazy penalties,
    for which Adam is corrected (appendix B). Labels are used as in StyleGAN2-ADA.

    `recipes` holds the following settings, and `sizes` the matching arguments of the networks;
    `kerasgan train --recipe` uses both:

    - default: configuration F for 1024 pixels (gamma 10, Adam 2e-3, batch 32, average of 10 kimg).
    - "paper256", "paper512", "paper1024", "cifar": those of StyleGAN2-ADA's paper (gamma 1, 0.5, 2, 0.01). "cifar" has
      no style mixing and no path length.
    - "auto": StyleGAN2-ADA's rule: gamma = 0.0002 * height * width / batch, an average of batch * 10 / 32 kimg, and,
      unless given, a batch of 4096 / size, at most 32.
    - "small": the same rule with batches of 16 and without the path length penalty, the most expensive part, for images
      of about 32 pixels on CPUs.

    Differences from the authors' code: each sample has its own crossover point in style mixing, and for images whose
    sides are not powers of 2 the smallest stage is not 4x4.

    Args:
        image_shape: (height, width, channels) of images in [-1, 1]; height and width even. The smallest stage has the
            size that results from halving both down to 4 or more.
        latent_dim: Length of the latent vectors, standard normal.
        num_classes: Number of classes of a conditional model. `None` for an unconditional model.
        style_dim: Length of the styles.
        channel_base: Channels of a stage multiplied by its size (4, 8, 16, ...): 32768 in configuration F.
        channel_max: Largest number of channels.
        depth: Number of the mapping network's layers.
        architecture: Architecture of the generator: "skip", "residual" or "original" (figure 7).
        discriminator_architecture: Architecture of the discriminator: "residual", "skip" or "original".
        group_size: Number of samples in a group of the minibatch standard deviation.
        limit: Bound of all activations, 256 for half precision in StyleGAN2-ADA. `None` for no bound.
        **kwargs: Arguments of `kerasgan.LatentModel`.

    Raises:
        ValueError: For an unknown architecture, conditions that are not labels, or labels with packing.

    Examples:

    >>> model = StyleGAN2(image_shape=(32, 32, 3), **StyleGAN2.sizes["small"])
    >>> model.compile(recipe="small", views=("ada",))
    >>> model.fit(images, epochs=100)
    >>> pictures = model.sample(64, seed=0, truncation=0.7)
    """

    official_format = "pickle"
    official_license = (
        "nvidia-source-code-license",
        "NVIDIA Source Code License for StyleGAN2-ADA: research and evaluation only, not commercial use; networks that "
        "were trained from its code or weights fall under it as well "
        "(https://nvlabs.github.io/stylegan2-ada-pytorch/license.html).",
    )
    recipe = StyleGAN2Recipe()
    recipes = {
        "paper256": {"batch_size": 64, "ema_half_life": 20_000.0, **r1(1.0), **adams(2.5e-3)},
        "paper512": {"batch_size": 64, "ema_half_life": 20_000.0, **r1(0.5), **adams(2.5e-3)},
        "paper1024": {"batch_size": 32, "ema_half_life": 10_000.0, **r1(2.0), **adams(2e-3)},
        "cifar": {
            **{"batch_size": 64, "ema_half_life": 500_000.0, "ema_rampup": 0.05, **r1(0.01), **adams(2.5e-3)},
            **{"style_mixing": 0.0, "path_weight": 0.0},
        },
        "auto": {"ema_rampup": 0.05, **r1(None), **adams(2.5e-3)},
        "small": {"batch_size": 16, "ema_rampup": 0.05, "path_weight": 0.0, **r1(None), **adams(2.5e-3)},
    }
    sizes: dict[str, dict] = {
        "paper256": {"channel_base": 16384, "group_size": 8},
        "paper512": {"group_size": 8},
        "paper1024": {},
        "cifar": {"depth": 2, "group_size": 32, "discriminator_architecture": "original"},
        "auto": {"channel_base": 16384, "depth": 2},
        "small": {"channel_base": 1024, "channel_max": 64, "latent_dim": 64, "style_dim": 64, "depth": 2},
    }

    def __init__(
        self,
        image_shape,
        latent_dim=512,
        num_classes=None,
        style_dim=512,
        channel_base=32768,
        channel_max=512,
        depth=8,
        architecture="skip",
        discriminator_architecture="residual",
        group_size=4,
        limit=None,
        **kwargs,
    ):
        self.style_dim, self.channel_base, self.channel_max, self.depth = style_dim, channel_base, channel_max, depth
        self.architecture, self.discriminator_architecture = architecture, discriminator_architecture
        self.group_size, self.limit = group_size, limit
        super().__init__(image_shape, latent_dim, num_classes=num_classes, **kwargs)
        self.add_state(path_length=())

    def build_mapping(self):
        return mapping_network(self.latent_dim, self.style_dim, self.num_classes, self.depth)

    def build_generator(self):
        sizes = self.smallest, self.image_shape[-1], self.widths, self.style_dim
        return synthesis_network(*sizes, self.architecture, self.limit)

    def build_discriminator(self):
        options = {"architecture": self.discriminator_architecture, "group_size": self.group_size}
        sizes = self.pack_shape, self.widths, self.num_classes
        return discriminator_network(*sizes, **options, depth=self.depth, limit=self.limit)

    def compile(self, *, recipe=None, **changes):
        if recipe in ("auto", "small"):
            changes = {**changes, **self.by_rule(recipe, **changes)}
        super().compile(recipe=recipe, **changes)

    def by_rule(self, recipe="auto", batch_size=None, ema_half_life=None, penalties=None, **others):
        """The recipe fields that "auto" and "small" derive from the image size and the batch size.

        Args:
            recipe: Name of the recipe.
            batch_size: Batch size. `None` for that of the recipe.
            ema_half_life: Half-life of the averages, in images. `None` for that of the rule.
            penalties: Penalties; an R1 without gamma gets the gamma of the rule. `None` for those of the recipe.
            **others: Other fields of the recipe, ignored.
        """
        height, width, _ = self.image_shape
        if batch_size is None:
            chosen = recipe_of(type(self), recipe).batch_size
            batch_size = chosen if recipe == "small" else max(1, min(4096 // max(height, width), 32))
        largest = batch_size.largest if isinstance(batch_size, Stairs) else batch_size
        gamma = 0.0002 * height * width / largest
        given = recipe_of(type(self), recipe).penalties if penalties is None else penalties
        given = given if isinstance(given, (tuple, list)) else (given,)
        return {
            "batch_size": batch_size,
            "ema_half_life": largest * 10_000 / 32 if ema_half_life is None else ema_half_life,
            "penalties": tuple(
                dataclasses.replace(each, gamma=gamma) if isinstance(each, R1) and each.gamma is None else each
                for each in given
            ),
        }

    def optimizers(self):
        players = super().optimizers()
        if self.recipe.path_weight and self.recipe.lazy_correction:
            players["generator"] = lazy_adam(players["generator"], self.recipe.path_interval)
        return players

    def phases(self):
        phases, recipe = super().phases(), self.recipe
        if not recipe.path_weight:
            return phases
        trains, every = ("mapping", "generator"), recipe.path_interval
        path = Phase("path", trains, self.path_loss, "generator", every=every, keeps=("path_length",))
        return *phases, path

    @classmethod
    def from_official(cls, network):
        """Creates a model whose generator, mapping network and their averages have published weights.

        Args:
            network: Generator of StyleGAN2-ADA for PyTorch, from `kerasgan.zoo.pickled_networks.read_network`.

        Returns:
            A `StyleGAN2` with an untrained discriminator.

        Raises:
            ValueError: If the network is a different one or uses an unsupported option.
        """
        model = cls(**official_sizes(network))
        pairs = [*mapping_sources(model.mapping), *synthesis_sources(model.generator)]
        return assign_averages(model, pairs, network.arrays, CONSTANT_ARRAYS)

    def path_loss(self, batch):
        """The path length penalty: runs every `path_interval` steps, multiplied by `path_interval` (section 3.1)."""
        latents, conditions, recipe = self.latents(batch), self.fake_condition(batch), self.recipe
        count = -(-ops.shape(latents)[0] // recipe.path_batch_shrink)
        styles = self.mixed_styles(latents[:count], [condition[:count] for condition in conditions])
        noise = keras.random.normal((count, *self.image_shape), seed=self.random)
        lengths = path_lengths(self.synthesized, styles, noise)
        before = ops.cast(self.path_length, lengths.dtype)
        penalties, moved = path_length_penalty(lengths, before, recipe.path_decay)
        self.path_length.assign(ops.cast(ops.stop_gradient(moved), self.path_length.dtype))
        return recipe.path_interval * recipe.path_weight * mean(penalties), {"path_length": mean(lengths)}


# Published weights: the arrays of NVIDIA's StyleGAN2-ADA for PyTorch ------------------------------------------------

CONSTANT_ARRAYS = ("resample_filter",)


def dense_sources(layer, key):
    return [(layer.kernel, Source(f"{key}.weight", kernel)), *bias_source(layer, key)]


def bias_source(layer, key):
    return [(layer.bias, Source(f"{key}.bias"))] if layer.use_bias else []


def mapping_sources(mapping, prefix="mapping."):
    """Maps a mapping network's variables to arrays: a list of (variable, `kerasgan.zoo.convert.Source`)."""
    pairs = []
    for layer in mapping.layers:
        if isinstance(layer, MeanStyle):
            pairs.append((layer.mean, Source(f"{prefix}w_avg")))
        elif isinstance(layer, EqualizedDense) and layer.name == "label_embedding":
            pairs += dense_sources(layer, f"{prefix}embed")
        elif isinstance(layer, EqualizedDense) and layer.name.startswith("dense"):
            pairs += dense_sources(layer, f"{prefix}fc{layer.name.removeprefix('dense')}")
    return pairs


def modulated_sources(layer, key):
    """Maps the variables of a modulated convolution to arrays."""
    pairs = [(layer.kernel, Source(f"{key}.weight", kernel)), (layer.bias, Source(f"{key}.bias"))]
    return pairs + dense_sources(layer.style, f"{key}.affine")


def generator_sources(generator):
    """Maps the variables of a generator to arrays."""
    return mapping_sources(generator.get_layer("mapping")) + synthesis_sources(generator.get_layer("synthesis"))


def synthesis_sources(synthesis):
    """Maps the variables of a synthesis network to arrays."""
    pairs = []
    for layer in synthesis.layers:
        stage, _, part = layer.name.removeprefix("stage").partition("_")
        key = f"synthesis.b{4 << int(stage)}." if stage.isdecimal() else "synthesis.b4."
        if isinstance(layer, LearnedConstant):
            pairs.append((layer.image, Source(f"{key}const", channels_last)))
        elif isinstance(layer, ModulatedConv2D):
            pairs += modulated_sources(layer, key + part.replace("colors", "torgb"))
        elif isinstance(layer, EqualizedConv2D):
            pairs += dense_sources(layer, key + part)
        elif isinstance(layer, Noise):
            key += part.removesuffix("_noise")
            pairs.append((layer.strength, Source(f"{key}.noise_strength")))
            pairs.append((layer.constant, Source(f"{key}.noise_const", one_channel)))
    return pairs


def mapping_sizes(network):
    """The constructor arguments that the arrays of a mapping network determine.

    Args:
        network: `kerasgan.zoo.pickled_networks.Network`.

    Raises:
        ValueError: If there is no mapping network, or a different kind of one.
    """
    arrays, options = network.arrays, network.arguments.get("mapping_kwargs", {})
    missing = [name for name in ("mapping.fc0.weight", "mapping.w_avg") if name not in arrays]
    if missing:
        raise ValueError(f"`network` is a {network.class_name} without {missing}; expected a generator with styles.")
    for name, expected in (("lr_multiplier", 0.01), ("activation", "lrelu")):
        if options.get(name, expected) != expected:
            raise ValueError(f"`network` has a mapping network with {name}={options[name]!r}; expected {expected!r}.")
    embedding = arrays.get("mapping.embed.weight", np.zeros((0, 0)))
    return {
        "latent_dim": arrays["mapping.fc0.weight"].shape[1] - len(embedding),
        "num_classes": embedding.shape[1] or None,
        "style_dim": len(arrays["mapping.w_avg"]),
        "depth": sum(name.startswith("mapping.fc") and name.endswith(".weight") for name in arrays),
    }


def official_sizes(network):
    """The constructor arguments of the model that matches a generator from StyleGAN2-ADA's code.

    Args:
        network: `kerasgan.zoo.pickled_networks.Network`.

    Raises:
        ValueError: If the network is a different one or uses an unsupported option.
    """
    arrays, sizes = network.arrays, mapping_sizes(network)
    found = [re.match(r"synthesis\.b(\d+)\.conv1\.weight$", name) for name in arrays]
    resolutions = sorted(int(each[1]) for each in found if each)
    if resolutions != [4 << stage for stage in range(len(resolutions))] or len(resolutions) < 2:
        raise ValueError(f"`network` is a {network.class_name} of the sizes {resolutions}; expected 4, 8, 16, ...")
    for name, value in arrays.items():
        if name.endswith("resample_filter") and not np.allclose(value, np.outer(BILINEAR, BILINEAR) / 64):
            raise ValueError(f"`network` has another filter in {name}; expected that of {BILINEAR}.")
    widths, size = [len(arrays[f"synthesis.b{each}.conv1.weight"]) for each in resolutions], resolutions[-1]
    sizes |= {"channel_base": widths[-1] * size, "channel_max": max(widths)}
    if list(stage_widths(len(widths), widths[-1] * size, max(widths))) != widths:
        raise ValueError(
            f"`network` has {widths} channels; expected the number to halve with each doubling of the size."
        )
    skips, colors = ([name for name in arrays if name.endswith(end)] for end in (".skip.weight", ".torgb.weight"))
    architecture = "residual" if skips else "skip" if len(colors) == len(widths) else "original"
    channels = len(arrays[f"synthesis.b{size}.torgb.weight"])
    options = {**network.arguments, **network.arguments.get("synthesis_kwargs", {})}
    limit = {"limit": options.get("conv_clamp"), "architecture": architecture}
    return {"image_shape": (size, size, channels), **sizes, **limit}


def discriminator_sources(discriminator):
    """Maps the variables of a discriminator to arrays."""
    pairs = mapping_sources(discriminator)
    for layer in discriminator.layers:
        stage, _, part = layer.name.removeprefix("stage").partition("_")
        if isinstance(layer, EqualizedConv2D):
            key = f"b{4 << int(stage)}." if stage.isdecimal() else "b4."
            pairs += dense_sources(layer, key + (part or "conv").replace("colors", "fromrgb"))
        elif layer.name == "features":
            layout = flattened(discriminator.get_layer("flat").input.shape[1:])
            pairs += [(layer.kernel, Source("b4.fc.weight", layout)), *bias_source(layer, "b4.fc")]
        elif layer.name in ("logits", "judgement") and isinstance(layer, EqualizedDense):
            pairs += dense_sources(layer, "b4.out")
    return pairs
