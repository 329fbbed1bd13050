"""Cost of a strategy with one replica, and of checkpoints, in a DCGAN 64 x 64 training.

    python -m benchmarks.overhead

Variants alternate in one process; ratios are medians over the rounds. Run it on an idle machine.
"""

import argparse
import statistics
import sys
import tempfile
from pathlib import Path

from benchmarks.paired import paired, ratios
from benchmarks.worker import seconds_of

EPOCH = 2048  # images of the epoch that a checkpoint ends


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=6)
    parser.add_argument("--out", type=Path, default=Path(__file__).parent / "results" / "overhead.md")
    arguments = parser.parse_args()

    from benchmarks.keras_dcgan import BATCH_SIZE, build

    plain, real = build()
    import tensorflow as tf

    from kerasgan.callbacks import save_checkpoint

    with tf.distribute.MirroredStrategy(["CPU:0"]).scope():
        mirrored, _ = build()

    def step_of(model):
        """Returns a step of the compiled training function on an endless sequence of the batches that `fit` uses."""
        batches = model.distribute_strategy.experimental_distribute_dataset(
            tf.data.Dataset.from_tensors((tf.constant(real),)).repeat()
        )
        play, iterator = model.make_train_function(), iter(batches)
        return lambda: float(play(iterator)["generator_loss"])

    timed = paired({"plain": step_of(plain), "mirrored": step_of(mirrored)}, arguments.rounds, steps=3)
    strategy = 1.0 / ratios(timed, "plain")["mirrored"]
    step = statistics.median(timed["plain"])
    with tempfile.TemporaryDirectory(dir=".") as folder:
        writes = [seconds_of(lambda: save_checkpoint(plain, folder, keep=3), 1) for _ in range(9)]
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
