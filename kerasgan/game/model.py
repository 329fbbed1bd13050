"""The base model: a family defines the networks and losses of its players, and one shared step trains them.

`AdversarialModel` provides what all families share on every engine: networks, phases, the recipe, moving averages,
random numbers, logs, data checks. `kerasgan.game.engines` differentiates and compiles a phase.
"""

import math
import random
import re
import tempfile
from pathlib import Path
from typing import Any

import keras
import numpy as np
from keras import ops
from keras.src.backend.common.stateless_scope import get_stateless_scope

from kerasgan.data.kinds import Conditions, check_batch
from kerasgan.data.pipeline import ArrayBatches, are_arrays, as_arrays, encoded, epochs_may_end
from kerasgan.game.arguments import constructor_arguments, unavailable
from kerasgan.game.batches import BatchWatch, refuse_arguments
from kerasgan.game.checks import check
from kerasgan.game.engines import Engine
from kerasgan.game.freezing import freeze, frozen_places
from kerasgan.game.logs import EpochMean, OnlyWhatRan, looking_at_all_logs
from kerasgan.game.optimizers import PlayerOptimizers
from kerasgan.game.phase import Batch, Moment, Phase, Plan, evaluating, refuse_validation
from kerasgan.game.policy import UnderItsPolicy, needs_loss_scale
from kerasgan.game.randomness import is_seed_state, seed_states
from kerasgan.game.recipe import Recipe, recipe_of, show_recipe
from kerasgan.game.schedules import Stairs
from kerasgan.game.signals import RecentMeans, observing, recent_means
from kerasgan.game.traces import traces_of


class AdversarialModel(Engine, keras.Model, metaclass=UnderItsPolicy):
    """A game between networks, trained with plain `compile()` and `fit()` on TensorFlow and JAX.

    A family calls `add_networks` in its constructor and overrides `discriminator_loss` and `generator_loss`, or
    `phases` for another game, and `data_specs`. `compile()` without arguments uses the family's `recipe`.

    Args:
        seed: Seed of all random numbers in training (latents, dropout, noise). By default it is drawn from Python's
            `random`, so that `keras.utils.set_random_seed` determines it. Initial weights depend on `set_random_seed`.
        frozen_layers: Indices of the frozen layers, `{network: [indices]}`, in the form of `get_config` after layers'
            `trainable` has been set to False.
        **kwargs: Arguments of `keras.Model`.

    Attributes:
        networks: The networks of the game by name.
        averages: Moving averages of some of the networks, under the same names.
        frozen: Networks that are used but never trained or saved, by name.
        recipe: The training settings: those of the family, and after `compile` those with its changes.
        recipes: Additional settings of the paper by name, as changes to the recipe: `compile(recipe="ffhq64")`.
        fixed: Names of the base classes' constructor arguments that the family sets itself.
        conditional: Whether the family supports conditional models.
        generates: Whether the model draws samples from latents, with `sample`.
        conditions: The conditions of the samples; empty unless the family has them.
        forward_pass: Pair (name of a phase, name of a `shared` method): the computation that phases share in the update
            "alternating_shared". The method uses networks of this phase; other phases that train these networks make
            their own pass. `None` for no sharing.
        states: Names of the states added by `add_state`.
        current_stage: The stage of the training during the evaluation of a loss; see `stage`.
    """

    recipe = Recipe()
    recipes: dict[str, dict] = {}
    fixed: tuple[str, ...] = ()
    forward_pass: tuple[str, str] | None = None
    conditional = True
    generates = False
    conditions = Conditions()

    def __new__(cls, *args, **kwargs):
        """Rejects arguments of the base classes that the family does not accept."""
        for name, reason in unavailable(cls).items():
            if kwargs.get(name) is not None:
                raise ValueError(f"`{name}` was given, but {reason}")
        return super().__new__(cls, *args, **kwargs)

    def __init_subclass__(cls, **kwargs):
        """Makes the fields of the recipe appear in `help(cls.compile)` and in code completion."""
        super().__init_subclass__(**kwargs)
        show_recipe(cls)

    def __init__(self, seed=None, frozen_layers=None, **kwargs):
        super().__init__(**kwargs)
        self._frozen_layers = dict(frozen_layers or {})
        self.seed = random.randrange(2**31) if seed is None else int(seed)
        self.random = keras.random.SeedGenerator(self.seed)
        self.networks: dict[str, keras.Model] = {}
        self.averages: dict[str, keras.Model] = {}
        self.__dict__["frozen"] = {}  # not tracked by Keras: neither saved nor averaged nor trained
        self.states: list[str] = []
        self.current_stage: Any = None
        self.trackers: dict[str, EpochMean] = {}
        self.signals: dict[str, RecentMeans] = {}
        counter = {"shape": (), "dtype": "int32", "initializer": "zeros", "trainable": False}
        self.iterations = self.add_weight(name="iterations", aggregation="only_first_replica", **counter)
        self.images_seen = self.add_weight(name="images_seen", aggregation="only_first_replica", **counter)
        self.skipped = self.add_weight(name="skipped", aggregation="only_first_replica", **counter)
        self._moment: Moment | None = None
        self.logged: set[str] = set()
        self._data_checked = False
        self._batch_watch: BatchWatch | None = None
        self._steps_to_skip, self._agreement = 0, None
        self._logs_so_far: list[list[np.ndarray]] = []
        self.built = True

    def add_networks(self, averaged=(), frozen=None, **networks):
        """Adds networks to the game, as attributes of the model named after the keywords.

        Args:
            averaged: Names of the networks whose moving averages are kept, as `ema_<name>`.
            frozen: `{name: network}` of networks that losses use but no phase trains, such as feature or identity
                networks. They become attributes too, but are not part of checkpoints, files or presets: the model's
                configuration must say where they come from.
            **networks: Built Keras models.

        Raises:
            ValueError: If a network has no variables yet.
        """
        for name, network in (frozen or {}).items():
            network.trainable = False
            self.frozen[name] = network
            self.__dict__[name] = network
        for name, network in networks.items():
            if not network.built:
                raise ValueError(
                    f"The network {name!r} ({type(network).__name__}) has no variables yet. "
                    "Give it an Input, or call it once on a batch, before the model is made."
                )
            freeze(network, self._frozen_layers.get(name))
            setattr(self, name, network)
            self.networks[name] = network
            if name in averaged:
                average = keras.models.clone_model(network)
                if get_stateless_scope() is None:  # otherwise it is only an outline, whose variables have no values
                    average.set_weights(network.get_weights())
                average.trainable = False
                setattr(self, f"ema_{name}", average)
                self.averages[name] = average

    def add_state(self, **shapes):
        """Adds states of the game, such as running means, as attributes that start at zero.

        They are float32 (float64 in a game of that precision), whatever precision the networks compute in.

        A phase that changes a state must name it in `keeps`. States have the same value on all replicas (average values
        that differ with `kerasgan.game.engines.mean_over_replicas` before `assign`) and are part of checkpoints and
        presets.

        Args:
            **shapes: Shapes of the states by name: `add_state(path_length=(), style_mean=(512,))`.
        """
        for name, shape in shapes.items():
            dtype = "float64" if self.variable_dtype == "float64" else "float32"
            options = {"dtype": dtype, "initializer": "zeros", "trainable": False}
            setattr(self, name, self.add_weight(name=name, shape=shape, aggregation="only_first_replica", **options))
            self.states.append(name)

    @property
    def lasting_states(self):
        """Names of the states that presets keep because they matter after training: all except those of `compile`."""
        return list(self.states)

    # Methods to override --------------------------------------------------------------------------------------------

    def phases(self):
        """The phases of a step in order: by default the discriminator's, then the generator's."""
        return (
            Phase("discriminator", ("discriminator",), self.discriminator_loss, "discriminator"),
            Phase("generator", ("generator",), self.generator_loss, "generator"),
        )

    def discriminator_loss(self, batch):
        """Loss of the discriminator on a `Batch`: a scalar and logs."""
        raise NotImplementedError(f"{type(self).__name__} must define discriminator_loss(batch) or phases().")

    def generator_loss(self, batch):
        """Loss of the generator on a `Batch`: a scalar and logs."""
        raise NotImplementedError(f"{type(self).__name__} must define generator_loss(batch) or phases().")

    def stage(self, moment):
        """The stage of the training at a `Moment`: any hashable value, by default `None`.

        It is determined on the host, and each stage compiles its own step, so that losses and networks may treat
        `current_stage` as a constant: the resolution of a growing network, or the first of two training stages.
        """
        return None

    def data_specs(self):
        """The data that `fit` expects: the kinds (`kerasgan.data.kinds`) of x and of y (None for no y)."""
        raise NotImplementedError(f"{type(self).__name__} must define data_specs().")

    def optimizers(self):
        """The players' optimizers, `{player: keras.optimizers.Optimizer}`: those of the recipe."""
        return self.recipe.optimizers()

    # Compiling ------------------------------------------------------------------------------------------------------

    def compile(
        self, *, recipe=None, run_eagerly=False, steps_per_execution=1, jit_compile="auto", checks=True, **changes
    ):
        """Configures the training with the family's recipe, or with changes to it.

        Args:
            recipe: Name of one of the family's `recipes`, or a recipe. Defaults to the family's default recipe.
            run_eagerly: Whether to run without compilation, for debugging, as in Keras.
            steps_per_execution: Number of steps in one compiled call; more than 1 speeds up tiny networks. Each order
                of lazy phases within a call is compiled separately, which takes minutes for large networks.
            jit_compile: Whether to use XLA. "auto" uses it on GPU, on TPU and on JAX, but not on CPU with TensorFlow,
                where it is slower: random numbers, such as those of dropout, take about 60 times as long.
            checks: Whether to look for mistakes that do not raise but silently change what is trained; see
                `kerasgan.game.checks.check`.
            **changes: Fields of the recipe to change, such as `generator_optimizer=keras.optimizers.Adam(1e-4)`,
                `loss="hinge"`, `update="simultaneous"`, `ema_half_life=5000`.

        Raises:
            ValueError: For an unknown field or recipe, for a setting that the engine or strategy does not support, or
                for a mistake found by the checks.
        """
        self.recipe = recipe_of(type(self), recipe).replace(**changes)
        players = PlayerOptimizers(self.optimizers())
        if needs_loss_scale(self.networks.values()):
            wrap = keras.optimizers.LossScaleOptimizer
            players = PlayerOptimizers({k: v if isinstance(v, wrap) else wrap(v) for k, v in players.players.items()})
        players.follow(lambda: self.images_seen)
        super().compile(
            optimizer=players,
            loss=None,
            run_eagerly=run_eagerly,
            steps_per_execution=steps_per_execution,
            jit_compile=self.resolve_jit(jit_compile),
            auto_scale_loss=False,
        )
        self._compile_arguments = {"steps_per_execution": steps_per_execution, "jit_compile": jit_compile}
        self.current_stage = self.stage(self._read_moment())
        self.game = self.phases()
        self._check_game(players)
        for player, optimizer in players.players.items():
            mine = [v for phase in self.game if phase.optimizer == player for v in self.trained_by(phase)]
            optimizer.build(list({id(v): v for v in mine}.values()))
        self.period = math.lcm(*(phase.every for phase in self.game if not callable(phase.every)))
        self.signals = {}
        self.traces = traces_of(self)
        self.trackers = {name: EpochMean(name) for name in self._log_names()}
        self._moment = None
        if checks:
            check(self)

    def _check_game(self, players):
        names = [phase.name for phase in self.game]
        if len(set(names)) < len(names):
            raise ValueError(f"Two phases share a name: {names}.")
        if self.recipe.update == "alternating_shared" and (self.forward_pass or ("",))[0] not in names:
            raise ValueError(
                f"`update` is 'alternating_shared', but {type(self).__name__} has no forward pass that phases could "
                f"share (`forward_pass` is {self.forward_pass}). Use 'alternating' or 'simultaneous'."
            )
        for phase in self.game:
            if phase.optimizer not in players.players:
                raise ValueError(
                    f"Phase {phase.name!r} uses the optimizer {phase.optimizer!r}, but the recipe has "
                    f"{list(players.players)}. Add a field '{phase.optimizer}_optimizer' to the recipe."
                )
            for name in phase.trains:
                if name not in self.networks:
                    raise ValueError(f"Phase {phase.name!r} trains {name!r}; the networks are {list(self.networks)}.")
            if not callable(phase.every) and (not isinstance(phase.every, int) or phase.every < 1):
                raise ValueError(f"Phase {phase.name!r} runs every {phase.every!r} steps, expected 1, 2, 3, ...")

    def _phase_logs(self, name):
        """The logs of a phase."""
        return [*self.traces[name].logs, *([f"{name}_skipped"] if self.guarded else [])]

    def _log_names(self):
        """The logs of all phases."""
        return list(dict.fromkeys(log for name in self.traces for log in self._phase_logs(name)))

    @property
    def metrics(self):
        return [*self.trackers.values(), *self.signals.values()]

    def watch(self):
        """Makes every step measure `signals`, until the next `compile`: see `kerasgan.game.signals`."""
        if not self.signals:
            with self.scope():
                self.signals = recent_means(phase.name for phase in self.game)
            self.make_train_function(force=True)

    @classmethod
    def from_preset(cls, name, sha256=None):
        """Loads a trained model of this family: see `kerasgan.load`.

        Raises:
            ValueError: If the preset belongs to another family; see also `kerasgan.load`.
        """
        from kerasgan.zoo import load

        model = load(name, sha256)
        if not isinstance(model, cls):
            raise ValueError(f"{name} is a preset of {type(model).__name__}, not of {cls.__name__}. Use kerasgan.load.")
        return model

    def save_preset(self, folder, networks=None, **metadata):
        """Saves the configuration and averaged weights as a preset: see `kerasgan.zoo.save`."""
        from kerasgan.zoo import save

        save(self, folder, networks, **metadata)

    def push_to_hub(self, repo, networks=None, private=None, revision=None, token=None, **metadata):
        """Uploads the model as a preset to the Hugging Face Hub.

        Args:
            repo: "owner/name" of a model repository, which is created if it does not exist. The name in lower case
                becomes the name of the preset.
            networks: See `save_preset`.
            private: Whether a new repository is private. `None` for the owner's default.
            revision: Branch. `None` for the main one.
            token: Access token. `None` for that of `HF_TOKEN` or of `hf auth login`.
            **metadata: See `save_preset`.

        Returns:
            The address of the upload, with its commit, for `kerasgan.load`.

        Raises:
            ValueError: If the Hub does not answer or rejects the upload.
        """
        from kerasgan.zoo import hub

        repo, _ = hub.parse(f"hf://{str(repo).removeprefix('hf://')}")
        with tempfile.TemporaryDirectory() as beside:
            name = re.sub(r"[^a-z0-9_-]", "-", repo.partition("/")[2].lower()).strip("-_")
            folder = Path(beside) / (name[:64] or "model")
            self.save_preset(folder, networks, **metadata)
            return hub.push(folder, repo, private=private, revision=revision, token=token)

    def load_weights(self, filepath, **kwargs):
        """Loads weights as `keras.Model.load_weights` does, but the optimizers keep their current learning rates."""
        players = self.optimizer.players.values() if self.compiled else ()
        rates = [(v, ops.convert_to_numpy(v)) for each in players for v in each.variables if v.name == "learning_rate"]
        super().load_weights(filepath, **kwargs)
        for variable, rate in rates:
            variable.assign(rate)

    def get_config(self):
        """The constructor arguments, read from the attributes of the same names, JSON-ready."""
        known = constructor_arguments(type(self))
        own = {name: vars(self)[name] for name in known if name in vars(self) and name not in self.networks}
        found = {name: frozen_places(network) for name, network in self.networks.items()}
        frozen = {name: places for name, places in found.items() if places}
        return {**super().get_config(), **own, **({"frozen_layers": frozen} if frozen else {})}

    def get_compile_config(self):
        return {"recipe": self.recipe.get_config(), **self._compile_arguments} if self.compiled else {}

    def compile_from_config(self, config):
        config = dict(config)
        recipe = keras.saving.deserialize_keras_object(config.pop("recipe"))
        self.compile(**recipe, **config, checks=False)  # the checks passed, or were skipped, at the first compile

    # Running a step, for both engines --------------------------------------------------------------------------------

    @property
    def guarded(self):
        """Whether updates with non-finite gradients are skipped."""
        scaled = (isinstance(o, keras.optimizers.LossScaleOptimizer) for o in self.optimizer.players.values())
        return self.recipe.skip_nonfinite or any(scaled)

    @property
    def counts_images(self):
        """Whether a step depends on the number of images seen."""
        staged = getattr(type(self).stage, "__func__", type(self).stage) is not AdversarialModel.stage
        climbs = isinstance(self.recipe.batch_size, Stairs)
        return staged or climbs or any(phase.during is not None for phase in self.game)

    def _read_moment(self):
        """The `Moment` of the saved counters."""
        return Moment(*(int(ops.convert_to_numpy(v)) for v in (self.iterations, self.images_seen)))

    def due(self, step, images=0):
        """Names of the phases that run after a number of steps and images."""
        return tuple(phase.name for phase in self.game if phase.is_due(Moment(step, images)))

    def plan(self, moment):
        """The `Plan` of the step at a `Moment`: the phases that are due, and the stage."""
        rows = self.recipe.batch_size.at(moment.images) if isinstance(self.recipe.batch_size, Stairs) else None
        return Plan(self.due(*moment), self.stage(moment), rows)

    def begin_step(self, plan):
        """Prepares the evaluation, or the tracing, of a step with a `Plan`."""
        self.current_stage = plan.stage

    def take_up_logs(self):
        """Restores the trackers from a checkpoint within an epoch, after a resume."""
        for name, values in zip(self.trackers, self._logs_so_far, strict=True):
            if float(values[1]) > 0:
                self.logged.add(name)
        return self._logs_so_far

    def has_run(self, *plans):
        """Records on the host which phases have run, so that the epoch's logs omit the others."""
        for name in {name for plan in plans for name in plan.due}:
            self.logged.update(self._phase_logs(name))

    def turns(self, due):
        """The due phases, in groups that are differentiated together."""
        phases = tuple(phase for phase in self.game if phase.name in due)
        return (phases,) if self.recipe.update == "simultaneous" else tuple((phase,) for phase in phases)

    def passing(self, due):
        """The phase whose forward pass all due phases share, if they do and there are others; else `None`."""
        name, _ = self.forward_pass or ("", "")
        if self.recipe.update != "alternating_shared" or len(due) < 2 or name not in due:
            return None
        return next(phase for phase in self.game if phase.name == name)

    def shares_pass(self, phases, passing):
        """Whether phases use the forward pass of the phase `passing`: that phase, and those that train other networks.

        Another phase of the same networks, such as a lazy penalty on the generator, uses their updated weights.
        """
        return all(phase is passing or not set(phase.trains) & set(passing.trains) for phase in phases)

    def run_forward_pass(self, batch):
        """Evaluates the method that `forward_pass` names; returns the results that it shares."""
        _, method = self.forward_pass or ("", "")
        with evaluating() as results:
            getattr(self, method)(batch)
            return {key: result for key, result in results.items() if key[0] == id(self)}

    def trained_by(self, phase):
        """Trainable variables that a phase updates."""
        return [v for name in phase.trains for v in self.networks[name].trainable_variables]

    def owned_by(self, phase):
        """Non-trained variables that a phase may change: those of its networks and of its `keeps`."""
        kept = [getattr(self, name) for name in phase.keeps]
        mine = [v for name in phase.trains for v in self.networks[name].non_trainable_variables]
        mine += [v for item in kept for v in (item.variables if hasattr(item, "variables") else [item])]
        return [v for v in mine if not is_seed_state(v)]

    def _owned_by(self, phases):
        """The variables of `owned_by` for several phases, without duplicates."""
        return list({id(v): v for phase in phases for v in self.owned_by(phase)}.values())

    def evaluate_losses(self, phases, batch, known=()):
        """Pairs (loss including the networks' regularizers, logs) of phases that are differentiated together."""
        with evaluating(known):
            outcomes = []
            for phase in phases:
                with observing(bool(self.signals)) as seen:
                    loss, logs = phase.loss(batch)
                extra = [term for name in phase.trains for term in self.networks[name].losses]
                if phase.when is not None:
                    logs = {**logs, f"{phase.name}_waited": 1.0 - ops.cast(phase.when(batch), "float32")}
                outcomes.append((sum(extra, loss), {f"{phase.name}_loss": loss, **logs, **seen}))
            return outcomes

    def random_states(self, phases, step, replica, part=None):
        """Pairs (seed variable, state) for one evaluation: new in each step, phase, replica and micro-batch."""
        variables = [v for v in self.non_trainable_variables if is_seed_state(v)]
        place = self.game.index(phases[0])
        states = seed_states(self.seed, len(variables), step, place, replica, part)
        return [(v, ops.cast(states[i], v.dtype)) for i, v in enumerate(variables)]

    def micro_batches(self, batch, replicas=1):
        """Number of micro-batches that this replica's batch is divided into; 1 for no division.

        Raises:
            ValueError: If the batch cannot be divided as the recipe requires.
        """
        size = self.recipe.microbatch
        rows = keras.tree.flatten(batch.x)[0].shape[0]
        if size is None or (rows is not None and size >= rows * replicas):
            return 1
        if rows is None or rows * replicas % size or size % replicas:
            raise ValueError(
                f"`microbatch` is {size}, but the batch has {rows and rows * replicas} samples over {replicas} "
                "replica(s). Choose a divisor of the batch size that the replicas can share, and batches of one size."
            )
        if batch.sample_weight is not None or any(phase.when is not None for phase in self.game):
            raise ValueError("`microbatch` cannot be combined with sample weights or with phases that wait.")
        return rows * replicas // size

    def micro_batch(self, batch, part, parts):
        """One of the equal micro-batches of a batch; `part` is its index."""

        def rows(tensor):
            return ops.reshape(tensor, (parts, tensor.shape[0] // parts, *tensor.shape[1:]))[part]

        return Batch(*(keras.tree.map_structure(rows, value) if value is not None else None for value in batch))

    def track(self, name, value):
        """Adds a step's log to the mean over the epoch; in a guarded game, only if it is finite."""
        if name in self.signals:
            self.signals[name].update_state(value)
        elif not self.guarded:
            self.trackers[name].update_state(value)
        else:
            finite = ops.isfinite(value)
            self.trackers[name].update_state(ops.where(finite, value, 0.0), ops.cast(finite, "float32"))

    def count_skipped(self, finite):
        """Counts a skipped update."""
        self.skipped.assign_add(1 - ops.cast(finite, "int32"))

    def count_step(self, batch_size):
        """Advances the saved counters."""
        self.iterations.assign_add(1)
        self.images_seen.assign_add(ops.cast(batch_size, "int32"))

    @staticmethod
    def as_batch(data):
        """The `Batch` of the data that Keras passes to a training step: x, (x, y) or (x, y, sample_weight)."""
        return Batch(*keras.utils.unpack_x_y_sample_weight(data))

    # Data -----------------------------------------------------------------------------------------------------------

    def check_data(self, x, y=None):
        """Checks NumPy arrays against what the family expects.

        Raises:
            ValueError: If they are not as expected; the message says what to call.
        """
        x_spec, y_spec = self.data_specs()
        check_batch(x_spec, y_spec, x, y)

    def see_batch(self, data, last=True):
        """Checks the values of a step's data if they could not be checked earlier."""
        if self._batch_watch is not None:
            self._batch_watch(self.as_batch(data), last)

    @property
    def catching_up(self):
        """Whether `fit` is still skipping the batches before `initial_step`."""
        return self._steps_to_skip > 0

    def fit(
        self,
        x=None,
        y=None,
        batch_size=None,
        *,
        shuffle=True,
        callbacks=None,
        sample_weight=None,
        initial_step=0,
        **kwargs,
    ):
        """Trains the model like `keras.Model.fit`. Arrays are checked as a whole, data sets batch by batch.

        Arrays are divided into batches of equal size (an incomplete last one is dropped), in an order that depends on
        the model's seed and the epoch. Under a strategy, samples of a data set's batch that cannot be divided equally
        among the replicas are dropped.

        Args:
            x: Real samples: an array, such as images in [-1, 1], a dictionary of arrays or a list of texts; a data set
                of `x` or `(x, y)`; or the result of `kerasgan.data.source(...).batches(...)`, whose batch size defaults
                to that of the recipe.
            y: Conditions or targets, for arrays: labels, a list of captions, a dictionary of several conditions.
            batch_size: Batch size for arrays, over all replicas. Defaults to that of the recipe.
            shuffle: Whether to draw a new order for each epoch, for arrays.
            callbacks: List of Keras callbacks.
            sample_weight: Weights of shape (count,), for arrays.
            initial_step: Number of steps of the epoch `initial_epoch` that a checkpoint has already completed. Their
                batches are skipped, so that training continues as if it had not been interrupted, provided the order is
                the same.
            **kwargs: Arguments of `keras.Model.fit`.

        Returns:
            A `keras.callbacks.History`.

        Raises:
            ValueError: For data the family cannot be trained on; the message says what to do.
        """
        refuse_validation(kwargs)
        refuse_arguments(self, x, y, kwargs.get("class_weight"), sample_weight)
        self._moment = None
        self._begin_within_epoch(initial_step)
        callbacks = [OnlyWhatRan(), *map(looking_at_all_logs, callbacks or [])]
        x_kind, y_kind = self.data_specs()
        checked = are_arrays(x)
        if checked:
            x, y, weight = as_arrays(x), as_arrays(y), as_arrays(sample_weight)
            x, y = x_kind.encode(x), y if y is None or y_kind is None else y_kind.encode(y)
            self.check_data(x, y)
            arrays = x if y is None and weight is None else (x, y) if weight is None else (x, y, weight)
            count = len(keras.tree.flatten(x)[0])
            size = batch_size or min(self.recipe.largest_batch, count)
            stairs = self._stairs(initial_step) if batch_size is None else None
            x = ArrayBatches(arrays, size, self.seed if shuffle else None, stairs=stairs)
            y, sample_weight = None, None
        elif hasattr(x, "element_spec"):
            x = encoded(x, x_kind, y_kind)
        elif isinstance(x, ArrayBatches) and x.batch_size is None:  # like batches of arrays, but read on demand
            stairs = self._stairs(initial_step) if batch_size is None else None
            x = x.batched(batch_size or min(self.recipe.largest_batch, x.count), stairs)
        if isinstance(x, ArrayBatches):
            x.shorten(kwargs)
            callbacks = callbacks if any(each is x for each in callbacks) else [*callbacks, x]
        if not checked:
            self._batch_watch = BatchWatch(self)
            callbacks = [self._batch_watch, *callbacks]
        options = {"shuffle": False, "callbacks": callbacks, "sample_weight": sample_weight}
        self._data_checked = checked
        try:
            with epochs_may_end(kwargs.get("steps_per_epoch") is None):
                return super().fit(self.distributed(x), y, **options, **kwargs)
        except Exception as error:
            if self._batch_watch is not None:
                self._batch_watch.explain(error)
            raise
        finally:
            self._data_checked, self._batch_watch = False, None
            if isinstance(x, ArrayBatches):
                x.forget(arrays=checked)

    def evaluate(self, *args, **kwargs):
        """Raises a ValueError: no loss of a game measures the quality of the samples."""
        refuse_validation({"evaluate()": True})

    def _stairs(self, step):
        """The pair (the recipe's `Stairs`, images seen when the epoch began), or `None` for a constant batch size."""
        stairs = self.recipe.batch_size
        if not isinstance(stairs, Stairs):
            return None
        if self.steps_per_execution > 1:
            raise ValueError("A batch size that changes needs steps_per_execution=1.")
        return stairs, stairs.before(int(ops.convert_to_numpy(self.images_seen)), step)

    def test_on_batch(self, *args, **kwargs):
        """Raises a ValueError, as `evaluate` does."""
        refuse_validation({"test_on_batch()": True})

    def _begin_within_epoch(self, step):
        """Makes the next `fit` skip the first steps of its first epoch."""
        if step % self.steps_per_execution:
            raise ValueError(
                f"`initial_step` is {step}; expected a multiple of steps_per_execution ({self.steps_per_execution}). "
                "Compile with the steps_per_execution of the training that is resumed."
            )
        self._steps_to_skip = step
        self._logs_so_far = [
            [np.array(ops.convert_to_numpy(v)) for v in tracker.variables] for tracker in self.trackers.values()
        ]
