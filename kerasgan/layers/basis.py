"""The learned basis that turns a generator's latents into its first feature map."""

import keras
from keras import ops


@keras.saving.register_keras_serializable(package="kerasgan")
class Basis(keras.layers.Layer):
    """Maps vectors to feature maps by multiplying each entry with a learned map.

    The inputs have shape (batch, channels), the outputs (batch, height, width, channels). The layer avoids `einsum`,
    because LiteRT's converter does not support TensorFlow's version.

    Args:
        size: Size (height, width) of the maps.
        kernel_initializer: Initializer of the maps, of shape (height, width, channels).
        **kwargs: Keyword arguments of `keras.layers.Layer`.
    """

    def __init__(self, size, kernel_initializer="ones", **kwargs):
        super().__init__(**kwargs)
        self.size, self.kernel_initializer = tuple(size), keras.initializers.get(kernel_initializer)

    def build(self, input_shape):
        self.kernel = self.add_weight(
            shape=(*self.size, input_shape[-1]), initializer=self.kernel_initializer, name="kernel"
        )

    def call(self, inputs):
        return inputs[:, None, None, :] * ops.cast(self.kernel, inputs.dtype)

    def compute_output_shape(self, input_shape):
        return (input_shape[0], *self.size, input_shape[-1])

    def get_config(self):
        initializer = keras.initializers.serialize(self.kernel_initializer)
        return {**super().get_config(), "size": self.size, "kernel_initializer": initializer}
