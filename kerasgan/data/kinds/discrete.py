"""Sequences of tokens and graphs."""

from dataclasses import dataclass
from typing import Any

import keras
import numpy as np
from keras import ops

from kerasgan.data.kinds.basic import Kind, _check_not_empty, _is_positive_integer, register


@register
@dataclass(frozen=True)
class Tokens(Kind):
    """Sequences of integers from 0 to `vocabulary_size - 1`, such as words or characters.

    Args:
        length: Number of tokens of a sequence.
        vocabulary_size: Number of different tokens.
        vocabulary: Strings of all tokens, for encoding and decoding texts. `None` for sequences that are not texts. If
            the first entry is empty, it pads shorter texts. If all entries are single characters, texts are split into
            characters, otherwise at spaces.
    """

    length: int
    vocabulary_size: Any = None
    vocabulary: tuple | None = None
    name = "tokens"

    def __post_init__(self):
        if self.vocabulary is not None:
            object.__setattr__(self, "vocabulary", tuple(self.vocabulary))
            if self.vocabulary_size is None:
                object.__setattr__(self, "vocabulary_size", len(self.vocabulary))
        for field in ("length", "vocabulary_size"):
            if not _is_positive_integer(getattr(self, field)):
                raise ValueError(f"`{field}` of Tokens is {getattr(self, field)!r}; expected a positive integer.")
        if self.vocabulary is not None and len(self.vocabulary) != self.vocabulary_size:
            raise ValueError(f"`vocabulary` has {len(self.vocabulary)} entries; expected {self.vocabulary_size}.")

    @property
    def shape(self):  # type: ignore[override]
        return (self.length,)

    def symbolic(self, batch_size=None):
        return keras.KerasTensor((batch_size, self.length), dtype="int32")

    def example(self, batch_size, seed):
        return np.random.default_rng(seed).integers(self.vocabulary_size, size=(batch_size, self.length), dtype="int32")

    def check(self, value, name="x"):
        value = np.asarray(value)
        expected = f"expected integers from 0 to {self.vocabulary_size - 1} of shape (batch, {self.length})"
        if value.dtype.kind not in "iu":
            raise ValueError(f"`{name}` has dtype {value.dtype}; {expected}. Give texts to fit(), or encode() them.")
        if value.ndim != 2:
            raise ValueError(f"`{name}` has rank {value.ndim} (shape {value.shape}); {expected}.")
        if value.shape[1] != self.length:
            raise ValueError(f"`{name}` has shape {value.shape}; {expected}. Cut or pad the sequences.")
        _check_not_empty(value, name, expected)
        low, high = int(value.min()), int(value.max())
        if low < 0 or high >= self.vocabulary_size:
            raise ValueError(f"`{name}` has tokens from {low} to {high}; {expected}.")

    @property
    def _joint(self):
        return "" if all(len(word) <= 1 for word in self.vocabulary or ()) else " "

    def encode(self, value):
        """Encodes texts as integers of shape (count, length); leaves integers unchanged.

        Raises:
            ValueError: If a text contains a token that is not in the vocabulary, or if there is no vocabulary.
        """
        value = np.asarray(value)
        if value.dtype.kind not in "UOS":
            return value
        if self.vocabulary is None:
            raise ValueError("The data are texts, but these Tokens have no `vocabulary` to encode them with.")
        place = {word: i for i, word in enumerate(self.vocabulary)}
        encoded = np.zeros((len(value), self.length), "int32")
        for row, text in enumerate(value):
            text = text.decode() if isinstance(text, bytes) else str(text)
            words = list(text) if self._joint == "" else text.split()
            for column, word in enumerate(words[: self.length]):
                if word not in place:
                    raise ValueError(f"The text {text!r} contains the token {word!r}, which is not in the vocabulary.")
                encoded[row, column] = place[word]
        return encoded

    def decode(self, tokens):
        """Decodes integers of shape (count, length) to texts, or to numbers without a vocabulary."""
        words = self.vocabulary or tuple(map(str, range(self.vocabulary_size)))
        joint = self._joint if self.vocabulary else " "
        return [joint.join(words[token] for token in row if words[token]) for row in np.asarray(tokens)]


@register
@dataclass(frozen=True)
class Graphs(Kind):
    """Graphs of up to `nodes` typed nodes, such as molecules: a dictionary of `nodes` and `edges`.

    As data, `nodes` are int32 of shape (batch, nodes), and `edges` are symmetric int32 of shape (batch, nodes, nodes).
    Type 0 of both is "none". Networks take one-hot vectors: floats of shapes (batch, nodes, node_types) and (batch,
    nodes, nodes, edge_types).

    Args:
        nodes: Maximum number of nodes.
        node_types: Number of node types, including "none".
        edge_types: Number of edge types, including "none".
    """

    nodes: int
    node_types: int
    edge_types: int
    name = "graphs"

    def __post_init__(self):
        for field in ("nodes", "node_types", "edge_types"):
            if not _is_positive_integer(getattr(self, field)):
                raise ValueError(f"`{field}` of Graphs is {getattr(self, field)!r}; expected a positive integer.")

    @property
    def shape(self):  # type: ignore[override]
        return (self.nodes, self.node_types)

    def symbolic(self, batch_size=None):
        return {
            "nodes": keras.KerasTensor((batch_size, self.nodes), dtype="int32"),
            "edges": keras.KerasTensor((batch_size, self.nodes, self.nodes), dtype="int32"),
        }

    def example(self, batch_size, seed):
        random = np.random.default_rng(seed)
        nodes = random.integers(self.node_types, size=(batch_size, self.nodes), dtype="int32")
        edges = random.integers(self.edge_types, size=(batch_size, self.nodes, self.nodes), dtype="int32")
        edges = np.triu(edges, 1)
        return {"nodes": nodes, "edges": edges + np.swapaxes(edges, 1, 2)}

    def check(self, value, name="x"):
        shapes = {"nodes": (self.nodes,), "edges": (self.nodes, self.nodes)}
        limits = {"nodes": self.node_types, "edges": self.edge_types}
        expected = "expected a dictionary of int32 `nodes` (batch, nodes) and `edges` (batch, nodes, nodes)"
        if not isinstance(value, dict) or set(value) != set(shapes):
            found = sorted(value) if isinstance(value, dict) else type(value).__name__
            raise ValueError(f"`{name}` is {found}; {expected}.")
        for part, shape in shapes.items():
            array = np.asarray(value[part])
            if array.dtype.kind not in "iu":
                raise ValueError(f"`{name}[{part!r}]` has dtype {array.dtype}; {expected}.")
            if array.shape[1:] != shape:
                raise ValueError(f"`{name}[{part!r}]` has shape {array.shape}; expected (batch, {shape}).")
            _check_not_empty(array, name, expected)
            low, high = int(array.min()), int(array.max())
            if low < 0 or high >= limits[part]:
                raise ValueError(
                    f"`{name}[{part!r}]` has types from {low} to {high}; expected 0 to {limits[part] - 1}."
                )

    def pictures(self, samples):
        """Draws the graphs; see `kerasgan.pictures.graphs`."""
        from kerasgan.pictures.graphs import draw_graph

        pairs = zip(np.asarray(samples["nodes"]), np.asarray(samples["edges"]), strict=True)
        return np.stack([draw_graph(nodes, edges) for nodes, edges in pairs])

    def tensor(self, value):
        dtype = keras.config.floatx()
        return {
            "nodes": ops.one_hot(value["nodes"], self.node_types, dtype=dtype),
            "edges": ops.one_hot(value["edges"], self.edge_types, dtype=dtype),
        }
