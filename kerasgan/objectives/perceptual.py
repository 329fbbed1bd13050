"""Distance between images in the feature maps of a fixed random network, without published weights."""

import math

import numpy as np
from keras import ops

from kerasgan.objectives.losses import at_least_float32

WIDTHS = (32, 64, 128)
SEED = 0


def random_kernels():
    """Kernels of random 3x3 convolutions: float32 arrays of shape (3, 3, in, out), identical on every machine.

    They are drawn from a normal distribution with variance 2 / fan-in (He et al. 2015, section 2.2).
    """
    # RandomState, because NumPy promises that its streams never change.
    random = np.random.RandomState(SEED)
    channels = (3, *WIDTHS)
    return [
        (random.standard_normal((3, 3, inside, outside)) * np.sqrt(2 / (9 * inside))).astype("float32")
        for inside, outside in zip(channels, WIDTHS, strict=False)
    ]


def random_maps(images):
    """Feature maps of images after each of three random convolutions of stride 2 with ReLUs (`random-conv-seed0`).

    Args:
        images: Floats of shape (batch, height, width, channels). RGB images are used as they are; otherwise each
            channel is treated as a separate grey image.

    Returns:
        A list of three tensors of shape (batch * grey images, smaller height, smaller width, channels).
    """
    x = at_least_float32(images)
    if x.shape[-1] != 3:
        height, width = x.shape[1:3]
        x = ops.reshape(ops.transpose(x, (0, 3, 1, 2)), (-1, height, width, 1))
        x = ops.repeat(x, 3, axis=-1)
    maps = []
    for kernel in random_kernels():
        x = ops.relu(ops.conv(x, ops.convert_to_tensor(kernel, x.dtype), strides=2, padding="same"))
        maps.append(x)
    return maps


def perceptual_distance(first, second):
    """Mean squared difference between the pixels of two images and between their maps in a random network.

    In each of the maps of `random_maps`, the channels at each position are scaled to length 1, their squared
    differences are summed and averaged over the positions, and the three averages are added. This is the form of LPIPS
    (Zhang et al. 2018, section 3, equation 1) without its learned weights. The numbers are not comparable with those of
    LPIPS. Random convolutions capture coarse differences of texture and of edges, which pixels alone do not.

    Args:
        first: Floats of shape (batch, height, width, channels), in [-1, 1].
        second: Floats of the same shape and range.

    Returns:
        A tensor of shape (batch,), float32 or float64.
    """
    pairs = zip(_parts(first), _parts(second), strict=True)
    return sum(ops.sum(ops.square(a - b), axis=1) / scale for (a, scale), (b, _) in pairs)


def perceptual_features(images):
    """Vectors of images whose mean squared difference is their `perceptual_distance`.

    Args:
        images: Floats of shape (batch, height, width, channels), in [-1, 1].

    Returns:
        A tensor of shape (batch, number of all pixels and map entries).
    """
    parts = _parts(images)
    total = sum(part.shape[1] for part, _ in parts)
    return ops.concatenate([part * math.sqrt(total / scale) for part, scale in parts], axis=1)


def _parts(images):
    """Pixels and maps as tensors (batch, numbers), each with the divisor of its sum of squared differences."""
    images = at_least_float32(images)
    grey = 1 if images.shape[-1] == 3 else images.shape[-1]
    parts = [(images, math.prod(images.shape[1:]))]
    for x in random_maps(images):
        x = x / ops.sqrt(ops.sum(ops.square(x), axis=-1, keepdims=True) + 1e-10)
        parts.append((x, grey * math.prod(x.shape[1:3])))
    numbers = [math.prod(parts[0][0].shape[1:]), *(grey * math.prod(x.shape[1:]) for x, _ in parts[1:])]
    return [(ops.reshape(x, (-1, count)), scale) for (x, scale), count in zip(parts, numbers, strict=True)]
