"""Shared functions of the families' acceptance benchmarks."""

import argparse
import dataclasses
import functools
import json
import time
from pathlib import Path

import numpy as np

from benchmarks.journal import RESULTS, Journal

RUNS = Path("runs/benchmarks")  # trained models, so that an interrupted benchmark can be resumed


def two_gaussians(distance, steps, width=64, batch_size=256, seed=0, **recipe):
    """Trains a critic on N(distance, 1) against N(0, 1) in one dimension, whose Wasserstein distance is `distance`.

    Args:
        distance: Distance between the means.
        steps: Number of critic updates; the generator is not trained.
        width: Width of the critic's two hidden layers.
        batch_size: Number of samples of each side in a step.
        seed: Random seed of weights and samples.
        **recipe: Recipe of the critic.

    Returns:
        The model, and its estimate of the distance on 20,000 new samples of each side, mean D(x) - mean D(G(z)).
    """
    import keras
    from keras import layers, ops

    from kerasgan import LatentModel
    from kerasgan.game.recipe import SGD

    keras.utils.set_random_seed(seed)
    latents, x = keras.Input((1,)), keras.Input((1,))
    generator = keras.Model(latents, layers.Dense(1, kernel_initializer="ones")(latents))
    hidden = layers.Dense(width, "relu")(layers.Dense(width, "relu")(x))
    critic = keras.Model(x, layers.Dense(1)(hidden))
    model = LatentModel((1,), 1, generator=generator, discriminator=critic, seed=seed)
    still = SGD(0.0)
    model.compile(loss="wasserstein", batch_size=batch_size, generator_every=10**6, generator_optimizer=still, **recipe)
    random = np.random.default_rng(seed)
    model.fit(random.normal(distance, 1.0, (batch_size * steps, 1)).astype("float32"), verbose=0)
    real, fake = (random.normal(mean, 1.0, (20_000, 1)).astype("float32") for mean in (distance, 0.0))
    scores = [ops.convert_to_numpy(critic(ops.convert_to_tensor(side))) for side in (real, fake)]
    return model, float(scores[0].mean() - scores[1].mean())


def arguments_of(doc, steps):
    """Parses the command line of a family that is trained on digits.

    Args:
        doc: Docstring of the benchmark.
        steps: Default number of steps of the discriminator.
    """
    parser = argparse.ArgumentParser(description=doc.splitlines()[0])
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--steps", type=int, default=steps, help="of the discriminator, on digits")
    parser.add_argument("--fresh", action="store_true", help="forget the runs so far")
    return parser.parse_args()


@dataclasses.dataclass
class Trainings:
    """Command line of a family with several datasets, and its finished trainings."""

    journal: Journal
    data: list
    models: list | None
    seeds: int | None
    quick: bool

    @classmethod
    def asked_for(cls, doc, name, data, models=()):
        """Reads the command line.

        Args:
            doc: Docstring of the benchmark.
            name: Name of the result files.
            data: Names of the datasets.
            models: Names of the models to choose from, if there are several.
        """
        parser = argparse.ArgumentParser(description=doc.splitlines()[0])
        parser.set_defaults(models=None)
        parser.add_argument("--seeds", type=int, help="instead of the benchmark's own number")
        parser.add_argument("--data", nargs="+", choices=list(data), default=list(data))
        if models:
            parser.add_argument("--models", nargs="+", choices=list(models), help="default: all")
        parser.add_argument("--quick", action="store_true", help="a fiftieth of the steps, to see that it runs")
        parser.add_argument("--fresh", action="store_true", help="forget the results so far")
        asked = parser.parse_args()
        journal = Journal(f"{name}_quick" if asked.quick else name, asked.fresh)
        return cls(journal, asked.data, asked.models, asked.seeds, asked.quick)

    def rows(self, run, steps, seeds=3, **key):
        """Returns the results of one kind of training, one for each seed.

        Args:
            run: Function from seed and steps to a dictionary of numbers.
            steps: Number of steps of a full training.
            seeds: Number of seeds if the command line does not set it.
            **key: Entries that identify the kind.
        """
        steps = steps // 50 if self.quick else steps
        chosen = range(seeds if self.seeds is None else self.seeds)
        return [self.journal.once(functools.partial(run, s, steps), **key, steps=steps, seed=s) for s in chosen]

    def report(self, data, lines, checks):
        """Prints and writes a report, and returns whether all requirements, {sentence: bool}, are met."""
        lines = [*lines, *(f"{'met' if met else 'NOT MET'}: {sentence}" for sentence, met in checks.items())]
        print_and_write(f"{self.journal.path.stem}_{data}", lines)
        return all(checks.values())


def kept_file(benchmark, name, seed, steps):
    """Path of a trained model that is kept.

    Args:
        benchmark: Name of the benchmark.
        name: Name of the model in the benchmark.
        seed: Random seed of the training.
        steps: Number of its steps.
    """
    return RUNS / f"{benchmark}_{name.lower().replace(' ', '_')}_{steps}_{seed}.keras"


def kept(benchmark, name, seed, steps, build, fit, goes_on=False):
    """Trains a model and keeps it in `RUNS`, or reads it from there.

    Args:
        benchmark: See `kept_file`.
        name: See `kept_file`.
        seed: See `kept_file`.
        steps: See `kept_file`.
        build: Function without arguments that returns a compiled model.
        fit: Function that trains a model for a number of steps.
        goes_on: Whether the longest kept training of fewer steps is continued, if there is one.

    Returns:
        The model, as read from the file, and the minutes of processor time of its training.
    """
    import keras

    file = kept_file(benchmark, name, seed, steps)
    if not file.exists():
        shorter = [n for n in range(1, steps) if kept_file(benchmark, name, seed, n).exists()] if goes_on else []
        done = shorter[-1] if shorter else 0
        model, minutes = kept(benchmark, name, seed, done, build, fit) if done else (build(), 0.0)
        start = time.process_time()
        fit(model, steps - done)
        minutes += (time.process_time() - start) / 60
        file.parent.mkdir(parents=True, exist_ok=True)
        file.with_suffix(".json").write_text(json.dumps({"minutes": minutes}))
        model.save(file)
    return keras.saving.load_model(file), json.loads(file.with_suffix(".json").read_text())["minutes"]


def medians(rows, keys):
    """Medians over the rows of a benchmark, and lines that say them.

    Args:
        rows: Results of each seed; an entry is a number or a dictionary of numbers.
        keys: Names of the entries, in the order of the lines.

    Returns:
        A dictionary with the structure of the entries, and a list of lines.
    """
    found: dict = {}
    lines = []
    for key in keys:
        if isinstance(rows[0][key], dict):
            found[key] = {name: float(np.median([row[key][name] for row in rows])) for name in rows[0][key]}
            lines.append(f"{key}: " + ", ".join(f"{name} {value:.3f}" for name, value in found[key].items()))
        else:
            found[key] = float(np.median([row[key] for row in rows]))
            lines.append(f"{key}: {found[key]:.3f}")
    return found, lines


def short_recipe(optimizer):
    """Returns changes to a recipe for short trainings: one optimizer configuration for both players, small batches."""
    both = {"discriminator_optimizer": optimizer, "generator_optimizer": optimizer}
    return {"batch_size": 64, "steps_per_execution": 14, **both}


def latent_quality(fakes, real_train, real_test):
    """Returns scores of unlabelled samples: distance, coverage and a two-sample test against held-out images.

    Args:
        fakes: Generated images in [-1, 1].
        real_train: Real images that the model was trained on.
        real_test: Real images that the model was not trained on.

    Returns:
        {"frechet_distance" (pixels in [0, 1]), "coverage", "recall", "nearest_neighbour"}.
    """
    from kerasgan import metrics

    count = min(len(fakes), len(real_test))
    prdc = metrics.precision_recall_density_coverage(real_test[:count], fakes[:count])
    return {
        "frechet_distance": metrics.frechet_distance(real_test / 2 + 0.5, fakes / 2 + 0.5),
        "coverage": prdc.coverage,
        "recall": prdc.recall,
        "nearest_neighbour": metrics.nearest_neighbour_test(real_test[:count], fakes[:count]).accuracy,
    }


def digits_of(family, sizes, recipe, steps, seeds, journal, kind="digits"):
    """Trains an unlabelled family on one half of the digits and evaluates it on the other, with controls and ceiling.

    Args:
        family: Name of a class of `kerasgan`.
        sizes: Constructor arguments.
        recipe: Changes to the recipe.
        steps: Number of steps of the discriminator.
        seeds: Seeds, with one run for each.
        journal: A `Journal`.
        kind: Name of the runs in the journal.

    Returns:
        Rows of a table, medians over the seeds, and the samples of the last newly trained run (or None).
    """
    import keras

    import kerasgan
    from benchmarks.digits import halves, train
    from kerasgan import metrics

    pictures = []

    def run(seed):
        train_x, test_x, _, _ = halves(seed)
        keras.utils.set_random_seed(seed)
        model = getattr(kerasgan, family)((8, 8, 1), seed=seed, **sizes)
        model.compile(**recipe)
        count = len(test_x)
        numbers = {"untrained (negative control)": latent_quality(model.sample(count, seed), train_x, test_x)}
        train(model, train_x, None, steps)
        flat = train_x.reshape(len(train_x), -1) / 2 + 0.5
        gaussian = metrics.controls.full_gaussian(flat, count, np.random.default_rng(seed))
        diagonal = metrics.controls.diagonal_gaussian(flat, count, np.random.default_rng(seed))
        samples = {
            "diagonal Gaussian": 2 * diagonal.reshape(test_x.shape) - 1,
            "one full Gaussian": 2 * gaussian.reshape(test_x.shape) - 1,
            "raw weights": model.sample(count, seed, ema=False),
            "averaged weights": model.sample(count, seed),
            "real digits (ceiling)": train_x[:count],
        }
        pictures.append(model.sample(100, seed=0))
        return {"numbers": numbers | {name: latent_quality(x, train_x, test_x) for name, x in samples.items()}}

    rows = [journal.once(lambda s=seed: run(s), kind=kind, steps=steps, seed=seed) for seed in seeds]
    head = ("frechet_distance", "coverage", "recall", "nearest_neighbour")
    lines = [f"{family} on digits, {steps} steps, median of {len(rows)} seeds"]
    lines.append(f"{'':32}" + "".join(f"{name:>18}" for name in head))
    for name in rows[0]["numbers"]:
        values = [np.median([row["numbers"][name][key] for row in rows]) for key in head]
        lines.append(f"{name:32}" + "".join(f"{value:18.3f}" for value in values))
    minutes = np.median([row["cpu_seconds"] for row in rows]) / 60
    lines.append(f"{minutes:.1f} CPU-minutes a seed; Fréchet distance in pixels in [0, 1], against held-out digits")
    return lines, pictures[-1] if pictures else None


def print_and_write(name, lines, picture=None, columns=10):
    """Prints a report and writes it as `results/<name>.txt`, with the image beside it."""
    from kerasgan.pictures.images import grid, write_png

    text = "\n".join(lines)
    print(text, flush=True)
    (RESULTS / f"{name}.txt").write_text(text + "\n")
    if picture is not None:
        write_png(RESULTS / f"{name}.png", grid(picture, columns=columns))
