"""A distance of images in the maps of a fixed random network, which needs no published weights."""

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
    """Maps of images behind three random convolutions of stride 2 with ReLUs, those of `random-conv-seed0`.

    Args:
        images: Floats of shape (batch, height, width, channels). RGB is taken as such; of other channels, each is a
            grey image by itself.

    Returns:
        List of three tensors (batch * grey images, smaller height, smaller width, channels).
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
    """Mean squared difference of two images' pixels, and of their maps in a random network.

    In each of the maps of `random_maps` the channels of a place are scaled to length 1, their squared differences are
    summed and averaged over the places, and the three averages are added up: the form of LPIPS (Zhang et al. 2018,
    section 3, equation 1) without its learned weights. The numbers are not comparable with those of LPIPS. Convolutions
    with random weights rank coarse differences of texture and of edges, which pixels alone do not.

    Args:
        first: Floats of shape (batch, height, width, channels), in [-1, 1].
        second: Likewise.

    Returns:
        Tensor of shape (batch,), in float32 or float64.
    """
    first, second = at_least_float32(first), at_least_float32(second)
    distance = _mean_of_samples(ops.square(first - second))
    grey = 1 if first.shape[-1] == 3 else first.shape[-1]
    for a, b in zip(random_maps(first), random_maps(second), strict=True):
        squares = ops.sum(ops.square(_unit(a) - _unit(b)), axis=-1)
        distance = distance + _mean_of_samples(ops.reshape(squares, (-1, grey, *squares.shape[1:])))
    return distance


def _unit(x):
    return x / ops.sqrt(ops.sum(ops.square(x), axis=-1, keepdims=True) + 1e-10)


def _mean_of_samples(x):
    # Not ops.mean, which averages float64 in float32 on JAX.
    return ops.sum(x, axis=tuple(range(1, len(x.shape)))) / int(np.prod(x.shape[1:]))
