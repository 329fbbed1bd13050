"""Stacks of transposed convolutions for generators."""

import functools

from keras import layers

from kerasgan.layers.convolutions import Conv2DTranspose
from kerasgan.layers.initial import normal
from kerasgan.layers.normalization import batch_normalization


def transposed_convolutions(x, widths, channels, kernel_size, dtype=None, last_strides=2, scale_stddev=0.0):
    """Computes images in [-1, 1] from a small feature map by transposed convolutions of stride 2.

    Batch normalization and ReLU follow each hidden layer. The kernels are initialized from N(0, 0.02^2).

    Args:
        x: Tensor of shape (batch, height, width, channels).
        widths: Number of filters of each hidden layer, in order.
        channels: Number of channels of the images.
        kernel_size: Kernel size of all layers. A multiple of the stride 2 avoids checkerboard artifacts.
        dtype: Data type of the images.
        last_strides: Stride of the last layer. 1 keeps the size.
        scale_stddev: Standard deviation of the initial scales, as for `batch_normalization`.

    Returns:
        A tensor of shape (batch, height << layers, width << layers, channels), named `images`, where `layers` is
        `len(widths) + 1`, or `len(widths)` if `last_strides` is 1.
    """
    convolution = functools.partial(
        Conv2DTranspose,
        kernel_size=kernel_size,
        padding="same",
        kernel_initializer=normal(0.02),
    )
    for width in widths:
        normalized = batch_normalization(
            scale_stddev=scale_stddev
        )  # created first: the order determines the initial weights
        x = layers.ReLU()(normalized(convolution(width, strides=2, use_bias=False)(x)))
    return layers.Activation("tanh", dtype=dtype, name="images")(convolution(channels, strides=last_strides)(x))
