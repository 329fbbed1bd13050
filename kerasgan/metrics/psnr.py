"""Peak signal-to-noise ratio of images against their originals."""

import numpy as np


def psnr(real, fake, value_range):
    """Peak signal-to-noise ratio of each image, in decibels.

    `10 log10(range² / mean((x - y)²))`, the mean over the pixels and channels of an image and the range the difference
    of the largest and the smallest possible value: 2 for images in [-1, 1]. State with a result what was cropped, and
    whether the channels were RGB or luma. Average the decibels of images, not their errors.

    Args:
        real: Original images of shape `(n, height, width, channels)`.
        fake: The images that should be equal to them, of the same shape.
        value_range: `(lowest, highest)` possible value, such as `(-1, 1)`.

    Returns:
        A float64 array of shape `(n,)`; infinite for equal images.

    Raises:
        ValueError: Shapes that differ, values that are not finite or out of range.
    """
    real, fake, span = image_pairs(real, fake, value_range)
    errors = np.square(real - fake).mean(axis=(1, 2, 3))
    with np.errstate(divide="ignore"):
        return 10.0 * np.log10(span**2 / errors)


def image_pairs(real, fake, value_range):
    """Float64 images and the width of their range, once they are known to fit together.

    Args:
        real: Images of shape `(n, height, width, channels)`.
        fake: Images of the same shape.
        value_range: `(lowest, highest)` possible value.

    Returns:
        The images in float64, and `highest - lowest`.

    Raises:
        ValueError: Shapes that differ or of another rank, values that are not finite or out of range.
    """
    lowest, highest = value_range
    if not highest > lowest:
        raise ValueError(f"value_range={value_range}; expected (lowest, highest), such as (-1, 1).")
    real, fake = np.asarray(real, "float64"), np.asarray(fake, "float64")
    if real.shape != fake.shape or real.ndim != 4 or real.size == 0:
        raise ValueError(
            f"real has shape {real.shape} and fake {fake.shape}; expected (n, height, width, channels) for both."
        )
    slack = 1e-3 * (highest - lowest)
    for name, images in (("real", real), ("fake", fake)):
        # Written so that NaN is refused too.
        if not (images.min() >= lowest - slack and images.max() <= highest + slack):
            raise ValueError(
                f"{name} has values from {images.min():g} to {images.max():g}; expected them in {value_range}: "
                "clip the images, or give their true value_range."
            )
    return real, fake, float(highest - lowest)
