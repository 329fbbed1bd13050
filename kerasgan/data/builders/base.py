"""The base of the local data sets: NumPy examples, and the same examples for TFDS.

A data set is one file with one subclass of `LocalDataset`, or of `ProceduralDataset` where any example can be made by
itself. It needs NumPy alone; `tfds_builder` turns it into a TFDS builder for those who want its files, versions and
splits.
"""

import functools
import hashlib
import itertools
import json
import math
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from kerasgan.data import workers as processes
from kerasgan.data.builders import packages

FACTS = Path(__file__).with_name("facts.json")
BLOCK = 256  # examples that are made, sent and written together, at most


class LocalDataset(ABC):
    """A data set that needs no network: a subclass states its attributes and generates examples.

    Args:
        config: One of `configs`; None is the first of them.
        **options: What `option_names` of the class and of its bases name.

    Attributes:
        name: Lower-case name, as in `kerasgan.data.load(name)`.
        version: "major.minor.patch"; changes whenever an example does.
        description: What is in it, and how the splits were made.
        citation: BibTeX entry, or "".
        homepage: Address of the source, or "".
        source: Where the data come from, in a few words.
        features: Name to description (`Image`, `ClassLabel`, ...) of each part of an example.
        sample: Name of the feature that `kerasgan.data.load` gives as x.
        configs: Names of the variants, as in `kerasgan.data.load("name/config")`; the first is the default.
        option_names: What a user may say about the data beside the variant.
        sheet_count: Number of examples on a contact sheet.
        image_sizes: The sizes that `kerasgan.data.load` may resize the images to.
        cached: Whether `kerasgan.data.load` keeps the examples on the disk.

    Raises:
        ValueError: There is no such config or option.
    """

    name: str
    version: str
    description: str
    citation: str = ""
    homepage: str = ""
    source: str = "procedural"
    sample: str = "image"
    configs: tuple = ()
    option_names: tuple = ()
    sheet_count: int = 64
    image_sizes: range = range(8, 257, 4)
    cached: bool = False

    def __init__(self, config=None, **options):
        if config is not None and config not in self.configs:
            known = " or ".join(map(repr, self.configs)) or "none, as it has no variants"
            raise ValueError(f"{self.name!r} has no config {config!r}; expected {known}.")
        names = sorted({name for base in type(self).__mro__ for name in vars(base).get("option_names", ())})
        unknown = sorted(set(options) - set(names))
        if unknown:
            raise ValueError(
                f"{self.name!r} does not know the option {', '.join(unknown)}; expected {', '.join(names) or 'none'}."
            )
        self.config: Any = config or next(iter(self.configs), None)
        self.options = options

    @property
    def full_name(self):
        """Name and config, as `kerasgan.data.load` takes them."""
        return self.name if self.config is None else f"{self.name}/{self.config}"

    # A class attribute will do for each of the following, except where the config decides.

    @property
    @abstractmethod
    def license(self) -> str:
        """Name of the licence of the data."""

    @property
    def packages(self) -> tuple:
        """The `packages.Package`s that the data are read from; `tools/install_data_packages.sh` installs them."""
        return ()

    @property
    def pair(self) -> tuple | None:
        """Names of the two features that `kerasgan.data.load` gives as (x, y) with `as_pairs`, or None."""
        return None

    @property
    def class_names(self):
        """Names of the classes in the order of the labels; None where there are no labels."""
        label = self.features.get("label")
        return None if label is None else label.names

    @property
    def facts(self):
        """What `tools/measure_data.py` has measured of the data with the pinned packages; {} where it has not.

        `counts` of examples, of `classes` where there are labels, `sha256` of each split's examples, and
        `near_duplicates`, how close test examples come to training examples.
        """
        return measured().get(self.full_name, {})

    @property
    @abstractmethod
    def features(self) -> Mapping[str, Any]:
        """Name to description of each part of an example; a class attribute will do."""

    @abstractmethod
    def splits(self) -> dict[str, int]:
        """Number of examples of each split."""

    @abstractmethod
    def generate(self, split: str, workers: int = 1) -> Iterator[dict[str, Any]]:
        """The examples of a split, in a fixed order, as `{feature name: NumPy value}`; `str` for a text."""

    def requires(self) -> str | None:
        """What is missing on this machine to make the data, and what to do, in a sentence; None if nothing is."""
        return None

    def check_requirements(self):
        """Raises `FileNotFoundError` with the sentence of `requires`, if there is one."""
        sentence = self.requires()
        if sentence is not None:
            raise FileNotFoundError(sentence)

    def metadata(self) -> dict:
        """JSON-ready facts that are recorded with the prepared data."""
        return {}

    def blocks(self, split, workers=1):
        """The examples of a split in stacked blocks: an iterator of `{feature name: array}`, texts as arrays of str."""
        examples = self.generate(split, workers)
        while block := list(itertools.islice(examples, BLOCK)):
            yield self.stack(block)

    def stack(self, examples):
        """A list of examples as `{feature name: array}`.

        Raises:
            ValueError: An example is not as `features` says.
        """
        return {name: self._stack(name, [example[name] for example in examples]) for name in self.features}

    def _stack(self, name, values):
        feature = self.features[name]
        stacked = np.stack([np.asarray(value) for value in values])
        right_type = stacked.dtype.kind == "U" if feature.dtype == "str" else stacked.dtype == np.dtype(feature.dtype)
        if stacked.shape[1:] != tuple(feature.shape) or not right_type:
            raise ValueError(
                f"{self.full_name!r} made {name!r} of shape {stacked.shape[1:]} and dtype {stacked.dtype}; expected "
                f"{tuple(feature.shape)} and {feature.dtype}, as its features say."
            )
        return stacked

    def parts(self, split):
        """The names of splits in `"train"`, `"train+test"`, ...

        Raises:
            ValueError: There is no such split.
        """
        parts, known = split.split("+"), self.splits()
        unknown = [part for part in parts if part not in known]
        if unknown:
            raise ValueError(
                f"split={split!r} names {unknown}, which {self.name!r} does not have; expected "
                f"{' or '.join(map(repr, known))}, or several joined by '+'."
            )
        return parts

    def arrays(self, split, workers=1):
        """All examples of a split, stacked.

        Args:
            split: Name of a split, or several joined by `+`, as in `"train+test"`.
            workers: Number of processes that make them, where the data can be divided.

        Returns:
            `{feature name: array whose first axis counts the examples}`.

        Raises:
            ValueError: There is no such split.
            FileNotFoundError: Something is missing on this machine.
        """
        self.check_requirements()
        blocks = [block for part in self.parts(split) for block in self.blocks(part, workers)]
        return {name: np.concatenate([block[name] for block in blocks]) for name in self.features}

    def some(self, split, count):
        """A few examples from all over a split, stacked.

        Args:
            split: Name of a split.
            count: How many, at most.
        """
        arrays = self.arrays(split)
        return {name: column[_spread(len(column), count)] for name, column in arrays.items()}

    def sheet(self, arrays):
        """A picture that shows what is in the data: here, a grid of the images.

        Args:
            arrays: `sheet_count` examples, as `some` returns them.

        Returns:
            uint8 array of shape (height, width, 3).
        """
        from kerasgan.data.prepare import prepare
        from kerasgan.pictures.images import grid

        pictures = grid(prepare(arrays["image"], value_range=self.features["image"].value_range))
        return np.broadcast_to(pictures, (*pictures.shape[:2], 3))


class ProceduralDataset(LocalDataset):
    """A data set each of whose examples can be made by itself: a function of seed, split and index alone.

    So several processes can share the work without a trace of it in the result, and `count=k` gives the first `k`
    examples of the same data. A subclass states `counts` and writes `example`.

    Attributes:
        seed: Of all random numbers.
        counts: Number of examples of each split. Where the machine decides, `splits` is overridden and ends with
            `return self.limited(counts)`.
    """

    seed: int = 0
    counts: Mapping[str, int] = {}
    option_names = ("count",)
    cached = True

    def __init__(self, config=None, **options):
        super().__init__(config, **options)
        count = options.get("count")
        if count is not None and (isinstance(count, bool) or not isinstance(count, int) or count < 1):
            raise ValueError(f"count is {count!r}; expected a positive integer: at most so many examples of a split.")

    @abstractmethod
    def example(self, rng, split, index) -> dict[str, Any]:
        """One example, as `{feature name: NumPy value}`; `str` for a text.

        Args:
            rng: `np.random.Generator` of this example's own.
            split: Name of the split.
            index: Place in the split, from 0.
        """

    def splits(self):
        return self.limited(self.counts)

    def limited(self, counts):
        """The numbers of examples after the option `count`, the most that a split may have."""
        most = self.options.get("count")
        return {split: count if most is None else min(count, most) for split, count in counts.items()}

    def random(self, split, index):
        """The generator of one example, which depends on name, version, config, seed, split and index alone.

        Examples of a split are blocks of 2^192 numbers of one Philox stream, so that none overlap.
        """
        key = _key(self.name, self.version, self.config, self.seed, split)
        return np.random.Generator(np.random.Philox(key=key, counter=[0, 0, 0, index]))

    def make(self, split, start, stop):
        """The examples `start` to `stop - 1` of a split, stacked."""
        return self._made(split, range(start, stop))

    def some(self, split, count):
        self.check_requirements()
        self.parts(split)
        return self._made(split, _spread(self.splits()[split], count).tolist())

    def _made(self, split, indices):
        return self.stack([self.example(self.random(split, index), split, index) for index in indices])

    def blocks(self, split, workers=1):
        self.check_requirements()
        count = self.splits()[split]
        size = min(BLOCK, math.ceil(count / (2 * workers)))  # something to do for each process
        bounds = [(split, start, min(start + size, count)) for start in range(0, count, size)]
        return processes.ordered(self, bounds, workers)

    def generate(self, split, workers=1):
        """The examples of a split in order; the same for any number of processes.

        Raises:
            FileNotFoundError: At once, with the sentence of `requires`, if something is missing on this machine.
        """
        return _rows(self.blocks(split, workers))


@functools.cache
def measured():
    """The contents of facts.json: `{full name: facts}`."""
    return json.loads(FACTS.read_text(encoding="utf-8"))


@functools.cache
def _key(*identity):
    """Key of the random stream of a split."""
    return np.frombuffer(hashlib.sha256(json.dumps(identity).encode()).digest()[:16], "<u8")


class PackagedDataset(ProceduralDataset):
    """A data set that is read from installed packages: a subclass names `packages` and `modules`, and lists its items.

    Attributes:
        modules: Names of the Python modules that draw or play what the packages hold.
        alone: Whether one process makes all examples, as to list them takes longest.
    """

    modules: tuple = ()
    alone: bool = False

    @abstractmethod
    def listed(self) -> dict[str, list]:
        """For each split what its examples are made from, in their order."""

    @functools.cached_property
    def items(self):
        """What `listed` says, read once."""
        return self.listed()

    def place(self, name):
        """Where what is read of a package lies."""
        return next(package for package in self.packages if package.name == name).place()

    def requires(self):
        missing = [package.name for package in self.packages if package.place() is None]
        missing += [name for name in self.modules if not packages.has_module(name)]
        return packages.lacking(self, missing) if missing else None

    def splits(self):
        if self.requires() is not None:
            return dict.fromkeys(("train", "test"), 0)
        # To list the items can take a minute; of the pinned versions their number is known.
        known = self.facts.get("counts") if self.facts.get("version") == self.version and self._is_pinned() else None
        return self.limited(known or {split: len(items) for split, items in self.items.items()})

    def blocks(self, split, workers=1):
        return super().blocks(split, 1 if self.alone else workers)

    def _is_pinned(self):
        return all(package.found_version() == package.version for package in self.packages)

    def metadata(self):
        return {"packages": {package.name: package.found_version() for package in self.packages}}


def shuffled(items, key=str):
    """Items in an order that follows from their keys alone: that of the SHA-256.

    Args:
        items: Any number of items.
        key: Function of an item that gives the text which tells it from all others.
    """
    return sorted(items, key=lambda item: hashlib.sha256(key(item).encode()).digest())


def divided(items, group, one_in=8, key=str):
    """Items as training and test split, no group of them on both sides.

    Args:
        items: Any number of items.
        group: Function of an item that gives the name of its group. Its SHA-256 alone decides.
        one_in: One group in so many is for testing.
        key: As in `shuffled`, which gives the order.

    Returns:
        `{"train": list, "test": list}`.
    """
    split: dict[str, list] = {"train": [], "test": []}
    for item in shuffled(items, key):
        digest = hashlib.sha256(f"split {group(item)}".encode()).digest()
        split["test" if int.from_bytes(digest[:4], "little") % one_in == 0 else "train"].append(item)
    return split


def _spread(total, count):
    """Up to `count` of `total` indices, evenly spread."""
    return np.linspace(0, total - 1, min(count, total)).round().astype(int)


def _rows(blocks):
    for block in blocks:
        for index in range(len(next(iter(block.values())))):
            yield {name: column[index] for name, column in block.items()}


def tfds_builder(dataset, data_dir=None, workers=1):
    """Wraps a local data set into a TFDS builder, which downloads nothing.

    `download_and_prepare()` of the result writes its files, `as_dataset()` reads them.

    Args:
        dataset: A `LocalDataset`.
        data_dir: Folder of the prepared files; None is TFDS' own, `~/tensorflow_datasets`.
        workers: Number of processes that make the examples.

    Returns:
        A `tfds.core.GeneratorBasedBuilder` with the name, config, version, splits and features of `dataset`.

    Raises:
        ImportError: `tensorflow-datasets` is not installed.
    """
    import tensorflow_datasets as tfds

    # Registration is of use to `tfds.load` only, and would refuse a second builder of this name.
    class Builder(tfds.core.GeneratorBasedBuilder, skip_registration=True):  # type: ignore[call-arg]
        name = dataset.name
        VERSION = tfds.core.Version(dataset.version)
        BUILDER_CONFIGS = [tfds.core.BuilderConfig(name=config) for config in dataset.configs]

        def _info(self):
            return tfds.core.DatasetInfo(
                builder=self,
                description=dataset.description,
                features=tfds.features.FeaturesDict(
                    {name: feature.tfds_feature() for name, feature in dataset.features.items()}
                ),
                supervised_keys=("image", "label") if {"image", "label"} <= set(dataset.features) else None,
                homepage=dataset.homepage or None,
                citation=dataset.citation,
                license=dataset.license,
                metadata=tfds.core.MetadataDict(dataset.metadata()),
            )

        def _split_generators(self, dl_manager):
            return {split: self._generate_examples(split) for split in dataset.splits()}

        def _generate_examples(self, split):
            yield from enumerate(dataset.generate(split, workers=workers))

    return Builder(data_dir=data_dir, config=dataset.config)
