"""The demo, `make demo`: a DCGAN learns clothes; a picture, scores between their controls, a SavedModel."""

import argparse
import os
import subprocess
import sys
import time
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

# Code for a separate process without kerasgan and Keras, like that of a server.
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
    """Trains, scores and exports a model; writes the results to the folder `--out`."""
    parser = argparse.ArgumentParser(prog="python -m kerasgan.commands.demo", description=__doc__)
    parser.add_argument("--out", type=Path, default=Path("runs") / "demo", help="folder of the results")
    parser.add_argument("--epochs", type=int, default=22, help="passes over the 12,000 training images")
    options = parser.parse_args(arguments)

    import keras
    import numpy as np

    import kerasgan
    from kerasgan import callbacks
    from kerasgan.pictures.images import grid, write_png

    start = time.perf_counter()
    keras.utils.set_random_seed(0)
    train = kerasgan.data.load("fashion", split="train", image_size=32, as_numpy=True)
    test = kerasgan.data.load("fashion", split="test", image_size=32, as_numpy=True)
    model = kerasgan.DCGAN(
        image_shape=(32, 32, 1),
        num_classes=10,
        conditioning="projection",
        width=32,
        generator_width=32,
        kernel_size=4,
        seed=0,
    )
    model.compile(batch_size=64)
    print(f"A conditional DCGAN learns {len(train[0]):,} photographs of clothes; samples go to {options.out}.")
    model.fit(
        *train,
        epochs=options.epochs,
        verbose=0,
        callbacks=[
            callbacks.Progress(),
            callbacks.SampleGrid(options.out / "samples", every_epochs=5, count=100),
            callbacks.RunLog(options.out, dataset="fashion"),
        ],
    )

    picture = options.out / "clothes.png"
    write_png(picture, grid(model.sample(100, seed=0), columns=10))
    distance = print_scores(model, train, test)

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


FEATURES = "random-conv-seed0"  # features of the Fréchet distance
PER_CLASS = 200  # number of scored images per class and set


def print_scores(model, train, test):
    """Prints the model's scores between those of simple baselines and of real clothes; returns its distance.

    Args:
        model: Conditional model of ten classes.
        train: Training images and labels.
        test: Test images and labels, which the model has not seen.
    """
    import numpy as np

    from kerasgan import metrics

    labels = np.repeat(np.arange(10), PER_CLASS)
    chosen = np.concatenate([np.flatnonzero(train[1] == label)[:PER_CLASS] for label in range(10)])
    fake = np.clip(model.sample(len(labels), seed=1, labels=labels), -1, 1)
    flat = (train[0].reshape(len(train[0]), -1) + 1) / 2
    baselines = metrics.baseline_samples(flat, train[1], PER_CLASS)
    sets = {
        "the mean image of each class": baselines["class mean"],
        "a Gaussian for each class": baselines["full Gaussian"],
    }
    sets = {name: (2 * x.reshape(-1, 32, 32, 1) - 1, y) for name, (x, y) in sets.items()}
    sets |= {"this DCGAN": (fake, labels), "real training images": (train[0][chosen], train[1][chosen])}
    print(
        f"\nScores on {len(test[0]):,} test images that the model never saw: Fréchet distance (features {FEATURES}, "
        "lower is better);\naccuracy on them of a classifier trained on the set; share of the set's labels that a "
        f"classifier of real images confirms\n{'':32}{'distance':>10}{'accuracy':>10}{'labels':>10}"
    )
    distances = {}
    for name, (x, y) in sets.items():
        x = x.astype("float32")
        distances[name] = float(metrics.frechet_distance(test[0], x, features=FEATURES))
        accuracy = metrics.classification_accuracy_score(x, y, *test)
        fidelity = metrics.label_fidelity(x, y, train[0][5::6], train[1][5::6])
        mark = "   <--" if name == "this DCGAN" else ""
        print(f"  {name:30}{distances[name]:10.3f}{accuracy:10.3f}{fidelity:10.3f}{mark}", flush=True)
    return distances["this DCGAN"]


if __name__ == "__main__":
    sys.exit(main())
