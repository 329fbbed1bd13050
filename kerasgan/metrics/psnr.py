"""Peak signal-to-noise ratio of images against their originals."""

import numpy as np


def psnr(real, fake, value_range):
    """Peak signal-to-noise ratio of each image, in decibels.

    `10 log10(range² / mean((x - y)²))`, where the mean is over the pixels and channels of an image and the range is the
    difference between the largest and the smallest possible value: 2 for images in [-1, 1]. Report whether images were
    cropped, and whether the channels are RGB or luma. Average decibels over images, not errors.

    Args:
        real: Original images of shape `(n, height, width, channels)`.
        fake: Images to compare with the originals, of the same shape.
        value_range: Smallest and largest possible value `(lowest, highest)`, such as `(-1, 1)`.

    Returns:
        A float64 array of shape `(n,)`; infinite for equal images.

    Raises:
        ValueError: If shapes differ, or if values are not finite or out of range.
    """
    real, fake, span = image_pairs(real, fake, value_range)
    errors = np.square(real - fake).mean(axis=(1, 2, 3))
    with np.errstate(divide="ignore"):
        return 10.0 * np.log10(span**2 / errors)


def image_pairs(real, fake, value_range):
    """Checks pairs of images and returns them in float64, with the width of their range.

    Args:
        real: Images of shape `(n, height, width, channels)`.
        fake: Images of the same shape.
        value_range: Smallest and largest possible value `(lowest, highest)`.

    Returns:
        The images in float64, and `highest - lowest`.

    Raises:
        ValueError: If shapes differ or have another rank, or if values are not finite or out of range.
    """
    lowest, highest = value_range
    if not highest > lowest:
        raise ValueError(f"value_range={value_range}; expected (lowest, highest), such as (-1, 1).")
    real, fake = np.asarray(real, "float64"), np.asarray(fake, "float64")
    if real.shape != fake.shape or real.ndim != 4 or real.size == 0:
        raise ValueError(
            f"`real` has shape {real.shape} and `fake` has shape {fake.shape}; expected (n, height, width, channels) "
            "for both."
        )
    slack = 1e-3 * (highest - lowest)
    for name, images in (("real", real), ("fake", fake)):
        # The condition is written so that it also rejects NaN.
        if not (images.min() >= lowest - slack and images.max() <= highest + slack):
            raise ValueError(
                f"`{name}` has values from {images.min():g} to {images.max():g}; expected values in {value_range}. "
                "Clip the images, or pass their true value_range."
            )
    return real, fake, float(highest - lowest)
