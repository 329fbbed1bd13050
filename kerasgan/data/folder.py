"""A folder of pictures of any size and kind, as one uint8 array."""

import hashlib
import logging
import os
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from kerasgan.data.progress import progress

ENDINGS = (".png", ".jpg", ".jpeg", ".webp")

logger = logging.getLogger("kerasgan")


@dataclass(frozen=True)
class Pictures:
    """What `from_folder` has read.

    Attributes:
        images: uint8 array of shape (count, height, width, channels).
        labels: int64 array of shape (count,), or None where there are no classes.
        class_names: Names of the classes, in the order of the labels.
        paths: Path of each image.
        skipped: `(path, reason)` of each file that could not be read.
    """

    images: np.ndarray
    labels: np.ndarray | None
    class_names: tuple
    paths: list[Path]
    skipped: list[tuple[Path, str]] = field(default_factory=list)


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
):
    """Reads the PNG, JPEG and WebP files of a folder and of the folders in it, in the order of their paths.

    Pictures are turned as their EXIF orientation says, palettes and CMYK become RGB, 16 bits are rounded to 8, of an
    animation the first frame is taken, and what is transparent shows the background. Resizing is Lanczos-3 with the
    window widened when shrinking (antialiased).

    Args:
        path: The folder. Where all pictures lie in sub-folders, these are the classes, numbered by name.
        image_size: Size of the result, an integer for a square or `(height, width)`; None keeps the size, which must
            then be the same for all.
        crop: What happens to pictures of another shape: "centre" keeps the largest part in the middle, "random" the
            largest part at a place drawn once for each file, and "none" keeps all of it.
        channels: 1, 3 or 4 (with alpha); None is 1 if all pictures are grey and otherwise 3.
        on_error: "raise", or "skip" for leaving out files that cannot be read.
        fit: With `crop="none"`: "pad" with the background, or "stretch" without regard to the shape.
        background: Grey level or (red, green, blue), from 0 to 255.
        seed: Of the places of random crops.
        workers: Number of threads; None is one for each core.

    Returns:
        The `Pictures`.

    Raises:
        ValueError: A bad argument, no pictures, pictures of different sizes without `image_size`, or a file that cannot
            be read, by name.
    """
    size = _checked_size(image_size)
    _check_choice("crop", crop, ("centre", "random", "none"))
    _check_choice("channels", channels, (None, 1, 3, 4))
    _check_choice("on_error", on_error, ("raise", "skip"))
    _check_choice("fit", fit, ("pad", "stretch"))
    colour = (background,) * 3 if np.ndim(background) == 0 else tuple(background)
    path = Path(path)
    files = _files(path)
    reader = _Reader(path, size, crop, channels, fit, colour, seed)
    kept: list[Path] = []
    skipped: list[tuple[Path, str]] = []
    grey, images = True, np.empty(0, "uint8")
    pool = ThreadPoolExecutor(workers or os.cpu_count())
    try:
        with progress(f"Reading {path}", len(files)) as advance:
            for file, (image, error) in zip(files, pool.map(reader.read, files), strict=True):
                advance(1)
                if error is not None:
                    if on_error == "raise":
                        raise ValueError(f"{error} Remove the file, or pass on_error='skip'.")
                    skipped.append((file, error))
                    continue
                if not kept:
                    images = np.empty((len(files), *image.shape[:2], channels or 3), "uint8")
                if image.shape[:2] != images.shape[1:3]:
                    raise ValueError(
                        f"{file} has the size {image.shape[:2]} and {kept[0]} has {images.shape[1:3]} (height, width); "
                        "expected one size: pass image_size."
                    )
                images[len(kept)] = image  # a grey one goes into all channels
                grey = grey and image.shape[2] == 1
                kept.append(file)
    finally:
        pool.shutdown(cancel_futures=True)
    if skipped:
        logger.warning("Skipped %d of %d files, the first because: %s", len(skipped), len(files), skipped[0][1])
    if not kept:
        raise ValueError(f"None of the {len(files)} pictures in {path} can be read. {skipped[0][1]}")
    images = images[: len(kept), ..., :1].copy() if grey else images[: len(kept)]
    labels, class_names = _classes(path, files, kept)
    return Pictures(images, labels, class_names, kept, skipped)


def _checked_size(image_size):
    if image_size is None:
        return None
    size = (image_size, image_size) if np.ndim(image_size) == 0 else tuple(image_size)
    if len(size) != 2 or not all(isinstance(s, (int, np.integer)) and s > 0 for s in size):
        raise ValueError(f"image_size is {image_size!r}; expected a positive integer or (height, width) of them.")
    return size


def _check_choice(name, value, choices):
    if value not in choices:
        raise ValueError(f"{name} is {value!r}; expected {' or '.join(map(repr, choices))}.")


def _files(path):
    if not path.is_dir():
        raise ValueError(f"{path} is no folder; expected a folder of PNG, JPEG or WebP files.")
    found, seen = [], set()
    for folder, names, files in os.walk(path, followlinks=True):
        # Links may lead back; hidden folders hold thumbnails and the like.
        names[:] = [] if os.path.realpath(folder) in seen else [name for name in names if not name.startswith(".")]
        if os.path.realpath(folder) not in seen:
            found += [Path(folder, name) for name in files if name.lower().endswith(ENDINGS) and name[0] != "."]
        seen.add(os.path.realpath(folder))
    if not found:
        raise ValueError(f"{path} holds no pictures; expected files whose names end in {', '.join(ENDINGS)}.")
    return sorted(found, key=lambda file: file.relative_to(path).as_posix())


def _classes(path, files, kept):
    """Labels and names of classes, from the first sub-folder of each file."""
    parts = {file: file.relative_to(path).parts for file in files}
    if any(len(part) == 1 for part in parts.values()):
        return None, ()
    names = tuple(sorted({part[0] for part in parts.values()}))
    numbers = {name: number for number, name in enumerate(names)}
    return np.array([numbers[parts[file][0]] for file in kept], "int64"), names


@dataclass(frozen=True)
class _Reader:
    root: Path
    size: Any
    crop: str
    channels: int | None
    fit: str
    background: tuple
    seed: int

    def read(self, path):
        """A file as `(uint8 array, None)` or `(None, what is wrong with it)`."""
        from PIL import Image

        try:
            with Image.open(path) as picture:
                if picture.width * picture.height > (Image.MAX_IMAGE_PIXELS or np.inf):
                    raise Image.DecompressionBombError
                return self._array(picture, path), None
        except (Image.DecompressionBombError, Image.DecompressionBombWarning):
            return None, (
                f"{path} has more than the {Image.MAX_IMAGE_PIXELS} pixels that Pillow takes for safe: shrink it, or "
                "set PIL.Image.MAX_IMAGE_PIXELS higher if you trust it."
            )
        except MemoryError:
            raise
        except Exception as error:  # of a broken file: OSError, SyntaxError, struct.error and others
            return None, f"{path} cannot be read as a picture ({error})."

    def _array(self, picture, path):
        from PIL import ImageOps

        if self.size is not None:
            # A JPEG file can be decoded at a fraction of its size; twice what is needed leaves the filter its work.
            picture.draft(None, (2 * max(self.size),) * 2)
        picture = self._colours(ImageOps.exif_transpose(picture))
        if self.size is not None and (picture.height, picture.width) != self.size:
            picture = self._resized(picture, path)
        array = np.asarray(picture)
        return array[..., None] if array.ndim == 2 else array

    def _colours(self, picture):
        """The picture in mode L, RGB or RGBA."""
        from PIL import Image

        if picture.mode.startswith("I"):  # 16 bits, which fill the range of 32
            levels = np.asarray(picture, "uint32")
            picture = Image.fromarray(((levels + 128) // 257).astype("uint8"))
        grey = picture.mode in ("1", "L", "LA", "La")
        if "A" in picture.getbands() or "a" in picture.getbands() or "transparency" in picture.info:
            picture = picture.convert("RGBA")
            if self.channels == 4:
                return picture
            below = Image.new("RGBA", picture.size, (*self.background, 255))
            picture = Image.alpha_composite(below, picture)
            grey = grey and len(set(self.background)) == 1
        return picture.convert({None: "L" if grey else "RGB", 1: "L", 3: "RGB", 4: "RGBA"}[self.channels])

    def _resized(self, picture, path):
        from PIL import Image

        height, width = self.size
        if self.crop == "none" and self.fit == "stretch":
            return picture.resize((width, height), Image.Resampling.LANCZOS)
        scales = (width / picture.width, height / picture.height)
        if self.crop == "none":
            inner = tuple(max(1, round(side * min(scales))) for side in picture.size)
            canvas = Image.new(picture.mode, (width, height), self._fill(picture.mode))
            place = ((width - inner[0]) // 2, (height - inner[1]) // 2)
            canvas.paste(picture.resize(inner, Image.Resampling.LANCZOS), place)
            return canvas
        kept = (width / max(scales), height / max(scales))
        left, top = [self._place(path) * (side - part) for side, part in zip(picture.size, kept, strict=True)]
        return picture.resize((width, height), Image.Resampling.LANCZOS, box=(left, top, left + kept[0], top + kept[1]))

    def _place(self, path):
        """Where a crop lies between one end, 0, and the other, 1."""
        if self.crop == "centre":
            return 0.5
        identity = f"{self.seed}/{path.relative_to(self.root).as_posix()}"
        return int.from_bytes(hashlib.sha256(identity.encode()).digest()[:4], "little") / 2**32

    def _fill(self, mode):
        from PIL import Image

        return Image.new("RGB", (1, 1), self.background).convert(mode).getpixel((0, 0))
