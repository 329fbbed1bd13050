"""Bundled presets without the checkout, and on the other engine."""

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
import pytest

from kerasgan import load
from kerasgan.zoo import preset as presets

pytestmark = [pytest.mark.tensorflow, pytest.mark.slow]
ROOT = Path(__file__).resolve().parents[2]
GANS = [name for name in presets.names() if not name.startswith("classifier-")]

WHEEL = """
import sys, tempfile
import kerasgan
from kerasgan.commands import main as cli
from kerasgan.zoo import preset as presets

assert kerasgan.__file__.startswith(sys.argv[1]), kerasgan.__file__
assert str(presets.ROOT).startswith(sys.argv[1]), presets.ROOT
with tempfile.TemporaryDirectory() as folder:
    for name in presets.names():
        presets.read(name)
        if name.startswith("classifier-"):
            continue
        model = kerasgan.load(name)
        if getattr(model, "generates", False):
            samples = model.sample(3, seed=0)
            for part in samples.values() if isinstance(samples, dict) else [samples]:
                assert len(part) == 3
        for format in ("savedmodel", "onnx"):
            code = cli.main(["export", name, f"{folder}/{name}.{format}", "--format", format])
            refused = format == "onnx" and type(model).__name__ in ("FramePredictor", "MolGAN", "Pix2Pix", "SeqGAN")
            assert code == (2 if refused else 0), (name, format)
print("all of them:", len(presets.names()))
"""

# In double precision: rounding in single precision alone makes 1e-5 where a network has 90 before its tanh.
DRAWN = """
import sys
import keras
import numpy as np
import kerasgan

keras.config.set_floatx("float64")
if keras.backend.backend() == "jax":
    import jax

    assert "tensorflow" not in sys.modules
    jax.config.update("jax_enable_x64", True)
given, made = np.load(sys.argv[1]), {}
for name in sorted({key.partition("/")[0] for key in given.files}):
    inputs = [given[f"{name}/{i}"] for i in range(2) if f"{name}/{i}" in given.files]
    model = kerasgan.load(name)
    assert model.generator.compute_dtype == "float64", name
    images = model.generate(inputs if len(inputs) > 1 else inputs[0])
    parts = images.items() if isinstance(images, dict) else [("images", images)]
    made |= {f"{name}/{part}": values for part, values in parts}
np.savez(sys.argv[2], **made)
"""


def run(*command, **environment):
    """Runs a command; a failure shows what it said."""
    with tempfile.TemporaryDirectory() as elsewhere:  # `python -c` would find the checkout in its own folder
        result = subprocess.run(
            command, cwd=elsewhere, env={**os.environ, **environment}, capture_output=True, text=True
        )
    assert result.returncode == 0, f"{result.stdout[-1000:]}\n{result.stderr[-3000:]}"
    return result.stdout


def test_the_wheel_holds_every_preset(tmp_path):
    source = tmp_path / "source"
    for name in ("kerasgan", "zoo"):
        shutil.copytree(ROOT / name, source / name, symlinks=True, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("setup.cfg", "pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, source / name)
    run(sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(tmp_path / "dist"), str(source))
    shutil.rmtree(source)
    (wheel,) = (tmp_path / "dist").iterdir()
    target = tmp_path / "installed"
    run(
        sys.executable,
        "-m",
        "pip",
        "install",
        "--quiet",
        "--no-deps",
        "--no-index",
        "--target",
        str(target),
        str(wheel),
    )
    run(sys.executable, "-c", WHEEL, str(target), PYTHONPATH=str(target), HTTPS_PROXY="http://127.0.0.1:9")


def test_both_engines_draw_the_same_for_the_same_latents(tmp_path):
    pytest.importorskip("jax")
    random, inputs = np.random.default_rng(0), {}
    for name in GANS:
        model = load(name)
        if not hasattr(model, "latent_dim"):
            continue
        inputs[f"{name}/0"] = random.uniform(-1, 1, (8, model.latent_dim)).astype("float32")
        if model.num_classes:
            inputs[f"{name}/1"] = np.arange(8, dtype="int32") % model.num_classes
    np.savez(tmp_path / "inputs.npz", **inputs)
    made = {}
    for engine in ("tensorflow", "jax"):
        paths = str(tmp_path / "inputs.npz"), str(tmp_path / f"{engine}.npz")
        run(sys.executable, "-c", DRAWN, *paths, KERAS_BACKEND=engine, PYTHONPATH=str(ROOT))
        made[engine] = np.load(paths[1])
    expected = made["tensorflow"]
    assert set(made["jax"].files) == set(expected.files)
    assert {name.partition("/")[0] for name in expected.files} == {name.partition("/")[0] for name in inputs}
    for name in expected.files:
        np.testing.assert_allclose(made["jax"][name], expected[name], atol=1e-5, err_msg=name)
