"""IDX files, the format of MNIST and its successors, optionally compressed."""

import gzip
import math
import re
from pathlib import Path

import numpy as np

TYPES = {0x08: ">u1", 0x09: ">i1", 0x0B: ">i2", 0x0C: ">i4", 0x0D: ">f4", 0x0E: ">f8"}
# The names of the two files of a split, without an optional `.gz`. Some copies have a dot in place of the hyphen.
FILES = {
    "train": ("train-images-idx3-ubyte", "train-labels-idx1-ubyte"),
    "test": ("t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte"),
}


def read(path):
    """Reads the array of an IDX file.

    Args:
        path: Path of the file, which is decompressed if the name ends in `.gz`.

    Returns:
        A NumPy array in the byte order of this machine.

    Raises:
        ValueError: If the file is not an IDX file, or if its length does not match its header.
    """
    path = Path(path)
    try:
        data = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
    except (EOFError, gzip.BadGzipFile) as error:
        raise ValueError(f"{path} is not a complete gzip file ({error}): copy it again.") from error
    if len(data) < 4 or data[:2] != b"\0\0" or data[2] not in TYPES:
        raise ValueError(f"{path} starts with {data[:4].hex(' ')!r}; expected an IDX file, as those of MNIST are.")
    start = 4 + 4 * data[3]
    shape = tuple(np.frombuffer(data[4:start], ">u4").tolist())
    dtype = np.dtype(TYPES[data[2]])
    if len(shape) != data[3] or len(data) - start != math.prod(shape) * dtype.itemsize:
        raise ValueError(
            f"{path} has {len(data)} bytes; expected the size of an array of shape {shape}: copy it again."
        )
    return np.frombuffer(data, dtype, offset=start).reshape(shape).astype(dtype.newbyteorder("="))


def files(folder, split):
    """The paths of the images and labels of a split in MNIST's layout, or None if one of them is missing.

    The names may start differently, such as "emnist-letters-train-images-idx3-ubyte", or "test-..." instead of "t10k-".

    Raises:
        ValueError: If several files match.
    """
    paths = [_file(Path(folder), name) for name in FILES[split]]
    return None if None in paths else tuple(paths)


def _file(folder, name):
    names = (f"{stem}{ending}" for stem in (name, name.replace("-idx", ".idx")) for ending in ("", ".gz"))
    exact = next((folder / name for name in names if (folder / name).is_file()), None)
    if exact is not None or not folder.is_dir():
        return exact
    split, rest = name.split("-", 1)
    words = "(t10k|test)" if split == "t10k" else split
    pattern = re.compile(rf"(.*-)?{words}-{rest.replace('-idx', '[-.]idx')}(\.gz)?")
    found = sorted(path for path in folder.iterdir() if pattern.fullmatch(path.name))
    if len({path.name.removesuffix(".gz") for path in found}) > 1:
        raise ValueError(
            f"{folder} has {found[0].name} and {found[1].name}; expected the files of one data set: move the others."
        )
    return found[0] if found else None


def class_names(folder):
    """Returns None: the format has no class names."""


def images_and_labels(folder, split):
    """Reads the images and labels of a split in MNIST's layout.

    Args:
        folder: Folder with the IDX files.
        split: "train" or "test".

    Returns:
        uint8 images of shape (count, height, width), and int64 labels of shape (count,).

    Raises:
        FileNotFoundError: If one of the files is missing.
        ValueError: If one of the files is not an IDX file, or if the files do not match.
    """
    paths = files(folder, split)
    if paths is None:
        raise FileNotFoundError(f"{folder} lacks {' or '.join(FILES[split])}; expected both, with or without .gz.")
    images, labels = map(read, paths)
    if images.ndim != 3 or images.dtype != np.uint8 or labels.shape != images.shape[:1]:
        raise ValueError(
            f"{paths[0]} contains {images.dtype} of shape {images.shape} and {paths[1].name} contains labels of shape "
            f"{labels.shape}; expected uint8 images and one label for each image."
        )
    return images, labels.astype("int64")
