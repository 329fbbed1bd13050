"""Captioned shapes: small scenes with a sentence that describes them."""

import itertools
import math
import textwrap
from typing import NamedTuple

import numpy as np

from kerasgan.data.builders import drawing
from kerasgan.data.builders.base import ProceduralDataset
from kerasgan.data.builders.features import ClassLabel, Image, Tensor, Text

PIXELS = 64
SHAPES = {
    "circle": drawing.disc,
    "square": drawing.square,
    "triangle": drawing.triangle,
    "heart": drawing.heart,
    "star": drawing.star,
    "ring": drawing.ring,
    "cross": drawing.cross,
}
COLOURS = {
    "red": (0.86, 0.12, 0.14),
    "green": (0.13, 0.66, 0.24),
    "blue": (0.16, 0.38, 0.95),
    "yellow": (0.97, 0.87, 0.12),
    "purple": (0.60, 0.22, 0.76),
    "orange": (0.96, 0.54, 0.08),
    "cyan": (0.10, 0.77, 0.82),
    "white": (0.98, 0.98, 0.98),
}
BACKGROUNDS = {
    "black": (0.04, 0.04, 0.04),
    "grey": (0.42, 0.42, 0.42),
    "beige": (0.78, 0.68, 0.52),
    "navy": (0.06, 0.08, 0.28),
}
RADII = {"small": 6.5, "large": 12.0}  # pixels, circumscribed
RELATIONS = ("left of", "right of", "above", "below")
PLACES = (
    *("at the top left", "at the top", "at the top right"),
    *("at the left", "in the centre", "at the right"),
    *("at the bottom left", "at the bottom", "at the bottom right"),
)
NUMBERS = ("two", "three", "four")
TEMPLATES = (
    "{scene} on a {background} background",
    "a {background} background with {scene}",
    "a picture of {scene} on {background}",
    "{scene} in front of {background}",
    "on {background}: {scene}",
)
SCENES = {"single": 0.3, "pair": 0.5, "several": 0.2}  # name to probability

# One colour of each shape that "train" and "test" do not contain; both contain every shape and every colour.
HELD_OUT = (
    *(("circle", "green"), ("square", "purple"), ("triangle", "white"), ("heart", "blue")),
    *(("star", "orange"), ("ring", "red"), ("cross", "yellow")),
)
SEEN = tuple(pair for pair in itertools.product(SHAPES, COLOURS) if pair not in HELD_OUT)

SHAPE_NAMES, COLOUR_NAMES = tuple(SHAPES), tuple(COLOURS)
BACKGROUND_NAMES, SIZE_NAMES = tuple(BACKGROUNDS), tuple(RADII)


class CaptionedShapes(ProceduralDataset):
    """Colour scenes of 64x64 pixels with one to four flat shapes and an English caption.

    There are three kinds of scenes:

    * "single" (30%): one object and its position, `a large red heart at the top left`;
    * "pair" (50%): two objects and their relation, `a small blue star above a large white ring`;
    * "several" (20%): two to four equal objects, `three small green crosses`.

    An object has one of 7 shapes, 8 colours and 2 sizes (circumscribed radius 6.5 or 12 px), the background one of 4
    colours; there are 5 sentence patterns. The grammar has 1,030,400 captions. Objects are complete and at least two
    pixels apart, and their positions vary within the meaning of the caption: "top left" is the first third of rows and
    columns, "left of" means at least 15 px further left and at most 6 px higher or lower.

    All attributes are features: indices into the module's `SHAPES`, `COLOURS`, `RADII`, `BACKGROUNDS`, `RELATIONS`,
    `PLACES` and `SCENES`. `centres` contains the positions in pixels.

    Splits: seven of the 56 combinations of shape and colour (`HELD_OUT`: one for each shape, with seven colours) occur
    only in the split "held_out". There the first object (in "several" scenes every object) is one of them; the second
    object is arbitrary. "train" and "test" have the same distribution.

    Symmetries: an image of "A left of B" also shows "B right of A"; the caption is one of the two.
    """

    name = "captioned_shapes"
    version = "1.0.0"
    description = (
        "Scenes of one to four coloured shapes, 64x64 pixels, with a caption from a grammar of 1,030,400 sentences and "
        "all attributes; seven combinations of shape and colour occur in the split 'held_out' only."
    )
    license = "CC0 1.0"
    sheet_count = 36
    counts = {"train": 50_000, "test": 5_000, "held_out": 5_000}
    features = {
        "image": Image((PIXELS, PIXELS, 3), doc="The scene."),
        "caption": Text(doc="A sentence that describes the scene."),
        "scene": ClassLabel(tuple(SCENES), doc="One object, two related objects, or several equal objects."),
        "background": ClassLabel(BACKGROUND_NAMES, doc="Colour of the background."),
        "count": Tensor(dtype="int64", doc="Number of objects, 1 to 4."),
        "shapes": Tensor((2,), "int64", doc=f"Of the first and second object: {', '.join(SHAPE_NAMES)}; -1 without."),
        "colours": Tensor((2,), "int64", doc=f"Of the first and second object: {', '.join(COLOUR_NAMES)}; -1 without."),
        "sizes": Tensor((2,), "int64", doc=f"Of the first and second object: {', '.join(SIZE_NAMES)}; -1 without."),
        "relation": Tensor(dtype="int64", doc=f"In a pair, of the first to the second: {', '.join(RELATIONS)}; or -1."),
        "place": Tensor(
            dtype="int64", doc="Position of a single object: 0 to 8 by rows from the top left; otherwise -1."
        ),
        "centres": Tensor((4, 2), doc="x and y of each object in pixels from the top left corner; -1 without."),
    }

    def example(self, rng, split, index):
        kind = rng.choice(len(SCENES), p=tuple(SCENES.values()))
        background = rng.integers(len(BACKGROUNDS))
        template = TEMPLATES[rng.integers(len(TEMPLATES))]
        first = _draw_object(rng, HELD_OUT if split == "held_out" else SEEN)
        second = _draw_object(rng, HELD_OUT + SEEN if split == "held_out" else SEEN)
        scene = (_single, _pair, _several)[kind](rng, first, second)

        canvas = np.empty((PIXELS, PIXELS, 3), "float32")
        canvas[:] = BACKGROUNDS[BACKGROUND_NAMES[background]]
        for thing, centre in zip(itertools.cycle(scene.things), scene.centres):
            _paint(canvas, thing, centre)
        attributes = np.full((2, 3), -1)
        attributes[: len(scene.things)] = scene.things
        centres = np.full((4, 2), -1, "float32")
        centres[: len(scene.centres)] = scene.centres
        return {
            "image": drawing.to_uint8(canvas),
            "caption": template.format(scene=scene.text, background=BACKGROUND_NAMES[background]),
            "scene": np.int64(kind),
            "background": np.int64(background),
            "count": np.int64(len(scene.centres)),
            "shapes": attributes[:, 0],
            "colours": attributes[:, 1],
            "sizes": attributes[:, 2],
            "relation": np.int64(scene.relation),
            "place": np.int64(scene.place),
            "centres": centres,
        }

    def sheet(self, arrays):
        """Draws the scenes in rows of six, each above its caption."""
        from PIL import Image as Picture
        from PIL import ImageDraw

        columns, side, margin, text_height = 6, 2 * PIXELS, 4, 52
        width, height = side + 2 * margin, side + margin + text_height
        page = Picture.new("RGB", (columns * width, math.ceil(len(arrays["image"]) / columns) * height), "white")
        pen = ImageDraw.Draw(page)
        for number, (image, caption) in enumerate(zip(arrays["image"], arrays["caption"], strict=True)):
            left, top = number % columns * width + margin, number // columns * height + margin
            page.paste(Picture.fromarray(image).resize((side, side), Picture.Resampling.NEAREST), (left, top))
            pen.multiline_text((left, top + side), textwrap.fill(str(caption), 24), fill="black", spacing=1)
        return np.asarray(page)


class _Scene(NamedTuple):
    text: str
    things: list  # (shape, colour, size) of each distinct object
    centres: list  # (x, y) of each object
    relation: int = -1
    place: int = -1


def _draw_object(rng, combinations):
    shape, colour = combinations[rng.integers(len(combinations))]
    return SHAPE_NAMES.index(shape), COLOUR_NAMES.index(colour), int(rng.integers(len(RADII)))


def _single(rng, first, second):
    place = int(rng.integers(len(PLACES)))
    third, radius = PIXELS / 3, _radius(first)

    def within(number):
        low, high = max(number * third, radius) + 1, min((number + 1) * third, PIXELS - radius) - 1
        return rng.uniform(low, high)

    centre = within(place % 3), within(place // 3)
    return _Scene(f"a {_name(first)} {PLACES[place]}", [first], [centre], place=place)


def _pair(rng, first, second):
    relation = int(rng.integers(len(RELATIONS)))
    middle, gap = PIXELS / 2, 1
    # One object on each side of the centre line, aligned to within a few pixels.
    first_is_near = RELATIONS[relation] in ("left of", "above")
    near, far = (first, second) if first_is_near else (second, first)
    along = [
        rng.uniform(_radius(near) + gap, middle - _radius(near) - gap),
        rng.uniform(middle + _radius(far) + gap, PIXELS - _radius(far) - gap),
    ]
    reach = max(RADII.values()) + 3 + gap
    across = rng.uniform(reach, PIXELS - reach) + rng.uniform(-3, 3, 2)
    centres = list(zip(along, across, strict=True))
    if RELATIONS[relation] in ("above", "below"):
        centres = [(x, y) for y, x in centres]
    if not first_is_near:
        centres.reverse()
    text = f"a {_name(first)} {RELATIONS[relation]} a {_name(second)}"
    return _Scene(text, [first, second], centres, relation=relation)


def _several(rng, first, second):
    count = int(rng.integers(2, 5))
    radius, half, gap = _radius(first), PIXELS / 2, 1
    quarters = rng.permutation(4)[:count]
    shifts = rng.uniform(radius + gap, half - radius - gap, (count, 2))
    centres = shifts + half * np.stack([quarters % 2, quarters // 2], axis=1)
    name = _name(first)
    return _Scene(f"{NUMBERS[count - 2]} {name}{'es' if name.endswith('s') else 's'}", [first], centres)


def _radius(thing):
    return RADII[SIZE_NAMES[thing[2]]]


def _name(thing):
    shape, colour, size = thing
    return f"{SIZE_NAMES[size]} {COLOUR_NAMES[colour]} {SHAPE_NAMES[shape]}"


def _paint(canvas, thing, centre):
    radius = _radius(thing)
    left, top = (int(value - radius) - 1 for value in centre)
    across, down = slice(left, left + 2 * int(radius) + 4), slice(top, top + 2 * int(radius) + 4)
    columns, rows = drawing.pixel_grid(PIXELS)
    x, y = columns[:, across] - np.float32(centre[0]), rows[down] - np.float32(centre[1])
    distance = SHAPES[SHAPE_NAMES[thing[0]]](x, y, radius)
    drawing.paint(canvas[down, across], drawing.coverage(distance), COLOURS[COLOUR_NAMES[thing[1]]])
