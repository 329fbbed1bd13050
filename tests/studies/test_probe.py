"""`kerasgan evaluate --probe` on an encoder without training, whose controls are known."""

import json

import numpy as np
import pytest

from kerasgan import BigBiGAN
from kerasgan.commands.main import main
from kerasgan.data import load
from kerasgan.metrics import linear_probe
from kerasgan.studies.probe import probe_scores

SIZES = {"units": 8, "blocks": 1, "encoder_units": 8, "encoder_blocks": 1}
SIZES |= {
    "encoder_widths": (2, 4),
    "encoder_depths": (1, 1),
    "generator_widths": (8, 8),
    "discriminator_widths": (8, 8),
}


@pytest.mark.slow
def test_a_preset_is_probed(tmp_path, capsys):
    BigBiGAN((8, 8, 1), 4, **SIZES, seed=0).save_preset(tmp_path / "preset")
    out = tmp_path / "probe.json"
    words = ["evaluate", str(tmp_path / "preset"), "--probe", "--data", "digits", "--count", "300", "-o", str(out)]
    assert main(words) == 0
    report = json.loads(out.read_text())
    scores = report["probe"]
    assert (report["train"], report["test"], report["data"]) == (300, 300, "digits/test")
    assert [scores[kind]["size"] for kind in ("features", "pixels", "pca", "untrained")] == [16, 64, 16, 16]
    assert all(0.1 < entry[probe] <= 1 for entry in scores.values() for probe in ("linear", "nearest_neighbour"))
    assert scores["pixels"]["linear"] > 0.85 > 0.8 > scores["untrained"]["linear"]
    assert "principal components" in capsys.readouterr().out


def test_what_features_know():
    """Features that are the labels are known by both classifiers; those of the untrained network are the control."""

    class Told(BigBiGAN):
        """Its features say the class of an image where the averaged encoder is used."""

        def features(self, images, ema=True, batch_size=256):
            return np.eye(10)[known[len(images)]] if ema else super().features(images, False)

    (train_x, train_y), (test_x, test_y) = (load("digits", split, as_numpy=True) for split in ("train", "test"))
    train, test = (train_x[:300], train_y[:300]), (test_x[:200], test_y[:200])
    known = {300: train[1], 200: test[1]}
    scores = probe_scores(Told((8, 8, 1), 4, **SIZES, seed=0), train, test)
    assert scores["features"] == {"linear": 1.0, "nearest_neighbour": 1.0, "size": 10}
    assert scores["untrained"]["linear"] < 0.8
    pixels = [x.reshape(len(x), -1) for x in (train[0], test[0])]
    assert scores["pixels"]["linear"] == linear_probe(pixels[0], train[1], pixels[1], test[1])


def test_models_without_features_are_refused(capsys):
    assert main(["evaluate", "dcgan_digits", "--probe"]) == 2
    assert "DCGAN has no features to probe" in capsys.readouterr().err
