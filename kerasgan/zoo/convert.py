"""Converts published weights of other implementations: maps each variable of our networks to their arrays.

A family defines a list of (variable, `Source`) for a network, and `assign` sets the variables. Arrays are those of a
PyTorch `state_dict`: kernels (out, in, height, width), matrices (out, in).
"""

import dataclasses
from collections.abc import Callable
from typing import Any

import numpy as np
from keras import ops


def as_stored(values):
    """Returns vectors and numbers unchanged."""
    return values


def kernel(values):
    """Kernels (out, in, height, width) and matrices (out, in) as (..., in, out)."""
    return np.moveaxis(values, (0, 1), (-1, -2))


def channels_last(values):
    """Images (channels, height, width) as (height, width, channels)."""
    return np.moveaxis(values, 0, -1)


def one_channel(values):
    """Maps (height, width) as (height, width, 1)."""
    return values[..., None]


def flattened(shape):
    """Layout of matrices (out, in) whose inputs are flattened images of shape (height, width, channels)."""
    height, width, channels = shape

    def layout(values):
        columns = values.reshape(-1, channels, height, width)
        return np.moveaxis(columns, (0, 1), (-1, -2)).reshape(height * width * channels, -1)

    return layout


def unflattened(shape):
    """Layout of arrays whose first axis is that of flattened images of shape (height, width, channels)."""
    height, width, channels = shape

    def layout(values):
        return np.moveaxis(values.reshape(channels, height, width, -1), 0, 2).reshape(values.shape)

    return layout


@dataclasses.dataclass(frozen=True)
class Source:
    """Source of a variable's values: `scale * layout(array) + shift`.

    Args:
        key: Name of the array.
        layout: Function that rearranges or repeats its entries.
        scale: Ratio of our stored values to theirs, if a layer's constant factors differ.
        shift: Number to add, or an array of the variable's shape.
    """

    key: str
    layout: Callable = as_stored
    scale: float = 1.0
    shift: Any = 0.0

    def __call__(self, arrays):
        """The variable's values, in double precision."""
        return self.scale * self.layout(np.asarray(arrays[self.key], "float64")) + self.shift


def assign(pairs, arrays, ignored=()):
    """Assigns named arrays to variables.

    Args:
        pairs: List of (variable, `Source`).
        arrays: `{name: array}`.
        ignored: Suffixes of the names of arrays to ignore, such as constant filters.

    Raises:
        ValueError: If an array is missing, has a wrong shape or is unused. In this case no variable is changed.
    """
    missing = [source.key for _, source in pairs if source.key not in arrays]
    used = {source.key for _, source in pairs}
    left = [name for name in arrays if name not in used and not name.endswith(tuple(ignored))]
    if missing or left:
        raise ValueError(f"arrays lacks {missing} and has {left} that the network does not. Choose the same sizes.")
    values = [(variable, source.key, source(arrays)) for variable, source in pairs]
    for variable, key, value in values:
        if tuple(variable.shape) != value.shape:
            raise ValueError(
                f"arrays[{key!r}] gives shape {value.shape}, expected {tuple(variable.shape)} for {variable.path}. "
                "Choose the same sizes."
            )
    for variable, _, value in values:
        variable.assign(ops.convert_to_tensor(value, variable.dtype))


def assign_averages(model, pairs, arrays, ignored=()):
    """Assigns arrays to networks of a model, and the same values to their averages.

    Args:
        model: A `kerasgan.GenerativeModel`.
        pairs: See `assign`; the networks must have averages.
        arrays: See `assign`.
        ignored: See `assign`.

    Returns:
        The model.
    """
    assign(pairs, arrays, ignored)
    for name, average in model.averages.items():
        average.set_weights(model.networks[name].get_weights())
    return model
