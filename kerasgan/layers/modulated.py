"""Convolutions whose weights a style modulates (Karras et al. 2020, "Analyzing and Improving...", section 2.2)."""

import math

import keras
from keras import ops

from kerasgan.layers.convolutions import conv, conv_transpose
from kerasgan.layers.equalized import EqualizedDense
from kerasgan.layers.initial import normal
from kerasgan.layers.instance_normalization import mean_over
from kerasgan.layers.resample import BILINEAR, resample
from kerasgan.objectives.losses import at_least_float32

EPSILON = 1e-8


@keras.saving.register_keras_serializable(package="kerasgan")
class ModulatedConv2D(keras.layers.Layer):
    """A convolution whose kernel is modulated by each sample's style and then demodulated.

    A style vector w gives a scale s_i for each input channel, an affine function that starts around 1. The sample's
    kernel is s_i k_ijhw (equation 1); with demodulation, it is divided by sqrt(sum over i, h, w of its squares + 1e-8)
    (equation 3), so that inputs of variance 1 give outputs of variance 1. This is computed equivalently by scaling the
    inputs by s and the outputs by the demodulation, which needs no separate kernel per sample.

    Demodulation makes the kernel's scale irrelevant. Without demodulation, the styles are divided by sqrt(fan-in), so
    that the learning rate is equalized as in `EqualizedConv2D`.

    Args:
        filters: Channels of the outputs.
        kernel_size: Height and width of the kernel.
        up: 1, or 2 for twice the size: a transposed convolution of stride 2, smoothed by the filter `taps`.
        padding: "same", or "full" for kernel_size - 1 zeros on each side, which enlarges the outputs (StyleGAN3).
        demodulate: Whether to demodulate the kernels.
        prenormalize: Whether to first divide the kernel by its root mean square per filter, and the styles by theirs
            over the whole batch (StyleGAN3). Demodulation undoes this except for its 1e-8; it serves half precision.
        taps: Taps of the filter along each axis; their sum does not matter.
        **kwargs: Keyword arguments of `keras.layers.Layer`.

    Call arguments:
        inputs: [images, styles] of shapes (batch, height, width, channels) and (batch, style length).

    Returns:
        Shape (batch, height * up, width * up, filters); with "full" padding kernel_size - 1 more in height and width.

    Raises:
        ValueError: For an unsupported `up` or `padding`, or for upsampling combined with "full" padding.
    """

    def __init__(
        self, filters, kernel_size=3, up=1, padding="same", demodulate=True, prenormalize=False, taps=BILINEAR, **kwargs
    ):
        super().__init__(**kwargs)
        if up not in (1, 2):
            raise ValueError(f"up is {up}, expected 1 or 2.")
        if padding not in ("same", "full") or (padding == "full" and up > 1):
            raise ValueError(f"padding is {padding!r} and up {up}, expected 'same', or 'full' with up 1.")
        self.filters, self.kernel_size, self.up, self.padding = filters, kernel_size, up, padding
        self.demodulate, self.prenormalize, self.taps = demodulate, prenormalize, tuple(taps)

    def build(self, input_shape):
        images, styles = input_shape
        shape = (self.kernel_size, self.kernel_size, images[-1], self.filters)
        self.style = EqualizedDense(images[-1], bias_start=1.0, dtype=self.dtype_policy, name="style")
        self.style.build(styles)
        self.kernel = self.add_weight(shape=shape, initializer=keras.initializers.get(normal(1.0)), name="kernel")
        self.bias = self.add_weight(shape=shape[-1:], initializer="zeros", name="bias")

    def call(self, inputs):
        images, styles = inputs
        scales, kernel = self.style(styles), ops.convert_to_tensor(self.kernel)
        if not self.demodulate:
            scales = scales / math.sqrt(math.prod(self.kernel.shape[:-1]))
        if self.prenormalize:
            scales, kernel = _unit(scales, (0, 1)), _unit(kernel, (0, 1, 2))
        x = self._convolve(images * scales[:, None, None, :], kernel)
        if self.demodulate:
            squares = ops.sum(ops.square(at_least_float32(kernel)), axis=(0, 1))
            norms = ops.matmul(ops.square(at_least_float32(scales)), squares)
            x = x * ops.cast(ops.rsqrt(norms + EPSILON), x.dtype)[:, None, None, :]
        return x + self.bias

    def _convolve(self, x, kernel):
        if self.padding == "full":
            margin = (self.kernel_size - 1,) * 2
            return conv(ops.pad(x, ((0, 0), margin, margin, (0, 0))), kernel, padding="valid")
        if self.up == 1:
            return conv(x, kernel)
        x = conv_transpose(x, ops.swapaxes(kernel, 2, 3), strides=2, padding="valid")
        # The kernel makes 2 n - 2 + kernel_size samples from n; the filter must leave the 2 n in the middle.
        extra = len(self.taps) + 1 - self.kernel_size
        return resample(x, self.taps, padding=((extra + 1) // 2, extra // 2), total=2)

    def compute_output_shape(self, input_shape):
        batch, height, width, _ = input_shape[0]
        more = self.kernel_size - 1 if self.padding == "full" else 0
        return batch, height * self.up + more, width * self.up + more, self.filters

    def get_config(self):
        own = ("filters", "kernel_size", "up", "padding", "demodulate", "prenormalize", "taps")
        return {**super().get_config(), **{name: getattr(self, name) for name in own}}


def _unit(x, axes):
    """`x` divided by its root mean square along axes."""
    return x * ops.cast(ops.rsqrt(mean_over(ops.square(at_least_float32(x)), axes)), x.dtype)
