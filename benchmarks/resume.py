"""Verifies that repeatedly killed trainings end bit-identical to undisturbed ones: weights, optimizers and samples.

    python -m benchmarks.resume --kills 50

Each kind of game is trained with a checkpoint every second step. SIGKILL is sent at random times, every third time
while a checkpoint is being written, and a new process resumes the training until it is complete. Runs are repeated
until the number of kills is reached. Finally, everything is compared with an undisturbed run. The negative control
resumes without the players' optimizers, like `load_weights`, and must differ.

    python -m benchmarks.resume --workers 2 --kills 10

kills random workers of `kerasgan launch`, which restarts all workers from the last checkpoint.
"""

import argparse
import multiprocessing
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

EPOCHS, STEPS = 8, 5


def train(game, folder, forget_optimizers=False):
    """Trains a game to the end, from its last checkpoint if there is one, and writes the result."""
    import keras

    from kerasgan.callbacks import Checkpoint, latest_checkpoint, restore_checkpoint
    from kerasgan.callbacks.checkpoint import named_variables
    from kerasgan.pictures.files import replacing
    from kerasgan.testing import samples_of
    from tests.games import GAMES

    sys.stdout = sys.stderr = open(os.devnull, "w")  # noqa: SIM115
    case = GAMES[game]
    keras.utils.set_random_seed(0)
    model = case.model()
    data = case.data(model, STEPS)
    position = {"epoch": 0, "step": 0}
    if latest_checkpoint(folder):
        position = restore_checkpoint(model, folder)
        if forget_optimizers:
            for optimizer in model.optimizer.players.values():
                for variable in optimizer.variables:
                    variable.assign(np.zeros(variable.shape) if "learning_rate" not in variable.name else variable)
    model.fit(
        *data,
        batch_size=case.batch_size,
        epochs=EPOCHS,
        initial_epoch=position["epoch"],
        initial_step=position["step"],
        callbacks=[Checkpoint(folder, every_steps=2)],
        verbose=0,
    )
    result = {name: keras.ops.convert_to_numpy(v) for name, v in named_variables(model).items()}
    with replacing(Path(folder) / "result") as file:
        np.savez(file, samples=samples_of(model, data)[:10], **result)


def killed_in(process, moment, folder, writing):
    """Kills a process after some seconds, or in the next checkpoint write, and returns whether it was still running."""
    end = time.monotonic() + moment
    while time.monotonic() < end and process.is_alive():
        time.sleep(0.002)
    while writing and process.is_alive() and not any(Path(folder).glob(".step-*.partial")):
        pass
    alive = process.is_alive()
    process.kill()
    process.join()
    return alive


def differences(folder, expected):
    """Returns the names of values that differ from the expected ones in any bit."""
    with np.load(Path(folder) / "result") as found:
        kept = [
            name for name in expected if not name.startswith("logs/")
        ]  # means of losses: equal but for the last bit
        return [name for name in kept if expected[name].tobytes() != found[name].tobytes()]


def one_game(game, kills, seed=0):
    """Returns (kills, kills in a write, runs, runs that differ, whether the control differs) of a kind of game."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["kerasgan", "tests.games"])
    rng = random.Random(f"{game}{seed}")

    def start(folder, **options):
        process = context.Process(target=train, args=(game, folder), kwargs=options)
        process.start()
        return process

    with tempfile.TemporaryDirectory() as root:
        undisturbed = Path(root) / "undisturbed"
        start(undisturbed).join()
        began = time.monotonic()
        start(Path(root) / "timed").join()
        duration = time.monotonic() - began
        with np.load(undisturbed / "result") as arrays:
            expected = {name: arrays[name] for name in arrays.files}
        done = within_writes = runs = wrong = 0
        while done < kills:
            folder = Path(root) / f"run-{runs}"
            while not (folder / "result").exists():
                process = start(folder)
                if done < kills:
                    writing = done % 3 == 2
                    if killed_in(process, rng.uniform(0, 0.9 * duration), folder, writing):
                        done += 1
                        within_writes += writing and any(folder.glob(".step-*.partial"))
                else:
                    process.join()
            runs += 1
            if found := differences(folder, expected):
                print(f"{game}, run {runs}: {', '.join(found)}", file=sys.stderr)
            wrong += bool(found)
        control = Path(root) / "control"
        process = start(control)
        while not any(control.glob("step-*.npz")):
            time.sleep(0.002)
        process.kill()
        process.join()
        start(control, forget_optimizers=True).join()
        return done, within_writes, runs, wrong, bool(differences(control, expected))


def workers(count, kills, seed=0):
    """Returns (kills, whether the result differs) of workers that `kerasgan launch` restarts."""
    rng = random.Random(seed)
    with tempfile.TemporaryDirectory() as root:

        def launch(name):
            command = [sys.executable, "-m", "kerasgan", "launch", "--workers", str(count), "--restarts", str(kills)]
            command += ["--logs", f"{root}/{name}-logs", "--", "train", "cgan", "--data", "digits", "--epochs", "6"]
            command += ["--set", "units=16,16,32", "--batch-size", "96", "--checkpoint-every-steps", "2"]
            command += ["--out", f"{root}/{name}"]
            return subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

        assert launch("undisturbed").wait() == 0
        process, done = launch("killed"), 0
        while process.poll() is None:
            time.sleep(rng.uniform(4, 22))
            victims = children(process.pid)
            if done < kills and len(victims) == count:
                os.kill(rng.choice(victims), signal.SIGKILL)
                done += 1
        assert process.returncode == 0, process.returncode
        left = children(process.pid)
        ends = [sorted(Path(root, name, "checkpoints").glob("step-*.npz"))[-1] for name in ("undisturbed", "killed")]
        first, second = (dict(np.load(end)) for end in ends)
        kept = [name for name in first if not name.startswith(("logs/", "about"))]
        wrong = [name for name in kept if first[name].tobytes() != second[name].tobytes()]
        return done, wrong, left


def children(pid):
    """Returns the child processes of a process."""
    found = []
    for status in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = status.read_text().rsplit(")", 1)[1].split()
        except OSError:
            continue
        if int(fields[1]) == pid and fields[0] != "Z":
            found.append(int(status.parent.name))
    return found


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--kills", type=int, default=50)
    parser.add_argument("--games", nargs="+")
    parser.add_argument("--workers", type=int)
    parser.add_argument("--out", type=Path, default=Path(__file__).parent / "results" / "resume.txt")
    arguments = parser.parse_args()
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    if arguments.workers:
        done, wrong, left = workers(arguments.workers, arguments.kills)
        print(f"{arguments.workers} workers, {done} kills: {len(wrong)} arrays differ, {len(left)} processes left")
        return int(bool(wrong or left))
    from tests.games import GAMES

    head = f"{'game':14}{'kills':>7}{'in a write':>12}{'runs':>6}{'that differ':>13}   control told apart"
    lines, failed = [head], False
    print(head)
    for game in arguments.games or GAMES:
        done, within_writes, runs, wrong, told = one_game(game, arguments.kills)
        failed |= bool(wrong) or not told
        lines.append(f"{game:14}{done:7}{within_writes:12}{runs:6}{wrong:13}   {'yes' if told else 'NO'}")
        print(lines[-1], flush=True)
    arguments.out.write_text("\n".join(lines) + "\n")
    return int(failed)


if __name__ == "__main__":
    sys.exit(main())
