"""An exported model in a C program without Python: the C++ loader that `tensorflow_model_server` loads models with."""

import os
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest

from tests.serving.tiny import LABELS, NAME, SEEDS

# To link against 1 GB of TensorFlow takes seconds.
pytestmark = [
    pytest.mark.tensorflow,
    pytest.mark.slow,
    pytest.mark.skipif(not shutil.which("gcc"), reason="needs gcc"),
]
SHAPE = (3, 8, 8, 1)


@pytest.fixture(scope="module")
def loader(exported, tmp_path_factory):
    """A function that runs the program: its exit code, its output, what it said."""
    import tensorflow as tf

    program, libraries = tmp_path_factory.mktemp("loader") / "loader", tf.sysconfig.get_lib()
    source = Path(__file__).parent / "loader.c"
    command = ["gcc", "-std=gnu11", "-O1", "-Wall", "-Wextra", "-Werror", str(source), "-o", str(program)]
    command += ["-isystem", tf.sysconfig.get_include(), f"-L{libraries}", f"-Wl,-rpath,{libraries}", "-pthread"]
    command += ["-l:libtensorflow_cc.so.2", "-l:libtensorflow_framework.so.2"]
    gold = ["-fuse-ld=gold"] if shutil.which("ld.gold") else []  # six times as fast
    subprocess.run([*command, *gold], check=True)
    linked = subprocess.run(["ldd", str(program)], check=True, capture_output=True, text=True).stdout
    assert "libtensorflow_cc" in linked and "libpython" not in linked

    def run(num=3, seed=7, labels=LABELS, runs=1, folder=exported[0] / NAME / "1"):
        arguments = [str(folder), str(num), str(seed), ",".join(map(str, labels)), str(runs)]
        environment = {"TF_CPP_MIN_LOG_LEVEL": "3", **{k: v for k, v in os.environ.items() if k.startswith("TF_NUM")}}
        done = subprocess.run([str(program), *arguments], capture_output=True, env=environment, timeout=120)
        return done.returncode, done.stdout, done.stderr.decode()

    return run


def test_draws_the_models_own_pictures(loader, exported):
    code, first, said = loader()
    assert code == 0, said
    pictures = np.frombuffer(first, "float32").reshape(SHAPE)
    np.testing.assert_allclose(pictures, exported[1]["seed_7"], rtol=0, atol=1e-6)
    assert np.abs(pictures - exported[1]["seed_8"]).max() > 0.05  # the control
    assert loader()[1] == first


def test_two_hundred_threads_at_once_on_one_session(loader, exported):
    code, drawn, said = loader(seed=0, runs=200)
    assert code == 0, said
    pictures = np.frombuffer(drawn, "float32").reshape(200, *SHAPE)
    for seed in SEEDS:
        np.testing.assert_allclose(pictures[seed], exported[1][f"seed_{seed}"], rtol=0, atol=1e-6)
    assert pictures.tobytes() == loader(seed=0, runs=200)[1]  # to the bit, whoever ran beside it
    assert pictures[7].tobytes() == loader(seed=7)[1]
    assert len({each.tobytes() for each in pictures}) == 200


INVALID_ARGUMENT, NOT_FOUND = 3, 5  # TF_Code


@pytest.mark.parametrize(
    ("arguments", "code", "sentence"),
    [
        ({"folder": "/nowhere/tiny/1"}, NOT_FOUND, "Could not find SavedModel .pb"),
        ({"seed": -1}, INVALID_ARGUMENT, "seed must not be negative."),
        ({"num": -1}, INVALID_ARGUMENT, "num must not be negative."),
        ({"labels": [0, 1, 3]}, INVALID_ARGUMENT, "labels must be from 0 to 2."),
        ({"labels": [0]}, INVALID_ARGUMENT, "Give one label for each sample."),
        ({"runs": 0}, 64, "RUNS is 0"),
    ],
)
def test_says_what_is_wrong(loader, arguments, code, sentence):
    found, drawn, said = loader(**arguments)
    assert (found, drawn) == (code, b"") and sentence in said
