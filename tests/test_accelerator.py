"""`python -m benchmarks.accelerator`: its budget, its files, its rows' processes, its trainings in pieces."""

import json
import os
import subprocess
import sys
import types
from pathlib import Path

import keras
import ml_dtypes
import numpy as np
import pytest
from keras import ops

from benchmarks.accelerator import __main__ as command
from benchmarks.accelerator import training
from benchmarks.accelerator.games import AUTO, GAMES, build
from benchmarks.accelerator.results import Budget, Results
from kerasgan import StyleGAN2
from kerasgan.callbacks.checkpoint import latest_checkpoint, named_variables, save_checkpoint

own_process = pytest.mark.skipif(keras.backend.backend() != "jax", reason="JAX in a process of its own: once is enough")
ROOT = Path(__file__).resolve().parents[1]


def row(images_per_second, batch=8, **more):
    return {
        **{"status": "ok", "engine": "JAX", "batch": batch, "images_per_second": images_per_second},
        **{"peak_bytes": 2_000_000_000, "peak_of": "device", **more},
    }


def test_a_budget_keeps_its_time():
    now = [100.0]
    budget = Budget(60, clock=lambda: now[0], reserve=5)
    assert budget.left == 55
    assert budget.refusal(55) is None
    now[0] += 30
    assert budget.refusal(25) is None
    assert budget.refusal(26) == "25 s of the budget of 60 s were left, and it takes about 26 s"
    now[0] += 100
    assert budget.left == 0


def test_styles_have_the_sizes_of_the_recipe():
    assert StyleGAN2.sizes["auto"] == AUTO  # the games are read without an engine


def test_a_second_run_keeps_the_finished_rows(tmp_path):
    path = tmp_path / "card.json"
    results = Results(path, card="a card")
    results.add("dcgan_64", row(100.0))
    results.add("biggan_128", {"status": "skipped", "reason": "no time"})
    again = Results(path, date="today")
    assert again.about == {"card": "a card", "date": "today"}
    assert again.is_done("dcgan_64")
    assert not again.is_done("biggan_128")
    again.add("dcgan_64", {"status": "failed", "reason": "the second time"})
    again.add("biggan_128", row(50.0))
    assert {name: each["status"] for name, each in json.loads(path.read_text())["rows"].items()} == {
        "dcgan_64": "ok",
        "biggan_128": "ok",
    }
    assert sorted(each.name for each in tmp_path.iterdir()) == ["card.json", "card.md"]


def test_the_table_compares_runs_of_the_same_batch(tmp_path):
    results = Results(tmp_path / "card.json", card="a card")
    results.add("matrix_rate", {"status": "ok", "size": 8192, "flops_per_second": 8e14})
    results.add("dcgan_64", row(300.0, 8, flops_per_second=2e14, flops_from="the cost analysis."))
    results.add("dcgan_64@torch", row(200.0, 8, engine="PyTorch"))
    results.add("dcgan_64@torch.compile", row(900.0, 16, engine="PyTorch, torch.compile"))
    results.add("srgan_96", {"status": "failed", "reason": "exit code 1: MemoryError"})
    text = (tmp_path / "card.md").read_text()
    assert "| `dcgan_64` | 8 | JAX | 300.0 | 3.33 | 200 | 25% | 2.00 | 1.50 |" in text
    assert "- Matrix rate: 800 TFLOP/s" in text
    assert "- Operations: the cost analysis." in text
    assert "- `srgan_96` failed: exit code 1: MemoryError" in text
    assert "- Step: not checked" in text


def test_rows_come_in_the_order_of_their_weight():
    keys = command.order()
    assert keys[:3] == ["matrix_rate", "check", "dcgan_64"]
    assert {command.game_of(key) for key in keys} == {"matrix_rate", "check", *GAMES}
    assert len(keys) == len(set(keys)) == 2 + len(GAMES) + 2 * len(command.FIRST)
    assert command.order(["dcgan_64"]) == ["dcgan_64", "dcgan_64@torch.compile", "dcgan_64@torch"]
    for name in command.FIRST:  # its numbers of parameters are those that the others must have
        assert keys.index(name) < keys.index(f"{name}@torch.compile")
    assert all(command.needed(key) > 0 for key in keys)


def test_pytorch_rows_say_why_they_are_left_out(monkeypatch):
    monkeypatch.setattr(command.importlib.util, "find_spec", lambda name: None)
    assert command.missing("dcgan_64@torch", False, True) == "PyTorch is not installed here"
    monkeypatch.setattr(command.importlib.util, "find_spec", lambda name: object())
    assert command.missing("dcgan_64@torch", False, True) is None
    assert "accelerators only" in command.missing("dcgan_64@torch.compile", False, False)
    assert command.missing("dcgan_64", False, True) is None


@pytest.mark.parametrize(("given", "expected"), [("", None), ("cuda", "cuda,cpu"), ("cpu", "cpu")])
def test_rows_see_the_cpu_beside_the_accelerator(given, expected):
    found = command.environment(given={"JAX_PLATFORMS": given} if given else {})
    assert found.get("JAX_PLATFORMS") == expected
    assert found["KERAS_BACKEND"] == "jax"


def test_a_full_device_gets_half_the_batch(monkeypatch):
    tried = []

    def process(key, arguments, budget, batch, expected):
        tried.append((batch, expected))
        if (batch or 512) > 128:
            return {"status": "failed", "reason": "exit code 1: RESOURCE_EXHAUSTED: Out of memory"}
        return row(1.0, batch)

    monkeypatch.setattr(command, "_process", process)
    arguments, budget = types.SimpleNamespace(tiny=False), Budget(600)
    found = command.one("dcgan_64", arguments, budget, {})
    assert (found["status"], found["batch"]) == ("ok", 128)
    assert found["note"] == "a batch of 256 did not fit into the memory"
    assert tried == [(None, None), (256, None), (128, None)]
    tried.clear()
    rows = {"dcgan_64": row(1.0, 128, parameters={"generator": 3})}
    assert command.one("dcgan_64@torch", arguments, budget, rows)["batch"] == 128  # of ours, to be compared
    assert tried == [(128, {"generator": 3})]
    monkeypatch.setattr(command, "_process", lambda *_: {"status": "failed", "reason": "exit code 1: ValueError: full"})
    assert command.one("dcgan_64", arguments, budget, {})["status"] == "failed"


@own_process
def test_a_row_that_ends_with_an_error_says_which(monkeypatch):
    monkeypatch.setattr(command.sys, "executable", sys.executable)
    arguments = types.SimpleNamespace(tiny=True, seconds=0.1, environment={**os.environ, "KERASGAN_TEST": "1"})
    found = command._process("no_such_row@torch", arguments, Budget(60), None, None)
    assert found["status"] == "failed"
    assert "exit code 1: KeyError: 'no_such_row'" in found["reason"] or "torch" in found["reason"]
    found = command._process("dcgan_64", arguments, Budget(5.5), None, None)
    assert found == {"status": "failed", "reason": "stopped after 1 s"}


@own_process
def test_what_such_machines_lack_cannot_be_imported():
    code = (
        "import importlib.util, sys; from benchmarks.accelerator.__main__ import hide_absent; hide_absent();"
        "assert importlib.util.find_spec('sklearn') is None;"  # as PyTorch asks
        "import kerasgan, kerasgan.run, kerasgan.zoo.saving, benchmarks.accelerator.rows;"
        "found = sorted({'tensorflow', 'tensorflow_datasets', 'sklearn'} & set(sys.modules)); assert not found, found;"
        "import tensorflow"
    )
    environment = {**os.environ, "KERAS_BACKEND": "jax", "JAX_PLATFORMS": "cpu"}
    found = subprocess.run([sys.executable, "-c", code], cwd=ROOT, env=environment, capture_output=True, text=True)
    assert "No module named 'tensorflow'" in found.stderr


@pytest.fixture(scope="module")
def model():
    """A small game with beta_1 = 0 and one with beta_1 = 0.5 for its other player, after their construction."""
    first, second = keras.optimizers.Adam(1e-3, beta_1=0.0), keras.optimizers.Adam(1e-3, beta_1=0.5)
    found, _ = build("dcgan_64", tiny=True, generator_optimizer=first, discriminator_optimizer=second)
    random = np.random.default_rng(0)
    for name, variable in named_variables(found).items():
        if name.startswith(("generator/", "optimizers/")) and "float" in str(variable.dtype):
            variable.assign(random.uniform(0.1, 1.0, variable.shape))
    return found


def state_of(model):
    return {name: ops.convert_to_numpy(variable) for name, variable in named_variables(model).items()}


def test_a_small_state_is_kept_exactly(model):
    state = state_of(model)
    kept, how = training.compact(model, state)
    assert how == "kept exactly"
    assert training.expanded(model, kept).keys() == state.keys()
    assert all(np.array_equal(value, state[name]) for name, value in training.expanded(model, kept).items())


def test_of_a_large_state_only_the_moments_are_rounded(model):
    state = state_of(model)
    kept, _ = training.compact(model, state, most=1000)
    found = training.expanded(model, kept)
    assert found.keys() == state.keys()
    counts = {"exact": 0, "rounded": 0, "none": 0}
    for name, value in state.items():
        assert found[name].dtype == value.dtype
        plain = name.partition("#")[0]
        first, second = plain.endswith("_momentum"), plain.endswith("_velocity")
        if second or (first and name.startswith("optimizers/discriminator")):
            assert kept[name].dtype == ml_dtypes.bfloat16
            np.testing.assert_allclose(found[name], value, rtol=2**-8)
            counts["rounded"] += 1
        elif first:
            assert name not in kept
            assert not found[name].any()
            counts["none"] += 1
        else:
            assert np.array_equal(found[name], value)
            counts["exact"] += 1
    trained = [len(each.trainable_variables) for each in (model.generator, model.discriminator)]
    assert counts["none"] == trained[0]
    assert counts["rounded"] == trained[0] + 2 * trained[1]
    assert sum(array.nbytes for array in kept.values()) < 0.75 * sum(array.nbytes for array in state.values())


def test_a_state_is_kept_in_parts_and_a_damaged_part_is_found(model, tmp_path, monkeypatch):
    monkeypatch.setattr(training, "PART", 30_000)
    own, folder = tmp_path / "own", tmp_path / "kept"
    save_checkpoint(model, own / "checkpoints", epoch=2, step=1)
    for name in training.KEPT_FILES:
        (own / name).write_text(name)
    for minutes in (3.0, 4.0):
        size, _ = training.pack(model, latest_checkpoint(own / "checkpoints"), own, folder, minutes)
    parts = sorted(folder.glob("*.part"))
    assert len(parts) == -(-size // 30_000) > 1
    assert sum(part.stat().st_size for part in parts) == size
    assert training.unpack(model, folder, tmp_path / "next") == 4.0
    names = [path.relative_to(tmp_path / "next").as_posix() for path in sorted((tmp_path / "next").rglob("*.*"))]
    assert names == ["checkpoints/step-00000000.npz", "history.csv", "run.json"]
    content = bytearray(parts[1].read_bytes())
    content[100] ^= 1
    parts[1].write_bytes(content)
    with pytest.raises(ValueError, match="damaged"):
        training.unpack(model, folder, tmp_path / "third")


@pytest.mark.slow
@own_process
def test_the_rehearsal(tmp_path):
    out = tmp_path / "tiny.json"
    environment = {**os.environ, "JAX_PLATFORMS": "cpu"}
    options = ["--tiny", "--minutes", "30", "--out", str(out)]
    subprocess.run(
        [sys.executable, "-m", "benchmarks.accelerator", *options], cwd=ROOT, env=environment, check=True, timeout=2000
    )
    rows = json.loads(out.read_text())["rows"]
    assert all(rows[name]["status"] == "ok" for name in ("check", "matrix_rate", *GAMES)), rows
    assert all(rows[name]["finite"] and rows[name]["flops_per_step"] > 1e5 for name in GAMES)
    assert rows["stylegan2_128"]["period"] == 16
    assert max(rows["check"]["differences"].values()) < rows["check"]["tolerance"]


@pytest.mark.slow
@own_process
def test_a_training_goes_on_from_its_kept_state(tmp_path):
    random = np.random.default_rng(0)
    data, folder = tmp_path / "data.npz", tmp_path / "state"
    images = random.integers(0, 256, (64, 8, 8, 1), dtype="uint8")
    np.savez(data, images=images, labels=random.integers(0, 10, 64).astype("int32"))
    iterations = []
    options = ["--train", "biggan_fashion", "--tiny", "--data", str(data), "--checkpoint", str(folder)]
    environment = {**os.environ, "KERAS_BACKEND": "jax", "JAX_PLATFORMS": "cpu"}
    for _ in range(2):
        subprocess.run(
            [sys.executable, "-m", "benchmarks.accelerator", *options, "--minutes", "1"],
            cwd=ROOT,
            env=environment,
            check=True,
            timeout=900,
        )
        iterations.append(json.loads((folder / "state.json").read_text())["iterations"])
    assert 0 < iterations[0] < iterations[1]
    assert len(list(folder.glob("*.part"))) == 1
