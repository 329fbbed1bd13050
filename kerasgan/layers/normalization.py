"""Normalization layers set up as GAN papers use them."""

import keras

from kerasgan.layers.initial import normal
from kerasgan.layers.instance_normalization import SampleNormalization


def normalization(kind, **options):
    """The normalization of a hidden layer by its name, or none.

    Args:
        kind: "batch"; "layer": over height, width and channels of one sample, with a scale and an offset a channel
            (Gulrajani et al. 2017, section 4, for critics with a penalty on a sample's gradient); None.
        **options: as for `batch_normalization`, where it is that.

    Returns:
        A layer.

    Raises:
        ValueError: for another kind.
    """
    if kind == "batch":
        return batch_normalization(**options)
    if kind == "layer":
        return SampleNormalization()
    if kind is None:
        return keras.layers.Identity()
    raise ValueError(f"The normalization is {kind!r}, expected 'batch', 'layer' or None.")


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
