"""Stacks of strided convolutions, as discriminators and encoders have them."""

from keras import layers

from kerasgan.layers.initial import normal
from kerasgan.layers.normalization import normalization


def strided_convolutions(x, widths, kernel_size, slope, kind="batch"):
    """Features of images: each layer halves their size, with normalization but in the first, and leaky ReLU.

    Weights from N(0, .02^2).

    Args:
        x: shape (batch, height, width, channels).
        widths: channels of the layers, in their order.
        kernel_size: of all layers.
        slope: of the leaky ReLUs below 0.
        kind: of the normalization, as for `normalization`.

    Returns:
        Shape (batch, height >> layers, width >> layers, channels).
    """
    for place, width in enumerate(widths):
        options = {"strides": 2, "padding": "same", "kernel_initializer": normal(0.02)}
        x = layers.Conv2D(width, kernel_size, use_bias=place == 0 or kind is None, **options)(x)
        x = layers.LeakyReLU(slope)(x if place == 0 else normalization(kind)(x))
    return x
