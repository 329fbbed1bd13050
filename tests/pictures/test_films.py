"""Films as files."""

import numpy as np
import pytest
from PIL import Image, ImageSequence

from kerasgan.pictures.films import write_film


def frames(channels=3, count=4, shape=(5, 7)):
    return np.random.default_rng(0).integers(0, 255, (count, *shape, channels)).astype("uint8")


def test_gif(tmp_path):
    grey = frames(1)
    write_film(tmp_path / "film.gif", grey, rate=20)
    with Image.open(tmp_path / "film.gif") as film:
        assert film.n_frames == 4 and film.info["duration"] == 50 and film.info["loop"] == 0
        found = [np.asarray(frame.convert("L")) for frame in ImageSequence.Iterator(film)]
    np.testing.assert_array_equal(found, grey[..., 0])
    write_film(tmp_path / "colours.gif", frames())
    with Image.open(tmp_path / "colours.gif") as film:
        assert film.n_frames == 4 and film.size == (7, 5)


def test_strip(tmp_path):
    write_film(tmp_path / "film.png", frames())
    with Image.open(tmp_path / "film.png") as strip:
        np.testing.assert_array_equal(np.asarray(strip), np.concatenate(list(frames()), axis=1))


def test_mp4(tmp_path):
    imageio_ffmpeg = pytest.importorskip("imageio_ffmpeg")
    write_film(tmp_path / "film.mp4", frames(1, shape=(33, 47)))
    about = next(imageio_ffmpeg.read_frames(str(tmp_path / "film.mp4")))
    assert about["size"] == (48, 34)


def test_refusals(tmp_path, monkeypatch):
    with pytest.raises(ValueError, match=r"expected a file that ends in .gif, .mp4, .png"):
        write_film(tmp_path / "film.avi", frames())
    with pytest.raises(ValueError, match="`frames` is empty"):
        write_film(tmp_path / "film.gif", [])
    monkeypatch.setitem(__import__("sys").modules, "imageio_ffmpeg", None)
    with pytest.raises(ValueError, match="need the package imageio-ffmpeg"):
        write_film(tmp_path / "film.mp4", frames())
    assert not list(tmp_path.iterdir())
