"""Reads weights from PyTorch files, without PyTorch and without executing code from a file.

A `.pth` file is a pickle of a `state_dict` along with the numbers of its tensors: a zip archive, or a single stream
before PyTorch 1.6. A pickle may name any function of any module; here it only gets the few functions of a fixed table,
and any other name is an error. Nothing is imported, and no number outside the file is read.
"""

import dataclasses
import pickle
import struct
import zipfile
from typing import Any

import numpy as np

MAGIC, PROTOCOL = 0x1950A86A20F9469CFC6C, 1001
TYPES = {
    "FloatStorage": "<f4",
    "DoubleStorage": "<f8",
    "HalfStorage": "<f2",
    "BFloat16Storage": "bfloat16",
    "LongStorage": "<i8",
    "IntStorage": "<i4",
    "ShortStorage": "<i2",
    "CharStorage": "<i1",
    "ByteStorage": "<u1",
    "BoolStorage": "?",
}
# Exceptions when reading a damaged file.
DAMAGES = (
    *(pickle.UnpicklingError, EOFError, zipfile.BadZipFile, struct.error, RecursionError, UnicodeDecodeError),
    *(AttributeError, IndexError, KeyError, TypeError, OverflowError, NotImplementedError),
)


def read_torch(path):
    """Reads the `state_dict` or other plain object in a `.pth` file.

    Args:
        path: Path of a file written by `torch.save`.

    Returns:
        Dictionaries, lists, numbers and strings as in the file, and NumPy arrays for tensors, where bfloat16 becomes
        float32.

    Raises:
        ValueError: If the file contains anything else, such as a whole module, or if it is damaged.
    """
    try:
        if zipfile.is_zipfile(path):
            return _read_archive(path)
        return _read_stream(path)
    except DAMAGES as error:
        raise ValueError(f"{path} is not a file of PyTorch weights, or is damaged: {error}") from error


@dataclasses.dataclass(frozen=True)
class Storage:
    """The storage of one or more tensors: data type, name in the file and number of values."""

    type: str
    key: str
    count: int

    @property
    def size(self):
        return self.count * (2 if self.type == "bfloat16" else np.dtype(self.type).itemsize)

    def numbers(self, data):
        """Converts bytes to numbers."""
        if len(data) != self.size:
            raise ValueError(f"The storage {self.key!r} has {len(data)} bytes; expected {self.size}.")
        if self.type == "bfloat16":
            return (np.frombuffer(data, "<u2").astype("<u4") << 16).view("<f4")
        return np.frombuffer(data, self.type)


@dataclasses.dataclass(frozen=True)
class Tensor:
    """A strided view of a storage, whose numbers are read later."""

    storage: Storage
    start: int
    shape: tuple
    strides: tuple

    def array(self, numbers):
        """The tensor as a separate array."""
        whole = (self.start, *self.shape, *self.strides)
        if len(self.shape) != len(self.strides) or not all(type(n) is int and n >= 0 for n in whole):
            raise ValueError(f"A tensor has the invalid shape {self.shape} or strides {self.strides}.")
        last = self.start + sum((n - 1) * stride for n, stride in zip(self.shape, self.strides, strict=True))
        if 0 in self.shape:
            return np.zeros(self.shape, numbers.dtype)
        if last >= len(numbers) or np.prod([float(n) for n in self.shape]) > len(numbers):
            raise ValueError(f"A tensor of shape {self.shape} is larger than its storage {self.storage.key!r}.")
        strides = [stride * numbers.itemsize for stride in self.strides]
        return np.lib.stride_tricks.as_strided(numbers[self.start :], self.shape, strides).copy()


class Mapping(dict):
    """An `OrderedDict` without the attributes that PyTorch adds, such as `_metadata`."""

    def __setstate__(self, state):
        pass


class Known:
    """A function that a pickle may call but not modify."""

    def __init__(self, function):
        self.function = function

    def __call__(self, *arguments):
        return self.function(*arguments)

    def __setstate__(self, state):
        raise ValueError("The file modifies a function, which a file of weights never does.")


def _tensor(storage, start, shape, strides, *_):
    if not isinstance(storage, Storage):
        raise ValueError("A tensor has no storage.")
    return Tensor(storage, start, tuple(shape), tuple(strides))


class _Unpickler(pickle.Unpickler):
    """Unpickler that only knows a few names, and the storages of one file."""

    known: dict[tuple[str, str], Any] = {
        ("collections", "OrderedDict"): Mapping,
        ("torch._utils", "_rebuild_tensor_v2"): Known(_tensor),
        ("torch._utils", "_rebuild_parameter"): Known(lambda data, *_: data),
        ("torch", "Size"): tuple,
        **{("torch", name): kind for name, kind in TYPES.items()},
    }

    def __init__(self, file):
        super().__init__(file, encoding="utf-8")
        self.storages: dict[str, Storage] = {}

    def find_class(self, module, name):
        if (module, name) not in self.known:
            raise ValueError(
                f"The file holds {module}.{name}; expected tensors in dictionaries. Save the module's state_dict()."
            )
        return self.known[module, name]

    def persistent_load(self, found):
        word, kind, key, _, count, *view = found
        fits = word == "storage" and kind in TYPES.values() and isinstance(key, str) and type(count) is int
        if not fits or count < 0 or any(part is not None for part in view):
            raise ValueError(f"The file refers to {found}; expected a storage of numbers.")
        return self.storages.setdefault(key, Storage(kind, key, count))


def _read_archive(path):
    """Reads the object of a zip archive: `<name>/data.pkl`, with the numbers in `<name>/data/<key>`."""
    with zipfile.ZipFile(path) as archive:
        (pickled,) = [name for name in archive.namelist() if name.count("/") == 1 and name.endswith("/data.pkl")]
        folder = pickled.removesuffix("data.pkl")
        if any(entry.compress_type != zipfile.ZIP_STORED for entry in archive.infolist()):
            raise ValueError(f"{path} is compressed, unlike the files of PyTorch.")
        if f"{folder}byteorder" in archive.namelist() and archive.read(f"{folder}byteorder") != b"little":
            raise ValueError(f"{path} was written on a machine with the other byte order. Save it on another one.")
        with archive.open(pickled) as file:
            reader = _Unpickler(file)
            found = reader.load()
        numbers = {key: each.numbers(archive.read(f"{folder}data/{key}")) for key, each in reader.storages.items()}
    return _with_arrays(found, numbers)


def _read_stream(path):
    with open(path, "rb") as file:
        return _with_arrays(*stream(file, path))


def stream(file, name):
    """Reads the object of a stream: three pickles about the format, those of the object and the keys, and the numbers.

    Args:
        file: Open binary file.
        name: Name of the file, for errors.

    Returns:
        (object with tensors whose numbers are missing, `{key: numbers}`).
    """
    if _Unpickler(file).load() != MAGIC or _Unpickler(file).load() != PROTOCOL:
        raise ValueError(f"{name} is not a file of PyTorch weights.")
    if not _Unpickler(file).load().get("little_endian"):
        raise ValueError(f"{name} was written on a machine with the other byte order. Save it on another one.")
    reader = _Unpickler(file)
    found = reader.load()
    numbers = {}
    for key in _Unpickler(file).load():
        storage = reader.storages[key]
        (count,) = struct.unpack("<q", file.read(8))
        if count != storage.count:
            raise ValueError(f"The storage {key!r} has {count} numbers; expected {storage.count}.")
        numbers[key] = storage.numbers(file.read(storage.size))
    return found, numbers


def _with_arrays(found, numbers):
    """An object with its tensors replaced by arrays."""
    if isinstance(found, Tensor):
        return found.array(numbers[found.storage.key])
    if isinstance(found, dict):
        return {key: _with_arrays(value, numbers) for key, value in found.items()}
    if isinstance(found, (list, tuple)):
        return type(found)(_with_arrays(value, numbers) for value in found)
    return found
