"""Stacks of strided convolutions, as discriminators and encoders have them."""

from keras import layers

from kerasgan.layers.initial import normal
from kerasgan.layers.normalization import normalization


def strided_convolutions(x, widths, kernel_size, slope, kind="batch", normalize_first=False, scale_stddev=0.0):
    """Features of images: each layer halves their size, with normalization and leaky ReLU.

    Weights from N(0, .02^2).

    Args:
        x: shape (batch, height, width, channels).
        widths: channels of the layers, in their order.
        kernel_size: of all layers.
        slope: of the leaky ReLUs below 0.
        kind: of the normalization, as for `normalization`.
        normalize_first: whether the first layer has it too; that of a discriminator has none (DCGAN).
        scale_stddev: as for `normalization`.

    Returns:
        Shape (batch, height >> layers, width >> layers, channels).
    """
    for place, width in enumerate(widths):
        kind_here = kind if place or normalize_first else None
        options = {"strides": 2, "padding": "same", "kernel_initializer": normal(0.02)}
        x = layers.Conv2D(width, kernel_size, use_bias=kind_here is None, **options)(x)
        x = layers.LeakyReLU(slope)(x if kind_here is None else normalization(kind_here, scale_stddev=scale_stddev)(x))
    return x
