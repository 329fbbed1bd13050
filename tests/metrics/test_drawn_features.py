"""Features of sounds, films and solids tell apart what pixels do not, and do not tell apart what sounds the same."""

import numpy as np
import pytest

from kerasgan.metrics.features import DRAWN, NAMES, get, pixels
from kerasgan.metrics.features.drawn import moments, views

SOUNDS, FILMS, SOLIDS = (get(DRAWN[kind]) for kind in ("audio", "video", "voxels"))


def far(features, one, other):
    one, other = features(np.stack([one, other])).astype("float64")
    return np.linalg.norm(one - other)


def test_the_phase_of_a_sound_is_less_than_its_pitch():
    """Of the raw samples a shifted tone is as far from the tone as another one."""
    times = np.arange(4096)[:, None] / 16_000
    tone, shifted, other = (np.sin(2 * np.pi * (f * times + phase)) for f, phase in ((500, 0), (500, 0.25), (3000, 0)))
    assert far(pixels, tone, shifted) > 0.99 * far(pixels, tone, other)
    assert far(SOUNDS, tone, shifted) < 0.05 * far(SOUNDS, tone, other)


def test_motion_of_a_film_counts():
    """A film that is shown backwards has the same frames, whose features have the same mean."""
    film = np.full((8, 16, 16, 1), -1.0, "float32")
    for frame in range(8):
        film[frame, 4:8, frame : frame + 4] = 1.0
    still = get("random-conv-seed0")
    np.testing.assert_allclose(still(film).mean(axis=0), still(film[::-1].copy()).mean(axis=0), atol=1e-6)
    assert far(FILMS, film, film[::-1]) > 0.01
    short = moments(film[None, :2])
    assert short.shape == (1, 1, 16, 16, 3) and (short[..., 1] == short[..., 2]).all()
    colours = np.stack([film[..., 0], -film[..., 0], film[..., 0]], axis=-1)
    np.testing.assert_allclose(moments(colours[None])[0, 0, ..., 0], film[0, ..., 0] / 3, atol=1e-6)


def test_solids_are_what_is_occupied():
    solid = np.zeros((8, 8, 8, 1), "float32")
    solid[2:4, :6, 1:7] = 0.6
    assert far(SOLIDS, solid, solid > 0.5) == 0
    turned = np.swapaxes(solid, 0, 2)
    assert far(SOLIDS, solid, turned) > 0.01
    seen = views(solid[None])
    assert seen.shape == (1, 1, 8, 8, 3) and seen.min() == -1.0
    np.testing.assert_allclose((seen[0, 0, 0, 1, 0] + 1) / 2, 2 / 8)  # along the width, two of eight are occupied
    assert views(solid[None, :, :6]).shape == seen.shape


def test_samples_of_another_kind_are_refused():
    assert set(DRAWN.values()) < set(NAMES)
    for features, wrong in ((SOUNDS, (2, 8, 8, 1)), (FILMS, (2, 8, 8, 1)), (SOLIDS, (2, 64, 1))):
        with pytest.raises(ValueError, match="`samples` has shape"):
            features(np.zeros(wrong))
    assert SOUNDS.resizing((64, 1)) == "spectrograms of 64×1"
