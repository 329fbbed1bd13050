"""Drawn faces in the styles of DiceBear, each defined by a handful of attributes."""

import functools
import json
import re
import shutil
import subprocess
import zlib
from pathlib import Path
from typing import NamedTuple

import numpy as np

from kerasgan.data.builders import raster
from kerasgan.data.builders.base import PackagedDataset, measured
from kerasgan.data.builders.features import ClassLabel, Image, Tensor
from kerasgan.data.builders.packages import INSTALL, Package

VERSION = "9.4.3"
CORE = Package("@dicebear/core", VERSION, "lib/index.js", "npm")
VIEWS = 4  # number of consecutive views of an identity
NONE = "none"
# Reads a list of options from its input, and writes the list of the resulting SVG files.
DRAW = """
const [core, style] = process.argv.slice(-2);
const { createAvatar } = await import(core);
const drawn = await import(style);
let text = '';
for await (const part of process.stdin) text += part;
process.stdout.write(JSON.stringify(JSON.parse(text).map(options => createAvatar(drawn, options).toString())));
"""


class _Style(NamedTuple):
    """A style of DiceBear.

    Args:
        license: Licence as stated by the package of the style.
        identity: Attributes that do not change within an identity.
        changing: Attributes, one of which differs in each further view of an identity.
        chances: Probability that an attribute is present.
        fixed: DiceBear's options that are the same in all pictures.
        without: Regular expressions for values that would hide another attribute.
        follows: Attributes that take the value of another attribute.
    """

    license: str
    identity: tuple
    changing: tuple
    chances: dict
    fixed: dict
    without: dict = {}
    follows: dict = {}


STYLES = {
    "adventurer": _Style(
        "CC BY 4.0 (Lisa Wischofsky)",
        ("skinColor", "eyebrows", "features"),
        ("hair", "hairColor", "eyes", "mouth", "glasses"),
        {"features": 0.2, "glasses": 0.3},
        {"earringsProbability": 0},
    ),
    "micah": _Style(
        "CC BY 4.0 (Micah Lanier)",
        ("baseColor", "eyebrows", "eyes", "nose", "ears", "facialHair", "shirt", "earrings"),
        ("hair", "hairColor", "mouth", "glasses", "shirtColor"),
        {"facialHair": 0.2, "earrings": 0.3, "glasses": 0.4},
        {"earringColor": ["f4d150"], "glassesColor": ["000000"], "eyeShadowColor": ["d2eff3"]},
        # A bald head has no hair colour, and hair in the colour of the face cannot be seen.
        {"hair": "mrClean", "hairColor": "f9c9b6|ac6651|77311d"},
    ),
    "personas": _Style(
        "CC BY 4.0 (Draftbit)",
        ("skinColor", "nose", "body", "facialHair"),
        ("hair", "hairColor", "mouth", "eyes", "clothingColor"),
        {"facialHair": 0.2},
        {},
        {"hair": "bald|balding|beanie|cap"},
    ),
    "avataaars": _Style(
        "free for personal and commercial use (Pablo Stanley)",
        ("skinColor", "eyebrows", "clothing", "facialHair"),
        ("top", "hairColor", "mouth", "eyes", "accessories", "clothesColor"),
        {"facialHair": 0.2, "accessories": 0.3},
        {"style": ["default"], "accessoriesColor": ["262e33"]},
        {"top": "hat|hijab|turban|winterHat.*", "clothing": "graphicShirt"},
        {"facialHairColor": "hairColor"},
    ),
    "lorelei": _Style(
        "CC0 1.0 (Lisa Wischofsky)",
        ("head", "eyebrows", "nose", "beard", "freckles"),
        ("hair", "eyes", "mouth", "glasses"),
        {"beard": 0.1, "freckles": 0.2, "glasses": 0.3},
        {"hairAccessoriesProbability": 0, "earringsProbability": 0},
    ),
}


class Avatars(PackagedDataset):
    """Drawn faces, 64x64 or 128x128 pixels on white, with the attributes they were drawn from.

    Configs: DiceBear's styles `"adventurer"`, `"micah"`, `"personas"`, `"avataaars"` and `"lorelei"` (line art) at 64
    pixels, and `"adventurer-128"`, ... at 128.

    Examples come in groups of four, the views of one `identity`. Each attribute of the first view is drawn uniformly;
    some are more often absent ("none"). Each of the other three views differs from the first in one attribute,
    `changed`, a different one in each view, so that a translation that changes one attribute and keeps the person has a
    known result. `view` is 0 to 3. At most one change in 100 is invisible, such as a change of a mouth behind a beard.

    Factors: an integer label for each attribute of the style, `hair`, `mouth`, `glasses`, ..., with DiceBear's names in
    lower case; colours are named by their RGB values.

    Splits: by identity. The split is determined by a hash of the attributes that never change within an identity (such
    as skin colour, nose and eyebrows), so that no combination of them is in both splits.

    None of these faces shows a real person.

    Raises:
        FileNotFoundError: If Node.js, a package of DiceBear or resvg-py is missing; the message says how to get it.
        RuntimeError: If Node.js fails.
    """

    name = "avatars"
    version = "1.0.0"
    description = (
        "Drawn faces of five DiceBear styles, 64x64 or 128x128 pixels, with the attributes that they were drawn from, "
        "in fours that differ in one attribute; the splits have no identity in common."
    )
    homepage = "https://www.dicebear.com"
    source = "npm packages @dicebear/core and @dicebear/<style>, drawn with Node.js and resvg-py"
    configs = (*STYLES, *(f"{style}-128" for style in STYLES))
    counts = {"train": 24_000, "test": 4_000}
    modules = ("resvg_py",)

    @property
    def style(self):
        """Name of the style."""
        return self.config.removesuffix("-128")

    @property
    def size(self):
        """Side of a picture in pixels."""
        return 128 if self.config.endswith("-128") else 64

    @property
    def facts(self):
        """The facts measured on the same pictures at 64 pixels."""
        facts = dict(measured().get(f"{self.name}/{self.style}", {}))
        if self.size != 64:
            facts.pop("sha256", None)
        return facts

    @property
    def license(self):
        return STYLES[self.style].license

    @property
    def packages(self):
        return (CORE, Package(f"@dicebear/{self.style}", VERSION, "lib/index.js", "npm"))

    @property
    def features(self):
        style = STYLES[self.style]
        attributes = {
            _lower(name): ClassLabel(tuple(values), doc=f"DiceBear's {name}") for name, values in self._values.items()
        }
        return {
            "image": Image((self.size, self.size, 3), doc=f"a face in the style {self.style}, on white"),
            "identity": Tensor((), "int64", doc="number of the identity in its split"),
            "view": Tensor((), "int64", doc="0 to 3; the others differ from view 0 in one attribute"),
            "changed": ClassLabel(("nothing", *map(_lower, style.changing)), doc="what differs from view 0"),
            **attributes,
        }

    def requires(self):
        if shutil.which("node") is None:
            return (
                f"{self.full_name} did not find Node.js (version 18 or later): install it, as by apt-get install "
                f"nodejs npm, and run {INSTALL} {self.name}."
            )
        return super().requires()

    def listed(self):
        raise NotImplementedError("avatars are drawn, not listed")

    def splits(self):
        return self.limited(self.counts)

    def some(self, split, count):
        """Returns complete identities from all over a split."""
        self.check_requirements()
        self.parts(split)
        identities = max(1, self.splits()[split] // VIEWS)
        chosen = np.linspace(0, identities - 1, min(max(1, count // VIEWS), identities)).round().astype(int).tolist()
        last = self.splits()[split]
        return self._made(
            split, [i for identity in chosen for i in range(VIEWS * identity, VIEWS * (identity + 1)) if i < last]
        )

    def example(self, rng, split, index):
        return {name: column[0] for name, column in self._made(split, [index]).items()}

    def _made(self, split, indices):
        rows = [self.attributes(split, index) for index in indices]
        drawings = self._drawn([values for values, _ in rows])
        examples = []
        for index, (values, changed), drawing in zip(indices, rows, drawings, strict=True):
            examples.append(
                {
                    # Drawn at twice the size, so that thin lines are even.
                    "image": raster.on_white(raster.rgba_of_svg(drawing, 2 * self.size), self.size),
                    "identity": np.int64(index // VIEWS),
                    "view": np.int64(index % VIEWS),
                    "changed": np.int64(changed),
                    **{_lower(name): np.int64(number) for name, number in values.items()},
                }
            )
        return self.stack(examples)

    def attributes(self, split, index):
        """The attributes of an example, `{attribute: index of its value}`, and the index of the changed attribute."""
        style, values = STYLES[self.style], self._values
        rng = self.random(f"{split} identity", index // VIEWS)
        while True:
            identity = self._draw(rng, style.identity)
            code = json.dumps([values[name][number] for name, number in identity.items()]).encode()
            if (zlib.crc32(code) % 8 == 0) == (split == "test"):
                break
        changing = self._draw(rng, style.changing)
        order = rng.permutation(len(style.changing))
        view = index % VIEWS
        if view == 0:
            return {**identity, **changing}, 0
        changed = style.changing[order[view - 1]]
        while (other := self._draw(rng, [changed])) == {changed: changing[changed]}:
            pass
        return {**identity, **changing, **other}, 1 + int(order[view - 1])

    def _draw(self, rng, names):
        """Draws the index of a value for each attribute; 0 is "none" if the attribute may be absent."""
        drawn = {}
        for name in names:
            chance, first = STYLES[self.style].chances.get(name), 0
            if chance is not None:
                first = 1
            there = chance is None or rng.random() < chance
            drawn[name] = int(rng.integers(first, len(self._values[name]))) if there else 0
        return drawn

    @functools.cached_property
    def _values(self):
        """The names of the values of each attribute."""
        style, known = STYLES[self.style], _styles()[self.style]
        values = {}
        for name in (*style.identity, *style.changing):
            kept = [value for value in known[name] if not re.fullmatch(style.without.get(name, ""), value)]
            values[name] = [NONE, *kept] if name in style.chances else kept
        return values

    def _drawn(self, rows):
        """The SVG files of avatars, drawn by a single Node.js process."""
        style = STYLES[self.style]
        requests = []
        for numbers in rows:
            named = {name: self._values[name][number] for name, number in numbers.items()}
            options = {"seed": "kerasgan", **style.fixed}
            for name, value in named.items():
                options[name] = [value] if value != NONE else []
                if not name.endswith("Color"):
                    options[f"{name}Probability"] = 0 if value == NONE else 100
            options.update({name: options[other] for name, other in style.follows.items()})
            requests.append(options)
        places = [package.place().resolve().as_uri() for package in self.packages]
        command = ["node", "--input-type=module", "-e", DRAW, *places]
        reply = subprocess.run(command, input=json.dumps(requests), capture_output=True, text=True)
        if reply.returncode:
            raise RuntimeError(f"Node.js drew no avatars; expected version 18 or later: {reply.stderr.strip()[-500:]}")
        return json.loads(reply.stdout)


@functools.cache
def _styles():
    """The dictionary `{style: {attribute: [values]}}` that `tools/make_avatar_styles.mjs` has extracted."""
    return json.loads(Path(__file__).with_name("avatar_styles.json").read_text(encoding="utf-8"))


def _lower(name):
    """Converts "hairColor" to "hair_colour"."""
    return re.sub("([A-Z])", lambda match: f"_{match[1].lower()}", name).replace("color", "colour")
