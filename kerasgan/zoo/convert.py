"""Published weights of other implementations in our networks: which of their arrays each of our variables is.

A family states that as a list of (variable, `Source`) for a network; `assign` then fills the network in. Arrays are
those of a PyTorch `state_dict`: kernels (out, in, height, width), matrices (out, in).
"""

import dataclasses
from collections.abc import Callable
from typing import Any

import numpy as np
from keras import ops


def as_stored(values):
    """Vectors and numbers as they are."""
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
    """Layout of matrices (out, in) whose inputs are flattened images of a shape (height, width, channels)."""
    height, width, channels = shape

    def layout(values):
        columns = values.reshape(-1, channels, height, width)
        return np.moveaxis(columns, (0, 1), (-1, -2)).reshape(height * width * channels, -1)

    return layout


def unflattened(shape):
    """Layout of arrays whose first axis is flattened images of a shape (height, width, channels)."""
    height, width, channels = shape

    def layout(values):
        return np.moveaxis(values.reshape(channels, height, width, -1), 0, 2).reshape(values.shape)

    return layout


@dataclasses.dataclass(frozen=True)
class Source:
    """Where a variable's values come from: `scale * layout(array) + shift`.

    Args:
        key: Name of the array.
        layout: Function that rearranges or repeats its entries.
        scale: Ratio of our stored values to theirs, where a layer's constant factors differ.
        shift: What is added, a number or an array of the variable's shape.
    """

    key: str
    layout: Callable = as_stored
    scale: float = 1.0
    shift: Any = 0.0

    def __call__(self, arrays):
        """The variable's values, in double precision."""
        return self.scale * self.layout(np.asarray(arrays[self.key], "float64")) + self.shift


def assign(pairs, arrays, ignored=()):
    """Gives variables the values of arrays by name.

    Args:
        pairs: List of (variable, `Source`).
        arrays: `{name: array}`.
        ignored: Endings of the names of arrays that hold nothing to take, such as constant filters.

    Raises:
        ValueError: If an array is missing, has another shape or is left over. No variable is changed then.
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
    """As `assign`, to networks of a model, whose averages then get the same values.

    Args:
        model: A `kerasgan.GenerativeModel`.
        pairs: See `assign`; of networks that have averages.
        arrays: See `assign`.
        ignored: See `assign`.

    Returns:
        The model.
    """
    assign(pairs, arrays, ignored)
    for name, average in model.averages.items():
        average.set_weights(model.networks[name].get_weights())
    return model
