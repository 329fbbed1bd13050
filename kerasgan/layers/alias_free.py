"""Signal processing without aliasing (Karras et al. 2021, "Alias-Free Generative Adversarial Networks")."""

import functools
import math

import keras
import numpy as np
from keras import ops

from kerasgan.game.engines import mean_over_replicas
from kerasgan.layers.initial import normal
from kerasgan.layers.resample import resample
from kerasgan.objectives.losses import at_least_float32, mean


@functools.lru_cache
def lowpass(taps, cutoff, half_width, rate, radial=False):
    """A low-pass filter with a Kaiser window (appendix C.1), rounded to single precision as in published weights.

    Args:
        taps: Length of the filter.
        cutoff: Cutoff frequency, in cycles over the image.
        half_width: Half the width of the transition band, in cycles over the image.
        rate: Number of samples over the image.
        radial: Whether to return a rotationally symmetric filter for both axes, instead of one for a single axis.

    Returns:
        A float64 array of shape (taps,) or (taps, taps), with sum 1 up to rounding.
    """
    from scipy import signal, special

    if not radial:
        found = signal.firwin(taps, cutoff, width=2 * half_width, fs=rate)
    else:
        places = (np.arange(taps) - (taps - 1) / 2) / rate
        radius = np.hypot(*np.meshgrid(places, places))
        # The Fourier transform of a disc, with its limit at 0, where an odd filter has a tap.
        found = np.where(radius > 0, special.j1(2 * np.pi * cutoff * radius) / np.maximum(radius, 1e-30), 0.0)
        found = np.where(radius > 0, found, np.pi * cutoff)
        window = np.kaiser(taps, signal.kaiser_beta(signal.kaiser_atten(taps, 2 * half_width / (rate / 2))))
        found = found * np.outer(window, window)
        found = found / found.sum()
    return np.float64(np.float32(found))


@keras.saving.register_keras_serializable(package="kerasgan")
class FilteredLeakyReLU(keras.layers.Layer):
    """A leaky ReLU between two filters, so that it adds no frequencies too high for the samples (section 3.2).

    Features are upsampled to at least twice the larger of both sampling rates, pass through the leaky ReLU, and are
    downsampled to the new rate; the filters remove frequencies above the cutoffs. The image spans `in_rate` samples
    before and `out_rate` samples after the layer; features beyond it are a margin, which is cropped to `size`.

    Args:
        size: Height and width of the outputs.
        in_rate: Sampling rate of the inputs.
        out_rate: Sampling rate of the outputs; both are powers of 2.
        in_cutoff: Cutoff frequency of the inputs, in cycles over the image.
        out_cutoff: Cutoff frequency of the outputs.
        in_half_width: Half the width of the inputs' transition band.
        out_half_width: Half the width of the outputs' transition band.
        taps: Length of a filter per unit of its up- or downsampling factor.
        radial: Whether to downsample with a rotationally symmetric filter, as StyleGAN3-R does.
        gain: Factor of the leaky ReLU.
        slope: Slope of the leaky ReLU below 0.
        limit: Bound of the leaky ReLU's outputs, which are clipped to [-limit, limit].
        **kwargs: Keyword arguments of `keras.layers.Layer`.

    Call arguments:
        inputs: Floats of shape (batch, height, width, channels), with equal height and width.

    Returns:
        Shape (batch, size, size, channels).
    """

    def __init__(
        self,
        size,
        in_rate,
        out_rate,
        in_cutoff,
        out_cutoff,
        in_half_width,
        out_half_width,
        taps=6,
        radial=False,
        gain=math.sqrt(2),
        slope=0.2,
        limit=256.0,
        **kwargs,
    ):
        super().__init__(**kwargs)
        self.size, self.in_rate, self.out_rate, self.taps, self.radial = size, in_rate, out_rate, taps, radial
        self.in_cutoff, self.out_cutoff = in_cutoff, out_cutoff
        self.in_half_width, self.out_half_width = in_half_width, out_half_width
        self.gain, self.slope, self.limit = gain, slope, limit
        inner_rate = 2 * max(in_rate, out_rate)
        self.up, self.down = inner_rate // in_rate, inner_rate // out_rate
        self.up_filter = lowpass(taps * self.up, in_cutoff, in_half_width, inner_rate)
        self.down_filter = lowpass(taps * self.down, out_cutoff, out_half_width, inner_rate, radial)

    def padding(self, size):
        """Zeros (before, after) around upsampled features of a size that lead to `self.size`; negative to crop."""
        wanted = (self.size - 1) * self.down + len(self.up_filter) + len(self.down_filter) - 1
        total = wanted - size * self.up
        # Each sample precedes the zeros inserted for upsampling: half of them are needed to centre it.
        before = (total + self.up) // 2
        return before, total - before

    def call(self, inputs):
        x = ops.cast(inputs, self.compute_dtype)
        padding = self.padding(x.shape[1])
        x = resample(x, tuple(self.up_filter), up=self.up, padding=padding, total=self.up * self.up_filter.sum())
        x = ops.leaky_relu(x, self.slope) * self.gain
        x = x if self.limit is None else ops.clip(x, -self.limit, self.limit)
        if not self.radial:
            taps = tuple(self.down_filter)
            return resample(x, taps, down=self.down, padding=(0, 0), total=self.down_filter.sum())
        # One channel at a time, since XLA's depthwise convolutions are slow on CPUs.
        height, width, channels = x.shape[1:]
        planes = ops.reshape(ops.transpose(x, (0, 3, 1, 2)), (-1, height, width, 1))
        kernel = ops.convert_to_tensor(self.down_filter[::-1, ::-1, None, None].copy(), x.dtype)
        planes = ops.conv(planes, kernel, strides=self.down, padding="valid")
        return ops.transpose(ops.reshape(planes, (-1, channels, self.size, self.size)), (0, 2, 3, 1))

    def compute_output_shape(self, input_shape):
        return input_shape[0], self.size, self.size, input_shape[-1]

    def get_config(self):
        own = (
            *("size", "in_rate", "out_rate", "in_cutoff", "out_cutoff", "in_half_width", "out_half_width"),
            *("taps", "radial", "gain", "slope", "limit"),
        )
        return {**super().get_config(), **{name: getattr(self, name) for name in own}}


@keras.saving.register_keras_serializable(package="kerasgan")
class MovingMagnitude(keras.layers.Layer):
    """Divides features by the root of the moving mean of their squares (appendix B, "normalization").

    x / sqrt(magnitude): one number for the whole layer, which stabilises the scale of the features without statistics
    of single samples. In training it is updated over all replicas before it is used. It is saved with the weights and
    passes no gradient.

    Args:
        decay: Decay of the moving mean; 0.999 in the authors' code at 32 images per step.
        **kwargs: Keyword arguments of `keras.layers.Layer`.

    Call arguments:
        inputs: Floats of any shape. training: Whether to update the mean.

    Returns:
        The same shape.
    """

    def __init__(self, decay=0.999, **kwargs):
        super().__init__(**kwargs)
        self.decay = decay

    def build(self, input_shape):
        self.magnitude = self.add_weight(shape=(), initializer="ones", trainable=False, name="magnitude")

    def call(self, inputs, training=None):
        if training:
            squares = mean_over_replicas(mean(ops.square(at_least_float32(ops.stop_gradient(inputs)))))
            old = ops.convert_to_tensor(self.magnitude)
            self.magnitude.assign(self.decay * old + (1 - self.decay) * ops.cast(squares, old.dtype))
        return inputs * ops.cast(ops.rsqrt(at_least_float32(self.magnitude)), self.compute_dtype)

    def compute_output_shape(self, input_shape):
        return input_shape

    def get_config(self):
        return {**super().get_config(), "decay": self.decay}


def disc(shape, dtype=None):
    """Initial frequencies: uniform on the disc of radius 1, shape (count, 2)."""
    radius = ops.sqrt(keras.random.uniform((shape[0],), dtype=dtype))
    angle = keras.random.uniform((shape[0],), 0.0, 2 * math.pi, dtype=dtype)
    return ops.stack([radius * ops.cos(angle), radius * ops.sin(angle)], axis=-1)


@keras.saving.register_keras_serializable(package="kerasgan")
class FourierFeatures(keras.layers.Layer):
    """The input of an alias-free generator: waves, translated and rotated by a style (section 3.2, appendix F).

    Channel c is sin(2 pi (f_c . p + phase_c)) at the position p; the image spans [-1/2, 1/2] on both axes, and
    positions beyond it are a margin. The frequencies f_c are fixed and uniform on the disc within the cutoff. The style
    determines a rotation and a translation, which are initially none; waves that `transform` moves above the cutoff
    fade out towards half the sampling rate. A learned 1x1 convolution mixes the channels.

    The weight `transform` is the inverse of a 3x3 matrix that translates, rotates or zooms the final images: the
    position p of the image shows what was at transform @ (p, 1).

    Args:
        size: Height and width, including the margin.
        channels: Number of waves.
        cutoff: Largest frequency, in cycles over the image.
        rate: Number of samples over the image.
        **kwargs: Keyword arguments of `keras.layers.Layer`.

    Call arguments:
        styles: Floats of shape (batch, style length).

    Returns:
        Shape (batch, size, size, channels).
    """

    def __init__(self, size, channels, cutoff=2.0, rate=16, **kwargs):
        super().__init__(**kwargs)
        self.size, self.channels, self.cutoff, self.rate = size, channels, cutoff, rate

    def build(self, input_shape):
        def frequencies(shape, dtype=None):
            return self.cutoff * disc(shape, dtype)

        count, fixed = self.channels, {"trainable": False}
        around = keras.initializers.RandomUniform(-0.5, 0.5)
        self.frequencies = self.add_weight(shape=(count, 2), initializer=frequencies, name="frequencies", **fixed)
        self.phases = self.add_weight(shape=(count,), initializer=around, name="phases", **fixed)
        self.transform = self.add_weight(
            shape=(3, 3), initializer=keras.initializers.Identity(), name="transform", **fixed
        )
        self.kernel = self.add_weight(
            shape=(count, count), initializer=keras.initializers.get(normal(1.0)), name="kernel"
        )
        self.style_kernel = self.add_weight(shape=(input_shape[-1], 4), initializer="zeros", name="style_kernel")
        self.style_bias = self.add_weight(shape=(4,), initializer=no_motion, name="style_bias")

    def call(self, styles):
        motion = ops.matmul(styles, self.style_kernel) / math.sqrt(styles.shape[-1]) + self.style_bias
        motion = motion / ops.sqrt(ops.sum(ops.square(motion[:, :2]), axis=1, keepdims=True))
        cosine, sine, right, down = (motion[:, i] for i in range(4))
        zero, one = ops.zeros_like(cosine), ops.ones_like(cosine)
        turned = _matrices([[cosine, -sine, zero], [sine, cosine, zero], [zero, zero, one]])
        moved = _matrices([[one, zero, -right], [zero, one, -down], [zero, zero, one]])
        places = ops.matmul(ops.matmul(turned, moved), ops.cast(self.transform, turned.dtype))
        frequencies = ops.matmul(ops.convert_to_tensor(self.frequencies), places[:, :2, :2])
        shifts = ops.matmul(ops.convert_to_tensor(self.frequencies), places[:, :2, 2:])[..., 0]
        shifts = shifts + ops.convert_to_tensor(self.phases)
        lengths = ops.sqrt(ops.sum(ops.square(frequencies), axis=2))
        loudness = ops.clip(1 - (lengths - self.cutoff) / (self.rate / 2 - self.cutoff), 0.0, 1.0)
        axis = ops.convert_to_tensor((np.arange(self.size) + 0.5 - self.size / 2) / self.rate, frequencies.dtype)
        columns = frequencies[:, None, None, :, 0] * axis[None, None, :, None]
        rows = frequencies[:, None, None, :, 1] * axis[None, :, None, None]
        waves = ops.sin(2 * math.pi * (rows + columns + shifts[:, None, None]))
        return ops.matmul(waves * loudness[:, None, None], self.kernel / math.sqrt(self.channels))

    def compute_output_shape(self, input_shape):
        return input_shape[0], self.size, self.size, self.channels

    def get_config(self):
        own = ("size", "channels", "cutoff", "rate")
        return {**super().get_config(), **{name: getattr(self, name) for name in own}}


def no_motion(shape, dtype=None):
    """The identity: cosine and sine of a zero rotation, and a zero translation."""
    return ops.convert_to_tensor([1.0, 0.0, 0.0, 0.0], dtype)


def _matrices(rows):
    return ops.stack([ops.stack(row, axis=-1) for row in rows], axis=1)
