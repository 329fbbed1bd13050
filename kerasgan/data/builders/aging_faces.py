"""Cartoon faces of ageing people: ten numbers define a person, and one the age."""

import numpy as np

from kerasgan.data.builders import drawing
from kerasgan.data.builders.base import ProceduralDataset
from kerasgan.data.builders.features import ClassLabel, Image, Tensor

PIXELS = 64
IDENTITY = (
    *("skin", "hair colour", "hair length", "forehead", "face width"),
    *("face length", "eye distance", "eye colour", "nose width", "mouth width"),
)
DECADES = tuple(f"{decade}s" for decade in range(20, 80, 10))
YOUNGEST, OLDEST = 20, 80

BACKDROP, CLOTHES = (0.50, 0.66, 0.72), (0.23, 0.29, 0.42)
PALE, DARK = (0.97, 0.82, 0.72), (0.42, 0.27, 0.18)
YOUNG_LIPS, OLD_LIPS = (0.80, 0.34, 0.36), (0.62, 0.42, 0.40)
GREY_HAIR = (0.86, 0.86, 0.87)


class AgingFaces(ProceduralDataset):
    """Faces of 64x64 pixels in colour; every person appears once in each of six decades of life.

    `identity` holds ten numbers, each uniform in [0, 1]: skin (pale to dark), hair colour (dark brown to blond), hair
    length (ear to shoulder), forehead (low to high hair line), face width, face length, eye distance, eye colour (brown
    to blue), nose width, mouth width. `glasses` and `beard` are also attributes of the person; one person in four has
    each. Light, clothes and backdrop are always the same, as in a passport photograph.

    `age` is in years, uniform within its decade in [20, 80); `label` is the decade, 0 for the twenties to 5 for the
    seventies. The age alone determines the following features, each from 0 to 1:

    * `greying`: hair, brows and beard turn grey, from 30 to 70 years;
    * `recession`: the hair line moves up, and the hair that hangs down gets shorter, from 25 to 80;
    * `wrinkles`: on the forehead, beside and below the eyes, between nose and mouth, from 35 to 80;
    * `sag`: lids and corners of the mouth sink, jowls grow, lips turn thin and pale, from 20 to 80.

    Images of a person differ in these features only. Backdrop, clothes, ears, skin tone, nose and irises do not change.

    Splits: "train" has 5000 people and "test" 500 others, with six images each. `person` is the number of the person
    within the split; the images 6 k to 6 k + 5 show person k from young to old.

    Symmetries: a face is its own mirror image.
    """

    name = "aging_faces"
    version = "1.0.0"
    description = (
        "Cartoon faces of 64x64 pixels: 5000 people to train and 500 others to test, each at six ages, with the ten "
        "numbers of the identity, the age and its effects on the face."
    )
    license = "CC0 1.0"
    sheet_count = 12 * len(DECADES)
    counts = {"train": 6 * 5_000, "test": 6 * 500}
    features = {
        "image": Image((PIXELS, PIXELS, 3), doc="A face from the front."),
        "label": ClassLabel(DECADES, doc="Decade of the age."),
        "age": Tensor(doc="Years, [20, 80)."),
        "person": Tensor(dtype="int64", doc="Number of the person within the split."),
        "identity": Tensor((10,), doc=f"Each in [0, 1]: {', '.join(IDENTITY)}."),
        "glasses": ClassLabel(("without glasses", "with glasses"), doc="Attribute of the person, at any age."),
        "beard": ClassLabel(("without beard", "with beard"), doc="Attribute of the person, at any age."),
        "greying": Tensor(doc="Greying of the hair, [0, 1]."),
        "recession": Tensor(doc="Recession of the hair line, [0, 1]."),
        "wrinkles": Tensor(doc="Depth of the wrinkles, [0, 1]."),
        "sag": Tensor(doc="Sag of lids, jowls and mouth, [0, 1]."),
    }

    def example(self, rng, split, index):
        person, decade = divmod(index, len(DECADES))
        # All images of a person draw the identity from one stream, and the age from their own stream.
        birth = self.random(f"{split} persons", person)
        identity = birth.random(len(IDENTITY), dtype="float32")
        glasses, beard = birth.random(2) < 0.25
        age = np.float32(YOUNGEST + 10 * (decade + rng.random()))
        return {
            "image": render(identity, age, glasses, beard),
            "label": np.int64(decade),
            "age": age,
            "person": np.int64(person),
            "identity": identity,
            "glasses": np.int64(glasses),
            "beard": np.int64(beard),
            **{name: np.float32(value) for name, value in effects(age).items()},
        }

    def some(self, split, count):
        """Returns all images of a few people, evenly spread over a split."""
        self.parts(split)
        size, total = len(DECADES), self.splits()[split]
        persons = np.linspace(0, max(total // size, 1) - 1, max(min(count, total) // size, 1)).round().astype(int)
        indices = (size * persons[:, None] + np.arange(size)).ravel()
        return self._made(split, indices[indices < total].tolist())

    def sheet(self, arrays):
        """Draws a person per row, ageing from left to right."""
        from kerasgan.data.prepare import prepare
        from kerasgan.pictures.images import grid

        return grid(prepare(arrays["image"]), columns=len(DECADES))


def effects(age):
    """Returns the effects of an age on a face: greying, recession, wrinkles and sag, each in [0, 1]."""
    return {
        "greying": drawing.ramp(age, 30, 70),
        "recession": drawing.ramp(age, 25, 80),
        "wrinkles": drawing.ramp(age, 35, 80),
        "sag": drawing.ramp(age, 20, 80),
    }


def render(identity, age, glasses=False, beard=False):
    """Draws a face.

    Args:
        identity: Ten numbers in [0, 1], in the order of `IDENTITY`.
        age: Age in years. Before 20 and after 80 the face does not change.
        glasses: Whether the person wears glasses.
        beard: Whether the person has a beard.

    Returns:
        A uint8 array of shape (64, 64, 3).
    """
    skin_tone, hair_colour, hair_length, forehead, width, length, spacing, eye_colour, nose, mouth = map(
        float, identity
    )
    greying, recession, wrinkles, sag = effects(age).values()
    skin = drawing.mix(PALE, DARK, skin_tone)
    # White hair keeps a tenth of its colour, so that the full identity is visible at any age.
    hair = drawing.hsv(0.06 + 0.06 * hair_colour, 0.6, 0.14 + 0.66 * hair_colour)
    hair = drawing.mix(hair, GREY_HAIR, 0.9 * greying)
    half_width, half_height = 14.5 + 4 * width, 19.5 + 3 * length

    canvas = np.empty((PIXELS, PIXELS, 3), "float32")
    canvas[:] = BACKDROP

    def add(distance, colour, opacity=1.0):
        drawing.paint(canvas, opacity * drawing.coverage(distance), colour)

    # Coordinates from the centre of the face. The face is symmetric, so x is the distance from the centre line.
    x, y = drawing.pixel_grid(PIXELS)
    x, y = np.abs(x - 32), y - 31

    hair_end = 2 + 22 * hair_length * (1 - 0.45 * recession)
    add(np.maximum(drawing.ellipse(x, y + 2, half_width + 3.5, half_height + 4), y - hair_end), hair * 0.85)
    add(np.maximum(x - half_width - 3.5 + y / 12, np.abs(y - hair_end / 2) - hair_end / 2), hair * 0.85)
    add(drawing.ellipse(x, y - 38, 27, 13.5), CLOTHES)
    add(drawing.box(x, y - 21, 6.5, 8), skin * 0.86)
    add(drawing.ellipse(x - half_width, y - 1, 2.3, 4.2), skin * 0.92)

    chin = np.clip(y / half_height, 0, 1)
    jowls = 2.2 * sag * np.exp(-(((chin - 0.62) / 0.22) ** 2))
    face = drawing.ellipse(x, y, half_width * (1 - 0.16 * chin) + jowls, half_height)
    add(face, skin)
    for row in (-7.5, -10.5, -13.5):
        add(drawing.box(x, y - row + 0.01 * x**2, 7.5, 0.35), skin * 0.55, wrinkles * 0.8)
    hair_line = -10 - 3.5 * forehead - 8.5 * recession + 0.05 * x**2 * (1 - 0.4 * recession)
    add(np.maximum(drawing.ellipse(x, y + 1, half_width + 2, half_height + 2), y - hair_line), hair)
    if beard:
        add(np.maximum(face, 8.5 - y - 0.018 * x**2), hair * 0.9, 0.9)

    eye_x, eye_y = 6 + 2.2 * spacing, -1.5
    lid = np.maximum(drawing.ellipse(x - eye_x, y - eye_y, 3.8, 2.5), eye_y - 2.5 + 2.4 * sag - y)
    iris = drawing.disc(x - eye_x, y - eye_y, 1.9)
    add(lid, (0.97, 0.97, 0.96))
    add(np.maximum(lid, iris), drawing.mix((0.38, 0.22, 0.10), (0.22, 0.52, 0.85), eye_colour))
    add(np.maximum(lid, iris + 1.0), (0.03, 0.03, 0.03))
    add(drawing.box(x - eye_x, y - eye_y + 2.6 - 2.4 * sag, 3.4, 0.4), skin * 0.5, 0.8)
    add(drawing.box(x - eye_x, y - eye_y + 5.5 - 0.06 * (x - eye_x) ** 2, 4, 0.85), hair * 0.75)

    fold = skin * 0.5
    bag = np.abs(drawing.ellipse(x - eye_x, y - eye_y, 4.4, 4.2)) - 0.35
    add(np.maximum(bag, eye_y + 2.4 - y), fold, wrinkles * 0.7)
    for slope in (-0.45, 0.0, 0.45):
        start = eye_x + 4.8, eye_y + 2.5 * slope
        add(drawing.capsule(x, y, start, (start[0] + 3, start[1] + 3 * slope), 0.35), fold, wrinkles * 0.7)
    add(drawing.capsule(x, y, (4.4, 6.5), (7.5, 12.5), 0.4), fold, wrinkles * 0.8)

    nose_width = 1.7 + 2 * nose
    add(drawing.capsule(x, y, (0, -1), (0, 6), 0.9, 0.7 * nose_width), skin * 0.9)
    add(drawing.ellipse(x, y - 6.3, nose_width, 1.3), skin * 0.74)

    mouth_width, lips = 3.6 + 2.6 * mouth, 1.5 - 0.7 * sag
    smile = 12.2 + (0.085 * sag - 0.055) * np.minimum(x, mouth_width) ** 2
    add(drawing.box(x, y - smile, mouth_width, lips), drawing.mix(YOUNG_LIPS, OLD_LIPS, sag) * (1 - 0.25 * skin_tone))
    add(drawing.box(x, y - smile, mouth_width, 0.35), skin * 0.35, 0.7)
    if glasses:
        add(np.abs(drawing.ellipse(x - eye_x, y - eye_y - 0.3, 5.2, 4.4)) - 0.45, (0.12, 0.12, 0.14))
        add(drawing.box(x, y - eye_y, eye_x - 5, 0.45), (0.12, 0.12, 0.14))
    return drawing.to_uint8(canvas)
