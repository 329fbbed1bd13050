"""The handwritten digits that come with scikit-learn."""

import numpy as np

from kerasgan.data.builders.base import LocalDataset
from kerasgan.data.builders.features import ClassLabel, Image


class Digits(LocalDataset):
    """1797 handwritten digits, 8x8 pixels, one channel, from `sklearn.datasets.load_digits`.

    A pixel is the number of inked points in a 4x4 block and has 17 levels. The images contain these levels, 0 to 16, as
    uint8 with `value_range=(0, 16)`: scaled to [-1, 1] a pixel is exactly `level / 8 - 1`. A viewer that expects uint8
    in [0, 255] shows them almost black.

    The splits, 898 examples to train and 899 to test, are fixed and stratified: the class counts differ by at most one
    example. Both contain digits of the same writers. The split is neither easy nor hard compared with random ones: a
    support vector machine trained on one half classifies 98.9% of the other half correctly, the median of such splits.
    """

    name = "digits"
    version = "1.0.0"
    description = (
        "1797 handwritten digits of 8x8 pixels with the levels 0 to 16, the test part of the UCI "
        "data set 'Optical Recognition of Handwritten Digits' as distributed with scikit-learn; "
        "split at random, stratified by class."
    )
    citation = """@misc{alpaydin1998optical,
        author = {Alpaydin, E. and Kaynak, C.},
        title = {Optical Recognition of Handwritten Digits},
        year = {1998},
        howpublished = {UCI Machine Learning Repository},
        doi = {10.24432/C50P49}
    }"""
    license = "CC BY 4.0"
    source = "scikit-learn"
    homepage = "https://archive.ics.uci.edu/dataset/80"
    features = {
        "image": Image((8, 8, 1), value_range=(0, 16)),
        "label": ClassLabel(tuple("0123456789")),
    }
    image_sizes = range(8, 129, 4)

    def splits(self):
        return {"train": 898, "test": 899}

    def generate(self, split, workers=1):
        images, labels = _source()
        for index in _split_indices(labels)[split]:
            yield {"image": images[index], "label": labels[index]}


def _source():
    from sklearn.datasets import load_digits

    source = load_digits()
    return source.images.astype("uint8")[..., None], source.target.astype("int64")


def _split_indices(labels):
    # RandomState, because NumPy guarantees that its streams never change; 2 is the first seed with a split of median
    # difficulty. Every second example of the shuffled digits of a class goes into the same split; sorting the indices
    # restores the order of the source.
    shuffle = np.random.RandomState(2).permutation(len(labels))
    by_class = np.lexsort((shuffle, labels))
    return {"train": np.sort(by_class[1::2]), "test": np.sort(by_class[::2])}
