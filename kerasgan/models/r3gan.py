"""R3GAN (Huang et al. 2024, "The GAN is dead; long live the GAN! A Modern GAN Baseline")."""

import dataclasses
import math
from typing import Any

import keras
from keras import layers

from kerasgan.bases.latent import LatentModel, LatentRecipe
from kerasgan.game.recipe import Adam
from kerasgan.game.schedules import Cosine
from kerasgan.layers import Basis, GroupedConv2D, LeakyReLU, Resample, label_projection, normal, scaled, with_labels
from kerasgan.objectives import penalties

LEAKY_GAIN = math.sqrt(2 / (1 + 0.2**2))  # keeps the deviation through a leaky ReLU of slope 0.2
FULL_WIDTH = 4  # stages: 4x4 to 32x32 pixels


def r3_schedules(
    kimg=20_000, gamma=(0.05, 0.005), learning_rate=(2e-4, 5e-5), beta_2=(0.9, 0.99), ema_half_life=(0.0, 5e6)
):
    """The scheduled fields of the recipe, for `compile()`: `model.compile(**r3_schedules(kimg=500, gamma=(1.0, 0.1)))`.

    Each pair is a value at the first image and a last value.

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

    The networks have a stage for each size from 4x4 up, of `blocks` residual blocks, with bilinear filters between the
    stages. A block is an inverted bottleneck: a 1x1 convolution to `expansion` times the width, a grouped 3x3 one and a
    1x1 one back, with biases and leaky ReLUs (slope 0.2) between the three. Instead of normalization there is fix-up
    initialisation (Zhang et al. 2019): the last of the three starts at zero and the others are scaled by L^(-1/4),
    where L is the number of blocks of the network, so that all blocks start as the identity. The generator starts from
    a learned 4x4 map for each channel, multiplied by a linear function of the latents; the discriminator ends in the
    mirror image of that and one linear unit. Labels join the latents as learned vectors and are projected on the
    discriminator's features (Miyato & Koyama 2018).

    The default recipe is that of CIFAR-10; "imagenet32", "ffhq64" and "ffhq256" have the other data sets' gamma and
    `ema_half_life`. Gamma has the units of squared pixels and must grow with the image; see `r3_schedules` for other
    data. Differences from the paper: its augmentation of small data sets is left out (see `views`), and the generator's
    step uses the real images of the discriminator's step, instead of new ones. The filter and the 1x1 convolution of a
    transition commute, and the convolution is computed at the smaller size. Images are not clipped and may exceed
    [-1, 1] a little.

    Args:
        image_shape: Shape (height, width, channels) of images in [-1, 1]. Height and width are even. The smallest stage
            has the size that remains when both have been halved down to 4 or more: 4x4 for 8, 16, 32, ... pixels.
        latent_dim: Length of the latent vectors.
        latent_range: (low, high) of uniform latents. `None` for standard normal latents, the default.
        num_classes: Number of classes of a conditional model. `None` for an unconditional model.
        width: Channels of the stages up to 32x32, halved in each further stage (768 to 96 at 256 pixels); or a tuple,
            smallest stage first.
        blocks: Number of residual blocks of each stage; or a tuple, smallest stage first.
        expansion: Ratio of a block's inner width to its outer width.
        group_width: Channels of a group of the 3x3 convolutions; 16 gives 96 groups at full width.
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
        # Of the stages, smallest size first.
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

    def build_generator(self):
        latents, labels = keras.Input((self.latent_dim,), name="latents"), self.condition_inputs()
        x = with_labels(latents, labels, self.num_classes, self.embedding, normal(1.0))
        x = layers.Dense(self.stage_widths[0], use_bias=False, kernel_initializer=scaled())(x)
        x = Basis(self.smallest, kernel_initializer=normal(1.0), name="basis")(x)
        x = self._blocks(x, self.stage_blocks[0])
        for width, blocks in zip(self.stage_widths[1:], self.stage_blocks[1:], strict=True):
            x = self._blocks(Resample(up=2)(self._linear(x, width)), blocks)
        x = layers.Conv2D(self.image_shape[-1], 1, use_bias=False, kernel_initializer=scaled())(x)
        x = layers.Activation("linear", dtype=keras.config.floatx(), name="images")(x)
        return keras.Model(self.inputs_of(latents, *labels), x, name="generator")

    def build_discriminator(self):
        images, labels = keras.Input(self.pack_shape, name="images"), self.condition_inputs(packed=True)
        x = layers.Conv2D(self.stage_widths[-1], 1, use_bias=False, kernel_initializer=scaled())(images)
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
        """A 1x1 convolution where the width changes."""
        if x.shape[-1] == width:
            return x
        return layers.Conv2D(width, 1, use_bias=False, kernel_initializer=scaled())(x)

    def _blocks(self, x, count):
        """The residual blocks of a stage."""
        width, inside = x.shape[-1], self.expansion * x.shape[-1]
        initial = scaled(LEAKY_GAIN * sum(self.stage_blocks) ** -0.25)
        options = {"padding": "same", "kernel_initializer": initial}
        for _ in range(count):
            y = LeakyReLU(0.2)(layers.Conv2D(inside, 1, **options)(x))
            y = GroupedConv2D(inside, 3, groups=inside // self.group_width, **options)(y)
            y = LeakyReLU(0.2)(y)
            y = layers.Conv2D(width, 1, use_bias=False, kernel_initializer="zeros")(y)
            x = layers.Add()([x, y])
        return x
