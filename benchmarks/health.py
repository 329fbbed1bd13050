"""Cost of `GANHealth` in a DCGAN 64 x 64 training: the signals of each step, and the evaluations.

    python -m benchmarks.health

Steps with and without signals alternate in one process. Ratios are medians over the rounds of processor seconds, which
other processes disturb less than wall-clock seconds. The budget of 5% limits the total time of evaluations.
"""

import argparse
import statistics
import sys
import time
from pathlib import Path

LIMIT = 0.05
EVERY_STEPS = 1000


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=6)
    parser.add_argument("--steps", type=int, default=3)
    parser.add_argument("--out", type=Path, default=Path(__file__).parent / "results" / "health.md")
    arguments = parser.parse_args()

    import itertools

    import numpy as np

    from benchmarks.keras_dcgan import build
    from kerasgan.callbacks import GANHealth

    variants = {}
    for name in ("plain", "watched"):
        model, real = build()
        if name == "watched":
            model.watch()
        variants[name] = model, model.make_train_function(), itertools.repeat((real,))

    def seconds(name):
        _, play, batches = variants[name]
        start = time.process_time()
        for _ in range(arguments.steps):
            float(play(batches)["generator_loss"])
        return (time.process_time() - start) / arguments.steps

    rounds = [{name: seconds(name) for name in variants} for _ in range(arguments.rounds + 1)][1:]
    signals = statistics.median(each["watched"] / each["plain"] for each in rounds) - 1
    step = statistics.median(each["plain"] for each in rounds)

    reals = np.random.default_rng(0).uniform(-1, 1, (1024, *real.shape[1:])).astype("float32")
    health = GANHealth(reals[:512], reals[512:])
    health.set_model(variants["watched"][0])
    spent = []
    for _ in range(3):
        start = time.process_time()
        health.evaluate()
        spent.append(time.process_time() - start)
    evaluation = min(spent[1:])
    lines = [
        f"DCGAN 64x64x3, batch 64, float32; a step takes {step:.2f} processor seconds.",
        "",
        f"* The signals of each step: {100 * signals:+.1f} %, median of {arguments.rounds} alternating rounds.",
        f"* An evaluation of 512 samples, 512 reals and 512 unseen ones: {evaluation:.1f} s, as long as "
        f"{evaluation / step:.1f} steps. With budget=None every {EVERY_STEPS} steps it costs "
        f"{100 * evaluation / step / EVERY_STEPS:.1f} %; with the default, 5 % at most.",
    ]
    print("\n".join(lines))
    arguments.out.write_text("\n".join(lines) + "\n")
    return int(signals > LIMIT)


if __name__ == "__main__":
    sys.exit(main())
