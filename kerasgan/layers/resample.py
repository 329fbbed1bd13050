"""Upsampling and downsampling of images with a finite impulse response filter."""

import functools

import keras
import numpy as np
from keras import ops

BILINEAR = (1, 3, 3, 1)


@functools.lru_cache
def resampling_matrix(size, taps, up=1, down=1, mirror=False, padding=None, total=None):
    """The matrix that resamples a signal of `size` samples, outside of which are zeros or its mirror image.

    Up: `up - 1` zeros behind each sample, then the filter. Down: the filter, then each `down`-th sample kept. The
    filter is a convolution: its taps are met in reverse.

    Args:
        size: Samples of the signal.
        taps: The filter, a tuple of numbers whose sum is not 0.
        up: How many samples each becomes.
        down: How many samples become one.
        mirror: Outside are the samples in reverse, the last one twice, instead of zeros: what is constant stays so.
        padding: Zeros (before, after) that are added to the enlarged signal; negative numbers cut it. By default as
            many as put the filter's middle on that of the samples it makes or takes (where it cannot stand there, half
            a sample further back) and make size * up / down samples, which must be a whole number.
        total: What the filter's taps are scaled to add up to, by default `up`, which keeps the mean brightness.

    Returns:
        float64 array of shape ((size * up + sum(padding) - len(taps)) // down + 1, size).
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
    """Images resampled along both axes: products with `resampling_matrix`, which takes the options.

    Both engines differentiate it as often as wanted, and CPUs are fastest at it: XLA takes tens of times longer there
    for depthwise convolutions.

    Args:
        images: Floats of shape (batch, height, width, channels), all but the first known.
        taps: The filter along each axis.
        **options: As for `resampling_matrix`.

    Returns:
        Shape (batch, new height, new width, channels).
    """
    matrices = (resampling_matrix(size, tuple(taps), **options) for size in images.shape[1:3])
    rows, columns = (ops.convert_to_tensor(matrix, images.dtype) for matrix in matrices)
    height, width, channels = images.shape[1:]
    x = ops.matmul(rows, ops.reshape(images, (-1, height, width * channels)))
    return ops.matmul(columns, ops.reshape(x, (-1, rows.shape[0], width, channels)))


@keras.saving.register_keras_serializable(package="kerasgan")
class Resample(keras.layers.Layer):
    """Upsamples or downsamples images by an integer factor with a separable filter.

    The taps (1, 3, 3, 1) make it bilinear. See `resample` for how it is computed.

    Args:
        up: Factor by which height and width grow.
        down: Factor by which they shrink; one of the two is 1.
        taps: The filter along each axis; its sum does not matter, the mean brightness stays.
        mirror: Continue the image by its mirror image, so that a constant one stays constant; else by zeros.
        padding: Zeros (before, after) around the enlarged image on each axis, for a filter whose output is followed by
            a convolution without padding; by default those that keep size * up / down pixels.
        **kwargs: As for `keras.layers.Layer`.

    Call arguments:
        images: Floats of shape (batch, height, width, channels).

    Returns:
        Shape (batch, height * up / down, width * up / down, channels), or what `padding` makes of it.

    Raises:
        ValueError: If both factors are more than 1, or a size is not a multiple of `down`.
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
                raise ValueError(f"Images of {size} pixels cannot be shrunk to 1/{self.down}.")

    def call(self, images):
        self._check(images.shape)
        return resample(ops.cast(images, self.compute_dtype), self.taps, **self._options)

    def compute_output_shape(self, input_shape):
        self._check(input_shape)
        rows, columns = (len(resampling_matrix(size, self.taps, **self._options)) for size in input_shape[1:3])
        return input_shape[0], rows, columns, input_shape[-1]

    def get_config(self):
        return {**super().get_config(), "taps": self.taps, **self._options}
