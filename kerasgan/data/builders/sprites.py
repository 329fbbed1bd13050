"""Sprites: images of a single simple shape, with all their factors."""

import math
import zlib

import numpy as np

from kerasgan.data.builders import drawing
from kerasgan.data.builders.base import ProceduralDataset
from kerasgan.data.builders.features import ClassLabel, Image, Tensor

SIZE = 64
SHAPES = ("square", "ellipse", "heart")
SYMMETRIES = (4, 2, 1)
SCALES, ORIENTATIONS, PLACES, HUES = 6, 40, 32, 8
LARGEST_RADIUS = 12.0  # pixels
MARGIN = 13.5  # pixels between the centre and the border, so that every sprite is complete


class Sprites(ProceduralDataset):
    """A white ("grey") or coloured ("colour") shape on black, 64x64 pixels, with the factors of dSprites.

    | Factor | Values | Feature |
    |---|---|---|
    | shape | square, ellipse (axes 1 : 0.6), heart | `label`, 0 to 2 |
    | scale | 6, from 0.5 to 1 | `scale`; the shape's circumscribed radius is 12 px times this |
    | orientation | 40, 9 degrees apart | `orientation`, radians in [0, 2π), clockwise |
    | x, y | 32 each, from 0 (left, top) to 1 | `x`, `y`; the centroid is at 13.5 px + 37 px times this |
    | hue, only in "colour" | 8 | `hue`, turns in [0, 1): 0 is red, 1/3 green |

    The outline of the heart is exact: a square on its corner with half a disc on each of two sides. Edges are
    antialiased, so that positions and angles finer than a pixel are visible.

    Symmetries: `symmetry` is 4 for the square, 2 for the ellipse and 1 for the heart, and a shape rotated by 2π /
    symmetry gives the same image, bit for bit. An image therefore determines only `orientation` modulo 2π / `symmetry`.

    Splits: the factors are drawn uniformly and with replacement. One image in ten, chosen by a hash of its factors (the
    orientation modulo the symmetry, without the hue), occurs only in "test", so that no image is in both splits.
    """

    name = "sprites"
    version = "1.0.0"
    description = (
        "Squares, ellipses and hearts of 6 scales, 40 orientations and 32 x 32 places (and, in the config 'colour', "
        "8 hues) of 64x64 pixels with their factors, after dSprites; no image is in both splits."
    )
    citation = """@misc{dsprites17,
        author = {Loic Matthey and Irina Higgins and Demis Hassabis and Alexander Lerchner},
        title = {dSprites: Disentanglement testing Sprites dataset},
        howpublished = {https://github.com/deepmind/dsprites-dataset/},
        year = {2017}
    }"""
    license = "CC0 1.0"
    configs = ("grey", "colour")
    counts = {"train": 60_000, "test": 10_000}

    @property
    def features(self):
        channels = 3 if self.config == "colour" else 1
        features = {
            "image": Image((SIZE, SIZE, channels), doc="One shape on black."),
            "label": ClassLabel(SHAPES, doc="The shape."),
            "scale": Tensor(doc="Size relative to the largest: 0.5, 0.6, ..., 1."),
            "orientation": Tensor(doc="Clockwise rotation in radians, [0, 2 pi), in steps of 9 degrees."),
            "x": Tensor(doc="Position of the centroid: 0 is leftmost, 1 rightmost, in steps of 1/31."),
            "y": Tensor(doc="Position of the centroid: 0 is topmost, 1 bottommost, in steps of 1/31."),
            "symmetry": Tensor(dtype="int64", doc="The image is the same after a rotation by 2 pi / symmetry."),
        }
        if self.config == "colour":
            features["hue"] = Tensor(doc="Colour in turns, [0, 1), in steps of 1/8: 0 is red, 1/3 green, 2/3 blue.")
        return features

    def example(self, rng, split, index):
        factors = None
        while factors is None or reserved_for_test(factors) is not (split == "test"):
            factors = rng.integers((len(SHAPES), SCALES, ORIENTATIONS, PLACES, PLACES))
        label = factors[0]
        values = dict(zip(("scale", "orientation", "x", "y"), factor_values(factors), strict=True))
        # Drawn from the visible factors, symmetric orientations give the same image bit for bit.
        cover = render(label, *factor_values(visible(factors)))[..., None]
        if self.config == "colour":
            values["hue"] = rng.integers(HUES) / HUES
            cover = cover * drawing.hsv(values["hue"], 1.0, 1.0)
        return {
            "image": drawing.to_uint8(cover),
            "label": np.int64(label),
            "symmetry": np.int64(SYMMETRIES[label]),
            **{name: np.float32(value) for name, value in values.items()},
        }


def factor_values(factors):
    """Converts indices `(shape, scale, orientation, x, y)` to scale, orientation, x and y."""
    _, scale, orientation, x, y = factors
    turn = 2 * math.pi * orientation / ORIENTATIONS
    return 0.5 + 0.5 * scale / (SCALES - 1), turn, x / (PLACES - 1), y / (PLACES - 1)


def visible(factors):
    """Returns the factors with the first of the orientations that give the same image."""
    label, scale, orientation, x, y = factors
    return label, scale, orientation % (ORIENTATIONS // SYMMETRIES[label]), x, y


def reserved_for_test(factors):
    """Returns whether the image with these factors belongs to the split "test"."""
    return zlib.crc32(np.array(visible(factors), "<u2").tobytes()) % 10 == 0


def render(label, scale, orientation, x, y):
    """Draws a sprite.

    Args:
        label: Index into `SHAPES`.
        scale: Circumscribed radius in units of 12 pixels.
        orientation: Clockwise rotation in radians.
        x, y: Position of the centroid in [0, 1]; 0 is left and top.

    Returns:
        A float32 array of shape (64, 64): the fraction of each pixel that the shape covers.
    """
    radius = LARGEST_RADIUS * scale
    columns, rows = drawing.pixel_grid(SIZE)
    span = SIZE - 2 * MARGIN
    right, down = columns - np.float32(MARGIN + span * x), rows - np.float32(MARGIN + span * y)
    cosine, sine = np.float32(math.cos(orientation)), np.float32(math.sin(orientation))
    along, across = cosine * right + sine * down, cosine * down - sine * right
    if SHAPES[label] == "square":
        distance = drawing.square(along, across, radius)
    elif SHAPES[label] == "ellipse":
        distance = drawing.ellipse(along, across, radius, 0.6 * radius)
    else:
        distance = drawing.heart(along, across, radius)
    return drawing.coverage(distance)
