"""The output layer of generators that are multi-layer perceptrons."""

import math

import keras
from keras import layers


def dense_images(x, shape, **options):
    """Samples of a hidden layer: images in [-1, 1] through a sigmoid, whose values are the papers' intensities in
    [0, 1]; vectors of any range without one.

    Args:
        x: shape (batch, units).
        shape: (height, width, channels) of an image, or (size,) of a vector.
        **options: as for `keras.layers.Dense`.

    Returns:
        Shape (batch, *shape), in the default precision, named `images`.
    """
    x = layers.Dense(math.prod(shape), **options)(x)
    if len(shape) == 3:
        x = layers.Activation("sigmoid", dtype=keras.config.floatx())(x)
        x = layers.Rescaling(2.0, -1.0, dtype=keras.config.floatx())(x)
    return layers.Reshape(shape, dtype=keras.config.floatx(), name="images")(x)
