"""Where a training step on the processor spends its time, by kinds of TensorFlow's operations.

    python -m benchmarks.step_profile [NAME...]

Each model has a process of its own with one thread, so that the operations' times add up to the step's. "Between
operations" is what TensorFlow, Keras and `fit` take around them. Run it on an idle machine.
"""

import argparse
import glob
import json
import os
import re
import statistics
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

from benchmarks import engine_speed
from benchmarks.engine_speed import STEPS

# As those of `benchmarks.engine_speed`.
CASES: dict[str, tuple] = {
    "dcgan_64": engine_speed.CASES["dcgan_64"],
    "stylegan2_64": (
        "StyleGAN2",
        {"image_shape": (64, 64, 3), "channel_base": 1024, "channel_max": 64, "latent_dim": 64, "style_dim": 64},
        16,
        {},
    ),
    "biggan_32": ("BigGAN", {"image_shape": (32, 32, 3), "width": 16, "num_classes": 10}, 32, {}),
    "r3gan_32": engine_speed.CASES["r3gan_32"],
    "cyclegan_128": ("CycleGAN", {"image_shape": (128, 128, 3), "width": 32, "blocks": 6}, 1, {}),
}
# The first pattern that an operation's type matches names its kind.
KINDS = {
    "gradients of convolutions' kernels": r"BackpropFilter",
    "gradients of convolutions' inputs": r"BackpropInput",
    "convolutions": r"Conv",
    "matrix products": r"MatMul|Einsum",
    "normalization": r"BatchNorm|L2Norm",
    "optimizers and averages": r"Resource|Assign|VariableOp",
    "sums and means": r"^(Sum|Mean|BiasAddGrad|Max|Min|SquaredDifference|L2Loss)$",
    "random numbers": r"Random|Threefry|Stateless",
    "copies: shapes, padding, concatenation": r"Transpose|Pad|Concat|Slice|Gather|Tile|Pack|Reshape|Cast|Reverse|Split",
    "element by element": r".",
}
ROUNDS = 3


def measure(name):
    """Profiles one case: milliseconds of a step, and of each kind of operations in it."""
    run = engine_speed.step_of("tensorflow", name, CASES)
    import tensorflow as tf
    from tensorflow.tsl.profiler.protobuf import xplane_pb2

    def steps():
        began = time.perf_counter()
        run()
        return 1000 * (time.perf_counter() - began) / STEPS

    steps(), steps()
    whole = statistics.median(steps() for _ in range(ROUNDS))
    with tempfile.TemporaryDirectory() as folder:
        options = tf.profiler.experimental.ProfilerOptions(host_tracer_level=2, python_tracer_level=0)
        tf.profiler.experimental.start(folder, options)
        profiled = steps()
        tf.profiler.experimental.stop()
        (path,) = glob.glob(f"{folder}/**/*.xplane.pb", recursive=True)
        space = xplane_pb2.XSpace.FromString(Path(path).read_bytes())
    return {"step": whole, "profiled": profiled, "kinds": kinds_of(space), "operations": operations(space)}


def events(space):
    """Names `node:Type` and milliseconds of the operations in a profile."""
    for plane in space.planes:
        if plane.name != "/host:CPU":
            continue
        for line in plane.lines:
            for event in line.events:
                name = plane.event_metadata[event.metadata_id].name
                found = re.fullmatch(r"[\w/.\-]+:(_?[A-Z]\w+)", name)
                if found:
                    yield found[1], event.duration_ps / 1e9


def kind_of(operation):
    """The kind of a type of operations, one of `KINDS`."""
    return next(kind for kind, pattern in KINDS.items() if re.search(pattern, operation))


def kinds_of(space):
    """Milliseconds of each kind of operations in a step."""
    found: Counter = Counter()
    for operation, milliseconds in events(space):
        found[kind_of(operation)] += milliseconds / STEPS
    return dict(found)


def operations(space, count=8):
    """The types of operations that take longest in a step, `{type: milliseconds}`."""
    found: Counter = Counter()
    for operation, milliseconds in events(space):
        found[operation] += milliseconds / STEPS
    return dict(found.most_common(count))


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"of {', '.join(CASES)} (default: all)")
    parser.add_argument("--out", type=Path, default=Path(__file__).parent / "results" / "step_profile.md")
    parser.add_argument("--one", choices=CASES, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.one:
        print(json.dumps(measure(arguments.one)))
        return 0
    threads = {"OMP_NUM_THREADS": "1", "TF_NUM_INTRAOP_THREADS": "1", "TF_NUM_INTEROP_THREADS": "1"}
    found = {}
    for name in arguments.names or CASES:
        command = [sys.executable, "-m", "benchmarks.step_profile", "--one", name]
        environment = {**os.environ, **threads, "TF_CPP_MIN_LOG_LEVEL": "3"}
        done = subprocess.run(command, env=environment, stdout=subprocess.PIPE, text=True, check=True)
        found[name] = json.loads(done.stdout.splitlines()[-1])
        print(name, found[name], flush=True)
    text = table(found)
    if not arguments.names:
        arguments.out.write_text(text, "utf-8")
    print(text)
    return 0


def table(found):
    """The results as Markdown."""
    lines = [
        "Milliseconds of a training step by kinds of operations: one thread, float32, TensorFlow with oneDNN.",
        "",
        f"| | {' | '.join(f'`{name}`, batch {CASES[name][2]}' for name in found)} |",
        f"|---|{'---:|' * len(found)}",
    ]
    rows = {kind: [each["kinds"].get(kind, 0.0) for each in found.values()] for kind in KINDS}
    wholes = [each["profiled"] for each in found.values()]
    rows["between operations"] = [whole - sum(values) for whole, *values in zip(wholes, *rows.values(), strict=True)]
    for kind, values in sorted(rows.items(), key=lambda row: -sum(row[1])):
        cells = (f"{value:.1f} ({value / whole:.0%})" for value, whole in zip(values, wholes, strict=True))
        lines.append(f"| {kind} | {' | '.join(cells)} |")
    steps = {"a step under the profiler": wholes, "a step without it": [each["step"] for each in found.values()]}
    for name, times in steps.items():
        lines.append(f"| **{name}** | {' | '.join(f'{milliseconds:.1f}' for milliseconds in times)} |")
    lines += ["", "The types of operations that take longest, in milliseconds of a step:", ""]
    for name, each in found.items():
        lines.append(f"- `{name}`: " + ", ".join(f"{kind} {value:.1f}" for kind, value in each["operations"].items()))
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    sys.exit(main())
