"""Kanji, drawn stroke by stroke."""

import re
import unicodedata

import numpy as np

from kerasgan.data.builders import raster
from kerasgan.data.builders.base import PackagedDataset, divided
from kerasgan.data.builders.features import ClassLabel, Image, Tensor, Text
from kerasgan.data.builders.packages import Package

KANJIVG = Package("kanjivg", "20260714", "", "pypi", "kanji")
SIZE = 64
RADICALS = tuple(unicodedata.normalize("NFKC", chr(code)) for code in range(0x2F00, 0x2FD6))
OTHER = "other"
_IDEOGRAPH = re.compile(r"0[4-9][0-9a-f]{3}\.svg")


class Kanji(PackagedDataset):
    """Kanji, 64x64 pixels, black strokes of even width on white: KanjiVG.

    Factors: `label`, the radical under which dictionaries list the character, one of the 214 of the Kangxi dictionary,
    or "other"; `strokes`, the number of strokes; `character`, the character itself; `parts`, its components and their
    components, as in "亻木".

    Splits: by character; one in eight is for testing. Characters of both splits share radicals and parts.

    Raises:
        FileNotFoundError: If the packages kanjivg and resvg-py are not installed; the message says how to get them.
    """

    name = "kanji"
    version = "1.0.0"
    description = (
        "Kanji of 64x64 pixels, drawn stroke by stroke, with radical, number of strokes and parts; split by character."
    )
    license = "CC BY-SA 3.0 (Ulrich Apel)"
    homepage = "https://kanjivg.tagaini.net"
    source = "PyPI package kanjivg, drawn with resvg-py"
    packages = (KANJIVG,)
    modules = ("resvg_py",)
    features = {
        "image": Image((SIZE, SIZE, 1), doc="the character, black on white"),
        "label": ClassLabel((*RADICALS, OTHER), doc="the radical"),
        "strokes": Tensor((), "int64", doc="number of strokes"),
        "character": Text(doc="the character"),
        "parts": Text(doc="the characters that it is composed of"),
    }

    def listed(self):
        names = sorted(path.name for path in KANJIVG.place().iterdir() if _IDEOGRAPH.fullmatch(path.name))
        return divided([name for name in names if 0x4E00 <= int(name[:5], 16) <= 0x9FFF], group=str)

    def example(self, rng, split, index):
        name = self.items[split][index]
        text = (KANJIVG.place() / name).read_text(encoding="utf-8")
        character = chr(int(name[:5], 16))
        paths = re.findall(r'<path[^>]* d="([^"]+)"', text)
        picture = raster.rgba_of_svg(drawing(paths), 2 * SIZE)
        return {
            "image": raster.on_white(picture, SIZE)[..., :1],
            "label": np.int64(_radical(text)),
            "strokes": np.int64(len(paths)),
            "character": character,
            "parts": _parts(text, character),
        }


def drawing(paths):
    """An SVG file of strokes, given as the `d` of their paths."""
    strokes = "".join(f'<path d="{path}"/>' for path in paths)
    style = "fill:none;stroke:#000;stroke-width:3.5;stroke-linecap:round;stroke-linejoin:round"
    return f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 109 109"><g style="{style}">{strokes}</g></svg>'


def _groups(text):
    """The attributes of each group of strokes, in order."""
    return [dict(re.findall(r'kvg:(\w+)="([^"]*)"', group)) for group in re.findall(r"<g ([^>]*)>", text)]


def _radical(text):
    """Number of the marked radical: the general mark, otherwise the traditional one, otherwise Nelson's."""
    groups = _groups(text)
    for kind in ("general", "tradit", "nelson"):
        for group in groups:
            if group.get("radical") == kind:
                for element in (group.get("original"), group.get("element")):
                    if element in RADICALS:
                        return RADICALS.index(element)
    return len(RADICALS)


def _parts(text, character):
    """The components of a character and their components, or the character itself if it has none."""
    elements = [group["element"] for group in _groups(text) if "element" in group]
    return "".join(dict.fromkeys(element for element in elements if element != character)) or character
