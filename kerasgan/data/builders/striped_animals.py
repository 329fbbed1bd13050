"""Pairs of a plain and a striped animal in the same pose and place."""

import numpy as np

from kerasgan.data.builders import drawing
from kerasgan.data.builders.base import ProceduralDataset
from kerasgan.data.builders.features import ClassLabel, Image, Tensor

PIXELS = 64
WHITE, BLACK = (0.95, 0.94, 0.90), (0.07, 0.06, 0.06)


class StripedAnimals(ProceduralDataset):
    """Pairs of 64x64 colour images of a plain and a striped animal, like horse and zebra.

    `image` shows the plain animal, `target` the striped one, in the same pose, position and landscape. `mask` is 1
    wherever the animal covers any part of a pixel; where it is 0, the two images are bit-identical. An example contains
    both images, so that shuffling keeps pairs together. For unpaired domains, take `image` from one half of the data
    and `target` from the other half.

    Factors, all uniform: `facing` (left or right), `scale` in [0.7, 0.95], the position `x`, `y` of the body in pixels,
    `neck` (0.3 to 0.75 radians above the horizontal), `hue` of the plain coat in turns, and `stripes`, the density of
    the stripes (18 to 26 radians per unit of body length). The density is only visible in the striped animal, and the
    hue only in the plain one. Legs, sky, horizon, meadow and light vary as well.

    Splits: 10,000 pairs for training and 1000 for testing, from the same distribution.

    Symmetries: a mirrored image shows an animal facing the other way; the light comes from above.
    """

    name = "striped_animals"
    version = "1.0.0"
    description = (
        "Pairs of 64x64 images of a plain and a striped animal in the same pose, place and landscape, with the mask "
        "of the animal; the two are bit-identical outside the mask."
    )
    license = "CC0 1.0"
    sheet_count = 24
    counts = {"train": 10_000, "test": 1_000}
    pair = ("image", "target")
    features = {
        "image": Image((PIXELS, PIXELS, 3), doc="The plain animal."),
        "target": Image((PIXELS, PIXELS, 3), doc="The striped animal."),
        "mask": Tensor((PIXELS, PIXELS, 1), "uint8", doc="1 where the animal is, 0 elsewhere."),
        "facing": ClassLabel(("left", "right"), doc="Direction in which the animal faces."),
        "scale": Tensor(doc="Size, [0.7, 0.95]."),
        "x": Tensor(doc="Middle of the body from the left, in pixels."),
        "y": Tensor(doc="Middle of the body from the top, in pixels."),
        "neck": Tensor(doc="Rise of the neck in radians, [0.3, 0.75]."),
        "hue": Tensor(doc="Hue of the plain coat in turns, [0.02, 0.1]."),
        "stripes": Tensor(doc="Density of the stripes in radians per unit of body length, [18, 26]."),
    }

    def example(self, rng, split, index):
        facing = int(rng.integers(2))
        direction = 2 * facing - 1
        scale, neck, hue, stripes = rng.uniform((0.7, 0.3, 0.02, 18), (0.95, 0.75, 0.1, 26))
        # The head reaches further than the tail: the shift keeps both within the image.
        x, y = 32 + 32 * (rng.uniform((-0.12, 0), (0.12, 0.2)) - (0.1 * direction, 0))
        legs = rng.uniform(-0.12, 0.12, 4)

        columns, rows = drawing.pixel_grid(PIXELS)
        unit = np.float32(32 * scale)
        along, down = (columns - np.float32(x)) * direction / unit, (rows - np.float32(y)) / unit
        body, hair, eye = outlines(along, down, neck, legs)
        body, hair, eye = (drawing.coverage(distance * unit) for distance in (body, hair, eye))

        landscape = draw_landscape(rng)
        shadow = drawing.ellipse(along, down - 0.6, 0.5, 0.07)
        drawing.paint(landscape, 0.4 * drawing.coverage(shadow * unit), (0.03, 0.05, 0.03))

        roughness = drawing.value_noise(rng, PIXELS, (8, 16))
        light = (0.86 + 0.75 * np.clip(-down, -0.3, 0.3) + 0.3 * (roughness - 0.5))[..., None]
        coat = drawing.hsv(hue, rng.uniform(0.5, 0.75), rng.uniform(0.4, 0.75))
        warp = drawing.value_noise(rng, PIXELS, (4, 8)) - 0.5
        black = stripe_pattern(along, down, stripes, warp)[..., None]
        sides = {
            "image": (light * coat, 0.35 * coat),
            "target": (light * drawing.mix(WHITE, BLACK, black), BLACK),
        }
        example = {}
        for side, (fur, hair_colour) in sides.items():
            canvas = landscape.copy()
            drawing.paint(canvas, hair, hair_colour)
            drawing.paint(canvas, body, fur)
            drawing.paint(canvas, eye, (0, 0, 0))
            example[side] = drawing.to_uint8(canvas)
        example["mask"] = (np.maximum(body, hair) > 0).astype("uint8")[..., None]
        factors = {"scale": scale, "x": x, "y": y, "neck": neck, "hue": hue, "stripes": stripes}
        return example | {"facing": np.int64(facing)} | {name: np.float32(value) for name, value in factors.items()}

    def sheet(self, arrays):
        """Draws plain animal, striped animal and mask side by side, three examples per row."""
        from kerasgan.data.prepare import prepare
        from kerasgan.pictures.images import grid

        mask = np.broadcast_to(255 * arrays["mask"], arrays["image"].shape)
        sides = np.stack([arrays["image"], arrays["target"], mask], axis=1)
        return grid(prepare(sides.reshape(-1, PIXELS, PIXELS, 3)), columns=9)


def outlines(along, down, neck, legs):
    """Returns signed distances to an animal that faces right, in units of its size.

    Args:
        along: x of the pixels from the middle of the body.
        down: y of the pixels from the middle of the body.
        neck: Rise of the neck in radians.
        legs: Distance of each foot in front of its hip or shoulder, hind legs first.

    Returns:
        Distances to body with neck, head, ear and legs, to mane and tail, and to the eye.
    """

    def limb(start, stop, radius, end_radius):
        return drawing.capsule(along, down, start, stop, radius, end_radius)

    head = 0.42 + 0.22 * np.cos(neck), -0.2 - 0.42 * np.sin(neck)
    parts = [
        drawing.ellipse(along, down, 0.5, 0.24),
        limb((0.36, -0.08), head, 0.15, 0.08),
        limb(head, (head[0] + 0.2, head[1] + 0.13), 0.09, 0.055),
        limb((head[0] - 0.03, head[1] - 0.03), (head[0] - 0.04, head[1] - 0.15), 0.035, 0.012),
    ]
    for hip, step in zip((-0.38, -0.26, 0.27, 0.38), legs, strict=True):
        parts.append(limb((hip, 0.1), (hip + step, 0.56), 0.08, 0.04))
    tail = limb((-0.47, -0.04), (-0.62, 0.33), 0.03, 0.05)
    mane = limb((0.25, -0.23), (head[0] - 0.1, head[1] - 0.04), 0.05, 0.055)
    eye = drawing.disc(along - head[0] - 0.05, down - head[1] - 0.01, 0.025)
    return np.minimum.reduce(parts), np.minimum(tail, mane), eye


def stripe_pattern(along, down, density, warp):
    """Returns the fraction of black at each pixel: stripes are vertical on the body and horizontal on the legs.

    Args:
        along, down: Coordinates from the middle of the body, in units of its size.
        density: Density in radians per unit.
        warp: Irregularity of each pixel, about -0.5 to 0.5.
    """
    on_legs = np.clip((down - 0.14) / 0.14, 0, 1)
    phase = density * ((1 - on_legs) * (along + 0.3 * down * np.sign(along)) + 1.2 * on_legs * down + 0.3 * warp)
    return np.clip(0.5 - 2.2 * np.sin(phase), 0, 1)


def draw_landscape(rng):
    """Draws a sky with clouds above a meadow, float32 of shape (64, 64, 3)."""
    _, rows = drawing.pixel_grid(PIXELS)
    clouds = drawing.value_noise(rng, PIXELS, (4, 8, 16))[..., None]
    sky = np.array((0.55, 0.72, 0.92), "float32") * (1 - rng.uniform(0, 0.35) * clouds)
    green = drawing.hsv(rng.uniform(0.13, 0.32), 0.55, 0.6)
    meadow = green * (0.55 + 0.75 * drawing.value_noise(rng, PIXELS, (8, 16, 32), persistence=0.8))[..., None]
    horizon = 32 * (1 + rng.uniform(-0.25, 0.25)) + 4 * (clouds[..., 0] - 0.5)
    above = drawing.coverage(rows - horizon)[..., None]
    return (meadow + above * (sky - meadow)).astype("float32")
