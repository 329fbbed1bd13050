"""R3GAN (Huang et al. 2024, "The GAN is dead; long live the GAN! A Modern GAN Baseline")."""

import dataclasses
import functools
import math
from typing import Any

import keras
from keras import layers

from kerasgan.bases.latent import LatentModel, LatentRecipe
from kerasgan.game.recipe import optimizer
from kerasgan.game.schedules import Cosine
from kerasgan.layers import Basis, GroupedConv2D, Resample, label_projection, normal, scaled, with_labels
from kerasgan.objectives import penalties

LEAKY_GAIN = math.sqrt(2 / (1 + 0.2**2))  # keeps the deviation through a leaky ReLU of slope .2
FULL_WIDTH = 4  # stages: 4x4 to 32x32 pixels


def r3_schedules(
    kimg=20_000, gamma=(0.05, 0.005), learning_rate=(2e-4, 5e-5), beta_2=(0.9, 0.99), ema_half_life=(0.0, 5e6)
):
    """All that R3GAN schedules, for `compile()`: `model.compile(**r3_schedules(kimg=500, gamma=(1.0, 0.1)))`.

    Args:
        kimg: thousands of images over which everything goes from its first to its second value.
        gamma: of R1 and of R2. The paper's are (.05, .005) for CIFAR-10, (.5, .05) for ImageNet at 32 pixels, (2, .2)
            and (150, 15) for FFHQ at 64 and 256.
        learning_rate: of both players' Adam.
        beta_2: decay of its second moment; the first moment has none.
        ema_half_life: of the generator's average, in images. The paper's end is 5e5 for FFHQ at 256 pixels.

    Returns:
        Fields of `R3GANRecipe`.
    """

    def cosine(start, end):
        return Cosine(start, end, kimg)

    adam = optimizer(
        "kerasgan>ScheduledAdam",
        learning_rate=cosine(*learning_rate),
        beta_1=0.0,
        beta_2=cosine(*beta_2),
        epsilon=1e-8,
    )
    return {
        "penalties": (penalties.R1(cosine(*gamma)), penalties.R2(cosine(*gamma))),
        "discriminator_optimizer": adam,
        "generator_optimizer": adam,
        "ema_half_life": cosine(*ema_half_life),
    }


def _default(field):
    return functools.partial(dict.__getitem__, r3_schedules(), field)


@dataclasses.dataclass(frozen=True)
class R3GANRecipe(LatentRecipe):
    batch_size: int = 512
    ema_half_life: Any = dataclasses.field(default_factory=_default("ema_half_life"))
    ema_rampup: float = 1.0
    loss: Any = "relativistic_paired"
    penalties: tuple = dataclasses.field(default_factory=_default("penalties"))
    discriminator_optimizer: Any = dataclasses.field(default_factory=_default("discriminator_optimizer"))
    generator_optimizer: Any = dataclasses.field(default_factory=_default("generator_optimizer"))


@keras.saving.register_keras_serializable(package="kerasgan")
class R3GAN(LatentModel):
    """A modern baseline: the relativistic pairing loss with R1 and R2, and plain residual networks.

    The loss compares each image with a generated one, so that no mode can be dropped unpunished; with zero-centred
    gradient penalties on real *and* generated images at every step it converges locally (section 2). Everything else of
    StyleGAN2 goes: no style, no normalization, no minibatch statistics, no equalized rates (section 3, config E).

    Networks: a stage for each size from 4x4 up, of `blocks` residual blocks, bilinear filters between them. A block is
    an inverted bottleneck: 1x1 to `expansion` times the width, grouped 3x3, 1x1 back, with biases and leaky ReLUs (.2)
    between the three. Instead of normalization, fix-up initialisation (Zhang et al. 2019): the last of the three starts
    at zero, the others are scaled by L^(-1/4), L the number of a network's blocks, so that all blocks start as the
    identity. The generator's first map is a learned 4x4 image a channel, times a linear function of the latents; the
    discriminator ends in its mirror image and one linear unit. Labels join the latents as learned vectors, and are
    projected on the discriminator's features (Miyato & Koyama 2018).

    The recipe is that of CIFAR-10; see `r3_schedules` for other data. Gamma has the units of squared pixels and must
    grow with the image. Not the paper's: its augmentation of small data sets is left out; the generator's step takes
    the real images of the discriminator's step, which the paper draws anew. The filter and the 1x1 convolution of a
    transition commute, and the convolution is done at the smaller size. Images are not clipped and may leave [-1, 1]
    a little.

    Args:
        image_shape: (height, width, channels) of images in [-1, 1]; height and width even. The smallest stage has the
            size that is left when both have been halved down to 4 or more: 4x4 for 8, 16, 32, ... pixels.
        latent_dim: length of the latent vectors, standard normal.
        num_classes: number of classes of a conditional model.
        width: channels of the stages up to 32x32, halved in each further one (768 to 96 at 256 pixels); or a tuple,
            smallest stage first.
        blocks: residual blocks of each stage; or a tuple, smallest stage first.
        expansion: width of a block's inside over that of the stage.
        group_width: channels of a group of the 3x3 convolutions; 16 is 96 groups at full width.
        embedding: length of the generator's label vectors.
        **kwargs: as for `kerasgan.LatentModel`.

    Raises:
        ValueError: if the widths do not fit the stages or the groups.

    Examples:

    >>> model = R3GAN(image_shape=(32, 32, 3))
    >>> model.compile()
    >>> model.fit(images, epochs=400)
    >>> pictures = model.sample(64, seed=0)
    """

    recipe = R3GANRecipe()

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
        self.sizes = {
            "width": width if isinstance(width, int) else tuple(width),
            "blocks": blocks if isinstance(blocks, int) else tuple(blocks),
            "expansion": expansion,
            "group_width": group_width,
            "embedding": embedding,
        }
        steps = self.halvings(image_shape, at_least=1)
        self.smallest = (image_shape[0] >> steps, image_shape[1] >> steps)
        self.widths, self.blocks = self._stage_widths(steps + 1), self._stage_blocks(steps + 1)
        super().__init__(image_shape, latent_dim, latent_range, num_classes, **kwargs)

    def _stage_widths(self, stages):
        """Channels of each stage, smallest size first."""
        width, groups = self.sizes["width"], self.sizes["group_width"]
        widths = width
        if isinstance(width, int):
            widths = tuple(width >> max(0, stage + 1 - FULL_WIDTH) for stage in range(stages))
        self._check_stages("width", widths, stages)
        for each in widths:
            if each < 1 or self.sizes["expansion"] * each % groups:
                raise ValueError(
                    f"A stage is {each} channels wide: {self.sizes['expansion']} times that must be a multiple of "
                    f"group_width, {groups}. Choose another width or group_width."
                )
        return widths

    def _stage_blocks(self, stages):
        """Residual blocks of each stage, smallest size first."""
        blocks = self.sizes["blocks"]
        blocks = (blocks,) * stages if isinstance(blocks, int) else blocks
        self._check_stages("blocks", blocks, stages)
        return blocks

    @staticmethod
    def _check_stages(name, given, stages):
        if len(given) != stages:
            raise ValueError(f"{name} has {len(given)} entries, expected {stages}: one for each size from 4x4 up.")

    def build_generator(self):
        latents, labels = keras.Input((self.latent_dim,), name="latents"), self.condition_inputs()
        x = with_labels(latents, labels, self.num_classes, self.sizes["embedding"], normal(1.0))
        x = layers.Dense(self.widths[0], use_bias=False, kernel_initializer=scaled())(x)
        x = Basis(self.smallest, kernel_initializer=normal(1.0), name="basis")(x)
        x = self._blocks(x, self.blocks[0])
        for width, blocks in zip(self.widths[1:], self.blocks[1:], strict=True):
            x = self._blocks(Resample(up=2)(self._linear(x, width)), blocks)
        x = layers.Conv2D(self.image_shape[-1], 1, use_bias=False, kernel_initializer=scaled())(x)
        x = layers.Activation("linear", dtype=keras.config.floatx(), name="images")(x)
        return keras.Model([latents, *labels] if labels else latents, x, name="generator")

    def build_discriminator(self):
        images, labels = keras.Input(self.pack_shape, name="images"), self.condition_inputs(packed=True)
        x = layers.Conv2D(self.widths[-1], 1, use_bias=False, kernel_initializer=scaled())(images)
        x = self._blocks(x, self.blocks[-1])
        for width, blocks in zip(self.widths[-2::-1], self.blocks[-2::-1], strict=True):
            x = self._blocks(self._linear(Resample(down=2)(x), width), blocks)
        initial = normal(1 / math.sqrt(math.prod(self.smallest)))
        x = layers.EinsumDense("bhwc,hwc->bc", self.widths[0], kernel_initializer=initial, name="basis")(x)
        logits = layers.Dense(1, use_bias=False, kernel_initializer=scaled(), name="logits")(x)
        if labels:
            logits = label_projection(logits, x, labels[0], self.num_classes)
        return keras.Model([images, *labels] if labels else images, logits, name="discriminator")

    @staticmethod
    def _linear(x, width):
        """A 1x1 convolution where the width changes."""
        if x.shape[-1] == width:
            return x
        return layers.Conv2D(width, 1, use_bias=False, kernel_initializer=scaled())(x)

    def _blocks(self, x, count):
        """The residual blocks of a stage."""
        width, inside = x.shape[-1], self.sizes["expansion"] * x.shape[-1]
        initial = scaled(LEAKY_GAIN * sum(self.blocks) ** -0.25)
        options = {"activation": "leaky_relu", "kernel_initializer": initial}
        for _ in range(count):
            y = layers.Conv2D(inside, 1, **options)(x)
            y = GroupedConv2D(inside, 3, padding="same", groups=inside // self.sizes["group_width"], **options)(y)
            y = layers.Conv2D(width, 1, use_bias=False, kernel_initializer="zeros")(y)
            x = layers.Add()([x, y])
        return x

    def get_config(self):
        return {**super().get_config(), **self.sizes}
