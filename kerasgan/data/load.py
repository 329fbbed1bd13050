"""Data by name, folder or array, in an order that is a function of the seed and the epoch."""

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import keras
import numpy as np

from kerasgan.data import cache
from kerasgan.data.builders import DATASETS
from kerasgan.data.builders.features import Audio, ClassLabel, Image, Tensor, Text
from kerasgan.data.folder import from_folder
from kerasgan.data.pipeline import ArrayBatches
from kerasgan.data.prepare import prepare, value_range_of


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
    **options,
):
    """Loads data, ready for `fit`.

    Args:
        data: One of

            - a name, or "name/config", of a data set that needs no network: `"digits"`, `"sprites/colour"`
              (`kerasgan data list` shows all). What has to be made first is kept on the disk;
            - a folder of images, whose sub-folders are the classes (`kerasgan.data.from_folder`);
            - a TFDS name that has been prepared on this machine, as by `kerasgan data prepare mnist`;
            - an array of samples, or `(samples, labels)`.
        split: `"train"`, `"test"`, `"train+test"`, ...; for a TFDS name any split that TFDS understands; for a folder
            the name of a sub-folder, or "train" for the folder itself where it has no such sub-folder; for arrays
            "train" only. Two splits, as in `("trainA", "trainB")`, are two domains: x and y are samples of them in
            orders of their own.
        image_size: Size of the square images, resized as `kerasgan.data.prepare` does; None keeps the size.
        labels: Whether to give the labels too; None gives them where there are any.
        batch_size: Examples in a batch, the incomplete last one is dropped; None gives single examples.
        shuffle_seed: Seed of the order of the examples; None keeps the order of the data. Epoch `e` has the order
            `epoch_order(count, shuffle_seed, e)`, and the epoch is `initial_epoch` plus the number of times that the
            returned data set has been iterated before (a look at its first batch counts, and Keras takes one before
            some fits).
        as_numpy: Whether to return arrays, in the order of the data, for `fit(x, y, batch_size=...)`.
        as_pairs: Whether to give both sides of paired data as (x, y), each in [-1, 1]. "unpaired" gives each side an
            order of its own, as where there are no pairs to learn from.
        features: Names of the features that y holds, as a dictionary, instead of the labels: `("shape", "scale")`.
        initial_epoch: Number of the first epoch. With `.skip(k)` of a `tf.data.Dataset` an interrupted training goes on
            at batch `k` of it.
        **options: Of the data set, such as `count=` or `font_dirs=`; those of `from_folder` for a folder.

    Returns:
        A data set of `(x, y)`: a `tf.data.Dataset`, or with the JAX engine, which then needs no TensorFlow, a
        `keras.utils.PyDataset` of batches. With `as_numpy=True` arrays `(x, y)`. Where nothing is y, `x` alone.

        Images are float32 in [-1, 1] of shape `(batch, height, width, channels)`, sound is float32 in [-1, 1) of shape
        `(batch, length, 1)`; labels are int32 of shape `(batch,)`; other features are float32, int32, bool or texts.

    Raises:
        ValueError: Unknown name, split, size, feature or option, a TFDS data set that is not prepared, or a
            `batch_size` that does not fit.
        FileNotFoundError: This machine lacks what the data set is made from; the sentence names the packages.
    """
    if as_numpy and batch_size is not None:
        raise ValueError(
            f"batch_size={batch_size} was given with as_numpy=True, which returns whole arrays; "
            "pass batch_size to fit instead."
        )
    if as_pairs not in (False, True, "unpaired"):
        raise ValueError(f"as_pairs is {as_pairs!r}; expected True, False or 'unpaired'.")
    if features is not None and (as_pairs or not isinstance(split, str)):
        raise ValueError(f"features={features!r} was given beside two sides, x and y; expected one of them as y.")
    if isinstance(split, str):
        names = _names_of_y(labels, features)
        table = _table(data, split, image_size, names, options)
        columns = _pair(table) if as_pairs else _x_and_y(table, names, as_dictionary=features is not None)
    else:
        columns = tuple(_sample(table, table.sample) for table in _two_tables(data, split, image_size, options))
        as_pairs = as_pairs or "unpaired"
    rows = _each(lambda column: column.values, columns)
    if as_numpy:
        return _prepared(columns, rows)
    batches = ArrayBatches(
        rows,
        batch_size,
        shuffle_seed,
        prepare=lambda rows: _prepared(columns, rows),
        unpaired=as_pairs == "unpaired",
        initial_epoch=initial_epoch,
    )
    if keras.backend.backend() == "tensorflow":
        return batches.tf_dataset()
    if batch_size is None:
        raise ValueError("batch_size is None; expected a number with the JAX engine: pass batch_size or as_numpy=True.")
    return batches.py_dataset()


@dataclass(frozen=True)
class _Table:
    """Examples as they are stored: columns of equal length, and what each is."""

    name: str
    columns: dict[str, Any]
    features: dict[str, Any]
    sample: str = "image"
    pair: tuple | None = None
    image_size: Any = None


@dataclass(frozen=True)
class _Column:
    """One array of a data set, and how its rows become what a model takes."""

    values: Any
    prepare: Callable


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


# What x and y are ----------------------------------------------------------------------------------------------------


def _names_of_y(labels, features):
    """Names of the features that y holds; None for labels where there are any."""
    if features is not None:
        return (features,) if isinstance(features, str) else tuple(features)
    return None if labels is None else ("label",) if labels else ()


def _x_and_y(table, names, as_dictionary):
    x = _sample(table, table.sample)
    if as_dictionary:
        return x, {name: _factor(table, name) for name in names}
    if names is None:
        names = ("label",) if "label" in table.features else ()
    return (x, _factor(table, *names)) if names else x


def _pair(table):
    if table.pair is None:
        raise ValueError(
            f"{table.name} has no pairs (it has {', '.join(table.features)}); expected a data set with two sides, two "
            "arrays, or two splits such as split=('trainA', 'trainB')."
        )
    return tuple(_sample(table, name) for name in table.pair)


def _two_tables(data, splits, image_size, options):
    if len(splits) != 2:
        raise ValueError(f"split={splits!r}; expected one split, or two of which x and y are samples.")
    return [_table(data, split, image_size, (), options) for split in splits]


def _feature(table, name):
    if name not in table.features:
        raise ValueError(
            f"{table.name} has the features {', '.join(table.features)}; expected {name!r} among them: pass "
            "labels=False for x alone, or features=(...) to choose what y is."
        )
    return table.columns[name], table.features[name]


def _sample(table, name):
    """A column as what a discriminator sees."""
    values, feature = _feature(table, name)
    if isinstance(feature, Image):
        return _Column(values, lambda rows: prepare(rows, table.image_size, feature.value_range))
    if table.image_size is not None:
        raise ValueError(f"image_size={table.image_size} was given, but {name!r} of {table.name} is no image.")
    if isinstance(feature, Audio):
        return _Column(values, lambda rows: _scaled(rows, feature.value_range)[..., None])
    return _Column(values, lambda rows: _scaled(rows, feature.value_range))


def _scaled(rows, value_range):
    rows = np.array(rows, "float32")  # never the memory map itself
    if value_range is None:
        return rows
    low, high = value_range
    return (rows - np.float32((low + high) / 2)) / np.float32((high - low) / 2)


def _factor(table, name):
    """A column as a label or another fact about a sample."""
    values, feature = _feature(table, name)
    if isinstance(feature, (Image, Audio)):
        return _sample(table, name)
    kind = np.dtype(feature.dtype).kind
    dtype = {"i": "int32", "u": "int32", "f": "float32"}.get(kind)
    return _Column(values, lambda rows: np.array(rows, dtype))


# Where they come from ------------------------------------------------------------------------------------------------


def _table(data, split, image_size, names, options):
    if isinstance(data, (str, os.PathLike)):
        name, _, config = str(data).partition("/")
        if isinstance(data, str) and name in DATASETS:
            return _local(DATASETS[name](config or None, **options), split, image_size)
        if Path(data).is_dir():
            return _folder(Path(data), split, image_size, options)
        return _tfds(str(data), split, image_size, names, options)
    return _arrays(data, split, image_size, options)


def _local(dataset, split, image_size):
    if image_size is not None and image_size not in dataset.image_sizes:
        sizes = dataset.image_sizes
        raise ValueError(
            f"image_size is {image_size!r}; expected a multiple of {sizes.step} from {sizes[0]} to "
            f"{sizes[-1]} for {dataset.name!r}."
        )
    columns = cache.arrays(dataset, split)
    return _Table(repr(dataset.full_name), columns, dataset.features, dataset.sample, dataset.pair, image_size)


def _folder(path, split, image_size, options):
    part = path / split
    if part.is_dir():
        path = part
    elif split != "train":
        raise ValueError(
            f"split={split!r}, but {path} has no sub-folder of this name; expected one, or 'train' for all."
        )
    pictures = from_folder(path, image_size, **options)
    columns: dict[str, Any] = {"image": pictures.images}
    features: dict[str, Any] = {"image": Image(pictures.images.shape[1:])}
    if pictures.labels is not None:
        columns["label"], features["label"] = pictures.labels, ClassLabel(pictures.class_names)
    return _Table(str(path), columns, features)


def _arrays(data, split, image_size, options):
    if options:
        raise ValueError(f"{', '.join(options)} was given with arrays; expected options with a name or a folder only.")
    if split != "train":
        raise ValueError(f"split={split!r} was given with arrays; expected 'train', as they are not divided.")
    arrays = [np.asarray(part) for part in (data if isinstance(data, tuple) else (data,))]
    if len(arrays) > 2:
        raise ValueError(f"data has {len(arrays)} arrays; expected x or (x, y).")
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
        raise ValueError(f"{', '.join(options)} was given; expected no options with the TFDS name {name!r}.")
    builder = tfds_builder_of(name)
    if not builder.is_prepared():
        raise ValueError(
            f"{name!r} is not prepared in {builder.data_dir}; expected its files there: run "
            f"`kerasgan data prepare {name}` once, with a network, or take one of {_own()}, which need none."
        )
    features = dict(_flat(builder.info.features))
    if names is None:
        names = ("label",) if "label" in features else ()
    names = ("image", *names)
    missing = [feature for feature in names if feature not in features]
    if missing:
        raise ValueError(
            f"{name!r} has the features {', '.join(features)}; expected {' and '.join(missing)} among them: pass "
            "labels=False for x alone, or features=(...) to choose what y is."
        )
    columns = _read_tfds(builder, split, image_size, names)
    return _Table(repr(name), columns, {key: _describe(features[key], columns[key]) for key in names})


def tfds_builder_of(name):
    """The TFDS builder of a name; nothing is downloaded.

    Raises:
        ValueError: There is no data set of this name, or tensorflow-datasets is not installed.
    """
    try:
        import tensorflow_datasets as tfds
    except ImportError as error:
        raise ValueError(
            f"{name!r} is no folder and no data set of kerasgan's own; expected one of {_own()}, or a TFDS name "
            "with tensorflow-datasets installed: pip install tensorflow-datasets."
        ) from error
    try:
        return tfds.builder(name)
    except ValueError as error:
        raise ValueError(
            f"{name!r} is no known data set; expected one of {_own()}, a folder of images, or a TFDS name such as "
            "'mnist' (tfds.list_builders() lists them)."
        ) from error


def _own():
    return ", ".join(map(repr, DATASETS))


def _flat(features, prefix=""):
    """The leaves of nested features, named as in "attributes/Smiling"."""
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
                value = _resized(value, image_size)  # at once, as their sizes may differ
            if name in rows:
                rows[name].append(value.decode() if isinstance(value, bytes) else value)
    shapes = {np.shape(value) for value in rows["image"]}
    if len(shapes) > 1:
        raise ValueError(f"the images of {builder.name!r} differ in size; expected one size: pass image_size.")
    return {name: np.stack(values) for name, values in rows.items()}


def _resized(image, image_size):
    """An image of another size in the levels of its type."""
    low, high = value_range_of(image)
    levels = (prepare(image[None], image_size)[0] + 1) * ((high - low) / 2) + low
    return (levels if image.dtype.kind == "f" else np.rint(levels)).astype(image.dtype)
