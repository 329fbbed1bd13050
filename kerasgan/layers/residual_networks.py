"""Residual generators and discriminators of SNGAN, SAGAN, BigGAN and BigGAN-deep."""

import dataclasses
import math
from typing import Any

import keras
from keras import layers, ops

from kerasgan.layers.attention import SelfAttention
from kerasgan.layers.convolutions import Conv2D
from kerasgan.layers.initial import glorot
from kerasgan.layers.normalization import batch_normalization
from kerasgan.layers.residual import discriminator_block, generator_block
from kerasgan.layers.spectral import SpectralConv2D, SpectralDense, SpectralEmbedding


@dataclasses.dataclass(frozen=True)
class Kit:
    """Makes the layers of a family's network.

    Args:
        spectral: Whether to normalize kernels spectrally.
        initializer: Initializer of kernels, as a configuration.
        residual_initializer: Initializer of the 3 x 3 convolutions within blocks. None for `initializer`.
    """

    spectral: bool = True
    initializer: Any = dataclasses.field(default_factory=glorot)
    residual_initializer: Any = None

    def convolution(self, filters, size, name, residual=True):
        """A convolution that preserves height and width."""
        kind = SpectralConv2D if self.spectral else Conv2D
        initial = self.residual_initializer if residual and size > 1 else None
        return kind(filters, size, padding="same", kernel_initializer=initial or self.initializer, name=name)

    def dense(self, units, name, **options):
        """A dense layer."""
        kind = SpectralDense if self.spectral else layers.Dense
        return kind(units, kernel_initializer=self.initializer, name=name, **options)

    def embedding(self, count, size, name):
        """A vector for each label."""
        kind = SpectralEmbedding if self.spectral else layers.Embedding
        return kind(count, size, embeddings_initializer=self.initializer, name=name)

    def attention(self, name):
        """Self-attention over a map."""
        return SelfAttention(self.spectral, self.initializer, name=name)


def residual_generator(
    inputs, vectors, widths, image_shape, kit, normalize, attention=(), block=generator_block, epsilon=1e-5, **options
):
    """A generator: dense layer, blocks that double the size, batch normalization, ReLU, 3 x 3 convolution, tanh.

    Args:
        inputs: Symbolic inputs of the model.
        vectors: Symbolic tensor of shape (batch, any size), the input of the dense layer.
        widths: Channels of the first map and of the output of each block.
        image_shape: (height, width, channels) of the images; the sides multiples of `2 ** (len(widths) - 1)`.
        kit: `Kit` that makes the layers.
        normalize: Function of (map, name, index of the block) that returns the normalized map.
        attention: Indices of the blocks followed by self-attention.
        block: `generator_block`, or another function with the same arguments.
        epsilon: Constant that the last batch normalization adds to the variance.
        **options: Other arguments of `block`.

    Returns:
        A Keras model with the output `images`, in [-1, 1].

    Raises:
        ValueError: If the image cannot be halved that often.
    """
    height, width, channels = image_shape
    scale = 2 ** (len(widths) - 1)
    if height % scale or width % scale:
        raise ValueError(
            f"`image_shape` is {tuple(image_shape)}; expected a height and width that are multiples of {scale} for "
            f"{len(widths) - 1} blocks that double the size. Choose other widths."
        )
    small = (height // scale, width // scale, widths[0])
    x = layers.Reshape(small, name="small")(kit.dense(math.prod(small), "stem")(vectors))
    for place, width in enumerate(widths[1:]):
        x = block(
            x,
            width,
            kit.convolution,
            lambda h, name, place=place: normalize(h, name, place),
            name=f"block{place}",
            **options,
        )
        if place in attention:
            x = kit.attention(f"attention{place}")(x)
    return keras.Model(inputs, to_images(x, channels, kit, epsilon), name="generator")


def to_images(x, channels, kit, epsilon=1e-5):
    """A generator's last layers: batch normalization, ReLU, 3 x 3 convolution and tanh.

    Args:
        x: Symbolic map of shape (batch, height, width, any channels).
        channels: Number of channels of the images.
        kit: `Kit` that makes the layers.
        epsilon: Constant added to the variance.

    Returns:
        Symbolic images in [-1, 1].
    """
    x = layers.ReLU()(batch_normalization(epsilon=epsilon, name="normalization")(x))
    x = kit.convolution(channels, 3, "convolution", residual=False)(x)
    return layers.Activation("tanh", dtype=keras.config.floatx(), name="images")(x)


def residual_discriminator(images, labels, widths, downs, num_classes, kit, wide=True, attention=(), **options):
    """A discriminator: blocks, ReLU, the sum over positions, a dense layer [and the label's projection].

    Args:
        images: Symbolic input of images.
        labels: List with the symbolic labels, or an empty list.
        widths: Channels of the output of each block.
        downs: Number of initial blocks that halve the size.
        num_classes: Number of classes, if there are labels.
        kit: `Kit` that makes the layers.
        wide: Whether a block has its number of output channels between its convolutions; otherwise the number of its
            input channels, except in the first block.
        attention: Indices of the blocks followed by self-attention.
        **options: Other arguments of `discriminator_block`.

    Returns:
        A Keras model with logits of shape (batch, 1); its layer `features` is the sum over positions.
    """
    x = images
    for place, width in enumerate(widths):
        x = discriminator_block(
            x,
            width,
            kit.convolution,
            name=f"block{place}",
            hidden=width if wide or place == 0 else x.shape[-1],
            down=place < downs,
            first=place == 0,
            **options,
        )
        if place in attention:
            x = kit.attention(f"attention{place}")(x)
    return keras.Model([images, *labels], judge(x, labels, num_classes, kit), name="discriminator")


def sum_pooled(x):
    """ReLU and the sum over positions, in a layer named `features`: shape (batch, channels)."""
    return SumOverPlaces(name="features")(layers.ReLU()(x))


def judge(x, labels, num_classes, kit):
    """A discriminator's last layers: the sum over positions, a dense layer and the projection of labels.

    The logit is a linear function of the features plus their inner product with the label's embedding (Miyato & Koyama
    2018, equation 4).

    Args:
        x: Symbolic map of shape (batch, height, width, channels).
        labels: List with the symbolic labels, or an empty list; the embeddings of a pack are summed.
        num_classes: Number of classes.
        kit: `Kit` that makes the layers.

    Returns:
        Symbolic logits of shape (batch, 1).
    """
    features = sum_pooled(x)
    logits = kit.dense(1, "score")(features)
    if not labels:
        return logits
    embedded = kit.embedding(num_classes, features.shape[-1], "label_projection")(labels[0])
    if len(labels[0].shape) > 1:
        embedded = ops.sum(embedded, axis=1)
    return layers.Add(name="logits")([logits, layers.Dot(axes=1, name="label_agreement")([embedded, features])])


@keras.saving.register_keras_serializable(package="kerasgan")
class SumOverPlaces(layers.Layer):
    """The sum of a map over height and width: shape (batch, height, width, channels) to (batch, channels)."""

    def call(self, inputs):
        return ops.sum(inputs, axis=(1, 2))

    def compute_output_shape(self, input_shape):
        return (input_shape[0], input_shape[-1])
