"""What the command line takes besides settings: pictures, a start from another model, frozen layers, formats."""

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from kerasgan import distribute, zoo
from kerasgan.callbacks import interruption
from kerasgan.commands import evaluate, launch, options, sensitivity
from kerasgan.commands.families import family_of
from kerasgan.commands.main import FORMATS, STRATEGIES, SYNONYMS, command_parser, main
from kerasgan.data.builders.gaussians import MIXTURES
from kerasgan.data.folder import FolderOptions
from kerasgan.data.kinds import Images
from kerasgan.export import format_of
from kerasgan.export import formats as exports
from kerasgan.metrics import evaluation, features
from kerasgan.models import WGANGP
from kerasgan.run import load_run, read_run

SMALL = ["--set", "width=4", "generator_width=4", "latent_dim=4", "--batch-size", "4", "--epochs", "1"]


@pytest.fixture
def pictures(tmp_path, monkeypatch):
    """A folder of wide pictures of two classes, one of them broken: the left half is black, the right one white."""
    monkeypatch.chdir(tmp_path)
    for name in ("cat", "dog"):
        (tmp_path / "pets" / name).mkdir(parents=True)
        for i in range(6):
            picture = np.zeros((8, 16, 3), np.uint8)
            picture[:, 8:] = 255
            Image.fromarray(picture).save(tmp_path / "pets" / name / f"{i}.png")
    (tmp_path / "pets" / "cat" / "9.png").write_bytes(b"broken")
    return tmp_path


@pytest.fixture(scope="module")
def start(tmp_path_factory):
    """A run on 8x8 digits."""
    folder = tmp_path_factory.mktemp("start") / "run"
    assert main(["train", "dcgan", "--data", "digits", *SMALL, "--batch-size", "400", "--out", str(folder)]) == 0
    return folder


def train(*words):
    return main(["train", "dcgan", "--data", "pets", *SMALL, *words])


@pytest.mark.tensorflow
def test_how_pictures_are_read_is_recorded_and_used_by_later_commands(pictures, capfd):
    reading = ["--image-size", "8", "--crop", "none", "--fit", "stretch", "--on-error", "skip", "--labels", "--flip"]
    assert train(*reading, "--out", "run", "--preset-out", "mine") == 0
    data = read_run("run")["data"]
    assert (data["class_names"], data["images"], data["flip"]) == (["cat", "dog"], 24, True)
    wanted = {"image_size": 8, "crop": "none", "fit": "stretch", "on_error": "skip"}
    assert {name: data["options"][name] for name in wanted} == wanted
    assert json.loads(Path("mine/metadata.json").read_text())["data"]["class_names"] == ["cat", "dog"]
    for name in ("run", "mine"):
        assert main(["sample", name if name == "run" else "./mine", "-n", "2", "--labels", "dog"]) == 0
    capfd.readouterr()
    assert main(["sample", "run", "--labels", "cow"]) == 2
    assert "`labels` has 'cow'; expected cat, dog" in capfd.readouterr().err
    assert train(*reading, "--out", "run", "--resume", "--epochs", "2", "--crop", "centre") == 2
    assert "data.options.crop was 'none' and is None now" in capfd.readouterr().err
    source = evaluate_source("run")
    assert source.options["fit"] == "stretch" and source.kind == Images((8, 8, 3))


def evaluate_source(name):
    from kerasgan.studies.evaluate import _source

    return _source(command_parser().parse_args(["evaluate", name]), {})


def test_real_pictures_are_read_as_for_the_training(pictures):
    from kerasgan.studies.evaluate import Source, _loaded

    def real(**chosen):
        chosen = {"on_error": "skip", **chosen}
        return _loaded(Source("pets", Images((8, 8, 1)), False, 9, None, {}, (), chosen), "train")

    assert np.ptp(real(crop="none", fit="stretch")[0, 0]) == 2.0  # both halves are there
    assert real(crop="none", background=255)[0, 0].min() == 1.0  # above a padded one there is the background
    assert real(crop="centre").shape == (12, 8, 8, 1)


@pytest.mark.slow
@pytest.mark.tensorflow
def test_a_training_begins_with_the_networks_of_another(start, pictures, capfd):
    origin = load_run(start).model
    labels = ["--image-size", "8", "--on-error", "skip", "--labels", "--channels", "1"]
    assert train("--from", str(start), "--freeze", "discriminator=2", *labels, "--out", "tuned") == 0
    said = capfd.readouterr().out
    assert f"from {start}: " in said and "variables of generator" in said  # its first layer has inputs of labels now
    model, entries = load_run("tuned").model, read_run("tuned")
    assert model.num_classes == 2 and entries["from"] == str(start)
    assert entries["model"]["frozen_layers"]["discriminator"]
    first, second = [
        [layer for layer in each.discriminator.layers if any("kernel" in v.name for v in layer.weights)][:2]
        for each in (model, origin)
    ]
    assert [layer.trainable for layer in first] == [False, False]
    for kept, given in zip(first[1].get_weights(), second[1].get_weights(), strict=True):
        np.testing.assert_array_equal(kept, given)


def test_what_does_not_fit_is_said(start, pictures, capfd):
    assert train("--from", str(start), "--freeze", "judge=2", "--image-size", "8", "--on-error", "skip") == 2
    assert "--freeze judge=2: expected one of the networks generator, discriminator" in capfd.readouterr().err
    assert train("--freeze", "discriminator") == 2
    assert "is not of the form NETWORK=LAYERS, such as discriminator=3" in capfd.readouterr().err


def test_a_folder_without_run_json_is_not_begun_anew(start, tmp_path, capfd):
    folder = tmp_path / "run"
    (folder / "checkpoints").mkdir(parents=True)
    (folder / "checkpoints" / "step-00000099.npz").write_bytes(b"mine")
    (folder / "model.keras").write_bytes(b"mine")
    command = ["train", "dcgan", "--data", "digits", *SMALL, "--out", str(folder), "--resume", "auto"]
    assert main(command) == 2
    assert "contains checkpoints, model.keras but no run.json" in capfd.readouterr().err
    left = [path for path in folder.rglob("*") if path.is_file()]
    assert sorted(path.name for path in left) == ["model.keras", "step-00000099.npz"]
    assert {path.read_bytes() for path in left} == {b"mine"}


@pytest.mark.parametrize("name", ["wgangp", "wgan_gp", "WGAN-GP", "WGANGP"])
def test_families_by_the_names_that_people_give_them(name):
    assert family_of(name) is WGANGP


def test_names_that_are_none_get_a_suggestion(capfd):
    for words, suggestion in (
        (["train", "dcgna", "--data", "digits", "--epochs", "1"], "Did you mean 'dcgan'?"),
        (["train", "dcgan", "--data", "digits", "--epochs", "1", "--set", "wdith=3"], "Did you mean 'width'?"),
        (
            ["train", "dcgan", "--data", "digits", "--epochs", "1", "--set", "generator_optimizer.learn_rate=1"],
            "Did you mean 'learning_rate'?",
        ),
        (["sample", "dcgan_digit"], "Did you mean 'dcgan_digits'?"),
    ):
        assert main(words) == 2
        assert suggestion in capfd.readouterr().err


def test_formats_by_the_ending_by_synonyms_else_a_question():
    assert [format_of(path) for path in ("a.onnx", "b/c.tflite", "d.keras", "folder/1")] == [
        *("onnx", "litert", "keras", "savedmodel"),
    ]
    assert format_of("model.bin", "tflite") == "litert"
    with pytest.raises(ValueError, match=r"model.bin ends in .bin, which does not identify a format"):
        format_of("model.bin")
    with pytest.raises(ValueError, match="format is 'caffe', expected one of savedmodel, onnx"):
        format_of("x.onnx", "caffe")


def test_what_the_parser_knows_without_an_engine_is_what_there_is():
    assert (tuple(exports.FORMATS), tuple(exports.SYNONYMS)) == (FORMATS, SYNONYMS)
    assert STRATEGIES == distribute.NAMES
    assert (tuple(evaluation.METRICS), evaluation.DEFAULT_METRICS) == (evaluate.METRICS, evaluate.DEFAULT_METRICS)
    assert evaluate.FEATURES == features.NAMES
    assert tuple(MIXTURES) == sensitivity.MIXTURES
    assert launch.PREEMPTED == interruption.PREEMPTED
    for name, choices in (("crop", options.CROPS), ("fit", options.FITS), ("channels", options.CHANNELS)):
        for choice in choices:
            FolderOptions(**{name: choice})


@pytest.mark.tensorflow  # once: these commands know nothing of the engine
@pytest.mark.parametrize("words", [["--help"], ["train", "--help"], ["zoo", "list"], ["zoo", "show", "dcgan_digits"]])
def test_what_needs_no_engine_imports_none(words):
    code = (
        "import sys; sys.argv = ['kerasgan']\nfrom kerasgan.commands.main import main\n"
        f"try:\n    main({words})\nexcept SystemExit:\n    pass\n"
        "print('engines:', sorted({'keras', 'tensorflow', 'jax'} & set(sys.modules)))"
    )
    root = str(Path(zoo.__file__).parents[2])
    done = subprocess.run(
        [sys.executable, "-c", code], env={**os.environ, "PYTHONPATH": root}, capture_output=True, text=True, check=True
    )
    assert done.stdout.strip().endswith("engines: []") and done.stderr == ""


@pytest.mark.slow
@pytest.mark.tensorflow
def test_an_error_is_the_only_line_on_standard_error(tmp_path):
    environment = {name: value for name, value in os.environ.items() if name != "TF_CPP_MIN_LOG_LEVEL"}
    root = str(Path(zoo.__file__).parents[2])
    done = subprocess.run(
        [sys.executable, "-m", "kerasgan", "sample", "missing"],
        env={**environment, "PYTHONPATH": root},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 2 and done.stderr.startswith("kerasgan: There is no preset 'missing'")
    assert done.stderr.count("\n") == 1
