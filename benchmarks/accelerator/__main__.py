"""The command line: see `benchmarks.accelerator`."""

import argparse
import contextlib
import datetime
import importlib.util
import json
import os
import re
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
RESULTS = ROOT / "benchmarks" / "results" / "accelerator"
RATE, CHECK, TORCH, COMPILED = "matrix_rate", "check", "@torch", "@torch.compile"
SECONDS = {RATE: 25.0, CHECK: 60.0, TORCH: 30.0, COMPILED: 75.0}
TINY_SECONDS, LONGEST = 2.0, 3.0
FIRST = ("dcgan_64", "biggan_128", "stylegan2_128")  # those with a game in PyTorch
FULL = ("RESOURCE_EXHAUSTED", "out of memory", "Out of memory")  # what the engines say of a full device
# Not there on such a machine. Where they are, importing them would fail: Keras imports TensorFlow wherever it finds it.
ABSENT = ("tensorflow", "tensorflow_datasets", "sklearn")
LEAST = 4  # the smallest part of the batch that is tried then, one of so many


class Hiding:
    """A finder of modules that does not find the packages of `ABSENT`, and leaves the others to another finder.

    A finder that raised an error for them would not do: PyTorch asks for the specification of some packages and uses
    them only where there is one.
    """

    def __init__(self, finder):
        self.finder = finder

    def __getattr__(self, name):
        return getattr(self.finder, name)

    def find_spec(self, name, path=None, target=None):
        return None if name.partition(".")[0] in ABSENT else self.finder.find_spec(name, path, target)


def hide_absent():
    """Lets the packages of `ABSENT` look as if they were not installed."""
    sys.meta_path[:] = [Hiding(finder) for finder in sys.meta_path]


def order(names=()):
    """The keys of the rows in the order in which a budget is spent on them.

    Args:
        names: Games, or further rows, to which it is restricted; () for all.
    """
    from benchmarks.accelerator.games import GAMES

    others = [name for name in GAMES if name not in FIRST]
    keys = [RATE, CHECK, *FIRST, *(f"{name}{COMPILED}" for name in FIRST), *others[:2]]
    keys += [*(f"{name}{TORCH}" for name in FIRST), *others[2:]]
    return [key for key in keys if not names or key in names or game_of(key) in names]


def game_of(key):
    """The game of a row's key."""
    return key.partition("@")[0]


def needed(key, tiny=False):
    """Seconds that a row takes, as a guess."""
    from benchmarks.accelerator.games import GAMES

    if tiny:
        return TINY_SECONDS
    kind = key if key in SECONDS else key[len(game_of(key)) :]
    return SECONDS[kind] if kind in SECONDS else GAMES[key].seconds


def missing(key, tiny, accelerated):
    """Why a row is not measured on this machine; `None` if it is."""
    if "@" not in key:
        return None
    if importlib.util.find_spec("torch") is None:
        return "PyTorch is not installed here"
    if key.endswith(COMPILED) and (tiny or not accelerated):
        return "torch.compile is measured on accelerators only"
    return None


def measure(arguments):
    """Measures the rows for which the budget suffices; returns 1 if one failed."""
    arguments.environment = environment(arguments.tiny)
    os.environ["JAX_PLATFORMS"] = "cpu"  # of this process, which leaves the accelerator to the others
    os.environ.setdefault("KERAS_BACKEND", "jax")
    from benchmarks.accelerator.results import Budget, Results

    budget, results, done = Budget(60 * arguments.minutes), None, []
    keys = order(arguments.only)
    if arguments.out is None or not arguments.out.exists():
        keys = [RATE, *(key for key in keys if key != RATE)]  # it tells the card, and so the file's name
    for key in keys:
        known = results or (Results(arguments.out) if arguments.out and arguments.out.exists() else None)
        if known and known.is_done(key) and not arguments.again:
            results = known
            continue
        accelerated = known is not None and known.about.get("platform") not in (None, "cpu")
        reason = missing(key, arguments.tiny, accelerated) or budget.refusal(needed(key, arguments.tiny))
        rows = known.rows if known else {}
        row = {"status": "skipped", "reason": reason} if reason else one(key, arguments, budget, rows)
        about = {**_about(arguments), **row.pop("about", {})}
        if results is None:
            results = Results(arguments.out or _file(about), **about)
        results.about.update(about)
        results.add(key, row)
        done.append(row["status"])
        print(f"{key}: {row['status']} {_short(row)}", flush=True)
    if results is None:
        print("There is no row to measure.")
        return 1
    results.write()
    print(results.path.with_suffix(".md").read_text("utf-8"))
    print(f"{results.path}: {budget.seconds - budget.left - budget.reserve:.0f} s of {budget.seconds:.0f} s")
    return 1 if "failed" in done else 0


def one(key, arguments, budget, rows):
    """Measures a row in a process of its own; with half the batch where the device's memory does not suffice."""
    from benchmarks.accelerator.games import GAMES

    ours = rows.get(game_of(key), {})
    game = GAMES.get(game_of(key))
    batch = ours.get("batch") if "@" in key else None
    least = 1 if game is None else (batch or game.batch) // LEAST
    smaller: dict = {}
    while True:
        row = _process(key, arguments, budget, batch, ours.get("parameters"))
        full = row["status"] == "failed" and any(each in row["reason"] for each in FULL)
        current = batch or (game.batch if game else 0)
        if not full or current // 2 < least or budget.refusal(needed(key, arguments.tiny)):
            return {**row, **smaller}
        batch = current // 2
        smaller = {"note": f"a batch of {current} did not fit into the memory"}


def _process(key, arguments, budget, batch, expected):
    # One row leaves some to others.
    longest = max(LONGEST * max(needed(key, arguments.tiny), 40.0), budget.left / 4)
    limit = max(1.0, min(budget.left, longest))
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "row.json"
        command = [sys.executable, "-m", "benchmarks.accelerator", "--row", key, "--json", str(path)]
        command += ["--seconds", str(arguments.seconds)]
        command += ["--tiny"] if arguments.tiny else []
        command += ["--batch", str(batch)] if batch else []
        command += ["--expected", json.dumps(expected)] if expected else []
        log = Path(folder) / "log"
        with open(log, "wb") as output:
            process = subprocess.Popen(
                command, cwd=ROOT, env=arguments.environment, stdout=output, stderr=output, start_new_session=True
            )
            try:
                code = process.wait(timeout=limit)
            except subprocess.TimeoutExpired:
                _end(process)
                return {"status": "failed", "reason": f"stopped after {limit:.0f} s"}
            except BaseException:
                _end(process)
                raise
        if code or not path.exists():
            return {"status": "failed", "reason": f"exit code {code}: {_reason(log.read_text('utf-8', 'replace'))}"}
        return {"status": "ok", **json.loads(path.read_text("utf-8"))}


def _end(process):
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def environment(tiny=False, given=os.environ):
    """Environment of a row's process: the JAX engine, with most of the accelerator's memory and with the CPU beside it.

    Args:
        tiny: Whether it is a rehearsal, for which the compiler of CPUs need not optimize.
        given: Environment of this process.
    """
    own = {"XLA_PYTHON_CLIENT_MEM_FRACTION": "0.92", **given, "KERAS_BACKEND": "jax", "TF_CPP_MIN_LOG_LEVEL": "3"}
    platforms = [name for name in own.get("JAX_PLATFORMS", "").split(",") if name]
    if platforms and "cpu" not in platforms:
        own["JAX_PLATFORMS"] = ",".join([*platforms, "cpu"])
    if tiny:
        own.setdefault("XLA_FLAGS", "--xla_backend_optimization_level=0")
    return own


def _reason(text):
    """The last line of an error message, with what of the others tells a full memory."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    errors = [line for line in lines if re.match(r"[\w.]*(Error|Exception|Exit|Interrupt)\b", line)]
    return (errors or lines or ["no message"])[-1][:400]


def _about(arguments):
    return {
        "date": datetime.date.today().isoformat(),
        "command": f"python -m benchmarks.accelerator {' '.join(sys.argv[1:])}".strip(),
        "tiny": arguments.tiny,
    }


def _file(about):
    card = re.sub(r"[^a-z0-9]+", "-", about.get("card", "unknown").lower()).strip("-")
    return RESULTS / f"{about['date']}-{card}{'-tiny' if about['tiny'] else ''}.json"


def _short(row):
    if "images_per_second" in row:
        return f"{row['images_per_second']:,.1f} images/s"
    return row.get("reason", "")


def work(arguments):
    """Measures one row and writes it; run in a process of its own."""
    hide_absent()
    from benchmarks.accelerator import rows

    key, name = arguments.row, game_of(arguments.row)
    options = {"tiny": arguments.tiny, "batch": arguments.batch, "seconds": arguments.seconds}
    if "@" in key:
        expected = json.loads(arguments.expected) if arguments.expected else None
        row = rows.torch_row(name, **options, compiled=key.endswith(COMPILED), expected=expected)
    else:
        if key == RATE:
            row = rows.matrix_rate(arguments.tiny)
        else:
            row = rows.check() if key == CHECK else rows.jax_row(name, **options)
        row["about"] = rows.about()
    arguments.json.write_text(json.dumps(row), "utf-8")
    return 0


def main():
    from benchmarks.accelerator.training import RECIPES

    parser = argparse.ArgumentParser(prog="python -m benchmarks.accelerator", description="See the module's docstring.")
    parser.add_argument("--minutes", type=float, default=9.0, help="budget of time (default: 9)")
    parser.add_argument("--out", type=Path, help="JSON file; its finished rows are kept")
    parser.add_argument("--only", nargs="+", default=(), metavar="NAME", help="games or rows to measure")
    parser.add_argument("--again", action="store_true", help="measure finished rows again")
    parser.add_argument("--tiny", action="store_true", help="a rehearsal with tiny networks")
    parser.add_argument("--seconds", type=float, help="seconds of timing of a row (default: 3; 0.2 with --tiny)")
    parser.add_argument("--train", choices=sorted(RECIPES), help="train a model of the zoo instead")
    parser.add_argument("--data", help="file of --train (images, and labels of a conditional model), or a folder")
    parser.add_argument("--checkpoint", type=Path, help="folder of the training's state")
    parser.add_argument("--preset", type=Path, help="write a preset of the state of --checkpoint instead of training")
    parser.add_argument("--pack", metavar="NAME", help="write --data from a data set of kerasgan.data instead")
    parser.add_argument("--size", type=int, help="pixels of --pack")
    parser.add_argument("--row", help=argparse.SUPPRESS)
    parser.add_argument("--json", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--batch", type=int, help=argparse.SUPPRESS)
    parser.add_argument("--expected", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.seconds is None:
        arguments.seconds = 0.2 if arguments.tiny else 3.0
    if arguments.out is not None:
        arguments.out = arguments.out.absolute()
    if arguments.row:
        return work(arguments)
    if arguments.pack or arguments.train:
        from benchmarks.accelerator import training

        if arguments.train and not arguments.checkpoint:
            parser.error("give --checkpoint with --train")
        if arguments.preset:
            return training.write_preset(arguments.train, arguments.checkpoint, arguments.preset, arguments.tiny)
        if not arguments.data:
            parser.error("give --data")
        if arguments.pack:
            return training.pack_data(arguments.pack, arguments.data, arguments.size)
        return training.train(arguments.train, arguments.data, arguments.checkpoint, arguments.minutes, arguments.tiny)
    return measure(arguments)


if __name__ == "__main__":
    sys.exit(main())
