"""Writes kerasgan/data/builders/fashion.npz, the part of Fashion-MNIST that comes with the package.

    python tools/make_fashion.py [FOLDER]

FOLDER holds the four IDX files, as the Debian package dataset-fashion-mnist installs them. The same files give the same
bytes on each machine; the SHA-256 that is printed belongs into kerasgan/data/builders/fashion.py.
"""

import hashlib
import io
import sys
import zipfile

import numpy as np

from kerasgan.data import idx
from kerasgan.data.builders import fashion

PER_CLASS = {"train": 1200, "test": 200}


def chosen(labels, count):
    """Indices of the first `count` examples of each class, in the order of the file."""
    return np.sort(np.concatenate([np.flatnonzero(labels == label)[:count] for label in range(10)]))


def main(folder=f"/{fashion.DEBIAN}"):
    arrays = {}
    for split, count in PER_CLASS.items():
        images, labels = idx.images_and_labels(folder, split)
        rows = chosen(labels, count)
        arrays[f"{split}_images"], arrays[f"{split}_labels"] = images[rows], labels[rows].astype("uint8")
    with zipfile.ZipFile(fashion.EMBEDDED, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive:
        for name, array in arrays.items():
            file = io.BytesIO()
            np.lib.format.write_array(file, array)
            archive.writestr(zipfile.ZipInfo(f"{name}.npy"), file.getvalue(), zipfile.ZIP_DEFLATED, 9)
    print(fashion.EMBEDDED, fashion.EMBEDDED.stat().st_size, hashlib.sha256(fashion.EMBEDDED.read_bytes()).hexdigest())


if __name__ == "__main__":
    main(*sys.argv[1:])
