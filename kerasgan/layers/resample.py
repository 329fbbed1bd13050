"""Enlarging and shrinking images with a finite impulse response filter."""

import functools

import keras
import numpy as np
from keras import ops

BILINEAR = (1, 3, 3, 1)


@functools.lru_cache
def resampling_matrix(size, taps, up=1, down=1, mirror=False):
    """The matrix that resamples a signal of `size` samples, outside of which are zeros or its mirror image.

    Up: `up - 1` zeros behind each sample, filtered with the taps normalised to the sum `up`. Down: filtered with the
    taps normalised to the sum 1, then each `down`-th sample kept. The filter stands in the middle of the samples it
    makes or takes; one that cannot reaches half a sample further back.

    Args:
        size: samples of the signal; a multiple of `down`.
        taps: the filter, a sequence of numbers whose sum is not 0.
        up: how many samples each becomes.
        down: how many samples become one.
        mirror: outside are the samples in reverse, the last one twice, instead of zeros: what is constant stays so.

    Returns:
        float64 array of shape (size * up / down, size).
    """
    if mirror:
        margin = len(taps) * down
        around = np.pad(np.eye(size), ((margin, margin), (0, 0)), mode="symmetric")
        cut = margin * up // down
        return (resampling_matrix(size + 2 * margin, taps, up, down) @ around)[cut:-cut]
    response = np.asarray(taps, "float64") * up / np.sum(taps)
    extra = len(response) - max(up, down)
    before = (extra + 1) // 2 + (up - 1)
    rows, columns = np.mgrid[: size * up // down, :size]
    # Output r is the sum over k of response[-1 - k] u[r down + k - before], where u[up c] is sample c.
    place = columns * up - rows * down + before
    inside = (place >= 0) & (place < len(response))
    return np.where(inside, response[::-1][np.clip(place, 0, len(response) - 1)], 0.0)


@keras.saving.register_keras_serializable(package="kerasgan")
class Resample(keras.layers.Layer):
    """Enlarges or shrinks images by a whole factor with a separable filter: a strided depthwise convolution, exactly.

    The taps (1, 3, 3, 1) make it bilinear. It is computed as a product with a banded matrix along each axis, which both
    engines differentiate as often as wanted (TensorFlow differentiates bilinear resizing only once), and which CPUs are
    fastest at: XLA takes tens of times longer there for depthwise convolutions.

    Args:
        up: factor by which height and width grow.
        down: factor by which they shrink; one of the two is 1.
        taps: the filter along each axis; its sum does not matter, the mean brightness stays.
        mirror: continue the image by its mirror image, so that a constant one stays constant; else by zeros.
        **kwargs: as for `keras.layers.Layer`.

    Call arguments:
        images: floats of shape (batch, height, width, channels).

    Returns:
        Shape (batch, height * up / down, width * up / down, channels).

    Raises:
        ValueError: if both factors are more than 1, or a size is not a multiple of `down`.
    """

    def __init__(self, up=1, down=1, taps=BILINEAR, mirror=False, **kwargs):
        super().__init__(**kwargs)
        if min(up, down) != 1:
            raise ValueError(f"up is {up} and down {down}, expected one of them to be 1.")
        self.up, self.down, self.taps, self.mirror = up, down, tuple(taps), mirror

    def _matrices(self, shape):
        for size in shape[1:3]:
            if size % self.down:
                raise ValueError(f"Images of {size} pixels cannot be shrunk to 1/{self.down}.")
        return [resampling_matrix(size, self.taps, self.up, self.down, self.mirror) for size in shape[1:3]]

    def call(self, images):
        rows, columns = (ops.convert_to_tensor(matrix, self.compute_dtype) for matrix in self._matrices(images.shape))
        height, width, channels = images.shape[1:]
        x = ops.matmul(rows, ops.reshape(images, (-1, height, width * channels)))
        return ops.matmul(columns, ops.reshape(x, (-1, rows.shape[0], width, channels)))

    def compute_output_shape(self, input_shape):
        rows, columns = (len(matrix) for matrix in self._matrices(input_shape))
        return input_shape[0], rows, columns, input_shape[-1]

    def get_config(self):
        own = {"up": self.up, "down": self.down, "taps": self.taps, "mirror": self.mirror}
        return {**super().get_config(), **own}
