"""Reads a folder of pictures of any size and kind as one array."""

import collections
import dataclasses
import functools
import logging
import os
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from kerasgan.data.picture import (
    BIT_DEPTHS,
    ENDINGS,
    OTHER_ENDINGS,
    Header,
    Reader,
    Unreadable,
    is_picture,
    survey,
)
from kerasgan.data.progress import progress

MOST_BROKEN = 10  # largest number of unreadable files to name in an error
AHEAD = 4  # number of files per thread to read ahead

logger = logging.getLogger("kerasgan")


@dataclass(frozen=True)
class FolderOptions:
    """Options for reading the pictures of a folder; non-default options belong in the record of a run.

    Args:
        image_size: Size of the result, an integer for a square or `(height, width)`. None keeps the size, which must
            then be the same for all pictures.
        crop: How to crop pictures with another aspect ratio: "centre" keeps the largest part in the centre, "random"
            the largest part at a position drawn once per file, and "none" the whole picture.
        channels: 1 (grey), 2 (grey and alpha), 3 (RGB) or 4 (RGB and alpha); None means 1 if all pictures are grey and
            otherwise 3, where transparent pixels show the background.
        on_error: "raise", or "skip" to ignore unreadable files.
        fit: With `crop="none"`: "pad" with the background, or "stretch" regardless of the aspect ratio.
        background: Grey level or (red, green, blue), from 0 to 255.
        seed: Random seed of the positions of random crops.
        value_range: `(low, high)`, the levels of black and white in pictures with more than 8 bits. None infers them.
        halves: "AtoB" for files with two pictures side by side, as in pix2pix' data: the left half becomes `images`,
            the right half `targets`. "BtoA" for the reverse. None for single pictures.
        labels: None looks for classes; False reads all pictures without labels.
        class_names: Names of the classes in the order of the labels, if they are predetermined, for example by the
            training of an evaluated model. None uses the subfolders that contain pictures.

    Raises:
        ValueError: If an argument is invalid.
    """

    image_size: Any = None
    crop: str = "centre"
    channels: int | None = None
    on_error: str = "raise"
    fit: str = "pad"
    background: Any = 255
    seed: int = 0
    value_range: tuple | None = None
    halves: str | None = None
    labels: bool | None = None
    class_names: tuple | None = None

    def __post_init__(self):
        _check_choice("crop", self.crop, ("centre", "random", "none"))
        _check_choice("channels", self.channels, (None, 1, 2, 3, 4))
        _check_choice("on_error", self.on_error, ("raise", "skip"))
        _check_choice("fit", self.fit, ("pad", "stretch"))
        _check_choice("halves", self.halves, (None, "AtoB", "BtoA"))
        _check_choice("labels", self.labels, (None, True, False))
        checked = {"image_size": _checked_size(self.image_size), "background": _checked_colour(self.background)}
        if self.value_range is not None:
            checked["value_range"] = _checked_range(self.value_range)
        if self.class_names is not None:
            checked["class_names"] = tuple(map(str, self.class_names))
        for name, value in checked.items():
            object.__setattr__(self, name, value)

    def entries(self):
        """The non-default options, JSON-ready; `FolderOptions(**entries)` restores them."""
        return {
            each.name: list(value) if isinstance(value, tuple) else value
            for each in dataclasses.fields(self)
            if (value := getattr(self, each.name)) != getattr(DEFAULT, each.name)
        }


@dataclass(frozen=True)
class Pictures:
    """The result of `from_folder`.

    Attributes:
        images: Array of shape (count, height, width, channels): uint8, or float32 levels if any picture has more than 8
            bits.
        labels: int64 array of shape (count,), or None without classes.
        class_names: Names of the classes, in the order of the labels.
        paths: Path of each image.
        skipped: `(path, reason)` of each file that could not be read.
        left_out: `(path, reason)` of each ignored picture: of another format, or outside the class folders.
        value_range: The levels of black and white.
        targets: The other halves of the pictures, with the shape of `images`. None for single pictures.
        columns: Additional columns, `{name: (values, feature)}`.
    """

    images: Any
    labels: np.ndarray | None
    class_names: tuple
    paths: list[Path]
    skipped: list[tuple[Path, str]] = field(default_factory=list)
    left_out: list[tuple[Path, str]] = field(default_factory=list)
    value_range: tuple = (0, 255)
    targets: Any = None
    columns: dict = field(default_factory=dict)


def from_folder(
    path,
    image_size=None,
    crop="centre",
    channels=None,
    on_error="raise",
    fit="pad",
    background=255,
    seed=0,
    workers=None,
    value_range=None,
    halves=None,
    labels=None,
    class_names=None,
):
    """Reads the pictures of a folder and its subfolders, in the order of their paths.

    The formats are PNG, JPEG, WebP, TIFF, BMP, GIF and PPM. Pictures are rotated according to their EXIF orientation,
    palettes and CMYK are converted to RGB, and transparent pixels show the background. Only the first frame of an
    animation and the first page of a document are read. If any picture has more than 8 bits, all pictures keep their
    levels, as float32. Resizing uses Lanczos-3 with the window widened when shrinking (antialiased). The log counts and
    names ignored files and those that lose bits or frames.

    Args:
        path: Path of the folder. If two or more subfolders contain pictures, these are the classes, in the order of
            their names, or of their numbers if all names are numbers. A few pictures outside the class folders are
            ignored.
        image_size: Size of the result, an integer for a square or `(height, width)`. None keeps the size, which must
            then be the same for all pictures.
        crop: How to crop pictures with another aspect ratio: "centre" keeps the largest part in the centre, "random"
            the largest part at a position drawn once per file, and "none" the whole picture.
        channels: 1 (grey), 2 (grey and alpha), 3 (RGB) or 4 (RGB and alpha); None means 1 if all pictures are grey and
            otherwise 3.
        on_error: "raise", or "skip" to ignore unreadable files.
        fit: With `crop="none"`: "pad" with the background, or "stretch" regardless of the aspect ratio.
        background: Grey level or (red, green, blue), from 0 to 255.
        seed: Random seed of the positions of random crops.
        workers: Number of threads. None uses one per core.
        value_range: `(low, high)`, the levels of black and white in pictures with more than 8 bits. None uses the
            smallest of 8, 10, 12, 14 and 16 bits that contains all levels, which is logged; floats must be
            unambiguously in [0, 1] or [-1, 1].
        halves: "AtoB" for files with two pictures side by side, as in pix2pix' data: the left half becomes `images`,
            the right half `targets`. "BtoA" for the reverse.
        labels: False reads all pictures without labels; None looks for classes.
        class_names: Names of the classes in the order of the labels. None uses the subfolders.

    Returns:
        A `Pictures` object.

    Raises:
        ValueError: If an argument is invalid, if there are no pictures, if sizes differ without `image_size`, if the
            range of levels is ambiguous, or if files cannot be read; the message names them.
    """
    options = FolderOptions(
        image_size, crop, channels, on_error, fit, background, seed, value_range, halves, labels, class_names
    )
    return read(Folder(path, options), workers)


def _checked_size(image_size):
    if image_size is None:
        return None
    size = (image_size, image_size) if np.ndim(image_size) == 0 else tuple(image_size)
    if len(size) != 2 or not all(_is_integer(s) and s > 0 for s in size):
        raise ValueError(f"image_size is {image_size!r}; expected a positive integer or (height, width) of them.")
    return tuple(map(int, size))


def _checked_colour(background):
    colour = (background,) * 3 if np.ndim(background) == 0 else tuple(background)
    if len(colour) != 3 or not all(_is_integer(level) and 0 <= level <= 255 for level in colour):
        raise ValueError(f"background is {background!r}; expected a grey level or (red, green, blue), from 0 to 255.")
    return tuple(map(int, colour))


def _checked_range(value_range):
    if np.shape(value_range) != (2,) or not -np.inf < value_range[0] < value_range[1] < np.inf:
        raise ValueError(f"value_range is {value_range!r}; expected (low, high) with finite low < high.")
    return tuple(map(float, value_range))


def _is_integer(value):
    return isinstance(value, (int, np.integer)) and not isinstance(value, bool)


def _check_choice(name, value, choices):
    if value not in choices or (isinstance(value, (bool, int)) and type(value) not in map(type, choices)):
        raise ValueError(f"{name} is {value!r}; expected {' or '.join(map(repr, choices))}.")


DEFAULT = FolderOptions()


# Collections ---------------------------------------------------------------------------------------------------------


class Collection:
    """An ordered collection of pictures before they are read.

    Attributes:
        path: Path of the collection, for messages.
        options: The `FolderOptions`.
        files: Paths of the pictures, or `Part`s of files.
        left_out: `(path, reason)` of the ignored pictures.
        labels: Label of each file, or None.
        class_names: Names of the classes, in the order of the labels.
    """

    path: Any
    options: FolderOptions
    files: Any
    left_out: list
    labels: Any = None
    class_names: tuple[str, ...] = ()

    def name_of(self, file):
        """Name of a file that does not depend on the location of the collection."""
        raise NotImplementedError

    def named(self, name):
        """Inverse of `name_of`, as a path that may not exist."""
        raise NotImplementedError

    def identity(self):
        """Yields strings that change with the contents, without reading the pictures."""
        raise NotImplementedError

    def columns(self, kept):
        """Additional columns, `{name: (values, feature)}`, for the files that could be read."""
        return {}

    def surveyed(self, workers=None):
        """Headers of all pictures, `({file: Header}, [(file, reason)])`; logs pictures that lose bits or frames."""
        look = functools.partial(survey, levels=self.options.value_range is None)
        headers: dict[Path, Header] = {}
        broken = _Broken(len(self.files), self.options.on_error)
        for file, header, error in _each(self.files, _unreadable_as_value(look), f"Looking at {self.path}", workers):
            if error is None:
                headers[file] = header
            else:
                broken.add(file, error)
        broken.raise_if_wanted()
        if not headers:
            raise ValueError(f"None of the {len(self.files)} pictures in {self.path} can be read. {broken.found[0][1]}")
        self._say_what_is_lost(headers)
        return headers, broken.found

    def _say_what_is_lost(self, headers):
        for what, sentence in (
            ("reduced", "%d of %d pictures in %s have more than 8 bits, but only 8 are read; the first is %s."),
            ("animated", "%d of %d pictures in %s have several frames or pages, but only the first is read: %s."),
        ):
            files = [file for file, header in headers.items() if getattr(header, what)]
            if files:
                logger.warning(sentence, len(files), len(headers), self.path, files[0])

    def looks_like_halves(self):
        """Whether the first hundred pictures are twice as wide as high, like two pictures side by side."""
        sizes = set()
        for file in self.files[:100]:
            try:
                sizes.add(survey(file, levels=False).size)
            except Unreadable:
                continue
        return bool(sizes) and all(width == 2 * height for height, width in sizes)

    def reader(self, headers):
        """Returns a `Reader` that reads all pictures in the same format, and the shape of one picture.

        Raises:
            ValueError: If the sizes differ and no size is given, or if the range of levels is ambiguous.
        """
        options, size = self.options, self.options.image_size
        if options.halves:
            odd = next((file for file, header in headers.items() if header.size[1] % 2), None)
            if odd is not None:
                raise ValueError(
                    f"halves={options.halves!r}, but {odd} is {headers[odd].size[1]} pixels wide; expected an even "
                    "width, of two pictures side by side."
                )
        if size is None:
            first, size = next((file, header.size) for file, header in headers.items())
            other = next((file for file, header in headers.items() if header.size != size), None)
            if other is not None:
                raise ValueError(
                    f"{other} has the size {headers[other].size} and {first} has {size} (height, width); expected one "
                    "size: pass image_size."
                )
            size = (size[0], size[1] // 2) if options.halves else size
        channels = options.channels
        if channels is None:
            plain = len(set(options.background)) == 1
            grey = all(header.grey and (plain or not header.transparent) for header in headers.values())
            padded = plain or options.crop != "none" or options.fit != "pad"
            channels = 1 if grey and padded else 3
        reader = Reader(
            *(self.path, options.image_size, options.crop, options.fit, options.background, options.seed, channels),
            value_range=self._range(headers),
            halves=bool(options.halves),
        )
        return reader, (*((2,) if options.halves else ()), *size, channels)

    def _range(self, headers):
        """The levels of black and white; None if all pictures have 8 bits."""
        deep = {file: header for file, header in headers.items() if header.deep}
        if not deep:
            return None
        if self.options.value_range is not None:
            return self.options.value_range
        low = min(header.low for header in deep.values())
        high = max(header.high for header in deep.values())
        kinds = {header.deep for header in deep.values()}
        if kinds == {"floats"} and low >= 0 and 0.5 < high <= 1:
            return (0.0, 1.0)
        if kinds == {"floats"} and -1 <= low < -0.5 and high <= 1:
            return (-1.0, 1.0)
        if kinds == {"integers"} and low >= 0:
            bits = 16 if high == 0 else next(bits for bits in BIT_DEPTHS if high < 2**bits)
            if bits != 16:
                logger.warning(
                    "The pictures in %s have levels up to %d: %d is taken for white, the highest of %d bits. Pass "
                    "value_range=(low, high) if it is another level.",
                    *(self.path, high, 2**bits - 1, bits),
                )
            return (0.0, float(2**bits - 1))
        raise ValueError(
            f"{next(iter(deep))} and other pictures of more than 8 bits in {self.path} have levels from {low:g} to "
            f"{high:g}, which do not tell their range; expected a range: pass value_range=(low, high) with the levels "
            "that stand for black and white."
        )


class Folder(Collection):
    """The pictures of a folder, before they are read.

    Args:
        path: Path of the folder.
        options: The `FolderOptions`.

    Attributes:
        files: Paths of the pictures, in order.
        left_out: `(path, reason)` of the ignored pictures.
        labels: Label of each file, or None.
        class_names: Names of the classes, in the order of the labels.

    Raises:
        ValueError: If there is no such folder, if it has no pictures, or if the class folders do not match the options.
    """

    def __init__(self, path, options=DEFAULT):
        self.path, self.options = Path(path), options
        files, others = _files(self.path)
        parts = {file: file.relative_to(self.path).parts for file in files}
        inside = [file for file in files if len(parts[file]) > 1]
        beside = [file for file in files if len(parts[file]) == 1]
        names = _in_order({parts[file][0] for file in inside})
        self.left_out = [(file, f"{file} has a format that is not read.") for file in others]
        self.files, self.labels = files, None
        self.class_names: tuple[str, ...] = ()
        if options.labels is not False and names and (not beside or (len(names) > 1 and len(beside) < len(inside))):
            self.files, self.class_names = inside, self._numbered(names)
            self.left_out += [(file, f"{file} lies beside the class folders.") for file in beside]
            numbers = {name: number for number, name in enumerate(self.class_names)}
            self.labels = np.array([numbers[parts[file][0]] for file in inside], "int64")
        self._say(others, beside, inside, names)

    def _numbered(self, found):
        names = self.options.class_names
        if names is None:
            return found
        unknown = [name for name in found if name not in names]
        if unknown:
            raise ValueError(
                f"class_names is {', '.join(names)}; {self.path} has the class folders {', '.join(found)}. Rename or "
                f"remove {', '.join(unknown)}, or pass class_names with all of them."
            )
        return names

    def _say(self, others, beside, inside, names):
        if others:
            counts = collections.Counter(file.suffix.lower() for file in others)
            kinds = ", ".join(f"{count} {ending}" for ending, count in counts.most_common())
            logger.warning(
                "%d of %d pictures in %s have formats that are not read (%s) and are left out, the first: %s. Convert "
                "them to PNG.",
                *(len(others), len(others) + len(beside) + len(inside), self.path, kinds, others[0]),
            )
        if self.labels is not None and beside:
            logger.warning(
                "%d pictures lie beside the class folders of %s and are left out, the first: %s. Move them into a "
                "class folder, or read all pictures without labels with labels=False.",
                *(len(beside), self.path, beside[0]),
            )
        elif beside and names and self.options.labels is not False:
            logger.warning(
                "%s holds %d pictures itself and %d in folders (%s): there are no classes, and no labels. Move the "
                "pictures into class folders if they have labels.",
                *(self.path, len(beside), len(inside), ", ".join(names[:5])),
            )

    def name_of(self, file):
        return file.relative_to(self.path).as_posix()

    def named(self, name):
        return self.path / name

    def identity(self):
        yield os.path.realpath(self.path)
        for file in self.files:
            try:
                about = os.stat(file)
                told = f"{about.st_size} {about.st_mtime_ns}"
            except OSError:
                told = "unreadable"
            yield f"{file} {told}"


def _files(path):
    """Files to read, and pictures to ignore, in the order of their paths."""
    if not path.is_dir():
        raise ValueError(f"{path} is not a folder; expected a folder of pictures.")
    found, others = [], []
    for file in _walk(path):
        if file.suffix.lower() in OTHER_ENDINGS:
            others.append(file)
        elif is_picture(file):
            found.append(file)
    if not found:
        named = f" (of {len(others)} in formats that are not read, the first is {others[0]})" if others else ""
        raise ValueError(f"{path} holds no pictures{named}; expected files whose names end in {', '.join(ENDINGS)}.")

    def place(file):
        return file.relative_to(path).as_posix()

    return sorted(found, key=place), sorted(others, key=place)


def _walk(path):
    seen = set()
    for folder, names, files in os.walk(path, followlinks=True):
        # Links may form cycles; hidden folders contain thumbnails and the like.
        names[:] = [] if os.path.realpath(folder) in seen else [name for name in names if not name.startswith(".")]
        if os.path.realpath(folder) not in seen:
            yield from (Path(folder, name) for name in files if name[0] != ".")
        seen.add(os.path.realpath(folder))


def holds_pictures(path):
    """Whether a folder contains a picture; stops at the first one."""
    return any(file.suffix.lower() in ENDINGS for file in _walk(Path(path)))


def _in_order(names):
    """Sorts class names, as numbers if all names are numbers, so that folder "10" comes after "2"."""
    if all(name.isdecimal() for name in names):
        return tuple(sorted(names, key=lambda name: (int(name), name)))
    return tuple(sorted(names))


# Reading -------------------------------------------------------------------------------------------------------------


class _Broken:
    """Unreadable files: collected if they are skipped, otherwise raised together, up to a limit."""

    def __init__(self, count, on_error):
        self.count, self.on_error = count, on_error
        self.found: list[tuple[Path, str]] = []

    def add(self, file, reason):
        self.found.append((file, reason))
        if len(self.found) >= MOST_BROKEN:
            self.raise_if_wanted(at_least=True)

    def raise_if_wanted(self, at_least=False):
        if not self.found or self.on_error == "skip":
            return
        reasons = " ".join(reason for _, reason in self.found)
        if len(self.found) > 1:
            reasons = f"{'At least ' * at_least}{len(self.found)} of {self.count} files cannot be read. {reasons}"
        raise ValueError(
            f"{reasons} Remove or repair what is broken, or leave it out: on_error='skip' in Python, --on-error skip "
            "on the command line."
        )


def _unreadable_as_value(look):
    def looked(file):
        try:
            return look(file), None
        except Unreadable as error:
            return None, str(error)

    return looked


def _each(files, fn, title, workers=None):
    """Yields `(file, *fn(file))` in order, from several threads, with a bar on a terminal."""
    workers = workers or os.cpu_count() or 1
    pool = ThreadPoolExecutor(workers)
    waiting: collections.deque = collections.deque()
    try:
        with progress(title, len(files)) as advance:
            # Not `pool.map`, which would hold all results that a slow consumer has not yet taken.
            for file in files:
                waiting.append((file, pool.submit(fn, file)))
                if len(waiting) > AHEAD * workers:
                    file, result = waiting.popleft()
                    yield file, *result.result()
                    advance(1)
            for file, result in waiting:
                yield file, *result.result()
                advance(1)
    finally:
        pool.shutdown(cancel_futures=True)


def read(folder, workers=None, surveyed=None):
    """Reads a `Collection`, whose headers may already be known, into memory as `Pictures`."""
    headers, skipped = surveyed or folder.surveyed(workers)
    reader, shape = folder.reader(headers)
    files = list(headers)
    images = np.empty((len(files), *shape), "uint8" if reader.value_range is None else "float32")
    kept = fill(folder, reader, files, images, skipped, workers)
    return pictures_of(folder, reader.value_range, images[: len(kept)], kept, skipped)


def fill(folder, reader, files, rows, skipped, workers=None):
    """Reads files into consecutive rows of an array, skipping unreadable files; returns the paths of the rows."""
    kept: list[Path] = []
    broken = _Broken(len(folder.files), folder.options.on_error)
    for file, image, error in _each(files, reader, f"Reading {folder.path}", workers):
        if error is None:
            if image.shape != rows.shape[1:]:  # rotated, but not according to its header
                sizes = f"{image.shape[-3:-1]}, the others {rows.shape[-3:-1]}"
                raise ValueError(f"{file} has the size {sizes} (height, width); expected one size: pass image_size.")
            rows[len(kept)] = image
            kept.append(file)
        else:
            broken.add(file, error)
    broken.raise_if_wanted()
    skipped += broken.found
    if not kept:
        raise ValueError(f"None of the {len(folder.files)} pictures in {folder.path} can be read. {skipped[0][1]}")
    if skipped:
        place = {file: number for number, file in enumerate(folder.files)}
        skipped.sort(key=lambda each: place[each[0]])
        logger.warning("Skipped %d of %d files, the first because: %s", len(skipped), len(place), skipped[0][1])
    return kept


def pictures_of(folder, value_range, images, kept, skipped, columns=None):
    """The `Pictures` of the rows that were read."""
    labels, targets = None, None
    if folder.labels is not None:
        numbers = dict(zip(folder.files, folder.labels, strict=True))
        labels = np.array([numbers[file] for file in kept], "int64")
    if folder.options.halves:
        on_disk = hasattr(images, "side")
        left, right = (images.side(0), images.side(1)) if on_disk else (images[:, 0], images[:, 1])
        images, targets = (left, right) if folder.options.halves == "AtoB" else (right, left)
    place, columns = value_range or (0, 255), folder.columns(kept) if columns is None else columns
    return Pictures(images, labels, folder.class_names, kept, skipped, folder.left_out, place, targets, columns)
