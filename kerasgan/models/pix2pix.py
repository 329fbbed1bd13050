"""Pix2Pix (Isola et al. 2017, "Image-to-Image Translation with Conditional Adversarial Networks")."""

import dataclasses
import functools

import keras
from keras import layers, ops

from kerasgan.bases.translation import TranslationModel, TranslationRecipe
from kerasgan.game.phase import shared
from kerasgan.layers import (
    Conv2D,
    Conv2DTranspose,
    InstanceNormalization,
    LeakyReLU,
    NoiseDropout,
    normal,
    patch_discriminator,
)
from kerasgan.objectives.losses import weighted_mean
from kerasgan.pictures.color import colorized


@dataclasses.dataclass(frozen=True)
class Pix2PixRecipe(TranslationRecipe):
    """Training settings of Pix2Pix.

    Args:
        l1_weight: Weight of the mean absolute difference from the target (lambda of equation 4).
    """

    update: str = "alternating_shared"  # as in the authors' code
    l1_weight: float = 100.0


@keras.saving.register_keras_serializable(package="kerasgan")
class Pix2Pix(TranslationModel):
    """Paired translation: a U-Net, trained against a discriminator of patches of input and output.

    The generator halves the image down to one pixel and doubles it again, with a skip connection at each level. It has
    no latents: its noise is dropout in the first three decoder layers, even in inference. The paper's batch
    normalization uses batch statistics in inference too and is trained with batches of one image, which amounts to
    instance normalization with a learned scale and offset. We use the latter for all batch sizes, so that a translation
    does not depend on the other images of its batch. A map of one pixel is not normalized (it would be zero), as in the
    authors' code and unlike the paper's first version. The discriminator's objective is halved.

    Args:
        image_shape: Shape (height, width, channels) of inputs x in [-1, 1]. Height and width are multiples of
            `2**depth`.
        target_channels: Channels of targets y. `None` for those of x.
        width: Channels of the first layer of both networks, doubled in further layers up to eight times this number.
        depth: Number of halvings of the generator, 2 or more. `None` for as many as possible, up to 8.
        discriminator_depth: Number of strided layers of the discriminator: 0, 1, 2, 3, 4, 5 judge patches of 1, 16, 34,
            70, 142, 286 pixels.
        dropout: Dropout rate.
        **kwargs: Arguments of `AdversarialModel`.

    Examples:

    >>> model = Pix2Pix(image_shape=(256, 256, 3))
    >>> model.compile()
    >>> model.fit(maps, photos, epochs=200)
    >>> drawn = model.translate(maps[:4], seed=0)

    Colorization, from lightness to the colours of Lab:

    >>> from kerasgan.pictures.color import colorization_pairs, colorized
    >>> lightness, colours = colorization_pairs(photos)
    >>> model = Pix2Pix(image_shape=(256, 256, 1), target_channels=2)
    >>> model.compile()
    >>> model.fit(lightness, colours, epochs=200)
    >>> pictures = colorized(lightness[:4], model.translate(lightness[:4]))
    """

    recipe = Pix2PixRecipe()
    forward_pass = ("generator", "translated")

    def __init__(
        self,
        image_shape,
        target_channels=None,
        width=64,
        depth=None,
        discriminator_depth=3,
        dropout=0.5,
        **kwargs,
    ):
        super().__init__(image_shape, target_channels, **kwargs)
        self.width, self.depth, self.discriminator_depth, self.dropout = width, depth, discriminator_depth, dropout
        possible = min((size & -size).bit_length() - 1 for size in self.image_shape[:2])
        self.halvings = min(possible, 8) if depth is None else depth
        if not 2 <= self.halvings <= possible:
            raise ValueError(
                f"`depth` is {self.halvings}; expected 2 to {possible}, because images of {self.image_shape[0]}x"
                f"{self.image_shape[1]} pixels can be halved {possible} times. Resize them to multiples of "
                f"{2 ** max(self.halvings, 2)}."
            )
        self.size_multiple = 2**self.halvings
        self.add_networks(
            averaged=("generator",),
            generator=self.build_generator(),
            discriminator=patch_discriminator(self.target_shape, self.image_shape, width, discriminator_depth),
        )

    def build_generator(self):
        """The U-Net, a built Keras model."""
        width, depth, rate = self.width, self.halvings, self.dropout
        convolution = {"kernel_size": 4, "strides": 2, "padding": "same", "kernel_initializer": normal(0.02)}
        down, up = (functools.partial(kind, **convolution) for kind in (Conv2D, Conv2DTranspose))
        normalized = functools.partial(InstanceNormalization, scale_stddev=0.02)
        images = x = keras.Input(self.image_shape, name="images")
        levels = []
        for level in range(depth):
            x = LeakyReLU(0.2)(x) if level else x
            plain = level in (0, depth - 1)
            x = down(width << min(level, 3), use_bias=plain)(x)
            x = x if plain else normalized()(x)
            levels.append(x)
        for level in reversed(range(1, depth)):
            x = x if level == depth - 1 else layers.Concatenate()([x, levels[level]])
            x = normalized()(up(width << min(level - 1, 3), use_bias=False)(layers.ReLU()(x)))
            x = NoiseDropout(rate)(x) if depth - level <= 3 and rate else x
        x = layers.ReLU()(layers.Concatenate()([x, levels[0]]))
        x = up(self.target_shape[2])(x)
        x = layers.Activation("tanh", dtype=keras.config.floatx(), name="translations")(x)
        return keras.Model(images, x, name="generator")

    # The game -------------------------------------------------------------------------------------------------------

    @shared
    def views(self, batch):
        """The batch's inputs and targets, jittered alike."""
        return self.jittered(batch.x, batch.y)

    @shared
    def translated(self, batch):
        """The generator's translations of the jittered inputs."""
        return self.generator(self.views(batch)[0], training=True)

    def logits(self, batch, images):
        """The discriminator's logits of images for the jittered inputs."""
        return self.discriminator([self.views(batch)[0], images], training=True)

    def discriminator_loss(self, batch):
        real, fake = self.logits(batch, self.views(batch)[1]), self.logits(batch, self.translated(batch))
        weight = batch.sample_weight
        loss = 0.5 * self.adversarial_loss.discriminator(real, fake, weight, weight)
        return loss, {"real_logits": ops.mean(real), "fake_logits": ops.mean(fake)}

    def generator_loss(self, batch):
        target, fake, weight = self.views(batch)[1], self.translated(batch), batch.sample_weight
        real_logits = self.logits(batch, target) if self.adversarial_loss.compares else None
        fooled = self.adversarial_loss.generator(self.logits(batch, fake), real_logits, weight, weight)
        distance = weighted_mean(ops.abs(fake - target), weight)
        return self.recipe.adversarial_weight * fooled + self.recipe.l1_weight * distance, {"l1": distance}

    def panel(self, x, y=None, seed=0, ema=True):
        rows = super().panel(x, y, seed, ema)
        if (self.image_shape[2], self.target_shape[2]) == (1, 2):  # a colorization
            colours = [self.translate(x, seed, ema), *([] if y is None else [y])]
            rows = [rows[0], *(colorized(x, each) for each in colours)]
        return rows
