"""Self-attention of images (Zhang et al. 2019, "Self-Attention Generative Adversarial Networks")."""

import keras
from keras import layers, ops

from kerasgan.layers.convolutions import Conv2D
from kerasgan.layers.spectral import SpectralConv2D
from kerasgan.objectives.losses import at_least_float32


@keras.saving.register_keras_serializable(package="kerasgan")
class SelfAttention(layers.Layer):
    """x + gamma * o(attention over all positions of x), with gamma = 0 at the start (equations 1 to 3).

    The layer follows the authors' code, which differs from the paper's text: queries and keys have an eighth of the
    channels, values half of them, and keys and values are max-pooled to half the size. A map of 64 x 64 thus has 4,096
    queries and 1,024 keys. All four 1 x 1 convolutions have no bias.

    Args:
        spectral: Whether the convolutions are spectrally normalized.
        kernel_initializer: Initializer of the convolutions.
        **kwargs: Keyword arguments of `keras.layers.Layer`.

    Call arguments:
        inputs: Floats of shape (batch, height, width, channels); height and width even, channels 8 or more. training:
        Whether to update `u` of the spectral normalization.

    Returns:
        The same shape.
    """

    def __init__(self, spectral=True, kernel_initializer="glorot_uniform", **kwargs):
        super().__init__(**kwargs)
        self.spectral = spectral
        self.kernel_initializer = kernel_initializer

    def build(self, input_shape):
        height, width, channels = input_shape[1:]
        if channels < 8 or (height or 0) % 2 or (width or 0) % 2:
            raise ValueError(
                f"`inputs` has shape {tuple(input_shape)}; expected 8 channels or more, and an even height and width. "
                "Apply attention to a larger map."
            )
        self.theta, self.phi = (self._convolution(channels // 8, name) for name in ("theta", "phi"))
        self.g, self.o = self._convolution(channels // 2, "g"), self._convolution(channels, "o")
        for layer in (self.theta, self.phi, self.g):
            layer.build(input_shape)
        self.o.build((*input_shape[:-1], channels // 2))
        self.gamma = self.add_weight(name="gamma", shape=(), initializer="zeros")

    def _convolution(self, filters, name):
        kind = SpectralConv2D if self.spectral else Conv2D
        options = {"use_bias": False, "kernel_initializer": self.kernel_initializer, "dtype": self.dtype_policy}
        return kind(filters, 1, name=name, **options)

    def call(self, inputs, training=False):
        height, width, channels = inputs.shape[1:]
        mode = {"training": training} if self.spectral else {}
        queries = ops.reshape(self.theta(inputs, **mode), (-1, height * width, channels // 8))
        keys = ops.reshape(self._pool(self.phi(inputs, **mode)), (-1, height * width // 4, channels // 8))
        values = ops.reshape(self._pool(self.g(inputs, **mode)), (-1, height * width // 4, channels // 2))
        weights = ops.matmul(queries, ops.transpose(keys, (0, 2, 1)))
        weights = ops.cast(ops.softmax(at_least_float32(weights), axis=-1), self.compute_dtype)
        seen = ops.reshape(ops.matmul(weights, values), (-1, height, width, channels // 2))
        return inputs + ops.cast(self.gamma, self.compute_dtype) * self.o(seen, **mode)

    @staticmethod
    def _pool(x):
        return ops.max_pool(x, 2, 2)

    def compute_output_shape(self, input_shape):
        return input_shape

    def get_config(self):
        own = {"spectral": self.spectral, "kernel_initializer": self.kernel_initializer}
        return {**super().get_config(), **own}
