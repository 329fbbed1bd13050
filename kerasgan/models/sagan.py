"""SAGAN (Zhang et al. 2019, "Self-Attention Generative Adversarial Networks")."""

import dataclasses
import math
from typing import Any

import keras

from kerasgan.bases.latent import LatentModel, LatentRecipe
from kerasgan.game.recipe import Adam
from kerasgan.layers import glorot
from kerasgan.layers.residual_networks import Kit, residual_discriminator, residual_generator
from kerasgan.models.sngan import DISCRIMINATOR_WIDTHS, GENERATOR_WIDTHS, class_normalization, of_size

HEIGHT = 32  # height of the maps with self-attention


def sagan_generator(
    image_shape, latent_dim, labels=(), num_classes=None, widths=None, attention=None, spectral=True, **options
):
    """The residual generator of SNGAN with spectral normalization in all layers, and self-attention.

    Args:
        image_shape: (height, width, channels) of the images.
        latent_dim: Length of the latent vectors.
        labels: Symbolic input of labels, as a list; an empty list for an unconditional network.
        num_classes: Number of classes.
        widths: Channels of the first map and of each block; None for those of SNGAN, which are the paper's at 128
            pixels.
        attention: Indices of the blocks followed by self-attention. None for the block that makes maps of 32 x 32, as
            in the paper.
        spectral: Whether all layers are spectrally normalized.
        **options: Other arguments of `residual_generator`, such as `interpolation`.

    Returns:
        A Keras model of `latents` [and `labels`] with the output `images`.
    """
    widths = widths or of_size(GENERATOR_WIDTHS, image_shape)
    if attention is None:  # no such block if images are small
        attention = (len(widths) - 2 - round(math.log2(image_shape[0] / HEIGHT)),)
    latents = keras.Input((latent_dim,), name="latents")
    return residual_generator(
        [latents, *labels],
        latents,
        widths,
        image_shape,
        Kit(spectral, glorot()),
        class_normalization(labels, num_classes),
        attention,
        **options,
    )


def sagan_discriminator(
    image_shape, labels=(), num_classes=None, widths=None, downs=None, attention=None, spectral=True, **options
):
    """The residual discriminator with spectral normalization, self-attention, and projection of labels, if any.

    Args:
        image_shape: (height, width, channels) of the images.
        labels: Symbolic input of labels, as a list; an empty list for an unconditional network.
        num_classes: Number of classes.
        widths: Channels of each block; None for those of SNGAN, which are the paper's at 128 pixels.
        downs: Number of initial blocks that halve the size. None for that of SNGAN.
        attention: Indices of the blocks followed by self-attention. None for the block that makes maps of 32 x 32, as
            in the paper.
        spectral: Whether all layers are spectrally normalized.
        **options: Other arguments of `residual_discriminator`; `activated=True` as in mimicry.

    Returns:
        A Keras model from `images` [and `labels`] to logits of shape (batch, 1).
    """
    if widths is None:
        widths, downs = of_size(DISCRIMINATOR_WIDTHS, image_shape)
    if attention is None:
        attention = (round(math.log2(image_shape[0] / HEIGHT)) - 1,)
    images = keras.Input(image_shape, name="images")
    kit = Kit(spectral, glorot())
    return residual_discriminator(images, labels, widths, downs, num_classes, kit, attention=attention, **options)


@dataclasses.dataclass(frozen=True)
class SAGANRecipe(LatentRecipe):
    """The paper's settings: the hinge loss, and a discriminator that learns 4 times as fast as the generator."""

    loss: Any = "hinge"
    batch_size: int = 256
    discriminator_optimizer: Any = dataclasses.field(default_factory=lambda: Adam(4e-4, beta_1=0.0, beta_2=0.9))
    generator_optimizer: Any = dataclasses.field(default_factory=lambda: Adam(1e-4, beta_1=0.0, beta_2=0.9))


@keras.saving.register_keras_serializable(package="kerasgan")
class SAGAN(LatentModel):
    """Self-attention GAN, conditional with `num_classes`.

    Its networks are those of SNGAN, with spectral normalization in all layers of both players and self-attention over
    the maps of 32 x 32 (section 3 and table 1). Attention is computed as in the authors' code; see
    `kerasgan.layers.SelfAttention`. Each class has its own gain and offset in the generator's batch normalizations, and
    a projection in the discriminator.

    The recipe "cpu32" is for images of 32 pixels on two CPU cores, with narrow networks as in the second example.

    Args:
        image_shape: Shape (height, width, channels) of images in [-1, 1].
        latent_dim: Length of the latent vectors.
        num_classes: Number of classes of a conditional model. `None` for an unconditional model.
        generator_widths: Channels of the generator's first map and after each doubling. `None` for the paper's.
        discriminator_widths: Channels of the discriminator's blocks. `None` for the paper's.
        downs: Number of the discriminator's blocks that halve the size, if widths are given. Defaults to all but one.
        generator_attention: Indices of the generator's blocks followed by self-attention. `None` for the block that
            makes maps of 32 x 32; () for no attention.
        discriminator_attention: The same for the discriminator's blocks.
        **kwargs: Arguments of `kerasgan.LatentModel`.

    Examples:

    >>> model = SAGAN(image_shape=(128, 128, 3), num_classes=1000)
    >>> model.compile()
    >>> small = SAGAN((32, 32, 3), 64, 10, (64, 64, 32, 16), (16, 32, 64, 64), 3, (1,), (0,))
    >>> small.compile(recipe="cpu32")
    """

    recipe: LatentRecipe = SAGANRecipe()
    recipes = {"cpu32": {"batch_size": 32}}

    def __init__(
        self,
        image_shape,
        latent_dim=128,
        num_classes=None,
        generator_widths=None,
        discriminator_widths=None,
        downs=None,
        generator_attention=None,
        discriminator_attention=None,
        **kwargs,
    ):
        if discriminator_widths is not None and downs is None:
            downs = len(discriminator_widths) - 1
        self.generator_widths, self.discriminator_widths, self.downs = generator_widths, discriminator_widths, downs
        self.generator_attention, self.discriminator_attention = generator_attention, discriminator_attention
        super().__init__(image_shape, latent_dim, num_classes=num_classes, **kwargs)

    def build_generator(self):
        return sagan_generator(
            self.image_shape,
            self.latent_dim,
            self.condition_inputs(),
            self.num_classes,
            self.generator_widths,
            self.generator_attention,
        )

    def build_discriminator(self):
        return sagan_discriminator(
            self.pack_shape,
            self.condition_inputs(packed=True),
            self.num_classes,
            self.discriminator_widths,
            self.downs,
            self.discriminator_attention,
        )
