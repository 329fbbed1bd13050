"""Equalized learning rates (Karras et al. 2018, "Progressive Growing of GANs...", section 4.1)."""

import math

import keras
from keras import ops

from kerasgan.layers.convolutions import conv
from kerasgan.layers.initial import normal


class Equalized(keras.layers.Layer):
    """Base class of the layers below: scales their stored weights.

    Adam changes each stored weight by about its learning rate, however large the gradient is. Therefore the stored
    kernel starts from N(0, 1 / m^2), and the layer computes with `kernel * gain * m / sqrt(fan_in)` and `bias * m`: all
    layers learn at the same pace, and a layer with a rate multiplier m of 0.01 (the mapping networks of StyleGAN) at a
    hundredth of it. A multiplier on the gradients would have no effect under Adam.

    Args:
        gain: Deviation of the outputs for inputs of deviation 1; sqrt(2) before a ReLU (He et al. 2015).
        rate_multiplier: Learning rate m of the layer relative to one with multiplier 1.
        use_bias: Whether to use a bias.
        bias_start: Initial effective bias.
        **kwargs: Keyword arguments of `keras.layers.Layer`.
    """

    def __init__(self, gain=1.0, rate_multiplier=1.0, use_bias=True, bias_start=0.0, **kwargs):
        super().__init__(**kwargs)
        self.gain, self.rate_multiplier = gain, rate_multiplier
        self.use_bias, self.bias_start = use_bias, bias_start

    def add_weights(self, shape):
        """Adds a kernel of shape (..., inputs, outputs) and a bias."""
        initial = keras.initializers.get(normal(1 / self.rate_multiplier))
        self.kernel = self.add_weight(shape=shape, initializer=initial, name="kernel")
        if self.use_bias:
            start = keras.initializers.Constant(self.bias_start / self.rate_multiplier)
            self.bias = self.add_weight(shape=shape[-1:], initializer=start, name="bias")
        self.scale = self.gain * self.rate_multiplier / math.sqrt(math.prod(shape[:-1]))

    def biased(self, x):
        """Outputs with the bias added."""
        return x + ops.multiply(self.bias, self.rate_multiplier) if self.use_bias else x

    def get_config(self):
        own = ("gain", "rate_multiplier", "use_bias", "bias_start")
        return {**super().get_config(), **{name: getattr(self, name) for name in own}}


@keras.saving.register_keras_serializable(package="kerasgan")
class EqualizedDense(Equalized):
    """A dense layer with an equalized learning rate.

    Args:
        units: Length of the outputs.
        **kwargs: Keyword arguments of `Equalized`.

    Call arguments:
        inputs: Floats of shape (batch, ..., inputs).

    Returns:
        Shape (batch, ..., units).
    """

    def __init__(self, units, **kwargs):
        super().__init__(**kwargs)
        self.units = units

    def build(self, input_shape):
        self.add_weights((input_shape[-1], self.units))

    def call(self, inputs):
        return self.biased(ops.matmul(inputs, self.kernel * self.scale))

    def compute_output_shape(self, input_shape):
        return (*input_shape[:-1], self.units)

    def get_config(self):
        return {**super().get_config(), "units": self.units}


@keras.saving.register_keras_serializable(package="kerasgan")
class EqualizedConv2D(Equalized):
    """A convolution with an equalized learning rate.

    Args:
        filters: Channels of the outputs.
        kernel_size: Height and width of the kernel.
        strides: Stride along both axes.
        padding: "same" or "valid".
        **kwargs: Keyword arguments of `Equalized`.

    Call arguments:
        inputs: Floats of shape (batch, height, width, channels).

    Returns:
        Shape (batch, new height, new width, filters).
    """

    def __init__(self, filters, kernel_size=3, strides=1, padding="same", **kwargs):
        super().__init__(**kwargs)
        self.filters, self.kernel_size, self.strides, self.padding = filters, kernel_size, strides, padding

    def build(self, input_shape):
        self.add_weights((self.kernel_size, self.kernel_size, input_shape[-1], self.filters))

    def call(self, inputs):
        return self.biased(conv(inputs, self.kernel * self.scale, self.strides, self.padding))

    def compute_output_shape(self, input_shape):
        batch, *sizes, _ = input_shape
        cut = self.kernel_size - 1 if self.padding == "valid" else 0
        return batch, *(None if size is None else -(-(size - cut) // self.strides) for size in sizes), self.filters

    def get_config(self):
        own = ("filters", "kernel_size", "strides", "padding")
        return {**super().get_config(), **{name: getattr(self, name) for name in own}}
