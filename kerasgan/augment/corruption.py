"""Filters, noise and cutout: Karras et al. 2020 (ADA), appendix B, second algorithm.

The paper finds them less useful than the other transforms (section 2.3), and its default pipeline omits them.
"""

import functools

import numpy as np
from keras import ops

from kerasgan.augment.view import per_sample

__all__ = ["add_noise", "amplify", "band_gains", "cut_out"]

POWERS = (10 / 13, 1 / 13, 1 / 13, 1 / 13)  # expected share of an image's power in each band
HALF_BAND = (-1 / 32, 0, 9 / 32, 1 / 2, 9 / 32, 0, -1 / 32)  # half the autocorrelation of the paper's wavelet SYM2


@functools.lru_cache
def band_filters():
    """Band-pass filters for the frequencies 0 to pi/8, pi/8 to pi/4, pi/4 to pi/2 and pi/2 to pi.

    Each is a product of the half-band low-pass filter of SYM2, or its complement, at up to three scales. The filters
    are symmetric, and their sum is the identity.

    Returns:
        float64 array of shape (4, 43).
    """
    low = np.array(HALF_BAND)
    high = (np.arange(7) == 3) - low

    def stretched(taps, factor):
        spaced = np.zeros((len(taps) - 1) * factor + 1)
        spaced[::factor] = taps
        return spaced

    lows = np.convolve(low, stretched(low, 2))
    bands = [
        np.convolve(lows, stretched(low, 4)),
        np.convolve(lows, stretched(high, 4)),
        np.convolve(low, stretched(high, 2)),
        high,
    ]
    return np.stack([np.pad(band, (43 - len(band)) // 2) for band in bands])


@functools.lru_cache
def _band_matrices(size):
    """The filters as matrices for a signal of `size` samples that is extended by reflection, shape (4, size * size)."""
    period = max(2 * (size - 1), 1)
    matrices = np.zeros((4, size, size))
    for place in range(size):
        for tap in range(43):
            source = (place + tap - 21) % period
            matrices[:, place, min(source, period - source) if size > 1 else 0] += band_filters()[:, tap]
    return matrices.reshape(4, size * size)


def band_gains(amplified, values):
    """Gains of the four bands. After each amplification of a band, all gains are scaled to keep the expected power.

    Args:
        amplified: Booleans of shape (batch, 4): whether a band is amplified.
        values: Base-2 logarithms of the amplifications, shape (batch, 4).

    Returns:
        Tensor of shape (batch, 4); ones where no band is amplified.
    """
    gains = ops.ones_like(values)
    for band, power in enumerate(POWERS):
        own = np.arange(4) == band
        factor = 2.0 ** values[:, band, None]
        scale = (1 - power + power * factor * factor) ** -0.5
        changed = gains * ops.where(own, factor, ops.ones_like(values)) * scale
        gains = ops.where(amplified[:, band, None], changed, gains)
    return gains


def amplify(images, gains):
    """Applies a separable filter that multiplies each frequency band by a gain.

    Args:
        images: Floats of shape (batch, height, width, channels).
        gains: Gains of the bands, shape (batch, 4); see `band_gains`.

    Returns:
        Tensor of the shape and dtype of `images`; exactly `images` where all gains are 1.
    """
    height, width, channels = images.shape[1:]
    weights = ops.cast(gains, images.dtype)

    def along_first(x, size):
        filters = ops.matmul(weights, ops.convert_to_tensor(_band_matrices(size), images.dtype))
        rest = x.shape[2]
        x = ops.reshape(x, (-1, size, rest * channels))
        return ops.reshape(ops.matmul(ops.reshape(filters, (-1, size, size)), x), (-1, size, rest, channels))

    x = ops.transpose(along_first(images, height), (0, 2, 1, 3))
    x = ops.transpose(along_first(x, width), (0, 2, 1, 3))
    changed = ops.any(gains != 1, axis=1)
    return ops.where(ops.reshape(changed, (-1, 1, 1, 1)), x, images)


def add_noise(images, deviations, pixels):
    """Adds white noise to images.

    Args:
        images: Floats of shape (batch, height, width, channels).
        deviations: Standard deviations of the noise in the images' units, shape (batch,).
        pixels: Standard normal numbers of the shape of `images`.
    """
    return images + per_sample(deviations, images) * ops.cast(pixels, images.dtype)


def cut_out(images, cut, centers, share=0.5):
    """Sets a rectangle of each image to zero.

    Args:
        images: Floats of shape (batch, height, width, channels).
        cut: Booleans of shape (batch,): whether an image gets a rectangle.
        centers: Centres of the rectangles, x and y as fractions of width and height, shape (batch, 2).
        share: Sides of the rectangle as a fraction of the image's sides, from 0 to 1.
    """
    height, width = images.shape[1:3]

    def within(size, center):
        middles = ops.convert_to_tensor((np.arange(size) + 0.5) / size, centers.dtype)
        return ops.abs(middles - center[:, None]) < share / 2

    inside = within(height, centers[:, 1])[:, :, None] & within(width, centers[:, 0])[:, None, :]
    hidden = (inside & ops.reshape(cut, (-1, 1, 1)))[..., None]
    return ops.where(hidden, ops.zeros_like(images), images)
