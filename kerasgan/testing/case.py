"""A tiny model of a family, its generated data, and reproducible training runs."""

import concurrent.futures
import contextlib
import copy
import dataclasses
import functools
import multiprocessing
import os
import threading
import unittest.mock
import weakref
from collections.abc import Callable
from typing import Any

import keras
import numpy as np
from keras import ops

from kerasgan.game.randomness import is_seed_state
from kerasgan.testing.scripted import double_precision, scripted_random
from kerasgan.testing.values import ON_TENSORFLOW, all_variables, enliven, saved_values, values

EAGERLY = ON_TENSORFLOW  # one or two steps are faster without a graph on TensorFlow, but with a graph on JAX
STEPS = 20
RATE = 0.05  # learning rate of SGD in comparisons: Adam would hide a wrong scale of the gradients


_cases: "weakref.WeakSet[FamilyCase]" = weakref.WeakSet()


def forget_all():
    """Drops the shared models of all cases, to free their memory."""
    for case in list(_cases):
        case.forget()


@dataclasses.dataclass(eq=False)
class FamilyCase:
    """A tiny model of a family with the settings of its checks.

    Args:
        family: Subclass of `kerasgan.AdversarialModel`.
        arguments: Constructor arguments, or a function that returns them if they contain networks, so that each model
            gets new networks.
        recipe: Changes to the family's recipe, e.g. `{"generator_every": 2}`.
        unmoved: Variables without a gradient by design, excluded from `reaches_every_weight`, as patterns of
            `"<phase>: <path of the variable>"`, e.g. `"r1: */bias"`. An unnecessary pattern is an error.
        batch_size: Batch size, even, so that two replicas can share a batch.
        steps: Number of steps after which training runs are compared. Games differ in how fast they amplify rounding
            errors of the first step; faults show in the first step.
    """

    family: Any
    arguments: dict[str, Any] | Callable[[], dict[str, Any]]
    recipe: dict[str, Any] = dataclasses.field(default_factory=dict)
    unmoved: tuple[str, ...] = ()
    batch_size: int = 8
    steps: int = STEPS

    def __post_init__(self):
        _cases.add(self)

    def forget(self):
        """Drops the models that checks share, to free their memory."""
        for name in ("untouched", "moves", "training"):
            vars(self).pop(name, None)

    def constructor_arguments(self):
        """Returns new constructor arguments."""
        return self.arguments() if callable(self.arguments) else copy.deepcopy(self.arguments)

    def model(self, **compile_arguments):
        """Returns a new compiled model, always with the same seed."""
        model = self.family(**{"seed": 1, **self.constructor_arguments()})
        model.compile(**{**copy.deepcopy(self.recipe), **compile_arguments})
        return model

    def sgd_model(self, **compile_arguments):
        """Returns a new model whose players all use plain SGD."""
        fields = [field.name for field in dataclasses.fields(self.family.recipe)]
        optimizers = {name: keras.optimizers.SGD(RATE) for name in fields if name.endswith("_optimizer")}
        return self.model(**optimizers, **compile_arguments)

    def data(self, model, batches=1):
        """Returns generated data x and y (or None), with floats in the default precision."""
        count = batches * self.batch_size
        values = [None if spec is None else spec.example(count, seed) for seed, spec in enumerate(model.data_specs())]

        def in_precision(value):
            return value.astype(keras.config.floatx()) if value.dtype.kind == "f" else value

        return [None if value is None else keras.tree.map_structure(in_precision, value) for value in values]

    def fit(self, model, batches=1, **options):
        """Calls `model.fit` on generated data without shuffling."""
        x, y = self.data(model, batches)
        return model.fit(x, y, **{"batch_size": self.batch_size, "shuffle": False, "verbose": 0, **options})

    @functools.cached_property
    def untouched(self):
        """A compiled model that no check trains."""
        return self.model()

    @functools.cached_property
    def moves(self):
        """For each phase, the variables before and after a step with only this phase: (model, {phase: ...})."""
        with double_precision():
            model = self.sgd_model(run_eagerly=EAGERLY)
            enliven(model)
            start, variables = values(model), all_variables(model)
            moves = {}
            for phase in model.game:
                for variable, value in zip(variables, start, strict=True):
                    variable.assign(value)
                model.due = lambda *moment, name=phase.name: (name,)
                self.fit(model)
                moves[phase] = start, values(model)
            return model, moves

    @functools.cached_property
    def training(self):
        """A reproducible training on a single device in this process: (variables before, after)."""
        return train_scripted(self)


def train_scripted(case, start=None, strategy=None):
    """Trains in float64 with SGD and scripted random numbers.

    Args:
        case: A `FamilyCase`.
        start: Initial values. Defaults to the random values of `enliven`.
        strategy: TensorFlow distribution strategy, or None.

    Returns:
        Values before and after `case.steps` steps, lists of float64 arrays in the order of `all_variables`.
    """
    with double_precision():
        with strategy.scope() if strategy else contextlib.nullcontext():
            model = case.sgd_model()
        if start is None:
            enliven(model)
        else:
            variables = [v for v in all_variables(model) if not is_seed_state(v)]
            for variable, value in zip(variables, start, strict=True):
                variable.assign(value)
        before = saved_values(model)
        with scripted_random(case.batch_size, getattr(model, "packing", 1)):
            if strategy:
                take_replicated_steps(case, model)
            else:
                case.fit(model, case.steps)
        return before, saved_values(model)


def take_replicated_steps(case, model):
    """Trains like `fit` but without a distributed dataset, which TensorFlow takes seconds to end."""
    data = tuple(value for value in case.data(model, case.steps) if value is not None)
    strategy = model.distribute_strategy

    def part(context, step):
        def share(value):
            batch = value.reshape(case.steps, -1, *value.shape[1:])[step]
            parts = np.split(batch, context.num_replicas_in_sync)
            return ops.convert_to_tensor(parts[context.replica_id_in_sync_group])

        return keras.tree.map_structure(share, data)

    distribute = strategy.experimental_distribute_values_from_function
    batches = iter([distribute(functools.partial(part, step=step)) for step in range(case.steps)])
    play = model.make_train_function()
    for _ in range(case.steps):
        play(batches)


@functools.cache
def mirrored_strategy(replicas):
    """Returns the only `MirroredStrategy` of this process over `replicas` logical CPUs.

    TensorFlow numbers the collectives of each strategy in the same way, so a second strategy in the same process can be
    confused with the first one and fail ("Shape mismatch in the collective instance").
    """
    import tensorflow as tf

    return tf.distribute.MirroredStrategy([f"CPU:{i}" for i in range(replicas)])


@functools.cache
def other_engine():
    """Returns a separate process that runs the same code on JAX. It is cached, because it is slow to start."""
    environment = {"KERAS_BACKEND": "jax", "JAX_PLATFORMS": "cpu", "JAX_DISABLE_MOST_OPTIMIZATIONS": "1"}
    spawn = multiprocessing.get_context("spawn")
    executor = concurrent.futures.ProcessPoolExecutor(1, mp_context=spawn, initializer=_end_with_parent)
    with unittest.mock.patch.dict(os.environ, environment):
        executor.submit(os.getpid).result()
    return executor


def _end_with_parent():
    def wait():
        multiprocessing.parent_process().join()  # type: ignore[union-attr]
        os._exit(1)

    threading.Thread(target=wait, daemon=True).start()
