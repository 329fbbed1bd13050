"""Files of PyTorch, written byte by byte without it: tensors, and whole modules as the authors of StyleGAN2 do."""

import collections
import io
import pickle
import struct

import numpy as np

KINDS = {"float32": "FloatStorage", "float64": "DoubleStorage", "float16": "HalfStorage", "int64": "LongStorage"}


class Named:
    """Pickled as the name of a thing in a module that is not there."""

    def __init__(self, module, name):
        self.module, self.name = module, name


class Call:
    """Pickled as a call."""

    def __init__(self, function, *arguments):
        self.function, self.arguments = function, arguments


class Made:
    """Pickled as an object of a class, with a state."""

    def __init__(self, kind, state):
        self.kind, self.state = kind, state


class Changed(Made):
    """Pickled as a thing that gets a state without being made."""


class Reference:
    """Pickled as a persistent id."""

    def __init__(self, *found):
        self.found = found


class Pickler(pickle._Pickler):
    """Python's own pickler, which can be told to write names of modules that are not there."""

    dispatch = dict(pickle._Pickler.dispatch)

    def persistent_id(self, thing):
        return thing.found if isinstance(thing, Reference) else None

    def save_named(self, thing):
        self.write(pickle.GLOBAL + f"{thing.module}\n{thing.name}\n".encode())

    def save_made(self, thing):
        self.save(thing.kind)
        self.write(pickle.EMPTY_TUPLE + pickle.NEWOBJ)
        self.save(thing.state)
        self.write(pickle.BUILD)

    def save_changed(self, thing):
        self.save(thing.kind)
        self.save(thing.state)
        self.write(pickle.BUILD)

    def save_call(self, thing):
        self.save(thing.function)
        self.save(thing.arguments)
        self.write(pickle.REDUCE)

    dispatch[Named], dispatch[Call] = save_named, save_call
    dispatch[Made], dispatch[Changed] = save_made, save_changed


def pickled(thing):
    file = io.BytesIO()
    Pickler(file, 2).dump(thing)
    return file.getvalue()


def described(arrays, legacy):
    """A `state_dict` as PyTorch pickles it, and the bytes of its storages by key."""
    found, data = collections.OrderedDict(), {}
    for name, array in arrays.items():
        array = np.asarray(array, order="C")
        kind, key = Named("torch", KINDS[array.dtype.name]), str(len(data))
        data[key] = array.size, array.tobytes()
        storage = Reference("storage", kind, key, "cpu", array.size, *([None] if legacy else []))
        strides = tuple(s // array.itemsize for s in array.strides)
        hooks = Call(Named("collections", "OrderedDict"))
        rebuild = Named("torch._utils", "_rebuild_tensor_v2")
        found[name] = Call(rebuild, storage, 0, array.shape, strides, False, hooks)
    return found, data


def streamed(found, data=()):
    """The bytes of PyTorch's older format."""
    parts = [pickled(each) for each in (0x1950A86A20F9469CFC6C, 1001, {"little_endian": True}, found, list(dict(data)))]
    parts += [struct.pack("<q", count) + content for count, content in dict(data).values()]
    return b"".join(parts)


BUFFERS = (
    "resample_filter",
    "noise_const",
    "w_avg",
    "freqs",
    "phases",
    "transform",
    "magnitude_ema",
    "_filter",
    "Kernel",
)


def tensor(array):
    """An array as PyTorch pickles a tensor by itself: its storage is a stream of its own."""
    array = np.asarray(array, order="C")
    storage = Reference("storage", Named("torch", KINDS[array.dtype.name]), "0", "cpu", array.size, None)
    content = Call(Named("torch.storage", "_load_from_bytes"), streamed(storage, {"0": (array.size, array.tobytes())}))
    strides = tuple(stride // array.itemsize for stride in array.strides)
    hooks = Call(Named("collections", "OrderedDict"))
    return Call(Named("torch._utils", "_rebuild_tensor_v2"), content, 0, array.shape, strides, False, hooks)


def state_of(arrays, wrap, **attributes):
    """The `__dict__` of a module with given arrays by name; `wrap(class name, state)` makes modules within it."""
    parameters, buffers, inner = {}, {}, {}
    for name, array in arrays.items():
        first, _, rest = name.partition(".")
        if rest:
            inner.setdefault(first, {})[rest] = array
        elif name.endswith(BUFFERS):
            buffers[name] = tensor(array)
        else:
            hooks = Call(Named("collections", "OrderedDict"))
            parameters[name] = Call(Named("torch._utils", "_rebuild_parameter"), tensor(array), True, hooks)
    modules = {name: wrap("Layer", state_of(part, wrap)) for name, part in inner.items()}
    own = {"training": False, "_parameters": parameters, "_buffers": buffers, "_modules": modules}
    return {**own, "_backward_hooks": Call(Named("collections", "OrderedDict")), **attributes}


SOURCE = "import os\nos.mkdir({ran!r})\nclass Generator: pass\n"


def persistent(ran):
    """Wraps modules as NVIDIA's code does, with source code, which would leave a trace if it were run."""

    def wrap(class_name, state):
        meta = {"type": "class", "version": 6, "module_src": SOURCE.format(ran=str(ran)), "class_name": class_name}
        reconstruct = Named("torch_utils.persistence", "_reconstruct_persistent_obj")
        return Call(reconstruct, Call(Named("dnnlib.util", "EasyDict"), {**meta, "state": state}))

    return wrap


def plain(class_name, state):
    """Wraps modules as PyTorch does."""
    return Made(Named("R3GAN.Networks", class_name), state)
