"""Reads an image file as an array: supported formats and colours, and resizing.

An error of the decoder makes a file `Unreadable`; any other error is an error of this module and is raised unchanged.
"""

import contextlib
import hashlib
import os
import stat
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from kerasgan.data.parts import Part, as_file

# The formats that Pillow may detect, regardless of the file name: others may start programs or read other files.
FORMATS = ("PNG", "JPEG", "WEBP", "TIFF", "BMP", "GIF", "PPM")
FORMAT_NAMES = "PNG, JPEG, WebP, TIFF, BMP, GIF or PPM"
ENDINGS = (
    *(".png", ".apng", ".jpg", ".jpeg", ".jpe", ".jfif", ".webp", ".tif", ".tiff", ".bmp", ".dib", ".gif"),
    *(".ppm", ".pgm", ".pbm", ".pnm"),
)
# Image formats that are not supported: such files are reported, while other files, such as texts, are ignored.
OTHER_ENDINGS = (
    *(
        ".avif",
        ".heic",
        ".heif",
        ".hif",
        ".jp2",
        ".j2k",
        ".jpf",
        ".jxl",
        ".svg",
        ".svgz",
        ".eps",
        ".ps",
        ".psd",
        ".tga",
    ),
    *(".tga", ".ico", ".icns", ".pcx", ".dds", ".exr", ".hdr", ".pfm", ".qoi", ".xcf", ".dcm", ".nii", ".fits", ".fit"),
    *(".raw", ".dng", ".cr2", ".cr3", ".nef", ".arw", ".orf", ".rw2", ".raf", ".mp4", ".mov", ".avi", ".webm", ".mkv"),
)
# The first bytes of image files with unknown suffixes.
BEGINNINGS = (b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff", b"GIF87a", b"GIF89a")
# Raw modes of 16-bit colours, and those with which Pillow decodes the lower bytes.
LOWER_HALVES = {
    **{f"{colours};16B": f"{colours};16L" for colours in ("RGB", "RGBX", "RGBA")},
    **{f"{colours};16L": f"{colours};16B" for colours in ("RGB", "RGBX", "RGBA")},
    **{f"{colours};16N": f"{colours};16B" for colours in ("RGB", "RGBX", "RGBA")},
    "LA;16B": "RGBA",
}
EIGHT_BITS = ("1", "L", "LA", "La", "P", "PA", "RGB", "RGBA", "RGBa", "RGBX", "CMYK", "YCbCr")
ORIENTATION, TURNED = 0x0112, (5, 6, 7, 8)  # EXIF tag, and the values that swap height and width
BIT_DEPTHS = (8, 10, 12, 14, 16, 24, 32)  # bit depths of cameras and scanners
LUMA = np.array([0.299, 0.587, 0.114], "float32")  # as in Pillow (ITU-R BT.601)


class Unreadable(Exception):
    """Raised if a file is not an image, or not in a supported format. The message gives the file and the reason."""


@dataclass(frozen=True)
class Header:
    """Properties of an image that are known before its pixels are decoded.

    Attributes:
        size: Displayed size `(height, width)`.
        grey: Whether the image has no colours.
        transparent: Whether the image has an alpha channel or a transparent colour.
        deep: Kind of levels, "" for 8 bits, "integers" or "floats" for more.
        reduced: Whether the file has more bits than are read.
        animated: Whether the file has more than one frame or page.
        low: Lowest level of a deep image.
        high: Highest level of a deep image.
    """

    size: tuple
    grey: bool
    transparent: bool
    deep: str = ""
    reduced: bool = False
    animated: bool = False
    low: float = 0.0
    high: float = 0.0


def is_encoded(beginning):
    """Returns whether the first 12 bytes of a file, or of a part of it, are those of an image."""
    return beginning.startswith(BEGINNINGS) or (beginning[:4] == b"RIFF" and beginning[8:12] == b"WEBP")


def is_picture(path):
    """Returns whether a file is an image, by its suffix or, if the suffix is unknown, by its first bytes."""
    ending = Path(path).suffix.lower()
    if ending in ENDINGS or ending in OTHER_ENDINGS:
        return ending in ENDINGS
    try:
        with open(path, "rb") as file:
            return is_encoded(file.read(12))
    except OSError:
        return False


@contextlib.contextmanager
def _decoding(path):
    """Context manager in which an error is attributed to the file."""
    from PIL import Image

    try:
        yield
    except (MemoryError, Unreadable):
        raise
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise Unreadable(
            f"{path} has more than the {Image.MAX_IMAGE_PIXELS} pixels that Pillow considers safe. Shrink it, or "
            "increase PIL.Image.MAX_IMAGE_PIXELS if you trust it."
        ) from error
    except Image.UnidentifiedImageError as error:
        raise Unreadable(f"{path} cannot be read as an image (it is not a {FORMAT_NAMES} file).") from error
    except Exception as error:  # A broken file raises OSError, SyntaxError, struct.error and others.
        if isinstance(error, OSError) and error.errno:
            raise Unreadable(f"{path} cannot be opened ({error.strerror}).") from error
        raise Unreadable(f"{path} cannot be read as an image ({error}).") from error


@contextlib.contextmanager
def _opened(path):
    from PIL import Image

    with _decoding(path):
        if not isinstance(path, Part) and not stat.S_ISREG(os.stat(path).st_mode):  # opening a pipe would block
            raise Unreadable(f"{path} is not a regular file.")
        picture = Image.open(as_file(path), formats=FORMATS)
    with picture:
        with _decoding(path):
            if picture.width * picture.height > (Image.MAX_IMAGE_PIXELS or np.inf):
                raise Image.DecompressionBombError
            _refuse(picture, path)
        yield picture


def _refuse(picture, path):
    """Raises an error for files that Pillow opens but decodes incorrectly."""
    if picture.mode not in EIGHT_BITS and picture.mode[0] not in "IF":
        raise Unreadable(f"{path} cannot be read as an image (its colours are {picture.mode}; expected grey or RGB).")
    if picture.format == "TIFF":
        bits, photometric, planes = (picture.tag_v2.get(tag) for tag in (258, 262, 284))
        if bits and max(bits) > 8 and len(bits) > 1 and planes == 2:
            raise Unreadable(
                f"{path} cannot be read as an image (its 16-bit colours are stored in planes; save them interleaved)."
            )
        if picture.mode[0] in "IF" and photometric == 0:
            raise Unreadable(
                f"{path} cannot be read as an image (it has more than 8 bits with 0 as white; save it inverted)."
            )


def _raw_modes(picture):
    """Returns the raw modes of an image that is not decoded yet, if its decoder has any."""
    given = (tile[3] for tile in getattr(picture, "tile", ()))
    given = (arguments[0] if isinstance(arguments, tuple) and arguments else arguments for arguments in given)
    return [mode if isinstance(mode, str) else "" for mode in given]


def _deep_kind(picture):
    if picture.mode[0] in "IF":
        return "floats" if picture.mode[0] == "F" else "integers"
    raw = _raw_modes(picture)
    return "integers" if raw and all(mode in LOWER_HALVES for mode in raw) else ""


def _has_alpha(picture):
    return not {"A", "a"}.isdisjoint(picture.getbands()) or "transparency" in picture.info


def _is_grey(picture):
    if picture.mode == "P":
        colours = np.reshape(picture.getpalette("RGB") or [0, 0, 0], (-1, 3))
        return bool((colours == colours[:, :1]).all())
    return picture.mode[0] in "1LIF" or "LA;16B" in _raw_modes(picture)


def survey(path, levels=True):
    """Inspects a file before it is read.

    Args:
        path: Path of the file.
        levels: Whether to decode a deep image to find its lowest and highest level.

    Returns:
        A `Header`.

    Raises:
        Unreadable: If the file is not an image, or not in a supported format.
    """
    with _opened(path) as picture:
        deep, raw = _deep_kind(picture), _raw_modes(picture)
        with _decoding(path):
            # For a PNG file, `getexif` would decode the pixels.
            late = picture.format == "PNG" and "exif" not in picture.info
            orientation = 1 if late else picture.getexif().get(ORIENTATION, 1)
            animated = picture.format in ("GIF", "WEBP", "PNG", "TIFF") and bool(getattr(picture, "is_animated", False))
        turned = orientation in TURNED and picture.format != "TIFF"  # Pillow has already rotated the size of TIFF files
        size = picture.size if turned else picture.size[::-1]
        coarse = any(";16" in mode for mode in raw) or (picture.format == "PPM" and _maximum(picture) > 255)
        header = {"grey": _is_grey(picture), "transparent": _has_alpha(picture), "animated": animated}
        low = high = 0.0
        if deep and levels:
            pixels = _deep_pixels(picture, path)
            colours = pixels[..., : 3 if pixels.shape[-1] > 2 else 1]
            low, high = float(colours.min()), float(colours.max())
        return Header(tuple(size), deep=deep, reduced=coarse and not deep, low=low, high=high, **header)


def _maximum(picture):
    """Returns the highest level of a PPM file, which Pillow scales to 255 for colours."""
    arguments = picture.tile[0][3]
    return arguments[-1] if isinstance(arguments, tuple) and isinstance(arguments[-1], int) else 255


def _deep_pixels(picture, path):
    """Returns the displayed levels of an image with more than 8 bits, float32 (height, width, channels)."""
    from PIL import Image

    raw, lower = _raw_modes(picture), None
    if "LA;16B" in raw:  # Pillow would convert it to 8 bits, but the four bytes of a pixel are available
        picture.tile = [tile._replace(args="RGBA") for tile in picture.tile]
    elif picture.mode[0] not in "IF":
        # Pillow keeps the upper bytes; with the other byte order it keeps the lower bytes.
        with _decoding(path), Image.open(as_file(path), formats=FORMATS) as other:
            other.tile = [tile._replace(args=_lower(tile.args)) for tile in other.tile]
            other.load()
            lower = np.asarray(other).astype("float32")
    with _decoding(path):
        picture.load()
        orientation = picture.getexif().get(ORIENTATION, 1)  # after decoding, because Pillow rotates TIFF files itself
    levels = np.asarray(picture).astype("float32")
    if lower is not None:
        levels = levels * 256 + lower
    elif "LA;16B" in raw:
        levels = levels[..., ::2] * 256 + levels[..., 1::2]
    else:
        levels = levels[..., None]
    if not np.isfinite(levels).all():
        raise Unreadable(f"{path} cannot be read as an image (it has NaN or infinite values).")
    if orientation in TURNED:
        levels = levels.swapaxes(0, 1)
    rows = -1 if orientation in (3, 4, 7, 8) else 1
    columns = -1 if orientation in (2, 3, 6, 7) else 1
    return levels[::rows, ::columns]


def _lower(arguments):
    if isinstance(arguments, tuple):
        return (LOWER_HALVES[arguments[0]], *arguments[1:])
    return LOWER_HALVES[arguments]


def part_of(picture_size, size, place=0.5):
    """Returns the largest part of an image with the aspect ratio of a size, in whole pixels.

    Args:
        picture_size: Size `(height, width)` of the image.
        size: Size `(height, width)` of the result.
        place: Position of the part, from 0 (top, left) to below 1.

    Returns:
        `(top, left, height, width)`, integers within the image.
    """
    (height, width), (rows, columns) = picture_size, size
    if width * rows > height * columns:  # wider than the size
        part = height, max(1, (2 * height * columns + rows) // (2 * rows))
    else:
        part = max(1, (2 * width * rows + columns) // (2 * columns)), width
    part = min(part[0], height), min(part[1], width)
    top, left = (int(place * (whole - side + 1)) for whole, side in zip(picture_size, part, strict=True))
    if place == 0.5:
        top, left = (height - part[0]) // 2, (width - part[1]) // 2
    return top, left, *part


def _box(part, whole, decoded):
    """Returns a part of an image, `(left, top, right, bottom)`, in pixels of the decoded image.

    Quotients of integers are rounded once, so that none is outside the image.
    """
    top, left, height, width = part
    edges = ((left, 0), (top, 1), (left + width, 0), (top + height, 1))
    return tuple(edge * decoded[axis] / whole[1 - axis] for edge, axis in edges)


def inside(picture_size, size):
    """Returns the size `(height, width)` of a complete image within a size, in whole pixels."""
    (height, width), (rows, columns) = picture_size, size
    if width * rows > height * columns:
        return min(rows, max(1, (2 * height * columns + width) // (2 * width))), columns
    return rows, min(columns, max(1, (2 * width * rows + height) // (2 * height)))


@dataclass(frozen=True)
class Reader:
    """Reads the images of a folder as arrays of the same kind.

    Args:
        root: Folder of the images.
        size: Size `(height, width)` of the result, or None for the size of the file.
        crop: Kind of crop, "centre", "random" or "none".
        fit: How to fit images without a crop, "pad" or "stretch".
        background: Background colour (red, green, blue), from 0 to 255.
        seed: Random seed of the positions of random crops.
        channels: Number of channels, 1 to 4.
        value_range: Levels of black and white if any image is deep, otherwise None.
        halves: Whether an image file contains two images, side by side.
    """

    root: Path
    size: Any
    crop: str
    fit: str
    background: tuple
    seed: int
    channels: int
    value_range: tuple | None = None
    halves: bool = False

    def __call__(self, path):
        """Reads a file as an array, `(array, None)`, or returns the reason why it is unreadable, `(None, sentence)`.

        The array is uint8, or float32 if there is a value range, of shape (height, width, channels), or (2, height,
        width, channels) with `halves`.
        """
        try:
            with _opened(path) as picture:
                deep = _deep_kind(picture)
                image: Any = _Levels(_deep_pixels(picture, path)) if deep else self._shallow(picture, path)
                return self.finished(image, path), None
        except Unreadable as error:
            return None, str(error)
        except Exception as error:
            error.add_note(f"This happened to {path}, and is a mistake in kerasgan, not in the file: please report it.")
            raise

    def _shallow(self, picture, path):
        """Returns a decoded image with 8 bits, in mode L, LA, RGB or RGBA, as an `_Image`."""
        from PIL import ImageOps

        whole = picture.size
        with _decoding(path):
            if self.size is not None and not self.halves:
                # A JPEG file can be decoded at a fraction of its size; the filter needs twice the final size.
                picture.draft(None, (2 * max(self.size),) * 2)
            drafted = picture.size != whole
            picture.load()
            turned = drafted and picture.getexif().get(ORIENTATION, 1) in TURNED
            picture = ImageOps.exif_transpose(picture)
        size = (whole if turned else whole[::-1]) if drafted else picture.size[::-1]
        grey = _is_grey(picture)
        if not _has_alpha(picture):
            return _Image(picture.convert("L" if grey else "RGB"), size)
        picture = picture.convert("RGBA")
        return _Image(picture.convert("LA") if grey else picture, size)

    def finished(self, image, path):
        """Returns a decoded image as an array with the size and channels of the result."""
        if self.value_range is not None:
            image = image.as_levels(self.value_range)
        image = image.with_channels(self.channels, self._background_levels())
        if not self.halves:
            return self._sized(image, path)
        (height, width), parts = image.size, []
        for left in (0, width // 2):
            parts.append(self._sized(image.part(0, left, height, width // 2), path))
        return np.stack(parts)

    def _background_levels(self):
        if self.value_range is None:
            return self.background
        low, high = self.value_range
        return tuple(low + level * (high - low) / 255 for level in self.background)

    def _sized(self, image, path):
        if self.size is None or image.size == tuple(self.size):
            return image.array()
        if self.crop == "none" and self.fit == "stretch":
            return image.resized(self.size).array()
        if self.crop == "none":
            inner = image.resized(inside(image.size, self.size)).array()
            return self._padded(inner)
        return image.resized(self.size, part_of(image.size, self.size, self._place(path))).array()

    def _padded(self, inner):
        (height, width), (rows, columns) = self.size, inner.shape[:2]
        white = 255 if self.value_range is None else self.value_range[1]
        colours = np.array(self._background_levels(), "float32")
        if self.channels < 3:
            colours = _grey_of(colours)
        canvas = np.empty((height, width, self.channels), inner.dtype)
        canvas[..., : len(colours)] = np.rint(colours) if self.value_range is None else colours
        canvas[..., len(colours) :] = white
        top, left = (height - rows) // 2, (width - columns) // 2
        canvas[top : top + rows, left : left + columns] = inner
        return canvas

    def _place(self, path):
        """Returns the position of a crop, between 0 and 1."""
        if self.crop == "centre":
            return 0.5
        name = path.name if isinstance(path, Part) else Path(path).relative_to(self.root).as_posix()
        identity = f"{self.seed}/{name}"
        return int.from_bytes(hashlib.sha256(identity.encode()).digest()[:4], "little") / 2**32


def _grey_of(colours):
    """Returns the luma of the last axis, kept as an axis of size 1; exact if the three channels are equal."""
    red, blue = colours[..., :1], colours[..., 2:3]
    green = colours[..., 1:2]
    return green + LUMA[0] * (red - green) + LUMA[2] * (blue - green)


class _Image:
    """An image with 8 bits, as a Pillow image.

    Args:
        picture: The decoded image, possibly at a fraction of its size.
        size: Size `(height, width)` of the full image. Defaults to that of the decoded image.
    """

    def __init__(self, picture, size=None):
        self.picture, self.size = picture, size or picture.size[::-1]

    def as_levels(self, value_range):
        low, high = value_range
        pixels = np.asarray(self.picture)
        pixels = pixels[..., None] if pixels.ndim == 2 else pixels
        return _Levels((low + pixels.astype("float64") * ((high - low) / 255)).astype("float32"), value_range)

    def with_channels(self, channels, background):
        from PIL import Image

        picture, mode = self.picture, (None, "L", "LA", "RGB", "RGBA")[channels]
        if "A" in picture.getbands() and channels in (1, 3):
            below = Image.new("RGBA", picture.size, (*background, 255))
            picture = Image.alpha_composite(below, picture.convert("RGBA"))
        return _Image(picture if picture.mode == mode else picture.convert(mode), self.size)

    def part(self, top, left, height, width):
        return _Image(self.picture.crop((left, top, left + width, top + height)))

    def resized(self, size, part=None):
        from PIL import Image

        box = None if part is None else _box(part, self.size, self.picture.size)
        return _Image(self.picture.resize(tuple(size)[::-1], Image.Resampling.LANCZOS, box))

    def array(self):
        pixels = np.asarray(self.picture)
        return pixels[..., None] if pixels.ndim == 2 else pixels


class _Levels:
    """An image with more than 8 bits: float32 levels of shape (height, width, 1 to 4), with alpha as channel 2 or 4."""

    def __init__(self, levels, value_range=(0.0, 65535.0)):
        self.levels, self.value_range = levels, value_range

    @property
    def size(self):
        return self.levels.shape[:2]

    def as_levels(self, value_range):
        colours, alpha = self._parts()
        low, high = value_range
        colours = np.clip(colours, low, high)
        if alpha is not None:  # alpha has 16 bits, independent of the colours
            colours = np.concatenate([colours, low + alpha * np.float32(high - low)], axis=-1)
        return _Levels(colours, value_range)

    def _parts(self):
        """Returns colours, and alpha from 0 to 1 or None."""
        low, high = self.value_range
        if self.levels.shape[-1] in (1, 3):
            return self.levels, None
        return self.levels[..., :-1], (self.levels[..., -1:] - np.float32(low)) / np.float32(high - low)

    def with_channels(self, channels, background):
        colours, alpha = self._parts()
        if alpha is not None and channels in (1, 3):
            below = np.array(background, "float32")
            if len(set(background)) > 1 and colours.shape[-1] == 1:
                colours = np.repeat(colours, 3, axis=-1)
            colours = alpha * colours + (1 - alpha) * below[: colours.shape[-1]]
        if channels in (1, 2) and colours.shape[-1] == 3:
            colours = _grey_of(colours)
        if channels in (3, 4) and colours.shape[-1] == 1:
            colours = np.repeat(colours, 3, axis=-1)
        if channels in (2, 4):
            low, high = self.value_range
            opaque = np.full_like(colours[..., :1], high)
            colours = np.concatenate([colours, opaque if alpha is None else low + alpha * (high - low)], axis=-1)
        return _Levels(colours, self.value_range)

    def part(self, top, left, height, width):
        return _Levels(self.levels[top : top + height, left : left + width], self.value_range)

    def resized(self, size, part=None):
        colours, alpha = self._parts()
        if alpha is None:
            return _Levels(_resized(colours, size, part), self.value_range)
        # Transparent colours must not bleed into the edges.
        low, high = self.value_range
        small = np.clip(_resized(alpha, size, part), 0.0, 1.0)
        colours = low + _resized((colours - low) * alpha, size, part) / np.maximum(small, 1 / 65535)
        return _Levels(np.concatenate([colours, low + small * (high - low)], axis=-1), self.value_range)

    def array(self):
        return np.clip(self.levels, *self.value_range).astype("float32", copy=False)


def _resized(levels, size, part=None):
    from PIL import Image

    planes, box = [], None if part is None else _box(part, levels.shape[:2], levels.shape[1::-1])
    for plane in np.moveaxis(levels, -1, 0):
        picture = Image.fromarray(np.ascontiguousarray(plane, "float32"))
        planes.append(np.asarray(picture.resize(tuple(size)[::-1], Image.Resampling.LANCZOS, box)))
    return np.stack(planes, axis=-1)
