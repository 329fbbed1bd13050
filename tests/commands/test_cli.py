"""The command line on real digits: runs that end, runs that are cut off and go on, and errors of one line."""

import csv
import json
import runpy
import shutil
import sys
import warnings

import keras
import numpy as np
import pytest
from PIL import Image

from kerasgan.callbacks import Checkpoint, latest_checkpoint, save_checkpoint
from kerasgan.callbacks.checkpoint import checkpoints
from kerasgan.commands import summary
from kerasgan.commands.main import main
from kerasgan.data import folder_cache
from kerasgan.data.load import Source
from kerasgan.game.model import AdversarialModel
from kerasgan.pictures.images import grid
from kerasgan.run import START, load_run, resume

CGAN = ["train", "cgan", "--data", "digits", "--set", "units=2,2,4", "maxout_units=2,2,2", "penalties=drift"]
DCGAN = ["train", "dcgan", "--data", "digits", "--labels", "--set", "width=2"]


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """A run of 4 epochs of 8 steps."""
    folder = tmp_path_factory.mktemp("runs") / "undisturbed"
    assert main([*CGAN, "--epochs", "4", "--out", str(folder)]) == 0
    return folder


@pytest.fixture(scope="module")
def begun(tmp_path_factory):
    """A run like it, whose checkpoints say 3 and 4 epochs, of a model that was never trained: nothing is compiled."""
    folder, models, fit = tmp_path_factory.mktemp("runs") / "begun", [], AdversarialModel.fit

    def no_epochs(self, *arguments, **options):
        models.append(self)
        return fit(self, *arguments, **{**options, "epochs": 0})

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(AdversarialModel, "fit", no_epochs)
        assert main([*CGAN, "--epochs", "4", "--out", str(folder)]) == 0
    for epoch in (3, 4):
        models[0].iterations.assign(8 * epoch)
        save_checkpoint(models[0], folder / "checkpoints", epoch)
    return folder


def failure(capfd, *argv):
    """The line that a command which must fail leaves on standard error."""
    capfd.readouterr()
    assert main([str(part) for part in argv]) == 2
    out, err = capfd.readouterr()
    assert err.count("\n") == 1 and err.startswith("kerasgan: "), err
    assert out == ""
    return err


def history(folder):
    with open(folder / "history.csv", newline="", encoding="utf-8") as file:
        return [{name: value for name, value in row.items() if "seconds" not in name} for row in csv.DictReader(file)]


def test_what_a_run_leaves(run):
    assert sorted(path.name for path in run.iterdir()) == [
        "checkpoints",
        "history.csv",
        "model.keras",
        "run.json",
        "samples",
    ]
    assert [path.name for path in checkpoints(run / "checkpoints")] == [f"step-{n:08d}.npz" for n in (16, 24, 32)]
    assert len(list((run / "samples").iterdir())) == 5
    assert [row["images_seen"] for row in history(run)] == ["800", "1600", "2400", "3200"]
    entries = json.loads((run / "run.json").read_text())
    names = [str(digit) for digit in range(10)]
    assert entries["data"] == {"name": "digits", "split": "train", "images": 898, "class_names": names}
    assert (entries["seed"], entries["precision"], entries["recipe"]["penalties"]) == (0, "float32", ["drift"])
    assert entries["finished"]
    loaded = load_run(run)
    assert (loaded.epoch, loaded.model.num_classes, loaded.model.recipe.batch_size) == (4, 10, 100)
    saved = keras.saving.load_model(run / "model.keras")
    np.testing.assert_array_equal(saved.sample(3), loaded.model.sample(3))


@pytest.mark.slow
def test_what_does_not_fit_into_memory_is_read_in_batches(run, tmp_path, monkeypatch):
    """The same training, bit for bit."""
    monkeypatch.setattr(folder_cache, "IN_MEMORY", 0)
    monkeypatch.setattr(Source, "arrays", None)
    assert main([*CGAN, "--epochs", "4", "--out", str(tmp_path / "run")]) == 0
    assert history(tmp_path / "run") == history(run)
    models = [keras.saving.load_model(folder / "model.keras") for folder in (run, tmp_path / "run")]
    for one, other in zip(*(model.generator.get_weights() for model in models), strict=True):
        np.testing.assert_array_equal(one, other)


def test_cut_off_in_the_middle_of_an_epoch_and_resumed_it_ends_as_if_undisturbed(run, tmp_path, monkeypatch, capfd):
    steps = []

    def interrupt(self, batch, logs=None):
        steps.append(batch)
        if len(steps) == 2 * 8 + 3:
            raise KeyboardInterrupt

    folder = tmp_path / "cut"
    with monkeypatch.context() as patch:
        patch.setattr(Checkpoint, "on_train_batch_end", interrupt)
        assert main([*CGAN, "--epochs", "4", "--out", str(folder)]) == 130
    line = capfd.readouterr().err.strip().splitlines()[-1]
    assert line == f"kerasgan: interrupted; --resume continues {folder} from its last checkpoint"
    assert latest_checkpoint(folder / "checkpoints").name == "step-00000016.npz"
    assert not (folder / "model.keras").exists()

    assert main([*CGAN, "--epochs", "4", "--out", str(folder), "--resume"]) == 0
    ends = [latest_checkpoint(each / "checkpoints") for each in (run, folder)]
    assert [end.name for end in ends] == ["step-00000032.npz"] * 2
    first, second = ({**np.load(end)} for end in ends)
    assert first.keys() == second.keys()
    for name in first:
        np.testing.assert_array_equal(first[name], second[name], err_msg=name)
    assert history(folder) == history(run)
    pictures = [each / "samples" / "step-00000032.png" for each in (run, folder)]
    assert pictures[0].read_bytes() == pictures[1].read_bytes()

    capfd.readouterr()
    assert main([*CGAN, "--epochs", "4", "--out", str(folder), "--resume"]) == 0
    assert "trained for 4 epochs already" in capfd.readouterr().out
    assert history(folder) == history(run)


def test_a_run_cut_off_before_its_first_checkpoint_begins_again(begun, tmp_path):
    loaded = load_run(begun)
    facts = {name: loaded.entries[name] for name in ("data", "seed", "precision")}
    shutil.copy(begun / "run.json", tmp_path)
    assert resume(tmp_path, loaded.model, **facts) == START
    assert resume(begun, loaded.model, **facts)["epoch"] == 4


@pytest.mark.parametrize(
    ("changes", "differences"),
    [
        (["--set", "latent_dim=7"], "model.latent_dim was 100 and is 7 now"),
        (["--set", "generator_optimizer.learning_rate=0.5"], "recipe.generator_optimizer.config.learning_rate was"),
        (["--batch-size", "64"], "recipe.batch_size was 100 and is 64 now"),
        (["--seed", "1"], "seed was 0 and is 1 now"),
        (["--split", "test"], "data.split was 'train' and is 'test' now"),
    ],
)
def test_resume_names_what_was_changed(begun, capfd, changes, differences):
    assert differences in failure(capfd, *CGAN, "--epochs", 5, "--out", begun, "--resume", *changes)


def test_sample(begun, tmp_path, capfd):
    picture = tmp_path / "grid.png"
    assert main(["sample", str(begun), "-n", "6", "--seed", "3", "--labels", "7,1", "--raw", "-o", str(picture)]) == 0
    expected = load_run(begun).model.sample(6, seed=3, labels=[7, 1, 7, 1, 7, 1], ema=False)
    with Image.open(picture) as image:
        np.testing.assert_array_equal(np.asarray(image), grid(expected, columns=2)[..., 0])
    assert capfd.readouterr().out == f"{picture}\n"
    assert "`labels` has '11'; expected" in failure(capfd, "sample", begun, "--labels", "11", "-o", picture)


def test_a_damaged_checkpoint_is_told_and_the_one_before_used(begun, tmp_path, capfd):
    newest = latest_checkpoint(begun / "checkpoints")
    content = newest.read_bytes()
    newest.write_bytes(content[:-500])
    try:
        assert main(["sample", str(begun), "-n", "4", "-o", str(tmp_path / "grid.png")]) == 0
        err = capfd.readouterr().err
        assert err.count("\n") == 1 and "warning" in err and "Falling back" in err
        with warnings.catch_warnings(action="ignore"):
            older = load_run(begun)
    finally:
        newest.write_bytes(content)
    assert (older.epoch, load_run(begun).epoch) == (3, 4)


@pytest.mark.tensorflow
def test_export(begun, tmp_path, capfd):
    assert main(["export", str(begun), str(tmp_path / "served")]) == 0
    assert (tmp_path / "served" / "saved_model.pb").exists()
    assert "not an empty folder" in failure(capfd, "export", begun, tmp_path / "served")


@pytest.mark.slow
def test_dry_run_tells_all_and_writes_nothing(tmp_path, monkeypatch, capfd):
    monkeypatch.setattr(summary, "TIMED_SECONDS", 0.0)
    monkeypatch.chdir(tmp_path)
    assert main([*CGAN, "loss=hinge", "--kimg", "1", "--steps-per-execution", "2", "--dry-run"]) == 0
    out = capfd.readouterr().out
    for part in ["discriminator", "(None, 8, 8, 1)", "Total params", "hinge", "drift", "MomentumRampSGD("]:
        assert part in out
    # 1000 images are 2 epochs of 8 steps of the recipe's 100.
    assert "images/s: 16 steps of 100 images (1,600) would take about" in out
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "arguments are required: COMMAND"),
        (["train"], "required: FAMILY, --data"),
        (["train", "dcgan", "--data", "digits"], "one of the arguments --epochs --kimg is required"),
        (["train", "dcgan", "--data", "digits", "--epochs", "1", "--kimg", "1"], "not allowed with"),
        (["train", "dcgan", "--data", "digits", "--epochs", "0"], "0 is not positive"),
        (["train", "dcgan", "--data", "digits", "--epochs", "1", "--precision", "float8"], "invalid choice: 'float8'"),
        (["train", "megan", "--data", "digits", "--epochs", "1"], "no family 'megan'. Families: "),
        ([*DCGAN, "--epochs", "1", "--split", "validation"], "expected 'train' or 'test'"),
        ([*DCGAN, "--epochs", "1", "--image-size", "9"], "multiple of 4"),
        ([*DCGAN, "--epochs", "1", "--data-option", "count=-1"], "no option count"),
        ([*DCGAN, "--epochs", "1", "--batch-size", "1000"], "digits has only 898 images"),
        ([*DCGAN, "--epochs", "1", "--set", "wdith=3"], "'wdith=3' is not a setting of DCGAN"),
        ([*DCGAN, "--epochs", "1", "--set", "conditioning=nope"], "`conditioning` is 'nope'; expected 'plane'"),
        ([*CGAN, "--epochs", "1", "--set", "loss=nope"], "'non_saturating'"),
        ([*DCGAN, "--epochs", "1", "--resume"], "is not the folder of a run"),
        (["sample", "missing"], "There is no preset 'missing'; expected one of"),
        (["sample", "missing", "-n", "few"], "invalid positive int value: 'few'"),
        (["export", ".", "out"], "is not the folder of a run"),
    ],
)
def test_errors_are_one_line(arguments, message, tmp_path, monkeypatch, capfd):
    monkeypatch.chdir(tmp_path)
    assert message in failure(capfd, *arguments)
    assert list(tmp_path.iterdir()) == []


def test_a_folder_with_something_in_it_is_left_alone(begun, capfd):
    assert "Continue with --resume" in failure(capfd, *CGAN, "--epochs", 1, "--out", begun)


def test_a_traceback_only_with_debug(capfd):
    assert main(["sample", "missing", "--debug"]) == 2
    err = capfd.readouterr().err
    assert "Traceback" in err and "\nkerasgan: There is no preset 'missing'" in err


def test_unforeseen_errors_are_one_line_with_their_type(monkeypatch, capfd):
    monkeypatch.setattr("kerasgan.zoo.load", lambda folder: {}["nothing\n" * 200])
    assert failure(capfd, "sample", "run").startswith("kerasgan: KeyError: ")


def test_python_m_kerasgan(monkeypatch, capfd):
    monkeypatch.setattr(sys, "argv", ["kerasgan", "--help"])
    with pytest.raises(SystemExit) as ended:
        runpy.run_module("kerasgan", run_name="__main__")
    assert not ended.value.code
    out = capfd.readouterr().out
    assert all(command in out for command in ("train", "sample", "export"))
