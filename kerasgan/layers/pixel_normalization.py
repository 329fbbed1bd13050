"""Pixelwise feature vector normalization (Karras et al. 2018, "Progressive Growing of GANs...", section 4.2)."""

import keras
from keras import ops

from kerasgan.layers.instance_normalization import mean_over
from kerasgan.objectives.losses import at_least_float32


@keras.saving.register_keras_serializable(package="kerasgan")
class PixelNormalization(keras.layers.Layer):
    """Divides each vector along the last axis by the root of its mean square: x / sqrt(mean(x^2) + epsilon).

    It has no weights. It is used for feature maps and for latents. The mean is computed in float32.

    Args:
        epsilon: Added to the mean square.
        **kwargs: Keyword arguments of `keras.layers.Layer`.
    """

    def __init__(self, epsilon=1e-8, **kwargs):
        super().__init__(**kwargs)
        self.epsilon = epsilon

    def call(self, inputs):
        x = at_least_float32(inputs)
        return ops.cast(x * ops.rsqrt(mean_over(ops.square(x), (-1,)) + self.epsilon), self.compute_dtype)

    def compute_output_shape(self, input_shape):
        return input_shape

    def get_config(self):
        return {**super().get_config(), "epsilon": self.epsilon}
