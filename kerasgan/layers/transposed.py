"""Generators' stacks of transposed convolutions."""

import functools

from keras import layers

from kerasgan.layers.initial import normal
from kerasgan.layers.normalization import batch_normalization


def transposed_convolutions(x, widths, channels, kernel_size, dtype=None, last_strides=2, scale_stddev=0.0):
    """Images in [-1, 1] of a small map: each layer doubles its size, with batch normalization and ReLU between them.

    Weights from N(0, .02^2).

    Args:
        x: shape (batch, height, width, channels).
        widths: channels of the hidden layers, in their order.
        channels: of the images.
        kernel_size: of all layers; a multiple of the stride 2 avoids checkerboards.
        dtype: of the images.
        last_strides: 1 for a last layer that leaves the size as it is.
        scale_stddev: as for `batch_normalization`.

    Returns:
        Shape (batch, height << layers, width << layers, channels), `len(widths) + 1` layers, named `images`; with
        `last_strides` 1 one of them does not count for the size.
    """
    convolution = functools.partial(
        layers.Conv2DTranspose,
        kernel_size=kernel_size,
        padding="same",
        kernel_initializer=normal(0.02),
    )
    for width in widths:
        normalized = batch_normalization(scale_stddev=scale_stddev)  # made first: the order decides the initial weights
        x = layers.ReLU()(normalized(convolution(width, strides=2, use_bias=False)(x)))
    return layers.Activation("tanh", dtype=dtype, name="images")(convolution(channels, strides=last_strides)(x))
