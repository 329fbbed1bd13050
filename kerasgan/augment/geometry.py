"""Affine maps of images and the warp that applies them: Karras et al. 2020 (ADA), appendix B, first algorithm.

The paper composes a map G from input to output coordinates, in pixels from the centre of the image, x to the right and
y down. This module composes the inverse of G, which determines where each output pixel is read: later maps are
multiplied on the right.
"""

import functools
import math

import numpy as np
from keras import ops

from kerasgan.augment.view import precision

__all__ = ["inverse_quarter_turns", "inverse_rotation", "inverse_scaling", "inverse_translation", "product", "warp"]

# The paper's SYM6: Daubechies' least asymmetric wavelet with six vanishing moments, normalised to the sum sqrt(2).
SYM6 = (
    *(0.015404109327044824, 0.0034907120842221626, -0.11799011114852002, -0.04831174258569806),
    *(0.49105594192797375, 0.787641141028651, 0.3379294217281658, -0.07263752278637658),
    *(-0.02106029251237085, 0.04472490177078139, 0.0017677118642540077, -0.00780070832503238),
)
CENTRE = 5  # the tap aligned with the sample


def product(*matrices):
    """Product of square matrices of shape (batch, n, n), in full precision.

    `ops.matmul` rounds to ten bits on GPUs that multiply in TF32, which shifts a pixel of a 1,024-pixel image by half a
    pixel.
    """
    return functools.reduce(lambda a, b: ops.sum(a[:, :, :, None] * b[:, None, :, :], axis=2), matrices)


def _matrix(a, b, c, d, e, f):
    """((a, b, c), (d, e, f), (0, 0, 1)) of scalars per sample, shape (batch, 3, 3)."""
    zero = ops.zeros_like(a)
    return ops.stack(
        [ops.stack([a, b, c], axis=-1), ops.stack([d, e, f], axis=-1), ops.stack([zero, zero, zero + 1], axis=-1)],
        axis=1,
    )


def inverse_scaling(x, y):
    """Inverse of the scaling by factors x and y, each of shape (batch,): shape (batch, 3, 3)."""
    zero = ops.zeros_like(x)
    return _matrix(1 / x, zero, zero, zero, 1 / y, zero)


def inverse_translation(x, y):
    """Inverse of the translation by x and y pixels, each of shape (batch,): shape (batch, 3, 3)."""
    zero = ops.zeros_like(x)
    return _matrix(zero + 1, zero, -x, zero, zero + 1, -y)


def inverse_rotation(angle):
    """Inverse of the rotation by angles of shape (batch,), in radians from -pi to pi: shape (batch, 3, 3).

    A positive angle turns the x axis towards the y axis: clockwise, as images are shown.
    """
    cosine, sine = cosine_and_sine(angle)
    zero = ops.zeros_like(angle)
    return _matrix(cosine, sine, zero, -sine, cosine, zero)


def inverse_quarter_turns(count, dtype="float32"):
    """Inverse of the rotation by -count pi / 2, without rounding error.

    Args:
        count: Integers from 0 to 3, shape (batch,).
        dtype: Dtype of the result.

    Returns:
        Tensor of shape (batch, 3, 3).
    """
    cosine, sine = (ops.take(ops.convert_to_tensor(table, dtype), count) for table in ((1, 0, -1, 0), (0, 1, 0, -1)))
    zero = ops.zeros_like(cosine)
    return _matrix(cosine, -sine, zero, sine, cosine, zero)


def cosine_and_sine(angle):
    """Cosine and sine of angles from -pi to pi, in the dtype of the angles.

    It uses the power series at an eighth of the angle, and three doublings. `ops.cos` and `ops.sin` round float64 to
    float32 on JAX.
    """
    small = angle / 8
    square = small * small

    def series(first):
        """Sum of (-1)^k small^(2k) first! / (2k + first)!, up to small^16."""
        total = ops.zeros_like(small)
        for k in reversed(range(9)):
            total = (-1) ** k / math.factorial(2 * k + first) + square * total
        return total

    cosine, sine = series(0), small * series(1)
    for _ in range(3):
        cosine, sine = 1 - 2 * sine * sine, 2 * cosine * sine
    return cosine, sine


@functools.lru_cache
def _enlarging(size, before, after):
    """Matrix that extends a signal by reflection and upsamples it by two.

    Args:
        size: Number of samples of the signal.
        before: Number of samples added before it.
        after: Number of samples added after it.

    Returns:
        float64 array of shape (2 (before + size + after) + 2, size). The first and the last row are zero and stand for
        everything further out.
    """
    length, period = 2 * (before + size + after), 2 * (size - 1)
    matrix = np.zeros((length + 2, size))
    for place in range(length // 2):
        source = (place - before) % period
        for tap, value in enumerate(SYM6):
            target = 2 * place + tap - CENTRE
            if 0 <= target < length:
                matrix[target + 1, min(source, period - source)] += math.sqrt(2) * value
    return matrix


@functools.lru_cache
def _reducing(size):
    """Matrix that downsamples 2 size + 10 samples, of which the first `CENTRE` precede the result, to `size`."""
    matrix = np.zeros((size, 2 * size + len(SYM6) - 2))
    for place in range(size):
        matrix[place, 2 * place : 2 * place + len(SYM6)] = np.divide(SYM6, math.sqrt(2))
    return matrix


def warp(images, inverse, margins=None):
    """Images under affine maps, resampled with a low-pass filter at twice the resolution.

    Karras et al. 2020, appendix B: the image is extended by reflection, upsampled by two with the wavelet SYM6, read
    bilinearly at the positions given by the inverse map, and downsampled with the same wavelet. Flips and shifts by
    whole pixels go through the same steps. An image whose map is the identity is returned unchanged.

    The reflection ends where the opposite edge of the image appears, and zeros follow, as in the authors' code; in the
    paper it is endless. The authors' code also crops the reflection to the largest margin that the batch needs, which
    changes pixels at the edge by less than 1e-6.

    Args:
        images: Floats of shape (batch, height, width, channels); height and width are at least 2.
        inverse: Inverse maps, shape (batch, 3, 3): from output to input, in pixels from the centre of the image.
        margins: Number of pixels of the reflection, ((top, bottom), (left, right)); by default the largest possible
            ones, height - 1 and width - 1.

    Returns:
        Tensor of the shape and dtype of `images`. The result is linear in `images` and can be differentiated any number
        of times with respect to them. It has no gradient with respect to `inverse`.
    """
    height, width = images.shape[1:3]
    dtype, margins = images.dtype, margins or ((height - 1, height - 1), (width - 1, width - 1))
    inverse = ops.stop_gradient(ops.cast(inverse, precision(images)))

    def along_first(matrix, x):
        """The product of a matrix with the first axis after the batch."""
        rest = x.shape[2:]
        x = ops.matmul(ops.convert_to_tensor(matrix, dtype), ops.reshape(x, (-1, x.shape[1], math.prod(rest))))
        return ops.reshape(x, (-1, len(matrix), *rest))

    # The width comes first after this point, so that all four products are along the first axis.
    large = along_first(_enlarging(height, *margins[0]), images)
    large = along_first(_enlarging(width, *margins[1]), ops.transpose(large, (0, 2, 1, 3)))
    read = _bilinear(large, *_read_at(inverse, height, width, margins))
    small = ops.transpose(along_first(_reducing(width), read), (0, 2, 1, 3))
    warped = along_first(_reducing(height), small)
    moved = ops.any(inverse != ops.eye(3, dtype=inverse.dtype), axis=(1, 2))
    return ops.where(ops.reshape(moved, (-1, 1, 1, 1)), warped, images)


def _read_at(inverse, height, width, margins):
    """Columns and rows of the upsampled image at which the points of the result, at twice the resolution, are read.

    Returns:
        Two tensors of shape (batch, 2 width + 10, 2 height + 10).
    """
    x, y = (
        ops.cast(ops.arange(2 * size + len(SYM6) - 2) - (CENTRE + size - 1), inverse.dtype) for size in (width, height)
    )
    x, y = x[None, :, None], y[None, None, :]
    a, b, c, d, e, f = (inverse[:, row, column, None, None] for row in (0, 1) for column in (0, 1, 2))
    # Index of the middle of the image; index 0 is the zero before the margin.
    top, left = (2 * before + 1 + size - 1 for (before, _), size in zip(margins, (height, width), strict=True))
    return a * x + b * y + 2 * c + left, d * x + e * y + 2 * f + top


def _bilinear(signal, x, y):
    """Values of images of shape (batch, columns, rows, channels) at points of shape (batch, m, n)."""
    columns, rows, channels = signal.shape[1:]
    flat = ops.reshape(signal, (-1, channels))
    image = ops.reshape(ops.arange(ops.shape(x)[0], dtype="int32") * (columns * rows), (-1, 1, 1))
    # The first and last rows and columns are zero, so a clipped index reads the zeros outside.
    x, y = ops.clip(x, 0, columns - 1), ops.clip(y, 0, rows - 1)
    left, top = ops.cast(x, "int32"), ops.cast(y, "int32")
    right, bottom = ops.minimum(left + 1, columns - 1), ops.minimum(top + 1, rows - 1)
    across, down = (
        ops.cast((place - ops.cast(whole, place.dtype))[..., None], signal.dtype)
        for place, whole in ((x, left), (y, top))
    )

    def between(row):
        first, second = (ops.take(flat, image + column * rows + row, axis=0) for column in (left, right))
        return (1 - across) * first + across * second

    return (1 - down) * between(top) + down * between(bottom)
