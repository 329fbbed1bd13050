"""Instance normalization (Ulyanov et al. 2016, "Instance Normalization: The Missing Ingredient...")."""

import keras
from keras import ops

from kerasgan.layers.initial import normal
from kerasgan.objectives.losses import at_least_float32


@keras.saving.register_keras_serializable(package="kerasgan")
class InstanceNormalization(keras.layers.Layer):
    """Gives each channel of each sample mean 0 and variance 1, in training and at test alike.

    (x - mean) / sqrt(variance + epsilon), over all places of the sample (equation 2), then `scale * x + offset` where
    `affine`. It is batch normalization with the statistics of a batch of one. Statistics are taken in float32.

    Args:
        affine: learn a scale and an offset of each channel.
        epsilon: added to the variance.
        scale_stddev: the scales start from N(1, scale_stddev^2).
        **kwargs: as for `keras.layers.Layer`.

    Call arguments:
        inputs: floats of shape (batch, ..., channels).

    Returns:
        The same shape.
    """

    over_channels = False

    def __init__(self, affine=True, epsilon=1e-5, scale_stddev=0.0, **kwargs):
        super().__init__(**kwargs)
        self.affine, self.epsilon, self.scale_stddev = affine, epsilon, scale_stddev

    def build(self, input_shape):
        if self.affine:
            shape = (input_shape[-1],)
            initial = keras.initializers.get(normal(self.scale_stddev, mean=1.0))
            self.scale = self.add_weight(name="scale", shape=shape, initializer=initial)
            self.offset = self.add_weight(name="offset", shape=shape, initializer="zeros")

    def call(self, inputs):
        x = at_least_float32(inputs)
        axes = tuple(range(1, len(x.shape) - (0 if self.over_channels else 1)))
        centred = x - mean_over(x, axes)
        variance = mean_over(ops.square(centred), axes)
        normalized = ops.cast(centred * ops.rsqrt(variance + self.epsilon), self.compute_dtype)
        return normalized * self.scale + self.offset if self.affine else normalized

    def compute_output_shape(self, input_shape):
        return input_shape

    def get_config(self):
        own = {"affine": self.affine, "epsilon": self.epsilon, "scale_stddev": self.scale_stddev}
        return {**super().get_config(), **own}


@keras.saving.register_keras_serializable(package="kerasgan")
class SampleNormalization(InstanceNormalization):
    """Layer normalization of feature maps: gives each sample mean 0 and variance 1 over its places and channels.

    With a scale and an offset of each channel, as critics of WGAN-GP have it (Gulrajani et al. 2017, section 4).
    """

    over_channels = True


def mean_over(x, axes):
    """Mean over axes, which are kept, in the precision of `x`."""
    # Not ops.mean, which on JAX averages float64 in float32.
    total = ops.sum(x, axis=axes, keepdims=True)
    return total * (ops.cast(ops.size(total), x.dtype) / ops.cast(ops.size(x), x.dtype))
