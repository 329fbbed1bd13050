"""R3GAN (Huang et al. 2024, "The GAN is dead; long live the GAN! A Modern GAN Baseline")."""

import dataclasses
import math
import re
from typing import Any

import keras
import numpy as np
from keras import layers

from kerasgan.bases.latent import LatentModel, LatentRecipe
from kerasgan.game.recipe import Adam
from kerasgan.game.schedules import Cosine
from kerasgan.layers import (
    Basis,
    Conv2D,
    GroupedConv2D,
    LeakyReLU,
    Resample,
    label_projection,
    normal,
    scaled,
    with_labels,
)
from kerasgan.layers.resample import BILINEAR
from kerasgan.objectives import penalties
from kerasgan.zoo.convert import Source, as_stored, assign_averages, channels_last, kernel

LEAKY_GAIN = math.sqrt(2 / (1 + 0.2**2))  # keeps the deviation through a leaky ReLU of slope 0.2
FULL_WIDTH = 4  # stages: 4x4 to 32x32 pixels


def r3_schedules(
    kimg=20_000, gamma=(0.05, 0.005), learning_rate=(2e-4, 5e-5), beta_2=(0.9, 0.99), ema_half_life=(0.0, 5e6)
):
    """The scheduled fields of the recipe, for `compile()`: `model.compile(**r3_schedules(kimg=500, gamma=(1.0, 0.1)))`.

    Each pair gives the value at the first image and the final value.

    Args:
        kimg: Thousands of images over which all values change.
        gamma: Weight of R1 and of R2.
        learning_rate: Learning rate of both players.
        beta_2: Decay of Adam's second moment.
        ema_half_life: Half-life of the generator's average, in images.

    Returns:
        Dictionary of fields of `R3GANRecipe`.
    """

    def cosine(start, end):
        return Cosine(start, end, kimg)

    adam = Adam(cosine(*learning_rate), beta_1=0.0, beta_2=cosine(*beta_2), epsilon=1e-8)
    return {
        "penalties": (penalties.R1(cosine(*gamma)), penalties.R2(cosine(*gamma))),
        "discriminator_optimizer": adam,
        "generator_optimizer": adam,
        "ema_half_life": cosine(*ema_half_life),
    }


CIFAR = r3_schedules()


@dataclasses.dataclass(frozen=True)
class R3GANRecipe(LatentRecipe):
    """Settings for CIFAR-10."""

    batch_size: int = 512
    ema_half_life: Any = CIFAR["ema_half_life"]
    ema_rampup: float = 1.0
    loss: Any = "relativistic_paired"
    penalties: tuple = CIFAR["penalties"]
    discriminator_optimizer: Any = CIFAR["discriminator_optimizer"]
    generator_optimizer: Any = CIFAR["generator_optimizer"]


@keras.saving.register_keras_serializable(package="kerasgan")
class R3GAN(LatentModel):
    """A modern baseline: the relativistic pairing loss with R1 and R2, and plain residual networks.

    The loss compares each real image with a generated one, so that dropping a mode always has a cost. With zero-centred
    gradient penalties on real *and* generated images at every step, training converges locally (section 2). There are
    no styles, no normalization, no minibatch statistics and no equalized learning rates (section 3, config E).

    The networks have a stage for each size from 4x4 up, of `blocks` residual blocks, with bilinear resampling filters
    in between. A block is an inverted bottleneck: a 1x1 convolution to `expansion` times the width, a grouped 3x3
    convolution and a 1x1 convolution back, with biases and leaky ReLUs (slope 0.2) in between. Fix-up initialisation
    (Zhang et al. 2019) replaces normalization: the last convolution starts at zero and the others are scaled by
    L^(-1/4), where L is the number of blocks of the network, so that all blocks start as the identity. The generator
    starts from a learned 4x4 map for each channel, multiplied by a linear function of the latents; the discriminator
    ends in the mirror image of this layer and one linear unit. Labels are appended to the latents as learned vectors
    and enter the discriminator by projection (Miyato & Koyama 2018).

    The default recipe is that of CIFAR-10; "imagenet32", "ffhq64" and "ffhq256" have the gamma and `ema_half_life` of
    these data sets. Gamma has the units of squared pixels and must grow with the image; see `r3_schedules` for other
    data. Differences from the paper: its augmentation for small data sets is omitted (see `views`), and the generator's
    step reuses the real images of the discriminator's step instead of new ones. The filter and the 1x1 convolution of a
    transition commute, so the convolution is computed at the smaller size. Images are not clipped and may slightly
    exceed [-1, 1].

    Args:
        image_shape: Shape (height, width, channels) of images in [-1, 1]. Height and width are even. The smallest stage
            has the size that results from halving both down to 4 or more: 4x4 for 8, 16, 32, ... pixels.
        latent_dim: Length of the latent vectors.
        latent_range: (low, high) of uniform latents. `None` for standard normal latents, the default.
        num_classes: Number of classes of a conditional model. `None` for an unconditional model.
        width: Channels of the stages up to 32x32, halved in each further stage (768 to 96 at 256 pixels); or a tuple,
            smallest stage first.
        blocks: Number of residual blocks of each stage; or a tuple, smallest stage first.
        expansion: Ratio of a block's inner width to its outer width.
        group_width: Number of channels per group of the 3x3 convolutions; 16 gives 96 groups at full width.
        embedding: Length of the generator's label vectors.
        **kwargs: Arguments of `kerasgan.LatentModel`.

    Raises:
        ValueError: If the widths do not fit the stages or the groups.

    Examples:

    >>> model = R3GAN(image_shape=(32, 32, 3))
    >>> model.compile()
    >>> model.fit(images, epochs=400)
    >>> pictures = model.sample(64, seed=0)
    """

    official_format = "pickle"
    official_license = (
        "other",
        "That of the authors' repository, which is built on code of NVIDIA; read it before use "
        "(https://github.com/brownvc/R3GAN).",
    )
    recipe = R3GANRecipe()
    recipes = {
        "imagenet32": r3_schedules(gamma=(0.5, 0.05)),
        "ffhq64": r3_schedules(gamma=(2.0, 0.2), ema_half_life=(0.0, 5e5)),
        "ffhq256": r3_schedules(gamma=(150.0, 15.0), ema_half_life=(0.0, 5e5)),
    }

    def __init__(
        self,
        image_shape,
        latent_dim=64,
        latent_range=None,
        num_classes=None,
        width=768,
        blocks=2,
        expansion=2,
        group_width=16,
        embedding=64,
        **kwargs,
    ):
        self.width = width if isinstance(width, int) else tuple(width)
        self.blocks = blocks if isinstance(blocks, int) else tuple(blocks)
        self.expansion, self.group_width, self.embedding = expansion, group_width, embedding
        steps = self.halvings(image_shape, at_least=1)
        self.smallest = (image_shape[0] >> steps, image_shape[1] >> steps)
        # Exponents of the stages, smallest size first.
        narrowing = [max(0, stage + 1 - FULL_WIDTH) for stage in range(steps + 1)]
        self.stage_widths: Any = tuple(width >> n for n in narrowing) if isinstance(width, int) else self.width
        self.stage_blocks: Any = (blocks,) * (steps + 1) if isinstance(blocks, int) else self.blocks
        sizes: dict[str, Any] = {"width": self.stage_widths, "blocks": self.stage_blocks}
        for name, given in sizes.items():
            if len(given) != steps + 1:
                raise ValueError(
                    f"`{name}` has {len(given)} entries; expected {steps + 1}: one for each size from 4x4 up."
                )
        for each in sizes["width"]:
            if each < 1 or expansion * each % group_width:
                raise ValueError(
                    f"`width` gives a stage of {each} channels; {expansion} times that must be a multiple of "
                    f"group_width, {group_width}. Choose another width or group_width."
                )
        super().__init__(image_shape, latent_dim, latent_range, num_classes, **kwargs)

    @classmethod
    def from_official(cls, network):
        """Creates a model whose generator and averaged generator have published weights.

        The authors compute the larger stages of these networks in bfloat16, so that their images differ by its
        rounding.

        Args:
            network: Generator of the authors' code, from `kerasgan.zoo.pickled_networks.read_network`.

        Returns:
            An `R3GAN` with an untrained discriminator.

        Raises:
            ValueError: If the network is a different one or uses an unsupported option.
        """
        model = cls(**official_sizes(network.arrays))
        variables = model.generator.trainable_variables
        pairs = list(zip(variables, generator_sources(network.arrays), strict=True))
        return assign_averages(model, pairs, network.arrays, CONSTANT_ARRAYS)

    def build_generator(self):
        latents, labels = keras.Input((self.latent_dim,), name="latents"), self.condition_inputs()
        x = with_labels(latents, labels, self.num_classes, self.embedding, normal(1.0))
        x = layers.Dense(self.stage_widths[0], use_bias=False, kernel_initializer=scaled())(x)
        x = Basis(self.smallest, kernel_initializer=normal(1.0), name="basis")(x)
        x = self._blocks(x, self.stage_blocks[0])
        for width, blocks in zip(self.stage_widths[1:], self.stage_blocks[1:], strict=True):
            x = self._blocks(Resample(up=2)(self._linear(x, width)), blocks)
        x = Conv2D(self.image_shape[-1], 1, use_bias=False, kernel_initializer=scaled())(x)
        x = layers.Activation("linear", dtype=keras.config.floatx(), name="images")(x)
        return keras.Model(self.inputs_of(latents, *labels), x, name="generator")

    def build_discriminator(self):
        images, labels = keras.Input(self.pack_shape, name="images"), self.condition_inputs(packed=True)
        x = Conv2D(self.stage_widths[-1], 1, use_bias=False, kernel_initializer=scaled())(images)
        x = self._blocks(x, self.stage_blocks[-1])
        for width, blocks in zip(self.stage_widths[-2::-1], self.stage_blocks[-2::-1], strict=True):
            x = self._blocks(self._linear(Resample(down=2)(x), width), blocks)
        initial = normal(1 / math.sqrt(math.prod(self.smallest)))
        x = layers.EinsumDense("bhwc,hwc->bc", self.stage_widths[0], kernel_initializer=initial, name="basis")(x)
        logits = layers.Dense(1, use_bias=False, kernel_initializer=scaled(), name="logits")(x)
        if labels:
            logits = label_projection(logits, x, labels[0], self.num_classes)
        return keras.Model(self.inputs_of(images, *labels), logits, name="discriminator")

    @staticmethod
    def _linear(x, width):
        """A 1x1 convolution, if the width changes."""
        if x.shape[-1] == width:
            return x
        return Conv2D(width, 1, use_bias=False, kernel_initializer=scaled())(x)

    def _blocks(self, x, count):
        """The residual blocks of a stage."""
        width, inside = x.shape[-1], self.expansion * x.shape[-1]
        initial = scaled(LEAKY_GAIN * sum(self.stage_blocks) ** -0.25)
        options = {"padding": "same", "kernel_initializer": initial}
        for _ in range(count):
            y = LeakyReLU(0.2)(Conv2D(inside, 1, **options)(x))
            y = GroupedConv2D(inside, 3, groups=inside // self.group_width, **options)(y)
            y = LeakyReLU(0.2)(y)
            y = Conv2D(width, 1, use_bias=False, kernel_initializer="zeros")(y)
            x = layers.Add()([x, y])
        return x


# Published weights (github.com/brownvc/R3GAN) -------------------------------------------------------------------------

CONSTANT_ARRAYS = (".Resampler.Kernel",)
BLOCK = (
    *("LinearLayer1.Layer.weight", "NonLinearity1.Bias", "LinearLayer2.Layer.weight", "NonLinearity2.Bias"),
    "LinearLayer3.Layer.weight",
)


def official_blocks(arrays):
    """Number of blocks of each stage, read from the arrays of a generator or a discriminator."""
    found = [re.match(r"Model\.MainLayers\.(\d+)\.Layers\.\d+\.LinearLayer1\.Layer\.weight$", name) for name in arrays]
    stages = [int(each[1]) for each in found if each]
    return [stages.count(stage) for stage in range(max(stages, default=-1) + 1)]


def generator_sources(arrays):
    """The arrays of a generator's variables, in order: a list of `kerasgan.zoo.convert.Source`."""
    names = [name for name in ("Model.EmbeddingLayer.weight",) if name in arrays]
    names += [f"Model.MainLayers.0.Layers.0.{name}" for name in ("LinearLayer.weight", "Basis")]
    for stage, blocks in enumerate(official_blocks(arrays)):
        prefix = f"Model.MainLayers.{stage}.Layers"
        names += [name for name in (f"{prefix}.0.LinearLayer.Layer.weight",) if name in arrays]
        names += [f"{prefix}.{block + 1}.{name}" for block in range(blocks) for name in BLOCK]
    names.append("Model.AggregationLayer.Layer.weight")
    layouts = {"Basis": channels_last, "Bias": as_stored}
    return [Source(name, layouts.get(name.rpartition(".")[-1], kernel)) for name in names]


def official_sizes(arrays):
    """The constructor arguments of the model that matches a generator's arrays from the authors' code.

    Args:
        arrays: `{name: array}`.

    Raises:
        ValueError: If the arrays belong to another network or use an unsupported option.
    """
    blocks = official_blocks(arrays)
    first, last = "Model.MainLayers.0.Layers.0.LinearLayer.weight", "Model.AggregationLayer.Layer.weight"
    if len(blocks) < 2 or first not in arrays or last not in arrays:
        raise ValueError("`network` lacks the layers of R3GAN's generator; expected G_ema of the authors' code.")
    for name, value in arrays.items():
        if name.endswith(CONSTANT_ARRAYS) and not np.allclose(value, np.outer(BILINEAR, BILINEAR) / 64):
            raise ValueError(f"`network` has another filter in {name}; expected that of {BILINEAR}.")

    def shapes(number):
        names = [f"Model.MainLayers.{stage}.Layers.1.LinearLayer{number}.Layer.weight" for stage in range(len(blocks))]
        return [arrays[name].shape for name in names]

    widths = [shape[1] for shape in shapes(1)]
    expansions = {inside / width for (inside, width, *_) in shapes(1)}
    groups = {shape[1] for shape in shapes(2)}
    if len(expansions) > 1 or len(groups) > 1:
        raise ValueError(
            f"`network` has the expansions {expansions} and groups of {groups}; expected one value of each."
        )
    embedding = arrays.get("Model.EmbeddingLayer.weight", np.zeros((0, 0)))
    size = 4 << len(blocks) - 1
    return {
        "image_shape": (size, size, arrays[last].shape[0]),
        "latent_dim": arrays[first].shape[1] - len(embedding),
        "num_classes": embedding.shape[1] or None,
        "embedding": len(embedding) or 64,
        "width": tuple(widths),
        "blocks": tuple(blocks),
        "expansion": int(expansions.pop()),
        "group_width": groups.pop(),
    }
