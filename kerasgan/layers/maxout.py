"""Maxout units (Goodfellow et al. 2013, "Maxout Networks")."""

import keras
from keras import ops


@keras.saving.register_keras_serializable(package="kerasgan")
class Maxout(keras.layers.Layer):
    """Dense layer whose every unit is the largest of several affine pieces.

    Args:
        units: width of the output.
        pieces: affine pieces a unit.
        kernel_initializer: as in `keras.layers.Dense`.
        **kwargs: as for `keras.layers.Layer`.

    Call arguments:
        inputs: floats of shape (batch, features).

    Returns:
        Shape (batch, units).
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
