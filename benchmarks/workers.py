"""Verifies that each kind of game has the same weights on one device, two replicas, and two and three workers.

    python -m benchmarks.workers

Training uses float64, plain SGD (Adam would hide a wrong scale of the gradients), 20 steps of 12 samples over all
replicas, and random numbers that depend on a sample's position in the batch. Workers are processes on the loopback
interface. The negative control is Mirrored(2) with a loss that is not divided by the number of replicas, as in most
published Keras GANs.
"""

import argparse
import contextlib
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np

LIMIT = 1e-12
TABLE = "Largest difference of any variable to one device after 20 steps."


def train(mode, out):
    """Trains all games in this process under a strategy and, in the chief, writes the results."""
    import tensorflow as tf

    if mode in ("Mirrored(2)", "control"):
        cpu = tf.config.list_physical_devices("CPU")[0]
        tf.config.set_logical_device_configuration(cpu, [tf.config.LogicalDeviceConfiguration()] * 2)
    import keras

    from kerasgan import distribute, testing
    from tests.games import GAMES

    strategy = None
    if mode in ("Mirrored(2)", "control"):
        strategy = testing.mirrored_strategy(2)
    elif mode != "one device":
        strategy = distribute.strategy("multi_worker")
    keras.utils.set_random_seed(0)
    results = {}
    for name, case in GAMES.items():
        with undivided_losses() if mode == "control" else contextlib.nullcontext():
            _, after = testing.train_scripted(case, strategy=strategy)
        results.update({f"{name}/{i}": value for i, value in enumerate(after)})
        print(f"{mode}: {name}", flush=True)
    if distribute.is_chief():
        np.savez(out, **results)


@contextlib.contextmanager
def undivided_losses():
    """A game that ignores that Keras' optimizers sum gradients over replicas."""
    import unittest.mock

    import keras

    scale = keras.optimizers.SGD.scale_loss
    with unittest.mock.patch.object(keras.optimizers.SGD, "scale_loss", lambda self, loss: 2.0 * scale(self, loss)):
        yield


def run(mode, workers, folder):
    """Runs a mode in separate processes and returns the results."""
    from kerasgan.commands.launch import die_with_parent, free_ports, worker_environment

    out = Path(folder) / f"{mode}.npz"
    command = [sys.executable, "-m", "benchmarks.workers", "--train", mode, str(out)]
    ports = free_ports(workers)
    environments = [worker_environment(ports, i) if workers > 1 else dict(os.environ) for i in range(workers)]
    logs = [open(Path(folder) / f"{mode}-{i}.log", "w+") for i in range(workers)]  # noqa: SIM115
    processes = [
        subprocess.Popen(command, env=each, stdout=log, stderr=subprocess.STDOUT, preexec_fn=die_with_parent)
        for each, log in zip(environments, logs, strict=True)
    ]
    for process, log in zip(processes, logs, strict=True):
        if process.wait():
            log.seek(0)
            raise RuntimeError(f"{mode} failed:\n{log.read()[-3000:]}")
    return dict(np.load(out))


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--train", nargs=2, metavar=("MODE", "OUT"), help="one run in this process")
    parser.add_argument("--out", type=Path, default=Path(__file__).parent / "results" / "workers.txt")
    arguments = parser.parse_args()
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    if arguments.train:
        train(*arguments.train)
        return 0
    modes = {"one device": 1, "Mirrored(2)": 1, "2 workers": 2, "3 workers": 3, "control": 1}
    with tempfile.TemporaryDirectory() as folder:
        results = {mode: run(mode, workers, folder) for mode, workers in modes.items()}
    games = list(dict.fromkeys(key.split("/")[0] for key in results["one device"]))
    lines, failed = [TABLE, "", f"{'':14}" + "".join(f"{mode:>14}" for mode in list(modes)[1:])], False
    for game in games:
        keys = [key for key in results["one device"] if key.startswith(f"{game}/")]
        worst = {mode: max(np.abs(results["one device"][k] - results[mode][k]).max() for k in keys) for mode in modes}
        failed |= any(worst[mode] > LIMIT for mode in modes if mode != "control") or worst["control"] < 1e-3
        lines.append(f"{game:14}" + "".join(f"{worst[mode]:14.1e}" for mode in list(modes)[1:]))
    lines += ["", f"Limit {LIMIT:.0e}; the control (losses not divided by the number of replicas) must be above 1e-3."]
    print("\n".join(lines))
    arguments.out.write_text("\n".join(lines) + "\n")
    return int(failed)


if __name__ == "__main__":
    sys.exit(main())
