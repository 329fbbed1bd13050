"""`kerasgan sensitivity`: how much a method's result depends on the settings that nobody wants to tune.

A grid of learning rates, first decays of Adam and critic steps, several seeds each, at equal compute; how many of its
cells succeed, their median and their spread (Lucic et al. 2018, "Are GANs Created Equal?": with enough tuning most
losses tie, so what differs is how much tuning they need).
"""

import argparse
import dataclasses
import functools
import importlib.util
import itertools
import json
import math
import time
from pathlib import Path
from typing import Any

import keras
import numpy as np
from keras import layers

from kerasgan import run, settings
from kerasgan.adversarial import AdversarialModel
from kerasgan.data import load
from kerasgan.data.builders.gaussians import MIXTURES, Gaussians
from kerasgan.files import replacing, write_json
from kerasgan.latent import LatentModel, LatentRecipe
from kerasgan.metrics import frechet_distance, mixture_modes
from kerasgan.metrics.features import NAMES

RATES, DECAYS, CRITIC_STEPS = (0.25, 1.0, 4.0), (0.0, 0.5), (1, 5)
AXES = ("rate", "beta_1", "generator_every")  # of the grid, besides the seed
BASE_RATES = {"vectors": 1e-3, "images": 2e-4}
WIDTH, LATENTS, BATCH = 128, 2, 256  # of the networks for vectors
REVERSE_KL = 0.1  # of a mixture whose modes are all filled: success
FACTOR = 2.0  # of the best setting's median: success for images


@dataclasses.dataclass(frozen=True)
class Study:
    """What is trained in each cell of a grid, and how it is judged.

    Images are learned by the family's own networks. Mixtures of Gaussians, known by the names "ring", "grid" and the
    other configurations of the data set `gaussians`, are learned by one architecture for all families, so that only
    loss, penalties and packing differ: three hidden layers of 128 leaky ReLUs, batches of 256, latents from N(0, I) in
    two dimensions, the data scaled to unit deviation for training (penalties count in these units).

    Every player uses Adam with the cell's rate and first decay, other arguments as the recipe's Adam has them. Compute
    is counted in updates: gradient evaluations of the discriminator and of the generator, each on one batch; a
    regularised one counts once. With n critic steps to a generator's, `updates * n // (n + 1)` steps are taken.

    What is judged is the averaged generator: a mixture by the reverse KL of 2,500 samples over the modes, plus one for
    each mode that is not filled (`kerasgan.metrics.mixture_modes`), so that up to 0.1 all modes are; images by the
    Fréchet distance to the training images in the named features. Lower is better, and a model that diverged has an
    infinite one.

    Args:
        family: subclass of `kerasgan.LatentModel`.
        data: name of a mixture, or what `kerasgan.data.load` takes.
        updates: of both players together, in each cell.
        arguments: constructor arguments.
        recipe: changes to the family's recipe.
        base_rate: learning rate that the grid multiplies; 1e-3 for mixtures, 2e-4 for images by default.
        threshold: metric up to which a cell succeeds; by default 0.1 for mixtures, and for images twice the median of
            the best setting.
        features: of the Fréchet distance.
        samples: generated to judge a model.
        rates: multiples of `base_rate`.
        decays: first decays of Adam.
        critic_steps: discriminator updates for each of the generator.
        seeds: number of seeds, 0, 1, ...
    """

    family: type[AdversarialModel]
    data: str
    updates: int = 20_000
    arguments: dict[str, Any] = dataclasses.field(default_factory=dict)
    recipe: dict[str, Any] = dataclasses.field(default_factory=dict)
    base_rate: float | None = None
    threshold: float | None = None
    features: str = "pixels"
    samples: int = 2_500
    rates: tuple[float, ...] = RATES
    decays: tuple[float, ...] = DECAYS
    critic_steps: tuple[int, ...] = CRITIC_STEPS
    seeds: int = 3

    def __post_init__(self):
        if not issubclass(self.family, LatentModel):
            raise ValueError(
                f"{self.family.__name__} does not turn latents into samples, expected a family that does: gan, dcgan, "
                "wgan_gp, ..."
            )

    @property
    def is_mixture(self):
        """Whether the data are a mixture of Gaussians."""
        return self.data.removeprefix("gaussians/") in MIXTURES

    @functools.cached_property
    def mixture(self):
        """The `Gaussians` that the data come from."""
        return Gaussians(self.data.removeprefix("gaussians/"))

    @functools.cached_property
    def real(self):
        """(samples, labels or None) to train with, mixtures in their own units."""
        if self.is_mixture:
            return load(self.mixture.full_name, labels=False, as_numpy=True), None
        always = settings.constructor_arguments(self.family).get("num_classes") is settings.REQUIRED
        labels = bool(always or self.arguments.get("num_classes"))
        found = load(self.data, labels=labels, as_numpy=True)
        return found if labels else (found, None)

    @functools.cached_property
    def scale(self):
        """What samples are divided by in training: the deviation of a mixture, 1 for images."""
        return float(self.real[0].std()) if self.is_mixture else 1.0

    def cells(self):
        """All cells of the grid in their order, as dictionaries of the arguments of `model`."""
        axes = (self.rates, self.decays, self.critic_steps, range(self.seeds))
        return [dict(zip((*AXES, "seed"), values, strict=True)) for values in itertools.product(*axes)]

    def settings(self):
        """What the result of a cell depends on, JSON-ready: one flat dictionary."""
        recipe = self.family.recipe.replace(**self._changes(self.rates[0], self.decays[0], self.critic_steps[0]))
        recipe = {name: value for name, value in recipe.get_config().items() if name != "generator_every"}
        return json.loads(
            json.dumps(
                {
                    "family": self.family.__name__,
                    "engine": keras.backend.backend(),
                    **{f"model.{name}": value for name, value in self._constructor().items()},
                    **{f"recipe.{name}": value for name, value in recipe.items() if not name.endswith("_optimizer")},
                    **{name: getattr(self, name) for name in ("data", "updates", "features", "samples")},
                    **{name: getattr(self, name) for name in ("rates", "decays", "critic_steps", "seeds")},
                    "base_rate": self._base_rate,
                },
                default=repr,
            )
        )

    @property
    def _base_rate(self):
        return self.base_rate or BASE_RATES["vectors" if self.is_mixture else "images"]

    def _constructor(self):
        x, y = self.real
        classes = {} if y is None else {"num_classes": int(y.max()) + 1}
        latents = {"latent_dim": LATENTS} if self.is_mixture else {}
        return {"image_shape": x.shape[1:], **latents, **classes, **self.arguments}

    def model(self, rate, beta_1, generator_every, seed=0):
        """The compiled model of a cell.

        Args:
            rate: multiple of the base rate, for both players.
            beta_1: first decay of Adam.
            generator_every: discriminator updates for each of the generator.
            seed: of the initial weights and of all that is drawn.
        """
        run.set_random_seed(seed)
        arguments, family, inside = self._constructor(), self.family, 1
        changes = self._changes(rate, beta_1, generator_every)
        if self.is_mixture:
            size, family = arguments["image_shape"][0], LatentModel
            arguments["generator"] = _network("generator", arguments["latent_dim"], size)
            arguments["discriminator"] = _network("discriminator", arguments.get("packing", 1) * size, 1)
            inside = self._steps_in_a_call(generator_every, changes["batch_size"])
        model = family(**arguments, seed=seed)
        model.compile(**changes, steps_per_execution=inside)
        return model

    def _changes(self, rate, beta_1, generator_every):
        """What a cell changes in the recipe: of the family, or of `LatentModel` where that learns a mixture."""
        recipe, changes = self.family.recipe, {}
        if self.is_mixture:
            changes = {field.name: getattr(recipe, field.name) for field in dataclasses.fields(LatentRecipe)}
            changes["batch_size"] = BATCH * self.arguments.get("packing", 1)
        for player in recipe.optimizers():
            field = f"{player}_optimizer"
            changes[field] = self._adam(getattr(recipe, field), rate, beta_1)
        return changes | self.recipe | {"generator_every": generator_every}

    def _steps_in_a_call(self, generator_every, batch_size):
        """Tiny networks wait for Python otherwise: up to 20 steps, so that no pass over the data ends within a call."""
        passed = math.gcd(self.steps(generator_every), len(self.real[0]) // batch_size)
        return max(steps for steps in range(1, 21) if passed % steps == 0)

    def _adam(self, optimizer, rate, beta_1):
        config = optimizer["config"] if isinstance(optimizer, dict) and optimizer["class_name"] == "adam" else {}
        return keras.optimizers.Adam(**config | {"learning_rate": rate * self._base_rate, "beta_1": beta_1})

    def steps(self, generator_every):
        """Steps of a cell: each is an update of the discriminator, every n-th one also of the generator."""
        return max(1, self.updates * generator_every // (generator_every + 1))

    def train(self, model, callbacks=()):
        """Trains a cell's model for as many updates as any other's; whole passes over the data, then a part of one."""
        x, y = self.real
        x, size = (x / np.float32(self.scale)).astype("float32"), min(model.recipe.batch_size, len(x))
        passes, rest = divmod(self.steps(model.recipe.generator_every), len(x) // size)
        options = {"batch_size": size, "verbose": 0, "callbacks": list(callbacks)}
        if passes:
            model.fit(x, y, epochs=passes, **options)
        if rest:
            chosen = np.random.default_rng(model.seed).permutation(len(x))[: rest * size]
            model.fit(x[chosen], None if y is None else y[chosen], initial_epoch=passes, epochs=passes + 1, **options)

    def judge(self, model):
        """The metric of a model's averaged generator, and what else is known: `{"metric": ..., ...}`."""
        samples = model.sample(self.samples, seed=model.seed, batch_size=self.samples if self.is_mixture else 64)
        if not np.isfinite(samples).all():
            return {"metric": math.inf}
        if not self.is_mixture:
            real = self.real[0]
            real = real[np.random.default_rng(0).permutation(len(real))[: self.samples]]
            return {"metric": frechet_distance(real, samples, self.features)}
        found = mixture_modes(samples * self.scale, self.mixture.modes, self.mixture.sigma)
        modes = found.modes
        divergence = modes.reverse_kl if modes.counts.any() else math.log(len(modes.counts))
        return {
            "metric": divergence + len(modes.counts) - modes.filled,
            "modes": modes.filled,
            "reverse_kl": divergence,
            "high_quality": found.high_quality,
        }

    def row(self, cell):
        """Trains and judges one cell: a line of `cells.jsonl`."""
        started = time.perf_counter()
        model = self.model(**cell)
        self.train(model)
        updates = {player: int(optimizer.iterations) for player, optimizer in model.optimizer.players.items()}
        judged = {name: value if np.isfinite(value) else None for name, value in self.judge(model).items()}
        return {**cell, **judged, "updates": updates, "seconds": round(time.perf_counter() - started, 2)}


def _network(name, inputs, outputs):
    """Three hidden layers of 128 leaky ReLUs."""
    first = x = keras.Input((inputs,), name="latents" if name == "generator" else "images")
    for _ in range(3):
        x = layers.LeakyReLU(0.2)(layers.Dense(WIDTH, kernel_initializer="he_normal")(x))
    return keras.Model(first, layers.Dense(outputs)(x), name=name)


# The folder of a study ------------------------------------------------------------------------------------------------


def measure(study, folder, progress=None):
    """Trains all cells that a folder does not have yet, and writes its report.

    `settings.json` says what was trained, `cells.jsonl` has a line for each cell (a metric of null is an infinite one),
    and a line is there whole or not at all; `report.md`, `report.json` and `sensitivity.png` sum them up.

    Args:
        study: a `Study`.
        folder: where a study that was interrupted goes on, if it is the same.
        progress: called with the rows so far and the number of all cells before the first cell and after each.

    Returns:
        The report, as `summary` gives it.

    Raises:
        ValueError: if the folder holds another study; the message says what differs.
        ModuleNotFoundError: if Matplotlib is not installed, before anything is trained.
    """
    if importlib.util.find_spec("matplotlib") is None:  # rather now than after hours
        raise ModuleNotFoundError("The report's picture needs Matplotlib: pip install 'kerasgan[tuning]'.")
    folder, about = Path(folder), study.settings()
    take_up(folder, about)
    path, cells = folder / "cells.jsonl", study.cells()
    rows = read(path)
    known = [{name: row[name] for name in cells[0]} for row in rows]
    if progress:
        progress(rows, len(cells))
    for cell in cells:
        if cell in known:
            continue
        rows.append(study.row(cell))
        with replacing(path) as file:
            file.write("".join(json.dumps(row) + "\n" for row in rows).encode())
        if progress:
            progress(rows, len(cells))
    report = summary(rows, study.threshold, study.is_mixture)
    write_json(folder / "report.json", {"settings": about, **report})
    with replacing(folder / "report.md") as file:
        file.write(markdown(study, report).encode())
    plot(folder / "sensitivity.png", study, rows, report)
    return report


def read(path):
    """The rows of a `cells.jsonl`; none where there is none."""
    return [json.loads(line) for line in path.read_text("utf-8").splitlines()] if path.exists() else []


def take_up(folder, now):
    """Writes a study's settings into its folder, or refuses a folder that has others.

    Raises:
        ValueError: that names what differs.
    """
    path = folder / "settings.json"
    if not path.exists():
        write_json(path, now)
        return
    before = json.loads(path.read_text("utf-8"))
    names = dict.fromkeys([*before, *now])
    changes = [f"{n} was {before.get(n)!r} and is {now.get(n)!r} now" for n in names if before.get(n) != now.get(n)]
    if changes:
        raise ValueError(
            f"{folder} holds another study: {'; '.join(changes)}. Go on with the same settings, or begin a new one in "
            "another folder."
        )


def summary(rows, threshold=None, mixture=False):
    """What a grid says: success rate, median and quartiles, of all cells and of each setting over its seeds.

    Args:
        rows: of `cells.jsonl`.
        threshold: metric up to which a cell succeeds; None for the default rule of the data.
        mixture: whether the data are a mixture of Gaussians.

    Returns:
        `{"threshold": ..., "cells": n, "success": share, "median": ..., "quartiles": [lower, upper], "settings":
        [{"rate": ..., "beta_1": ..., "generator_every": ..., and the same}]}`; null for infinite numbers.
    """
    groups: dict[tuple, list[float]] = {}
    for row in rows:
        metric = math.inf if row["metric"] is None else row["metric"]
        groups.setdefault(tuple(row[name] for name in AXES), []).append(metric)
    if threshold is None:
        best = min(_quantile(values, 0.5) for values in groups.values())
        threshold = REVERSE_KL if mixture else FACTOR * best

    def described(values):
        lower, median, upper = (_finite(_quantile(values, q)) for q in (0.25, 0.5, 0.75))
        success = float(np.mean([math.isfinite(value) and value <= threshold for value in values]))
        return {"cells": len(values), "success": success, "median": median, "quartiles": [lower, upper]}

    return {
        "threshold": _finite(threshold),
        **described([value for values in groups.values() for value in values]),
        "settings": [
            {**dict(zip(AXES, setting, strict=True)), **described(values)} for setting, values in groups.items()
        ],
    }


def _quantile(values, share):
    """A quantile of numbers some of them infinite; between a finite and an infinite one lies an infinite one."""
    ordered, place = sorted(values), share * (len(values) - 1)
    low, high = ordered[math.floor(place)], ordered[math.ceil(place)]
    return low if low == high else low + (high - low) * (place - math.floor(place))


def _finite(value):
    return value if math.isfinite(value) else None


def markdown(study, report):
    """The report as a page."""
    kind = "reverse KL + number of unfilled modes" if study.is_mixture else f"Fréchet distance in {study.features}"
    lines = [
        f"# {study.family.__name__} on {study.data}",
        "",
        f"{report['cells']} cells of {study.updates:,} updates of discriminator and generator together; base rate "
        f"{study._base_rate:g}. Metric: {kind}, of {study.samples:,} samples of the averaged generator; lower is "
        f"better. A cell succeeds up to {_number(report['threshold'])}.",
        "",
        f"**Success in {report['success']:.0%} of the cells**, median {_number(report['median'])}, quartiles "
        f"{' to '.join(map(_number, report['quartiles']))}.",
        "",
        "| rate | beta_1 | critic steps | success | median | quartiles |",
        "|---|---|---|---|---|---|",
    ]
    for row in report["settings"]:
        lines.append(
            f"| {row['rate']:g} | {row['beta_1']:g} | {row['generator_every']} | {row['success']:.0%} | "
            f"{_number(row['median'])} | {' to '.join(map(_number, row['quartiles']))} |"
        )
    return "\n".join([*lines, ""])


def _number(value):
    return "∞" if value is None else f"{value:.3g}"


def plot(path, study, rows, report):
    """Draws the success rate of each setting, and the metrics of all cells in order, as a PNG file."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(10, 4), layout="constrained")
    left, right = figure.subplots(1, 2)
    columns = list(itertools.product(study.critic_steps, study.decays))
    success = np.full((len(study.rates), len(columns)), np.nan)
    for row in report["settings"]:
        place = study.rates.index(row["rate"]), columns.index((row["generator_every"], row["beta_1"]))
        success[place] = row["success"]
        text = f"{row['success']:.0%}\n{_number(row['median'])}"
        left.text(*place[::-1], text, ha="center", va="center", color="black" if row["success"] > 0.4 else "white")
    left.imshow(success, vmin=0, vmax=1, cmap="viridis", aspect="auto")
    left.set_xticks(range(len(columns)), [f"{steps} critic steps\nβ₁ = {decay:g}" for steps, decay in columns])
    left.set_yticks(range(len(study.rates)), [f"{rate:g}" for rate in study.rates])
    left.set_ylabel(f"learning rate / {study._base_rate:g}")
    left.set_title(f"success {report['success']:.0%}; below, the median")
    finite = sorted(row["metric"] for row in rows if row["metric"] is not None)
    right.plot(range(1, len(finite) + 1), finite, "o")
    if report["threshold"] is not None:
        right.axhline(report["threshold"], color="gray", linestyle="--", label=f"success: {report['threshold']:.3g}")
        right.legend()
    if finite and finite[0] > 0:
        right.set_yscale("log")
    right.set_xlim(0, len(rows) + 1)
    right.set_xlabel(f"cells in order; {len(rows) - len(finite)} of {len(rows)} diverged")
    right.set_title("reverse KL + unfilled modes" if study.is_mixture else f"Fréchet distance ({study.features})")
    figure.suptitle(f"{study.family.__name__} on {study.data}, {study.updates:,} updates a cell")
    with replacing(path) as file:
        figure.savefig(file, format="png", dpi=100)


# The command ----------------------------------------------------------------------------------------------------------


def add_parser(commands):
    """Adds `sensitivity` to the sub-commands of a parser."""
    about = "Trains a grid of learning rates, decays and critic steps at equal compute; says how many cells succeed."
    one = commands.add_parser("sensitivity", help=about, description=about)
    one.set_defaults(command=sensitivity)
    one.add_argument("--debug", action="store_true", help="show the traceback of an error")
    one.add_argument("family", metavar="FAMILY", help="class of kerasgan.models in lower case, such as dcgan")
    one.add_argument("--data", required=True, metavar="NAME", help=f"{', '.join(MIXTURES)}, or as for `kerasgan train`")
    one.add_argument("--updates", type=_positive, default=20_000, metavar="N", help="of both players (default: 20000)")
    one.add_argument("--seeds", type=_positive, default=3, metavar="N", help="of each setting (default: 3)")
    one.add_argument("--rate", type=float, metavar="R", help="that the grid multiplies (default: 1e-3; images 2e-4)")
    one.add_argument("--threshold", type=float, metavar="T", help="metric up to which a cell succeeds")
    one.add_argument(
        "--features", choices=NAMES, default="pixels", metavar="NAME", help=f"for images: {', '.join(NAMES)}"
    )
    one.add_argument(
        "--set", nargs="+", action="extend", default=[], metavar="NAME=VALUE", help="as for `kerasgan train`"
    )
    one.add_argument("--out", metavar="DIR", help="folder of the study, taken up where it stopped")


def sensitivity(arguments):
    """Trains a grid of learning rates, decays and critic steps at equal compute; says how many cells succeed."""
    from kerasgan import models

    families = {name.lower(): getattr(models, name) for name in models.__all__}
    if arguments.family not in families:
        raise ValueError(f"There is no family {arguments.family!r}. Families: {', '.join(sorted(families))}.")
    family = families[arguments.family]
    chosen, changes = settings.split(family, arguments.set)
    study = Study(
        family,
        arguments.data,
        arguments.updates,
        chosen,
        changes,
        arguments.rate,
        arguments.threshold,
        arguments.features,
        seeds=arguments.seeds,
    )
    folder = arguments.out or f"runs/sensitivity-{arguments.family}-{arguments.data.strip('/').replace('/', '-')}"
    report = _with_progress(study, folder)
    print(
        f"success in {report['success']:.0%} of {report['cells']} cells (up to {_number(report['threshold'])}), median "
        f"{_number(report['median'])}, quartiles {' to '.join(map(_number, report['quartiles']))}"
    )
    print(Path(folder) / "report.md")


def _with_progress(study, folder):
    from rich.progress import Progress

    with Progress() as bar:
        task = bar.add_task("")

        def show(rows, cells):
            last = f", last metric {_number(rows[-1]['metric'])}" if rows else ""
            bar.update(task, completed=len(rows), total=cells, description=f"{len(rows)} of {cells} cells{last}")

        return measure(study, folder, show)


def _positive(text):
    value = int(text)
    if value < 1:
        raise argparse.ArgumentTypeError(f"{text} is not positive")
    return value
