"""Numbers that official implementations gave, to be given again by ours: weights, inputs, outputs, gradients.

Each `.npz` file beside this one holds randomised weights of tiny networks in PyTorch's layout, what was fed in, and
what the official code returned in double precision. No code of theirs is stored. Keys:

| key | meaning |
|---|---|
| `weights/<network>/<name>` | parameters and buffers: kernels (out, in, height, width), matrices (out, in) |
| `inputs/...` | latents, labels, images (batch, channels, height, width), random draws |
| `outputs/...` | results; those below `layers/` are of the first sample, sometimes of the first channels, only |
| `grads/<step>/<network>/<name>` | gradient of the step's loss with respect to that weight |

A key that ends in an index, such as `img[:1,:,56:72,56:72]`, holds that part of the result. A test builds our networks,
gives them the weights (`kernel`, `channels_last`) and hands its results back (`official`, `channels_first`):

>>> golden = Golden("r3gan_cond")
>>> layer.kernel.assign(kernel(golden["weights/G/Model.AggregationLayer.Layer.weight"]))
>>> golden.check({"outputs/img": channels_first(images)})
"""

import re
from pathlib import Path

import keras
import numpy as np
import pytest
from keras import ops

from kerasgan.game.engines import gradients

# JAX compiles for long: what TensorFlow has been through in double and single precision, JAX shows in double, once.
SLOW_ON_JAX = [pytest.mark.slow] if keras.backend.backend() == "jax" else []
FOLDER = Path(__file__).parent
INDEX = re.compile(r"\[([\d:,]+)\]$")


class Golden:
    """The numbers of one file, by key.

    Args:
        name: File name without its ending.
    """

    def __init__(self, name):
        with np.load(FOLDER / f"{name}.npz") as file:
            self.values = dict(file)
        gradients = [np.abs(value).max() for key, value in self.values.items() if key.startswith("grads/")]
        self.largest_gradient = max(gradients, default=0.0)

    def __getitem__(self, key):
        return self.values[key]

    def part(self, prefix):
        """All values below a prefix, such as "weights/G/", by the rest of their keys."""
        return {key.removeprefix(prefix): value for key, value in self.values.items() if key.startswith(prefix)}

    def tolerance(self, key, precision=None):
        """Largest allowed difference from the stored value.

        Relative to the largest number of the key: 1e-9 in double precision (1e-7 where single precision is stored), in
        single precision 5e-5 for outputs and 2e-4 for gradients. Gradients that are zero but for rounding are compared
        on the scale of the file's largest gradient.

        Args:
            key: A key of the file.
            precision: "float64" or "float32"; Keras' float type by default.
        """
        expected = self.values[key]
        is_gradient = key.startswith("grads/")
        if (precision or keras.config.floatx()) == "float64":
            relative = 1e-7 if expected.dtype == np.float32 else 1e-9
        else:
            relative = 2e-4 if is_gradient else 5e-5
        floor = 1e-2 * self.largest_gradient if is_gradient else 0.0
        return relative * max(np.abs(expected).max(initial=0.0), floor)

    def check(self, found, precision=None):
        """Raises AssertionError unless our results are the stored ones.

        Args:
            found: Our whole results by their keys, in PyTorch's layout.
            precision: As for `tolerance`.
        """
        wrong = []
        for key, value in found.items():
            value, expected = self._stored_part(key, array(value)), self.values[key]
            if value.shape != expected.shape:
                wrong.append(f"{key} has shape {value.shape}, expected {expected.shape}")
                continue
            difference, limit = np.abs(value - expected).max(initial=0.0), self.tolerance(key, precision)
            if not difference <= limit:
                wrong.append(f"{key} differs by {difference:.2e}, expected {limit:.2e} at most")
        assert found and not wrong, "\n".join(wrong) or "Nothing was compared."

    def check_all(self, prefix, found, precision=None):
        """As `check`, for results named without the prefix, of which none that is stored may be missing."""
        missing = set(self.part(prefix)) - set(found)
        assert not missing, f"{sorted(missing)} below {prefix} were not compared."
        self.check({prefix + name: value for name, value in found.items() if prefix + name in self.values}, precision)

    def _stored_part(self, key, value):
        if "/layers/" in key:
            return value[tuple(slice(size) for size in self.values[key].shape)]
        index = INDEX.search(key)
        if index is None:
            return value
        numbers = ([int(n) if n else None for n in part.split(":")] for part in index[1].split(","))
        return value[tuple(slice(*part) for part in numbers)]


def array(value):
    """A tensor or an array as a float64 array."""
    return np.asarray(ops.convert_to_numpy(value), "float64")


def kernel(weight):
    """PyTorch's kernel (out, in, ...) or matrix (out, in) as Keras' (..., in, out).

    A transposed convolution's (in, out, ...) becomes Keras' (..., out, in).
    """
    return np.moveaxis(weight, (0, 1), (-1, -2))


def official(weight):
    """The inverse of `kernel`."""
    return np.moveaxis(array(weight), (-1, -2), (0, 1))


def channels_last(images):
    """Images (batch, channels, ...) as (batch, ..., channels)."""
    return np.moveaxis(images, 1, -1)


def channels_first(images):
    """The inverse of `channels_last`."""
    return np.moveaxis(array(images), -1, 1)


def weight_gradients(fn, variables):
    """Gradients of the scalar `fn()` with respect to variables, as a list of tensors."""

    def value(tensors):
        with keras.StatelessScope(list(zip(variables, tensors, strict=True))):
            return fn()

    return gradients(value, [ops.convert_to_tensor(v.value) for v in variables])
