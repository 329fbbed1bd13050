"""Rasterisation of vector drawings, and pictures with transparency on a white background."""

import io

import numpy as np

from kerasgan.data.builders.packages import import_module


def rgba_of_svg(text, size):
    """Draws an SVG file.

    Args:
        text: Contents of the file.
        size: Side of the square picture in pixels.

    Returns:
        A Pillow image of mode RGBA; a drawing that is not square is centred.
    """
    from PIL import Image

    resvg = import_module("resvg_py")
    return Image.open(io.BytesIO(bytes(resvg.svg_to_bytes(svg_string=text, width=size, height=size)))).convert("RGBA")


def on_white(picture, size):
    """Places a Pillow image on a white square.

    Args:
        picture: Pillow image of any mode and shape; margins are added to the shorter side.
        size: Side of the result in pixels.

    Returns:
        A uint8 array of shape (size, size, 3).
    """
    from PIL import Image

    picture = picture.convert("RGBA")
    side = max(picture.size)
    if picture.width != picture.height:
        square = Image.new("RGBA", (side, side))
        square.paste(picture, ((side - picture.width) // 2, (side - picture.height) // 2))
        picture = square
    white = Image.new("RGBA", (side, side), (255, 255, 255, 255))
    # Composed with white first, so that the colours of transparent pixels do not bleed into the edges.
    flat = Image.alpha_composite(white, picture).convert("RGB")
    if side != size:
        flat = flat.resize((size, size), Image.Resampling.BOX if side % size == 0 else Image.Resampling.LANCZOS)
    return np.array(flat)
