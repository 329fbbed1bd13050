"""The base of the local data sets: NumPy examples, and the same examples for TFDS.

A data set is one file with one subclass of `LocalDataset`. It needs NumPy alone; `tfds_builder`
turns it into a TFDS builder for those who want its files, versions and splits. A new kind of
feature is one more class with a `tfds_feature` method.
"""

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np


@dataclass(frozen=True)
class Image:
    """An uint8 image.

    Args:
        shape: `(height, width, channels)`.
        value_range: The levels that stand for black and white; `kerasgan.data.prepare` maps them to
            -1 and 1.
    """

    shape: tuple
    value_range: tuple = (0, 255)

    def tfds_feature(self):
        import tensorflow_datasets as tfds

        return tfds.features.Image(shape=self.shape, dtype=np.uint8)


@dataclass(frozen=True)
class ClassLabel:
    """An integer class label.

    Args:
        names: Name of each class, in the order of the labels.
    """

    names: tuple

    def tfds_feature(self):
        import tensorflow_datasets as tfds

        return tfds.features.ClassLabel(names=list(self.names))


class LocalDataset(ABC):
    """A data set that needs no network: a subclass states its attributes and generates examples.

    Attributes:
        name: Lower-case name, as in `kerasgan.data.load(name)`.
        version: "major.minor.patch"; changes whenever an example does.
        description: What is in it, and how the splits were made.
        citation: BibTeX entry, or "".
        license: Name of the licence of the data.
        homepage: Address of the source, or "".
        features: Name to description (`Image`, `ClassLabel`) of each part of an example.
        image_sizes: The sizes that `kerasgan.data.load` may resize the images to.
    """

    name: str
    version: str
    description: str
    citation: str
    license: str
    homepage: str
    features: Mapping[str, Any]
    image_sizes: range

    @abstractmethod
    def splits(self) -> dict[str, int]:
        """Number of examples of each split."""

    @abstractmethod
    def generate(self, split: str) -> Iterator[dict[str, np.ndarray]]:
        """The examples of a split, in a fixed order, as `{feature name: NumPy value}`."""

    def arrays(self, split):
        """All examples of a split, stacked.

        Args:
            split: Name of a split, or several joined by `+`, as in `"train+test"`.

        Returns:
            `{feature name: array whose first axis counts the examples}`.

        Raises:
            ValueError: There is no such split.
        """
        parts = split.split("+")
        unknown = [part for part in parts if part not in self.splits()]
        if unknown:
            raise ValueError(
                f"split={split!r} names {unknown}, which {self.name!r} does not have; expected "
                f"{' or '.join(map(repr, self.splits()))}, or several joined by '+'."
            )
        examples = [example for part in parts for example in self.generate(part)]
        return {name: np.stack([example[name] for example in examples]) for name in self.features}


def tfds_builder(dataset, data_dir=None):
    """Wraps a local data set into a TFDS builder, which downloads nothing.

    `download_and_prepare()` of the result writes its files, `as_dataset()` reads them.

    Args:
        dataset: A `LocalDataset`.
        data_dir: Folder of the prepared files; None is TFDS' own, `~/tensorflow_datasets`.

    Returns:
        A `tfds.core.GeneratorBasedBuilder` with the name, version, splits and features of
        `dataset`.

    Raises:
        ImportError: `tensorflow-datasets` is not installed.
    """
    import tensorflow_datasets as tfds

    # Registration is of use to `tfds.load` only, and would refuse a second builder of this name.
    class Builder(tfds.core.GeneratorBasedBuilder, skip_registration=True):  # type: ignore[call-arg]
        name = dataset.name
        VERSION = tfds.core.Version(dataset.version)

        def _info(self):
            return tfds.core.DatasetInfo(
                builder=self,
                description=dataset.description,
                features=tfds.features.FeaturesDict(
                    {name: feature.tfds_feature() for name, feature in dataset.features.items()}
                ),
                supervised_keys=("image", "label"),
                homepage=dataset.homepage or None,
                citation=dataset.citation,
                license=dataset.license,
            )

        def _split_generators(self, dl_manager):
            return {split: self._generate_examples(split) for split in dataset.splits()}

        def _generate_examples(self, split):
            yield from enumerate(dataset.generate(split))

    return Builder(data_dir=data_dir)
