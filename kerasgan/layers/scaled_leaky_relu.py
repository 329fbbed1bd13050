"""The nonlinearity of the style families."""

import math

import keras
from keras import ops

from kerasgan.game.engines import leaky_relu


@keras.saving.register_keras_serializable(package="kerasgan")
class ScaledLeakyReLU(keras.layers.Layer):
    """Leaky ReLU times a gain: sqrt(2) keeps the variance, so that the weights need no gain (Karras et al. 2020).

    Args:
        gain: Factor of the leaky ReLU.
        slope: Slope below 0. With 1, only the gain and the limit have an effect.
        limit: Bound of the outputs, which are clipped to [-limit, limit]. None for no clipping. StyleGAN2-ADA clips at
            256 in half precision.
        **kwargs: Keyword arguments of `keras.layers.Layer`.
    """

    def __init__(self, gain=math.sqrt(2), slope=0.2, limit=None, **kwargs):
        super().__init__(**kwargs)
        self.gain, self.slope, self.limit = gain, slope, limit

    def call(self, inputs, training=None):
        x = inputs
        if self.slope != 1:
            # In training, the form with a fast second-order gradient: see `kerasgan.layers.LeakyReLU`.
            x = leaky_relu(x, self.slope) if training else ops.leaky_relu(x, self.slope)
        x = x if self.gain == 1 else x * self.gain
        return x if self.limit is None else ops.clip(x, -self.limit, self.limit)

    def compute_output_shape(self, input_shape):
        return input_shape

    def get_config(self):
        return {**super().get_config(), "gain": self.gain, "slope": self.slope, "limit": self.limit}
