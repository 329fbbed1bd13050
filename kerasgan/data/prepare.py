"""Converts pixels of any type to the format of the models: float32 in [-1, 1], channels last."""

import numpy as np

# Ranges of the pixel types with an unambiguous range.
DTYPE_RANGES = {"uint8": (0, 255), "uint16": (0, 65535), "bool": (0, 1)}


def prepare(images, image_size=None, value_range=None):
    """Scales images to [-1, 1] and optionally resizes them.

    The map is `(value - middle) / half_width` of the value range, so that 8- and 16-bit images keep
    their levels exactly distinct and the ends of the range are exactly -1 and 1. Resizing is
    separable Lanczos-3 with the window widened when shrinking (antialiased), as in Pillow; its
    overshoot is clipped to [-1, 1]. It does not keep the aspect ratio: crop first.

    Args:
        images: Array of shape `(n, height, width)` or `(n, height, width, channels)`; uint8,
            uint16, bool, or any other integers or floats.
        image_size: Size of the result, an integer for a square or `(height, width)`. None keeps the size.
        value_range: `(low, high)`, the values of black and white. None uses the full range of uint8, uint16 and bool,
            and interprets floats as [0, 1] or [-1, 1] if their values are unambiguous.

    Returns:
        A float32 array of shape `(n, height, width, channels)` with values in [-1, 1].

    Raises:
        ValueError: For a wrong rank, no images, NaN or infinite values, values outside `value_range`, an ambiguous
            range, or an invalid `image_size` or `value_range`.

    Example:
        >>> prepare(np.array([[[0, 255]]], "uint8"))[0, :, :, 0]
        array([[-1.,  1.]], dtype=float32)
    """
    images = np.asarray(images)
    if images.ndim not in (3, 4):
        raise ValueError(
            f"images has shape {images.shape}; expected (n, height, width) or (n, height, width, "
            "channels): reshape it, or pass images[None] for a single image."
        )
    _check(images)
    if images.ndim == 3:
        images = images[..., None]
    scaled = _scale(images, value_range or value_range_of(images))
    return scaled if image_size is None else _resize(scaled, image_size)


def _check(images):
    if images.size == 0:
        raise ValueError(f"images is empty (shape {images.shape}); expected at least one image with pixels.")
    if images.dtype.kind not in "buif":
        raise ValueError(
            f"images has dtype {images.dtype}; expected integers, floats or bool: convert it, for "
            "example with images.astype('float32')."
        )
    if images.dtype.kind == "f" and not np.isfinite(images).all():
        raise ValueError(
            "images has NaN or infinite values; expected finite pixels: remove them, for example "
            "with np.nan_to_num(images)."
        )


def value_range_of(images):
    """Infers the values of black and white in images from their type or values.

    Raises:
        ValueError: For no images, NaN or infinite values, or ambiguous values.
    """
    _check(images)
    if images.dtype.name in DTYPE_RANGES:
        return DTYPE_RANGES[images.dtype.name]
    low, high = float(images.min()), float(images.max())
    if images.dtype.kind == "f" and low >= 0.0 and 0.5 < high <= 1.0:
        return (0.0, 1.0)
    if images.dtype.kind == "f" and -1.0 <= low < -0.5 and high <= 1.0:
        return (-1.0, 1.0)
    raise ValueError(
        f"images has dtype {images.dtype} and values from {low:g} to {high:g}, which do not tell "
        "their range; expected a range: pass value_range=(low, high) with the values that stand "
        "for black and white, for example (0, 255)."
    )


def _scale(images, value_range):
    low, high = value_range
    if not (np.isfinite(low) and np.isfinite(high) and low < high):
        raise ValueError(f"value_range is {value_range!r}; expected (low, high) with finite low < high.")
    smallest, largest = float(images.min()), float(images.max())
    rounding = 1e-6 * (high - low)
    if smallest < low - rounding or largest > high + rounding:
        raise ValueError(
            f"images has values from {smallest:g} to {largest:g}; expected values in "
            f"value_range=({low:g}, {high:g}): pass the range that the pixels really have, or clip "
            "them."
        )
    # float32 holds every 8- and 16-bit level; wide integers are centred in float64.
    scaled = images.astype(np.result_type(images.dtype, np.float32))
    scaled -= (low + high) / 2
    scaled /= (high - low) / 2
    return np.clip(scaled, -1.0, 1.0, out=scaled).astype("float32", copy=False)


def _resize(images, image_size):
    size = (image_size, image_size) if np.ndim(image_size) == 0 else tuple(image_size)
    if len(size) != 2 or not all(isinstance(s, (int, np.integer)) and s > 0 for s in size):
        raise ValueError(f"image_size is {image_size!r}; expected a positive integer or (height, width) of them.")
    count, height, width, channels = images.shape
    if size == (height, width):
        return images
    rows = _lanczos_matrix(height, size[0]) @ images.reshape(count, height, width * channels)
    columns = _lanczos_matrix(width, size[1]) @ rows.reshape(count * size[0], width, channels)
    return np.clip(columns.reshape(count, *size, channels), -1.0, 1.0)


def _lanczos_matrix(old_size, new_size, lobes=3):
    """Resampling along one axis: a float32 matrix `(new_size, old_size)` whose rows sum to 1."""
    scale = old_size / new_size
    centres = (np.arange(new_size) + 0.5) * scale
    distances = (np.arange(old_size) + 0.5 - centres[:, None]) / max(scale, 1.0)
    weights = np.sinc(distances) * np.sinc(distances / lobes) * (np.abs(distances) < lobes)
    return (weights / weights.sum(axis=1, keepdims=True)).astype("float32")
