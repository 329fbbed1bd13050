"""The binary versions of CIFAR-10 and CIFAR-100."""

from pathlib import Path

import numpy as np

SIDE = 32
FILES = {"train": [f"data_batch_{number}.bin" for number in range(1, 6)], "test": ["test_batch.bin"]}
FILES_100 = {"train": ["train.bin"], "test": ["test.bin"]}


def files(folder, split):
    """The paths of a split's files, of CIFAR-10 or otherwise CIFAR-100; None if one is missing."""
    for names in (FILES[split], FILES_100[split]):
        paths = tuple(Path(folder) / name for name in names)
        if all(path.is_file() for path in paths):
            return paths
    return None


def class_names(folder):
    """The class names stored next to the files, or None."""
    for name in ("batches.meta.txt", "fine_label_names.txt"):
        path = Path(folder) / name
        if path.is_file():
            return tuple(path.read_text(encoding="utf-8").split())
    return None


def refuse_pickles(folder):
    """Raises a ValueError for the Python version, because reading a pickle can execute code."""
    names = ("data_batch_1", "cifar-10-batches-py/data_batch_1", "cifar-100-python/train")
    for name in names:
        path = Path(folder) / name
        if path.is_file() and path.read_bytes()[:2] == b"\x80\x02":
            raise ValueError(
                f"{path} is in the Python version of CIFAR; expected the binary version (*-binary.tar.gz)."
            )


def images_and_labels(folder, split):
    """Reads the images and labels of a split; for CIFAR-100, the labels of the 100 classes.

    Args:
        folder: Folder of the files.
        split: "train" or "test".

    Returns:
        uint8 images of shape (count, 32, 32, 3), and int64 labels of shape (count,).

    Raises:
        FileNotFoundError: If one of the files is missing.
        ValueError: If the length of a file is not that of a whole number of images.
    """
    paths = files(folder, split)
    if paths is None:
        raise FileNotFoundError(f"{folder} lacks a file of {' or '.join(map(str, (FILES[split], FILES_100[split])))}.")
    before = 1 if paths[0].name == FILES[split][0] else 2  # labels per image: CIFAR-100 starts with the coarse one
    rows = []
    for path in paths:
        data = np.fromfile(path, "uint8")
        if len(data) == 0 or len(data) % (before + 3 * SIDE**2):
            raise ValueError(
                f"{path} has {len(data)} bytes; expected a multiple of {before + 3 * SIDE**2}: copy it again."
            )
        rows.append(data.reshape(-1, before + 3 * SIDE**2))
    whole = np.concatenate(rows)
    images = whole[:, before:].reshape(-1, 3, SIDE, SIDE).transpose(0, 2, 3, 1)
    return np.ascontiguousarray(images), whole[:, before - 1].astype("int64")
