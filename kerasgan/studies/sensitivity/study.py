"""Training and scoring of each cell of a grid of settings."""

import dataclasses
import functools
import itertools
import json
import math
import time
from typing import Any

import keras
import numpy as np
from keras import layers

from kerasgan import run
from kerasgan.bases.latent import LatentModel, LatentRecipe
from kerasgan.data import load
from kerasgan.data.builders.gaussians import MIXTURES, Gaussians
from kerasgan.game.arguments import REQUIRED, constructor_arguments
from kerasgan.game.model import AdversarialModel
from kerasgan.game.recipe import optimizer_config
from kerasgan.metrics import frechet_distance, mixture_modes

RATES, DECAYS, CRITIC_STEPS = (0.25, 1.0, 4.0), (0.0, 0.5), (1, 5)
AXES = ("rate", "beta_1", "generator_every")  # axes of the grid, apart from the seed
BASE_RATES = {"vectors": 1e-3, "images": 2e-4}
WIDTH, LATENTS, BATCH = 128, 2, 256  # for the networks of vectors


@dataclasses.dataclass(frozen=True)
class Study:
    """Training and scoring of each cell of a grid of settings.

    For images, the family's own networks are trained. For mixtures of Gaussians ("ring", "grid" and the other configs
    of the dataset `gaussians`) all families use the same architecture, so that only loss, penalties and packing differ:
    three hidden layers of 128 leaky ReLUs, batches of 256, latents from N(0, I) in two dimensions, and data scaled to
    unit standard deviation (the units of the penalties).

    Every player uses Adam with the cell's learning rate and first decay rate, and the other arguments of the recipe's
    Adam. Compute is measured in updates: gradient evaluations of the discriminator and of the generator, each on one
    batch; a regularised evaluation counts once. With n critic steps per generator step, a cell has
    `updates * n // (n + 1)` steps.

    The averaged generator is scored. For a mixture the metric is the reverse KL of 2,500 samples over the modes, plus
    one for each mode that is not filled (`kerasgan.metrics.mixture_modes`), so that a metric of at most 0.1 means that
    all modes are filled. For images it is the Fréchet distance to the training images in the given features. Lower is
    better, and the metric of a diverged model is infinite.

    Args:
        family: Subclass of `kerasgan.LatentModel`.
        data: Name of a mixture, or an argument of `kerasgan.data.load`.
        updates: Number of updates of both players together, in each cell.
        arguments: Constructor arguments.
        recipe: Changes to the family's recipe.
        base_rate: Learning rate that the grid multiplies. Defaults to 1e-3 for mixtures and 2e-4 for images.
        threshold: Largest metric of a successful cell. Defaults to 0.1 for mixtures, and to twice the median of the
            best setting for images.
        features: Features of the Fréchet distance.
        samples: Number of generated samples to score a model.
        rates: Multiples of `base_rate`.
        decays: First decay rates of Adam.
        critic_steps: Numbers of discriminator updates per generator update.
        seeds: Number of seeds 0, 1, ...
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
                f"{self.family.__name__} does not turn latents into samples; expected a family that does: gan, dcgan, "
                "wgan_gp, ..."
            )

    @property
    def is_mixture(self):
        """Whether the data are a mixture of Gaussians."""
        return self.data.removeprefix("gaussians/") in MIXTURES

    @functools.cached_property
    def mixture(self):
        """The `Gaussians` dataset of the data."""
        return Gaussians(self.data.removeprefix("gaussians/"))

    @functools.cached_property
    def real(self):
        """Training data (samples, labels or None); mixtures in their original units."""
        if self.is_mixture:
            return load(self.mixture.full_name, labels=False, as_numpy=True), None
        always = constructor_arguments(self.family).get("num_classes") is REQUIRED
        labels = bool(always or self.arguments.get("num_classes"))
        found = load(self.data, labels=labels, as_numpy=True)
        return found if labels else (found, None)

    @functools.cached_property
    def scale(self):
        """Divisor of the samples in training: the standard deviation of a mixture, 1 for images."""
        return float(self.real[0].std()) if self.is_mixture else 1.0

    def cells(self):
        """Returns all cells of the grid in order, dictionaries of the arguments of `model`."""
        axes = (self.rates, self.decays, self.critic_steps, range(self.seeds))
        return [dict(zip((*AXES, "seed"), values, strict=True)) for values in itertools.product(*axes)]

    def settings(self):
        """Returns everything that the result of a cell depends on, a flat JSON-serialisable dictionary."""
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
                    "base_rate": self.unit_rate,
                },
                default=repr,
            )
        )

    @property
    def unit_rate(self):
        """Learning rate that the grid multiplies: `base_rate`, or the default for the kind of data."""
        return self.base_rate or BASE_RATES["vectors" if self.is_mixture else "images"]

    def _constructor(self):
        x, y = self.real
        classes = {} if y is None else {"num_classes": int(y.max()) + 1}
        latents = {"latent_dim": LATENTS} if self.is_mixture else {}
        return {"image_shape": x.shape[1:], **latents, **classes, **self.arguments}

    def model(self, rate, beta_1, generator_every, seed=0):
        """Returns the compiled model of a cell.

        Args:
            rate: Multiple of the base rate, for both players.
            beta_1: First decay rate of Adam.
            generator_every: Number of discriminator updates per generator update.
            seed: Random seed of the initial weights and the training.
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
        """Returns the changes of a cell to the recipe of the family, or of `LatentModel` for a mixture."""
        recipe, changes = self.family.recipe, {}
        if self.is_mixture:
            changes = {field.name: getattr(recipe, field.name) for field in dataclasses.fields(LatentRecipe)}
            changes["batch_size"] = BATCH * self.arguments.get("packing", 1)
        for player in recipe.optimizers():
            field = f"{player}_optimizer"
            changes[field] = self._adam(getattr(recipe, field), rate, beta_1)
        return changes | self.recipe | {"generator_every": generator_every}

    def _steps_in_a_call(self, generator_every, batch_size):
        """Returns the number of steps per call, at most 20, that divides an epoch.

        With one step per call, tiny networks would wait for Python.
        """
        passed = math.gcd(self.steps(generator_every), len(self.real[0]) // batch_size)
        return max(steps for steps in range(1, 21) if passed % steps == 0)

    def _adam(self, optimizer, rate, beta_1):
        chosen = optimizer_config(optimizer)
        config = chosen["config"] if chosen["class_name"].lower() == "adam" else {}
        return keras.optimizers.Adam(**config | {"learning_rate": rate * self.unit_rate, "beta_1": beta_1})

    def steps(self, generator_every):
        """Returns the steps of a cell. Each updates the discriminator, every n-th step also the generator."""
        return max(1, self.updates * generator_every // (generator_every + 1))

    def train(self, model, callbacks=()):
        """Trains a cell's model for the number of updates of the study: complete epochs, then a part of an epoch."""
        x, y = self.real
        x, size = (x / np.float32(self.scale)).astype("float32"), min(model.recipe.largest_batch, len(x))
        passes, rest = divmod(self.steps(model.recipe.generator_every), len(x) // size)
        options = {"batch_size": size, "verbose": 0, "callbacks": list(callbacks)}
        if passes:
            model.fit(x, y, epochs=passes, **options)
        if rest:
            chosen = np.random.default_rng(model.seed).permutation(len(x))[: rest * size]
            model.fit(x[chosen], None if y is None else y[chosen], initial_epoch=passes, epochs=passes + 1, **options)

    def judge(self, model):
        """Returns the metric of a model's averaged generator, with additional scores: `{"metric": ..., ...}`."""
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
        """Trains and scores one cell, and returns a row of `cells.jsonl`."""
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
