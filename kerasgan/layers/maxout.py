"""Maxout units (Goodfellow et al. 2013, "Maxout Networks")."""

import keras
from keras import ops


@keras.saving.register_keras_serializable(package="kerasgan")
class Maxout(keras.layers.Layer):
    """Dense layer in which each unit is the maximum of several affine pieces.

    Args:
        units: Number of units.
        pieces: Number of affine pieces per unit.
        kernel_initializer: Initializer of the kernel, as for `keras.layers.Dense`.
        **kwargs: Keyword arguments of `keras.layers.Layer`.

    Call arguments:
        inputs: Float tensor of shape (batch, features).

    Returns:
        A tensor of shape (batch, units).
    """

    def __init__(self, units, pieces=5, kernel_initializer="glorot_uniform", **kwargs):
        super().__init__(**kwargs)
        self.units, self.pieces = units, pieces
        self.kernel_initializer = keras.initializers.get(kernel_initializer)

    def build(self, input_shape):
        shape = (input_shape[-1], self.units * self.pieces)
        self.kernel = self.add_weight(name="kernel", shape=shape, initializer=self.kernel_initializer)
        self.bias = self.add_weight(name="bias", shape=shape[1:], initializer="zeros")

    def call(self, inputs):
        affine = ops.matmul(inputs, self.kernel) + self.bias
        return ops.max(ops.reshape(affine, (-1, self.units, self.pieces)), axis=-1)

    def compute_output_shape(self, input_shape):
        return (*input_shape[:-1], self.units)

    def get_config(self):
        initializer = keras.initializers.serialize(self.kernel_initializer)
        return {**super().get_config(), "units": self.units, "pieces": self.pieces, "kernel_initializer": initializer}
