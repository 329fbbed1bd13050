"""Reads networks from the pickles of StyleGAN2-ADA, StyleGAN3 and R3GAN without executing code from a pickle.

These files are pickles of whole PyTorch modules with the source code of their classes, which the authors' loader
executes. Here a pickle can only refer to functions of a fixed table, all of which are in this file or in `torch_files`,
and to classes of modules, which are replaced by an empty class that stores the state; any other name is an error.
Nothing is imported, and no source code is executed.
"""

import codecs
import dataclasses
import io
import pickle
from typing import Any

import numpy as np

from kerasgan.zoo.torch_files import DAMAGES, TYPES, Known, Mapping, Storage, Tensor, stream

# Modules whose names are treated as classes of networks and layers, never as functions to call.
CLASSES = ("torch.nn.", "torch_utils.", "training.", "R3GAN.")
VERSION = 6  # version of NVIDIA's persistent classes
NUMBERS = "fiub"  # kinds of NumPy dtypes
DEEPEST = 64  # maximum nesting of modules


class Module:
    """Replacement for modules of any class, which stores their state."""

    class_name = "Module"

    def __new__(cls, *arguments, **options):
        return super().__new__(cls)

    def __init__(self, *arguments, **options):
        self.state: dict = {}

    def __setstate__(self, state):
        self.state = state if isinstance(state, dict) else {}


@dataclasses.dataclass(frozen=True)
class Network:
    """A network from a pickle.

    Args:
        class_name: Name of the network's class.
        arguments: Keyword arguments of its constructor, and its plain attributes.
        arrays: Parameters and buffers, under the names of PyTorch's `state_dict`.
    """

    class_name: str
    arguments: dict
    arrays: dict


def read_network(path, name="G_ema"):
    """Reads a network from a pickle.

    Args:
        path: Path of a file of StyleGAN2-ADA for PyTorch (including transfer learning pickles), StyleGAN3 or R3GAN.
        name: Name of the network in the file.

    Returns:
        A `Network`.

    Raises:
        ValueError: If the file is of another kind or damaged.
    """
    try:
        with open(path, "rb") as file:
            found = _Unpickler(file).load()
    except DAMAGES as error:
        raise ValueError(f"{path} is not a pickle of networks, or is damaged: {error}") from error
    module = found.get(name) if isinstance(found, dict) else None
    if not isinstance(module, Module):
        holds = sorted(map(str, found)) if isinstance(found, dict) else type(found).__name__
        raise ValueError(f"{path} holds {holds}; expected a dictionary with the network {name!r}.")
    state = module.state
    plain = {key: value for key, value in state.items() if isinstance(value, (bool, int, float, str))}
    options = state.get("_init_kwargs")
    return Network(module.class_name, {**plain, **(options if isinstance(options, dict) else {})}, _arrays(module))


def _arrays(module, prefix="", depth=0):
    """The parameters and buffers of a module and its submodules."""
    if depth > DEEPEST:
        raise ValueError("The file has modules nested without end.")
    found: dict = {}
    for kind in ("_parameters", "_buffers"):
        for name, value in _entries(module, kind):
            if value is not None and not isinstance(value, np.ndarray):
                raise ValueError(f"{prefix}{name} is a {type(value).__name__}; expected a tensor.")
            found |= {} if value is None else {f"{prefix}{name}": value}
    for name, inner in _entries(module, "_modules"):
        if inner is not None and not isinstance(inner, Module):
            raise ValueError(f"{prefix}{name} is a {type(inner).__name__}; expected a module.")
        found |= {} if inner is None else _arrays(inner, f"{prefix}{name}.", depth + 1)
    return found


def _entries(module, kind):
    entries = module.state.get(kind, {})
    if not isinstance(entries, dict):
        raise ValueError(f"A module's {kind} are a {type(entries).__name__}; expected a dictionary.")
    return entries.items()


# Functions for pickles ------------------------------------------------------------------------------------------------


def _persistent(meta):
    """A module of a persistent class; its source code is ignored."""
    if not isinstance(meta, dict) or meta.get("type") != "class" or meta.get("version") != VERSION:
        raise ValueError(
            f"The file has a persistent object of an unsupported type, or of another version than {VERSION}."
        )
    module = Module()
    module.class_name = str(meta.get("class_name"))
    module.__setstate__(meta.get("state"))
    return module


@dataclasses.dataclass(frozen=True)
class _Numbers:
    """A storage with its numbers."""

    storage: Storage
    numbers: np.ndarray


def _storage(content):
    """A storage from a stream within the pickle."""
    if not isinstance(content, bytes):
        raise ValueError("A storage is not of bytes.")
    found, numbers = stream(io.BytesIO(content), "A storage")
    if not isinstance(found, Storage):
        raise ValueError("Invalid storage in the pickle.")
    return _Numbers(found, numbers[found.key])


def _tensor(storage, start, shape, strides, *_):
    if not isinstance(storage, _Numbers):
        raise ValueError("A tensor has no storage.")
    return Tensor(storage.storage, start, tuple(shape), tuple(strides)).array(storage.numbers)


class _Type:
    """A NumPy dtype of numbers."""

    order: Any

    def __init__(self, name, *_):
        self.name, self.order = str(name), "<"

    def __setstate__(self, state):
        self.order = state[1] if state[1] in ("<", ">") else "<"

    @property
    def numpy(self):
        found = np.dtype(self.name).newbyteorder(self.order)
        if found.kind not in NUMBERS:
            raise ValueError(f"The file has an array of {self.name}; expected numbers.")
        return found


class _Array:
    """A NumPy array whose numbers are set as its state."""

    value: Any = None

    def __setstate__(self, state):
        _, shape, kind, columns_first, content = state
        if not isinstance(kind, _Type) or not isinstance(content, bytes):
            raise ValueError("The file has an array that is not numeric.")
        self.value = np.frombuffer(content, kind.numpy).reshape(shape, order="F" if columns_first else "C").copy()


def _scalar(kind, content):
    if not isinstance(kind, _Type) or not isinstance(content, bytes):
        raise ValueError("The file has a number of an unsupported type.")
    (value,) = np.frombuffer(content, kind.numpy)
    return value.item()


def _encoded(text, encoding="utf-8"):
    if encoding not in ("latin1", "latin-1", "utf-8", "ascii"):
        raise ValueError(f"The file has text of the unsupported encoding {encoding!r}.")
    return codecs.encode(text, encoding)


def _of_type(function, kind, arguments, *_):
    """A tensor of a subclass."""
    if not isinstance(function, Known):
        raise ValueError("A tensor is built by an unsupported function.")
    return function(*arguments)


def _made(kind, *_):
    """An object of a class, as created by older pickles."""
    if not (isinstance(kind, type) and issubclass(kind, Module)):
        raise ValueError("The pickle creates an object that is not a module.")
    return kind()


KNOWN: dict[tuple[str, str], Any] = {
    ("torch_utils.persistence", "_reconstruct_persistent_obj"): Known(_persistent),
    ("torch._utils", "_rebuild_tensor_v2"): Known(_tensor),
    ("torch._utils", "_rebuild_parameter"): Known(lambda data, *_: data),
    ("torch._tensor", "_rebuild_from_type_v2"): Known(_of_type),
    ("torch.storage", "_load_from_bytes"): Known(_storage),
    ("torch", "Size"): Known(tuple),
    ("torch", "device"): Known(lambda *arguments: "device"),
    ("dnnlib.util", "EasyDict"): Mapping,
    ("collections", "OrderedDict"): Mapping,
    ("_codecs", "encode"): Known(_encoded),
    **{(name, "_reconstructor"): Known(_made) for name in ("copyreg", "copy_reg")},
    **{(name, kind): Known(set) for name in ("builtins", "__builtin__") for kind in ("set", "frozenset")},
    **{(name, "object"): Module for name in ("builtins", "__builtin__")},
    **{(f"numpy.{core}.multiarray", "scalar"): Known(_scalar) for core in ("core", "_core")},
    **{(f"numpy.{core}.multiarray", "_reconstruct"): Known(lambda *_: _Array()) for core in ("core", "_core")},
    ("numpy", "dtype"): _Type,
    ("numpy", "ndarray"): Module,
    **{("torch", name): kind for name, kind in TYPES.items()},
    **{("torch", name): name for name in ("float16", "bfloat16", "float32", "float64", "Tensor")},
}


class _Unpickler(pickle.Unpickler):
    """Unpickler that only knows the names of a table and classes of modules."""

    def find_class(self, module, name):
        if (module, name) in KNOWN:
            return KNOWN[module, name]
        if module.startswith(CLASSES) and name.isidentifier():
            return type(name, (Module,), {"class_name": name})
        raise ValueError(
            f"The file holds {module}.{name}; expected the networks of StyleGAN2-ADA, StyleGAN3 or R3GAN for PyTorch."
        )

    def persistent_load(self, found):
        raise ValueError("The file refers to parts of another file.")
