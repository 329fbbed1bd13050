"""Stacks of strided convolutions for discriminators and encoders."""

from kerasgan.layers.convolutions import Conv2D
from kerasgan.layers.initial import normal
from kerasgan.layers.leaky_relu import LeakyReLU
from kerasgan.layers.normalization import normalization


def strided_convolutions(x, widths, kernel_size, slope, kind="batch", normalize_first=False, scale_stddev=0.0):
    """Computes features of images by strided convolutions, each with normalization and leaky ReLU.

    The kernels are initialized from N(0, 0.02^2).

    Args:
        x: Tensor of shape (batch, height, width, channels).
        widths: Number of filters of each layer, in order.
        kernel_size: Kernel size of all layers.
        slope: Negative slope of the leaky ReLUs.
        kind: Kind of normalization, as for `normalization`.
        normalize_first: Whether to normalize the first layer as well; that of a discriminator is not normalized
            (DCGAN).
        scale_stddev: Standard deviation of the initial scales, as for `batch_normalization`.

    Returns:
        A tensor of shape (batch, height >> layers, width >> layers, channels).
    """
    for place, width in enumerate(widths):
        kind_here = kind if place or normalize_first else None
        options = {"strides": 2, "padding": "same", "kernel_initializer": normal(0.02)}
        x = Conv2D(width, kernel_size, use_bias=kind_here is None, **options)(x)
        x = LeakyReLU(slope)(x if kind_here is None else normalization(kind_here, scale_stddev=scale_stddev)(x))
    return x
