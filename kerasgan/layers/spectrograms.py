"""Conversion between sounds and spectrograms."""

import keras
import numpy as np
from keras import layers, ops

from kerasgan.objectives.losses import at_least_float32

FLOOR = 1e-6  # added to magnitudes before the logarithm
DEVIATIONS = 3.0  # from the mean, at which normalized spectrograms are clipped


def log_spectrogram(sounds, window):
    """Computes log magnitudes of a short-time Fourier transform with windows that overlap by half.

    Args:
        sounds: Tensor of shape (batch, length, channels); the length is a multiple of `window // 2`.
        window: Length of the Hann windows, even.

    Returns:
        A tensor of shape (batch, 2 * length // window, window // 2, channels): times and frequencies from 0 on, without
        the highest one (section 3.2 of Donahue et al. 2019).
    """
    x = at_least_float32(ops.moveaxis(sounds, -1, 1))
    real, imaginary = ops.stft(x, window, window // 2, window)
    magnitudes = ops.sqrt(ops.square(real) + ops.square(imaginary))[..., :-1, :-1]
    return ops.moveaxis(ops.log(magnitudes + FLOOR), 1, -1)


def griffin_lim(log_magnitudes, window, iterations=16):
    """Finds sounds whose spectrograms are close to given ones (Griffin & Lim 1984).

    The phases, which a spectrogram does not contain, are initialized with the same random values for all sounds.

    Args:
        log_magnitudes: Tensor of shape (batch, times, window // 2, channels), as returned by `log_spectrogram`.
        window: Length of the Hann windows.
        iterations: Number of iterations.

    Returns:
        A tensor of shape (batch, times * window // 2, channels) in [-1, 1].
    """
    x = ops.moveaxis(ops.exp(at_least_float32(log_magnitudes)), -1, 1)
    times = x.shape[2]
    magnitudes = ops.pad(x, ((0, 0), (0, 0), (0, 1), (0, 1)))
    phases = np.random.default_rng(0).uniform(-np.pi, np.pi, (times + 1, window // 2 + 1))
    real, imaginary = (ops.convert_to_tensor(f(phases), dtype=magnitudes.dtype) for f in (np.cos, np.sin))
    length = times * (window // 2)

    def sound(real, imaginary):
        spectrum = magnitudes * real, magnitudes * imaginary
        return ops.istft(spectrum, window, window // 2, window, length=length)

    for _ in range(iterations):
        real, imaginary = ops.stft(sound(real, imaginary), window, window // 2, window)
        size = ops.sqrt(ops.square(real) + ops.square(imaginary) + FLOOR**2)
        real, imaginary = real / size, imaginary / size
    return ops.clip(ops.moveaxis(sound(real, imaginary), 1, -1), -1.0, 1.0)


@keras.saving.register_keras_serializable(package="kerasgan")
class SpectrogramMoments(layers.Layer):
    """Converts normalized spectrograms to log magnitudes with the mean and standard deviation of each frequency.

    Args:
        bins: Number of frequencies.
        **kwargs: Arguments of `keras.layers.Layer`.
    """

    def __init__(self, bins, **kwargs):
        super().__init__(**{"dtype": keras.config.floatx(), **kwargs})
        self.bins = bins

    def build(self, shape):
        new = {"shape": (self.bins,), "trainable": False}
        self.mean = self.add_weight(initializer="zeros", name="mean", **new)
        self.deviation = self.add_weight(initializer="ones", name="deviation", **new)
        self.seen = self.add_weight(shape=(), initializer="zeros", trainable=False, name="seen")

    def call(self, x):
        return ops.cast(x, self.mean.dtype) * (DEVIATIONS * self.deviation[:, None]) + self.mean[:, None]

    def normalize(self, log_magnitudes):
        """Spectrograms in [-1, 1], where -1 and 1 are 3 standard deviations from the mean."""
        x = (ops.cast(log_magnitudes, self.mean.dtype) - self.mean[:, None]) / (DEVIATIONS * self.deviation[:, None])
        return ops.clip(x, -1.0, 1.0)

    def get_config(self):
        return {**super().get_config(), "bins": self.bins}
