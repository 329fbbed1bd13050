"""Does `GANHealth` detect faults, without false alarms? Deliberate faults in trainings on the ring and on digits.

    python -m benchmarks.faults                      # every row, 5 seeds
    python -m benchmarks.faults --fault hopping --seeds 2
    python -m benchmarks.faults --quick              # one seed of each row
    python -m benchmarks.faults --seeds 0            # the table of what has been run

Each run is appended to `results/faults.jsonl`; existing runs are not repeated.

A fault is detected if one of the expected findings occurs in time, within 2,000 steps unless the row states otherwise.
The next column lists forbidden findings. For healthy runs, false alarms are counted: the fraction of evaluations after
the warm-up of 500 steps at which any rule holds. Evaluations run every 100 steps, without a time budget.
"""

import argparse
import dataclasses
import functools
import json
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

from benchmarks.journal import RESULTS, Journal

RUNS = Journal("faults")
FALSE_ALARMS = 0.05
CONFIDENT = {"collapse", "collapse_within_class", "duplicates"}


@dataclasses.dataclass(frozen=True)
class Row:
    """A kind of training.

    Args:
        fault: Description of the fault.
        data: Name of the data, "ring", "ring2" or "digits".
        build: Function from the seed to a compiled model.
        expected: Findings of which one must occur; empty for a healthy training.
        forbidden: Findings that must not occur.
        steps: Number of steps of the discriminator.
        within: Largest number of steps until the finding.
        demanded: Fraction of the seeds in which the fault must be found.
        reals: Number of real samples to train on; None for all.
    """

    fault: str
    data: str
    build: Callable
    expected: frozenset = frozenset()
    forbidden: frozenset = frozenset()
    steps: int = 2000
    within: int = 2000
    demanded: float = 1.0
    reals: int | None = None


@functools.cache
def load(name):
    """Returns (training samples, labels, unseen samples, labels, options of GANHealth)."""
    from kerasgan import data

    (x, y), (test_x, test_y) = (
        data.load("digits" if name == "digits" else f"gaussians/{name}", split=s, as_numpy=True)
        for s in ("train", "test")
    )
    if name == "digits":
        from sklearn.svm import SVC

        judge = SVC(C=10).fit(np.concatenate([x, test_x]).reshape(-1, 64), np.concatenate([y, test_y]))
        return x, y, test_x, test_y, {"classifier": lambda images: judge.predict(np.reshape(images, (-1, 64)))}
    from kerasgan.data.builders.gaussians import Gaussians

    scale = x.std()  # what penalties and rates are quoted for
    return x / scale, y, test_x / scale, test_y, {"modes": Gaussians(name).modes / scale}


def adam(rate, beta_1=0.5, **options):
    return {"class_name": "adam", "config": {"learning_rate": rate, "beta_1": beta_1, **options}}


def perceptron(inputs, outputs, name, hidden=3, activation=None, scale=1.0, **options):
    import keras
    from keras import layers

    first = x = keras.Input((inputs,), name="latents" if name == "generator" else "images")
    if scale != 1.0:
        x = layers.Rescaling(scale)(x)
    for _ in range(hidden):
        x = layers.Dense(128, activation=activation or keras.layers.LeakyReLU(0.2), **options)(x)
    return keras.Model(first, layers.Dense(outputs, **options)(x), name=name)


def ring(seed, model_class=None, latent_dim=2, generator=None, discriminator=None, **recipe):
    """Returns a compiled model of points, with perceptrons of three layers by default."""
    import kerasgan
    from kerasgan.run import set_random_seed

    set_random_seed(seed)
    model = (model_class or kerasgan.LatentModel)(
        (2,),
        latent_dim,
        generator=generator() if generator else perceptron(latent_dim, 2, "generator", kernel_initializer="he_normal"),
        discriminator=discriminator()
        if discriminator
        else perceptron(2, 1, "discriminator", kernel_initializer="he_normal"),
        seed=seed,
    )
    rates = {"discriminator_optimizer": adam(1e-3), "generator_optimizer": adam(1e-3)}
    model.compile(**{"batch_size": 256, "steps_per_execution": 20, **rates, **recipe})
    return model


def digits(seed, model_class=None, num_classes=None, **recipe):
    """Returns a compiled small DCGAN of digits."""
    import kerasgan
    from kerasgan.run import set_random_seed

    set_random_seed(seed)
    model = (model_class or kerasgan.DCGAN)((8, 8, 1), num_classes=num_classes, width=16, kernel_size=4, seed=seed)
    model.compile(**{"batch_size": 64, "steps_per_execution": 1, **recipe})
    return model


def r3(seed):
    from kerasgan.objectives.penalties import R1, R2

    return ring(seed, loss="relativistic_paired", penalties=(R1(1e-3), R2(1e-3)))


def wgan_gp(seed):
    from kerasgan.objectives.penalties import GradientPenalty

    rates = {f"{player}_optimizer": adam(1e-3, beta_2=0.9) for player in ("discriminator", "generator")}
    return ring(seed, loss="wasserstein", penalties=(GradientPenalty(0.1),), generator_every=5, **rates)


def metz(seed):
    """Metz et al. 2017, appendix A: a weak discriminator on the ring of radius 2, not unrolled."""
    import keras

    def orthogonal():
        return keras.initializers.Orthogonal(0.8, seed=seed)

    options = {"activation": "relu"}
    return ring(
        seed,
        latent_dim=256,
        generator=lambda: perceptron(256, 2, "generator", 2, kernel_initializer=orthogonal(), **options),
        discriminator=lambda: perceptron(
            2, 1, "discriminator", 1, scale=0.25, kernel_initializer=orthogonal(), **options
        ),
        loss="non_saturating",
        batch_size=512,
        discriminator_optimizer=adam(1e-4),
        generator_optimizer=adam(1e-4),
    )


def too_strong(seed, build=ring):
    return build(seed, loss="minimax", discriminator_optimizer=adam(0.01), generator_optimizer=adam(2e-4))


def one_sample(seed, build=ring):
    """Replaces all samples of a batch by the first one, with a little noise."""
    import keras
    from keras import ops

    import kerasgan

    class Collapsed(kerasgan.LatentModel if build is ring else kerasgan.DCGAN):
        def generated(self, batch):
            samples = super().generated(batch)
            noise = 1e-3 * keras.random.normal(ops.shape(samples), seed=self.random)
            return samples[:1] + ops.cast(noise, samples.dtype)

        def sample(self, count, seed=0, labels=None, ema=True, batch_size=64, **_):
            one = super().sample(1, seed, labels, ema=ema)
            return one + 1e-3 * np.random.default_rng(seed).standard_normal((count, *one.shape[1:])).astype("float32")

    return build(seed, Collapsed)


def six_digits(seed):
    """Rejects samples of the digits 6 to 9."""
    import kerasgan

    judge = load("digits")[4]["classifier"]

    class Rejecting(kerasgan.DCGAN):
        def sample(self, count, seed=0, labels=None, ema=True, batch_size=64, **_):
            samples = super().sample(4 * count, seed, labels, ema=ema, batch_size=batch_size)
            kept = samples[judge(samples) < 6][:count]
            return np.resize(kept, (count, *samples.shape[1:])) if len(kept) else samples[:count]

    return digits(seed, Rejecting)


def without_labels(seed):
    """Passes the label 0 to the generator for all requested labels."""
    import keras

    import kerasgan

    class Blind(kerasgan.DCGAN):
        def build_generator(self):
            sighted = super().build_generator()
            latents, labels = (keras.Input(x.shape[1:], dtype=x.dtype, name=x.name) for x in sighted.inputs)
            return keras.Model([latents, labels], sighted([latents, labels * 0]), name="generator")

    return digits(seed, Blind, num_classes=10)


def few_reals(seed, build=digits):
    return build(seed)


ROWS = {
    "strong_ring": Row("lr_D x 50, saturating loss", "ring", too_strong, frozenset({"discriminator_too_strong"})),
    "strong_digits": Row(
        "lr_D x 50, saturating loss", "digits", lambda s: too_strong(s, digits), frozenset({"discriminator_too_strong"})
    ),
    "one_ring": Row("all samples are one", "ring", one_sample, frozenset({"collapse"})),
    "one_digits": Row("all samples are one", "digits", lambda s: one_sample(s, digits), frozenset({"collapse"})),
    "classes": Row(
        "4 of 10 classes rejected",
        "digits",
        six_digits,
        frozenset({"coverage", "missing_classes"}),
        frozenset({"collapse", "oscillation", "mode_hopping"}),
    ),
    "hopping": Row(
        "Metz ring, not unrolled",
        "ring2",
        metz,
        frozenset({"mode_hopping", "oscillation"}),
        demanded=0.8,
    ),
    "labels": Row("labels zeroed in G", "digits", without_labels, frozenset({"labels_ignored"}), frozenset(CONFIDENT)),
    "overfitting": Row("50 reals", "digits", few_reals, frozenset({"discriminator_overfits"}), reals=50),
    "healthy_r3": Row("healthy: R3GAN", "ring", r3, steps=4000),
    "healthy_wgan_gp": Row("healthy: WGAN-GP", "ring", wgan_gp, steps=10_000),
    "healthy_digits": Row("healthy: conditional DCGAN", "digits", lambda s: digits(s, num_classes=10)),
}


def run(name, seed, folder=None):
    """Trains one row's model with one seed, and returns the record with the findings and their steps."""
    from rich.console import Console

    from kerasgan.callbacks import GANHealth

    row = ROWS[name]
    x, y, test_x, test_y, options = load(row.data)
    x, y = x[: row.reals], y[: row.reals]
    looked_at = x, y
    if row.reals:  # as often as makes epochs of some steps
        x, y = np.tile(x, (20, *[1] * (x.ndim - 1))), np.tile(y, 20)
    model = row.build(seed)
    batch = min(model.recipe.batch_size, len(x))
    call = batch * model.steps_per_execution
    if len(x) >= call:  # whole calls in an epoch
        x, y = x[: len(x) // call * call], y[: len(x) // call * call]
    labels = model.num_classes
    health = GANHealth(
        looked_at if labels else looked_at[0],
        (test_x, test_y) if labels else test_x,
        folder and Path(folder) / f"{name}-{seed}",
        budget=None,
        console=Console(quiet=True),
        **options,
    )
    start = time.process_time()
    model.fit(x, y if labels else None, batch, epochs=-(-row.steps // (len(x) // batch)), verbose=0, callbacks=[health])
    found = {finding.name: finding.step for finding in health.findings}
    late = [past for past in health.history if past["step"] >= 500]
    return {
        "row": name,
        "seed": seed,
        "found": found,
        "detected": any(step <= row.within for name, step in found.items() if name in row.expected),
        "wrong": sorted(row.forbidden & set(found)),
        "alarms": sum(bool(past["flags"]) for past in late),
        "evaluations": len(late),
        "cpu_seconds": round(time.process_time() - start, 1),
    }, health


def runs_so_far():
    """Returns {row: its runs}, in the order of the table."""
    runs = RUNS.rows()
    found = {name: sorted((r for r in runs if r["row"] == name), key=lambda r: r["seed"]) for name in ROWS}
    return {name: each for name, each in found.items() if each}


def passed(row, runs):
    """Returns whether the requirements of a row are met."""
    if not row.expected:
        return sum(r["alarms"] for r in runs) <= FALSE_ALARMS * sum(r["evaluations"] for r in runs)
    return sum(r["detected"] and not r["wrong"] for r in runs) >= row.demanded * len(runs)


def table(results):
    """Returns a Markdown table of all rows' runs."""
    lines = [
        "| fault | data | expected (in time) | seeds | found at step, in the median: (seeds) | must not | verdict |",
        "|---|---|---|---|---|---|---|",
    ]
    for name, runs in results.items():
        row = ROWS[name]
        names = sorted({found for r in runs for found in r["found"]})
        found = [(n, [r["found"][n] for r in runs if n in r["found"]]) for n in names]
        text = ", ".join(f"{n} {int(np.median(steps)):,} ({len(steps)})" for n, steps in found) or "nothing"
        if row.expected:
            counted = f"{sum(r['detected'] for r in runs)}/{len(runs)}"
            expected = f"{' or '.join(sorted(row.expected))} ({row.within:,})"
            wrong = sorted({w for r in runs for w in r["wrong"]})
            unwanted = f"{', '.join(sorted(row.forbidden)) or '-'}{': came ' + ', '.join(wrong) if wrong else ''}"
        else:
            alarms, evaluations = (sum(r[k] for r in runs) for k in ("alarms", "evaluations"))
            counted, expected = str(len(runs)), "nothing"
            unwanted = f"anything: {alarms} of {evaluations} evaluations ({100 * alarms / evaluations:.1f} %)"
        verdict = "ok" if passed(row, runs) else "MISSED"
        lines.append(f"| {row.fault} | {row.data} | {expected} | {counted} | {text} | {unwanted} | {verdict} |")
    return "\n".join(lines)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--fault", choices=list(ROWS), action="append", help="default: all")
    parser.add_argument("--quick", action="store_true", help="one seed")
    parser.add_argument("--folder", help="for the page of each run")
    arguments = parser.parse_args()
    for seed in range(1 if arguments.quick else arguments.seeds):
        for name in arguments.fault or ROWS:
            if seed in (past["seed"] for past in runs_so_far().get(name, [])):
                continue
            result, _ = run(name, seed, arguments.folder)
            print(json.dumps(result), flush=True)
            RUNS.add(result)
    results = runs_so_far()
    text = table(results)
    print("\n" + text)
    if set(results) == set(ROWS):
        about = " ".join(__doc__.split("\n\n")[-1].split())
        (RESULTS / "faults.md").write_text(
            f"# Faults that GANHealth finds\n\n    python -m benchmarks.faults\n\n{about}\n\n{text}\n"
        )
    return int(not all(passed(ROWS[name], runs) for name, runs in results.items()))


if __name__ == "__main__":
    sys.exit(main())
