"""Upsampling and downsampling of images with a finite impulse response filter."""

import functools

import keras
import numpy as np
from keras import ops

BILINEAR = (1, 3, 3, 1)


@functools.lru_cache
def resampling_matrix(size, taps, up=1, down=1, mirror=False, padding=None, total=None):
    """Returns the matrix that resamples a signal of `size` samples, padded with zeros or its mirror image.

    Upsampling inserts `up - 1` zeros after each sample and filters. Downsampling filters and keeps every `down`-th
    sample. The filter is a convolution: its taps are applied in reverse.

    Args:
        size: Number of samples of the signal.
        taps: Filter, a tuple of numbers whose sum is not 0.
        up: Upsampling factor.
        down: Downsampling factor.
        mirror: Whether to pad with the reversed signal, including the edge sample, instead of zeros. A constant signal
            then stays constant.
        padding: Zeros (before, after) added to the upsampled signal; negative numbers crop it. By default the filter is
            centred on the samples it produces or combines (shifted back by half a sample if that is impossible), and
            the result has size * up / down samples, which must be an integer.
        total: Sum to which the taps are scaled. Defaults to `up`, which keeps the mean brightness.

    Returns:
        A float64 array of shape ((size * up + sum(padding) - len(taps)) // down + 1, size).
    """
    if mirror:
        margin = len(taps) * down
        around = np.pad(np.eye(size), ((margin, margin), (0, 0)), mode="symmetric")
        cut = margin * up // down
        return (resampling_matrix(size + 2 * margin, taps, up, down, total=total) @ around)[cut:-cut]
    response = np.asarray(taps, "float64") * (up if total is None else total) / np.sum(taps)
    if padding is None:
        extra = len(response) - max(up, down)
        before, count = (extra + 1) // 2 + (up - 1), size * up // down
    else:
        before, count = padding[0], (size * up + sum(padding) - len(response)) // down + 1
    rows, columns = np.mgrid[:count, :size]
    # Output r is the sum over k of response[-1 - k] u[r down + k - before], where u[up c] is sample c.
    place = columns * up - rows * down + before
    inside = (place >= 0) & (place < len(response))
    return np.where(inside, response[::-1][np.clip(place, 0, len(response) - 1)], 0.0)


def resample(images, taps, **options):
    """Resamples images along both axes by products with `resampling_matrix`.

    Both engines can differentiate it any number of times. It is also the fastest method on CPUs, where XLA's depthwise
    convolutions take tens of times longer.

    Args:
        images: Float tensor of shape (batch, height, width, channels), with a static shape apart from the batch.
        taps: Filter along each axis.
        **options: Keyword arguments of `resampling_matrix`.

    Returns:
        A tensor of shape (batch, new height, new width, channels).
    """
    matrices = (resampling_matrix(size, tuple(taps), **options) for size in images.shape[1:3])
    rows, columns = (ops.convert_to_tensor(matrix, images.dtype) for matrix in matrices)
    height, width, channels = images.shape[1:]
    x = ops.matmul(rows, ops.reshape(images, (-1, height, width * channels)))
    return ops.matmul(columns, ops.reshape(x, (-1, rows.shape[0], width, channels)))


@keras.saving.register_keras_serializable(package="kerasgan")
class Resample(keras.layers.Layer):
    """Upsamples or downsamples images by an integer factor with a separable filter.

    The taps (1, 3, 3, 1) make it bilinear. See `resample` for the computation.

    Args:
        up: Factor by which height and width grow.
        down: Factor by which height and width shrink. At least one of the two factors is 1.
        taps: Filter along each axis. It is normalised, so that the mean brightness is kept.
        mirror: Whether to pad with the mirror image, which keeps a constant image constant, instead of zeros.
        padding: Zeros (before, after) around the upsampled image on each axis, for a filter that is followed by a
            convolution without padding. Defaults to the padding that gives size * up / down pixels.
        **kwargs: Keyword arguments of `keras.layers.Layer`.

    Call arguments:
        images: Float tensor of shape (batch, height, width, channels).

    Returns:
        A tensor of shape (batch, height * up / down, width * up / down, channels), or of the shape that `padding`
        determines.

    Raises:
        ValueError: If both factors are greater than 1, or if a size is not a multiple of `down`.
    """

    def __init__(self, up=1, down=1, taps=BILINEAR, mirror=False, padding=None, **kwargs):
        super().__init__(**kwargs)
        if min(up, down) != 1:
            raise ValueError(f"up={up} and down={down}; expected one of them to be 1.")
        self.up, self.down, self.taps, self.mirror = up, down, tuple(taps), mirror
        self.padding = None if padding is None else tuple(padding)

    @property
    def _options(self):
        return {"up": self.up, "down": self.down, "mirror": self.mirror, "padding": self.padding}

    def _check(self, shape):
        for size in shape[1:3]:
            if self.padding is None and size % self.down:
                raise ValueError(f"Images of {size} pixels cannot be downsampled by a factor of {self.down}.")

    def call(self, images):
        self._check(images.shape)
        return resample(ops.cast(images, self.compute_dtype), self.taps, **self._options)

    def compute_output_shape(self, input_shape):
        self._check(input_shape)
        rows, columns = (len(resampling_matrix(size, self.taps, **self._options)) for size in input_shape[1:3])
        return input_shape[0], rows, columns, input_shape[-1]

    def get_config(self):
        return {**super().get_config(), "taps": self.taps, **self._options}
