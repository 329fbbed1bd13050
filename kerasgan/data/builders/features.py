"""Descriptions of the features of an example. A new kind is a class with `shape`, `dtype` and `tfds_feature`."""

from dataclasses import dataclass, field

import numpy as np


@dataclass(frozen=True)
class Image:
    """An image.

    Args:
        shape: Shape `(height, width, channels)`.
        value_range: Levels of black and white, which `kerasgan.data.prepare` maps to -1 and 1.
        doc: Description in one line.
        dtype: Data type "uint8", "uint16" or "float32".
        margin: Pixels of `value_range[0]` that `kerasgan.data.load` adds on each side before resizing to another size.
    """

    shape: tuple
    value_range: tuple = (0, 255)
    doc: str = ""
    dtype: str = "uint8"
    # Not in the representation, which determines the folder names of prepared data.
    margin: int = field(default=0, repr=False)

    def padded(self, images, image_size):
        """The images with their margin, if another size than their own is requested."""
        if not self.margin or image_size is None or image_size == self.shape[0] == self.shape[1]:
            return images
        widths = ((0, 0), (self.margin,) * 2, (self.margin,) * 2, (0, 0))
        return np.pad(images, widths, constant_values=self.value_range[0])

    def tfds_feature(self):
        import tensorflow_datasets as tfds

        if self.dtype == "float32":  # TFDS would store the floats as four bytes of a PNG, without the value range
            return tfds.features.Tensor(shape=self.shape, dtype=np.float32, encoding=tfds.features.Encoding.ZLIB)
        return tfds.features.Image(shape=self.shape, dtype=np.dtype(self.dtype), doc=self.doc)


@dataclass(frozen=True)
class ClassLabel:
    """An integer class label, int64.

    Args:
        names: Name of each class, in the order of the labels.
        doc: Description in one line.
    """

    names: tuple
    doc: str = ""
    shape = ()
    dtype = "int64"

    def tfds_feature(self):
        import tensorflow_datasets as tfds

        return tfds.features.ClassLabel(names=list(self.names), doc=self.doc)


@dataclass(frozen=True)
class Tensor:
    """Numbers: a factor, a mask, a vector.

    Args:
        shape: Shape, `()` for a single number.
        dtype: Name of a NumPy data type.
        doc: Description in one line, with unit and range.
        value_range: Values that `kerasgan.data.load` maps to -1 and 1 if this feature is the sample. None keeps the
            values.
    """

    shape: tuple = ()
    dtype: str = "float32"
    doc: str = ""
    value_range: tuple | None = None

    def tfds_feature(self):
        import tensorflow_datasets as tfds

        return tfds.features.Tensor(shape=self.shape, dtype=np.dtype(self.dtype), doc=self.doc)


@dataclass(frozen=True)
class Compressed:
    """A large tensor that TFDS stores with zlib, such as voxels or video. It takes the arguments of `Tensor`."""

    shape: tuple
    dtype: str = "uint8"
    doc: str = ""
    value_range: tuple | None = None

    def tfds_feature(self):
        import tensorflow_datasets as tfds

        zlib = tfds.features.Encoding.ZLIB
        return tfds.features.Tensor(shape=self.shape, dtype=np.dtype(self.dtype), encoding=zlib, doc=self.doc)


@dataclass(frozen=True)
class Text:
    """A text of any length.

    Args:
        doc: Description in one line.
    """

    doc: str = ""
    shape = ()
    dtype = "str"

    def tfds_feature(self):
        import tensorflow_datasets as tfds

        return tfds.features.Text(doc=self.doc)


@dataclass(frozen=True)
class Audio:
    """Mono audio, int16.

    Args:
        length: Number of samples.
        rate: Number of samples per second.
        doc: Description in one line.
    """

    length: int
    rate: int
    doc: str = ""
    dtype = "int16"
    value_range = (-32768, 32768)  # so that silence is 0

    @property
    def shape(self):
        return (self.length,)

    def tfds_feature(self):
        import tensorflow_datasets as tfds

        return tfds.features.Audio(shape=self.shape, dtype=np.int16, sample_rate=self.rate, doc=self.doc)


@dataclass(frozen=True)
class Characters:
    """A short text as letter indices, uint8, which `kerasgan.data.load` returns as one-hot vectors.

    Args:
        length: Maximum number of letters; shorter texts are padded with letter 0.
        alphabet: All letters. The first stands for the end of the text and does not occur in one.
        doc: Description in one line.
    """

    length: int
    alphabet: str
    doc: str = ""
    dtype = "uint8"

    @property
    def shape(self):
        return (self.length,)

    def encode(self, texts):
        """Encodes texts as a uint8 array of shape (count, length).

        Raises:
            ValueError: If a text is too long, or contains a letter that is not in the alphabet.
        """
        codes = np.zeros((len(texts), self.length), "uint8")
        numbers = {letter: number for number, letter in enumerate(self.alphabet)}
        for row, text in zip(codes, texts, strict=True):
            if len(text) > self.length or not set(text) <= set(self.alphabet[1:]):
                raise ValueError(
                    f"{text!r} is not a text of at most {self.length} letters from the alphabet {self.alphabet[1:]!r}."
                )
            row[: len(text)] = [numbers[letter] for letter in text]
        return codes

    def decode(self, codes):
        """Decodes letter indices of shape (..., length), or one-hot vectors or logits of shape (..., length, letters).

        Returns:
            A list of texts, each up to its first letter 0.
        """
        codes = np.asarray(codes)
        if codes.ndim > 1 and codes.shape[-2:] == (self.length, len(self.alphabet)):
            codes = codes.argmax(-1)
        rows = codes.reshape(-1, self.length).astype(int).tolist()
        return ["".join(self.alphabet[number] for number in row).partition(self.alphabet[0])[0] for row in rows]

    def one_hot(self, codes):
        """Converts letter indices of shape (count, length) to float32 of shape (count, length, letters)."""
        return np.eye(len(self.alphabet), dtype="float32")[np.asarray(codes)]

    def tfds_feature(self):
        import tensorflow_datasets as tfds

        return tfds.features.Tensor(shape=self.shape, dtype=np.uint8, doc=f"{self.doc}; letters: {self.alphabet!r}")
