"""Conditions of samples: attributes, captions, and combinations of them."""

import re
from dataclasses import dataclass
from typing import Any

import keras
import numpy as np
from keras import ops

from kerasgan.data.kinds.basic import (
    Kind,
    Labels,
    _batch_shape,
    _check_finite,
    _check_not_empty,
    _is_float,
    _is_positive_integer,
    register,
)


@register
@dataclass(frozen=True)
class Attributes(Kind):
    """Vectors of numbers that describe a sample, such as 1 and 0 for yes and no.

    Args:
        names: Names of the attributes, or their number.
    """

    names: Any
    name = "attributes"

    def __post_init__(self):
        if not _is_positive_integer(self.names):
            object.__setattr__(self, "names", tuple(self.names))
            if not self.names:
                raise ValueError("Attributes got no names; expected at least one, or their number.")

    @property
    def shape(self):  # type: ignore[override]
        return (self.names if isinstance(self.names, int) else len(self.names),)

    def symbolic(self, batch_size=None):
        return keras.KerasTensor((batch_size, *self.shape), dtype=keras.config.floatx())

    def example(self, batch_size, seed):
        return np.random.default_rng(seed).integers(2, size=(batch_size, *self.shape)).astype("float32")

    def encode(self, value):
        value = np.asarray(value)
        return value.astype("float32") if value.dtype.kind in "biu" else value

    def check(self, value, name="y"):
        value = np.asarray(value)
        expected = f"expected numbers of shape {_batch_shape(self.shape)}"
        if not _is_float(value):
            raise ValueError(f"`{name}` has dtype {value.dtype}; {expected}. Call {name}.astype('float32').")
        if value.ndim != 2 or value.shape[1:] != self.shape:
            raise ValueError(f"`{name}` has shape {value.shape}; {expected}: one column for each attribute.")
        _check_not_empty(value, name, expected)
        _check_finite(value, name, expected)


class TextIds(Kind):
    """Texts, encoded on the host as int32 ids of shape (length,): 0 is padding, 1 an unknown symbol.

    A subclass has a field `length` and defines `symbols`, whose ids start at 2, and `split`.

    Attributes:
        joint: Separator between two symbols.
    """

    name = "captions"
    joint = ""
    length: int

    @property
    def symbols(self):
        """The known symbols, in the order of their ids."""
        raise NotImplementedError(f"{type(self).__name__} must define symbols.")

    def split(self, text):
        """Splits a text into a list of symbols."""
        raise NotImplementedError(f"{type(self).__name__} must define split(text).")

    @property
    def shape(self):  # type: ignore[override]
        return (self.length,)

    @property
    def size(self):
        """Number of ids, the input size of an embedding."""
        return len(self.symbols) + 2

    def symbolic(self, batch_size=None):
        return keras.KerasTensor((batch_size, self.length), dtype="int32")

    def example(self, batch_size, seed):
        random = np.random.default_rng(seed)
        ids = random.integers(2, self.size, size=(batch_size, self.length), dtype="int32")
        keep = np.arange(self.length) < random.integers(1, self.length + 1, size=(batch_size, 1))
        return np.where(keep, ids, 0).astype("int32")

    def encode(self, value):
        """Encodes strings as ids of shape (count, length); leaves ids unchanged."""
        value = np.asarray(value)
        if value.dtype.kind not in "UOS":
            return value
        place = {symbol: i + 2 for i, symbol in enumerate(self.symbols)}
        ids = np.zeros((*value.shape, self.length), "int32")
        for where, text in np.ndenumerate(value):
            found = [place.get(symbol, 1) for symbol in self.split(text)[: self.length]]
            ids[where][: len(found)] = found
        return ids

    def decode(self, ids):
        """Decodes ids to texts, with "?" for unknown symbols."""
        known = ("", "?", *self.symbols)
        return [self.joint.join(known[i] for i in row if i) for row in np.asarray(ids)]

    def check(self, value, name="y"):
        value = np.asarray(value)
        expected = f"expected strings, or integer ids of shape (batch, {self.length})"
        if value.dtype.kind not in "iu":
            raise ValueError(f"`{name}` has dtype {value.dtype}; {expected}.")
        if value.ndim != 2 or value.shape[1] != self.length:
            raise ValueError(f"`{name}` has shape {value.shape}; {expected}.")
        _check_not_empty(value, name, expected)
        if value.min() < 0 or value.max() >= self.size:
            raise ValueError(f"`{name}` has ids from {value.min()} to {value.max()}; expected 0 to {self.size - 1}.")


@register
@dataclass(frozen=True)
class Captions(TextIds):
    """Texts, encoded on the host as int32 ids of shape (length,): 0 is padding, 1 an unknown word.

    Texts are split into words and numbers in lower case.

    Args:
        vocabulary: The known words, whose ids start at 2.
        length: Maximum number of words; longer captions are truncated.

    Examples:

    >>> captions = Captions.of(["a red circle", "a blue square"])
    >>> captions.encode(["a red square"])
    array([[2, 3, 6]], dtype=int32)
    """

    vocabulary: tuple
    length: int = 16
    joint = " "

    def __post_init__(self):
        object.__setattr__(self, "vocabulary", tuple(self.vocabulary))
        if not self.vocabulary or not _is_positive_integer(self.length):
            raise ValueError(
                f"Captions got {len(self.vocabulary)} words and length={self.length!r}; expected at least one word "
                "and a positive length."
            )

    @classmethod
    def of(cls, texts, length=None):
        """Creates captions with the words of some texts, in the order in which they first appear.

        Args:
            texts: Strings.
            length: Maximum number of words. Defaults to that of the longest text.
        """
        split = [words(text) for text in texts]
        known = dict.fromkeys(word for text in split for word in text)
        return cls(tuple(known), length or max(map(len, split)))

    @property
    def symbols(self):
        return self.vocabulary

    def split(self, text):
        return words(text)


def words(text):
    """The words and numbers of a text, in lower case."""
    text = text.decode() if isinstance(text, bytes) else str(text)
    return re.findall(r"[^\W_]+(?:'[^\W_]+)?", text.lower())


class Conditions:
    """The conditions of a model: none, a single kind, or several named kinds.

    Args:
        given: `None`, a kind, or a dictionary of kinds.

    Attributes:
        kinds: `{name of the network's input: kind}`.
        single: Whether a batch's `y` is one array rather than a dictionary.
    """

    def __init__(self, given=None):
        if isinstance(given, Conditions):
            given = given.spec if given.single else given.kinds
        self.single: bool = not isinstance(given, dict)
        self.kinds: dict[str, Any] = (
            {} if given is None else {given.name: given} if isinstance(given, Kind) else dict(given)
        )
        for name, kind in self.kinds.items():
            if not isinstance(kind, Kind):
                raise ValueError(f"The condition {name!r} is {kind!r}; expected a kind, such as Labels(10).")

    def __bool__(self):
        return bool(self.kinds)

    def __len__(self):
        return len(self.kinds)

    def __repr__(self):
        return repr(next(iter(self.kinds.values())) if self.single and self.kinds else self.kinds)

    def __eq__(self, other):
        return isinstance(other, Conditions) and (self.single, self.kinds) == (other.single, other.kinds)

    __hash__ = None  # type: ignore[assignment]

    @property
    def spec(self):
        """The kind of y for `data_specs`: `None`, the single kind, or these conditions."""
        if not self.kinds:
            return None
        return next(iter(self.kinds.values())) if self.single else self

    @property
    def classes(self):
        """Number of classes if the only condition is a class label; `None` otherwise."""
        return self.spec.classes if self.kinds and self.single else None

    def config(self):
        """The JSON-ready configuration, which `Conditions.from_config` reads."""
        plain = {name: keras.saving.serialize_keras_object(kind) for name, kind in self.kinds.items()}
        return (next(iter(plain.values())) if plain else None) if self.single else {"several": plain}

    @staticmethod
    def from_config(config):
        """Restores the kind or dictionary of kinds from `config`."""
        read = keras.saving.deserialize_keras_object
        if config is None or isinstance(config, (Kind, Conditions)):
            return config
        if "several" in config:
            return {name: read(kind) for name, kind in config["several"].items()}
        return read(config) if "class_name" in config else config

    # A batch's y --------------------------------------------------------------------------------------------------

    def parts(self, y):
        """The values of y by name, for one or several conditions.

        Raises:
            ValueError: If there are several conditions and y is not a dictionary with exactly their names.
        """
        if self.single:
            return dict.fromkeys(self.kinds, y)
        if not isinstance(y, dict) or set(y) != set(self.kinds):
            found = sorted(y) if isinstance(y, dict) else type(y).__name__
            raise ValueError(f"`y` is {found}; expected a dictionary of {sorted(self.kinds)}.")
        return {name: y[name] for name in self.kinds}

    def named(self, y):
        """The values of y as keyword arguments of `sample`; empty if the model has no conditions or y is `None`."""
        return {} if y is None or not self.kinds else self.parts(y)

    def _join(self, parts):
        return next(iter(parts.values())) if self.single else parts

    def symbolic(self, batch_size=None):
        """Symbolic tensors of a batch's y."""
        return self._join({name: kind.symbolic(batch_size) for name, kind in self.kinds.items()})

    def example(self, batch_size, seed):
        """A random valid y."""
        return self._join({n: kind.example(batch_size, seed + i) for i, (n, kind) in enumerate(self.kinds.items())})

    def encode(self, y):
        """Converts a user's values to arrays for networks."""
        if y is None or not self.kinds:
            return y
        if not self.single and not isinstance(y, dict):
            return y  # rejected by `check`
        parts = {"": y} if self.single else y
        kinds = {"": next(iter(self.kinds.values()))} if self.single else self.kinds
        encoded = {n: kinds[n].encode(value) if n in kinds else value for n, value in parts.items()}
        return encoded[""] if self.single else encoded

    def check(self, y, name="y"):
        """Raises a ValueError unless y is a batch of these conditions."""
        for part, value in self.parts(y).items():
            self.kinds[part].check(value, name if self.single else f"{name}[{part!r}]")

    def tensors(self, y):
        """The batch's conditions in the form that networks take, as a list in the order of `inputs`."""
        return [self.kinds[name].tensor(value) for name, value in self.parts(y).items()] if self.kinds else []

    # Networks and samples -----------------------------------------------------------------------------------------

    def inputs(self, packing=1):
        """Symbolic Keras inputs, as a list with one per condition."""
        inputs = []
        for name, kind in self.kinds.items():
            made = kind.input(packing)
            inputs.append(made if made.name == name else keras.Input(made.shape[1:], dtype=made.dtype, name=name))
        return inputs

    def given(self, count, **values):
        """Conditions of `count` samples, as a list of tensors.

        Args:
            count: Number of samples.
            **values: Values by name of the condition. Missing or `None` values are replaced by examples.

        Raises:
            ValueError: If a value does not fit, or belongs to a condition that the model does not have.
        """
        for name, value in values.items():
            if value is not None and name not in self.kinds:
                raise ValueError(
                    f"`{name}` was given, but the model's conditions are {sorted(self.kinds) or 'none'} "
                    "(it is unconditional). Leave it out."
                    if not self.kinds
                    else f"`{name}` was given, but the model's conditions are {sorted(self.kinds)}. Leave it out."
                )
        tensors = []
        for name, kind in self.kinds.items():
            value = values.get(name)
            value = kind.examples(count) if value is None else kind.encode(value)
            value = np.asarray(value)
            if len(value.shape) == 0 or len(value) != count:
                raise ValueError(f"`{name}` has shape {value.shape}; expected ({count}, ...): one for each sample.")
            kind.check(value, name)
            value = value.astype("int32") if value.dtype.kind in "iu" else value.astype("float32")
            tensors.append(kind.tensor(ops.convert_to_tensor(value)))
        return tensors


__all__ = ["Attributes", "Captions", "Conditions", "Labels", "words"]
