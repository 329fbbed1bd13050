"""Inspects pictures before training: sizes, classes, duplicates and mirror symmetry."""

import collections
import os
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from kerasgan.data.builders import DATASETS
from kerasgan.data.folder import Folder, FolderOptions, holds_pictures
from kerasgan.data.load import resolve, source
from kerasgan.data.prepare import prepare

THUMBNAIL = 16  # size in pixels
MARGIN = 0.02  # on the scale [-1, 1]: neighbouring thumbnail pixels that differ less count as equal
BITS, LEVELS = 10, 0.03  # thresholds of near-duplicates: different bits of 256, and mean difference of levels
MOST_COMPARED = 10_000  # maximum number of pictures to compare in pairs
CHUNK = 512  # number of pictures in memory at once


@dataclass(frozen=True)
class Survey:
    """Sizes, channels and classes of pictures, read from their headers.

    Args:
        data: Name, or path of a folder.
        count: Number of readable pictures.
        side: Median of the shorter sides, in pixels.
        smallest: (height, width) of the picture with the shortest side.
        largest: (height, width) of the picture with the longest side.
        grey: Whether all pictures are grey.
        transparent: Number of pictures with transparent pixels.
        animated: Number of pictures with several frames, of which only the first is used.
        broken: Sentences about unreadable files.
        left_out: Number of pictures in other formats, or outside the class folders.
        classes: Number of pictures per class, by name; empty without classes.
        image_sizes: Image sizes that the data can have, or `None` for any.
    """

    data: str
    count: int
    side: int
    smallest: tuple
    largest: tuple
    grey: bool = False
    transparent: int = 0
    animated: int = 0
    broken: tuple = ()
    left_out: int = 0
    classes: dict = field(default_factory=dict)
    image_sizes: range | None = None


@dataclass(frozen=True)
class Likeness:
    """Duplicates among pictures, and their asymmetry.

    Args:
        unique: Positions of all pictures except exact copies of an earlier one.
        near: Whether each unique picture has a near-duplicate among the others.
        twins: Whether each unique picture has an exact copy that was dropped.
        asymmetry: Share of the difference between a picture and its mirror image that is common to all pictures (of a
            class), from 0 (left and right are equally distributed) to 1.
    """

    unique: np.ndarray
    near: np.ndarray
    twins: np.ndarray
    asymmetry: float


def survey(data, image_size=None, **options):
    """Reads the headers of pictures.

    Args:
        data: Name, or path of a folder, as for `kerasgan.data.load`.
        image_size: Size to which pictures of different sizes are resized, unless they are files in a folder.
        **options: Options of `kerasgan.data.load`.

    Returns:
        A `Survey`.

    Raises:
        ValueError: If there are no pictures.
    """
    text = os.fspath(data)
    if not Path(text).exists() and "://" not in text and (text.startswith(".") or os.path.isabs(text)):
        raise ValueError(
            f"There is no folder {text}. Check the path; `kerasgan data list` shows data that need no folder."
        )
    kind, found = resolve(data)
    if kind == "folder" and holds_pictures(found):
        return _of_folder(text, found / "train" if (found / "train").is_dir() else found, options)
    if kind == "folder" and not any(found.iterdir()):
        raise ValueError(f"{text} is empty. Put pictures into it (PNG, JPEG, WebP, ...), or name another folder.")
    return _of_data(text, kind, found, image_size, options)


def _of_folder(name, path, options):
    known = {key: value for key, value in options.items() if key in FolderOptions.__dataclass_fields__}
    folder = Folder(path, FolderOptions(**{**known, "on_error": "skip"}))
    headers, broken = folder.surveyed()
    sizes = [header.size for header in headers.values()]
    classes = {}
    if folder.labels is not None:
        numbers = dict(zip(folder.files, folder.labels.tolist(), strict=True))
        counts = collections.Counter(folder.class_names[numbers[file]] for file in headers)
        classes = {name: counts[name] for name in folder.class_names}
    return Survey(
        name,
        len(headers),
        int(np.median([min(size) for size in sizes])),
        min(sizes, key=min),
        max(sizes, key=max),
        grey=all(header.grey for header in headers.values()),
        transparent=sum(header.transparent for header in headers.values()),
        animated=sum(header.animated for header in headers.values()),
        broken=tuple(reason for _, reason in broken),
        left_out=len(folder.left_out),
        classes=classes,
    )


def _of_data(name, kind, found, image_size, options):
    read = source(name, image_size=image_size, **options)
    first = read.batches().first(1)
    x = first[0] if isinstance(first, tuple) else first
    if np.ndim(x) != 4 or x.shape[-1] not in (1, 2, 3, 4):
        raise ValueError(
            f"{name} contains samples of shape {np.shape(x)[1:]}, which are not pictures. `quickstart` is for "
            "pictures; `kerasgan train --help` shows how to train on anything else."
        )
    classes, names = {}, read.description.class_names
    if names:
        labels = np.asarray(read.columns[1].values).reshape(-1).astype(int)
        classes = dict(zip(names, np.bincount(labels, minlength=len(names)).tolist(), strict=True))
    size = tuple(x.shape[1:3])
    sizes = DATASETS[found[0]].image_sizes if kind == "own" else None
    count = read.description.count
    return Survey(name, count, min(size), size, size, x.shape[-1] == 1, classes=classes, image_sizes=sizes)


# Similar pictures -----------------------------------------------------------------------------------------------------


def likeness(found):
    """Finds duplicates among pictures and measures their asymmetry.

    Args:
        found: `kerasgan.data.load.Source` of pictures of the same size, with or without labels.

    Returns:
        A `Likeness`.
    """
    batches = found.batches()
    seen: dict[bytes, int] = {}
    unique, copied, thumbnails, labels = [], set(), [], []
    for start in range(0, batches.count, CHUNK):
        part = batches.rows_at(np.arange(start, min(start + CHUNK, batches.count)))
        images, y = part if isinstance(part, tuple) else (part, np.zeros(len(part), int))
        small = thumbnails_of(images)
        for place, image in enumerate(images):
            key = image.tobytes()
            first = seen.setdefault(_digest(key), start + place)
            if first < start + place:
                copied.add(first)
                continue
            unique.append(start + place)
            thumbnails.append(small[place])
            labels.append(int(np.ravel(y)[place]))
    small = np.stack(thumbnails)
    twins = np.isin(unique, list(copied))
    return Likeness(np.array(unique), near_duplicates(small), twins, asymmetry(small, np.array(labels)))


def _digest(content):
    import hashlib

    return hashlib.sha256(content).digest()


def thumbnails_of(images):
    """Grey thumbnails of images, of shape (count, 16, 16) in [-1, 1]."""
    images = np.asarray(images, "float32")
    colours = images[..., :-1] if images.shape[-1] in (2, 4) else images
    return prepare(colours.mean(axis=-1, keepdims=True), THUMBNAIL, (-1, 1))[..., 0]


def near_duplicates(thumbnails):
    """Finds pictures that are nearly the same as another one.

    Two pictures are near-duplicates if at most 10 of the 256 bits of their difference hashes differ (which of two
    neighbouring thumbnail pixels is brighter), and their thumbnails' levels differ by at most 1.5 % on average. Only
    the first 10,000 pictures are compared.

    Args:
        thumbnails: Array of shape (count, 16, 16) in [-1, 1].

    Returns:
        A bool array of shape (count,).
    """
    small = thumbnails[:MOST_COMPARED]
    beside = np.concatenate([small[:, :, 1:], small[:, :, :1]], axis=2)
    bits = np.where(beside > small + MARGIN, 1.0, -1.0).reshape(len(small), -1).astype("float32")
    near = np.zeros(len(thumbnails), bool)
    for start in range(0, len(bits), CHUNK):
        differ = (bits.shape[1] - bits[start : start + CHUNK] @ bits.T) / 2
        for one, other in np.argwhere(differ <= BITS):
            one = one + start
            if one < other and np.abs(small[one] - small[other]).mean() <= LEVELS:
                near[[one, other]] = True
    return near


def asymmetry(thumbnails, labels=None):
    """Measures how well pictures can be distinguished from their mirror images, like text but unlike most photographs.

    If mirrored pictures are as frequent as the originals, the mean of the difference d between a picture and its mirror
    image is 0. The result is the squared length of this mean divided by the mean squared length of d, without the part
    expected by chance for a finite number of pictures; with classes, it is averaged over the pictures.

    Args:
        thumbnails: Array of shape (count, height, width).
        labels: Integers of shape (count,), or `None` for a single class.

    Returns:
        A number from 0 to 1.
    """
    labels = np.zeros(len(thumbnails), int) if labels is None else labels
    differences = (thumbnails - thumbnails[:, :, ::-1]).reshape(len(thumbnails), -1).astype("float64")
    squares = np.square(differences).sum(axis=1)
    if squares.sum() <= 1e-9 * len(thumbnails):
        return 0.0
    common = 0.0
    for label in np.unique(labels):
        mine = labels == label
        count = mine.sum()
        if count > 1:
            total = np.square(differences[mine].sum(axis=0)).sum()
            common += (total - squares[mine].sum()) / (count - 1)
    return float(np.clip(common / squares.sum(), 0.0, 1.0))
