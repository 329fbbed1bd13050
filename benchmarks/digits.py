"""Conditional GANs on real handwritten digits, trained on one half and evaluated on the other.

    python -m benchmarks.digits                      # both families, 3 seeds, about 4 CPU-minutes each
    python -m benchmarks.digits --family dcgan --seeds 1

A GAN is useful here only if it beats one Gaussian per class, which needs no training, so its scores are reported
between those of the Gaussians and of real images. Fréchet distance: pixels in [0, 1], 10 x 90 samples against the other
half; lower is better. CAS: accuracy on the other half of an SVC trained on the samples. Label fidelity: accuracy on the
samples of an SVC trained on real images; with shuffled labels (the negative control) it must drop to chance.
"""

import argparse
import json
import sys
import time
from pathlib import Path

import numpy as np

PER_CLASS = 90
RESULTS = Path(__file__).parent / "results"
RUNS = {
    # Steps are what about 4 CPU-minutes hold.
    "dcgan": {
        "arguments": {"width": 32, "kernel_size": 4},
        "recipe": {"batch_size": 64, "steps_per_execution": 14},
        "steps": 6000,
    },
    # The paper's networks, with Adam in the place of its SGD. The discriminator's rate is five times the generator's,
    # and the generator is without dropout: with equal rates, or noise from dropout, each class collapses to one image.
    "cgan": {
        "arguments": {"dropout": (0.0, 0.5)},
        "recipe": {
            "batch_size": 64,
            "steps_per_execution": 14,
            "discriminator_optimizer": {"class_name": "adam", "config": {"learning_rate": 1e-3, "beta_1": 0.5}},
            "generator_optimizer": {"class_name": "adam", "config": {"learning_rate": 2e-4, "beta_1": 0.5}},
        },
        "steps": 7000,
    },
}
# Demands: median over seeds of the averaged generator.
DEMANDS = {
    "dcgan": {"frechet_distance": ("<=", 0.15), "cas": (">=", 0.97), "fidelity": (">=", 0.97), "shuffled": ("<=", 0.2)},
    "cgan": {"frechet_distance": ("<=", 0.32), "cas": (">=", 0.92), "fidelity": (">=", 0.97), "shuffled": ("<=", 0.2)},
}


def halves(seed):
    """Returns a stratified half/half split of all 1797 digits."""
    from sklearn.model_selection import train_test_split

    from kerasgan import data

    x, y = data.load("digits", split="train+test", as_numpy=True)
    return train_test_split(x, y, test_size=0.5, stratify=y, random_state=seed)


def build(family, seed, arguments=None, recipe=None):
    import keras

    import kerasgan

    keras.utils.set_random_seed(seed)
    model = getattr(kerasgan, family.upper())((8, 8, 1), num_classes=10, seed=seed, **(arguments or {}))
    model.compile(**(recipe or {}))
    return model


def train(model, x, y, steps):
    """Trains for a number of steps and returns the CPU seconds."""
    batch = model.recipe.batch_size
    start = time.process_time()
    model.fit(x, y, epochs=-(-steps // (len(x) // batch)), verbose=0)
    return time.process_time() - start


def judge(fakes, labels, train_x, train_y, test_x, test_y, seed=0):
    """Returns all scores of labelled samples."""
    from kerasgan import metrics

    shuffled = np.random.default_rng(seed).permutation(labels)
    return {
        "frechet_distance": metrics.frechet_distance(test_x / 2 + 0.5, fakes / 2 + 0.5),
        "cas": metrics.classification_accuracy_score(fakes, labels, test_x, test_y),
        "fidelity": metrics.label_fidelity(fakes, labels, train_x, train_y),
        "shuffled": metrics.label_fidelity(fakes, shuffled, train_x, train_y),
    }


def judge_model(model, split, seed):
    """Returns {"ema": scores, "raw": scores} of a model's samples."""
    train_x, test_x, train_y, test_y = split
    labels = np.arange(10 * PER_CLASS) % 10
    return {
        name: judge(
            model.sample(len(labels), seed=seed, labels=labels, ema=name == "ema"),
            labels,
            train_x,
            train_y,
            test_x,
            test_y,
        )
        for name in ("ema", "raw")
    }


def run(family, seed):
    """Trains and evaluates one seed, with an untrained generator and the controls."""
    from benchmarks.digits_controls import controls

    split = halves(seed)
    train_x, test_x, train_y, test_y = split
    settings = RUNS[family]
    model = build(family, seed, settings["arguments"], settings["recipe"])
    untrained = judge_model(model, split, seed)["ema"]
    seconds = train(model, train_x, train_y, settings["steps"])
    return {
        "seed": seed,
        "cpu_seconds": seconds,
        "steps": int(np.asarray(model.iterations)),
        "controls": controls(train_x, train_y, test_x, test_y, seed),
        "untrained": untrained,
        **judge_model(model, split, seed),
    }, model


def report(family, runs):
    """Returns the table of a family's runs, and whether the requirements are met."""

    def median(*path):
        values = []
        for result in runs:
            for key in path:
                result = result[key]
            values.append(result)
        return float(np.median(values))

    cas, distance = ("controls", "classification_accuracy_score"), ("controls", "frechet_distance")
    rows = {
        "class mean (a collapsed GAN)": (median(*distance, "class mean"), median(*cas, "class mean")),
        "diagonal Gaussian per class": (median(*distance, "diagonal Gaussian"), median(*cas, "diagonal Gaussian")),
        "full Gaussian per class": (median(*distance, "full Gaussian"), median(*cas, "full Gaussian")),
        "real digits (ceiling)": (median(*distance, "real"), median(*cas, "real")),
    }
    lines = [
        f"{family.upper()} on digits, median of {len(runs)} seeds, {runs[0]['steps']} steps, "
        f"{median('cpu_seconds') / 60:.1f} CPU-minutes a seed",
        f"{'':34}{'Fréchet distance':>18}{'CAS':>9}{'fidelity':>10}{'shuffled':>10}",
    ]
    lines += [f"{name:34}{d:18.3f}{c:9.3f}" for name, (d, c) in rows.items()]
    for name in ("untrained", "raw", "ema"):
        numbers = {key: median(name, key) for key in DEMANDS[family]}
        label = {"ema": "averaged weights", "raw": "raw weights"}.get(name, "untrained (negative control)")
        lines.append(
            f"{label:34}{numbers['frechet_distance']:18.3f}{numbers['cas']:9.3f}"
            f"{numbers['fidelity']:10.3f}{numbers['shuffled']:10.3f}"
        )
    demands = DEMANDS[family]
    lines.append(
        f"{'demanded of averaged weights':34}"
        + "".join(
            f"{f'{sign} {limit}':>{width}}"
            for (sign, limit), width in zip(demands.values(), (18, 9, 10, 10), strict=True)
        )
    )
    met = all(
        median("ema", key) <= limit if sign == "<=" else median("ema", key) >= limit
        for key, (sign, limit) in demands.items()
    )
    seeds = ", ".join(f"{r['ema']['frechet_distance']:.3f}/{r['ema']['cas']:.3f}" for r in runs)
    lines.append(f"each seed (Fréchet/CAS): {seeds}. {'All demands met.' if met else 'DEMANDS NOT MET.'}")
    return "\n".join(lines), met


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--family", choices=list(RUNS), action="append", help="default: all")
    parser.add_argument("--seeds", type=int, default=3)
    arguments = parser.parse_args()
    good = True
    for family in arguments.family or RUNS:
        runs = []
        for seed in range(arguments.seeds):
            result, model = run(family, seed)
            runs.append(result)
            print(
                json.dumps({"family": family, **{k: result[k] for k in ("seed", "cpu_seconds", "ema", "raw")}}),
                flush=True,
            )
        text, met = report(family, runs)
        good &= met
        print("\n" + text + "\n", flush=True)
        (RESULTS / f"digits_{family}.txt").write_text(text + "\n")
        (RESULTS / f"digits_{family}.json").write_text(json.dumps(runs, indent=1) + "\n")
        from kerasgan.pictures.images import grid, write_png

        write_png(
            RESULTS / f"digits_{family}.png", grid(model.sample(100, seed=0, labels=np.arange(100) % 10), columns=10)
        )
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
