"""SAGAN (Zhang et al. 2019, "Self-Attention Generative Adversarial Networks")."""

import math

import keras

from kerasgan.layers import glorot
from kerasgan.layers.residual_networks import Kit, residual_discriminator, residual_generator
from kerasgan.models.sngan import DISCRIMINATOR_WIDTHS, GENERATOR_WIDTHS, class_normalization, of_size

HEIGHT = 32  # of the maps that get self-attention


def sagan_generator(
    image_shape, latent_dim, labels=(), num_classes=None, widths=None, attention=None, spectral=True, **options
):
    """The residual generator of SNGAN with spectral normalization in all its layers, and self-attention.

    Args:
        image_shape: (height, width, channels) of the images.
        latent_dim: Length of the latent vectors.
        labels: Symbolic input of labels in a list; an empty list for an unconditional one.
        num_classes: Number of classes.
        widths: Channels of the first map and of each block; None for those of SNGAN, which are the paper's at 128.
        attention: Indices of the blocks that are followed by self-attention; None for the one that makes maps of 32 x
            32, as in the paper.
        spectral: Whether all layers are spectrally normalized.
        **options: Further arguments of `residual_generator`, such as `interpolation`.

    Returns:
        A Keras model of `latents` [and `labels`] with the output `images`.
    """
    widths = widths or of_size(GENERATOR_WIDTHS, image_shape)
    if attention is None:  # no block where images are small
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
    """The residual discriminator with spectral normalization, projection where there are labels, and self-attention.

    Args:
        image_shape: (height, width, channels) of the images.
        labels: Symbolic input of labels in a list; an empty list for an unconditional one.
        num_classes: Number of classes.
        widths: Channels of each block; None for those of SNGAN, which are the paper's at 128.
        downs: How many of the first blocks halve the size; None for those of SNGAN.
        attention: Indices of the blocks that are followed by self-attention; None for the one that makes maps of 32 x
            32, as in the paper.
        spectral: Whether all layers are spectrally normalized.
        **options: Further arguments of `residual_discriminator`; `activated=True` as in mimicry.

    Returns:
        A Keras model of `images` [and `labels`] with an output of logits, shape (batch, 1).
    """
    if widths is None:
        widths, downs = of_size(DISCRIMINATOR_WIDTHS, image_shape)
    if attention is None:
        attention = (round(math.log2(image_shape[0] / HEIGHT)) - 1,)
    images = keras.Input(image_shape, name="images")
    kit = Kit(spectral, glorot())
    return residual_discriminator(images, labels, widths, downs, num_classes, kit, attention=attention, **options)
