"""Sounds, films and solids."""

import io
import wave
from dataclasses import dataclass

import keras
import numpy as np

from kerasgan.data.kinds.basic import (
    RANGE_TOLERANCE,
    Kind,
    _batch_shape,
    _check_finite,
    _check_not_empty,
    _is_float,
    _is_positive_integer,
    register,
)
from kerasgan.pictures.films import encode_gif
from kerasgan.pictures.images import grid
from kerasgan.pictures.solids import isometric, surface

SPECTROGRAM = (64, 128)  # pixels: frequencies, times
DECIBELS = 80.0  # range of a spectrogram's levels
FILM_STRIP = 8  # number of frames in a film strip


class _Signal(Kind):
    """Floats with a fixed shape and range."""

    low = -1.0

    def symbolic(self, batch_size=None):
        return keras.KerasTensor((batch_size, *self.shape), dtype=keras.config.floatx())

    def example(self, batch_size, seed):
        noise = np.random.default_rng(seed).uniform(self.low, 1.0, (batch_size, *self.shape))
        return noise.astype("float32")

    def check(self, value, name="x"):
        value = np.asarray(value)
        expected = f"expected floats in [{self.low:g}, 1] of shape {_batch_shape(self.shape)}"
        if not _is_float(value):
            raise ValueError(f"`{name}` has dtype {value.dtype}; {expected}. Convert and scale it first.")
        if value.ndim != len(self.shape) + 1:
            raise ValueError(f"`{name}` has rank {value.ndim} (shape {value.shape}); {expected}. Reshape it first.")
        if value.shape[1:] != self.shape:
            raise ValueError(f"`{name}` has shape {value.shape}; {expected}. Cut or pad it, or build another model.")
        _check_not_empty(value, name, expected)
        _check_finite(value, name, expected)
        low, high = float(value.min()), float(value.max())
        if low < self.low - RANGE_TOLERANCE or high > 1.0 + RANGE_TOLERANCE:
            raise ValueError(f"`{name}` has values from {low:g} to {high:g}; {expected}. Scale it first.")


@register
@dataclass(frozen=True)
class Audio(_Signal):
    """Sounds as floats in [-1, 1], of shape (length, channels).

    Args:
        length: Number of samples per sound.
        rate: Sampling rate in Hz.
        channels: 1 for mono, 2 for stereo.
    """

    length: int
    rate: int = 16_000
    channels: int = 1
    name = "audio"
    file_types = ("wav",)

    def __post_init__(self):
        for field in ("length", "rate", "channels"):
            if not _is_positive_integer(getattr(self, field)):
                raise ValueError(f"`{field}` of Audio is {getattr(self, field)!r}; expected a positive integer.")

    @property
    def shape(self):  # type: ignore[override]
        return (self.length, self.channels)

    def encoded(self, sample, file_type="wav"):
        """A 16-bit WAV file; 0.5 is level 16384, and 1 is the highest level, 32767."""
        levels = np.clip(np.rint(np.asarray(sample, "float64") * 32768), -32768, 32767)
        made = io.BytesIO()
        with wave.open(made, "wb") as file:
            file.setnchannels(self.channels)
            file.setsampwidth(2)
            file.setframerate(self.rate)
            file.writeframes(levels.astype("<i2").tobytes())
        return made.getvalue()

    def recorded(self, samples):
        """A WAV file with all sounds in sequence, each followed by a quarter of a second of silence."""
        sounds = np.pad(np.asarray(samples, "float32"), ((0, 0), (0, self.rate // 4), (0, 0)))
        return "wav", self.encoded(sounds.reshape(-1, self.channels), "wav")

    def pictures(self, samples):
        """Spectrograms with frequency upwards and time to the right: log magnitude over 80 dB."""
        sounds = np.asarray(samples, "float32").mean(axis=-1)
        rows, columns = SPECTROGRAM
        window = 2 * rows
        padded = np.pad(sounds, ((0, 0), (0, max(0, window - self.length))))
        starts = np.linspace(0, padded.shape[1] - window, columns).astype(int)
        frames = padded[:, starts[:, None] + np.arange(window)] * np.hanning(window)
        magnitude = np.abs(np.fft.rfft(frames, axis=-1))[..., 1:]
        level = 20.0 * np.log10(np.maximum(magnitude / (window / 4), 1e-8))
        shade = np.clip(1.0 + 2.0 * level / DECIBELS, -1.0, 1.0)
        return np.swapaxes(shade, 1, 2)[:, ::-1, :, None].astype("float32")


@register
@dataclass(frozen=True)
class Video(_Signal):
    """Films as floats in [-1, 1], of shape (frames, height, width, channels).

    Args:
        shape: `(frames, height, width, channels)`.
        rate: Number of frames per second.
    """

    shape: tuple
    rate: float = 8.0
    name = "video"
    file_types = ("gif",)

    def __post_init__(self):
        object.__setattr__(self, "shape", _positive(self.shape, 4, "Video", "(frames, height, width, channels)"))

    def encoded(self, sample, file_type="gif"):
        """A GIF file in grey or in colour that loops forever."""
        made = io.BytesIO()
        levels = np.rint(np.clip((np.asarray(sample, "float32") + 1.0) * 127.5, 0.0, 255.0)).astype("uint8")
        encode_gif(_grey_or_colours(levels), self.rate, made)
        return made.getvalue()

    def recorded(self, samples, columns=None):
        """A GIF file of the films side by side, with `columns` films in a row, by default about the number of rows."""
        films = _grey_or_colours(np.asarray(samples, "float32"))
        made = io.BytesIO()
        encode_gif([grid(films[:, frame], columns) for frame in range(films.shape[1])], self.rate, made)
        return "gif", made.getvalue()

    def pictures(self, samples):
        """Film strips: up to eight frames side by side."""
        films = np.asarray(samples, "float32")
        chosen = np.linspace(0, self.shape[0] - 1, min(FILM_STRIP, self.shape[0])).round().astype(int)
        return _grey_or_colours(np.concatenate([films[:, frame] for frame in chosen], axis=2))


def _grey_or_colours(pictures):
    return pictures[..., :1] if pictures.shape[-1] < 3 else pictures[..., :3]


@register
@dataclass(frozen=True)
class Voxels(_Signal):
    """Solids as occupancies in [0, 1], of shape (width, height, depth, 1), with the axes right, up and back.

    A voxel is inside if its occupancy is above one half.

    Args:
        shape: `(width, height, depth, 1)`.
    """

    shape: tuple
    name = "voxels"
    low = 0.0
    file_types = ("glb", "stl")

    def __post_init__(self):
        object.__setattr__(self, "shape", _positive(self.shape, 4, "Voxels", "(width, height, depth, 1)"))

    def pictures(self, samples):
        """Isometric views from the right, the front and above."""
        size = max(96, 2 * max(self.shape))
        views = [isometric(solid > 0.5, size) for solid in np.asarray(samples)[..., 0]]
        return (np.stack(views)[..., None] / 127.5 - 1.0).astype("float32")

    def mesh(self, sample):
        """The surface of a solid, a `trimesh.Trimesh` in voxels with the axes right, up and front.

        Args:
            sample: Array of shape `shape`.

        Raises:
            ModuleNotFoundError: If the extra `kerasgan[mesh]` is not installed.
        """
        try:
            import trimesh
        except ModuleNotFoundError as error:
            raise ModuleNotFoundError(
                "Meshes of voxels need the package trimesh. Install it with pip install 'kerasgan[mesh]'; without it, "
                "pictures can be written: kerasgan sample PRESET -o picture.png.",
                name=error.name,
            ) from error
        return trimesh.Trimesh(*surface(np.asarray(sample)[..., 0] > 0.5), process=False)

    def encoded(self, sample, file_type="glb"):
        """The mesh as a binary glTF file (GLB), or as an STL file, in which the third axis points upwards."""
        mesh = self.mesh(sample)
        if file_type == "stl":
            mesh.vertices = mesh.vertices[:, [0, 2, 1]] * [1, -1, 1]
        return mesh.export(file_type=file_type)


def _positive(shape, rank, kind, words):
    shape = tuple(shape)
    if len(shape) != rank or not all(_is_positive_integer(size) for size in shape):
        raise ValueError(f"`shape` of {kind} is {shape}; expected {rank} positive integers {words}.")
    return shape
