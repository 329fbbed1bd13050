"""Grids of a model's images, and PNG files."""

import math

import numpy as np

from kerasgan.pictures.files import replacing

# Images with shorter sides, in pixels, are enlarged in a grid so that their content is visible.
SMALLEST_SIDE = 32
# With more columns, a grid would be wider than a screen.
MOST_COLUMNS = 16
SQUARE, SQUARES = 8, (153, 204)  # chequerboard behind transparent pixels: side of a square in pixels, grey levels


def columns_of(classes):
    """Returns the number of columns of a grid with all classes in turn, at most 16.

    A column shows one class. With more than 16 classes, complete rows show all classes.
    """
    return classes if classes <= MOST_COLUMNS else -(-classes // -(-classes // MOST_COLUMNS))


def grid(images, columns=None, padding=1, scale=None):
    """Arranges images in a grid, row by row, on black.

    Values are mapped from [-1, 1] to [0, 255] and clipped; NaN is black.

    Args:
        images: Array of shape (count, height, width, channels) with 1 channel (grey), 2 (grey and alpha), 3 (RGB) or 4
            (RGB and alpha) and values in [-1, 1]. Transparent pixels show a chequerboard.
        columns: Number of images in a row. None or 0 makes the grid about square.
        padding: Number of pixels between the images and around the grid.
        scale: Integer factor by which images are enlarged. Defaults to a factor that gives the longer side of an image
            at least 32 pixels.

    Returns:
        A uint8 array of shape (height, width, 1 or 3) of the grid.

    Raises:
        ValueError: If `images` does not contain images, or is empty.
    """
    images = np.asarray(images)
    if images.ndim != 4 or images.shape[-1] not in (1, 2, 3, 4) or images.size == 0:
        raise ValueError(
            f"`images` has shape {images.shape}; expected (count, height, width, channels) with at least one image and "
            "1 to 4 channels."
        )
    count, height, width = images.shape[:3]
    columns = columns or math.ceil(math.sqrt(count))
    scale = scale or math.ceil(SMALLEST_SIDE / max(height, width))
    levels = np.nan_to_num((images.astype("float32") + 1.0) * 127.5, nan=0.0)
    levels = np.rint(np.clip(levels, 0.0, 255.0)).astype("uint8")
    levels = over_chequerboard(levels.repeat(scale, axis=1).repeat(scale, axis=2))
    height, width = height * scale + padding, width * scale + padding
    picture = np.zeros(
        (math.ceil(count / columns) * height + padding, columns * width + padding, levels.shape[-1]), "uint8"
    )
    for place, image in enumerate(levels):
        top, left = place // columns * height + padding, place % columns * width + padding
        picture[top : top + image.shape[0], left : left + image.shape[1]] = image
    return picture


def over_chequerboard(images):
    """Composites images with an alpha channel over grey squares. Images without alpha are returned unchanged.

    Args:
        images: A uint8 array of shape (count, height, width, channels) with 1 to 4 channels, alpha last.

    Returns:
        A uint8 array with 1 or 3 channels.
    """
    if images.shape[-1] in (1, 3):
        return images
    rows, columns = np.indices(images.shape[1:3]) // SQUARE
    squares = np.where((rows + columns) % 2, *SQUARES)[..., None]
    alpha = images[..., -1:] / np.float32(255)
    return np.rint(alpha * images[..., :-1] + (1 - alpha) * squares).astype("uint8")


def write_png(path, array):
    """Writes a PNG file atomically.

    Args:
        path: Path of the file.
        array: A uint8 array of shape (height, width, channels) with 1 or 3 channels.
    """
    with replacing(path) as file:
        encode_png(array, file)


def encode_png(array, file):
    """Writes an array, as for `write_png`, to an open binary file."""
    from PIL import Image

    Image.fromarray(array[..., 0] if array.shape[-1] == 1 else array).save(file, "PNG")
