"""Loads data by name, from a folder or from arrays, in an order that depends only on seed and epoch."""

import dataclasses
import itertools
import logging
import os
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import keras
import numpy as np

from kerasgan.data import cache, cifar, folder_cache, idx, packed, tables
from kerasgan.data.builders import DATASETS
from kerasgan.data.builders.features import Audio, Characters, ClassLabel, Image, Tensor, Text
from kerasgan.data.degradation import get_same_size
from kerasgan.data.description import Description
from kerasgan.data.folder import Folder, FolderOptions, holds_pictures
from kerasgan.data.pipeline import ArrayBatches
from kerasgan.data.prepare import prepare, value_range_of
from kerasgan.data.tars import Tars
from kerasgan.data.tfrecords import TFRecords

PACKED: dict[str, type[packed.Packed]] = {"tar": Tars, "tfrecord": TFRecords, "parquet": tables.ParquetFiles}
# Folders into which the archives of MNIST and CIFAR are unpacked.
UNPACKED = ("raw", "MNIST/raw", "FashionMNIST/raw", "cifar-10-batches-bin", "cifar-100-binary")

logger = logging.getLogger("kerasgan")


def load(
    data,
    split="train",
    image_size=None,
    labels=None,
    batch_size=None,
    shuffle_seed=0,
    as_numpy=False,
    as_pairs=False,
    features=None,
    initial_epoch=0,
    flip=False,
    samples=None,
    degrade=None,
    **options,
):
    """Loads data for `fit`.

    Args:
        data: One of the following:

            - a name, or "name/config", of a dataset that needs no network: `"digits"`, `"sprites/colour"`
              (`kerasgan data list` shows all). Generated data are cached on disk;
            - a folder of images, whose subfolders are the classes (`kerasgan.data.from_folder`). `"./digits"` is the
              folder if a dataset has the same name;
            - a folder with MNIST's IDX files or the binary version of CIFAR-10 or CIFAR-100, with the splits "train"
              and "test". Images of 28x28 pixels get a margin of 2 pixels for any other `image_size`;
            - WebDataset tar files, TFRecords of `tf.train.Example` or Parquet files with encoded images, labels,
              captions and other values: a folder of them, a file, or a pattern such as `"shards-{0000..0011}.tar"`
              (`kerasgan.data.packed`);
            - `"hf://owner/name[@revision][/config]"`, a dataset of Hugging Face, with `pip install kerasgan[hf]`;
            - a TFDS name that is prepared on this machine, for example by `kerasgan data prepare mnist`;
            - an array of samples, or a tuple `(samples, labels)`.
        split: `"train"`, `"test"`, `"train+test"`, etc. For a TFDS name, any split that TFDS supports. For a folder,
            the name of a subfolder, or "train" for the folder itself if it has no such subfolder; for tar, TFRecord and
            Parquet files also a word in their names ("test-0001.tar"). For arrays, only "train". Two splits such as
            `("trainA", "trainB")` are two domains: x and y are samples of the domains in independent orders.
        image_size: Size of the square images, resized by `kerasgan.data.prepare`. None keeps the size.
        labels: Whether to return labels. None returns labels if there are any.
        batch_size: Batch size. The incomplete last batch is dropped. None returns single examples.
        shuffle_seed: Random seed of the order of the examples. None keeps the order of the data. Epoch `e` has the
            order `epoch_order(count, shuffle_seed, e)`, where the epoch is `initial_epoch` plus the number of previous
            iterations over the returned dataset (reading only its first batch counts, which Keras does before some
            calls of `fit`).
        as_numpy: Whether to return arrays in the order of the data, for `fit(x, y, batch_size=...)`.
        as_pairs: Whether to return both sides of paired data as (x, y), each in [-1, 1]. An image file in a folder can
            contain both sides, side by side. "unpaired" orders the sides independently, for training without pairs.
        features: Names of features such as `("shape", "scale")` to return in y, as a dictionary, instead of labels.
        initial_epoch: Number of the first epoch. Use it with `.skip(k)` of a `tf.data.Dataset` to resume an interrupted
            training at batch `k`.
        flip: Whether to add a horizontally mirrored copy of each image, which doubles the number of examples.
        samples: Kind of the samples, for data with several kinds: "tokens" returns short texts as int32 of shape
            (batch, length), "graphs" returns molecules as a dictionary of `nodes` and `edges`. None returns the default
            form.
        degrade: Degradation for making pairs (degraded image, image) from images, with `as_pairs`, to learn
            restoration: "grey", "blur", "noise" or "mask", the last three optionally with a strength such as "noise:50"
            (`kerasgan.data.degradation.get_same_size`). Each image is degraded in the same way in every epoch, as a
            function of its position in the data. None reads existing pairs.
        **options: Options of the dataset, such as `count=` or `font_dirs=`. For a folder, keyword arguments of
            `from_folder`, and `cache`: whether to store the resized images on disk, from which each batch reads its
            images. None does so for more than half a gigabyte of images, which later load in seconds. "decode" does not
            store them, but decodes the images of each batch on demand. For images in larger files, the same options,
            and `columns`, such as `{"image": "photo", "label": "kind", "caption": None}`, if the columns have unusual
            names; `count`, the number of examples to read from the beginning; and, for Hugging Face, `streaming`, to
            read the examples while they are downloaded.

    Returns:
        A dataset of `(x, y)`: a `tf.data.Dataset`, or on JAX, without TensorFlow, a `keras.utils.PyDataset` of batches.
        With `as_numpy=True`, arrays `(x, y)`. Only `x` if there is no y.

        Images are float32 in [-1, 1] of shape `(batch, height, width, channels)`, audio is float32 in [-1, 1) of shape
        `(batch, length, 1)`, short texts are one-hot float32 of shape `(batch, length, letters)`, labels are int32 of
        shape `(batch,)`, and other features are float32, int32, bool or text.

    Raises:
        ValueError: If the name, split, size, feature or an option is unknown, if a TFDS dataset is not prepared, or if
            `batch_size` is invalid.
        FileNotFoundError: If this machine lacks the sources of the dataset. The message names the packages.
    """
    if as_numpy and batch_size is not None:
        raise ValueError(
            f"batch_size={batch_size} has no effect with as_numpy=True, which returns whole arrays; "
            "pass batch_size to fit instead."
        )
    chosen = {"labels": labels, "as_pairs": as_pairs, "features": features, "flip": flip, "samples": samples}
    chosen["degrade"] = degrade
    found = source(data, split, image_size, **chosen, **options)
    if as_numpy:
        return found.arrays()
    batches = found.batches(batch_size, shuffle_seed, initial_epoch)
    if keras.backend.backend() == "tensorflow":
        dataset = batches.tf_dataset()
    elif batch_size is None:
        raise ValueError("batch_size is None; expected a number with the JAX engine. Pass batch_size or as_numpy=True.")
    else:
        dataset = batches.py_dataset()
    dataset.description = found.description
    return dataset


def source(
    data,
    split="train",
    image_size=None,
    labels=None,
    as_pairs=False,
    features=None,
    flip=False,
    samples=None,
    degrade=None,
    **options,
):
    """Returns the data that `load` returns as arrays or in batches, as a `Source`.

    Args:
        data: See `load`.
        split: See `load`.
        image_size: See `load`.
        labels: See `load`.
        as_pairs: See `load`.
        features: See `load`.
        flip: See `load`.
        samples: See `load`.
        degrade: See `load`.
        **options: See `load`.

    Returns:
        A `Source`.

    Raises:
        ValueError: See `load`.
        FileNotFoundError: See `load`.
    """
    if as_pairs not in (False, True, "unpaired"):
        raise ValueError(f"as_pairs={as_pairs!r}; expected True, False or 'unpaired'.")
    if features is not None and (as_pairs or not isinstance(split, str)):
        raise ValueError(f"features={features!r} cannot be combined with two sides x and y; expected either of them.")
    if samples is not None and (as_pairs or not isinstance(split, str)):
        raise ValueError(f"samples={samples!r} cannot be combined with two sides x and y; expected either of them.")
    if degrade is not None and not (as_pairs and isinstance(split, str)):
        raise ValueError(
            f"degrade={degrade!r} makes pairs of degraded and original images of one split; expected as_pairs=True or "
            "'unpaired', as for translators such as Pix2Pix, and no second split."
        )
    names, degradation = _names_of_y(labels, features), None if degrade is None else get_same_size(degrade)
    if isinstance(split, str):
        table = _table(data, split, image_size, names, options, as_pairs and degradation is None, samples)
        samples = samples or table.form
        if degradation is not None:
            columns = _images_twice(table)
        else:
            columns = _pair(table) if as_pairs else _x_and_y(table, names, features is not None, samples)
    else:
        tables = _two_tables(data, split, image_size, options)
        if as_pairs is True:
            _check_partners(*tables)
        table, columns = tables[0], tuple(_sample(table, table.sample) for table in tables)
        as_pairs = as_pairs or "unpaired"
    if flip:
        columns = _each(_mirrored, columns)
    if degradation is not None:
        columns = (_degraded(columns[0], degradation), columns[1])
    first = keras.tree.flatten(columns)[0]
    options = {**({} if image_size is None else {"image_size": _plain(image_size)}), **table.options}
    if degrade is not None:
        as_given = isinstance(degrade, (str, dict))
        options["degrade"] = degrade if as_given else keras.saving.serialize_keras_object(degrade)
    has_labels = isinstance(split, str) and not as_pairs and (names is None or "label" in names)
    y = table.features.get("label") if has_labels else None
    description = Description(
        name=_name(data),
        split=split,
        count=len(first.values),
        class_names=tuple(y.names) if isinstance(y, ClassLabel) else (),
        options=options,
        flip=bool(flip),
        skipped=table.skipped,
        left_out=table.left_out,
    )
    kind = table.forms[samples][0] if samples else None
    return Source(description, columns, unpaired=as_pairs == "unpaired", kind=kind)


def describe(data, *arguments, **options):
    """Describes data: their source, how they are read, and the names of the classes.

    Args:
        data: Dataset returned by `load`, or an argument of `load`, which is then read.
        *arguments: Arguments of `source`.
        **options: Keyword arguments of `source`.

    Returns:
        A `Description`.

    Raises:
        ValueError: See `load`.
    """
    known = getattr(data, "description", None)
    return known if isinstance(known, Description) else source(data, *arguments, **options).description


@dataclass(frozen=True)
class Source:
    """Examples with their description.

    Attributes:
        description: `Description` for the record of a run.
        columns: Stored columns of x [and y].
        unpaired: Whether x and y have independent orders.
        kind: Kind of the samples (`kerasgan.data.kinds`), unless it is that of an array of their shape.
    """

    description: Description
    columns: Any
    unpaired: bool = False
    kind: Any = None

    def arrays(self):
        """Returns all examples in memory, like `load(as_numpy=True)`."""
        return _prepared(self.columns, _each(lambda column: column.values, self.columns))

    @property
    def is_large(self):
        """Whether `arrays` would take more than half a gigabyte, so that training should use `batches`."""
        batches = self.batches()
        sizes = [array.nbytes for array in keras.tree.flatten(batches.first(1))]
        return sum(sizes) * max(batches.counts) > folder_cache.IN_MEMORY

    def batches(self, batch_size=None, shuffle_seed=0, initial_epoch=0):
        """Returns batches that are read and prepared on demand, an `ArrayBatches`.

        Pass it to `fit` as x. Each epoch has its own order, even in a resumed run.

        Args:
            batch_size: See `load`. With None, `fit` uses the batch size of the recipe.
            shuffle_seed: See `load`.
            initial_epoch: See `load`.
        """
        batches = ArrayBatches(
            _each(lambda column: column.values, self.columns),
            batch_size,
            shuffle_seed,
            prepare=lambda rows: _prepared(self.columns, rows),
            unpaired=self.unpaired,
            initial_epoch=initial_epoch,
        )
        batches.description = self.description
        return batches

    def chosen(self, places):
        """Returns the examples at given positions, as a `Source`.

        Args:
            places: Integers from 0 to the number of examples.
        """
        places = np.asarray(places)
        if self.unpaired:
            raise ValueError("The two domains have no indices in common; expected one domain, or pairs.")
        columns = _each(lambda each: dataclasses.replace(each, values=_Chosen(each.values, places)), self.columns)
        return Source(dataclasses.replace(self.description, count=len(places)), columns)


@dataclass(frozen=True)
class _Table:
    """Stored examples: columns of equal length with their descriptions."""

    name: str
    columns: dict[str, Any]
    features: dict[str, Any]
    sample: str = "image"
    pair: tuple | None = None
    image_size: Any = None
    options: dict = dataclasses.field(default_factory=dict)
    paths: list | None = None
    skipped: int = 0
    left_out: int = 0
    forms: dict = dataclasses.field(default_factory=dict)
    form: str | None = None


@dataclass(frozen=True)
class _Column:
    """An array of a dataset, with the function that prepares its rows for a model."""

    values: Any
    prepare: Callable
    is_image: bool = False


class _Twice:
    """An array followed by itself, mirrored if it contains images. Rows are copied only on access."""

    def __init__(self, values, mirror):
        self.values, self.mirror = values, mirror

    def __len__(self):
        return 2 * len(self.values)

    def __getitem__(self, indices):
        count, indices = len(self.values), np.arange(len(self))[indices]
        rows = np.array(self.values[indices % count])
        if self.mirror:
            behind = indices >= count
            rows[behind] = rows[behind][:, :, ::-1]
        return rows

    def __array__(self, dtype=None, copy=None):
        return self[:] if dtype is None else self[:].astype(dtype)


class _Chosen:
    """Some rows of an array, in a given order. They are copied only on access."""

    def __init__(self, values, places):
        self.values, self.places = values, places

    def __len__(self):
        return len(self.places)

    def __getitem__(self, indices):
        return self.values[self.places[indices]]

    def __array__(self, dtype=None, copy=None):
        return self[:] if dtype is None else self[:].astype(dtype)


class _Numbered:
    """Rows of an array with their positions in the data. They are copied only on access."""

    def __init__(self, values, places=None):
        self.values, self.places = values, np.arange(len(values)) if places is None else places

    def __len__(self):
        return len(self.places)

    def __getitem__(self, indices):
        return _Numbered(self.values[indices], self.places[indices])


def _degraded(column, degradation):
    """Returns a column of images with degradations that depend on their positions."""

    def prepare(rows):
        rows = rows[:]
        return degradation.apply(column.prepare(rows.values), 1, rows.places)

    return _Column(_Numbered(column.values), prepare, is_image=True)


def _mirrored(column):
    return _Column(_Twice(column.values, column.is_image), column.prepare, column.is_image)


def _each(fn, columns):
    if isinstance(columns, tuple):
        return tuple(_each(fn, column) for column in columns)
    if isinstance(columns, dict):
        return {name: _each(fn, column) for name, column in columns.items()}
    return fn(columns)


def _prepared(columns, rows):
    if isinstance(columns, tuple):
        return tuple(_prepared(column, part) for column, part in zip(columns, rows, strict=True))
    if isinstance(columns, dict):
        return {name: _prepared(column, rows[name]) for name, column in columns.items()}
    return columns.prepare(rows)


# Selection of x and y ------------------------------------------------------------------------------------------------


def _names_of_y(labels, features):
    """Returns the names of the features in y, or None for labels if there are any."""
    if features is not None:
        return (features,) if isinstance(features, str) else tuple(features)
    return None if labels is None else ("label",) if labels else ()


def _x_and_y(table, names, as_dictionary, samples=None):
    x = _in_form(table, samples) if samples else _sample(table, table.sample)
    if as_dictionary:
        return x, {name: _factor(table, name) for name in names}
    if names is None:
        names = ("label",) if "label" in table.features else ()
    return (x, _factor(table, *names)) if names else x


def _pair(table):
    if table.pair is None:
        raise ValueError(
            f"{table.name} has no pairs (it has {', '.join(table.features)}); expected a dataset with two sides, two "
            "arrays, two splits such as split=('trainA', 'trainB'), a folder of images that contain both sides, with "
            "halves='AtoB', or degrade='grey', 'blur', 'noise' or 'mask', which makes pairs of images."
        )
    return tuple(_sample(table, name) for name in table.pair)


def _images_twice(table):
    """Returns the images as both sides of pairs, one of which will be degraded."""
    column = _sample(table, table.sample)
    if not column.is_image:
        raise ValueError(f"degrade was passed, but {table.sample!r} of {table.name} is not an image.")
    return column, column


def _two_tables(data, splits, image_size, options):
    if len(splits) != 2:
        raise ValueError(f"split={splits!r}; expected one split, or two splits for x and y.")
    return [_table(data, split, image_size, (), options) for split in splits]


def _check_partners(first, second):
    """Raises an error or warns if the files of two folders do not form pairs."""
    if first.paths is None or second.paths is None:
        return
    stems = [[path.stem for path in table.paths] for table in (first, second)]
    if len(stems[0]) != len(stems[1]):
        lonely = sorted(set(stems[0]) ^ set(stems[1]))
        raise ValueError(
            f"{first.name} has {len(stems[0])} images and {second.name} has {len(stems[1])}; expected pairs. Remove "
            f"the images without a partner, such as {', '.join(lonely[:3])}, or pass as_pairs='unpaired'."
        )
    place = next((i for i, (one, other) in enumerate(zip(*stems, strict=True)) if one != other), None)
    if place is not None:
        logger.warning(
            "The pairs of %s and %s have different names and are paired by their order, for example %s with %s.",
            *(first.name, second.name, first.paths[place].name, second.paths[place].name),
        )


def _feature(table, name):
    if name not in table.features:
        raise ValueError(
            f"{table.name} has the features {', '.join(table.features)}; expected {name!r} among them. Pass "
            "labels=False for x only, or features=(...) to select the features in y."
        )
    return table.columns[name], table.features[name]


def _in_form(table, samples):
    """Returns one or several named columns of integers: samples of a given kind."""
    if samples not in table.forms:
        known = " or ".join(map(repr, table.forms)) or "none"
        raise ValueError(
            f"samples={samples!r}, which {table.name} does not have; expected {known}. There are tokens in 'words' and "
            "'oracle_text', and graphs in 'qm9' and 'molecules/small'."
        )
    if table.image_size is not None:
        raise ValueError(f"image_size={table.image_size} was passed, but {samples} of {table.name} are not images.")
    places = table.forms[samples][1]

    def column(name):
        return _Column(_feature(table, name)[0], lambda rows: np.array(rows, "int32"))

    return {part: column(name) for part, name in places.items()} if isinstance(places, dict) else column(places)


def _sample(table, name):
    """Returns a column prepared as samples."""
    values, feature = _feature(table, name)
    if isinstance(feature, Image):
        size = table.image_size
        return _Column(
            values, lambda rows: prepare(feature.padded(rows, size), size, feature.value_range), is_image=True
        )
    if table.image_size is not None:
        raise ValueError(f"image_size={table.image_size} was passed, but {name!r} of {table.name} is not an image.")
    if isinstance(feature, Audio):
        return _Column(values, lambda rows: _scaled(rows, feature.value_range)[..., None])
    if isinstance(feature, Characters):
        return _Column(values, feature.one_hot)
    return _Column(values, lambda rows: _scaled(rows, feature.value_range))


def _scaled(rows, value_range):
    rows = np.array(rows, "float32")  # a copy, never the memory map itself
    if value_range is None:
        return rows
    low, high = value_range
    return (rows - np.float32((low + high) / 2)) / np.float32((high - low) / 2)


def _factor(table, name):
    """Returns a column prepared as a label or another feature."""
    values, feature = _feature(table, name)
    if isinstance(feature, (Image, Audio)):
        return _sample(table, name)
    kind = np.dtype(feature.dtype).kind
    dtype = {"i": "int32", "u": "int32", "f": "float32"}.get(kind)
    return _Column(values, lambda rows: np.array(rows, dtype))


# Sources -------------------------------------------------------------------------------------------------------------


def _table(data, split, image_size, names, options, as_pairs=False, samples=None):
    if not isinstance(data, (str, os.PathLike)):
        return _arrays(data, split, image_size, options)
    kind, found = resolve(data)
    if kind == "own":
        name, config = found
        config = config or DATASETS[name].form_configs.get(samples)
        return _local(DATASETS[name](config, **options), split, image_size, options)
    if kind == "folder":
        table = _binary(found, split, image_size, options)
        if table is not None:
            return table
        return _folder(found, split, image_size, options, None if names is None or names else False, as_pairs)
    if kind == "packed":
        return _packed(found, split, image_size, options, None if names is None or names else False, as_pairs)
    return _tfds(found, split, image_size, names, options)


def _binary(path, split, image_size, options):
    """The table of a folder with the original files of MNIST or CIFAR, or None for any other folder."""
    places = (path, *(path / name for name in UNPACKED if (path / name).is_dir()))
    for kind, place in itertools.product((idx, cifar), places):
        splits = [part for part in kind.FILES if kind.files(place, part)]
        if not splits:
            continue
        if options:
            raise ValueError(
                f"{', '.join(options)} was given for {path}, which contains no picture files; expected pictures with "
                "these options."
            )
        parts = split.split("+")
        if not set(parts) <= set(splits):
            raise ValueError(f"split={split!r}, but {path} has {' and '.join(splits)}; expected one, or both with '+'.")
        images, labels = map(np.concatenate, zip(*(kind.images_and_labels(place, part) for part in parts), strict=True))
        if images.ndim == 3:
            images = images[..., None]
        names = kind.class_names(place) or tuple(map(str, range(int(labels.max()) + 1)))
        margin = 2 if images.shape[1:3] == (28, 28) else 0
        features = {"image": Image(images.shape[1:], margin=margin), "label": ClassLabel(names)}
        return _Table(str(path), {"image": images, "label": labels}, features, image_size=image_size)
    cifar.refuse_pickles(path)
    return None


def resolve(data):
    """Resolves a name or path.

    Args:
        data: Name of a dataset, or path of a folder or file. Text such as "./digits" is always a path.

    Returns:
        `("own", (name, config or None))`, `("folder", path)`, `("packed", name)` for pictures inside larger files, or
        `("tfds", name)`.
    """
    text = os.fspath(data)
    name, _, config = text.partition("/")
    path = Path(data)
    if not isinstance(data, str) or name not in DATASETS:
        if packed.is_packed(text) and not (path.is_dir() and holds_pictures(path)):
            return "packed", text
        return ("folder", path) if path.is_dir() else ("tfds", text)
    known = not config or config in DATASETS[name].configs
    if path.is_dir() and not known:
        return "folder", path
    if path.is_dir() and holds_pictures(path):
        warnings.warn(
            f"{text!r} names both a dataset of kerasgan, which is used, and a folder of images. Pass './{text}' for "
            "the folder.",
            UserWarning,
            stacklevel=2,
        )
    return "own", (name, config or None)


def _name(data):
    return os.fspath(data) if isinstance(data, (str, os.PathLike)) else "arrays"


def _plain(size):
    return int(size) if np.ndim(size) == 0 else [int(side) for side in size]


def _local(dataset, split, image_size, options):
    if image_size is not None and image_size not in dataset.image_sizes:
        sizes = dataset.image_sizes
        raise ValueError(
            f"image_size={image_size!r}; expected a multiple of {sizes.step} from {sizes[0]} to "
            f"{sizes[-1]} for {dataset.name!r}."
        )
    columns = cache.arrays(dataset, split)
    chosen = {name: value if isinstance(value, (int, float, str)) else str(value) for name, value in options.items()}
    return _Table(
        *(repr(dataset.full_name), columns, dataset.features, dataset.sample, dataset.pair, image_size),
        options=chosen,
        forms=dataset.forms,
        form=dataset.form,
    )


def _folder(path, split, image_size, options, labels=None, as_pairs=False):
    part = path / split
    if part.is_dir():
        path = part
    elif split != "train":
        raise ValueError(
            f"split={split!r}, but {path} has no subfolder of this name; expected a subfolder, or 'train' for all "
            "images."
        )
    chosen, rest = _picture_options(options, image_size, labels)
    return _pictures(Folder(path, chosen), as_pairs, **rest)


def _packed(data, split, image_size, options, labels=None, as_pairs=False):
    """The table of pictures inside larger files: tar files, TFRecords, Parquet files, Hugging Face data sets."""
    if os.fspath(data).startswith("hf://"):
        chosen, rest = _picture_options(options, image_size, labels, ("columns", "count", "streaming"))
        how = {name: rest.pop(name) for name in ("columns", "count", "streaming") if name in rest}
        return _pictures(tables.HubDataset(data, split, chosen, **how), as_pairs, how, **rest)
    kind, files = packed.files_of(data, split)
    chosen, rest = _picture_options(options, image_size, labels, ("columns", "count"))
    how = {name: rest.pop(name) for name in ("columns", "count") if name in rest}
    return _pictures(PACKED[kind](os.fspath(data), files, chosen, **how), as_pairs, how, **rest)


def _picture_options(options, image_size, labels, more=()):
    """The `FolderOptions`, and the other options by name."""
    known = [each.name for each in dataclasses.fields(FolderOptions) if each.name not in ("image_size", "labels")]
    rest = {name: options[name] for name in ("workers", "cache", *more) if name in options}
    unknown = [name for name in options if name not in known and name not in rest]
    if unknown:
        raise ValueError(
            f"{', '.join(unknown)} was passed; the options of these data are {', '.join([*known, *more])}, workers, "
            "cache."
        )
    given = {name: value for name, value in options.items() if name not in rest}
    return FolderOptions(image_size=image_size, labels=labels, **given), rest


def _pictures(collection, as_pairs, how=None, workers=None, cache=None):
    """The table of a `Collection` of pictures."""
    chosen = collection.options
    if as_pairs and chosen.halves is None and collection.looks_like_halves():
        logger.warning(
            "The images in %s are twice as wide as high, so each is read as a pair, x on the left and y on the right. "
            "Pass halves='BtoA' for the reverse order.",
            collection.path,
        )
        collection.options = chosen = dataclasses.replace(chosen, halves="AtoB")
    pictures = folder_cache.pictures(collection, cache, workers)
    image = Image(pictures.images.shape[1:], pictures.value_range, dtype=pictures.images.dtype.name)
    columns: dict[str, Any] = {"image": pictures.images}
    features: dict[str, Any] = {"image": image}
    if pictures.targets is not None:
        columns["target"], features["target"] = pictures.targets, image
    if pictures.labels is not None:
        columns["label"], features["label"] = pictures.labels, ClassLabel(pictures.class_names)
    for name, (values, feature) in pictures.columns.items():
        if name not in columns:
            columns[name], features[name] = values, feature
    entries = {name: value for name, value in chosen.entries().items() if name not in ("image_size", "labels")}
    if isinstance(features.get("label"), ClassLabel) and chosen.labels is not False:
        entries["class_names"] = list(features["label"].names)
    entries |= {name: value for name, value in (how or {}).items() if value}
    pair = ("image", "target") if pictures.targets is not None else None
    table = _Table(str(collection.path), columns, features, pair=pair, options=entries, paths=pictures.paths)
    return dataclasses.replace(table, skipped=len(pictures.skipped), left_out=len(pictures.left_out))


def _arrays(data, split, image_size, options):
    if options:
        raise ValueError(
            f"{', '.join(options)} was passed with arrays; options are supported only with a name or a folder."
        )
    if split != "train":
        raise ValueError(f"split={split!r} was passed with arrays; expected 'train', because arrays are not split.")
    arrays = [np.asarray(part) for part in (data if isinstance(data, tuple) else (data,))]
    if len(arrays) > 2:
        raise ValueError(f"`data` has {len(arrays)} arrays; expected x or (x, y).")
    columns = dict(zip(("image", "label"), arrays, strict=False))
    features = {name: _feature_of(array) for name, array in columns.items()}
    pair = ("image", "label") if len(arrays) == 2 else None
    return _Table("the given data", columns, features, pair=pair, image_size=image_size)


def _feature_of(array):
    if array.ndim < 3:
        return Text() if array.dtype.kind == "U" else Tensor(array.shape[1:], array.dtype.name)
    return Image(array.shape[1:], value_range_of(array), dtype=array.dtype.name)


def _tfds(name, split, image_size, names, options):
    if options:
        raise ValueError(f"{', '.join(options)} was passed, but the TFDS name {name!r} supports no options.")
    builder = tfds_builder_of(name)
    if not builder.is_prepared():
        raise ValueError(
            f"{name!r} is not prepared in {builder.data_dir}. Run `kerasgan data prepare {name}` once, with network "
            f"access, or use one of {_own()}, which need no network."
        )
    features = dict(_flat(builder.info.features))
    if names is None:
        names = ("label",) if "label" in features else ()
    names = ("image", *names)
    missing = [feature for feature in names if feature not in features]
    if missing:
        raise ValueError(
            f"{name!r} has the features {', '.join(features)}; expected {' and '.join(missing)} among them. Pass "
            "labels=False for x only, or features=(...) to select the features in y."
        )
    columns = _read_tfds(builder, split, image_size, names)
    return _Table(repr(name), columns, {key: _describe(features[key], columns[key]) for key in names})


def tfds_builder_of(name):
    """Returns the TFDS builder of a name, without downloads.

    Raises:
        ValueError: If the dataset is unknown, or if tensorflow-datasets is not installed.
    """
    try:
        import tensorflow_datasets as tfds
    except ImportError as error:
        raise ValueError(
            f"{name!r} is not a folder or a dataset of kerasgan; expected one of {_own()}, or a TFDS name "
            "with tensorflow-datasets installed: pip install tensorflow-datasets."
        ) from error
    try:
        return tfds.builder(name)
    except ValueError as error:
        raise ValueError(
            f"{name!r} is not a known dataset; expected one of {_own()}, a folder of images, or a TFDS name such as "
            "'mnist' (tfds.list_builders() lists them)."
        ) from error


def _own():
    return ", ".join(map(repr, DATASETS))


def _flat(features, prefix=""):
    """Yields the leaves of nested features, with names such as "attributes/Smiling"."""
    for name, feature in features.items():
        if hasattr(feature, "items"):
            yield from _flat(feature, f"{prefix}{name}/")
        else:
            yield prefix + name, feature


def _describe(feature, values):
    import tensorflow_datasets as tfds

    if isinstance(feature, tfds.features.Image):
        return Image(values.shape[1:], value_range_of(values), dtype=values.dtype.name)
    if isinstance(feature, tfds.features.ClassLabel):
        return ClassLabel(tuple(feature.names))
    return Text() if values.dtype.kind == "U" else Tensor(values.shape[1:], values.dtype.name)


def _read_tfds(builder, split, image_size, names):
    import tensorflow_datasets as tfds

    rows: dict[str, list] = {name: [] for name in names}
    for example in tfds.as_numpy(builder.as_dataset(split=split)):
        for name, value in _flat(example):
            if name == "image" and image_size is not None:
                value = _resized(value, image_size)  # immediately, because their sizes may differ
            if name in rows:
                rows[name].append(value.decode() if isinstance(value, bytes) else value)
    shapes = {np.shape(value) for value in rows["image"]}
    if len(shapes) > 1:
        raise ValueError(f"The images of {builder.name!r} differ in size. Pass image_size to resize them.")
    return {name: np.stack(values) for name, values in rows.items()}


def _resized(image, image_size):
    """Resizes an image and keeps the levels of its data type."""
    low, high = value_range_of(image)
    levels = (prepare(image[None], image_size)[0] + 1) * ((high - low) / 2) + low
    return (levels if image.dtype.kind == "f" else np.rint(levels)).astype(image.dtype)
