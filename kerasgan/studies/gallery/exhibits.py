"""The exhibits of a model by the kind of its samples: files in the folder `shown`, each with a description."""

from pathlib import Path
from typing import Any

import numpy as np

from kerasgan.bases.latents import Codes, Normal, Uniform
from kerasgan.data.kinds import Audio, Graphs, Images, Sentences, Tokens, Video, Voxels
from kerasgan.data.kinds.conditions import TextIds
from kerasgan.metrics.molecules import ValidMolecules, atoms_of
from kerasgan.pictures.images import grid, write_png
from kerasgan.pictures.molecules import draw_molecule

FOLDER = "shown"
COUNT = 6  # number of samples of a model without classes
MOST = 12  # maximum number of samples of a model with classes, one of each
TEXTS, GRAPHS = 16, 12
CONTINUED = "samples.gif"  # file of a preset that continues films


def show(model, folder, samples=None, data=None):
    """Writes the exhibits of a model besides its picture, all with seed 0 and without cherry-picking.

    Args:
        model: Model of a preset.
        folder: The preset's published folder. Files are written into its folder `shown`.
        samples: Path of the preset's picture, from which the pairs of a translator are cut.
        data: Name of the data set, which defines the atoms of molecules.

    Returns:
        A JSON-ready dictionary: `kind`, the kind of samples; `classes`, their names; `latents`, the parts of the
        latents for a generator in the browser, or `None`; `size`, the shape of a sample; and `exhibits`, a list of
        dictionaries with a `form` ("sound", "film", "solid", "text", "drawing", "captioned" or "pair"), a `title`, and
        paths in the folder.
    """
    exhibits = Exhibits(Path(folder) / FOLDER, model)
    if model.generates:
        kind, classes = model.sample_kind.name, class_names(model)
        made = exhibits.generated(data)
    else:
        kind, classes = kind_of_translator(model), []
        made = [*exhibits.continued(samples), *exhibits.pairs(samples)]
    size = list(model.image_shape)
    return {"kind": kind, "classes": classes, "latents": latents(model), "size": size, "exhibits": made}


def kind_of_translator(model):
    """The kind of an image-to-image model: whether it enlarges images, continues films, or translates."""
    if not hasattr(model, "translators"):
        return "prediction"
    return "translation" if model.enlargement == 1 else "enlargement"


def class_names(model):
    """Names of the classes, or their numbers if the names are unknown; an empty list without classes."""
    number = model.conditions.classes or 0
    names = [str(name) for name in getattr(model, "class_names", ())]
    return names if len(names) == number else [str(label) for label in range(number)]


def latents(model):
    """Parts of a latent vector for drawing in the browser, if it can run the image generator; otherwise `None`.

    A part is ["normal", size], ["uniform", size, low, high] or ["class", number], a one-hot code.
    """
    drawn = model.generates and isinstance(model.sample_kind, Images) and model.sample_kind.writes_png
    if not drawn or (model.conditions and not model.conditions.classes):
        return None
    prior = getattr(model, "prior", None)
    if isinstance(prior, Codes):
        codes = [["class", size] for size in prior.categorical]
        return [["uniform", prior.noise, -1.0, 1.0], *codes, ["uniform", prior.continuous, -1.0, 1.0]]
    if isinstance(prior, Uniform):
        return [["uniform", prior.size, float(prior.low), float(prior.high)]]
    return [["normal", prior.size]] if isinstance(prior, Normal) else None


class Exhibits:
    """Writes exhibits of a model into a folder.

    Args:
        folder: Path of the folder, which is created when the first file is written.
        model: The model.
    """

    def __init__(self, folder, model):
        self.folder, self.model = folder, model
        self.kind: Any = getattr(model, "sample_kind", None)

    def generated(self, data=None):
        """Exhibits of a model that draws samples; an empty list if its picture is sufficient."""
        forms = {Audio: self.sounds, Video: self.films, Voxels: self.solids, Tokens: self.texts}
        if isinstance(self.kind, Graphs):
            return self.drawings(data)
        if any(isinstance(kind, (TextIds, Sentences)) for kind in self.model.conditions.kinds.values()):
            return self.captioned()
        return next((make() for kind, make in forms.items() if isinstance(self.kind, kind)), [])

    def samples(self, count=COUNT):
        """Samples and their titles: one of each class, or `count` of a model without classes."""
        classes = class_names(self.model)[:MOST]
        if classes:
            made = self.model.sample(len(classes), 0, labels=np.arange(len(classes), dtype="int32"))
            return made, classes
        return self.model.sample(count, 0), [f"Sample {place + 1}" for place in range(count)]

    def sounds(self):
        """WAV files with their spectrograms."""
        made, titles = self.samples()
        return [
            {
                "form": "sound",
                "title": title,
                "file": self._write(f"{place}.wav", self.kind.encoded(sound, "wav")),
                "picture": self._picture(f"{place}.png", self.kind.pictures(sound[None])),
            }
            for place, (sound, title) in enumerate(zip(made, titles, strict=True))
        ]

    def films(self):
        """GIF files, and the first frame of each for users who prefer no motion."""
        made, titles = self.samples()
        return [
            {
                "form": "film",
                "title": title,
                "file": self._write(f"{place}.gif", self.kind.encoded(film, "gif")),
                "picture": self._picture(f"{place}.png", Images(film.shape[1:]).pictures(film[:1]), 1),
            }
            for place, (film, title) in enumerate(zip(made, titles, strict=True))
        ]

    def solids(self):
        """Occupied voxels, eight per byte, for a rotatable view, and a still picture of each solid."""
        made, titles = self.samples()
        return [
            {
                "form": "solid",
                "title": title,
                "file": self._write(f"{place}.bits", np.packbits(solid[..., 0] > 0.5).tobytes()),
                "picture": self._picture(f"{place}.png", self.kind.pictures(solid[None]), 2),
            }
            for place, (solid, title) in enumerate(zip(made, titles, strict=True))
        ]

    def texts(self):
        """Samples as texts."""
        made, titles = self.samples(TEXTS)
        lines = self.kind.decode(made)
        return [{"form": "text", "title": title, "text": text} for title, text in zip(titles, lines, strict=True)]

    def drawings(self, data=None):
        """Drawings of graphs as SVG files, with the validity of molecules."""
        atoms = atoms_of(data or "")
        known = len(atoms) == self.kind.node_types
        symbols = atoms if known else [str(number) for number in range(self.kind.node_types)]
        made = self.model.sample(GRAPHS, 0)
        valid = ValidMolecules(tuple(atoms))(made) if known else [None] * GRAPHS
        says = {None: "", 0.0: ", no molecule by the rules of valence", 1.0: ", a valid molecule"}
        found = []
        for place, (nodes, edges, right) in enumerate(zip(made["nodes"], made["edges"], valid, strict=True)):
            file = self._write(f"{place}.svg", draw_molecule(nodes, edges, symbols).encode())
            title = f"Sample {place + 1}{says[None if right is None else float(right)]}"
            found.append({"form": "drawing", "title": title, "file": file})
        return found

    def captioned(self):
        """Pictures generated from sentences."""
        ((name, kind),) = self.model.conditions.kinds.items()
        texts = list(getattr(kind, "shown", ()))[:COUNT]
        if not texts or not all(isinstance(text, str) for text in texts):
            return []
        made = self.kind.pictures(self.model.sample(len(texts), 0, **{name: texts}))
        return [
            {"form": "captioned", "title": text, "file": self._picture(f"{place}.png", made[place : place + 1])}
            for place, text in enumerate(texts)
        ]

    def continued(self, samples):
        """The preset's film of continued films; an empty list if there is none."""
        if not samples or not (Path(samples).parent / CONTINUED).exists():
            return []
        title = f"Above: films; below: their first {self.model.context} frames, continued by the model"
        return [{"form": "film", "title": title, "file": CONTINUED, "picture": Path(samples).name}]

    def pairs(self, samples):
        """Pictures before and after translation, cut from the columns of the preset's picture."""
        rows = cut(samples, self.model.image_shape[-3:-1]) if samples else None
        if rows is None:
            return []
        names = {
            "enlargement": ("Interpolated", "Enlarged by the model", "Original"),
            "prediction": ("Frame before", "Predicted by the model", "Next frame"),
        }.get(kind_of_translator(self.model), ("Input", "Translation", "Target"))
        back = len(getattr(self.model, "translators", ())) > 1  # then the third row is translated back, not a target
        starts = [0, 3] if back and len(rows) >= 5 else [0]
        found = []
        for start in starts:
            before, after = rows[start : start + 2]
            targets = rows[2] if len(rows) == 3 and not back else [None] * len(before)
            for place, pictures in enumerate(zip(before, after, targets, strict=True)):
                files = [
                    None if each is None else self._levels(f"{start}-{place}-{part}.png", each)
                    for part, each in enumerate(pictures)
                ]
                title = f"Picture {place + 1}{', the other way' if start else ''}"
                pair = {"form": "pair", "title": title, "names": list(names), "before": files[0], "after": files[1]}
                found.append({**pair, "target": files[2]})
        return found

    def _write(self, name, content):
        self.folder.mkdir(exist_ok=True)
        (self.folder / name).write_bytes(content)
        return f"{FOLDER}/{name}"

    def _picture(self, name, pictures, scale=None):
        return self._levels(name, grid(pictures, 1, padding=0, scale=scale))

    def _levels(self, name, levels):
        write_png(self.folder / name, levels)
        return f"{FOLDER}/{name}"


def cut(path, size):
    """Cuts a `grid` into its pictures: a list of rows, each a list of uint8 arrays, without margins.

    Args:
        path: Path of the PNG file.
        size: Height and width of its pictures before they were enlarged.

    Returns:
        A list of rows; `None` if the file is not a grid of at least two rows of such pictures.
    """
    from PIL import Image

    with Image.open(path) as file:
        levels = np.asarray(file.convert("RGB"))
    for scale in range(1, 1 + min(side // part for side, part in zip(levels.shape, size, strict=False))):
        height, width = (scale * part + 1 for part in size)
        rows, columns = (levels.shape[0] - 1) // height, (levels.shape[1] - 1) // width
        lines = levels[::height].any() or levels[:, ::width].any()  # black lines between the pictures of a grid
        if rows >= 2 and (rows * height + 1, columns * width + 1) == levels.shape[:2] and not lines:
            cells = levels[1:, 1:].reshape(rows, height, columns, width, 3).swapaxes(1, 2)
            return [list(row) for row in cells[:, :, :-1, :-1]]
    return None
