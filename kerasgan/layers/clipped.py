"""Clipping of finished images."""

import keras
from keras import ops


@keras.saving.register_keras_serializable(package="kerasgan")
class ClippedInInference(keras.layers.Layer):
    """Clips images to [-1, 1] in inference, and passes them unchanged in training, where clipping stops gradients.

    The last layer of generators without a final activation, whose images otherwise exceed their range a little.

    Call arguments:
        inputs: Tensor of any shape.
        training: Whether the call is part of a training.

    Returns:
        A tensor of the same shape.
    """

    def call(self, inputs, training=False):
        return inputs if training else ops.clip(inputs, -1.0, 1.0)

    def compute_output_shape(self, input_shape):
        return input_shape
