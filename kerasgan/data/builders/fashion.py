"""Fashion-MNIST: small photographs of clothes, 14,000 of which come with the package."""

import functools
import hashlib
import os
from pathlib import Path

import numpy as np

from kerasgan.data import idx
from kerasgan.data.builders.base import LocalDataset
from kerasgan.data.builders.features import ClassLabel, Image
from kerasgan.data.builders.packages import Package, installed, lacking

CLASSES = (
    *("T-shirt/top", "Trouser", "Pullover", "Dress", "Coat"),
    *("Sandal", "Shirt", "Sneaker", "Bag", "Ankle boot"),
)
EMBEDDED = Path(__file__).with_name("fashion.npz")
SHA256 = "c9b9cbe960575c1b9ca363f5a8a304d49f242111aef0d64963c4cedb1f2ec9c4"
DEBIAN = "usr/share/datasets/fashion-mnist"
PACKAGE = Package("dataset-fashion-mnist", "0.0~git20200523.55506a9-1", DEBIAN)


class Fashion(LocalDataset):
    """Photographs of clothes, 28x28 pixels, grey on black, in ten classes: Fashion-MNIST (Xiao et al. 2017).

    Configs:

    * `"small"`, the default, is part of the package: 12,000 training and 2,000 test pictures, the first 1,200 and 200
      of each class in Fashion-MNIST's training and test files;
    * `"full"` is all 60,000 and 10,000, from a `folder=` with the four IDX files, from the Debian package
      dataset-fashion-mnist, or from TFDS' `fashion_mnist` if it has been prepared. The examples are sorted by their
      SHA-256, and thus in the same order from each source.

    `kerasgan.data.load("fashion")` returns the original pictures. For other sizes, a margin of 2 black pixels is added
    on each side first: `image_size=32` only pads, and other sizes are resized from these 32x32 pixels.

    Options: `folder`, a folder with the IDX files, compressed or not, for `"full"`.

    Raises:
        FileNotFoundError: If `"full"` is not on this machine; the message says how to get it.
        ValueError: If the embedded file is damaged, or if a file of the folder is not an IDX file.
    """

    name = "fashion"
    version = "1.0.0"
    description = (
        "Photographs of clothes from Zalando's shop, 28x28 pixels, grey on black, ten balanced classes: 12,000 and "
        "2,000 of Fashion-MNIST (config 'small', part of the package), or all 60,000 and 10,000 ('full')."
    )
    citation = """@article{xiao2017fashion,
        author = {Xiao, Han and Rasul, Kashif and Vollgraf, Roland},
        title = {Fashion-MNIST: a Novel Image Dataset for Benchmarking Machine Learning Algorithms},
        journal = {arXiv:1708.07747},
        year = {2017}
    }"""
    license = "MIT (Copyright (c) 2017 Zalando SE)"
    homepage = "https://github.com/zalandoresearch/fashion-mnist"
    source = "part of the package; full: Debian package dataset-fashion-mnist, TFDS, or folder="
    packages = (PACKAGE,)
    configs = ("small", "full")
    option_names = ("folder",)
    image_sizes = range(8, 129, 4)
    sheet_count = 160
    features = {
        "image": Image((28, 28, 1), doc="a piece of clothing on black", margin=2),
        "label": ClassLabel(CLASSES, doc="kind of clothing"),
    }

    def __init__(self, config=None, **options):
        super().__init__(config, **options)
        if self.config == "small" and "folder" in options:
            raise ValueError(f"folder={options['folder']!r} was given, but only 'fashion/full' supports it.")

    def requires(self):
        if self.config == "small" or self._folder() is not None or _tfds_folder().is_dir():
            return None
        folder = self.options.get("folder")
        if folder is not None:
            names = ", ".join(name for pair in idx.FILES.values() for name in pair)
            return f"folder={str(folder)!r} lacks some of {names}; expected these files, with or without .gz."
        return lacking(self, [PACKAGE.name], "or pass folder= with the four IDX files")

    def splits(self):
        if self.config == "small":
            return {"train": 12_000, "test": 2_000}
        return {"train": 60_000, "test": 10_000}

    def blocks(self, split, workers=1):
        self.parts(split)
        images, labels = self._source(split)
        yield {"image": images[..., None], "label": labels}

    def generate(self, split, workers=1):
        for block in self.blocks(split):
            for image, label in zip(block["image"], block["label"], strict=True):
                yield {"image": image, "label": label}

    def sheet(self, arrays):
        """Draws one class per column."""
        order = np.argsort(arrays["label"], kind="stable")
        fewest = np.bincount(arrays["label"], minlength=len(CLASSES)).min()
        if fewest == 0:
            return super().sheet(arrays)
        first = np.searchsorted(arrays["label"][order], np.arange(len(CLASSES)))
        chosen = order[(first + np.arange(fewest)[:, None]).ravel()]
        from kerasgan.data.prepare import prepare
        from kerasgan.pictures.images import grid

        pictures = grid(prepare(arrays["image"][chosen]), columns=len(CLASSES))
        return np.broadcast_to(pictures, (*pictures.shape[:2], 3))

    def _folder(self):
        """The folder of the IDX files, or None."""
        folder = self.options.get("folder")
        places = installed(DEBIAN) if folder is None else [Path(folder).expanduser()]
        return next((place for place in places if all(idx.files(place, split) for split in idx.FILES)), None)

    def _source(self, split):
        if self.config == "small":
            arrays = _embedded()
            return arrays[f"{split}_images"], arrays[f"{split}_labels"].astype("int64")
        folder = self._folder()
        images, labels = _from_tfds(split) if folder is None else idx.images_and_labels(folder, split)
        digests = [hashlib.sha256(image).digest() + bytes([label]) for image, label in zip(images, labels, strict=True)]
        order = sorted(range(len(digests)), key=digests.__getitem__)
        return images[order], labels[order]


@functools.cache
def _embedded():
    found = hashlib.sha256(EMBEDDED.read_bytes()).hexdigest()
    if found != SHA256:
        raise ValueError(f"{EMBEDDED} has the SHA-256 {found}; expected {SHA256}: install kerasgan again.")
    with np.load(EMBEDDED) as file:
        return {name: file[name] for name in file.files}


def _tfds_folder():
    """The folder of TFDS' `fashion_mnist`, found without importing TFDS, which takes seconds."""
    root = os.environ.get("TFDS_DATA_DIR") or Path.home() / "tensorflow_datasets"
    return Path(root) / "fashion_mnist"


def _from_tfds(split):
    import tensorflow_datasets as tfds

    builder = tfds.builder("fashion_mnist", data_dir=_tfds_folder().parent)
    rows = list(tfds.as_numpy(builder.as_dataset(split=split)))
    images = np.stack([row["image"][..., 0] for row in rows])
    return images, np.array([row["label"] for row in rows], "int64")
