"""Stacks of strided convolutions, as discriminators and encoders have them."""

from keras import layers

from kerasgan.layers.initial import normal
from kerasgan.layers.normalization import batch_normalization


def strided_convolutions(x, widths, kernel_size, slope):
    """Features of images: each layer halves their size, with batch normalization but in the first, and leaky ReLU.

    Weights from N(0, .02^2).

    Args:
        x: shape (batch, height, width, channels).
        widths: channels of the layers, in their order.
        kernel_size: of all layers.
        slope: of the leaky ReLUs below 0.

    Returns:
        Shape (batch, height >> layers, width >> layers, channels).
    """
    for place, width in enumerate(widths):
        options = {"strides": 2, "padding": "same", "kernel_initializer": normal(0.02), "use_bias": place == 0}
        x = layers.Conv2D(width, kernel_size, **options)(x)
        x = layers.LeakyReLU(slope)(x if place == 0 else batch_normalization()(x))
    return x
