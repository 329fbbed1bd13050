"""Tiny stand-ins for the packages that data sets are read from, in the places of the real ones."""

import json

import numpy as np
from PIL import Image

from kerasgan.data.builders import DATASETS, PackagedDataset

ALL = [kind for kind in DATASETS.values() if issubclass(kind, PackagedDataset)]


def write(path, content):
    """A file with its folders: text, bytes, JSON or a picture."""
    path.parent.mkdir(parents=True, exist_ok=True)
    if isinstance(content, np.ndarray):
        Image.fromarray(content).save(path, lossless=True)
    elif isinstance(content, bytes):
        path.write_bytes(content)
    else:
        path.write_text(content if isinstance(content, str) else json.dumps(content), encoding="utf-8")


def install(root):
    """All stand-ins, below a folder that `KERASGAN_PACKAGES` is to name."""
    for kind in ALL:
        for config in kind.configs or (None,):
            for package in kind(config).packages:
                if package.manager == "npm":
                    write(root / "npm/node_modules" / package.name / "package.json", {"version": package.version})
                elif package.manager == "pypi":
                    info = f"{package.name.replace('-', '_')}-{package.version}.dist-info"
                    write(root / "python" / info / "METADATA", "")
                else:
                    write(root / "unpacked" / package.pinned, "")
    for make in (emoji, solar_cells, avatars):
        make(root)
    return root


def emoji(root):
    """Forty faces, one of them with skin tones and one as a man and a woman."""
    random = np.random.default_rng(0)
    table, names = [], []
    for number in range(40):
        code = f"1f{600 + number}"
        entry = {"name": f"FACE  {number}", "category": "Smileys & Emotion", "subcategory": "face-smiling"}
        table.append({**entry, "image": f"{code}.png"})
        names.append(code)
    tones = {"1F3FB": {"image": "1f600-1f3fb.png"}, "1F3FB-1F3FC": {"image": "1f600-1f3fb-1f3fc.png"}}
    table[0]["skin_variations"] = tones
    table.append({**table[1], "name": "WOMAN", "image": "1f601-200d-2640-fe0f.png"})
    table.append({**table[1], "name": "ONLY ONE STYLE HAS IT", "image": "1f700.png"})
    names += ["1f600-1f3fb", "1f600-1f3fb-1f3fc", "1f601-200d-2640-fe0f"]
    modules = root / "npm/node_modules"
    write(modules / "emoji-datasource-google/emoji.json", table)
    for name in names:
        noto = random.integers(256, size=(64, 64, 4), dtype="uint8")
        write(modules / "emoji-datasource-google/img/google/64" / f"{name}.png", noto)
        write(modules / "emoji-datasource-twitter/img/twitter/64" / f"{name}.png", 255 - noto)
        write(modules / "@lobehub/fluent-emoji-3d/assets" / f"{name}.webp", noto.repeat(2, axis=0).repeat(2, axis=1))
    write(modules / "emoji-datasource-google/img/google/64/1f700.png", noto)


def solar_cells(root):
    """Ten runs of mono and poly cells, each a little brighter than the one before it."""
    folder, lines = root / "python/elpv_dataset/data", []
    for number in range(50):
        path = f"images/cell{number + 1:04d}.png"
        write(folder / path, np.full((300, 300), 5 * number, "uint8"))
        lines.append(
            f"{path}  {(0.0, 0.3333333333333333, 0.6666666666666666, 1.0)[number % 4]}  {'mp'[number // 5 % 2]}"
        )
    text = "\n".join(line.replace("  m", "  mono").replace("  p", "  poly") for line in lines)
    write(folder / "labels.csv", text + "\n")


def avatars(root):
    """A drawing whose parts are as large as the names of the values are long."""
    core = """
export function createAvatar(style, options) {
  const text = JSON.stringify(options);
  const hues = [...text].map((letter, place) => letter.charCodeAt(0) * (place + 7));
  const hue = hues.reduce((sum, value) => (sum + value) % 360, 0);
  const shape = `<rect x="${hue / 60}" y="2" width="5" height="6" fill="hsl(${hue}, 80%, 50%)"/>`;
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 10 10">${shape}</svg>`;
}
"""
    modules = root / "npm/node_modules/@dicebear"
    write(modules / "core/lib/index.js", core)
    for style in ("adventurer", "avataaars", "lorelei", "micah", "personas"):
        write(modules / style / "lib/index.js", "export const create = null;\n")
    for name in ("core", "adventurer", "avataaars", "lorelei", "micah", "personas"):
        write(modules / name / "package.json", {"version": "9.4.3", "type": "module"})
