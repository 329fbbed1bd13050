"""Instance normalization (Ulyanov et al. 2016, "Instance Normalization: The Missing Ingredient...")."""

import keras
from keras import ops

from kerasgan.layers.initial import normal
from kerasgan.objectives.losses import at_least_float32


@keras.saving.register_keras_serializable(package="kerasgan")
class InstanceNormalization(keras.layers.Layer):
    """Normalizes each channel of each sample to mean 0 and variance 1, in training and at inference.

    Computes (x - mean) / sqrt(variance + epsilon) with the statistics over all positions of the sample (equation 2),
    then `scale * x + offset` if `affine`. This is batch normalization of a batch of one. The statistics are computed in
    float32.

    Args:
        affine: Whether to learn a scale and an offset for each channel.
        epsilon: Small number added to the variance.
        scale_stddev: Standard deviation of the initial scales, which are drawn from N(1, scale_stddev^2).
        **kwargs: Keyword arguments of `keras.layers.Layer`.

    Call arguments:
        inputs: Float tensor of shape (batch, ..., channels).

    Returns:
        A tensor of the same shape.
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
    """Layer normalization of feature maps: normalizes each sample over all positions and channels.

    It has a scale and an offset for each channel, as in the critics of WGAN-GP (Gulrajani et al. 2017, section 4).
    """

    over_channels = True


def mean_over(x, axes):
    """Mean over axes in the precision of `x`; the axes are kept."""
    # Not ops.mean, which averages float64 in float32 on JAX.
    total = ops.sum(x, axis=axes, keepdims=True)
    return total * (ops.cast(ops.size(total), x.dtype) / ops.cast(ops.size(x), x.dtype))
