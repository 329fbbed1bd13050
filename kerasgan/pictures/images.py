"""Pictures for people: images of a model in one grid, as a PNG file."""

import math

import numpy as np

from kerasgan.pictures.files import replacing

# Below this side length, in pixels, an image is enlarged in a grid: a person could not make out what it shows.
SMALLEST_SIDE = 32
# More classes than these would make a grid wider than a screen.
MOST_COLUMNS = 16
SQUARE, SQUARES = 8, (153, 204)  # of the chequerboard behind what is transparent: side in pixels, grey levels


def columns_of(classes):
    """Columns of a grid of classes in turn: one for each; of more than 16, so many that whole rows show them."""
    return classes if classes <= MOST_COLUMNS else -(-classes // -(-classes // MOST_COLUMNS))


def grid(images, columns=None, padding=1, scale=None):
    """Puts images side by side, row by row, on black.

    -1 becomes 0, 1 becomes 255; values beyond are clipped, and NaN is drawn black.

    Args:
        images: array of shape (count, height, width, channels) with 1 channel (grey), 2 (grey and alpha), 3 (RGB) or 4
            (RGB and alpha) and values in [-1, 1]. What is transparent shows a chequerboard.
        columns: images in a row; by default, or for 0, as many as make the grid about square.
        padding: pixels between the images, and around the grid.
        scale: whole number of pixels, in each direction, that a pixel becomes; by default as many as give the longer
            side of an image 32 pixels or more.

    Returns:
        uint8 array of shape (height, width, 1 or 3) of the grid.

    Raises:
        ValueError: if these are no images, or there are none.
    """
    images = np.asarray(images)
    if images.ndim != 4 or images.shape[-1] not in (1, 2, 3, 4) or images.size == 0:
        raise ValueError(
            f"images have shape {images.shape}, expected (count, height, width, channels) with at least one image and "
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
    """Images without their alpha channel, over grey squares; those that have none as they are.

    Args:
        images: uint8 array of shape (count, height, width, channels) with 1 to 4 channels, alpha last.

    Returns:
        uint8 array with 1 or 3 channels.
    """
    if images.shape[-1] in (1, 3):
        return images
    rows, columns = np.indices(images.shape[1:3]) // SQUARE
    squares = np.where((rows + columns) % 2, *SQUARES)[..., None]
    alpha = images[..., -1:] / np.float32(255)
    return np.rint(alpha * images[..., :-1] + (1 - alpha) * squares).astype("uint8")


def write_png(path, array):
    """Writes a picture, which takes the place of an older one only when it is complete.

    Args:
        path: of the file.
        array: uint8 array of shape (height, width, channels) with 1 or 3 channels.
    """
    with replacing(path) as file:
        encode_png(array, file)


def encode_png(array, file):
    """Writes a picture, as `write_png` takes it, to an open binary file."""
    from PIL import Image

    Image.fromarray(array[..., 0] if array.shape[-1] == 1 else array).save(file, "PNG")
