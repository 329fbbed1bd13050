"""The first map of a generator: vectors times a learned image for each of their entries."""

import keras
from keras import ops


@keras.saving.register_keras_serializable(package="kerasgan")
class Basis(keras.layers.Layer):
    """Vectors (batch, channels) to maps (batch, height, width, channels): each entry times its learned map.

    An `einsum` would do, but LiteRT's converter cannot read TensorFlow's.

    Args:
        size: (height, width) of the maps.
        kernel_initializer: of the maps, shape (height, width, channels).
        **kwargs: as for `keras.layers.Layer`.
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
