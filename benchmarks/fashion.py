"""Scores of generators of clothes between what needs no GAN and real photographs, on the 10,000 test images.

    python -m benchmarks.fashion [PRESET ...] [--fresh]

Presets are names or folders; by default all that are called *_fashion. A row is kept in results/fashion.jsonl until the
preset's weights change. Columns:

* distance, judge: Fréchet distance of 10,000 samples to the test images in the features of `classifier-fashion-v1`, and
  of `classifier-fashion-judge-v1`, another network of another seed, by which nothing was ever chosen.
* precision, recall: of 5,000 samples and test images, in the first features (Kynkäänniemi et al. 2019, k = 5).
* labels: share of the samples that the judge assigns to the class that was asked for.
* accuracy: of a small network on the test images, trained on 20,000 samples only and their labels (Ravuri & Vinyals
  2019), mean of three seeds.
* balance: total variation distance between the classes of the samples, as the judge sees them, and equal shares.
"""

import argparse
import sys
from pathlib import Path

import numpy as np

from benchmarks.journal import RESULTS, Journal

COUNT, FITTED, EPOCHS, SEEDS = 10_000, 20_000, 4, 3
FIRST, JUDGE = "classifier-fashion-v1", "classifier-fashion-judge-v1"
COLUMNS = ("distance", "judge", "precision", "recall", "labels", "accuracy", "balance")


def scores(x, y, test_x, test_y):
    """Scores of samples.

    Args:
        x: 20,000 samples in [-1, 1] of shape (20000, 32, 32, 1), in random order.
        y: Their classes, or `None` for those of an unconditional generator.
        test_x: Real images that no generator has seen.
        test_y: Their classes.

    Returns:
        `{column: number, or None where there are no classes}`.
    """
    from kerasgan import metrics
    from kerasgan.metrics.features import get

    some = x[:COUNT]
    near = metrics.precision_recall_density_coverage(*(get(FIRST)(each[:5000]) for each in (test_x, some)))
    seen = get(JUDGE).classify(some).argmax(axis=1)
    return {
        "distance": float(metrics.frechet_distance(test_x, some, features=FIRST)),
        "judge": float(metrics.frechet_distance(test_x, some, features=JUDGE)),
        "precision": float(near.precision),
        "recall": float(near.recall),
        "labels": None if y is None else float((seen == y[:COUNT]).mean()),
        "accuracy": None if y is None else float(np.mean([accuracy(x, y, test_x, test_y, s) for s in range(SEEDS)])),
        "balance": float(np.abs(np.bincount(seen, minlength=10) / len(seen) - 0.1).sum() / 2),
    }


def accuracy(x, y, test_x, test_y, seed):
    """Accuracy on real images of a network that was trained on samples."""
    import keras

    from kerasgan.metrics.features import classifier

    keras.utils.set_random_seed(seed)
    network = classifier.build((32, 32, 1), {"label": 10}, (16, 32, 64), 128, "he_normal", dropout=0.3)
    trained = keras.Model(network.input, network.output["label"])
    steps = EPOCHS * (len(x) // 128)
    rate = keras.optimizers.schedules.CosineDecay(0.0, steps, warmup_target=2e-3, warmup_steps=steps // 20)
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    trained.compile(optimizer=keras.optimizers.AdamW(rate, weight_decay=1e-3), loss=loss)
    trained.fit(x, y, batch_size=128, epochs=EPOCHS, verbose=0)
    return float((trained.predict(test_x, batch_size=500, verbose=0).argmax(axis=1) == test_y).mean())


def controls(train_x, train_y):
    """Sets that need no GAN, and real images: `{name: function without arguments to (samples, classes)}`."""
    from kerasgan import metrics

    def fitted(name):
        flat = (train_x.reshape(len(train_x), -1) + 1) / 2
        x, y = metrics.baseline_samples(flat, train_y, FITTED // 10)[name]
        return 2 * x.reshape(-1, 32, 32, 1).astype("float32") - 1, y

    return {
        "class means": lambda: fitted("class mean"),
        "Gaussian of each class": lambda: fitted("full Gaussian"),
        "1,000 training images, repeated": lambda: (
            np.tile(train_x[:1000], (20, 1, 1, 1)),
            np.tile(train_y[:1000], 20),
        ),
        "training images": lambda: (train_x[:FITTED], train_y[:FITTED]),
    }


def drawn(model):
    """20,000 samples of a model in [-1, 1], as many of each class, and their classes or `None`."""
    classes = model.conditions.classes
    y = np.arange(FITTED) % classes if classes else None
    return np.clip(model.sample(FITTED, seed=1, batch_size=250, **model.conditions.named(y)), -1, 1), y


def shuffled(x, y):
    order = np.random.default_rng(0).permutation(len(x))
    return x[order], None if y is None else y[order]


def table(rows):
    """The rows as a Markdown table."""
    head = ("", "weights, millions", "images seen, thousands", "minutes", *COLUMNS)
    lines = ["| " + " | ".join(head) + " |", "|---" * len(head) + "|"]
    for row in rows:
        numbers = [row.get("weights"), row.get("kimg"), row.get("minutes"), *(row[column] for column in COLUMNS)]
        lines.append(f"| {row['name']} | " + " | ".join("" if n is None else f"{n:.3g}" for n in numbers) + " |")
    return lines


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("presets", nargs="*", metavar="PRESET", help="names or folders (default: all *_fashion)")
    parser.add_argument("--fresh", action="store_true", help="measure everything again")
    arguments = parser.parse_args()

    import kerasgan
    from kerasgan import zoo
    from kerasgan.zoo.preset import WEIGHTS

    journal = Journal("fashion", arguments.fresh)
    train, test = (kerasgan.data.load("fashion/full", split, 32, as_numpy=True) for split in ("train", "test"))
    rows = []
    for name, made in controls(*train).items():
        rows.append(journal.once(lambda made=made: scores(*shuffled(*made()), *test), name=name))
        print(table(rows)[-1], flush=True)
    for each in arguments.presets or [name for name in zoo.names() if name.endswith("_fashion")]:
        preset = zoo.find(each)
        key = {"name": Path(each).name, "sha256": preset.metadata["files"][WEIGHTS]["sha256"]}

        def measured(each=each, preset=preset):
            model = kerasgan.load(each)
            known = preset.metadata
            about = {"kimg": known.get("kimg"), "minutes": known.get("cpu_minutes", known.get("minutes"))}
            return {"weights": model.generator.count_params() / 1e6, **about, **scores(*shuffled(*drawn(model)), *test)}

        rows.append(journal.once(measured, **key))
        print(table(rows)[-1], flush=True)
    ordered = rows[: len(controls(*train))] + sorted(rows[len(controls(*train)) :], key=lambda row: row["distance"])
    about = __doc__.split("Columns:\n\n")[1]
    (RESULTS / "fashion.md").write_text("\n".join([*table(ordered), "", about]), "utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
