"""Blocks of networks that receive caption vectors (the authors' code of Reed et al. 2016 and Zhang et al. 2017)."""

import functools

import keras
from keras import layers

from kerasgan.layers.conditioning import text_plane
from kerasgan.layers.convolutions import Conv2D
from kerasgan.layers.initial import normal
from kerasgan.layers.leaky_relu import LeakyReLU
from kerasgan.layers.normalization import batch_normalization

convolution = functools.partial(Conv2D, padding="same", use_bias=False, kernel_initializer=normal(0.02))


def normalized(x):
    """Batch normalization with initial scales from N(1, 0.02^2)."""
    return batch_normalization(scale_stddev=0.02)(x)


def bottleneck(x, activation):
    """Adds a residual of 1x1, 3x3 and 3x3 convolutions, with a quarter of the channels in between, to a map.

    Args:
        x: Tensor of shape (batch, height, width, channels).
        activation: Function between the convolutions; the sum has no activation.
    """
    inner, h = max(x.shape[-1] // 4, 1), x
    for filters, size in ((inner, 1), (inner, 3), (x.shape[-1], 3)):
        h = normalized(convolution(filters, size)(h if h is x else activation(h)))
    return layers.Add()([x, h])


def caption_discriminator(
    image_shape, text_size, width, steps, caption_size, most=None, normalize_captions=False, name=""
):
    """Builds a discriminator of images and caption vectors.

    It consists of strided 4x4 convolutions, the last one with a residual; the caption's projection, appended at each
    position of the last map; a 1x1 convolution and a dense layer. LeakyReLU has slope 0.2.

    Args:
        image_shape: Shape (height, width, channels) of the images.
        text_size: Length of the captions' vectors.
        width: Channels of the first layer, doubled in each further one.
        steps: Number of strided convolutions.
        caption_size: Length of the captions' projections.
        most: Maximum number of channels in the last map, to which 1x1 convolutions halve them. `None` for the number of
            the last strided convolution.
        normalize_captions: Whether to apply batch normalization to the projections.
        name: Name of the model.

    Returns:
        A Keras model from [images, embeddings] to logits of shape (batch, 1).
    """
    images, captions = keras.Input(image_shape, name="images"), keras.Input((text_size,), name="embeddings")
    activation = LeakyReLU(0.2)
    widths = [width << step for step in range(steps)]
    reduced = [] if most is None else [each for each in reversed(widths) if most <= each < widths[-1]]
    x = convolution(widths[0], 4, strides=2, use_bias=True)(images)
    plan = [*((filters, 4, 2) for filters in widths[1:]), *((filters, 1, 1) for filters in reduced)]
    for filters, size, strides in plan:
        x = normalized(convolution(filters, size, strides=strides)(activation(x)))
    x = activation(bottleneck(x, activation) if plan else x)
    dense = layers.Dense(caption_size, use_bias=not normalize_captions, kernel_initializer=normal(0.02))
    known = activation(normalized(dense(captions)) if normalize_captions else dense(captions))
    joined = layers.Concatenate()([x, text_plane(known, *x.shape[1:3])])
    x = layers.Flatten()(activation(normalized(convolution(x.shape[-1], 1)(joined))))
    logits = layers.Dense(1, kernel_initializer=normal(0.02), name="logits")(x)
    return keras.Model([images, captions], logits, name=name)
