"""Emoji from three vendors: the same concepts in different styles, with their names."""

import json
import re
from typing import NamedTuple

import numpy as np

from kerasgan.data.builders import raster
from kerasgan.data.builders.base import PackagedDataset, divided
from kerasgan.data.builders.features import ClassLabel, Image, Text
from kerasgan.data.builders.packages import Package

SIZE = 64
CATEGORIES = (
    *("Activities", "Animals & Nature", "Component", "Flags", "Food & Drink", "Objects", "People & Body"),
    *("Smileys & Emotion", "Symbols", "Travel & Places"),
)
TONES = ("none", "light", "medium-light", "medium", "medium-dark", "dark", "two tones")
_TONE_CODES = ("1f3fb", "1f3fc", "1f3fd", "1f3fe", "1f3ff")
_PERSONS, _SIGNS = ("1f468", "1f469", "1f9d1"), ("200d", "2640", "2642", "fe0f", *_TONE_CODES)
# Subcategories whose emoji differ only in a colour, a digit or a clock hand: they stay together.
_ALIKE = (
    *("family", "person-symbol", "keycap", "geometric", "heart", "emotion", "time", "alphanum", "arrow", "zodiac"),
    *("av-symbol", "cat-face", "sound", "lock"),
)
# Concepts with (nearly) the same picture in a style: flags of territories, similar tricolours, frowns.
_SAME = (
    *(("1f1eb-1f1f7", "1f1e8-1f1f5", "1f1f2-1f1eb"), ("1f1f3-1f1f4", "1f1e7-1f1fb", "1f1f8-1f1ef")),
    *(("1f1fa-1f1f8", "1f1fa-1f1f2"), ("1f1e6-1f1fa", "1f1ed-1f1f2"), ("1f1ea-1f1f8", "1f1ea-1f1e6")),
    *(("1f1f8-1f1e6", "1f1e8-1f1f6"), ("1f1ee-1f1f4", "1f1e9-1f1ec"), ("1f1f7-1f1f4", "1f1f9-1f1e9")),
    *(("1f1ee-1f1e9", "1f1f2-1f1e8", "1f1f5-1f1f1"), ("1f1ed-1f1f3", "1f1f3-1f1ee", "1f1f8-1f1fb")),
    *(("1f64d", "1f64e"), ("1f47f", "1f608"), ("2603", "26c4"), ("1f52f", "2721"), ("1f9b2", "1f9b3")),
)
_FIRST = {concept: group[0] for group in _SAME for concept in group}
_NOTO = Package("emoji-datasource-google", "16.0.0", "img/google/64", "npm")
_TWEMOJI = Package("emoji-datasource-twitter", "16.0.0", "img/twitter/64", "npm")
_FLUENT = Package("@lobehub/fluent-emoji-3d", "1.1.0", "assets", "npm")
_STYLES = {"noto": _NOTO, "twemoji": _TWEMOJI, "fluent": _FLUENT}


class _Emoji(NamedTuple):
    key: str  # code points
    concept: str
    name: str
    category: str
    subcategory: str
    tone: int
    files: dict  # name of the file in each style


class Emoji(PackagedDataset):
    """Emoji, 64x64 pixels on white, in the styles of Noto (Google), Twemoji (Twitter) and Fluent (Microsoft, 3-D).

    Configs: `"noto"`, `"twemoji"` and `"fluent"` are the pictures of one style, `"noto-twemoji"`, `"noto-fluent"` and
    `"twemoji-fluent"` contain the emoji of both styles: `image` in the first and `target` in the second. For these,
    `kerasgan.data.load(..., as_pairs=True)` returns both sides, and `as_pairs="unpaired"` each in its own order. The
    vendors draw the same concept with different poses and proportions, so that the L1 distance to the partner is a
    noisy measure of a translation.

    Noto and Twemoji have each person in five skin tones. Those of Fluent are omitted, because its package labels many
    of them with the wrong tone.

    Factors: `label`, the category; `name`, Unicode's name in lower case as a caption; `subcategory`; `skin_tone`;
    `concept`, the code points without skin tone and sex.

    Splits: by concept; one in eight is for testing. All skin tones and sexes of a concept, all families, keycaps,
    clocks, hearts, coloured shapes and arrows, and flags that look the same are in the same split.

    Raises:
        FileNotFoundError: If the npm packages are not installed; the message says how to get them.
    """

    name = "emoji"
    version = "1.0.0"
    description = (
        "Emoji of 64x64 pixels on white in three vendors' styles (Noto, Twemoji, Fluent 3D), with names and "
        "categories, single or as pairs of the same concept; the splits have no concept in common."
    )
    license = "Noto: Apache-2.0; Twemoji: CC BY 4.0 (Twitter and contributors); Fluent: MIT (Microsoft)"
    homepage = "https://github.com/iamcal/emoji-data"
    source = "npm packages emoji-datasource-google, emoji-datasource-twitter, @lobehub/fluent-emoji-3d"
    configs = ("noto", "twemoji", "fluent", "noto-twemoji", "noto-fluent", "twemoji-fluent")
    sheet_count = 96

    @property
    def styles(self):
        """The style of `image`, and that of `target` in a config of pairs."""
        return self.config.split("-")

    @property
    def packages(self):
        # Noto's package has the names and categories.
        return tuple(_STYLES[style] for style in dict.fromkeys(("noto", *self.styles)))

    @property
    def pair(self):
        return ("image", "target") if len(self.styles) == 2 else None

    @property
    def features(self):
        images = {
            name: Image((SIZE, SIZE, 3), doc=f"the emoji in {style}'s style, on white")
            for name, style in zip(("image", "target"), self.styles, strict=False)
        }
        return {
            **images,
            "label": ClassLabel(CATEGORIES, doc="Unicode's category"),
            "name": Text(doc="Unicode's name, lower case"),
            "subcategory": Text(doc="Unicode's subcategory"),
            "concept": Text(doc="code points without skin tone and sex; decides the split"),
            "skin_tone": ClassLabel(TONES, doc="skin tone, where it is given"),
        }

    def listed(self):
        table = json.loads((_NOTO.place().parents[2] / "emoji.json").read_text(encoding="utf-8"))
        files = {style: _files(_STYLES[style].place()) for style in self.styles}
        found = [emoji for entry in table for emoji in _emoji(entry, files)]
        return divided(found, group=lambda emoji: emoji.concept, key=lambda emoji: emoji.key)

    def example(self, rng, split, index):
        from PIL import Image as Picture

        emoji = self.items[split][index]
        images = {}
        for name, style in zip(("image", "target"), self.styles, strict=False):
            with Picture.open(_STYLES[style].place() / emoji.files[style]) as picture:
                images[name] = raster.on_white(picture, SIZE)
        return {
            **images,
            "label": np.int64(CATEGORIES.index(emoji.category)),
            "name": emoji.name,
            "subcategory": emoji.subcategory,
            "concept": emoji.concept,
            "skin_tone": np.int64(emoji.tone),
        }

    def sheet(self, arrays):
        """Draws emoji in rows; for pairs, the first style above the second."""
        from kerasgan.data.prepare import prepare
        from kerasgan.pictures.images import grid

        images = arrays["image"]
        if "target" in arrays:
            images = images[: len(images) // 32 * 16 or 1]
            targets = arrays["target"][: len(images)]
            rows = [part for start in range(0, len(images), 16) for part in (images[start:][:16], targets[start:][:16])]
            images = np.concatenate(rows)
        return grid(prepare(images), columns=16)


def _files(folder):
    """The dictionary `{code points: file name}` of a style."""
    return {_key(path.stem): path.name for path in sorted(folder.iterdir()) if path.suffix in (".png", ".webp")}


def _key(codes):
    """Code points in lower case without the variation selector, which vendors use inconsistently."""
    return "-".join(code for code in codes.lower().split("-") if code != "fe0f")


def _emoji(entry, files):
    """An entry of emoji.json and those of its skin tones that all styles have."""
    variants = {"": entry, **entry.get("skin_variations", {})}
    for tone, variant in variants.items():
        key = _key(variant["image"].removesuffix(".png"))
        if tone and "fluent" in files:
            continue
        if all(key in names for names in files.values()):
            codes = [code.lower() for code in tone.split("-") if code]
            number = 0 if not codes else 1 + _TONE_CODES.index(codes[0]) if len(set(codes)) == 1 else len(TONES) - 1
            yield _Emoji(
                key,
                _concept(_key(entry["image"].removesuffix(".png")), entry["subcategory"]),
                re.sub(r"\s+", " ", entry["name"].lower()).strip(),
                entry["category"],
                entry["subcategory"],
                number,
                {style: names[key] for style, names in files.items()},
            )


def _concept(key, subcategory):
    """The common name of all emoji that differ only in skin tone, sex, colour or digit."""
    if subcategory in _ALIKE:
        return "family" if subcategory == "person-symbol" else subcategory
    codes = [code for code in key.split("-") if code not in _SIGNS]
    others = [code for code in codes if code not in _PERSONS]
    concept = "-".join(others) if others else "person"
    return _FIRST.get(concept, concept)
