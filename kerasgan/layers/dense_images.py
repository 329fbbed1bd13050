"""The output layer of generators that are multilayer perceptrons."""

import math

import keras
from keras import layers


def dense_images(x, shape, **options):
    """Computes samples from hidden units with a dense output layer.

    Images pass through a sigmoid, which gives the papers' intensities in [0, 1], and are scaled to [-1, 1]. Vectors
    have no activation.

    Args:
        x: Tensor of shape (batch, units).
        shape: Shape (height, width, channels) of an image, or (size,) of a vector.
        **options: Keyword arguments of `keras.layers.Dense`.

    Returns:
        A tensor of shape (batch, *shape) in the default float type, named `images`.
    """
    x = layers.Dense(math.prod(shape), **options)(x)
    if len(shape) == 3:
        x = layers.Activation("sigmoid", dtype=keras.config.floatx())(x)
        x = layers.Rescaling(2.0, -1.0, dtype=keras.config.floatx())(x)
    return layers.Reshape(shape, dtype=keras.config.floatx(), name="images")(x)
