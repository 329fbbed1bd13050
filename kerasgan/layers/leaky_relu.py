"""Leaky ReLU for networks with a penalty on a gradient."""

import keras

from kerasgan.game.engines import leaky_relu


@keras.saving.register_keras_serializable(package="kerasgan")
class LeakyReLU(keras.layers.LeakyReLU):
    """`keras.layers.LeakyReLU` with the same values and gradients, but a faster second-order gradient.

    On TensorFlow, the gradient of Keras' layer has a gradient of zeros with respect to the input. Gradient penalties
    such as R1 would propagate these zeros back through the whole network.
    """

    def call(self, inputs, training=None):
        return leaky_relu(inputs, self.negative_slope) if training else super().call(inputs)
