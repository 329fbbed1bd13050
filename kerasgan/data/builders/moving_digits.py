"""Clips of two handwritten digits that bounce within a frame."""

import functools

import numpy as np

from kerasgan.data.builders.base import ProceduralDataset
from kerasgan.data.builders.digits import Digits
from kerasgan.data.builders.features import Compressed, Tensor

FRAMES = 20
SIZE = 64
DIGIT = 24
DIGITS = 2
SPEEDS = (1.0, 4.0)


class MovingDigits(ProceduralDataset):
    """Clips of 20 frames of 64×64 pixels with two moving and bouncing handwritten digits of scikit-learn.

    As in Moving MNIST (Srivastava, Mansimov & Salakhutdinov 2015, arXiv:1502.04681), the digits move in straight lines
    at constant speed and bounce off the edges of the frame elastically. They do not interact; where they overlap, the
    brighter pixel is visible. A digit has 24×24 pixels, three times the size of its source.

    Factors:

    * `labels`: the two digits, 0 to 9;
    * `positions[frame, digit]`: row and column of the upper left corner of the digit's 24×24 square in pixels, 0 to 40.
      The frame shows the digit at the nearest integer position, `np.rint` of the position;
    * `velocities[frame, digit]`: row and column in pixels per frame. The speed of a digit is constant, 1 to 4 pixels
      per frame; speed and direction are drawn uniformly. A bounce changes the sign of a component.

    The clips of the test split show digits of the test split of `digits`, those of the training split never do.
    """

    name = "moving_digits"
    version = "1.0.0"
    source = "scikit-learn, procedural"
    description = (
        "Clips of 20 frames of 64x64 pixels with two bouncing handwritten digits, as in Moving MNIST; the digits are "
        "scikit-learn's, and the splits have no digit image in common."
    )
    citation = Digits.citation
    license = Digits.license
    homepage = Digits.homepage
    sample = "video"
    sheet_count = 8
    counts = {"train": 4096, "test": 512}
    features = {
        "video": Compressed((FRAMES, SIZE, SIZE, 1), doc="frames, 0 (black) to 255", value_range=(0, 255)),
        "labels": Tensor((DIGITS,), "int64", doc="the digits, 0 to 9"),
        "positions": Tensor((FRAMES, DIGITS, 2), doc="row and column of a digit's corner, pixels, 0 to 40"),
        "velocities": Tensor((FRAMES, DIGITS, 2), doc="row and column, pixels per frame, -4 to 4"),
    }

    def example(self, rng, split, index):
        images, labels = _digits(split)
        chosen = rng.integers(len(images), size=DIGITS)
        start = rng.uniform(0.0, SIZE - DIGIT, (DIGITS, 2))
        speed, direction = rng.uniform(*SPEEDS, DIGITS), rng.uniform(0.0, 2.0 * np.pi, DIGITS)
        velocity = speed[:, None] * np.stack([np.sin(direction), np.cos(direction)], axis=-1)
        positions, velocities = bounce(start, velocity, FRAMES, SIZE - DIGIT)
        positions, velocities = positions.astype("float32"), velocities.astype("float32")
        layers = np.zeros((DIGITS, FRAMES, SIZE, SIZE), "uint8")
        corners = np.rint(positions).astype(int).tolist()
        for frame in range(FRAMES):
            for digit, (row, column) in enumerate(corners[frame]):
                layers[digit, frame, row : row + DIGIT, column : column + DIGIT] = images[chosen[digit]]
        return {
            "video": layers.max(axis=0)[..., None],
            "labels": labels[chosen],
            "positions": positions,
            "velocities": velocities,
        }

    def sheet(self, arrays):
        """Draws every second frame of each clip, one clip per row."""
        from kerasgan.data.prepare import prepare
        from kerasgan.pictures.images import grid

        frames = arrays["video"][:, ::2]
        framed = np.pad(frames, ((0, 0), (0, 0), (1, 1), (1, 1), (0, 0)), constant_values=96)
        pictures = grid(prepare(framed.reshape(-1, *framed.shape[2:])), columns=frames.shape[1])
        return np.broadcast_to(pictures, (*pictures.shape[:2], 3))


def bounce(start, velocity, frames, span):
    """Computes motion at constant speed with elastic bounces between two walls, at 0 and at `span`.

    Unfolded at the walls, the path is a straight line; folding it back gives bounces at their exact times.

    Args:
        start: Array of any shape, values in [0, span].
        velocity: Array of the same shape, in units per frame.
        frames: Number of frames.
        span: Distance between the walls.

    Returns:
        `(positions, velocities)`, each of shape `(frames, *start.shape)`; the first frame has `start` and `velocity`.
    """
    times = np.arange(frames).reshape(-1, *[1] * np.ndim(start))
    unfolded = np.mod(start + times * velocity, 2 * span)
    return span - np.abs(unfolded - span), np.where(unfolded < span, velocity, -velocity)


@functools.cache
def _digits(split):
    from kerasgan.data.prepare import prepare

    digits = Digits()
    arrays = digits.arrays(split)
    images = prepare(arrays["image"], DIGIT, digits.features["image"].value_range)[..., 0]
    return np.rint((images + 1.0) * 127.5).astype("uint8"), arrays["label"]
