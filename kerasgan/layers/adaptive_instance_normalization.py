"""Adaptive instance normalization (Huang & Belongie 2017; Karras et al. 2019, "A Style-Based Generator...", eq. 1)."""

import keras
from keras import ops

from kerasgan.layers.equalized import EqualizedDense
from kerasgan.layers.instance_normalization import InstanceNormalization


@keras.saving.register_keras_serializable(package="kerasgan")
class AdaptiveInstanceNormalization(keras.layers.Layer):
    """Instance normalization whose scales and offsets are an affine function of a style.

    (1 + s_c) (x_c - mean_c) / sqrt(variance_c + epsilon) + b_c for each channel c of a sample. A layer with an
    equalized learning rate computes s and b from the style; both start around 0.

    Args:
        epsilon: Added to the variance.
        **kwargs: Keyword arguments of `keras.layers.Layer`.

    Call arguments:
        inputs: [images, styles] of shapes (batch, height, width, channels) and (batch, style length).

    Returns:
        The images' shape.
    """

    def __init__(self, epsilon=1e-8, **kwargs):
        super().__init__(**kwargs)
        self.epsilon = epsilon

    def build(self, input_shape):
        images, styles = input_shape
        self.normalization = InstanceNormalization(False, self.epsilon, dtype=self.dtype_policy, name="normalization")
        self.normalization.build(images)
        self.style = EqualizedDense(2 * images[-1], dtype=self.dtype_policy, name="style")
        self.style.build(styles)

    def call(self, inputs):
        images, styles = inputs
        scales, offsets = ops.split(self.style(styles)[:, None, None, :], 2, axis=-1)
        return self.normalization(images) * (1 + scales) + offsets

    def compute_output_shape(self, input_shape):
        return input_shape[0]

    def get_config(self):
        return {**super().get_config(), "epsilon": self.epsilon}
