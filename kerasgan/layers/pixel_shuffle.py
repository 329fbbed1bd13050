"""Enlargement by integer factors: pixel shuffle and bilinear."""

import keras
from keras import ops


@keras.saving.register_keras_serializable(package="kerasgan")
class PixelShuffle(keras.layers.Layer):
    """Moves channels into pixels (Shi et al. 2016, "Real-Time Single Image and Video Super-Resolution", equation 4).

    Channel `c * factor**2 + i * factor + j` of the inputs becomes channel c at row i and column j of a block of
    `factor` x `factor` pixels, as in PyTorch. (TensorFlow's `depth_to_space` has the order of channels `i, j, c`.)

    Args:
        factor: Integer factor by which height and width grow.
        **kwargs: Keyword arguments of `keras.layers.Layer`.

    Call arguments:
        inputs: Float tensor of shape (batch, height, width, channels * factor**2).

    Returns:
        A tensor of shape (batch, height * factor, width * factor, channels).
    """

    def __init__(self, factor=2, **kwargs):
        super().__init__(**kwargs)
        self.factor = factor

    def build(self, input_shape):
        if input_shape[-1] % self.factor**2:
            raise ValueError(
                f"`inputs` has {input_shape[-1]} channels; expected a multiple of factor**2 = {self.factor**2}."
            )

    def call(self, inputs):
        factor, (batch, height, width, channels) = self.factor, ops.shape(inputs)
        channels = inputs.shape[-1] // factor**2
        x = ops.reshape(inputs, (batch, height, width, channels, factor, factor))
        x = ops.transpose(x, (0, 1, 4, 2, 5, 3))
        return ops.reshape(x, (batch, height * factor, width * factor, channels))

    def compute_output_shape(self, input_shape):
        batch, *sides, channels = input_shape
        return (batch, *[side and side * self.factor for side in sides], channels // self.factor**2)

    def get_config(self):
        return {**super().get_config(), "factor": self.factor}


@keras.saving.register_keras_serializable(package="kerasgan")
class BilinearEnlargement(keras.layers.Layer):
    """Enlarges images bilinearly by an integer factor, without a resizing operation.

    The centre of output pixel o lies at input pixel (o + 1/2) / factor - 1/2; edge pixels are repeated outwards.
    (Resizing operations have no second derivatives on TensorFlow.)

    Args:
        factor: Integer factor by which height and width grow.
        **kwargs: Keyword arguments of `keras.layers.Layer`.

    Call arguments:
        inputs: Float tensor of shape (batch, height, width, channels).

    Returns:
        A tensor of shape (batch, height * factor, width * factor, channels).
    """

    def __init__(self, factor=2, **kwargs):
        super().__init__(**kwargs)
        self.factor = factor

    def call(self, inputs):
        return self._along_rows(self._along_rows(inputs, transposed=True), transposed=False)

    def _along_rows(self, x, transposed):
        """Enlarges the height, or the width if `transposed`."""
        if transposed:
            x = ops.transpose(x, (0, 2, 1, 3))
        batch, size, rest, channels = ops.shape(x)
        padded = ops.concatenate([x[:, :1], x, x[:, -1:]], axis=1)
        rows = []
        for place in range(self.factor):
            offset = (place + 0.5) / self.factor - 0.5
            first = 1 if offset >= 0 else 0  # row of the padded image
            share = offset if offset >= 0 else offset + 1.0
            rows.append(
                (1.0 - share) * padded[:, first : first + size] + share * padded[:, first + 1 : first + 1 + size]
            )
        x = ops.reshape(ops.stack(rows, axis=2), (batch, size * self.factor, rest, channels))
        return ops.transpose(x, (0, 2, 1, 3)) if transposed else x

    def compute_output_shape(self, input_shape):
        batch, *sides, channels = input_shape
        return (batch, *[side and side * self.factor for side in sides], channels)

    def get_config(self):
        return {**super().get_config(), "factor": self.factor}
