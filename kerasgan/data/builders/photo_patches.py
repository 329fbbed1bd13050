"""Textured patches of real photographs from Debian's wallpaper packages or the user's folders."""

import functools
import hashlib
from pathlib import Path

import numpy as np

from kerasgan.data.builders.base import ProceduralDataset
from kerasgan.data.builders.features import Image, Tensor
from kerasgan.data.builders.packages import INSTALL, installed, packages_folder

# The photographs (not renderings, as judged by eye) among the wallpapers of these Debian 12 packages.
PACKAGES = {
    "lomiri-wallpapers-16.04": (
        "usr/share/backgrounds/",
        (
            "Bridge_by_Sander_Klootwijk.jpg",
            "Dragonfly_by_Bolly.jpg",
            "Picture_0B_by_freespace.jpg",
            "Picture_1A_by_freespace.jpg",
            "Wine_by_Jakkub_Mede.jpg",
            "aitzgorri_by_Aitzol_Berasategi.jpg",
            "analogpattern_by_Peter_Nerlich.jpg",
            "free_by_Peter_Nerlich.jpg",
            "friends_by_Aitzol_Berasategi.jpg",
            "greentock_by_Peter_Nerlich.jpg",
            "life_by_Aitzol_Berasategi.jpg",
            "picosdeeuropa_by_Aitzol_Berasategi.jpg",
            "seeding_by_Clements_Engelhardt.jpg",
            "sunset_by_Aitzol_Berasategi.jpg",
        ),
    ),
    "lomiri-wallpapers-20.04": ("usr/share/backgrounds/", ("Kleiber_by_Lukas_Baubkus.jpg",)),
    "mate-backgrounds": (
        "usr/share/backgrounds/mate/nature/",
        (
            "Aqua.jpg",
            "Blinds.jpg",
            "Dune.jpg",
            "FreshFlower.jpg",
            "Garden.jpg",
            "GreenMeadow.jpg",
            "LadyBird.jpg",
            "RainDrops.jpg",
            "Storm.jpg",
            "TwoWings.jpg",
            "Wood.jpg",
            "YellowFlower.jpg",
        ),
    ),
    "plasma-workspace-wallpapers": (
        "usr/share/wallpapers/",
        (
            "BytheWater/contents/images/2560x1600.jpg",
            "ColdRipple/contents/images/2560x1600.jpg",
            "ColorfulCups/contents/images/2560x1600.jpg",
            "DarkestHour/contents/images/2560x1600.jpg",
            "EveningGlow/contents/images/2560x1600.jpg",
            "FallenLeaf/contents/images/2560x1600.jpg",
            "Grey/contents/images/2560x1600.jpg",
            "Kite/contents/images/2560x1600.jpg",
            "OneStandsOut/contents/images/2560x1600.jpg",
            "Path/contents/images/2560x1600.jpg",
            "summer_1am/contents/images/2560x1600.jpg",
        ),
    ),
}
PHOTOS = tuple(folder + name for folder, names in PACKAGES.values() for name in names)
SUFFIXES = (".jpg", ".jpeg", ".png", ".webp")
LONGEST_SIDE = 1280
FEWEST = 5
# A patch is textured if its grey levels, 0 to 255, have at least this standard deviation and this mean absolute
# difference between neighbours. Sky and blurred backgrounds fail.
DEVIATION, GRADIENT = 12.0, 2.5


class PhotoPatches(ProceduralDataset):
    """Textured square patches of real photographs, for super-resolution, colourisation and denoising.

    The photographs are the 38 among the wallpapers of four Debian packages (`PACKAGES`), or, with the option
    `photo_dirs`, all JPEG, PNG and WebP files in the user's folders. A photo is rotated according to its EXIF data,
    converted to RGB and downscaled to at most 1280 pixels along its longer side, so that a patch shows content instead
    of film grain and JPEG artefacts. It is then cut into a centred grid of patches without overlap. Patches without
    texture (standard deviation of the grey levels below 12 of 255, or mean difference of neighbours below 2.5) are
    dropped.

    Configs: `"64"`, `"96"` and `"128"` pixels.

    Options: `photo_dirs`, a folder or a list of folders, searched recursively.

    Factors: `photo`, the index in the metadata's list of photos, which contains their files and SHA-256; `row` and
    `column`, the upper left corner of the patch in the downscaled photo, in pixels.

    Splits: by photo. Every fifth photo is in the test split. The patches of a split are in a random order, which is
    fixed for given photos.

    Raises:
        FileNotFoundError: If there are too few photos. The message names the packages and the option.
        ValueError: If a file is not an image, or if a split has no textured patch.
    """

    name = "photo_patches"
    version = "1.0.0"
    source = "Debian packages of wallpapers, or photo_dirs="
    description = (
        "Textured patches of photographs from Debian's wallpaper packages, downscaled to at most 1280 pixels, or from "
        "the user's folders; split by photo."
    )
    license = "the photos': GPL-2+, CC BY 4.0, CC BY-SA 3.0 or 4.0, CC0 (/usr/share/doc/<package>/copyright)"
    configs = ("64", "96", "128")
    option_names = ("photo_dirs",)
    sheet_count = 49

    @property
    def size(self):
        """Side of a patch in pixels."""
        return {"64": 64, "96": 96, "128": 128}[self.config or "64"]

    @property
    def features(self):
        return {
            "image": Image((self.size, self.size, 3), doc="the patch, RGB"),
            "photo": Tensor((), "int64", doc="index of the photo in the metadata's list"),
            "row": Tensor((), "int64", doc="upper edge in the downscaled photo, pixels"),
            "column": Tensor((), "int64", doc="left edge in the downscaled photo, pixels"),
        }

    def requires(self):
        dirs = self._dirs()
        missing = [str(folder) for folder in dirs or () if not folder.is_dir()]
        if missing:
            return f"photo_dirs names {', '.join(missing)}, which is not a folder; expected folders with photos."
        found = len(self._photos)
        if found >= FEWEST:
            return None
        if dirs is not None:
            return (
                f"photo_dirs has {found} photos ({', '.join(SUFFIXES)}) in {', '.join(map(str, dirs))}; expected at "
                f"least {FEWEST}, of which every fifth is used for testing."
            )
        return (
            f"photo_patches found {found} of its photos below / and {packages_folder()}; expected at least {FEWEST}. "
            f"Install the Debian packages {', '.join(PACKAGES)} (apt-get install, or {INSTALL}), or pass photo_dirs= "
            "with your own folders of photos."
        )

    def splits(self):
        if self.requires() is not None:
            return dict.fromkeys(("train", "test"), 0)
        return self.limited({split: len(patches) for split, patches in self._patches.items()})

    def metadata(self):
        return {
            "photos": [
                {"file": name, "sha256": hashlib.sha256(path.read_bytes()).hexdigest(), "split": split}
                for name, path, split in self._photos
            ]
        }

    def example(self, rng, split, index):
        photo, row, column = self._patches[split][index].tolist()
        picture = _shrunk(self._photos[photo][1])
        patch = picture[row : row + self.size, column : column + self.size]
        return {"image": patch, "photo": photo, "row": row, "column": column}

    def _dirs(self):
        dirs = self.options.get("photo_dirs")
        if dirs is None:
            return None
        return [Path(folder).expanduser() for folder in ([dirs] if isinstance(dirs, (str, Path)) else dirs)]

    @functools.cached_property
    def _photos(self):
        """Name, path and split of each photo."""
        dirs = self._dirs()
        if dirs is None:
            # The position in the full list determines the split of a photo, independent of what is installed.
            places = [(name, installed(name), number) for number, name in enumerate(PHOTOS)]
            found = [(name, paths[0], number) for name, paths, number in places if paths]
        else:
            files = [(path.relative_to(folder).as_posix(), path) for folder in dirs for path in folder.rglob("*")]
            files = sorted((name, path) for name, path in files if path.suffix.lower() in SUFFIXES and path.is_file())
            found = [(name, path, number) for number, (name, path) in enumerate(files)]
        return [(name, path, "test" if number % 5 == 2 else "train") for name, path, number in found]

    @functools.cached_property
    def _patches(self):
        """For each split, an array with photo, row and column of its patches."""
        corners: dict[str, list] = {"train": [], "test": []}
        for number, (_, path, split) in enumerate(self._photos):
            corners[split].extend((number, *corner) for corner in textured_patches(_shrunk(path), self.size))
        for split, found in corners.items():
            if not found:
                raise ValueError(
                    f"No photo of the split {split!r} has a textured patch of {self.size} pixels. Pass larger or "
                    "more photos in photo_dirs."
                )
        # RandomState, because NumPy guarantees that its streams never change.
        return {split: np.random.RandomState(0).permutation(np.array(found)) for split, found in corners.items()}


def textured_patches(picture, size):
    """Returns the textured patches of a photo, on a centred grid without overlap.

    Args:
        picture: A uint8 array of shape (height, width, 3).
        size: Side of a patch.

    Returns:
        An int64 array of shape (count, 2): row and column of the upper left corners.
    """
    rows, columns = (side // size for side in picture.shape[:2])
    top, left = (picture.shape[0] - rows * size) // 2, (picture.shape[1] - columns * size) // 2
    grey = picture[top : top + rows * size, left : left + columns * size].mean(axis=2, dtype="float32")
    grey = grey.reshape(rows, size, columns, size).swapaxes(1, 2)
    differences = [np.abs(np.diff(grey, axis=axis)).mean(axis=(2, 3)) for axis in (2, 3)]
    textured = (grey.std(axis=(2, 3)) >= DEVIATION) & ((differences[0] + differences[1]) / 2 >= GRADIENT)
    return np.argwhere(textured) * size + [top, left]


def _shrunk(path):
    """Returns a photo, upright, RGB, with at most 1280 pixels along the longer side."""
    return _read(path, path.stat().st_mtime_ns)


@functools.lru_cache(maxsize=64)
def _read(path, changed):  # `changed` makes a changed file a different cache entry
    from PIL import Image as Picture
    from PIL import ImageOps

    try:
        with Picture.open(path) as file:
            # To save time, a JPEG is decoded at a half, a quarter or an eighth of its size if that is large enough.
            width, height = (LONGEST_SIDE * side // max(file.size) for side in file.size)
            file.draft(None, (width, height))
            picture = ImageOps.exif_transpose(file).convert("RGB")
    except (OSError, SyntaxError) as error:
        raise ValueError(f"{path} cannot be read as an image ({error}); expected a JPEG, PNG or WebP file.") from error
    picture.thumbnail((LONGEST_SIDE, LONGEST_SIDE), Picture.Resampling.LANCZOS)
    return np.asarray(picture)
