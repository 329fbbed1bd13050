"""CIE Lab: separates lightness and colour of images, for colorization."""

import numpy as np

# Linear sRGB to XYZ (IEC 61966-2-1), and the white point D65 of the 2 degree observer.
TO_XYZ = np.array([[0.412453, 0.357580, 0.180423], [0.212671, 0.715160, 0.072169], [0.019334, 0.119193, 0.950227]])
WHITE = np.array([0.95047, 1.0, 1.08883])
# Half-widths of the ranges that are mapped to [-1, 1]: all of sRGB is within |a|, |b| < 108.
LIGHTNESS, CHROMA = 50.0, 110.0


def rgb_to_lab(images):
    """Converts sRGB images to CIE 1976 L*a*b* (D65, 2 degrees).

    Args:
        images: Array of shape (..., 3), with values in [-1, 1].

    Returns:
        A float64 array of the same shape: L in [0, 100], a (green to red) and b (blue to yellow) from about -108 to 99.

    Raises:
        ValueError: If there are not three channels.
    """
    levels = np.clip((_with_channels(images, 3) + 1.0) / 2.0, 0.0, 1.0)
    linear = np.where(levels > 0.04045, ((levels + 0.055) / 1.055) ** 2.4, levels / 12.92)
    ratio = linear @ TO_XYZ.T / WHITE
    f = np.where(ratio > 0.008856, np.cbrt(ratio), 7.787 * ratio + 16.0 / 116.0)
    x, y, z = np.moveaxis(f, -1, 0)
    return np.stack([116.0 * y - 16.0, 500.0 * (x - y), 200.0 * (y - z)], axis=-1)


def lab_to_rgb(lab):
    """Converts L*a*b* colours to sRGB images in [-1, 1]. Colours outside sRGB are clipped. The inverse of `rgb_to_lab`.

    Args:
        lab: Array of shape (..., 3), with L in [0, 100].

    Returns:
        A float64 array of the same shape.

    Raises:
        ValueError: If there are not three channels.
    """
    lightness, a, b = np.moveaxis(_with_channels(lab, 3), -1, 0)
    y = (lightness + 16.0) / 116.0
    f = np.stack([y + a / 500.0, y, y - b / 200.0], axis=-1)
    ratio = np.where(f > 0.2068966, f**3, (f - 16.0 / 116.0) / 7.787)
    linear = np.clip((ratio * WHITE) @ np.linalg.inv(TO_XYZ).T, 0.0, 1.0)
    levels = np.where(linear > 0.0031308, 1.055 * linear ** (1.0 / 2.4) - 0.055, 12.92 * linear)
    return 2.0 * np.clip(levels, 0.0, 1.0) - 1.0


def colorization_pairs(images):
    """Returns training pairs of colorization: lightness as input, colour as target (Isola et al. 2017, section 4).

    Args:
        images: sRGB images in [-1, 1], of shape (..., 3).

    Returns:
        A tuple (L / 50 - 1, (a, b) / 110) of float32 arrays in [-1, 1], of shapes (..., 1) and (..., 2).
    """
    lab = rgb_to_lab(images)
    return (lab[..., :1] / LIGHTNESS - 1.0).astype("float32"), (lab[..., 1:] / CHROMA).astype("float32")


def colorized(lightness, colours):
    """Returns sRGB images in [-1, 1] from input and output of a colorization: the inverse of `colorization_pairs`.

    Args:
        lightness: Array of shape (..., 1), with values in [-1, 1].
        colours: Array of shape (..., 2), with values in [-1, 1].

    Returns:
        A float32 array of shape (..., 3).
    """
    lightness, colours = _with_channels(lightness, 1), _with_channels(colours, 2)
    lab = np.concatenate([LIGHTNESS * (lightness + 1.0), CHROMA * colours], axis=-1)
    return lab_to_rgb(lab).astype("float32")


def _with_channels(images, channels):
    images = np.asarray(images, "float64")
    if images.ndim == 0 or images.shape[-1] != channels:
        raise ValueError(f"Colours have shape {images.shape}; expected (..., {channels}), with channels last.")
    return images
