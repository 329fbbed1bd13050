"""Icons and logos: small drawings for user interfaces, and the logos of companies and programs."""

import json
import re

import numpy as np

from kerasgan.data.builders import raster
from kerasgan.data.builders.base import PackagedDataset, divided
from kerasgan.data.builders.features import ClassLabel, Image, Text
from kerasgan.data.builders.packages import Package

SIZE = 64
MDI = Package("@mdi/svg", "7.4.47", "svg", "npm")
LOGOS = Package("@iconify-json/logos", "1.2.19", "icons.json", "npm")
NO_TAG = "none"
TAGS = (
    *("Account / User", "Agriculture", "Alert / Error", "Alpha / Numeric", "Animal", "Arrange", "Arrow", "Audio"),
    *(
        "Automotive",
        "Banking",
        "Battery",
        "Brand / Logo",
        "Cellphone / Phone",
        "Clothing",
        "Cloud",
        "Color",
        "Currency",
    ),
    *("Database", "Date / Time", "Developer / Languages", "Device / Tech", "Drawing / Art", "Edit / Modify", "Emoji"),
    *("Files / Folders", "Food / Drink", "Form", "Gaming / RPG", "Geographic Information System", "Hardware / Tools"),
    *("Health / Beauty", "Holiday", "Home Automation", "Lock", "Math", "Medical / Hospital", "Music", "Nature"),
    *("Navigation", "Notification", "People / Family", "Photography", "Places", "Printer", "Religion", "Science"),
    *("Settings", "Shape", "Shopping", "Social Media", "Sport", "Text / Content / Format", "Tooltip"),
    *("Transportation + Flying", "Transportation + Other", "Transportation + Road", "Transportation + Water", "Vector"),
    *("Video / Movie", "View", "Weather"),
)
MOST_OBLONG = 1.5  # largest ratio of the longer to the shorter side of a logo


class Icons(PackagedDataset):
    """Material Design Icons, 64x64 pixels, black on white.

    Factors: `label`, the first of an icon's tags, such as "Weather", or "none"; `name`, such as "account outline".

    Splits: by the first word of the base icon: "account", "account outline" and "account plus" are in the same split.
    One group in eight is for testing.

    Raises:
        FileNotFoundError: If the packages @mdi/svg and resvg-py are not installed; the message says how to get them.
    """

    name = "icons"
    version = "1.0.0"
    description = (
        "Material Design Icons of 64x64 pixels, black on white, with names and tags; the splits have no icon and its "
        "variants in common."
    )
    license = "Apache-2.0 (Pictogrammers); marks of companies among them remain their owners'"
    homepage = "https://pictogrammers.com/library/mdi"
    source = "npm package @mdi/svg, drawn with resvg-py"
    packages = (MDI,)
    modules = ("resvg_py",)
    sheet_count = 120
    features = {
        "image": Image((SIZE, SIZE, 1), doc="the icon, black on white"),
        "label": ClassLabel((*TAGS, NO_TAG), doc="first tag"),
        "name": Text(doc="name of the icon"),
    }

    def listed(self):
        table = json.loads((MDI.place().parent / "meta.json").read_text(encoding="utf-8"))
        icons = [(icon["name"], next(iter(icon["tags"]), NO_TAG), icon["baseIconId"], icon["id"]) for icon in table]
        first = {identity: name.split("-")[0] for name, _, _, identity in icons}
        return divided(
            [(name, tag, first.get(base, name.split("-")[0])) for name, tag, base, _ in icons],
            group=lambda icon: icon[2],
            key=lambda icon: icon[0],
        )

    def example(self, rng, split, index):
        name, tag, _ = self.items[split][index]
        text = (MDI.place() / f"{name}.svg").read_text(encoding="utf-8")
        picture = raster.rgba_of_svg(text, 2 * SIZE)
        return {
            "image": raster.on_white(picture, SIZE)[..., :1],
            "label": np.int64(self.features["label"].names.index(tag)),
            "name": name.replace("-", " "),
        }


class Logos(PackagedDataset):
    """Logos of companies, programs and services, 64x64 pixels, in colour on white.

    They are the logos of the collection SVG Logos that are nearly square (at most 1.5 times as long as wide) and not
    white on white. The factor `name` is the name of the owner or product. Logos are trademarks of their owners,
    whatever the licence of the drawings.

    Splits: by the first word of the name, so that the logos of one company are in the same split; one group in eight is
    for testing.

    Raises:
        FileNotFoundError: If the packages @iconify-json/logos and resvg-py are not installed; the message says how to
            get them.
    """

    name = "logos"
    version = "1.0.0"
    description = (
        "Nearly square logos of companies and programs, 64x64 pixels, in colour on white, with names; the splits have "
        "no company in common."
    )
    license = "CC0 1.0 (Gil Barbara); the logos are trademarks of their owners"
    homepage = "https://github.com/gilbarbara/logos"
    source = "npm package @iconify-json/logos, drawn with resvg-py"
    packages = (LOGOS,)
    modules = ("resvg_py",)
    sheet_count = 120
    features = {
        "image": Image((SIZE, SIZE, 3), doc="the logo on white"),
        "name": Text(doc="whose logo it is"),
    }

    def listed(self):
        table = json.loads(LOGOS.place().read_text(encoding="utf-8"))
        found = []
        for name, icon in table["icons"].items():
            width, height = (icon.get(side, table.get(side, 256)) for side in ("width", "height"))
            if max(width, height) <= MOST_OBLONG * min(width, height):
                text = _svg(icon["body"], icon.get("left", 0), icon.get("top", 0), width, height)
                if _can_be_seen(text):
                    found.append((name, text))
        return divided(found, group=lambda logo: re.split("[-.]", logo[0])[0], key=lambda logo: logo[0])

    def example(self, rng, split, index):
        name, text = self.items[split][index]
        picture = raster.rgba_of_svg(text, 2 * SIZE)
        return {"image": raster.on_white(picture, SIZE), "name": name.removesuffix("-icon").replace("-", " ")}


def _svg(body, left, top, width, height):
    spaces = 'xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink"'
    return f'<svg {spaces} viewBox="{left} {top} {width} {height}">{body}</svg>'


def _can_be_seen(text):
    """Whether a drawing is visible: at least one pixel in fifty of a small picture is grey or darker."""
    small = raster.on_white(raster.rgba_of_svg(text, 32), 32)
    return (small.min(axis=2) < 225).mean() >= 0.02
