"""Convolutions whose training is fast on a CPU on both engines."""

import keras
from keras import ops

from kerasgan.game.engines import strided_convolution, transposed_convolution


def conv_transpose(inputs, kernel, strides, padding):
    """As `keras.ops.conv_transpose` of features with channels last, in a form that is fast on the device.

    Args:
        inputs: Tensor of shape (batch, *size, channels).
        kernel: Tensor of shape (*kernel size, filters, channels).
        strides: Integer, or one for each dimension of the size.
        padding: "same" or "valid".
    """
    strides = (strides,) * (kernel.ndim - 2) if isinstance(strides, int) else tuple(strides)
    kernel = ops.convert_to_tensor(kernel)
    outputs = transposed_convolution(inputs, kernel, strides, padding)
    return ops.conv_transpose(inputs, kernel, list(strides), padding) if outputs is None else outputs


@keras.saving.register_keras_serializable(package="kerasgan")
class Conv2D(keras.layers.Conv2D):
    """`keras.layers.Conv2D`, whose gradient is fast on a CPU on JAX also where the maps are smaller than the kernel."""

    def convolution_op(self, inputs, kernel):
        plain = self.data_format == "channels_last" and self.groups == 1 and set(self.dilation_rate) == {1}
        outputs = None
        if plain and self.padding in ("same", "valid"):
            outputs = strided_convolution(inputs, ops.convert_to_tensor(kernel), self.strides, self.padding)
        return super().convolution_op(inputs, kernel) if outputs is None else outputs


class _Transposed:
    """The part that the layers have in common."""

    def call(self, inputs):
        plain = self.output_padding is None and self.data_format == "channels_last"
        if not plain or set(self.dilation_rate) != {1}:
            return super().call(inputs)
        outputs = conv_transpose(inputs, self.kernel, self.strides, self.padding)
        outputs = outputs + ops.cast(self.bias, outputs.dtype) if self.use_bias else outputs
        return outputs if self.activation is None else self.activation(outputs)


@keras.saving.register_keras_serializable(package="kerasgan")
class Conv1DTranspose(_Transposed, keras.layers.Conv1DTranspose):
    """`keras.layers.Conv1DTranspose`, whose gradient is fast on a CPU on JAX as well."""


@keras.saving.register_keras_serializable(package="kerasgan")
class Conv2DTranspose(_Transposed, keras.layers.Conv2DTranspose):
    """`keras.layers.Conv2DTranspose`, whose gradient is fast on a CPU on JAX as well."""


@keras.saving.register_keras_serializable(package="kerasgan")
class Conv3DTranspose(_Transposed, keras.layers.Conv3DTranspose):
    """`keras.layers.Conv3DTranspose`, whose gradient is fast on a CPU on JAX as well."""
