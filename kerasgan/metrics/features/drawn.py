"""Features of sounds, films and solids: those of a random network (`random-conv-seed0`) for pictures of the samples.

Distances of raw values mean little: two drum hits that sound the same have different waveforms.
"""

import functools

import numpy as np

from kerasgan.data.kinds import Audio
from kerasgan.metrics.features.random_conv import RandomConvolutions

AT_ONCE = 256  # number of samples to draw at once
MOMENTS = 6  # number of moments of a film


class DrawnFeatures:
    """Features of pictures of samples, averaged over the pictures of each sample.

    Args:
        name: Name to print with every score.
        draw: Function from samples to pictures of shape (count, pictures, height, width, 1 or 3) in [-1, 1].
        words: Description of the pictures, for the protocol.
    """

    def __init__(self, name, draw, words):
        self.name, self.draw, self.words = name, draw, words

    def __call__(self, samples):
        """Features of samples, a float32 array of shape (count, 224)."""
        samples = np.asarray(samples)
        parts = []
        for start in range(0, len(samples), AT_ONCE):
            pictures = self.draw(samples[start : start + AT_ONCE])
            found = _network()(pictures.reshape(-1, *pictures.shape[2:]))
            parts.append(found.reshape(*pictures.shape[:2], -1).mean(axis=1))
        return np.concatenate(parts)

    def resizing(self, shape):
        """Description of what is compared for samples of a given shape."""
        return f"{self.words} of {'×'.join(map(str, shape))}"


@functools.cache
def _network():
    return RandomConvolutions()


def spectrograms(sounds):
    """Pictures of sounds: see `kerasgan.data.kinds.Audio.pictures`.

    Args:
        sounds: Array of shape (count, length, channels) in [-1, 1].
    """
    _expect(sounds, 3, "sounds (count, length, channels)")
    return Audio(sounds.shape[1], channels=sounds.shape[2]).pictures(sounds)[:, None]


def moments(films):
    """Moments of films: three consecutive frames in grey as red, green and blue, so that motion appears as colour.

    Args:
        films: Array of shape (count, frames, height, width, channels) in [-1, 1].
    """
    _expect(films, 5, "films (count, frames, height, width, channels)")
    last = films.shape[1] - 1
    starts = np.unique(np.linspace(0, max(0, last - 2), MOMENTS).round().astype(int))
    frames = np.minimum(starts[:, None] + np.arange(3), last)
    grey = films[..., :3].mean(axis=-1) if films.shape[-1] >= 3 else films[..., 0]
    return np.clip(np.moveaxis(grey[:, frames], 2, -1), -1.0, 1.0).astype("float32")


def views(solids):
    """Views through solids along three axes: the share of occupied voxels along each axis, as one colour per axis.

    Args:
        solids: Array of shape (count, width, height, depth, 1), occupied above one half.
    """
    _expect(solids, 5, "solids (count, width, height, depth, 1)")
    occupied = (np.asarray(solids)[..., 0] > 0.5).astype("float32")
    side = max(occupied.shape[1:])
    occupied = np.pad(occupied, [(0, 0), *((0, side - size) for size in occupied.shape[1:])])
    shares = np.stack([occupied.mean(axis=axis) for axis in (1, 2, 3)], axis=-1)
    return (2.0 * shares - 1.0)[:, None]


def _expect(samples, rank, words):
    if np.ndim(samples) != rank:
        raise ValueError(f"`samples` has shape {np.shape(samples)}; expected {words} for these features.")


# Functions that draw samples, and descriptions of the pictures, by the names of the features.
DRAWINGS = {
    "spectrograms-conv-seed0": (spectrograms, "spectrograms"),
    "moments-conv-seed0": (moments, "threes of frames"),
    "views-conv-seed0": (views, "views from three sides"),
}
