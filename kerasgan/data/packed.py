"""Pictures inside larger files: WebDataset tar files, TFRecords, Parquet files, and Hugging Face data sets.

All of them become a `Packed` collection: an index with the position of each encoded picture, and columns for labels,
captions and other values. They are then read like folders (`kerasgan.data.folder`), with the same options and the same
cache.

*Order and resumption.* The index lists the examples in the order of the file names, and within a file in its order. As
for arrays, the order of epoch `e` is a permutation of all examples that depends only on seed and `e`
(`kerasgan.data.pipeline.epoch_order`), so that the position in a run is simply the number of the batch. Nothing else
needs to be stored to resume exactly, and examples are mixed over all files instead of within a buffer. Memory holds the
index, the labels and the texts (about 200 bytes plus the text per example), and the pictures of a few batches.
"""

import collections
import itertools
import logging
import os
import re
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np

from kerasgan.data import cache
from kerasgan.data.builders.features import ClassLabel, Tensor, Text
from kerasgan.data.folder import DEFAULT, Collection
from kerasgan.data.parts import Part, Spool
from kerasgan.data.progress import progress

# Columns with a role, and the names that are recognised by default.
NAMES = {
    "image": ("image", "image/encoded", "img", "picture", "jpg", "jpeg", "png", "webp", "image_raw", "image/data"),
    "label": ("label", "labels", "image/class/label", "class", "cls", "fine_label", "target"),
    "caption": ("caption", "text", "captions", "image/caption", "prompt", "txt"),
}
KINDS = {
    "tar": r".*\.(tar|tar\.gz|tgz)",
    "parquet": r".*\.parquet",
    "tfrecord": r".*\.tfrec(ord)?s?(-\d+-of-\d+)?(\.gz)?|.*-\d{5}-of-\d{5}",
}
SPLITS = {
    "train": ("train", "training"),
    "test": ("test", "testing"),
    "validation": ("validation", "valid", "val", "dev"),
}
FEW_TEXTS = 64  # number of texts to estimate the mean length from

logger = logging.getLogger("kerasgan")


class Texts:
    """An array of texts of any length, without padding.

    Args:
        letters: uint8 array of all texts in UTF-8.
        ends: int64 array of shape (count,), the end of each text in `letters`.
    """

    ndim = 1

    def __init__(self, letters, ends):
        self.letters, self.ends = letters, ends
        self.shape, self.dtype = (len(ends),), np.dtype(str)

    @classmethod
    def of(cls, texts):
        """Returns the `Texts` of strings."""
        encoded = [text.encode() for text in texts]
        return cls(np.frombuffer(b"".join(encoded), "uint8"), np.cumsum([len(each) for each in encoded], dtype="int64"))

    def __len__(self):
        return len(self.ends)

    def __getitem__(self, indices):
        chosen = np.arange(len(self))[indices]
        texts = [self._text(index) for index in chosen.reshape(-1).tolist()]
        return texts[0] if chosen.ndim == 0 else np.array(texts, str).reshape(chosen.shape)

    def _text(self, index):
        start = self.ends[index - 1] if index else 0
        return self.letters[start : self.ends[index]].tobytes().decode()

    def __array__(self, dtype=None, copy=None):
        return self[:] if dtype is None else self[:].astype(dtype)


class Packed(Collection):
    """Pictures inside larger files.

    Args:
        path: Path given by the user, for messages.
        files: Paths of the files, in order.
        options: The `FolderOptions`.
        columns: Names of the columns of the data for "image", "label" and "caption", as a dictionary. None recognises
            common names.
        count: Number of examples to read from the beginning. None reads all.
    """

    # Class names, if the data contain them.
    known_classes: tuple = ()

    def __init__(self, path, files, options=DEFAULT, columns=None, count=None):
        self.path, self.paths, self.options = path, files, options
        self.chosen, self.count, self.left_out = dict(columns or {}), count, []
        wrong = [name for name in self.chosen if name not in NAMES]
        if wrong:
            raise ValueError(
                f"`columns` has the keys {', '.join(wrong)}; expected keys among {', '.join(NAMES)}, each with the "
                "name of a column of the data."
            )
        if count is not None and (isinstance(count, bool) or not isinstance(count, int) or count < 1):
            raise ValueError(f"`count` is {count!r}; expected a positive integer, or None for all examples.")
        self._index: Any = None

    def samples(self):
        """Yields `(Part of the picture or None, {column: value})` for each example, in order.

        Values are int, float, bool or str.
        """
        raise NotImplementedError

    def identity(self):
        yield f"{type(self).__name__} {self.count} {sorted(self.chosen.items(), key=str)}"
        for path in self.paths:
            about = os.stat(path)
            yield f"{os.path.realpath(path)} {about.st_size} {about.st_mtime_ns}"

    def name_of(self, file):
        return str(file)

    def named(self, name):
        return PurePosixPath(name)

    @property
    def files(self):
        """A `Part` for each picture; the first access scans all files."""
        return self._indexed()[0]

    def columns(self, kept):
        files, columns = self._indexed()
        if len(kept) == len(files):
            return columns
        places = {file: place for place, file in enumerate(files)}
        rows = np.array([places[file] for file in kept])
        chosen = {name: (values[rows], feature) for name, (values, feature) in columns.items()}
        return {n: (Texts.of(v.tolist()) if isinstance(f, Text) else v, f) for n, (v, f) in chosen.items()}

    def _indexed(self):
        if self._index is None:
            files: list[Part] = []
            values: dict[str, list] = collections.defaultdict(list)
            without: list[str] = []
            with progress(f"Looking through {self.path}", self.count) as advance:
                for number, (part, fields) in enumerate(itertools.islice(self.samples(), self.count)):
                    advance(1)
                    if part is None:
                        without.append(str(number))
                        continue
                    files.append(part)
                    for name, value in fields.items():
                        values[name].append(value)
            if not files:
                raise ValueError(f"{self.path} holds no pictures; expected PNG, JPEG or WebP within its examples.")
            if without:
                logger.warning(
                    "%d examples of %s have no picture and are left out; the first is number %s.",
                    *(len(without), self.path, without[0]),
                )
            self._index = files, self._columns(values, len(files))
        return self._index

    def _columns(self, values, count):
        columns: dict[str, tuple] = {}
        for name, column in values.items():
            if len(column) != count:
                if name in ("label", "caption"):
                    raise ValueError(
                        f"{len(column)} of {count} examples of {self.path} have a {name}; expected all or none. "
                        f"Complete them, or leave the column out with columns={{{name!r}: None}}."
                    )
                logger.info("%d of %d examples of %s have %r, which is left out.", len(column), count, self.path, name)
            elif name == "label":
                made = self._labels(column)
                columns |= {} if made is None else {"label": made}
            else:
                made = _column(column)
                columns |= {} if made is None else {name: made}
        return columns

    def _labels(self, column):
        """The labels with their feature; None if all are -1, which means no label."""
        given = self.options.class_names
        if all(isinstance(value, str) for value in column):
            names = given or tuple(sorted(set(column)))
            numbers = {name: number for number, name in enumerate(names)}
            unknown = sorted(set(column) - set(numbers))
            if unknown:
                raise ValueError(
                    f"class_names is {', '.join(names)}; {self.path} also has the classes {', '.join(unknown[:5])}. "
                    "Pass class_names with all of them."
                )
            return np.array([numbers[value] for value in column], "int64"), ClassLabel(names)
        if not all(isinstance(value, int) for value in column):
            return _column(column)
        labels = np.array(column, "int64")
        low, high = int(labels.min()), int(labels.max())
        if low == high == -1:
            return None
        names = given or self.known_classes or tuple(map(str, range(high + 1)))
        if low < 0 or high >= len(names):
            raise ValueError(
                f"{self.path} has labels from {low} to {high}; expected 0 to {len(names) - 1}, the numbers of "
                f"{'its' if self.known_classes else 'the'} classes. Pass class_names with all of them, or leave the "
                "labels out with labels=False and columns={'label': None}."
            )
        return labels, ClassLabel(names)


def _column(column):
    """A column other than the labels, with its feature; None for a mixture of types."""
    if all(isinstance(value, str) for value in column):
        return Texts.of(column), Text()
    for kinds, dtype in ((bool, "bool"), (int, "int64"), ((int, float), "float32")):
        if all(isinstance(value, kinds) for value in column):
            return np.array(column, dtype), Tensor((), dtype)
    return None


def recognise(available, pictures, columns, where):
    """Identifies the columns of pictures, labels and captions.

    Args:
        available: Names of all columns.
        pictures: Names of the columns that can contain pictures.
        columns: Names given by the user, a dictionary with some of the keys "image", "label" and "caption".
        where: Name of the data in messages.

    Returns:
        A dictionary from "image", "label" and "caption" to names, or None for missing columns.

    Raises:
        ValueError: If a given column is missing, or if the pictures are not recognised.
    """
    missing = [name for name in columns.values() if name is not None and name not in available]
    if missing:
        raise ValueError(
            f"`columns` names {', '.join(missing)}, but {where} has only the columns {', '.join(available)}."
        )
    found = {}
    for role, usual in NAMES.items():
        among = pictures if role == "image" else [name for name in available if name not in pictures]
        found[role] = columns[role] if role in columns else next((name for name in usual if name in among), None)
    if found["image"] is None and len(pictures) == 1:
        found["image"] = pictures[0]
    if found["image"] is None:
        raise ValueError(
            f"{where} has the columns {', '.join(available)}; expected pictures in one of them: pass "
            "columns={'image': NAME}."
        )
    return found


def renamed(values, roles):
    """Values of an example with its role names "label" and "caption", and the original names of other columns."""
    taken = {name: role for role, name in roles.items() if name is not None}
    others = {name: value for name, value in values.items() if name not in taken and name not in NAMES}
    return {**others, **{taken[name]: value for name, value in values.items() if taken.get(name, "image") != "image"}}


def spool(path):
    """Returns a `Spool` on the disk with the caches."""
    return Spool(path, cache.root() / "folders")


# Files ---------------------------------------------------------------------------------------------------------------


def kind_of(path):
    """Type of a file by its name: "tar", "parquet", "tfrecord", or None."""
    name = Path(path).name.lower()
    return next((kind for kind, pattern in KINDS.items() if re.fullmatch(pattern, name)), None)


def is_packed(path):
    """Whether a path, or a pattern such as "shards-{0000..0011}.tar", refers to files that contain pictures."""
    text = os.fspath(path)
    if text.startswith("hf://"):
        return True
    path = Path(text)
    if path.is_dir():
        return bool(_inside(path)) or any(_inside(path / split) for split in SPLITS)
    return kind_of(path) is not None and (path.is_file() or any(sign in text for sign in "{*?["))


def splits_of(path):
    """The existing ones of the splits "train", "test" and "validation", in this order."""
    path = Path(path)
    files = _inside(path)
    return [split for split in SPLITS if _inside(path / split) or any(_names_split(file, split) for file in files)]


def files_of(path, split):
    """Paths of the files of a split, in order.

    Args:
        path: A folder, a file, or a pattern with braces or `*`.
        split: Name of a subfolder, or a word in the file names. "train" also means all files without any such word.

    Returns:
        `(kind, paths)`.

    Raises:
        ValueError: If there are no such files, or files of several types.
    """
    text = os.fspath(path)
    folder = Path(text).is_dir()
    files = _inside(Path(text) / split) if folder else []
    if not files:
        every = _inside(Path(text)) if folder else _expanded(text)
        files = [file for file in every if _names_split(file, split)]
        others = [file for file in every if not any(_names_split(file, each) for each in SPLITS)]
        if not files and split == "train":
            files = others if folder else every
    if not files:
        raise ValueError(
            f"split={split!r}, but {text} has no such files; expected a subfolder of this name, or names such as "
            f"'{split}-0000.tar'."
        )
    kinds = {kind_of(file) for file in files}
    if len(kinds) > 1:
        raise ValueError(f"{text} has files of several kinds ({', '.join(sorted(map(str, kinds)))}); expected one.")
    missing = [file for file in files if not file.is_file()]
    if missing:
        raise ValueError(f"{missing[0]} does not exist ({len(missing)} of {len(files)} files of {text} are missing).")
    return kinds.pop(), files


def _inside(folder):
    if not folder.is_dir():
        return []
    with os.scandir(folder) as entries:
        names = [entry.name for entry in entries if entry.name[0] != "." and kind_of(entry.name) and entry.is_file()]
    return [folder / name for name in sorted(names)]


def _names_split(file, split):
    words = re.split(r"[^a-z]+", file.name.lower())
    return any(word in words for word in SPLITS.get(split, (split,)))


def _expanded(pattern):
    """Expands a pattern with braces or `*` to paths; those from braces need not exist."""
    paths = []
    for text in _without_braces(pattern):
        if any(sign in text for sign in "*?["):
            base = Path(text).anchor or "."
            paths += sorted(Path(base).glob(str(Path(text).relative_to(base)) if Path(text).anchor else text))
        else:
            paths.append(Path(text))
    return paths


def _without_braces(pattern):
    braces = re.search(r"\{([^{}]*)\}", pattern)
    if braces is None:
        return [pattern]
    numbers = re.fullmatch(r"(\d+)\.\.(\d+)", braces[1])
    if numbers:
        first, last = map(int, numbers.groups())
        parts = [f"{number:0{len(numbers[1])}d}" for number in range(first, last + 1)]
    else:
        parts = braces[1].split(",")
    rests = _without_braces(pattern[braces.end() :])
    return [f"{pattern[: braces.start()]}{part}{rest}" for part in parts for rest in rests]
