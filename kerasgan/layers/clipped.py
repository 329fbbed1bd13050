"""Clipping of final images."""

import keras
from keras import ops


@keras.saving.register_keras_serializable(package="kerasgan")
class ClippedInInference(keras.layers.Layer):
    """Clips images to [-1, 1] in inference; leaves them unchanged in training, where clipping blocks gradients.

    It is the last layer of generators without a final activation, whose images would otherwise slightly exceed the
    range.

    Call arguments:
        inputs: Tensor of any shape. training: Whether the call is part of training.

    Returns:
        A tensor of the same shape.
    """

    def call(self, inputs, training=False):
        return inputs if training else ops.clip(inputs, -1.0, 1.0)

    def compute_output_shape(self, input_shape):
        return input_shape
