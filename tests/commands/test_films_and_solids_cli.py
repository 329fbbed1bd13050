"""Films and solids on the command line."""

import io
import sys

import numpy as np
import pytest
from PIL import Image

from kerasgan import GAN3D, FramePredictor, VideoGAN
from kerasgan.commands.main import main
from kerasgan.data.film import read_film
from kerasgan.data.kinds import Video
from kerasgan.pictures.films import write_film


def sampled(model, folder, count):
    """Names of the files that `kerasgan sample` writes of a preset of a model."""
    model.save_preset(folder / "tiny")
    out = folder / "samples"
    assert main(["sample", str(folder / "tiny"), "-n", str(count), "-o", str(out)]) == 0
    return out, sorted(path.name for path in out.iterdir())


def test_solids_become_meshes(tmp_path):
    trimesh = pytest.importorskip("trimesh")
    model = GAN3D((8, 8, 8, 1), latent_dim=2, width=1, seed=0)
    out, names = sampled(model, tmp_path, 2)
    assert names == ["0.glb", "0.stl", "1.glb", "1.stl", "sheet.png"]
    for number, solid in enumerate(model.sample(2)):
        count = (solid > 0.5).sum()
        for ending in ("glb", "stl"):
            mesh = trimesh.load(out / f"{number}.{ending}", force="mesh")
            assert mesh.volume == pytest.approx(count)
    assert "[0, 1]" in (tmp_path / "tiny" / "README.md").read_text()


def test_solids_without_trimesh_become_pictures(tmp_path, monkeypatch, capsys):
    model = GAN3D((8, 8, 8, 1), latent_dim=2, width=1, seed=0)
    model.save_preset(tmp_path / "tiny")
    monkeypatch.setitem(sys.modules, "trimesh", None)
    assert main(["sample", str(tmp_path / "tiny"), "-n", "1", "-o", str(tmp_path / "samples")]) == 2
    assert "pip install 'kerasgan[mesh]'" in capsys.readouterr().err
    assert main(["sample", str(tmp_path / "tiny"), "-n", "4", "-o", str(tmp_path / "grid.png")]) == 0
    assert (tmp_path / "grid.png").exists() and not (tmp_path / "samples").exists()


def test_films_become_gif_files(tmp_path):
    out, names = sampled(VideoGAN(Video((3, 8, 8, 1), rate=5.0), latent_dim=2, width=1, seed=0), tmp_path, 1)
    assert names == ["0.gif", "sheet.png"]
    with Image.open(out / "0.gif") as film:
        assert film.size == (8, 8)


def test_levels_of_a_film():
    kind = Video((3, 4, 5, 3), rate=10.0)
    levels = np.repeat([-1.0, 0.0, 1.005], 4 * 5 * 3).reshape(3, 4, 5, 3)
    with Image.open(io.BytesIO(kind.encoded(levels, "gif"))) as film:
        assert film.n_frames == 3 and film.info["duration"] == 100
        found = []
        for frame in range(3):
            film.seek(frame)
            found.append(np.unique(np.asarray(film.convert("RGB"))).tolist())
    assert found == [[0], [128], [255]]


def film(path, count, size=(9, 11)):
    """Writes a GIF file of random grey frames, five in a second; returns the frames that a reader finds."""
    frames = np.random.default_rng(0).integers(256, size=(count, *size, 1), dtype="uint8")
    write_film(path, frames, 5.0)
    return frames


def test_films_are_read_as_they_were_written(tmp_path):
    frames = film(tmp_path / "film.gif", 4)
    found, rate = read_film(tmp_path / "film.gif", 1)
    np.testing.assert_array_equal(found, frames)
    assert rate == 5.0
    still = np.repeat(frames[:2], [1, 3], axis=0)  # a file holds equal frames once
    write_film(tmp_path / "still.gif", still, 5.0)
    np.testing.assert_array_equal(read_film(tmp_path / "still.gif", 1)[0], still)
    colours, _ = read_film(tmp_path / "film.gif", 3)
    np.testing.assert_array_equal(colours, np.repeat(frames, 3, axis=-1))


def test_films_are_continued(tmp_path, capsys):
    model = FramePredictor((3, 8, 8, 1), context=2, scales=1, patch_size=8, width=1 / 64, seed=0)
    model.save_preset(tmp_path / "tiny")
    frames = film(tmp_path / "films" / "one.gif", 4)
    command = ["translate", str(tmp_path / "tiny"), str(tmp_path / "films"), "-o", str(tmp_path / "out")]
    assert main([*command, "--frames", "3"]) == 0
    assert capsys.readouterr().out.strip() == str(tmp_path / "out" / "one.gif")
    found, rate = read_film(tmp_path / "out" / "one.gif", 1)
    made = model.continue_video(frames[None, -2:].astype("float32") / 127.5 - 1.0, 3)[0]
    assert rate == 5.0 and found.shape == (7, 9, 11, 1)
    np.testing.assert_array_equal(found[:4], frames)
    np.testing.assert_allclose(found[4:], (made + 1.0) * 127.5, atol=0.51)
    assert main([*command, "--tile", "32", "--to", "x"]) == 2
    assert "--to x, --tile was given, but" in capsys.readouterr().err
    Image.new("L", (9, 11)).save(tmp_path / "films" / "still.png")
    assert main(command) == 2
    error = capsys.readouterr().err
    assert "still.png has 1 frame; expected a film of at least 2" in error and "1 of 2 films could not be read" in error
    (tmp_path / "films" / "still.png").write_bytes(b"no picture")
    assert main(command) == 2
    assert "still.png cannot be read as a film" in capsys.readouterr().err


def test_only_films_have_frames(tmp_path, capsys):
    folders = str(tmp_path), "-o", str(tmp_path / "out")
    assert main(["translate", "srgan_photos", *folders, "--frames", "3"]) == 2
    assert "--frames was given, but srgan_photos is a SRGAN, which does not continue films" in capsys.readouterr().err


def test_predictors_of_frames_have_no_samples(tmp_path, capsys):
    model = FramePredictor((3, 8, 8, 1), context=2, scales=1, patch_size=8, width=1 / 64, seed=0)
    model.save_preset(tmp_path / "tiny")
    assert main(["sample", str(tmp_path / "tiny"), "-o", str(tmp_path / "grid.png")]) == 2
    assert "kerasgan translate" in capsys.readouterr().err
    assert "continue_video" in (tmp_path / "tiny" / "README.md").read_text()
