"""Images, vectors and labels, and the base class of all kinds.

A model checks its first batch against the kinds of its samples and conditions, so that wrong data are rejected with one
sentence that says what was passed, what was expected and what to call.
"""

import dataclasses
import math
import warnings
from dataclasses import dataclass

import keras
import numpy as np

from kerasgan.pictures.images import grid
from kerasgan.pictures.plots import histogram, scatter

# Tolerance beyond [-1, 1]: more than the rounding of half precision, less than a wrong range.
RANGE_TOLERANCE = 1e-2


class Kind:
    """Kind of a sample or a condition. A subclass is a frozen dataclass and defines `symbolic`, `example` and `check`.

    Attributes:
        name: Name of the network input that takes it, such as "labels".
        shape: Shape of one sample, without the batch axis.
        classes: Number of different values, for a kind with few values. `None` for other kinds.
        writes_png: Whether a sample is a picture that can be stored as PNG.
        file_types: File types of single samples that `encoded` supports, such as ("wav",).
    """

    name = "samples"
    shape: tuple
    classes = None
    writes_png = False
    file_types: tuple[str, ...] = ()

    def __str__(self):
        return f"{self.name} of shape {'x'.join(map(str, self.shape))}"

    def symbolic(self, batch_size=None):
        """A `keras.KerasTensor` of a batch, or a dictionary of them."""
        raise NotImplementedError(f"{type(self).__name__} must define symbolic(batch_size).")

    def example(self, batch_size, seed):
        """A random valid batch of NumPy arrays."""
        raise NotImplementedError(f"{type(self).__name__} must define example(batch_size, seed).")

    def check(self, value, name="x"):
        """Raises a ValueError unless `value` is a batch of this kind."""
        raise NotImplementedError(f"{type(self).__name__} must define check(value, name).")

    def encode(self, value):
        """Converts a user's values (lists, strings) to arrays for networks, on the host."""
        return value

    def tensor(self, value):
        """Converts a training step's batch to the form that networks take."""
        return value

    def input(self, packing=1):
        """The symbolic Keras input of a network for a batch.

        Args:
            packing: Number of samples that the network judges together.
        """
        spec = self.symbolic()
        shape = spec.shape[1:] if packing == 1 else (packing, *spec.shape[1:])
        return keras.Input(shape, dtype=spec.dtype, name=self.name)

    def examples(self, count):
        """Default conditions for `count` samples: a NumPy array of typical values."""
        return self.example(count, 0)

    def pictures(self, samples):
        """Draws samples as pictures.

        Args:
            samples: Array of shape (count, *shape).

        Returns:
            A float32 array of shape (count, height, width, 1 or 3) in [-1, 1]; `None` for kinds without pictures.
        """
        return None

    def sheet(self, samples, columns=None):
        """Draws many samples as one picture.

        Args:
            samples: Array of shape (count, *shape).
            columns: Number of samples in a row. Defaults to about the number of rows.

        Returns:
            A uint8 array of shape (height, width, 1 or 3); `None` for kinds without pictures.
        """
        pictures = self.pictures(samples)
        return None if pictures is None else grid(pictures, columns)

    def encoded(self, sample, file_type):
        """Encodes one sample as the bytes of a file, for kinds with `file_types`.

        Args:
            sample: Array of shape `shape`.
            file_type: One of `file_types`.
        """
        raise NotImplementedError(f"{type(self).__name__} has no type of files.")

    def recorded(self, samples):
        """Encodes many samples as one file to listen to or to watch.

        Args:
            samples: Array of shape (count, *shape).

        Returns:
            A pair (file type, contents in bytes); `None` for kinds that are shown as pictures.
        """
        return None

    def get_config(self):
        """The fields, JSON-ready."""
        return {field.name: _plain(getattr(self, field.name)) for field in dataclasses.fields(self)}  # type: ignore[arg-type]

    @classmethod
    def from_config(cls, config):
        return cls(**{name: tuple(value) if isinstance(value, list) else value for name, value in config.items()})


def _plain(value):
    return [_plain(item) for item in value] if isinstance(value, (list, tuple)) else value


register = keras.saving.register_keras_serializable(package="kerasgan")


@register
@dataclass(frozen=True)
class Images(Kind):
    """Images as floats in [-1, 1], channels last.

    Args:
        shape: `(height, width, channels)`, without the batch axis.
    """

    shape: tuple
    name = "images"

    def __post_init__(self):
        shape = tuple(self.shape)
        if len(shape) != 3 or not all(_is_positive_integer(size) for size in shape):
            raise ValueError(
                f"Images got shape={self.shape!r}; expected three positive integers: "
                "pass shape=(height, width, channels)."
            )
        object.__setattr__(self, "shape", shape)

    @property
    def writes_png(self):  # type: ignore[override]
        return self.shape[-1] <= 4

    @property
    def limits(self):
        """Lowest and highest valid value of a batch."""
        return -1.0 - RANGE_TOLERANCE, 1.0 + RANGE_TOLERANCE

    def symbolic(self, batch_size=None):
        """A `keras.KerasTensor` of floats of shape `(batch_size, height, width, channels)`."""
        return keras.KerasTensor((batch_size, *self.shape), dtype=keras.config.floatx())

    def example(self, batch_size, seed):
        """Random valid images: a float32 array of `batch_size` images, uniform in [-1, 1]."""
        noise = np.random.default_rng(seed).uniform(-1.0, 1.0, (batch_size, *self.shape))
        return noise.astype("float32")

    def check(self, value, name="x"):
        """Raises an error unless `value` is a batch of such images.

        Values that are never below 0 only cause a `UserWarning`: they are valid, but usually images in [0, 1].

        Args:
            value: NumPy array of shape `(batch, height, width, channels)`.
            name: Name of the value in messages.

        Raises:
            ValueError: For a wrong dtype, rank or shape, no image, NaN or infinite values, or values outside [-1, 1].
        """
        value = np.asarray(value)
        expected = f"expected float images in [-1, 1] of shape {_batch_shape(self.shape)}"
        if not _is_float(value):
            raise ValueError(f"{name} has dtype {value.dtype}; {expected}: call kerasgan.data.prepare({name}).")
        if value.ndim == 3:
            raise ValueError(
                f"{name} has shape {value.shape}, one axis too few; {expected}: call "
                f"kerasgan.data.prepare({name}) for images without a channel axis, or pass "
                f"{name}[None] for a single image."
            )
        if value.ndim != 4:
            raise ValueError(
                f"{name} has rank {value.ndim} (shape {value.shape}); {expected}: reshape it before the call."
            )
        if value.shape[1:] != self.shape:
            raise ValueError(f"{name} has shape {value.shape}; {expected}: {self._shape_advice(value.shape, name)}.")
        _check_not_empty(value, name, expected)
        _check_finite(value, name, expected)
        low, high = float(value.min()), float(value.max())
        if low < -1.0 - RANGE_TOLERANCE or high > 1.0 + RANGE_TOLERANCE:
            raise ValueError(
                f"{name} has values from {low:g} to {high:g}; {expected}: call "
                f"kerasgan.data.prepare({name}, value_range=(low, high)) with the range your "
                "pixels can take, (0, 255) for 8-bit ones."
            )
        if low >= 0.0:
            warnings.warn(
                f"{name} has values from {low:g} to {high:g} that never go below 0; {expected}: if "
                f"they are in [0, 1], call kerasgan.data.prepare({name}, value_range=(0, 1)).",
                UserWarning,
                stacklevel=2,
            )

    def pictures(self, samples):
        samples = np.asarray(samples, "float32")
        channels = samples.shape[-1]
        if channels in (2, 4):  # with alpha, on black
            return (samples[..., :-1] + 1.0) * (samples[..., -1:] + 1.0) / 2.0 - 1.0
        return samples if channels == 1 else samples[..., :3]

    def _shape_advice(self, shape, name):
        height, width, channels = self.shape
        if shape[1:] == (channels, height, width):
            return f"move the channels last with np.moveaxis({name}, 1, -1)"
        if shape[3] != channels:
            return f"convert the images to {channels} channel(s), or build the model with channels={shape[3]}"
        size = height if height == width else (height, width)
        return f"call kerasgan.data.prepare({name}, image_size={size})"


@register
@dataclass(frozen=True)
class Vectors(Kind):
    """Vectors of floats in any range, for example points in the plane.

    Args:
        size: Number of components of one vector.
    """

    size: int
    name = "vectors"

    @property
    def shape(self):  # type: ignore[override]
        return (self.size,)

    def __post_init__(self):
        if not _is_positive_integer(self.size):
            raise ValueError(f"Vectors got size={self.size!r}; expected a positive integer.")

    def sheet(self, samples, columns=None):
        """A scatter plot of the first two components, or a histogram of a single component."""
        points = np.asarray(samples, "float32")
        return scatter(points[:, :2]) if self.size > 1 else histogram(points[:, 0])

    @property
    def limits(self):
        """Lowest and highest valid value of a batch: any finite value is valid."""
        return -float(np.finfo("float32").max), float(np.finfo("float32").max)

    def symbolic(self, batch_size=None):
        """A `keras.KerasTensor` of floats of shape `(batch_size, size)`."""
        return keras.KerasTensor((batch_size, self.size), dtype=keras.config.floatx())

    def example(self, batch_size, seed):
        """Random valid vectors: a float32 array of shape `(batch_size, size)`, standard normal."""
        return np.random.default_rng(seed).standard_normal((batch_size, self.size), dtype="float32")

    def check(self, value, name="x"):
        """Raises an error unless `value` is a batch of such vectors.

        Args:
            value: NumPy array of shape `(batch, size)`.
            name: Name of the value in messages.

        Raises:
            ValueError: For a wrong dtype, rank or shape, no vector, or NaN or infinite values.
        """
        value = np.asarray(value)
        expected = f"expected float vectors of shape {_batch_shape((self.size,))}"
        if not _is_float(value):
            raise ValueError(f"{name} has dtype {value.dtype}; {expected}: call {name}.astype('float32').")
        if value.ndim != 2:
            raise ValueError(
                f"{name} has rank {value.ndim} (shape {value.shape}); {expected}: reshape it to "
                f"(len({name}), {self.size})."
            )
        if value.shape[1] != self.size:
            raise ValueError(
                f"{name} has shape {value.shape}; {expected}: pass vectors of {self.size} "
                f"component(s), or build the model for {value.shape[1]}."
            )
        _check_not_empty(value, name, expected)
        _check_finite(value, name, expected)


@register
@dataclass(frozen=True)
class Labels(Kind):
    """Class labels as integers from 0 to `num_classes - 1`.

    Args:
        num_classes: Number of classes.
    """

    num_classes: int
    name = "labels"
    shape = ()

    @property
    def classes(self):  # type: ignore[override]
        return self.num_classes

    def examples(self, count):
        return np.arange(count, dtype="int32") % self.num_classes

    def tensor(self, value):
        return keras.ops.reshape(value, (-1,))

    def __post_init__(self):
        if not _is_positive_integer(self.num_classes):
            raise ValueError(f"Labels got num_classes={self.num_classes!r}; expected a positive integer.")

    @property
    def limits(self):
        """Lowest and highest valid value of a batch."""
        return 0, self.num_classes - 1

    def symbolic(self, batch_size=None):
        """An int32 `keras.KerasTensor` of shape `(batch_size,)`."""
        return keras.KerasTensor((batch_size,), dtype="int32")

    def example(self, batch_size, seed):
        """Random valid labels: an int32 array of shape `(batch_size,)`, uniform over classes."""
        random = np.random.default_rng(seed)
        return random.integers(self.num_classes, size=batch_size, dtype="int32")

    def check(self, value, name="y"):
        """Raises an error unless `value` is a batch of such labels.

        Args:
            value: NumPy array of integers of shape `(batch,)` or `(batch, 1)`.
            name: Name of the value in messages.

        Raises:
            ValueError: For a wrong rank or shape, a dtype that is not an integer, no label, or a label outside
                `[0, num_classes)`.
        """
        value = np.asarray(value)
        expected = f"expected integer labels from 0 to {self.num_classes - 1} of shape (batch,) or (batch, 1)"
        if value.ndim == 2 and value.shape[1] == self.num_classes > 1:
            raise ValueError(
                f"{name} has shape {value.shape}, which looks one-hot; {expected}: call np.argmax({name}, axis=-1)."
            )
        if value.ndim != 1 and (value.ndim != 2 or value.shape[1] != 1):
            raise ValueError(f"{name} has shape {value.shape}; {expected}: pass one integer for each example.")
        if value.dtype.kind not in "iu":
            raise ValueError(
                f"{name} has dtype {value.dtype}; {expected}: call {name}.astype('int32') if the "
                "values are class numbers."
            )
        _check_not_empty(value, name, expected)
        low, high = int(value.min()), int(value.max())
        if low < 0 or high >= self.num_classes:
            raise ValueError(
                f"{name} has labels from {low} to {high}; {expected}: count the classes from 0, or "
                "build the model with the right num_classes."
            )


def check_batch(x_spec, y_spec, x, y=None):
    """Checks one batch (or a whole data set) against what a model expects.

    Args:
        x_spec: Kind of the samples.
        y_spec: Kind of the conditions or targets. `None` for a model without them.
        x: NumPy array of samples.
        y: NumPy array of conditions or targets, or `None`.

    Raises:
        ValueError: If `x` or `y` is not as expected, if `y` is missing or not accepted, or if the lengths differ.
    """
    if x is None:
        raise ValueError("x is None; expected real samples: call fit(x, ...) with data.")
    x_spec.check(x, "x")
    if y_spec is None and y is not None:
        shape = np.shape(keras.tree.flatten(y)[0])
        raise ValueError(
            f"y was given (shape {shape}), but this model is unconditional; expected samples x only: leave y out, load "
            "the data with labels=False, or build the model with num_classes."
        )
    if y_spec is None:
        return
    if y is None:
        raise ValueError(
            f"y is missing; this model expects {y_spec!r} beside the samples x: call fit(x, y) or "
            "pass a data set of (x, y) pairs."
        )
    y_spec.check(y, "y")
    counts = [{len(part) for part in keras.tree.flatten(value)} for value in (x, y)]
    if len(counts[0] | counts[1]) != 1:
        found = [" or ".join(map(str, sorted(count))) for count in counts]
        raise ValueError(
            f"x has {found[0]} examples and y has {found[1]}; expected equal lengths: pass one y for each sample."
        )


def check_labels_vary(y, num_classes):
    """Rejects labels of a single class for a conditional model, which would learn to ignore them.

    Batches are accepted if they are so small that balanced labels would all agree with a probability above 1e-6.

    Args:
        y: NumPy array of integer labels: the whole data set, or a batch of it.
        num_classes: Number of classes of the model.

    Raises:
        ValueError: If all labels are the same class.
    """
    y = np.asarray(y).reshape(-1)
    chance_is_negligible = (y.size - 1) * math.log(num_classes) > math.log(1e6)
    if chance_is_negligible and (y == y[0]).all():
        raise ValueError(
            f"y holds one class only: all {y.size} labels are {y[0]}; expected labels that vary "
            f"over {num_classes} classes: shuffle the data if it is sorted by class, or build the "
            "model without num_classes."
        )


def check_count(name, value, least=1):
    """Raises an error unless `value` is an integer of at least `least`.

    Args:
        name: Name of the argument in the message.
        value: Value of the argument.
        least: Smallest valid value.

    Raises:
        ValueError: For any other value.
    """
    if isinstance(value, bool) or not isinstance(value, (int, np.integer)) or value < least:
        kind = {0: "an integer of 0 or more", 1: "a positive integer"}.get(least, f"an integer of at least {least}")
        raise ValueError(f"`{name}` is {value!r}; expected {kind}.")


def _is_positive_integer(value):
    return isinstance(value, (int, np.integer)) and not isinstance(value, bool) and value > 0


def _is_float(value):
    # NumPy does not count JAX's bfloat16 among its floating-point types.
    return value.dtype.kind == "f" or value.dtype.name == "bfloat16"


def _batch_shape(shape):
    return "(" + ", ".join(["batch", *map(str, shape)]) + ")"


def _check_not_empty(value, name, expected):
    if len(value) == 0:
        raise ValueError(f"{name} is empty (shape {value.shape}); {expected}: pass at least one example.")


def _check_finite(value, name, expected):
    wrong = int(np.size(value) - np.isfinite(value).sum())
    if wrong:
        raise ValueError(
            f"{name} has {wrong} NaN or infinite value(s); {expected}: remove them, for example "
            f"with np.nan_to_num({name})."
        )
