"""Antialiased shapes on NumPy canvases.

A shape is represented by its signed distance: an array of the distances of the pixel centres to the outline in pixels,
negative inside. Centres are at 0.5, 1.5, ...; x points right and y points down; angles are clockwise on the screen.
"""

import math

import numpy as np


def pixel_grid(size):
    """Returns x and y of the pixel centres of a square image, float32 arrays that broadcast to `(size, size)`."""
    centres = np.arange(size, dtype="float32") + 0.5
    return centres[None, :], centres[:, None]


def coverage(distance):
    """Returns the fraction of each pixel inside a shape, exact for straight outlines along the grid."""
    return np.clip(0.5 - distance, 0, 1)


def paint(canvas, cover, colour):
    """Blends a colour into a canvas, in place.

    Args:
        canvas: Float array of shape `(height, width, 3)`.
        cover: Opacity of each pixel in [0, 1], of shape `(height, width)`.
        colour: RGB, or an array that broadcasts to the canvas.
    """
    canvas += cover[..., None] * (np.asarray(colour, canvas.dtype) - canvas)


def to_uint8(canvas):
    """Converts a canvas with values in [0, 1] to levels 0 to 255."""
    return np.rint(np.clip(canvas, 0, 1) * 255).astype("uint8")


def hsv(hue, saturation, value):
    """Returns float32 RGB of a hue in turns (0 is red, 1/3 green, 2/3 blue), a saturation and a value in [0, 1]."""
    sector = (np.array([5, 3, 1]) + 6 * hue) % 6
    return (value * (1 - saturation * np.clip(np.minimum(sector, 4 - sector), 0, 1))).astype("float32")


def mix(first, second, share):
    """Interpolates linearly between `first` (share 0) and `second` (share 1)."""
    return np.asarray(first, "float32") * (1 - share) + np.asarray(second, "float32") * share


def ramp(value, start, stop):
    """Returns 0 below `start`, 1 above `stop`, and interpolates linearly in between."""
    return min(max((value - start) / (stop - start), 0.0), 1.0)


def disc(x, y, radius):
    return np.hypot(x, y) - radius


def ellipse(x, y, width, height):
    """An ellipse with half axes `width` and `height`. The distance is exact to first order at the outline."""
    x, y = np.abs(x) + 1e-6, np.abs(y)
    level = np.hypot(x / width, y / height)
    return (level - 1) * level / np.hypot(x / width**2, y / height**2)


def box(x, y, width, height):
    """A rectangle with half sides `width` and `height`."""
    return np.maximum(np.abs(x) - width, np.abs(y) - height)


def capsule(x, y, start, stop, radius, end_radius=None):
    """A line from `start` to `stop` with half width `radius` at the start and `end_radius` at the end."""
    end_radius = radius if end_radius is None else end_radius
    along_x, along_y = stop[0] - start[0], stop[1] - start[1]
    x, y = x - start[0], y - start[1]
    share = np.clip((x * along_x + y * along_y) / (along_x**2 + along_y**2), 0, 1)
    return np.hypot(x - share * along_x, y - share * along_y) - (radius + (end_radius - radius) * share)


def polygon(x, y, corners):
    """A polygon.

    Args:
        x, y: Pixel centres.
        corners: `(x, y)` of each corner, in order.
    """
    distance = np.full(np.broadcast_shapes(np.shape(x), np.shape(y)), np.inf, "float32")
    inside = np.zeros(distance.shape, bool)
    for (left, top), (right, bottom) in zip(corners, (*corners[1:], corners[0]), strict=True):
        distance = np.minimum(distance, capsule(x, y, (left, top), (right, bottom), 0))
        if top != bottom:
            crosses = ((y < top) != (y < bottom)) & (x < left + (y - top) * (right - left) / (bottom - top))
            inside ^= crosses
    return np.where(inside, -distance, distance)


HEART_SIDE = 1.0768  # side of the heart's square for the radius 1: the tip is at a distance of 1 from the centroid


def heart(x, y, radius):
    """An upright heart: a square on its corner with a disc on each of the two upper sides.

    The outline is exact. The origin is the centroid of the area.
    """
    half = HEART_SIDE * radius / 2
    y = y - heart_shift(radius)
    diagonal = half / math.sqrt(2)  # the sides' midpoints are at (±diagonal, ±diagonal)
    square = (np.abs(x) + np.abs(y)) / math.sqrt(2) - half
    return np.minimum(square, disc(np.abs(x) - diagonal, y + diagonal, half))


def heart_shift(radius):
    """Returns how far the centre of the heart's square is below (y down) the centroid of the heart."""
    half = HEART_SIDE * radius / 2
    half_discs = math.pi * half**2
    # A half disc's centroid is 4 r / 3π from its straight side, here along the diagonal.
    above = half / math.sqrt(2) + 4 * half / (3 * math.pi) / math.sqrt(2)
    return half_discs * above / ((2 * half) ** 2 + half_discs)


def square(x, y, radius):
    """An axis-aligned square with circumscribed radius `radius`."""
    return box(x, y, radius / math.sqrt(2), radius / math.sqrt(2))


def triangle(x, y, radius):
    """A regular triangle with circumscribed radius `radius` and one corner at the top."""
    return polygon(x, y, corners_on_circle(3, [radius]))


def star(x, y, radius):
    """A five-pointed star."""
    return polygon(x, y, corners_on_circle(10, [radius, 0.45 * radius]))


def ring(x, y, radius):
    return np.abs(np.hypot(x, y) - 0.78 * radius) - 0.22 * radius


def cross(x, y, radius):
    """An upright cross of two bars."""
    length, width = 0.95 * radius, 0.3 * radius
    return np.minimum(box(x, y, length, width), box(x, y, width, length))


def corners_on_circle(count, radii):
    """Returns corners at equal angles, clockwise from the top, with the radii in turn."""
    angles = np.arange(count) * 2 * math.pi / count
    radius = np.resize(radii, count)
    return tuple(zip(radius * np.sin(angles), -radius * np.cos(angles), strict=True))


def value_noise(rng, size, cells, persistence=0.6):
    """Smooth random values between 0 and 1: lattices of random numbers, smoothly interpolated and summed.

    Args:
        rng: `np.random.Generator`.
        size: Side of the picture.
        cells: Number of lattice cells along a side, for each octave.
        persistence: Weight of an octave relative to the one before.

    Returns:
        float32 array of shape `(size, size)`.
    """
    total = np.zeros((size, size), "float32")
    weight, weights = 1.0, 0.0
    for cell_count in cells:
        lattice = rng.random((cell_count + 1, cell_count + 1), dtype="float32")
        place = (np.arange(size) + 0.5) / size * cell_count
        corner = place.astype(int)
        share = (place - corner).astype("float32")
        share = share * share * (3 - 2 * share)
        # One matrix interpolates both axes: row i weighs the two lattice lines around pixel i.
        weigh = np.zeros((size, cell_count + 1), "float32")
        weigh[np.arange(size), corner] = 1 - share
        weigh[np.arange(size), corner + 1] = share
        total += weight * (weigh @ lattice @ weigh.T)
        weights += weight
        weight *= persistence
    return total / np.float32(weights)
