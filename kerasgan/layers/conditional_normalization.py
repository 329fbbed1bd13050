"""Conditional batch normalization (Dumoulin et al. 2017; de Vries et al. 2017)."""

import keras
from keras import layers

from kerasgan.layers.normalization import batch_normalization
from kerasgan.layers.spectral import SpectralDense


@keras.saving.register_keras_serializable(package="kerasgan")
class ConditionalBatchNormalization(layers.Layer):
    """Batch normalization with a scale and an offset from a condition: normalized(x) * (1 + gain) + offset.

    The condition is a label, with a learned gain and offset for each class (SNGAN, SAGAN: both 0 at the start), or a
    vector, of which gain and offset are linear functions without bias (BigGAN: an embedding of the label and a part of
    the latents).

    Args:
        num_classes: Number of classes, if the condition is a label. None for vectors.
        spectral: Whether the linear functions are spectrally normalized.
        kernel_initializer: Initializer of the linear functions.
        epsilon: Constant added to the variance.
        **kwargs: Keyword arguments of `keras.layers.Layer`.

    Call arguments:
        inputs: List of the maps, of shape (batch, height, width, channels), and of labels of shape (batch,) or vectors
            of shape (batch, size). training: Whether to use the batch statistics and update the moving statistics.

    Returns:
        The shape of the maps.
    """

    def __init__(self, num_classes=None, spectral=False, kernel_initializer="glorot_uniform", epsilon=1e-5, **kwargs):
        super().__init__(**kwargs)
        self.num_classes, self.spectral = num_classes, spectral
        self.kernel_initializer, self.epsilon = kernel_initializer, epsilon

    def build(self, input_shape):
        maps, condition = input_shape
        self.normalization = batch_normalization(
            epsilon=self.epsilon, scale=False, center=False, name="normalization", dtype=self.dtype_policy
        )
        self.normalization.build(maps)
        self.gain, self.offset = (self._function(maps[-1], name) for name in ("gain", "offset"))
        for layer in (self.gain, self.offset):
            layer.build(condition)

    def _function(self, channels, name):
        options = {"name": name, "dtype": self.dtype_policy}
        if self.num_classes:
            return layers.Embedding(self.num_classes, channels, "zeros", **options)
        kind = SpectralDense if self.spectral else layers.Dense
        return kind(channels, use_bias=False, kernel_initializer=self.kernel_initializer, **options)

    def call(self, inputs, training=False):
        maps, condition = inputs
        mode = {"training": training} if self.spectral and not self.num_classes else {}
        gain, offset = (layer(condition, **mode)[:, None, None, :] for layer in (self.gain, self.offset))
        return self.normalization(maps, training=training) * (1.0 + gain) + offset

    def compute_output_shape(self, input_shape):
        return input_shape[0]

    def get_config(self):
        own = ("num_classes", "spectral", "kernel_initializer", "epsilon")
        return {**super().get_config(), **{name: getattr(self, name) for name in own}}
