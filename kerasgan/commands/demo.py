"""The demo, `make demo`: a DCGAN learns real digits; a picture, a number between its controls, a SavedModel."""

import argparse
import os
import subprocess
import sys
import time
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

# A process of its own that knows nothing of kerasgan or Keras: what a server would run.
SERVER = """
import sys
import numpy as np
import tensorflow as tf

folder, count, expected = sys.argv[1], int(sys.argv[2]), np.load(sys.argv[3])
sample = tf.saved_model.load(folder).signatures["sample"]
labels = tf.range(count) % 10
images = sample(num=tf.constant(count), seed=tf.constant(0, tf.int64), labels=labels)["images"].numpy()
assert not [name for name in sys.modules if name.startswith("kerasgan")]
print(np.abs(images - expected).max())
"""


def main(arguments=None):
    """Trains, judges and exports; the results lie in the folder `--out`."""
    parser = argparse.ArgumentParser(prog="python -m kerasgan.commands.demo", description=__doc__)
    parser.add_argument("--out", type=Path, default=Path("runs") / "demo", help="folder of the results")
    parser.add_argument("--epochs", type=int, default=480, help="passes over the 898 training digits")
    options = parser.parse_args(arguments)

    import keras
    import numpy as np

    import kerasgan
    from kerasgan import callbacks, metrics
    from kerasgan.pictures.images import grid, write_png

    start = time.perf_counter()
    keras.utils.set_random_seed(0)
    train_x, train_y = kerasgan.data.load("digits", split="train", as_numpy=True)
    test_x, _ = kerasgan.data.load("digits", split="test", as_numpy=True)
    model = kerasgan.DCGAN(image_shape=(8, 8, 1), num_classes=10, width=32, kernel_size=4, seed=0)
    model.compile(batch_size=64, steps_per_execution=14)
    print(f"A conditional DCGAN learns {len(train_x)} handwritten digits of 8x8 pixels; samples go to {options.out}.")
    model.fit(
        train_x,
        train_y,
        epochs=options.epochs,
        verbose=0,
        callbacks=[
            callbacks.Progress(),
            callbacks.SampleGrid(options.out / "samples", every_epochs=60, count=100),
            callbacks.RunLog(options.out, dataset="digits"),
        ],
    )

    picture = options.out / "digits.png"
    write_png(picture, grid(model.sample(100, seed=0), columns=10))
    distance = frechet_table(train_x, train_y, test_x, model, metrics)

    folder = options.out / time.strftime("saved_model-%Y%m%d-%H%M%S")
    model.export(folder)
    expected = options.out / "expected.npy"
    np.save(expected, model.sample(100, seed=0))
    command = [sys.executable, "-c", SERVER, str(folder), "100", str(expected)]
    difference = float(subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout.split()[-1])
    print(
        f"\npicture      {picture}\nSavedModel   {folder}\n"
        f"             sampled by a process with TensorFlow alone: largest difference {difference:.1e}\n"
        f"time         {(time.perf_counter() - start) / 60:.1f} minutes"
    )
    return 0 if difference <= 1e-6 and np.isfinite(distance) else 1


def frechet_table(train_x, train_y, test_x, model, metrics):
    """Prints the model's Fréchet distance to the test digits between what needs no GAN and real digits."""
    train, test, fake = (x.reshape(len(x), -1) / 2 + 0.5 for x in (train_x, test_x, model.sample(900, seed=1)))
    rows = {"real digits, train against test": train}
    rows["this DCGAN"] = fake
    baselines = metrics.baseline_samples(train, train_y)
    rows["a full Gaussian for each digit"] = baselines["full Gaussian"][0]
    rows["independent pixels for each digit"] = baselines["diagonal Gaussian"][0]
    rows["the mean image of each digit"] = baselines["class mean"][0]
    print(f"\nFréchet distance in pixels to {len(test)} test digits that the model never saw (lower is better)")
    for name, samples in rows.items():
        value = metrics.frechet_distance(test, samples)
        print(f"  {name:36}{value:.3f}{'   <--' if name == 'this DCGAN' else ''}")
    return metrics.frechet_distance(test, fake)


if __name__ == "__main__":
    sys.exit(main())
