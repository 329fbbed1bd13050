"""Two kinds of class conditioning: the auxiliary classifier (ACGAN) and the projection (DCGAN with "projection").

    python -m benchmarks.families.acgan [--seeds 3] [--data digits glyphs] [--quick]

Digits, trained on one half and evaluated on the other as in `benchmarks.digits`: the classification accuracy score
(CAS) must be at least 0.97, more than that of a full Gaussian per class without training. Glyphs, the capitals of about
470 font faces at 32 pixels: an SVC trained on real glyphs must classify at least 0.9 of the generated ones as the
requested letter. Negative controls: untrained networks, shuffled labels, and an ACGAN without its class loss.
"""

import functools
import sys

import numpy as np

from benchmarks.families.common import Trainings
from benchmarks.journal import RESULTS
from kerasgan import ACGAN, DCGAN
from kerasgan.run import set_random_seed

LETTERS = 26
# Sizes and steps are what a few CPU-minutes hold. The paper's weights of the class loss, 1 for both players and on
# generated images too, make the generator drop what is harder to tell: variety within the classes, and with it the CAS.
# R1 is on a discriminator with batch normalization, of which `compile` warns: on seed 100, after 2,800 steps, the
# Frechet distance was 0.13 with it, and 0.36 without normalization.
ACGAN_DIGITS = {
    "arguments": {"width": 32, "generator_widths": (128, 64), "dropout": 0.0},
    "recipe": {
        "batch_size": 64,
        "steps_per_execution": 14,
        "generator_classification": 0.1,
        "classify_fakes": False,
        "penalties": ["r1"],
    },
    "steps": 8400,
}
NO_CLASS_LOSS = {"classification": 0.0, "generator_classification": 0.0}
RUNS = {
    "digits": {
        "ACGAN": ACGAN_DIGITS,
        "projection": {
            "arguments": {"width": 32, "kernel_size": 4, "conditioning": "projection"},
            "recipe": {"batch_size": 64, "steps_per_execution": 14},
            "steps": 6000,
        },
        "ACGAN without class loss": {**ACGAN_DIGITS, "recipe": {**ACGAN_DIGITS["recipe"], **NO_CLASS_LOSS}},
    },
    "glyphs": {
        "ACGAN": {
            "arguments": {"width": 16, "generator_widths": (128, 64, 32), "dropout": 0.0},
            "recipe": {**ACGAN_DIGITS["recipe"], "generator_classification": 0.3, "steps_per_execution": 10},
            "steps": 5000,
        },
        "projection": {
            "arguments": {"width": 24, "kernel_size": 4, "conditioning": "projection"},
            "recipe": {"batch_size": 64, "steps_per_execution": 10},
            "steps": 4000,
        },
    },
}
DEMANDS = {"digits": ("cas", 0.97), "glyphs": ("fidelity", 0.9)}
PER_LETTER = 40


def data_of(data, seed):
    """Returns (train_x, test_x, train_y, test_y): halves of the digits, or capitals of different font families."""
    from benchmarks.digits import halves
    from kerasgan.data import load

    if data == "digits":
        return halves(seed)
    sides = []
    for split in ("train", "test"):
        x, y = load("glyphs/32", split, as_numpy=True)
        sides.append((x[y < LETTERS], y[y < LETTERS]))
    (train_x, train_y), (test_x, test_y) = sides
    return train_x, test_x, train_y, test_y


def for_reading(train_x, train_y, *others):
    """Returns glyphs at 16 pixels, with a random half of the training glyphs: SVCs need a minute at full size.

    (Every other glyph would not work, because the letters alternate.)
    """
    half = np.random.default_rng(0).permutation(len(train_x))[: len(train_x) // 2]
    small = [x[:, ::2, ::2] / 2 + x[:, 1::2, 1::2] / 2 for x in (train_x[half], *others)]
    return small[0], train_y[half], *small[1:]


def numbers_of(data, model, split, seed, ema=True):
    """Returns the classifiers' scores of a model's samples."""
    from benchmarks.digits import PER_CLASS, judge

    train_x, test_x, train_y, test_y = split
    count = 10 * PER_CLASS if data == "digits" else LETTERS * PER_LETTER
    labels = np.arange(count) % model.num_classes
    fakes = model.sample(count, seed=seed, labels=labels, ema=ema)
    if data == "digits":
        return judge(fakes, labels, train_x, train_y, test_x, test_y)
    train_x, train_y, fakes, test_x = for_reading(train_x, train_y, fakes, test_x)
    return judge(fakes, labels, train_x, train_y, test_x, test_y)


def ceilings(data, split, seed):
    """Returns the scores of real images, classified by other real images, and for digits those of the baselines."""
    from benchmarks.digits_controls import controls
    from kerasgan import metrics

    train_x, test_x, train_y, test_y = split
    if data == "digits":
        return controls(train_x, train_y, test_x, test_y, seed)["classification_accuracy_score"]
    train_x, train_y, test_x = for_reading(train_x, train_y, test_x)
    return {"real": metrics.classification_accuracy_score(train_x, train_y, test_x, test_y)}


def run(data, name, seed, steps):
    """Trains one model with one seed, and evaluates its samples."""
    from benchmarks.digits import train
    from kerasgan.pictures.images import grid, write_png

    split, settings = data_of(data, seed), RUNS[data][name]
    set_random_seed(seed)
    family = DCGAN if name == "projection" else ACGAN
    classes = int(split[2].max()) + 1
    model = family(split[0].shape[1:], num_classes=classes, seed=seed, **settings["arguments"])
    model.compile(**settings["recipe"])
    untrained = numbers_of(data, model, split, seed)
    minutes = train(model, split[0], split[2], steps) / 60
    if seed == 0:
        picture = model.sample(10 * classes, seed=0, labels=np.arange(10 * classes) % classes)
        file = f"acgan_{data}_{name.replace(' ', '_').lower()}.png"
        write_png(RESULTS / file, grid(picture, columns=classes))
    return {
        "trained_steps": int(np.asarray(model.iterations)),
        "minutes": minutes,
        "untrained": untrained,
        "raw": numbers_of(data, model, split, seed, ema=False),
        "ema": numbers_of(data, model, split, seed),
        "controls": ceilings(data, split, seed),
    }


def report(data, rows):
    """Returns rows of a table, medians over the seeds, and the requirements."""
    keys = ("frechet_distance", "cas", "fidelity", "shuffled")
    lines = [f"{data}: medians over the seeds", f"{'':48}" + "".join(f"{key:>18}" for key in keys)]
    everything = [row for some in rows.values() for row in some]
    for name in everything[0]["controls"]:
        value = np.median([row["controls"][name] for row in everything])
        lines.append(f"{'no GAN: ' + name if name != 'real' else 'real images (ceiling)':48}{'':18}{value:18.3f}")
    key, least = DEMANDS[data]
    checks = {}
    for name, some in rows.items():
        for state in ("untrained", "raw", "ema"):
            values = [np.median([row[state][k] for row in some]) for k in keys]
            what = {"ema": "averaged weights", "raw": "raw weights"}.get(state, state)
            lines.append(f"{f'{name}, {what}':48}" + "".join(f"{value:18.3f}" for value in values))
        each = ", ".join(f"{row['ema'][key]:.3f}" for row in some)
        lines.append(
            f"    {some[0]['trained_steps']} steps, {np.median([row['minutes'] for row in some]):.1f} CPU-minutes; "
            f"{key} of each seed: {each}"
        )
        if "without" in name:
            checks[f"{name}: fidelity below .3"] = all(row["ema"]["fidelity"] < 0.3 for row in some)
            continue
        checks[f"{name}: {key} >= {least}"] = bool(np.median([row["ema"][key] for row in some]) >= least)
        checks[f"{name}, untrained: fidelity below .2"] = all(row["untrained"]["fidelity"] < 0.2 for row in some)
    return lines, checks


def main():
    models = dict.fromkeys(name for runs in RUNS.values() for name in runs)
    trainings, good = Trainings.asked_for(__doc__, "acgan", RUNS, models), True
    for data in trainings.data:
        rows = {
            name: trainings.rows(
                functools.partial(run, data, name),
                settings["steps"],
                **({"seeds": 1} if "without" in name else {}),
                data=data,
                model=name,
            )
            for name, settings in RUNS[data].items()
            if name in (trainings.models or [name])
        }
        good &= trainings.report(data, *report(data, rows))
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
