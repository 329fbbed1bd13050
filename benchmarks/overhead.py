"""What a strategy of one replica and checkpoints cost a DCGAN 64 x 64 training.

    python -m benchmarks.overhead

Variants alternate in one process; ratios are medians over the rounds. One idle machine, please.
"""

import argparse
import statistics
import sys
import tempfile
import time
from pathlib import Path

EPOCH = 2048  # images of the epoch that a checkpoint ends


def seconds(run):
    start = time.perf_counter()
    run()
    return time.perf_counter() - start


def paired(first, second, rounds):
    """Median of the seconds of the second divided by those of the first, in alternating order."""
    first(), second()
    found = []
    for i in range(rounds):
        times = {run: seconds(run) for run in ((first, second) if i % 2 else (second, first))}
        found.append(times[second] / times[first])
    return statistics.median(found)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--out", type=Path, default=Path(__file__).parent / "results" / "overhead.md")
    arguments = parser.parse_args()

    import numpy as np

    from benchmarks.keras_dcgan import BATCH_SIZE, build

    plain, real = build()
    import tensorflow as tf

    from kerasgan.callbacks import save_checkpoint

    with tf.distribute.MirroredStrategy(["CPU:0"]).scope():
        mirrored, _ = build()

    def fit(model, steps=2):
        return lambda: model.fit(np.concatenate([real] * steps), batch_size=BATCH_SIZE, verbose=0)

    strategy = paired(fit(plain), fit(mirrored), arguments.rounds)
    step = statistics.median(seconds(fit(plain, 4)) / 4 for _ in range(3))
    with tempfile.TemporaryDirectory(dir=".") as folder:
        writes = [seconds(lambda: save_checkpoint(plain, folder, keep=3)) for _ in range(9)]
        size = next(Path(folder).glob("step-*.npz")).stat().st_size
    write = statistics.median(writes)
    share = write / (step * EPOCH / BATCH_SIZE)
    lines = [
        "DCGAN 64x64x3, batch 64, float32, 2 CPU cores.",
        "",
        f"* MirroredStrategy of one replica: {100 * (strategy - 1):+.1f} % (limit 3 %), median of {arguments.rounds} "
        "alternating rounds.",
        f"* A checkpoint of all state, {size / 1e6:.0f} MB, synced: {write:.2f} s, slowest {max(writes):.2f} s; "
        f"{100 * share:.1f} % of an epoch of {EPOCH} images (limit 2 %).",
    ]
    print("\n".join(lines))
    arguments.out.write_text("\n".join(lines) + "\n")
    return int(strategy > 1.03 or share > 0.02)


if __name__ == "__main__":
    sys.exit(main())
