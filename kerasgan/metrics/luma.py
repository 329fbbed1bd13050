"""PSNR and SSIM as published for super-resolution: on luma, without the border."""

import numpy as np

from kerasgan.metrics.psnr import image_pairs, psnr
from kerasgan.metrics.ssim import ssim

# Digital luma of ITU-R BT.601 on a scale of 255 levels: from 16 for black to 235 for white.
WEIGHTS, BLACK = (65.481, 128.553, 24.966), 16.0


def luma(images, value_range):
    """Luma of RGB images, on a scale of 255 levels.

    `Y = 16 + 65.481 R + 128.553 G + 24.966 B` for R, G and B in [0, 1] (ITU-R BT.601), like MATLAB's `rgb2ycbcr`
    without its rounding.

    Args:
        images: Images of shape `(n, height, width, 3)`, or grey ones of shape `(n, height, width, 1)`, whose levels are
            used directly.
        value_range: Smallest and largest possible value `(lowest, highest)`, such as `(-1, 1)`.

    Returns:
        A float64 array of shape `(n, height, width, 1)`: 16 to 235 for RGB, 0 to 255 for grey images.

    Raises:
        ValueError: If the images do not have one or three channels.
    """
    images, (low, high) = np.asarray(images, "float64"), value_range
    if images.ndim != 4 or images.shape[-1] not in (1, 3):
        raise ValueError(f"`images` has shape {images.shape}; expected (n, height, width, 1 or 3).")
    units = (images - low) / (high - low)
    return 255.0 * units if images.shape[-1] == 1 else (BLACK + units @ np.array(WEIGHTS))[..., None]


def luma_psnr(real, fake, value_range, border=4):
    """PSNR of luma in decibels, without a border: the number published for super-resolution.

    Ledig et al. 2017, section 4.1: Y channel, 4 pixels of each edge removed; the range of levels is 255. Images are not
    rounded to levels; round them first, as files do, for an exact comparison with papers.

    Args:
        real: Original images of shape `(n, height, width, 1 or 3)`.
        fake: Images to compare with the originals, of the same shape.
        value_range: Smallest and largest possible value `(lowest, highest)`, such as `(-1, 1)`.
        border: Number of pixels to remove at each edge, usually the enlargement factor.

    Returns:
        A float64 array of shape `(n,)`; infinite for equal images.

    Raises:
        ValueError: If shapes differ, if values are not finite or out of range, or if the border leaves nothing.
    """
    real, fake = _lumas(real, fake, value_range, border)
    return psnr(real, fake, (0.0, 255.0))


def luma_ssim(real, fake, value_range, border=4, window=11):
    """SSIM of luma without a border; see `luma_psnr` and `kerasgan.metrics.ssim`.

    Args:
        real: Original images of shape `(n, height, width, 1 or 3)`.
        fake: Images to compare with the originals, of the same shape.
        value_range: Smallest and largest possible value `(lowest, highest)`, such as `(-1, 1)`.
        border: Number of pixels to remove at each edge.
        window: Side of the Gaussian window.

    Returns:
        A float64 array of shape `(n,)`, from -1 to 1.

    Raises:
        ValueError: See `luma_psnr`; also if the remaining image is smaller than the window.
    """
    real, fake = _lumas(real, fake, value_range, border)
    return ssim(real, fake, (0.0, 255.0), window)


def _lumas(real, fake, value_range, border):
    real, fake, _ = image_pairs(real, fake, value_range)
    if not 0 <= 2 * border < min(real.shape[1:3]):
        raise ValueError(f"`border` is {border}; expected 0 to {(min(real.shape[1:3]) - 1) // 2} for these images.")
    inner = slice(border, -border or None)
    return luma(real[:, inner, inner], value_range), luma(fake[:, inner, inner], value_range)
