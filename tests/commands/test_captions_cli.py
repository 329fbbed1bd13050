"""Captions and augmentation on the command line."""

import json

import numpy as np
import pytest
from PIL import Image

from kerasgan import CGAN, TextToImageGAN
from kerasgan.commands.main import main
from kerasgan.data import folder_cache
from kerasgan.data.kinds import Characters

TINY = {"latent_dim": 2, "width": 2, "caption_size": 2, "text_size": 2, "text_width": 2}


def test_a_story_becomes_a_strip(tmp_path, capfd):
    model = TextToImageGAN((8, 8, 3), condition=Characters(16, ("a red circle",)), **TINY)
    model.save_preset(tmp_path / "tiny")
    story = tmp_path / "story.txt"
    story.write_text("a red circle\n\n  a blue square \n")
    out = tmp_path / "strip.png"
    preset = str(tmp_path / "tiny")
    assert main(["sample", preset, "--captions", str(story), "--seed", "3", "-o", str(out)]) == 0
    with Image.open(out) as picture:
        page = np.asarray(picture)
    expected = model.sample(["a red circle", "a blue square"], seed=3)
    shown = page[8 : 8 + 192, 8 : 8 + 192][12::24, 12::24]
    np.testing.assert_allclose(shown / 127.5 - 1, expected[0], atol=0.01)
    assert main(["sample", preset, "-n", "2", "-o", str(out)]) == 0
    story.write_text("\n")
    assert main(["sample", preset, "--captions", str(story), "-o", str(out)]) == 2
    assert "contains no captions" in capfd.readouterr().err


def test_captions_need_a_model_of_captions(tmp_path, capfd):
    CGAN((8, 8, 1), 10, latent_dim=2, units=(2, 2, 2), maxout_units=(2, 2, 2)).save_preset(tmp_path / "cgan")
    assert main(["sample", str(tmp_path / "cgan"), "--captions", "story.txt"]) == 2
    assert "has no captions" in capfd.readouterr().err


@pytest.mark.slow
@pytest.mark.parametrize("in_memory", [True, False])
def test_training_on_captions(tmp_path, monkeypatch, in_memory):
    if not in_memory:
        monkeypatch.setattr(folder_cache, "IN_MEMORY", 0)
    folder = tmp_path / "run"
    sizes = [f"{name}={value}" for name, value in TINY.items()]
    words = ["--split", "held_out", "--image-size", "8", "--epochs", "1", "--batch-size", "500"]
    asked = ["train", "texttoimagegan", "--data", "captioned_shapes", *words, "--out", str(folder)]
    assert main([*asked, "--set", *sizes, "matching_kimg=2", "matching_group=4"]) == 0
    config = json.loads((folder / "run.json").read_text())["model"]
    assert config["condition"]["class_name"] == "Characters" and config["condition"]["config"]["shown"]
    assert list((folder / "samples").iterdir())


def test_augment(tmp_path, capfd):
    model = CGAN((8, 8, 1), 10, latent_dim=2, units=(2, 2, 2), maxout_units=(2, 2, 2))
    data = {"name": "digits", "split": "train", "images": 899, "options": {}}
    model.save_preset(tmp_path / "cgan", data=data)
    out = tmp_path / "study"
    asked = [
        "augment",
        str(tmp_path / "cgan"),
        "--per-class",
        "2",
        "--seeds",
        "2",
        "--shares",
        "0.5",
        "--out",
        str(out),
    ]
    assert main([*asked, "--classifier", "svm"]) == 0
    report = json.loads((out / "report.json").read_text())
    assert report["leaks"]["seen by the generator"] == {"images": report["counts"]["train"], "shared": 0}
    assert report["trained_on"] == "digits, train" and report["gains"][0]["verdict"] in capfd.readouterr().out
    assert main([*asked, "--classifier", "svm", "--test-split", "train"]) == 2
    assert "also among those train" in capfd.readouterr().err
