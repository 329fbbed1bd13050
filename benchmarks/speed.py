"""Speed of a DCGAN 64 x 64 training step relative to PyTorch, and of `fit` relative to a bare loop of the same step.

    python -m benchmarks.speed

Every variant runs in a separate process, one at a time; ratios are medians over alternating rounds. The PyTorch
reference is our own, in two variants: trained like the public example, and tuned as well as we can. It needs PyTorch
(`pip install -e .[bench]`). Run it on an idle machine.
"""

import argparse
import os
import sys
from pathlib import Path

from benchmarks.paired import paired, paired_workers, ratios, table

TARGETS = {
    "PyTorch example": "benchmarks.torch_dcgan:example",
    "PyTorch tuned": "benchmarks.torch_dcgan:tuned",
    "kerasgan alternating": "benchmarks.keras_dcgan:alternating",
    "kerasgan alternating, one pass": "benchmarks.keras_dcgan:alternating_shared",
    "kerasgan simultaneous": "benchmarks.keras_dcgan:simultaneous",
}
FIT_STEPS = 6


def fit_overhead(rounds=5):
    """Returns the median time of `fit` relative to a bare loop of the compiled step, in alternating rounds."""
    import numpy as np

    from benchmarks.keras_dcgan import BATCH_SIZE, build

    model, real = build()
    import tensorflow as tf

    from kerasgan.game.phase import Moment

    images = np.concatenate([real] * FIT_STEPS)
    play = model.make_train_function()
    plan = model.plan(Moment())
    step = model._step_functions.setdefault((plan,), model._one_step(plan))

    def bare():
        batch = (tf.constant(real),)
        for _ in range(FIT_STEPS):
            logs = step(batch)
        return float(logs["generator_loss"])

    def fit():
        model.fit(images, batch_size=BATCH_SIZE, epochs=1, verbose=0)

    assert play is not None
    return 1.0 / ratios(paired({"bare": bare, "fit": fit}, rounds, warmup=1), "bare")["fit"]


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=6)
    parser.add_argument("--out", type=Path, default=Path(__file__).parent / "results" / "speed.md")
    arguments = parser.parse_args()
    environment = {"TF_CPP_MIN_LOG_LEVEL": "3", "KERAS_BACKEND": "tensorflow"}
    seconds, megabytes = paired_workers(TARGETS, rounds=arguments.rounds, environment=environment)
    against = ratios(seconds, "PyTorch example")
    overhead = fit_overhead()
    lines = [
        f"DCGAN 64x64x3, batch 64, float32, one D and one G update, {os.cpu_count()} CPU cores; median of "
        f"{arguments.rounds} alternating rounds. Above 1 is faster than the reference.",
        "",
        table(seconds, ["PyTorch example", "PyTorch tuned"], megabytes),
        "",
        f"`fit` costs {100 * (overhead - 1):+.1f} % over a bare loop of the same compiled step.",
    ]
    print("\n".join(lines))
    arguments.out.write_text("\n".join(lines) + "\n")
    best = max(against["kerasgan alternating"], against["kerasgan simultaneous"])
    return 0 if best >= 1.2 and overhead <= 1.03 else 1


if __name__ == "__main__":
    sys.exit(main())
