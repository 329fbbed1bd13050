"""DiffAugment: Zhao et al. 2020, "Differentiable Augmentation for Data-Efficient GAN Training"."""

import difflib
from dataclasses import dataclass
from typing import ClassVar

import keras
import numpy as np
from keras import ops

from kerasgan.augment.view import ImageView, per_sample, precision

__all__ = ["DiffAugment", "brightness", "contrast", "cutout", "saturation", "translation"]


def brightness(images, u):
    """`images` plus u - 0.5; `u` is uniform from 0 to 1, shape (batch,)."""
    return images + (per_sample(u, images) - 0.5)


def saturation(images, u):
    """`images` with differences from each pixel's mean times 2 u; `u` is uniform from 0 to 1, shape (batch,)."""
    return _about_mean(images, 2 * per_sample(u, images), (3,))


def contrast(images, u):
    """`images` with differences from each image's mean times u + 0.5; `u` is uniform from 0 to 1, shape (batch,)."""
    return _about_mean(images, per_sample(u, images) + 0.5, (1, 2, 3))


def _about_mean(images, factor, axes):
    # Not ops.mean, which averages float64 in float32 on JAX.
    mean = ops.sum(images, axis=axes, keepdims=True) / np.prod([images.shape[axis] for axis in axes]).item()
    return (images - mean) * factor + mean


def reach(size, share=0.125):
    """Largest translation of an image of `size` pixels: an eighth of them, halves rounded up."""
    return int(size * share + 0.5)


def translation(images, rows, columns):
    """Shifts images up by `rows` and to the left by `columns` pixels and fills with zeros.

    Args:
        images: Floats of shape (batch, height, width, channels).
        rows: Integers from -reach(height) to reach(height), shape (batch,).
        columns: Integers from -reach(width) to reach(width), shape (batch,).
    """
    return _moved(_moved(images, rows, 1), columns, 2)


def _moved(images, offsets, axis):
    """Images shifted by `offsets` pixels towards the start of an axis, in one pass for each bit of the offset.

    A gather needs only one pass, but its gradient is slow on CPUs.
    """
    size = images.shape[axis]
    bits = (2 * reach(size)).bit_length()
    margins = [(0, 0)] * 4
    margins[axis] = (reach(size), 2**bits - 1 - reach(size))
    x, offsets = ops.pad(images, margins), offsets + reach(size)

    def part(start, stop):
        return x[:, start:stop] if axis == 1 else x[:, :, start:stop]

    for step in (2**bit for bit in reversed(range(bits))):
        length = x.shape[axis]
        far = ops.reshape(offsets >= step, (-1, 1, 1, 1))
        x = ops.where(far, part(step, length), part(0, length - step))
        offsets = ops.where(offsets >= step, offsets - step, offsets)
    return x


def hole(size, share=0.5):
    """Side of the rectangle that `cutout` sets to 0 in an image of `size` pixels: half of them, halves rounded up."""
    return int(size * share + 0.5)


def cutout(images, rows, columns):
    """Sets to zero a rectangle with half the sides of the images, which may lie partly outside.

    Args:
        images: Floats of shape (batch, height, width, channels).
        rows: Row of the centre of the rectangle, integers of shape (batch,) from 0 to height - hole(height) % 2.
        columns: Column of the centre, integers of shape (batch,) from 0 to width - hole(width) % 2.
    """

    def within(size, centers):
        start = ops.cast(centers, "int32")[:, None] - hole(size) // 2
        places = ops.arange(size, dtype="int32")[None]
        return (places >= start) & (places < start + hole(size))

    height, width = images.shape[1:3]
    hidden = within(height, rows)[:, :, None, None] & within(width, columns)[:, None, :, None]
    return ops.where(hidden, ops.zeros_like(images), images)


POLICIES = ("color", "translation", "cutout")


@keras.saving.register_keras_serializable(package="kerasgan")
@dataclass(frozen=True, init=False)
class DiffAugment(ImageView):
    """Random colour, translation and cutout of every image: Zhao et al. 2020, section 3.2.

    Colour adds -0.5 to 0.5 to the brightness and multiplies the saturation by 0 to 2 and the contrast by 0.5 to 1.5.
    Translation shifts by up to an eighth of the sides and fills with zeros. Cutout sets a rectangle with half the sides
    to 0. Images are in [-1, 1]. The order is always colour, translation, cutout.

    Args:
        *policies: Names of the changes, "color", "translation" and "cutout"; all three by default.
    """

    policies: tuple[str, ...]
    unshared: ClassVar[tuple[str, ...]] = ()

    def __init__(self, *policies):
        for name in policies:
            if name not in POLICIES:
                near = difflib.get_close_matches(str(name), POLICIES, 1)
                raise ValueError(
                    f"`policies` has {name!r}; expected some of {', '.join(map(repr, POLICIES))}."
                    + (f" Did you mean {near[0]!r}?" if near else "")
                )
        chosen = tuple(name for name in POLICIES if name in policies) or POLICIES
        object.__setattr__(self, "policies", chosen)

    @classmethod
    def from_text(cls, text):
        return cls(*text.split(","))

    @classmethod
    def from_config(cls, config):
        return cls(*keras.saving.deserialize_keras_object(config)["policies"])

    def draw(self, images, seed):
        batch, (height, width) = ops.shape(images)[0], images.shape[1:3]
        draws = {}

        def integers(low, high):
            return keras.random.randint((batch,), low, high, dtype="int32", seed=seed)

        if "color" in self.policies:
            draws["color"] = keras.random.uniform((batch, 3), dtype=precision(images), seed=seed)
        if "translation" in self.policies:
            draws["translation"] = tuple(integers(-reach(size), reach(size) + 1) for size in (height, width))
        if "cutout" in self.policies:
            draws["cutout"] = tuple(integers(0, size + 1 - hole(size) % 2) for size in (height, width))
        return draws

    def transform(self, images, draws, images_seen=None):
        if "color" in draws:
            for place, change in enumerate((brightness, saturation, contrast)):
                images = change(images, draws["color"][:, place])
        if "translation" in draws:
            images = translation(images, *draws["translation"])
        if "cutout" in draws:
            images = cutout(images, *draws["cutout"])
        return images
