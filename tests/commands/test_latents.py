"""`kerasgan walk`, `directions`, `edit` and `project` on small presets."""

import numpy as np
import pytest
from PIL import Image

from kerasgan import DCGAN, StyleGAN2
from kerasgan.commands.main import main
from kerasgan.latent_space import Directions, LatentSpace
from kerasgan.pictures.images import grid, write_png
from kerasgan.testing import enliven

STYLE = {"image_shape": (8, 8, 3), "latent_dim": 4, "style_dim": 4, "channel_base": 32, "channel_max": 4, "depth": 1}


@pytest.fixture(scope="module")
def presets(tmp_path_factory):
    """A conditional model of latents, and one of styles."""
    folder = tmp_path_factory.mktemp("presets")
    models = {"latents": DCGAN((8, 8, 1), latent_dim=4, width=2, num_classes=3, seed=0)}
    models["styles"] = StyleGAN2(**STYLE, seed=0)
    for name, model in models.items():
        enliven(model)
        model.save_preset(folder / name)
    return folder, models


def picture(path):
    with Image.open(path) as found:
        return np.asarray(found), getattr(found, "n_frames", 1)


def run(*words):
    assert main([str(word) for word in words]) == 0


def test_walk(presets, tmp_path):
    """A film of a row of walks, one for each class, that ends where it began."""
    folder, models = presets
    run("walk", folder / "latents", "-o", tmp_path / "walk.png", "--stops", 2, "--steps", 3)
    found, _ = picture(tmp_path / "walk.png")
    space, labels = LatentSpace(models["latents"]), [0, 1, 2]
    stops = space.draw(6, 0, labels=labels * 2)
    first = grid(space.images(stops[:3], labels=labels))
    assert found.shape == (first.shape[0], 6 * first.shape[1])
    np.testing.assert_allclose(found[:, : first.shape[1]], first[..., 0], atol=1)
    third = grid(space.images(stops[3:], labels=labels))
    np.testing.assert_allclose(found[:, 3 * first.shape[1] : 4 * first.shape[1]], third[..., 0], atol=1)
    run(
        "walk",
        folder / "styles",
        "-o",
        tmp_path / "walk.gif",
        "--stops",
        2,
        "--steps",
        3,
        "--truncation",
        0.7,
        "--open",
    )
    assert picture(tmp_path / "walk.gif")[1] == 4


def test_directions_and_edits(presets, tmp_path, capsys):
    folder, models = presets
    path, sheet = tmp_path / "directions.json", tmp_path / "sheet.png"
    run("directions", folder / "styles", "--method", "sefa", "-n", 2, "-o", path, "--picture", sheet)
    found = Directions.load(path)
    assert found.names == ("sefa0", "sefa1") and found.space == "w" and "sefa1" in capsys.readouterr().out
    np.testing.assert_allclose(
        found.vectors, LatentSpace(models["styles"], "w").directions("sefa", 2).vectors, atol=1e-4
    )
    assert picture(sheet)[0].ndim == 3
    moves = ("--move", "sefa0=2", "1=-1", "--layers", "1-2", "-n", 2)
    run("edit", folder / "styles", "--directions", path, *moves, "-o", tmp_path / "edit.png")
    space = LatentSpace(models["styles"], "w+")
    codes = space.draw(2)
    moved = codes.copy()
    moved[:, 1:3] += 2 * found["sefa0"] - found["sefa1"]
    expected = grid(space.images(np.concatenate([codes, moved])), 2)
    np.testing.assert_allclose(picture(tmp_path / "edit.png")[0], expected, atol=2)
    run(
        "edit", folder / "latents", "--move", "0=1", "--labels", "2", "-n", 1, "--steps", 3, "-o", tmp_path / "edit.gif"
    )
    assert picture(tmp_path / "edit.gif")[1] == 3


def test_project_and_edit_what_was_found(presets, tmp_path, capsys):
    folder, models = presets
    space = LatentSpace(models["styles"], "w+")
    image = np.clip(space.images(space.draw(1, seed=3)), -1, 1)
    write_png(tmp_path / "picture.png", grid(image, padding=0, scale=1))
    words = ("--steps", 4, "-o", tmp_path / "found.png")
    run("project", folder / "styles", tmp_path / "picture.png", *words)
    assert "peak signal-to-noise ratio" in capsys.readouterr().out
    with np.load(tmp_path / "found.npz") as file:
        codes, curve = file["codes"], file["curve"]
        assert codes.shape == (1, 4, 4) and str(file["space"]) == "w+" and curve[-1] < curve[0]
    shown, _ = picture(tmp_path / "found.png")
    np.testing.assert_allclose(shown[1 : shown.shape[0] // 2], grid(image)[1:-1], atol=2)
    edited = tmp_path / "edit.png"
    run("edit", folder / "styles", "--codes", tmp_path / "found.npz", "--move", "ganspace0=1", "-o", edited)
    expected = grid(space.images(codes), 1)
    np.testing.assert_allclose(picture(edited)[0][: expected.shape[0] - 1], expected[:-1], atol=2)


def test_refusals(presets, tmp_path, capsys):
    folder, _ = presets
    wrong = {
        ("walk", "styles", "--labels", "1"): "is unconditional",
        ("walk", "styles", "-o", "walk.avi"): "ends in .gif",
        ("walk", "latents", "--space", "w"): "DCGAN has 'z'",
        ("edit", "styles", "--move", "smile=1"): "`name` is 'smile'",
        ("edit", "styles", "--move", "smile"): "invalid _move value",
        ("project", "styles", str(tmp_path / "missing.png")): "missing.png cannot be read",
    }
    for (command, name, *words), message in wrong.items():
        assert main([command, str(folder / name), *words]) == 2
        assert message in capsys.readouterr().err
