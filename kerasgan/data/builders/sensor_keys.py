"""Drawn keys at known angles, and the same keys seen by a sensor: synthetic images to refine, and real ones."""

import functools

import numpy as np

from kerasgan.data.builders.base import ProceduralDataset
from kerasgan.data.builders.features import Image, Tensor

PIXELS = 24
LIMIT = 60.0  # degrees
NOISE = 0.12  # standard deviation of the sensor's noise; black is -1 and white 1


class SensorKeys(ProceduralDataset):
    """Drawn keys at known angles, 24x24 grey pixels, and the same keys seen by a sensor, for refiners such as SimGAN.

    `synthetic` shows a key of random proportions at a random place and angle, antialiased and with the faint grain of a
    renderer (standard deviation 0.03 where black is -1 and white 1), from which a refiner without a noise input can
    make noise. `real` shows the same key as seen by a sensor with blur (1 pixel), less contrast (a factor of 0.5 to
    0.7), an offset (0 to 0.2), light from the left (0.15 to 0.35) and noise (0.12). Another size of
    `kerasgan.data.load` resizes the images, and the noise with them.

    An example contains both images, so that a refined image can be compared with what the sensor would have seen.
    `as_pairs="unpaired"`, which SimGAN requests, returns both sides in independent orders. For domains without common
    keys, take `synthetic` from one half of the data and `real` from the other half.

    Factors: `angle` of both images in degrees, uniform in [-60, 60]. An angle regressor trained on refined images
    should be better on real images than one trained on synthetic images.

    Splits: 10,000 pairs for training and 2000 for testing, from the same distribution.

    Symmetries: none, because the light comes from the left and the teeth are on one side.
    """

    name = "sensor_keys"
    version = "1.0.0"
    description = (
        "Drawn keys at known angles, 24x24 grey pixels, and the same keys through a sensor with blur, less contrast, "
        "light from the left and noise."
    )
    license = "CC0 1.0"
    sample = "synthetic"
    pair = ("synthetic", "real")
    sheet_count = 48
    counts = {"train": 10_000, "test": 2_000}
    features = {
        "synthetic": Image((PIXELS, PIXELS, 1), doc="The drawn key."),
        "real": Image((PIXELS, PIXELS, 1), doc="The same key through the sensor."),
        "angle": Tensor(doc="Angle of the key in degrees, [-60, 60]; clockwise, 0 with the bow at the left."),
    }

    def example(self, rng, split, index):
        image, angle = keys(1, rng)
        sides = {"synthetic": image[0], "real": sensed(image, rng)[0]}
        levels = {side: np.rint((x + 1) * 127.5).astype("uint8") for side, x in sides.items()}
        return levels | {"angle": np.float32(angle[0])}

    def sheet(self, arrays):
        """Draws synthetic and real key side by side, six examples per row."""
        from kerasgan.data.prepare import prepare
        from kerasgan.pictures.images import grid

        sides = np.stack([arrays["synthetic"], arrays["real"]], axis=1)
        picture = grid(prepare(sides.reshape(-1, PIXELS, PIXELS, 1)), columns=12, scale=2)
        return np.broadcast_to(picture, (*picture.shape[:2], 3))


def keys(count, random):
    """Draws keys with faint grain.

    Args:
        count: Number of keys.
        random: NumPy generator.

    Returns:
        A float32 array of shape (count, 24, 24, 1) in [-1, 1], and the angles in degrees, of shape (count,).
    """
    angles = random.uniform(-LIMIT, LIMIT, count)

    def drawn(low, high):
        return random.uniform(low, high, (count, 1, 1))

    turn = np.radians(angles)[:, None, None]
    rows, columns = np.mgrid[:PIXELS, :PIXELS] - (PIXELS - 1) / 2
    x, y = columns - drawn(-2, 2), rows - drawn(-2, 2)
    along, across = x * np.cos(turn) + y * np.sin(turn), y * np.cos(turn) - x * np.sin(turn)
    half, thick, radius, tooth = drawn(6.5, 8.5), drawn(0.8, 1.4), drawn(2.6, 3.8), drawn(2.0, 3.5)

    def bar(start, end, low, high):
        return np.maximum(np.maximum(start - along, along - end), np.maximum(low - across, across - high))

    # Signed distances in pixels of the bow, a ring, of the shaft and of two teeth at one side.
    bow = abs(np.hypot(along + half - radius, across) - radius + 0.7) - 0.9
    teeth = [bar(half - at - 1.6, half - at, 0, thick + tooth * size) for at, size in ((0, 1), (3.0, 0.6))]
    shaft = bar(2 * radius - half, half, -thick, thick)
    distance = functools.reduce(np.minimum, [bow, shaft, *teeth])
    images = -0.7 + 1.4 * np.clip(0.5 - distance, 0, 1) + random.normal(0, 0.03, (count, PIXELS, PIXELS))
    return np.clip(images, -1, 1)[..., None].astype("float32"), angles


def sensed(images, random, weakest=1.0):
    """Applies the sensor to images.

    Args:
        images: Array of shape (count, 24, 24, 1) in [-1, 1].
        random: NumPy generator.
        weakest: Smallest factor of all degradations. Each image has its own factor, up to 1.

    Returns:
        A float32 array of the images' shape, in [-1, 1].
    """
    from scipy import ndimage

    count = len(images)

    def drawn(low, high):
        return random.uniform(low, high, (count, 1, 1, 1))

    strength = drawn(weakest, 1)
    blurred = ndimage.gaussian_filter(images, (0, 1.0, 1.0, 0), mode="nearest")
    light = np.linspace(1, -1, PIXELS)[None, None, :, None] * drawn(0.15, 0.35)
    changed = (drawn(0.5, 0.7) - 1) * blurred + drawn(0.0, 0.2) + light + random.normal(0, NOISE, images.shape)
    return np.clip(images + strength * (blurred - images + changed), -1, 1).astype("float32")
