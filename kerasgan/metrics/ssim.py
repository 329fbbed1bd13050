"""Structural similarity of images with their originals, at one scale and at several."""

import numpy as np

from kerasgan.metrics.psnr import image_pairs

K1, K2 = 0.01, 0.03
SIGMA = 1.5
SCALE_WEIGHTS = (0.0448, 0.2856, 0.3001, 0.2363, 0.1333)


def ssim(real, fake, value_range, window=11):
    """Structural similarity of each image.

    `(2 m_x m_y + C1) (2 s_xy + C2) / ((m_x² + m_y² + C1) (s_x² + s_y² + C2))` with means, variances and covariance
    under a Gaussian window of 11x11 pixels and deviation 1.5, `C1 = (0.01 range)²`, `C2 = (0.03 range)²`, averaged over
    the places where the whole window fits and over the channels (Wang et al. 2004, eq. 13 and section III-C). The
    variances are those of the window's weights, without a correction, as in the authors' program and `tf.image.ssim`.

    Args:
        real: Original images of shape `(n, height, width, channels)`.
        fake: The images that should be equal to them, of the same shape.
        value_range: `(lowest, highest)` possible value, such as `(-1, 1)`.
        window: Side of the window; smaller than 11 for smaller images only, and then to be stated.

    Returns:
        A float64 array of shape `(n,)`, from -1 to 1; 1 for equal images, constant ones too.

    Raises:
        ValueError: Shapes that differ, values that are not finite or out of range, or images smaller than the window.
    """
    real, fake, span = image_pairs(real, fake, value_range)
    luminance, contrast_structure = _terms(real, fake, span, window)
    return (luminance * contrast_structure).mean(axis=(1, 2, 3))


def multiscale_ssim(real, fake, value_range, weights=SCALE_WEIGHTS, window=11):
    """Structural similarity of each image over scales that halve.

    The product over the scales of the mean contrast-structure term, and at the last scale of the mean similarity, to
    the power of the scale's weight (Wang, Simoncelli & Bovik 2003, eq. 7, and its weights); between scales the mean of
    2x2 pixels, where an odd last row or column is repeated. A channel at a time, then the mean of the channels.
    Negative terms count as 0. All of this as in `tf.image.ssim_multiscale`.

    Args:
        real: Original images of shape `(n, height, width, channels)`, with the five scales at least 161 pixels a side.
        fake: The images that should be equal to them, of the same shape.
        value_range: `(lowest, highest)` possible value, such as `(-1, 1)`.
        weights: Exponent of each scale, from the finest on. With fewer than the paper's five the value is another
            measure: let them sum to 1, and state them.
        window: Side of the Gaussian window.

    Returns:
        A float64 array of shape `(n,)`, from 0 to 1; 1 for equal images.

    Raises:
        ValueError: Shapes that differ, values that are not finite or out of range, no weights, or images smaller than
            the window at the last scale.
    """
    if len(weights) == 0:
        raise ValueError("weights is empty; expected the exponent of at least one scale.")
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
    """The luminance and the contrast-structure term at each place, of shape `(n, height, width, channels)`."""
    if min(real.shape[1:3]) < window:
        raise ValueError(
            f"the images have {real.shape[1]}x{real.shape[2]} pixels at this scale; expected at least "
            f"{window}x{window}: give a smaller window or fewer scales, and state it with the result."
        )
    c1, c2 = (K1 * span) ** 2, (K2 * span) ** 2
    real_mean, fake_mean = _blur(real, window), _blur(fake, window)
    variances = _blur(np.square(real), window) + _blur(np.square(fake), window) - real_mean**2 - fake_mean**2
    covariance = _blur(real * fake, window) - real_mean * fake_mean
    luminance = (2.0 * real_mean * fake_mean + c1) / (real_mean**2 + fake_mean**2 + c1)
    return luminance, (2.0 * covariance + c2) / (variances + c2)


def _blur(images, window):
    """The mean under a Gaussian window, wherever all of it fits."""
    weights = np.exp(-0.5 * np.square((np.arange(window) - (window - 1) / 2) / SIGMA))
    weights /= weights.sum()
    for axis in (1, 2):
        images = np.lib.stride_tricks.sliding_window_view(images, window, axis=axis) @ weights
    return images


def _halve(images):
    height, width = images.shape[1:3]
    images = np.pad(images, ((0, 0), (0, height % 2), (0, width % 2), (0, 0)), mode="symmetric")
    return (images[:, ::2, ::2] + images[:, 1::2, ::2] + images[:, ::2, 1::2] + images[:, 1::2, 1::2]) / 4.0
