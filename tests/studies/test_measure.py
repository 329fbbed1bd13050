"""Scores of refined and restored images: the regression against scikit-learn, and scores of known images."""

import json
from types import SimpleNamespace

import numpy as np
import pytest
from PIL import Image

from kerasgan import Pix2Pix, SimGAN
from kerasgan.commands.main import main
from kerasgan.data import load
from kerasgan.data.kinds import Audio, Images, Vectors, Voxels
from kerasgan.metrics import psnr
from kerasgan.studies import evaluate
from kerasgan.studies.evaluate import features_of
from kerasgan.studies.measure import measure, regressed

SIZES = {"image_shape": (24, 24, 1), "width": 2, "blocks": 1, "discriminator_widths": (2, 2, 2, 2), "seed": 0}


@pytest.fixture(autouse=True)
def prepared(monkeypatch, tmp_path):
    monkeypatch.setenv("KERASGAN_DATA", str(tmp_path / "prepared"))


def test_the_regression_is_kernel_ridge_regression():
    from sklearn.kernel_ridge import KernelRidge

    random = np.random.default_rng(0)
    images, others = random.normal(2, 1, (40, 3, 3, 1)), random.normal(2, 1, (9, 3, 3, 1))
    values = images[:, 0, 0, 0] ** 2
    flat, mean = images.reshape(40, -1), images.mean(axis=0).ravel()
    distances = ((flat[:, None] - flat[None]) ** 2).sum(axis=-1)
    model = KernelRidge(alpha=0.3, kernel="rbf", gamma=1 / distances.mean())
    model.fit(flat - mean, values - values.mean())
    expected = model.predict(others.reshape(9, -1) - mean) + values.mean()
    np.testing.assert_allclose(regressed(images, values, others, ridge=0.3), expected, rtol=1e-9)


class Known(SimGAN):
    """Returns images that are known instead of refining any."""

    def refine(self, images, **_):
        return self.known


def test_refined_images_are_scored_between_synthetic_and_real_ones():
    options = {"count": 300}
    x, y = load("sensor_keys", "test", as_pairs=True, as_numpy=True, **options)
    model = Known(**SIZES)

    def scores(images):
        model.known = images
        found = measure(model, "sensor_keys", options=options)
        assert found["count"] == 300 and found["options"] == options
        return found["scores"]

    unchanged, real, mixed = scores(x), scores(y), scores(np.roll(y, 1, axis=0))
    assert list(unchanged) == ["frechet_distance", "angle_error", "change"]
    for score, entry in unchanged.items():
        assert entry["ours"] == pytest.approx(entry["control"], abs=1e-9), score
        assert real[score]["ours"] == pytest.approx(entry["ceiling"], abs=1e-9), score
    error = unchanged["angle_error"]
    assert error["ceiling"] < 0.6 * error["control"]
    # Real images whose labels are lost look right, and teach nothing: the mean distance from 0 is 30 degrees.
    assert mixed["frechet_distance"]["ours"] < 0.1 * mixed["frechet_distance"]["control"]
    assert mixed["angle_error"]["ours"] > 25


def test_evaluate_scores_a_restoration_as_it_was_trained(tmp_path, capsys):
    random = np.random.default_rng(0)
    for number in range(12):
        path = tmp_path / "photos" / ("train", "test")[number % 2] / f"{number}.png"
        path.parent.mkdir(exist_ok=True, parents=True)
        Image.fromarray(random.integers(0, 256, (16, 16, 3), dtype="uint8")).save(path)
    data = {"name": str(tmp_path / "photos"), "split": "train", "images": 6, "options": {"degrade": "grey"}}
    model = Pix2Pix((16, 16, 1), target_channels=3, width=2, discriminator_depth=1, seed=0)
    model.save_preset(tmp_path / "colours", data=data)
    out = tmp_path / "scores.json"
    assert main(["evaluate", str(tmp_path / "colours"), "-o", str(out)]) == 0
    assert "PSNR" in capsys.readouterr().out
    found = json.loads(out.read_text())
    assert found["split"] == "test" and found["count"] == 6
    x, y = load(tmp_path / "photos", "test", as_pairs=True, as_numpy=True, degrade="grey")
    expected = np.mean(psnr(y, np.repeat(x, 3, axis=-1), (-1, 1)))
    assert found["scores"]["psnr"]["control"] == pytest.approx(expected, rel=1e-6)
    assert main(["evaluate", str(tmp_path / "colours"), "-o", str(out), "--raw"]) != 0


@pytest.mark.parametrize(
    ("data", "kind", "expected"),
    [
        ("fashion", Images((32, 32, 1)), "classifier-fashion-v1"),
        ("fashion/full", Images((32, 32, 3)), "random-conv-seed0"),  # in colours that it has never seen
        ("emoji", Images((64, 64, 3)), "random-conv-seed0"),
        ("drums", Audio(16000), "spectrograms-conv-seed0"),
        ("parts", Voxels((32, 32, 32, 1)), "classifier-parts-v1"),
        ("voxel_furniture", Voxels((16, 16, 16, 1)), "views-conv-seed0"),
        ("solids/small", Voxels((32, 32, 32, 1)), "classifier-solids-v1"),
        ("solids/large", Voxels((32, 32, 32, 1)), "views-conv-seed0"),
        ("mnist", Images((28, 28, 1)), "random-conv-seed0"),
        ("gaussians/ring", Vectors(2), "pixels"),
    ],
)
def test_samples_are_compared_in_features_of_their_data(data, kind, expected, monkeypatch):
    monkeypatch.setitem(evaluate.NETWORKS, "solids/small", ("classifier-solids-v1", "voxels"))
    assert features_of(SimpleNamespace(data=data, kind=kind)) == expected
