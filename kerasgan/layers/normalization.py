"""Normalization layers set up as GAN papers use them."""

import keras

from kerasgan.layers.initial import normal


def batch_normalization(momentum=0.9, epsilon=1e-5, scale_stddev=0.0, **options):
    """Batch normalization whose running statistics keep up with short trainings, and agree between replicas.

    Args:
        momentum: of the running statistics. Keras' default of .99 is too slow for a few thousand steps.
        epsilon: added to the variance.
        scale_stddev: the scales start from N(1, scale_stddev^2).
        **options: as for `keras.layers.BatchNormalization`.

    Returns:
        A `keras.layers.BatchNormalization`; synchronized over replicas on TensorFlow (on JAX the batch is one array).
    """
    return keras.layers.BatchNormalization(
        momentum=momentum,
        epsilon=epsilon,
        gamma_initializer=normal(scale_stddev, mean=1.0),
        synchronized=keras.backend.backend() == "tensorflow",
        **options,
    )
