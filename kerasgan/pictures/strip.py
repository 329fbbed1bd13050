"""Strips of pictures with a sentence below each."""

import textwrap

import numpy as np

from kerasgan.pictures.images import SMALLEST_SIDE, over_chequerboard

PANEL, MARGIN, LINE = 192, 8, 13  # pixels: smallest side of a panel, space around it, height of a line of text
LETTER = 6  # pixels: width of a letter of Pillow's built-in bitmap font


def strip(images, captions, columns=None, scale=None):
    """Draws images side by side, each above its caption, on white.

    Args:
        images: Array of shape (count, height, width, channels) with values in [-1, 1], as for `grid`.
        captions: Captions, one per image.
        columns: Number of images in a row. Defaults to all, up to 6.
        scale: Integer factor by which images are enlarged. Defaults to a factor that gives the longer side at least 192
            pixels.

    Returns:
        A uint8 array of shape (height, width, 3).

    Raises:
        ValueError: If `images` does not contain images, or if the numbers of images and captions differ.
    """
    from PIL import Image, ImageDraw, ImageFont

    images, captions = np.asarray(images, "float32"), list(captions)
    if images.ndim != 4 or images.shape[-1] not in (1, 2, 3, 4) or not len(images) or len(images) != len(captions):
        raise ValueError(
            f"`images` has shape {images.shape} and there are {len(captions)} captions; expected (count, height, "
            "width, 1 to 4 channels) and one caption for each image."
        )
    levels = np.rint(np.clip((np.nan_to_num(images, nan=-1.0) + 1.0) * 127.5, 0, 255)).astype("uint8")
    scale = scale or max(1, -(-PANEL // max(images.shape[1:3])))
    levels = over_chequerboard(levels.repeat(scale, axis=1).repeat(scale, axis=2))
    levels = np.repeat(levels, 3, axis=-1) if levels.shape[-1] == 1 else levels
    height, width = levels.shape[1:3]
    columns = columns or min(len(images), 6)
    texts = [textwrap.fill(str(caption), max(width // LETTER, SMALLEST_SIDE // LETTER)) for caption in captions]
    below = LINE * max(text.count("\n") + 1 for text in texts) + MARGIN
    rows = -(-len(images) // columns)
    size = columns * (width + MARGIN) + MARGIN, rows * (height + below + MARGIN) + MARGIN
    page = Image.new("RGB", size, "white")
    pen, font = ImageDraw.Draw(page), ImageFont.load_default_imagefont()
    for place, (image, text) in enumerate(zip(levels, texts, strict=True)):
        left, top = MARGIN + place % columns * (width + MARGIN), MARGIN + place // columns * (height + below + MARGIN)
        page.paste(Image.fromarray(image), (left, top))
        pen.rectangle((left - 1, top - 1, left + width, top + height), outline="black")
        readable = text.encode("latin-1", "replace").decode("latin-1")  # characters that the bitmap font supports
        pen.multiline_text((left, top + height + 4), readable, fill="black", font=font, spacing=LINE - 11)
    return np.asarray(page)
