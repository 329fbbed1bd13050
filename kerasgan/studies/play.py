"""`kerasgan play`: a page with widgets for a model, and the underlying functions, which are independent of the page."""

import os
import tempfile
from pathlib import Path

import numpy as np

from kerasgan.bases.styles import StyleModel
from kerasgan.data.kinds import Sentences
from kerasgan.data.kinds.conditions import TextIds
from kerasgan.data.picture import Reader
from kerasgan.data.prepare import prepare
from kerasgan.latent_space import LatentSpace
from kerasgan.pictures.color import colorized
from kerasgan.pictures.films import write_film
from kerasgan.pictures.images import grid
from kerasgan.zoo import preset as presets

SIDE = 192  # minimum size of a single sample in pixels
SHEET = 720  # maximum width of a sheet in pixels, unless its samples are larger
MOST_SAMPLES, MOST_STOPS, MOST_STEPS = 64, 8, 32
DIRECTIONS = 8
ANY = "any"  # choice instead of a class


class Playground:
    """A model and the interactive functions that it supports.

    Args:
        model: The model of a run or a preset.
        classes: Names of the model's classes, or their numbers if the names are unknown.

    Attributes:
        tabs: Names of the supported functions among "samples", "walk", "edit", "mix", "captions" and "translate".
    """

    def __init__(self, model, classes=()):
        self.model, self._directions = model, {}
        number = model.conditions.classes if model.generates else None
        self.classes = list(map(str, classes if len(classes) == number else range(number or 0)))

    @property
    def generates(self):
        return self.model.generates

    @property
    def captions(self):
        """Name of the condition that is a text, or `None`."""
        if not self.generates or len(self.model.conditions.kinds) != 1:
            return None
        ((name, kind),) = self.model.conditions.kinds.items()
        return name if isinstance(kind, (TextIds, Sentences)) else None

    @property
    def drawn(self):
        """Whether samples can be drawn as pictures."""
        kind = self.model.sample_kind
        return kind.sheet(kind.example(2, 0)) is not None

    @property
    def single(self):
        """Whether a single sample can be drawn as a picture."""
        kind = self.model.sample_kind
        return kind.pictures(kind.example(1, 0)) is not None

    @property
    def tabs(self):
        model = self.model
        if not model.generates:
            return ("translate",)
        if self.captions:
            return ("captions",)
        simple = not model.conditions or bool(model.conditions.classes)
        latent = simple and self.single and model.latent_dim is not None and hasattr(model, "prior")
        walked = ("walk", "edit") if latent else ()
        return ("samples", *walked, *(("mix",) if latent and isinstance(model, StyleModel) else ()))

    @property
    def truncation(self):
        """The tuple (default, lowest, highest) of the truncation; `None` for a model without truncation."""
        if not self.generates or not self.model.truncates:
            return None
        return (1.0, 0.0, 1.2) if self.model.truncation_of == "styles" else (2.0, 0.1, 3.0)

    @property
    def about(self):
        """One line about the model."""
        model = self.model
        shape = "x".join(map(str, model.image_shape))
        what = f"{model.sample_kind}" if model.generates else f"pictures from pictures of {shape}"
        count = sum(network.count_params() for network in model.averages.values())
        return f"{type(model).__name__}: {what}; {count:,} weights"

    # Samples ----------------------------------------------------------------------------------------------------------

    def labels(self, chosen, count):
        """Labels of samples as arguments: of one class, or cycling through all classes.

        Args:
            chosen: Name of a class, or "any".
            count: Number of samples.
        """
        if not self.model.conditions.classes:
            return {}
        if chosen in (None, ANY):
            return {"labels": np.arange(count, dtype="int32") % self.model.conditions.classes}
        return {"labels": np.full(count, self.classes.index(chosen), "int32")}

    def samples(self, seed=0, count=16, chosen=ANY, truncation=None):
        """Draws samples as a picture, and writes the first one as a file, for kinds with a file type.

        Args:
            seed: Seed of the latents.
            count: Number of samples.
            chosen: Name of a class, or "any".
            truncation: See the model's `sample`.

        Returns:
            A tuple: a uint8 array of shape (height, width, 3), or `None` for kinds without pictures; and the path of a
            file, or `None`.
        """
        count = int(count)
        cut = None if self.truncation is None else truncation
        made = self.model.sample(count, int(seed), truncation=cut, **self.labels(chosen, count))
        return self.shown(made), self._file(made)

    def _file(self, samples):
        """Path of a file with the first sample (or all texts); `None` without one, or if its package is missing."""
        kind = self.model.sample_kind
        if hasattr(kind, "decode"):
            content, ending = "".join(f"{line}\n" for line in kind.decode(samples)).encode(), "txt"
        elif kind.file_types:
            ending = kind.file_types[0]
            try:
                content = kind.encoded(samples[0], ending)
            except (ImportError, ValueError):
                return None
        else:
            return None
        path = temporary(ending)
        Path(path).write_bytes(content)
        return path

    def shown(self, samples, columns=None):
        """Draws samples as one picture, enlarged to be visible: a uint8 array (height, width, 3), or `None`.

        Args:
            samples: Array of samples.
            columns: Number of samples in a row. `None` for an approximately square picture.
        """
        kind = self.model.sample_kind
        pictures = kind.pictures(samples)
        if pictures is None:
            picture = kind.sheet(samples)
            return None if picture is None else in_colour(picture)
        columns = columns or columns_of(len(pictures), pictures.shape[2] / pictures.shape[1])
        room = max(SHEET // (columns * pictures.shape[2]), -(-SIDE // max(pictures.shape[1:3])) if columns == 1 else 1)
        return in_colour(grid(pictures, columns, padding=2, scale=max(1, room)))

    # Walks and edits --------------------------------------------------------------------------------------------------

    def space(self, name=None):
        """The `LatentSpace`, by default that of the styles if there are any."""
        return LatentSpace(self.model, name or ("w" if isinstance(self.model, StyleModel) else "z"))

    def codes(self, space, seed, count, chosen, truncation):
        """Random codes, and the labels that their images need."""
        given = self.labels(chosen, count)
        cut = None if self.truncation is None else truncation
        codes = space.draw(count, int(seed), cut, **given)
        return codes, given if space.space == "z" else {}

    def walk(self, seed=0, stops=4, steps=12, chosen=ANY, truncation=None):
        """Films a walk through the latents; returns the path of a GIF file.

        Args:
            seed: Seed of the latents.
            stops: Number of random latents on the way.
            steps: Number of frames from one stop to the next.
            chosen: Name of a class. With "any", the walk stays in the first class.
            truncation: See the model's `sample`.
        """
        space, stops, steps = self.space(), int(stops), int(steps)
        chosen = self.classes[0] if self.classes and chosen in (None, ANY) else chosen
        codes, given = self.codes(space, seed, stops, chosen, truncation)
        way = space.walk(codes, steps, closed=True)
        given = {name: np.resize(value, len(way)) for name, value in given.items()}
        images = space.images(way, **given)
        path = temporary("gif")
        write_film(path, [self.shown(image[None]) for image in images], rate=16)
        return path

    def directions(self, method="ganspace"):
        """The model's `Directions`, which are cached."""
        if method not in self._directions:
            space = self.space()
            given = {"labels": [0]} if self.model.conditions.classes and space.space == "z" else {}
            self._directions[method] = space.directions(method, DIRECTIONS, samples=500, **given)
        return self._directions[method]

    def edit(self, seed=0, chosen=ANY, truncation=None, *strengths, method="ganspace"):
        """Draws a sample and its edited version side by side: a uint8 array (height, width, 3).

        Args:
            seed: Seed of the latents.
            chosen: Name of a class, or "any".
            truncation: See the model's `sample`.
            *strengths: Distance along each direction from -1 to 1, the limits of the range of random latents.
            method: "ganspace" or "sefa".
        """
        space, found = self.space(), self.directions(method)
        codes, given = self.codes(space, seed, 1, chosen, truncation)
        moved = codes
        for vector, (low, high), strength in zip(found.vectors, found.ranges, strengths, strict=False):
            moved = space.edit(moved, vector, strength * (high if strength > 0 else -low))
        return self.shown(space.images(np.concatenate([codes, moved]), **_twice(given)), 2)

    def mix(self, seed=0, other=1, layer=4, truncation=None):
        """Draws two samples and, between them, the first with the styles of the second from a layer on.

        Args:
            seed: Seed of the first sample.
            other: Seed of the second sample.
            layer: Index of the generator's first layer that takes the second style.
            truncation: See the model's `sample`.

        Returns:
            A uint8 array of shape (height, width, 3).
        """
        space = self.space("w+")
        first, second = (self.codes(space, each, 1, ANY, truncation)[0] for each in (seed, other))
        mixed = space.mix(first, second, int(layer))
        return self.shown(space.images(np.concatenate([first, mixed, second])), 3)

    @property
    def layers(self):
        """Number of the generator's layers that take a style; 0 for a model without styles."""
        return self.model.mixed_layers if isinstance(self.model, StyleModel) else 0

    # Texts and pictures -----------------------------------------------------------------------------------------------

    def of_caption(self, caption, seed=0, count=4):
        """Draws samples for a sentence as a picture: a uint8 array (height, width, 3).

        Args:
            caption: A sentence.
            seed: Seed of the latents.
            count: Number of samples.
        """
        given = {self.captions: [caption] * int(count)}
        return self.shown(self.model.sample(int(count), int(seed), **given))

    @property
    def example_caption(self):
        """An example sentence."""
        shown = getattr(self.model.conditions.spec, "shown", ())
        if shown and isinstance(shown[0], str):
            return shown[0]
        words = getattr(self.model.conditions.spec, "vocabulary", ())
        return " ".join(words[:3]) or "a red circle"

    @property
    def both_ways(self):
        """Whether the model also translates in the opposite direction."""
        return not self.generates and len(getattr(self.model, "translators", ())) > 1

    def translate(self, picture, back=False):
        """Translates a picture; returns it with its translation, as two uint8 arrays (height, width, 3).

        Args:
            picture: A uint8 array (height, width) or (height, width, channels) of any size.
            back: Whether to translate from y to x.
        """
        model = self.model
        x = self.as_input(picture, back)
        made = model.translate(x, to="x") if back else model.translate(x)
        if (x.shape[-1], made.shape[-1]) == (1, 2):
            made = colorized(x, made)
        return tuple(self._enlarged(each) for each in (x, made))

    def as_input(self, picture, back=False):
        """Converts a picture to the model's input: float32 of shape (1, height, width, channels) in [-1, 1].

        It is cropped to the aspect ratio and resized to the size of the model's training pictures.
        """
        from PIL import Image

        height, width, channels = self.model.target_shape if back else self.model.image_shape
        if hasattr(self.model, "factor"):
            height, width = height // self.model.factor, width // self.model.factor
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "picture.png"
            Image.fromarray(np.asarray(picture, "uint8")).save(path)
            reader = Reader(path.parent, (height, width), "centre", "pad", (255, 255, 255), 0, channels)
            image, wrong = reader(path)
        if wrong:
            raise ValueError(f"The picture cannot be read: {wrong}")
        return prepare(image[None], value_range=(0, 255))

    @staticmethod
    def _enlarged(images):
        side = max(images.shape[1:3])
        return in_colour(grid(images[..., :3], 1, padding=0, scale=max(1, round(384 / side))))


def columns_of(count, ratio=1.0):
    """Number of columns of an approximately square sheet, for pictures with a ratio of width to height."""
    return int(min(count, max(1, np.ceil(np.sqrt(count / ratio)))))


def in_colour(picture):
    """Converts a grey picture (height, width, 1) to (height, width, 3)."""
    return np.repeat(picture, 3, axis=-1) if picture.shape[-1] == 1 else picture


def temporary(ending):
    """Path of a new temporary file with a given suffix."""
    handle, path = tempfile.mkstemp(f".{ending}", "kerasgan-")
    os.close(handle)
    return path


def playable():
    """Names of the presets that come with the package, except for classifiers."""
    return [name for name in presets.names() if presets.read(name).config["class"] != "Classifier"]


def _twice(given):
    return {name: np.concatenate([value, value]) for name, value in given.items()}


def serve(load, name=None, port=7860, share=False):
    """Serves the page until the process ends.

    Args:
        load: See `kerasgan.studies.page.build`.
        name: Run or preset to start with. `None` for one of the presets.
        port: Port on 127.0.0.1.
        share: Whether to get a public address from Gradio's servers.

    Raises:
        ValueError: If Gradio is not installed, or if there is no such model.
    """
    from kerasgan.studies.page import build

    page = build(load, name)
    print(f"http://127.0.0.1:{port} (Ctrl-C ends it)", flush=True)
    page.launch(server_name="127.0.0.1", server_port=port, share=share, quiet=True, **page.kerasgan_options)
