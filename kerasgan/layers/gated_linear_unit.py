"""Gated linear unit (Dauphin et al. 2017, "Language Modeling with Gated Convolutional Networks")."""

import keras
from keras import ops


@keras.saving.register_keras_serializable(package="kerasgan")
class GatedLinearUnit(keras.layers.Layer):
    """One half of the channels times the sigmoid of the other half (section 2, equation 1).

    Call arguments:
        inputs: Floats of shape (..., channels), an even number of channels.

    Returns:
        A tensor of shape (..., channels / 2).
    """

    def call(self, inputs):
        values, gates = ops.split(inputs, 2, axis=-1)
        return values * ops.sigmoid(gates)

    def compute_output_shape(self, input_shape):
        return (*input_shape[:-1], input_shape[-1] // 2)
