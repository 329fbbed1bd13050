"""Padding by reflection."""

import keras
from keras import ops


@keras.saving.register_keras_serializable(package="kerasgan")
class ReflectionPadding2D(keras.layers.Layer):
    """Pads images by reflection at their edges, without repeating the edge pixels.

    Args:
        padding: Number of pixels added on each of the four sides, less than height and width.
        **kwargs: Keyword arguments of `keras.layers.Layer`.

    Call arguments:
        inputs: Float tensor of shape (batch, height, width, channels).

    Returns:
        A tensor of shape (batch, height + 2 * padding, width + 2 * padding, channels).
    """

    def __init__(self, padding=1, **kwargs):
        super().__init__(**kwargs)
        self.padding = padding

    def build(self, input_shape):
        if any(side is not None and side <= self.padding for side in input_shape[1:3]):
            raise ValueError(
                f"Images of shape {tuple(input_shape)[1:]} cannot be padded by {self.padding} reflected pixels; "
                f"expected sides of {self.padding + 1} or more. Use larger images or fewer strided layers."
            )

    def call(self, inputs):
        sides = [self.padding, self.padding]
        return ops.pad(inputs, [[0, 0], sides, sides, [0, 0]], mode="reflect")

    def compute_output_shape(self, input_shape):
        batch, *sides, channels = input_shape
        return (batch, *[side and side + 2 * self.padding for side in sides], channels)

    def get_config(self):
        return {**super().get_config(), "padding": self.padding}
