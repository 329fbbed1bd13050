"""The thousand modes of stacked digits: how many of them a generator reaches, and how evenly.

    python -m benchmarks.stacked_digits                                # four methods, 3 seeds
    python -m benchmarks.stacked_digits --methods r3 --seeds 1
    python -m benchmarks.stacked_digits --report                       # table and pictures of what has been run

Each run is appended to `results/stacked_digits.jsonl`; existing runs are not repeated.

A variant of StackedMNIST without downloads: three random digits of the dataset `digits`, with 8x8 pixels, are the
channels of an image. There are 128,000 images to train, and 26,000 generated images whose channels are classified by a
classifier of single digits (Metz et al. 2017, section 3.3.1, with the numbers of PacGAN: Lin et al. 2018, section 4.2).
The task is easier than StackedMNIST, whose results are shown in the published rows. Penalties on single samples are
incompatible with batch normalization, so the methods with penalties use DCGAN's generator and DCGAN's discriminator
without batch normalization. Nothing was tuned.
"""

import argparse
import functools
import json
import sys
import time
from pathlib import Path

import numpy as np

from benchmarks.journal import RESULTS, Journal

RUNS = Path("runs/stacked_digits")
TRAINED, JUDGED, BATCH, STEPS = 128_000, 26_000, 64, 10_000
WIDTH = 32
GAMMA = 1.0
NAMES = {
    "dcgan": "DCGAN",
    "pac2": "DCGAN, packing 2",
    "gan_r1": "GAN + R1 (control)",
    "r3": "RpGAN + R1 + R2",
}
PUBLISHED = (
    ("DCGAN", "99", "3.40", "VEEGAN"),
    ("ALI", "16", "5.40", "VEEGAN"),
    ("unrolled GAN", "48.7", "4.32", "VEEGAN"),
    ("VEEGAN", "150", "2.95", "VEEGAN"),
    ("DCGAN", "78.9", "4.50", "PacGAN"),
    ("PacDCGAN2 to 4", "1000", "0.06–0.07", "PacGAN"),
    ("GAN + R1", "fails", "", "R3GAN"),
    ("GAN + R1 + R2", "693", "0.927", "R3GAN"),
    ("RpGAN + R1 + R2", "1000", "0.078", "R3GAN"),
)
DEMANDED = {"modes": 990, "divergence": 0.15}


@functools.cache
def digits(split):
    """Returns (images in [-1, 1] of shape (count, 8, 8), labels) of single digits."""
    from kerasgan import data

    images, labels = data.load("digits", split=split, as_numpy=True)
    return images[..., 0], labels


@functools.cache
def stacks(split, count, seed=0):
    """Returns (images of shape (count, 8, 8, 3), the three digits of each image) from the single digits of a split."""
    images, labels = digits(split)
    chosen = np.random.default_rng(seed).integers(len(images), size=(count, 3))
    return images[chosen].transpose(0, 2, 3, 1), labels[chosen]


@functools.cache
def classifier():
    """Returns a classifier of single digits, trained on real digits."""
    from sklearn.svm import SVC

    images, labels = digits("train")
    return SVC(C=10.0).fit(images.reshape(len(images), -1), labels)


def read_digits(images):
    """Returns the predicted digits of the channels of images, integers of shape (count, channels)."""
    count, *_, channels = images.shape
    found = classifier().predict(np.moveaxis(images, -1, 1).reshape(count * channels, -1))
    return found.reshape(count, channels)


def judge(images):
    """Returns the number of reached modes and the divergence of their histogram from the uniform one."""
    from kerasgan.metrics import class_modes, stacked_labels

    modes = class_modes(stacked_labels(read_digits(images)))
    return {"modes": modes.reached, "divergence": modes.reverse_kl}


def discriminator():
    """DCGAN's discriminator without batch normalization."""
    import keras
    from keras import layers

    images = x = keras.Input((8, 8, 3), name="images")
    for width in (WIDTH, 2 * WIDTH):
        x = layers.LeakyReLU(0.2)(layers.Conv2D(width, 4, 2, "same", kernel_initializer="he_normal")(x))
    return keras.Model(images, layers.Dense(1, name="logits")(layers.Flatten()(x)), name="discriminator")


def build(method, seed, batches):
    """Returns a compiled model; `batches` is the number of steps of one compiled call."""
    import keras

    import kerasgan
    from kerasgan.objectives.penalties import R1, R2

    keras.utils.set_random_seed(seed)
    penalised = method in ("gan_r1", "r3")
    packing = 2 if method == "pac2" else 1
    arguments = {"discriminator": discriminator()} if penalised else {"packing": packing}
    model = kerasgan.DCGAN((8, 8, 3), width=WIDTH, kernel_size=4, seed=seed, **arguments)
    recipe = {}
    if penalised:
        adam = {"class_name": "adam", "config": {"learning_rate": 2e-4, "beta_1": 0.0, "beta_2": 0.99}}
        recipe = {
            "loss": "relativistic_paired" if method == "r3" else "non_saturating",
            "penalties": (R1(GAMMA), R2(GAMMA)) if method == "r3" else (R1(GAMMA),),
            "generator_optimizer": adam,
            "discriminator_optimizer": adam,
        }
    model.compile(batch_size=BATCH * packing, steps_per_execution=batches, **recipe)
    return model


def run(method, seed, steps=STEPS, folder=RUNS):
    """Trains and evaluates one model.

    Args:
        method: Key of `NAMES`.
        seed: Random seed of the weights and the training.
        steps: Number of updates of each player, rounded up to complete epochs.
        folder: Folder for some samples. None writes no files.

    Returns:
        The record of the run, a dictionary.
    """
    images, _ = stacks("train", TRAINED)
    packing = 2 if method == "pac2" else 1
    an_epoch = TRAINED // (BATCH * packing)
    epochs = -(-steps // an_epoch)
    model = build(method, seed, batches=500)
    start, cpu = time.perf_counter(), time.process_time()
    model.fit(images, epochs=epochs, verbose=0)
    seconds, cpu = time.perf_counter() - start, time.process_time() - cpu
    found = {}
    for name in ("raw", "ema"):
        samples = model.sample(JUDGED, seed=seed, ema=name == "ema", batch_size=1_000)
        found[name] = judge(samples)
    if folder:
        Path(folder).mkdir(parents=True, exist_ok=True)
        np.savez_compressed(Path(folder) / f"{method}_{seed}.npz", samples=samples[:100].astype("float16"))
    return {
        "method": method,
        "seed": seed,
        "steps": epochs * an_epoch,
        "seconds": round(seconds, 1),
        "cpu_seconds": round(cpu, 1),
        **found,
    }


def line(name, weights, records):
    """Returns a row of the table: the median, with the range if there are several values."""
    cells = []
    for key, form in (("modes", "{:g}"), ("divergence", "{:.3f}")):
        values = [record[key] for record in records]
        low, middle, high = (form.format(f(values)) for f in (np.min, np.median, np.max))
        cells.append(middle if low == high else f"{middle} ({low}–{high})")
    return "| " + " | ".join([name, weights, str(len(records)), *cells]) + " |"


def table(records):
    """Returns the report in Markdown."""
    real, _ = stacks("test", JUDGED)
    images, labels = digits("test")
    accuracy = np.mean(read_digits(images[..., None])[:, 0] == labels)
    untrained = build("dcgan", 0, 1).sample(JUDGED, batch_size=1_000)
    runs = {key: [record for record in records if record["method"] == key] for key in NAMES}
    lines = [
        "# Stacked digits",
        "",
        __doc__.split("\n\n", 3)[3].strip(),
        "",
        f"The classifier reads {accuracy:.1%} of the real test digits right. Of {JUDGED:,} images, at most 1000 modes:",
        "",
        "| method | weights | seeds | modes | reverse KL |",
        "|---|---|---|---|---|",
        *(f"| {name} ({source}, StackedMNIST) | | | {modes} | {kl} |" for name, modes, kl, source in PUBLISHED),
        line("real stacks of the test digits (ceiling)", "", [judge(real)]),
        line("untrained generator (floor)", "", [judge(untrained)]),
    ]
    for key, found in runs.items():
        for weights, label in (("raw", "last"), ("ema", "averaged")):
            if found:
                steps = f"{NAMES[key]}, {found[0]['steps']:,} steps"
                lines.append(line(steps, label, [record[weights] for record in found]))
    lines += ["", f"Demanded of the averaged weights: at least {DEMANDED['modes']} modes, reverse KL at most"]
    lines[-1] += f" {DEMANDED['divergence']}."
    for key in ("pac2", "r3"):
        if runs[key]:
            modes, divergence = (float(np.median([r["ema"][name] for r in runs[key]])) for name in DEMANDED)
            met = modes >= DEMANDED["modes"] and divergence <= DEMANDED["divergence"]
            lines.append(f"{NAMES[key]}: {modes:g}, {divergence:.3f}. {'Met.' if met else 'NOT MET.'}")
    return "\n".join(lines) + "\n"


def report():
    """Writes the table and the images of all runs so far."""
    from kerasgan.pictures.images import grid, write_png

    text = table(Journal("stacked_digits").rows())
    (RESULTS / "stacked_digits.md").write_text(text)
    for key in NAMES:
        kept = RUNS / f"{key}_0.npz"
        if kept.exists():
            write_png(RESULTS / f"stacked_digits_{key}.png", grid(np.load(kept)["samples"], columns=20))
    return text


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--methods", nargs="+", choices=list(NAMES), default=list(NAMES))
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--steps", type=int, default=STEPS)
    parser.add_argument("--report", action="store_true", help="train nothing, write the report of what is there")
    arguments = parser.parse_args()
    journal = Journal("stacked_digits")
    for seed in range(0 if arguments.report else arguments.seeds):
        for method in arguments.methods:
            if journal.rows(method=method, seed=seed):
                continue
            record = run(method, seed, arguments.steps)
            journal.add(record)
            print(json.dumps(record), flush=True)
    print(report())
    return 0


if __name__ == "__main__":
    sys.exit(main())
