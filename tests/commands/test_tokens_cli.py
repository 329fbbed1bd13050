"""Tokens and graphs on the command line."""

import json

import numpy as np
import pytest

from kerasgan import SeqGAN
from kerasgan.commands.main import main
from kerasgan.data.builders.molecules import ATOMS
from kerasgan.data.kinds import Graphs, Tokens
from kerasgan.metrics import ValidMolecules
from kerasgan.run import load_run
from tests.data.fake_packages import install


@pytest.fixture(autouse=True)
def prepared(monkeypatch, tmp_path):
    monkeypatch.setenv("KERASGAN_DATA", str(tmp_path / "prepared"))
    monkeypatch.setenv("KERASGAN_PACKAGES", str(tmp_path / "packages"))


@pytest.mark.slow
def test_seqgan_is_trained_on_tokens(tmp_path):
    run = tmp_path / "run"
    small = ["units=3", "embedding_dim=3", "discriminator_embedding_dim=3", "filters=((1,2),)", "rollouts=1"]
    stages = ["pretraining_steps=2", "discriminator_pretraining_steps=0", "generator_every=1", "batch_size=8"]
    command = ["train", "seqgan", "--data", "oracle_text/small", "--data-option", "count=24", "--out", str(run)]
    assert main([*command, "--epochs", "1", "--set", *small, *stages]) == 0
    model = load_run(run).model
    assert model.sample_kind == Tokens(10, 50)
    assert main(["sample", str(run), "-n", "3", "--seed", "1", "-o", str(tmp_path / "samples.png")]) == 0
    lines = (tmp_path / "samples.txt").read_text().splitlines()
    assert [list(map(int, line.split())) for line in lines] == model.sample(3, seed=1).tolist()
    shown = (run / "samples" / "step-00000003.txt").read_text().splitlines()
    assert shown[:3] == model.sample_kind.decode(model.sample(64)[:3]) and len(shown) == 64
    assert main(["evaluate", str(run), "-o", str(tmp_path / "scores.json")]) == 0
    found = json.loads((tmp_path / "scores.json").read_text())["scores"]
    assert found["real"]["ceiling"] == 1.0 and found["negative_log_likelihood"]["ours"] > 0


def test_texts_of_a_preset(tmp_path):
    sizes = {"units": 2, "embedding_dim": 2, "discriminator_embedding_dim": 2, "filters": ((1, 2),)}
    model = SeqGAN(Tokens(4, vocabulary=("", "a", "b")), seed=0, **sizes)
    model.save_preset(tmp_path / "tiny")
    arguments = ["sample", str(tmp_path / "tiny"), "-n", "5", "--truncation", "0.5", "-o", str(tmp_path / "out.txt")]
    assert main(arguments) == 0
    assert (tmp_path / "out.txt").read_text().split("\n")[:-1] == model.texts(5, temperature=0.5)


def test_molgan_is_trained_and_scored_on_molecules(tmp_path, capsys):
    install(tmp_path / "packages")
    run, scores = tmp_path / "run", tmp_path / "scores.json"
    small = ["generator_widths=(4,)", "convolutions=(2,)", "aggregation=2", "widths=(2,)", "batch_size=4"]
    command = ["train", "molgan", "--data", "molecules", "--out", str(run), "--epochs", "1", "--set", *small]
    assert main([*command, "reward=validity"]) == 2
    assert "'validity'; expected 'valid' or 'qed'" in capsys.readouterr().err
    assert main([*command, "reward=valid"]) == 0
    model = load_run(run).model
    assert model.sample_kind == Graphs(18, len(ATOMS), 5) and model.reward == ValidMolecules(ATOMS)
    assert main(["evaluate", str(run), "--count", "20", "-o", str(scores)]) == 0
    found = json.loads(scores.read_text())["scores"]
    assert set(found) == {"validity", "uniqueness", "novelty"}
    assert found["validity"]["ceiling"] == 1.0 and found["validity"]["control"] < 0.5
    assert all(np.isfinite(row[column]) for row in found.values() for column in ("control", "ours", "ceiling"))


def test_without_the_package_the_error_says_what_to_run(tmp_path, capsys):
    assert main(["train", "molgan", "--data", "molecules", "--epochs", "1", "--out", str(tmp_path / "run")]) != 0
    assert "tools/install_data_packages.sh molecules" in capsys.readouterr().err


def test_graphs_of_data_without_graphs(tmp_path, capsys):
    assert main(["train", "molgan", "--data", "digits", "--epochs", "1", "--out", str(tmp_path / "run")]) != 0
    assert "samples='graphs'" in capsys.readouterr().err
