"""CONTRIBUTING's family, in one file and with one line of tests, as it stands there."""

import importlib.util
import re
import sys
from pathlib import Path

import pytest

from kerasgan.testing import COSTLY, family_tests

TEXT = (Path(__file__).resolve().parents[1] / "CONTRIBUTING.md").read_text()
FAMILY, LINE = re.findall(r"```python\n(.*?)```", TEXT, flags=re.S)


@pytest.fixture(scope="module")
def ebgan(tmp_path_factory):
    """The module that the text says to write."""
    path = tmp_path_factory.mktemp("family") / "ebgan.py"
    path.write_text(FAMILY)
    spec = importlib.util.spec_from_file_location("ebgan", path)
    sys.modules["ebgan"] = module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.tensorflow
def test_the_line_of_tests(ebgan):
    names = {"family_tests": family_tests, "EBGAN": ebgan.EBGAN}
    exec(LINE, names)
    (cases,) = (mark.args[1] for mark in names["test_ebgan"].pytestmark)
    for case in cases:
        if case.values[0] not in COSTLY and case.values[0].__name__ != "exports":
            try:
                names["test_ebgan"](*case.values)
            except pytest.skip.Exception:
                continue


@pytest.mark.tensorflow
def test_the_command_line_trains_and_samples_it(tmp_path, monkeypatch, capsys):
    from kerasgan.commands.main import command_parser, main

    (tmp_path / "ebgan_of_mine.py").write_text(FAMILY.replace("EBGAN", "MyEBGAN"))
    monkeypatch.chdir(tmp_path)
    settings = ["--set", "latent_dim=4", "units=8", "batch_size=64"]
    words = ["train", "my_ebgan", "--data", "digits", "--epochs", "1", "--out", "run", "--import", "ebgan_of_mine"]
    assert main([*words, *settings]) == 0
    assert main(["sample", "run", "-n", "4", "-o", "grid.png", "--import", "ebgan_of_mine"]) == 0
    assert (tmp_path / "grid.png").exists()
    for command in (["evaluate", "run"], ["sensitivity", "my_ebgan", "--data", "ring"], ["export", "run", "out"]):
        assert command_parser().parse_args([*command, "--import", "ebgan_of_mine"]).modules == ["ebgan_of_mine"]
    assert main(["sample", "run", "--import", "no_such_module"]) == 2
    assert "--import no_such_module: No module named" in capsys.readouterr().err


def test_its_energies_are_those_of_the_paper(ebgan):
    import numpy as np
    from keras import ops

    from kerasgan import Batch

    model = ebgan.EBGAN((4, 4, 1), latent_dim=2, units=3, seed=0)
    model.compile(margin=0.5)
    x = np.random.default_rng(0).uniform(-1, 1, (6, 4, 4, 1)).astype("float32")
    copies = ops.convert_to_numpy(model.discriminator(x))
    expected = ((copies - x) ** 2).mean(axis=(1, 2, 3))
    np.testing.assert_allclose(ops.convert_to_numpy(model.energies(x)), expected, rtol=1e-6)
    fakes = ops.convert_to_numpy(model.energies(model.generator(np.zeros((1, 2), "float32"))))
    model.draw_latents = lambda count, seed: ops.zeros((count, 2))
    loss, _ = model.discriminator_loss(Batch(ops.convert_to_tensor(x)))
    assert float(loss) == pytest.approx(expected.mean() + max(0.0, 0.5 - fakes[0]), rel=1e-5)
