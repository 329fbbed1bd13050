"""Directions in a space of codes, and the methods that find them."""

import dataclasses
import json
from typing import Any

import keras
import numpy as np
from keras import ops

from kerasgan.pictures.files import write_json

METHODS = ("ganspace", "sefa", "supervised")


@dataclasses.dataclass(frozen=True, eq=False)
class Directions:
    """Directions of a space, most important first.

    Args:
        vectors: float32 array of shape (count, length of a code), of unit vectors.
        weights: Array of shape (count,): importance of each direction according to the method.
        names: Names of the directions.
        ranges: Array of shape (count, 2): strengths, relative to the mean, between which 95 % of random codes lie.
        space: Name of the space.
        method: Name of the method.
    """

    vectors: np.ndarray
    weights: np.ndarray
    names: tuple[str, ...] = ()
    ranges: Any = None
    space: str = "z"
    method: str = ""

    def __len__(self):
        return len(self.vectors)

    def __getitem__(self, name):
        """The vector of a direction, by name or by index."""
        return self.vectors[self.place(name)]

    def place(self, name):
        """The index of a direction, by name or by index.

        Raises:
            ValueError: If there is no such direction.
        """
        if name in self.names:
            return self.names.index(name)
        if str(name).isdecimal() and int(name) < len(self):
            return int(name)
        raise ValueError(f"`name` is {name!r}; expected one of {', '.join(self.names)}, or a number below {len(self)}.")

    def save(self, path):
        """Writes a JSON file."""
        write_json(path, {**dataclasses.asdict(self), **{k: getattr(self, k).tolist() for k in _ARRAYS}})

    @classmethod
    def load(cls, path):
        """Loads directions from a file written by `save`.

        Raises:
            ValueError: If the file was not written by `save`.
        """
        with open(path, encoding="utf-8") as file:
            entries = json.load(file)
        fields = [field.name for field in dataclasses.fields(cls)]
        if not isinstance(entries, dict) or set(entries) != set(fields):
            raise ValueError(
                f"{path} contains no directions; expected the entries {fields}. Write it with Directions.save()."
            )
        entries |= {name: np.asarray(entries[name], "float32") for name in _ARRAYS}
        return cls(**{**entries, "names": tuple(entries["names"])})


_ARRAYS = ("vectors", "weights", "ranges")


def components(values):
    """Principal components of the rows, largest first: (unit vectors as rows, standard deviations)."""
    _, lengths, vectors = np.linalg.svd(values - values.mean(axis=0), full_matrices=False)
    return vectors, lengths / np.sqrt(max(len(values) - 1, 1))


def stretched(matrices):
    """Directions stretched most by matrices (length of a code, outputs): (unit vectors as rows, squared factors)."""
    matrix = np.concatenate(matrices, axis=1).astype("float64")
    values, vectors = np.linalg.eigh(matrix @ matrix.T)
    return vectors.T[::-1], values[::-1]


def rising(codes, scores):
    """Directions along which each column of scores rises: (unit vectors as rows, shares of variance explained)."""
    if codes is None or scores is None or len(codes) != len(scores):
        raise ValueError(
            "'supervised' needs `codes` and `scores` of the same length: directions('supervised', codes=..., "
            "scores=...)"
        )
    codes, scores = np.asarray(codes, "float64"), np.asarray(scores, "float64").reshape(len(codes), -1)
    codes, scores = codes - codes.mean(axis=0), scores - scores.mean(axis=0)
    slopes = np.linalg.lstsq(codes, scores, rcond=None)[0]
    explained = np.square(codes @ slopes).sum(axis=0) / np.maximum(np.square(scores).sum(axis=0), 1e-30)
    return slopes.T, explained


def unit(vectors):
    """Rows scaled to length 1."""
    return vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-30)


def style_matrices(generator):
    """Matrices that the layers of a generator apply to a style, of shape (style length, outputs)."""
    kernels = [getattr(getattr(layer, "style", None), "kernel", None) for layer in generator.layers]
    kernels += [getattr(layer, "style_kernel", None) for layer in generator.layers]
    return [_array(kernel) for kernel in kernels if kernel is not None]


def takers(network):
    """Layers that take a network's first input, unchanged, split or normalized: [(layer, [inputs of the layer])].

    Only inputs that have not passed through an earlier layer with weights are listed.
    """
    pure, mixed, found = {id(network.inputs[0])}, set(), []
    for operation in network.operations:
        inputs, outputs = keras.tree.flatten(operation.input), keras.tree.flatten(operation.output)
        mine = [tensor for tensor in inputs if id(tensor) in pure]
        if getattr(operation, "weights", None):
            if mine:
                found.append((operation, mine))
            touched = bool(mine) or any(id(tensor) in mixed for tensor in inputs)
            mixed |= {id(tensor) for tensor in outputs} if touched else set()
        elif any(id(tensor) in mixed for tensor in inputs):
            mixed |= {id(tensor) for tensor in outputs}
        elif mine:
            pure |= {id(tensor) for tensor in outputs}
    return found


def latent_matrices(network, conditions):
    """Matrices that the layers of a network apply to its latents, of shape (length, outputs).

    Args:
        network: A mapping network, or a generator without one.
        conditions: List of tensors, one value of each condition.
    """
    length, matrices = network.inputs[0].shape[-1], []
    points = ops.convert_to_tensor(np.concatenate([np.eye(length), np.zeros((1, length))]).astype("float32"))
    given = [points, *(ops.repeat(each, length + 1, axis=0) for each in conditions)]
    inputs = network.inputs[: len(given)]
    for layer, tensors in takers(network):
        kernels = [each for each in map(_kernel, (layer, *_parts(layer))) if each is not None]
        for tensor in tensors:
            seen = _array(keras.Function(inputs, tensor)(given)).reshape(length + 1, -1)
            seen = seen[:-1] - seen[-1]
            matrices += [seen @ kernel for kernel in kernels if len(kernel) == seen.shape[1]]
    return matrices


def _parts(layer):
    """The sublayers of a conditional normalization that take its condition."""
    return [part for name in ("gain", "offset") if (part := getattr(layer, name, None)) is not None]


def _kernel(layer):
    """A layer's kernel as a matrix (inputs, outputs), for inputs that are vectors or have a single position."""
    kernel = getattr(layer, "kernel", None)
    if kernel is None:
        return None
    kernel = _array(layer.normalized_kernel() if hasattr(layer, "normalized_kernel") else kernel)
    if kernel.ndim > 2 and isinstance(layer, keras.layers.Conv2DTranspose):
        kernel = np.moveaxis(kernel, -1, 0)
    return kernel.reshape(len(kernel), -1)


def _array(tensor):
    return np.asarray(ops.convert_to_numpy(tensor), "float32")
