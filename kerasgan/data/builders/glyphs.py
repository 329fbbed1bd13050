"""Letters and digits in the fonts of this machine."""

import functools
import hashlib
import importlib.util
import json
import logging
from collections import Counter
from pathlib import Path

import numpy as np

from kerasgan.data.builders import fonts
from kerasgan.data.builders.base import ProceduralDataset
from kerasgan.data.builders.features import ClassLabel, Image, Tensor, Text
from kerasgan.data.builders.packages import INSTALL, installed

FONT_FOLDERS = ("usr/share/fonts", "usr/local/share/fonts")
ENOUGH_FONTS = 100  # files; with fewer, the font packages are not installed
TEST_SHARE = 0.15  # largest fraction of the faces

logger = logging.getLogger("kerasgan")


class Glyphs(ProceduralDataset):
    """A to Z, a to z and 0 to 9 of every usable font, white on black, grey, 32x32 ("32") or 64x64 ("64") pixels.

    A face has one scale, at which its tallest or widest character takes 88% of the image, and one baseline. Each
    character is centred horizontally. The height of a lower-case letter is therefore that of the font.

    Fonts are the .ttf and .otf files in `font_dirs=` (a folder or several). Without this option, only the fonts that
    `tools/install_data_packages.sh` installs or unpacks are used, so that different machines have the same data. If
    there are fewer than 100 of these, all fonts of the machine are used, and if there are fewer than 100 of those, the
    22 faces that come with Matplotlib; this is logged. Fonts that cannot be read, that lack or misrepresent characters,
    or that resemble another font are dropped: see `kerasgan.data.builders.fonts.choose`. With the packages of Debian 12
    there are 554 faces and 34,348 images.

    Features: `label` is the character, 0 to 61 in the order A-Z, a-z, 0-9. `font` is the index of the face in
    `metadata()["fonts"]`, which contains family, style, file name and SHA-256 of each face. `family` is the name of its
    family. Capitals and small letters of the same form (O o, S s, ...) differ only in height.

    Splits: by family, not by image. No family is in both "train" and "test", nor are two families whose names begin
    with the same word (Roboto, Roboto Slab) or with faces that look alike. "test" has up to 15% of the faces.

    Symmetries: none is exact.
    """

    name = "glyphs"
    version = "1.0.0"
    description = (
        "The 62 letters and digits of the fonts of the machine, grey, 32x32 or 64x64 pixels, with one scale and "
        "baseline per face; split by font family. The metadata list the fonts with their SHA-256."
    )
    license = "that of each font"
    source = "fonts of this machine"
    configs = ("32", "64")
    option_names = ("font_dirs",)
    sheet_count = 9 * len(fonts.CHARACTERS)

    @property
    def features(self):
        size = int(self.config)
        return {
            "image": Image((size, size, 1), doc="A letter or digit, white on black."),
            "label": ClassLabel(tuple(fonts.CHARACTERS), doc="The character."),
            "font": Tensor(dtype="int64", doc="Index of the face in the metadata."),
            "family": Text(doc="Name of the font's family."),
        }

    def requires(self):
        if self._files:
            return None
        if "font_dirs" in self.options:
            return f"font_dirs={self.options['font_dirs']!r} holds no .ttf or .otf file. Pass a folder with fonts."
        return (
            f"'glyphs' needs fonts: run {INSTALL} (Debian, Ubuntu), which installs packages such as fonts-inter and "
            "fonts-open-sans, or `pip install matplotlib`, or give folders of .ttf and .otf files as font_dirs=."
        )

    def splits(self):
        faces = {split: len(numbers) for split, numbers in self._numbers.items()}
        return self.limited({split: count * len(fonts.CHARACTERS) for split, count in faces.items()})

    def metadata(self):
        from PIL import features

        public = [{key: value for key, value in font.items() if key != "path"} for font in self.fonts]
        # Versions of FreeType draw the same font slightly differently.
        return {"fonts": public, "dropped": self._choice["dropped"], "freetype": features.version("freetype2")}

    def example(self, rng, split, index):
        face, label = divmod(index, len(fonts.CHARACTERS))
        number = self._numbers[split][face]
        font = self.fonts[number]
        return {
            "image": _face(font["path"], int(self.config))[label, ..., None],
            "label": np.int64(label),
            "font": np.int64(number),
            "family": font["family"],
        }

    def some(self, split, count):
        """Returns complete faces, evenly spread over a split, so that a sheet shows their common scale and baseline."""
        self.parts(split)
        size, total = len(fonts.CHARACTERS), self.splits()[split]
        faces = np.linspace(0, max(total // size, 1) - 1, max(min(count, total) // size, 1)).round().astype(int)
        indices = (size * faces[:, None] + np.arange(size)).ravel()
        return self._made(split, indices[indices < total].tolist())

    def sheet(self, arrays):
        """Draws two rows for each face."""
        from kerasgan.data.prepare import prepare
        from kerasgan.pictures.images import grid

        pictures = grid(prepare(arrays["image"]), columns=31)
        return np.broadcast_to(pictures, (*pictures.shape[:2], 3))

    @property
    def fonts(self):
        """List of the faces, dictionaries of `path`, `file`, `family`, `style`, `sha256`, `group` and `split`."""
        return self._choice["fonts"]

    @functools.cached_property
    def _numbers(self):
        splits = [font["split"] for font in self.fonts]
        return {split: [k for k, name in enumerate(splits) if name == split] for split in ("train", "test")}

    @functools.cached_property
    def _choice(self):
        self.check_requirements()
        if "font_dirs" not in self.options and len(_machine_fonts()) < ENOUGH_FONTS:
            logger.warning(
                "glyphs: this machine has fewer than %d fonts; using the 22 fonts of Matplotlib. %s installs 550.",
                ENOUGH_FONTS,
                INSTALL,
            )
        choice = _remembered_choice(self._files)
        groups = Counter(font["group"] for font in choice["fonts"])
        if len(groups) < 2:
            raise ValueError(
                f"{self.full_name!r} can use {len(choice['fonts'])} of {len(self._files)} fonts, of {len(groups)} "
                f"families; expected two or more, to split by family. Dropped: {choice['dropped'] or 'none'}."
            )
        reserved = reserve_for_test(groups)
        splits = ["test" if font["group"] in reserved else "train" for font in choice["fonts"]]
        return {
            "fonts": [{**font, "split": split} for font, split in zip(choice["fonts"], splits, strict=True)],
            "dropped": choice["dropped"],
        }

    @functools.cached_property
    def _files(self):
        folders = self.options.get("font_dirs")
        if folders is not None:
            return fonts.font_files([folders] if isinstance(folders, (str, Path)) else folders)
        machine = _machine_fonts()
        expected = [path for path in machine if path.name in _package_fonts()]
        if len(expected) >= ENOUGH_FONTS:
            return expected
        return machine if len(machine) >= ENOUGH_FONTS else _matplotlib_fonts()


def reserve_for_test(faces):
    """Returns the groups of families whose faces form the split "test".

    Args:
        faces: Dictionary from each group to its number of faces.

    Returns:
        A set of groups, in the order of a hash while they fit into 15% of the faces, but at least the smallest group.
    """
    limit = TEST_SHARE * sum(faces.values())
    chosen, size = set(), 0
    for group in sorted(faces, key=lambda name: hashlib.sha256(name.encode()).digest()):
        if size + faces[group] <= limit:
            chosen.add(group)
            size += faces[group]
    return chosen or {min(faces, key=lambda name: (faces[name], name))}


@functools.lru_cache(maxsize=4)
def _face(path, size):
    return fonts.draw_face(path, size)


def _machine_fonts():
    return fonts.font_files(installed(*FONT_FOLDERS))


@functools.cache
def _package_fonts():
    """Returns the file names of the fonts that `tools/install_data_packages.sh` installs."""
    return frozenset((Path(__file__).parent / "glyph_fonts.txt").read_text("utf-8").split("\n"))


def _matplotlib_fonts():
    package = importlib.util.find_spec("matplotlib")  # without importing it
    places = [] if package is None else list(package.submodule_search_locations or ())
    return fonts.font_files(Path(place) / "mpl-data" / "fonts" / "ttf" for place in places)


def _remembered_choice(files):
    """Returns `fonts.choose` (half a minute for 700 fonts), cached on disk until a font changes."""
    from PIL import features

    from kerasgan.data import cache
    from kerasgan.pictures.files import write_json

    state = [(str(path), path.stat().st_size, path.stat().st_mtime_ns) for path in files]
    identity = json.dumps([Glyphs.version, features.version("freetype2"), state])
    path = cache.root() / "glyphs-fonts" / f"{hashlib.sha256(identity.encode()).hexdigest()[:12]}.json"
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        logger.info("glyphs: checking %d fonts; the result is cached.", len(files))
    chosen, dropped = fonts.choose(files)
    choice = {"fonts": chosen, "dropped": dropped}
    write_json(path, choice)
    return choice
