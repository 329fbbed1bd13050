"""Numbers of a recipe that change while a game is trained: a start, an end, and thousands of images between them.

A schedule takes the place of a number in a recipe: `R1(gamma=Cosine(150, 15, kimg=20_000))`, the learning rate or
second decay of a `ScheduledAdam`, `ema_half_life`. It is a function of the model's saved counter `images_seen` and has
no state of its own, so it depends on neither the batch size nor the epoch, and a resumed run continues it exactly.
"""

import dataclasses
import math

import keras
from keras import ops


@dataclasses.dataclass(frozen=True)
class Schedule:
    """A number that goes from a start to an end: a subclass says how.

    Args:
        start: value at the first image.
        end: the last value.
        kimg: thousands of real images over which it changes, positive.
    """

    start: float
    end: float
    kimg: float

    def __post_init__(self):
        if not self.kimg > 0:
            raise ValueError(f"kimg is {self.kimg!r}, expected a positive number of thousands of images.")

    def __call__(self, images_seen):
        """The value, a float32 scalar tensor, when so many real images have been trained on (number or variable)."""
        raise NotImplementedError(f"{type(self).__name__} must define __call__(images_seen).")

    def __rmul__(self, factor):
        return dataclasses.replace(self, start=factor * self.start, end=factor * self.end)

    def get_config(self):
        return dataclasses.asdict(self)

    @classmethod
    def from_config(cls, config):
        return cls(**config)


@keras.saving.register_keras_serializable(package="kerasgan")
@dataclasses.dataclass(frozen=True)
class Cosine(Schedule):
    """Half a cosine: end + (start - end) (1 + cos(pi t)) / 2, t = images / (1000 kimg) up to 1.

    Loshchilov & Hutter 2017, "SGDR", equation 5, without restarts; Huang et al. 2024 (R3GAN) use it for all that they
    schedule.

    Args:
        start: value at the first image.
        end: value from image 1000 `kimg` on.
        kimg: thousands of real images over which it changes, positive.
    """

    def __call__(self, images_seen):
        progress = ops.minimum(ops.cast(images_seen, "float32") / (1000.0 * self.kimg), 1.0)
        # (1 - cos(pi t)) / 2, which would cancel for small t
        return self.start + (self.end - self.start) * ops.square(ops.sin(0.5 * math.pi * progress))


@keras.saving.register_keras_serializable(package="kerasgan")
@dataclasses.dataclass(frozen=True)
class Exponential(Schedule):
    """Constant at first, then start (end / start)^t, t from 0 to 1 over `kimg` (BiGAN's code: Donahue et al. 2017).

    Args:
        start: value of the first images, positive.
        end: value from image 1000 (`wait` + `kimg`) on, positive.
        kimg: thousands of real images over which it changes, positive.
        wait: thousands of images before that.
    """

    wait: float = 0.0

    def __post_init__(self):
        super().__post_init__()
        if not (self.start > 0 and self.end > 0):
            raise ValueError(f"start and end are {self.start!r} and {self.end!r}, expected positive numbers.")

    def __call__(self, images_seen):
        kimg = ops.cast(images_seen, "float32") / 1000.0
        progress = ops.clip((kimg - self.wait) / self.kimg, 0.0, 1.0)
        return self.start * ops.exp(math.log(self.end / self.start) * progress)


def get(value):
    """A number as it is, or the schedule that a configuration stands for."""
    return keras.saving.deserialize_keras_object(value) if isinstance(value, dict) else value


def value_at(value, images_seen, dtype="float32"):
    """A number as it is, or a schedule's value when so many images have been seen, a scalar tensor of the dtype."""
    return ops.cast(value(images_seen), dtype) if isinstance(value, Schedule) else value


def lowest(value):
    """The lowest value of a number or schedule."""
    return min(value.start, value.end) if isinstance(value, Schedule) else value
