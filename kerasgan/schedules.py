"""Numbers of a recipe that change while a game is trained: a start, an end, and thousands of images between them.

A schedule stands where a recipe has a number: `R1(gamma=Cosine(150, 15, kimg=20_000))`, the rate or the second decay of
`kerasgan.optimizers.ScheduledAdam`, `ema_half_life`. It is a function of the model's saved counter `images_seen` and
has no state of its own, so that it depends on neither batch size nor epochs, and a resumed run goes on where it was.
"""

import dataclasses
import math

import keras
from keras import ops


@keras.saving.register_keras_serializable(package="kerasgan")
@dataclasses.dataclass(frozen=True)
class Cosine:
    """Half a cosine: end + (start - end) (1 + cos(pi t)) / 2, t = images / (1000 kimg) up to 1.

    Loshchilov & Hutter 2017, "SGDR", equation 5, without restarts; Huang et al. 2024 (R3GAN) use it for all that they
    schedule.

    Args:
        start: value at the first image.
        end: value from image 1000 `kimg` on.
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
        progress = ops.minimum(ops.cast(images_seen, "float32") / (1000.0 * self.kimg), 1.0)
        # (1 - cos(pi t)) / 2, which would cancel for small t
        return self.start + (self.end - self.start) * ops.square(ops.sin(0.5 * math.pi * progress))

    def __rmul__(self, factor):
        return Cosine(factor * self.start, factor * self.end, self.kimg)

    def get_config(self):
        return dataclasses.asdict(self)

    @classmethod
    def from_config(cls, config):
        return cls(**config)


def get(value):
    """A number as it is, or the schedule that a configuration stands for."""
    return keras.saving.deserialize_keras_object(value) if isinstance(value, dict) else value


def value_at(value, images_seen, dtype="float32"):
    """A number as it is, or a schedule's value when so many images have been seen, a scalar tensor of the dtype."""
    return ops.cast(value(images_seen), dtype) if isinstance(value, Cosine) else value


def lowest(value):
    """The lowest value of a number or schedule."""
    return min(value.start, value.end) if isinstance(value, Cosine) else value
