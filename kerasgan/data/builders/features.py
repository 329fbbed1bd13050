"""Descriptions of the features of an example. A new kind is a class with `shape`, `dtype` and `tfds_feature`."""

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Image:
    """An image.

    Args:
        shape: Shape `(height, width, channels)`.
        value_range: Levels of black and white, which `kerasgan.data.prepare` maps to -1 and 1.
        doc: Description in one line.
        dtype: Data type "uint8", "uint16" or "float32".
    """

    shape: tuple
    value_range: tuple = (0, 255)
    doc: str = ""
    dtype: str = "uint8"

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
    """A large tensor that TFDS stores with zlib, such as voxels or video. It has the arguments of `Tensor`."""

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
