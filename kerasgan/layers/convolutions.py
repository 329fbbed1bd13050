"""Convolutions whose training is fast on a CPU on both engines."""

from typing import Any

import keras
from keras import ops

from kerasgan.game.engines import convolution, transposed_convolution


def conv(inputs, kernel, strides=1, padding="same"):
    """Computes `keras.ops.conv` of channels-last features in a form whose gradients are fast on the device.

    Args:
        inputs: Tensor of shape (batch, *size, channels).
        kernel: Tensor of shape (*kernel size, channels, filters).
        strides: Integer, or a tuple with one integer per spatial dimension.
        padding: "same" or "valid".
    """
    return _computed(convolution, ops.conv, inputs, kernel, strides, padding)


def conv_transpose(inputs, kernel, strides, padding):
    """Computes `keras.ops.conv_transpose` of channels-last features in a form that is fast on the device.

    Args:
        inputs: Tensor of shape (batch, *size, channels).
        kernel: Tensor of shape (*kernel size, filters, channels).
        strides: Integer, or a tuple with one integer per spatial dimension.
        padding: "same" or "valid".
    """
    return _computed(transposed_convolution, ops.conv_transpose, inputs, kernel, strides, padding)


def _computed(fast, of_keras, inputs, kernel, strides, padding):
    """The outputs of the engine's operation `fast`, or of Keras' where the engine has none."""
    strides = (strides,) * (kernel.ndim - 2) if isinstance(strides, int) else tuple(strides)
    kernel = ops.convert_to_tensor(kernel)
    outputs = fast(inputs, kernel, strides, padding)
    return of_keras(inputs, kernel, list(strides), padding) if outputs is None else outputs


class _Convolution(keras.layers.Layer):
    """Mixin for a convolution of Keras, which computes it by `conv` if it is dense and not dilated."""

    def convolution_op(self, inputs, kernel):
        dense = self.data_format == "channels_last" and kernel.shape[-2] == inputs.shape[-1]
        if dense and set(self.dilation_rate) == {1} and self.padding in ("same", "valid"):
            return conv(inputs, kernel, self.strides, self.padding)
        return super().convolution_op(inputs, kernel)


@keras.saving.register_keras_serializable(package="kerasgan")
class Conv1D(_Convolution, keras.layers.Conv1D):
    """`keras.layers.Conv1D` with gradients that are fast on CPUs on JAX too."""


@keras.saving.register_keras_serializable(package="kerasgan")
class Conv2D(_Convolution, keras.layers.Conv2D):
    """`keras.layers.Conv2D` with gradients that are fast on CPUs on JAX too."""


def _transposed(layer: Any, inputs, as_keras):
    """The outputs of a layer; `as_keras(inputs)` if it has options that `conv_transpose` does not support."""
    plain = layer.output_padding is None and layer.data_format == "channels_last"
    if not plain or set(layer.dilation_rate) != {1}:
        return as_keras(inputs)
    outputs = conv_transpose(inputs, layer.kernel, layer.strides, layer.padding)
    outputs = outputs + ops.cast(layer.bias, outputs.dtype) if layer.use_bias else outputs
    return outputs if layer.activation is None else layer.activation(outputs)


@keras.saving.register_keras_serializable(package="kerasgan")
class Conv1DTranspose(keras.layers.Conv1DTranspose):
    """`keras.layers.Conv1DTranspose` with a fast gradient on CPUs, including on JAX."""

    def call(self, inputs):
        return _transposed(self, inputs, super().call)


@keras.saving.register_keras_serializable(package="kerasgan")
class Conv2DTranspose(keras.layers.Conv2DTranspose):
    """`keras.layers.Conv2DTranspose` with a fast gradient on CPUs, including on JAX."""

    def call(self, inputs):
        return _transposed(self, inputs, super().call)


@keras.saving.register_keras_serializable(package="kerasgan")
class Conv3DTranspose(keras.layers.Conv3DTranspose):
    """`keras.layers.Conv3DTranspose` with a fast gradient on CPUs, including on JAX."""

    def call(self, inputs):
        return _transposed(self, inputs, super().call)
