"""Numbers of a recipe that change during training, from a start value to an end value over some thousands of images.

A schedule can replace a number in a recipe: `R1(gamma=Cosine(150, 15, kimg=20_000))`, the learning rate and the second
decay of `Adam`, `ema_half_life`. It is a function of the model's saved counter `images_seen`, so it depends neither on
the batch size nor on the epoch, and a resumed run continues it exactly.
"""

import dataclasses
import math

import keras
from keras import ops


@keras.saving.register_keras_serializable(package="kerasgan")
@dataclasses.dataclass(frozen=True)
class Stairs:
    """A batch size that changes with the thousands of images seen: `Stairs(((0, 128), (600, 64)))`.

    All epochs have as many steps as the largest batch allows.

    Args:
        steps: Pairs (kimg, batch size) in ascending order of kimg, starting at 0.

    Raises:
        ValueError: If `steps` has another form.
    """

    steps: tuple

    def __post_init__(self):
        steps = tuple((float(kimg), size) for kimg, size in self.steps)
        object.__setattr__(self, "steps", steps)
        begins = [kimg for kimg, _ in steps]
        if not steps or begins[0] != 0 or begins != sorted(set(begins)):
            raise ValueError(f"`steps` is {self.steps}; expected pairs (kimg, batch size), kimg ascending from 0.")
        if any(not isinstance(size, int) or size < 1 for _, size in steps):
            raise ValueError(f"`steps` is {self.steps}; expected positive integers as batch sizes.")

    @property
    def largest(self):
        """The largest batch size."""
        return max(size for _, size in self.steps)

    def at(self, images):
        """The batch size after a number of images."""
        return next(size for kimg, size in reversed(self.steps) if images >= 1000 * kimg)

    def sizes(self, images, count):
        """The sizes of the next `count` batches after a number of images, as a list."""
        found = []
        for _ in range(count):
            found.append(self.at(images))
            images += found[-1]
        return found

    def before(self, images, count):
        """The number of images seen before the last `count` batches, after which `images` have been seen.

        Raises:
            ValueError: If no batch ends after this number of images.
        """
        smallest = min(size for _, size in self.steps)
        for start in range(max(0, images - count * self.largest), images - count * smallest + 1):
            if start + sum(self.sizes(start, count)) == images:
                return start
        raise ValueError(f"{count} batches cannot end after {images} images with the batch sizes {self.steps}.")

    def get_config(self):
        return {"steps": [list(step) for step in self.steps]}

    @classmethod
    def from_config(cls, config):
        return cls(tuple(map(tuple, config["steps"])))


@dataclasses.dataclass(frozen=True)
class Schedule:
    """Base class of numbers that change from a start value to an end value.

    Args:
        start: Value at the first image.
        end: Last value.
        kimg: Thousands of real images over which the value changes, positive.
    """

    start: float
    end: float
    kimg: float

    def __post_init__(self):
        if not self.kimg > 0:
            raise ValueError(f"`kimg` is {self.kimg!r}; expected a positive number of thousands of images.")

    def __call__(self, images_seen):
        """The value after a number of real images, as a scalar tensor of the dtype `precision()`.

        Args:
            images_seen: Number of images, or a variable that holds it.
        """
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

    Equation 5 of Loshchilov & Hutter 2017 ("SGDR") without restarts; all schedules of R3GAN (Huang et al. 2024).

    Args:
        start: Value at the first image.
        end: Value from image 1000 `kimg` on.
        kimg: Thousands of real images over which the value changes, positive.
    """

    def __call__(self, images_seen):
        progress = ops.minimum(ops.cast(images_seen, precision()) / (1000.0 * self.kimg), 1.0)
        # (1 - cos(pi t)) / 2, which would cancel for small t
        return self.start + (self.end - self.start) * ops.square(ops.sin(0.5 * math.pi * progress))


@keras.saving.register_keras_serializable(package="kerasgan")
@dataclasses.dataclass(frozen=True)
class Exponential(Schedule):
    """Constant at first, then start (end / start)^t, t from 0 to 1 over `kimg` (BiGAN's code: Donahue et al. 2017).

    Args:
        start: Value of the first images, positive.
        end: Value from image 1000 (`wait` + `kimg`) on, positive.
        kimg: Thousands of real images over which the value changes, positive.
        wait: Thousands of images before the value starts to change.
    """

    wait: float = 0.0

    def __post_init__(self):
        super().__post_init__()
        if not (self.start > 0 and self.end > 0):
            raise ValueError(f"`start` and `end` are {self.start!r} and {self.end!r}; expected positive numbers.")

    def __call__(self, images_seen):
        kimg = ops.cast(images_seen, precision()) / 1000.0
        progress = ops.clip((kimg - self.wait) / self.kimg, 0.0, 1.0)
        return self.start * ops.exp(math.log(self.end / self.start) * progress)


@keras.saving.register_keras_serializable(package="kerasgan")
@dataclasses.dataclass(frozen=True)
class Steps(Schedule):
    """Piecewise constant values, without transitions.

    Args:
        start: Value of the first images.
        end: Value from image 1000 `kimg` on.
        kimg: Thousands of images before the last value.
        between: Pairs (kimg, value) of the intermediate values, in ascending order of kimg.
    """

    between: tuple = ()

    def __post_init__(self):
        super().__post_init__()
        object.__setattr__(self, "between", tuple((float(kimg), value) for kimg, value in self.between))
        begins = [kimg for kimg, _ in self.between] + [self.kimg]
        if begins != sorted(set(begins)) or not begins[0] > 0:
            raise ValueError(f"`between` is {self.between} and `kimg` {self.kimg}; expected ascending positive kimg.")

    def __call__(self, images_seen):
        images, value = ops.cast(images_seen, precision()), ops.cast(self.start, precision())
        for kimg, later in (*self.between, (self.kimg, self.end)):
            value = ops.where(images >= 1000.0 * kimg, ops.cast(later, value.dtype), value)
        return value

    def __rmul__(self, factor):
        between = tuple((kimg, factor * value) for kimg, value in self.between)
        return dataclasses.replace(super().__rmul__(factor), between=between)


def get(value):
    """Returns a number unchanged, or the schedule of a configuration."""
    return keras.saving.deserialize_keras_object(value) if isinstance(value, dict) else value


def value_at(value, images_seen, dtype=None):
    """Returns a number unchanged, or a schedule's value after a number of images.

    Args:
        value: Number or `Schedule`.
        images_seen: Number of images, or a variable that holds it.
        dtype: Dtype of a schedule's value; `precision()` by default.

    Returns:
        The number, or a scalar tensor.
    """
    return ops.cast(value(images_seen), dtype or precision()) if isinstance(value, Schedule) else value


def precision():
    """The dtype for values computed from the counters: float64 if it is Keras' default, otherwise float32.

    In float32, two engines, or one engine with different graph optimizations, round a schedule's values differently, so
    that float64 runs would differ by as much.
    """
    return "float64" if keras.config.floatx() == "float64" else "float32"


def lowest(value):
    """The lowest value of a number or schedule."""
    return min(value.start, value.end) if isinstance(value, Schedule) else value
