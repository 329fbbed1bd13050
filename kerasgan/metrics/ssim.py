"""Structural similarity of images and their originals, at one scale and at several scales."""

import numpy as np

from kerasgan.metrics.psnr import image_pairs

K1, K2 = 0.01, 0.03
SIGMA = 1.5
SCALE_WEIGHTS = (0.0448, 0.2856, 0.3001, 0.2363, 0.1333)


def ssim(real, fake, value_range, window=11):
    """Structural similarity of each image.

    `(2 m_x m_y + C1) (2 s_xy + C2) / ((m_x² + m_y² + C1) (s_x² + s_y² + C2))` with means, variances and covariances
    under a Gaussian window of 11x11 pixels and standard deviation 1.5, `C1 = (0.01 range)²`, `C2 = (0.03 range)²`,
    averaged over the positions where the whole window fits and over the channels (Wang et al. 2004, eq. 13 and section
    III-C). The variances are weighted by the window without bias correction, as in the official implementation and
    `tf.image.ssim`.

    Args:
        real: Original images of shape `(n, height, width, channels)`.
        fake: Images to compare with the originals, of the same shape.
        value_range: Smallest and largest possible value `(lowest, highest)`, such as `(-1, 1)`.
        window: Side of the window. Use less than 11 only for smaller images, and report it.

    Returns:
        A float64 array of shape `(n,)`, from -1 to 1. It is 1 for equal images, including constant ones.

    Raises:
        ValueError: If shapes differ, if values are not finite or out of range, or if images are smaller than the
            window.
    """
    real, fake, span = image_pairs(real, fake, value_range)
    luminance, contrast_structure = _terms(real, fake, span, window)
    return (luminance * contrast_structure).mean(axis=(1, 2, 3))


def multiscale_ssim(real, fake, value_range, weights=SCALE_WEIGHTS, window=11):
    """Multi-scale structural similarity of each image.

    The product over the scales of the mean contrast-structure term (at the last scale of the mean similarity), raised
    to the scale's weight (Wang, Simoncelli & Bovik 2003, eq. 7 and its weights). Between scales 2x2 pixels are
    averaged; an odd last row or column is repeated. The value is computed per channel and averaged over the channels,
    and negative terms count as 0, as in `tf.image.ssim_multiscale`.

    Args:
        real: Original images of shape `(n, height, width, channels)`, with sides of at least 161 pixels for the default
            five scales.
        fake: Images to compare with the originals, of the same shape.
        value_range: Smallest and largest possible value `(lowest, highest)`, such as `(-1, 1)`.
        weights: Exponents of the scales, finest first. Weights other than the paper's five define a different metric:
            use weights that sum to 1, and report them.
        window: Side of the Gaussian window.

    Returns:
        A float64 array of shape `(n,)`, from 0 to 1. It is 1 for equal images.

    Raises:
        ValueError: If shapes differ, if values are not finite or out of range, if `weights` is empty, or if images are
            smaller than the window at the last scale.
    """
    if len(weights) == 0:
        raise ValueError("`weights` is empty; expected the exponent of at least one scale.")
    real, fake, span = image_pairs(real, fake, value_range)
    similarity = np.ones((len(real), real.shape[-1]))
    for scale, weight in enumerate(weights):
        if scale > 0:
            real, fake = _halve(real), _halve(fake)
        luminance, term = _terms(real, fake, span, window)
        if scale == len(weights) - 1:
            term = luminance * term
        similarity *= np.clip(term.mean(axis=(1, 2)), 0.0, None) ** weight
    return similarity.mean(axis=1)


def _terms(real, fake, span, window):
    """Luminance and contrast-structure terms at each position, of shape `(n, height, width, channels)`."""
    if min(real.shape[1:3]) < window:
        raise ValueError(
            f"The images have {real.shape[1]}x{real.shape[2]} pixels at this scale; expected at least "
            f"{window}x{window}. Use a smaller window or fewer scales, and report it with the result."
        )
    c1, c2 = (K1 * span) ** 2, (K2 * span) ** 2
    real_mean, fake_mean = _blur(real, window), _blur(fake, window)
    variances = _blur(np.square(real), window) + _blur(np.square(fake), window) - real_mean**2 - fake_mean**2
    covariance = _blur(real * fake, window) - real_mean * fake_mean
    luminance = (2.0 * real_mean * fake_mean + c1) / (real_mean**2 + fake_mean**2 + c1)
    return luminance, (2.0 * covariance + c2) / (variances + c2)


def _blur(images, window):
    """Weighted mean under a Gaussian window, at the positions where the whole window fits."""
    weights = np.exp(-0.5 * np.square((np.arange(window) - (window - 1) / 2) / SIGMA))
    weights /= weights.sum()
    for axis in (1, 2):
        images = np.lib.stride_tricks.sliding_window_view(images, window, axis=axis) @ weights
    return images


def _halve(images):
    height, width = images.shape[1:3]
    images = np.pad(images, ((0, 0), (0, height % 2), (0, width % 2), (0, 0)), mode="symmetric")
    return (images[:, ::2, ::2] + images[:, 1::2, ::2] + images[:, ::2, 1::2] + images[:, 1::2, 1::2]) / 4.0
