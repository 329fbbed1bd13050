"""The vocabulary of a game: a batch of data, a player's phase, and when the phase runs."""

import contextlib
import contextvars
import dataclasses
import functools
from collections.abc import Callable
from typing import Any, NamedTuple

import keras


def refuse_validation(arguments):
    """Rejects arguments of `fit` that request validation.

    Args:
        arguments: Arguments of `fit`, by name.

    Raises:
        ValueError: If any are given; the message names alternatives.
    """
    for name in ("validation_data", "validation_split", "evaluate()", "test_on_batch()"):
        asked = arguments.get(name)
        if asked is not None and not (isinstance(asked, float) and asked == 0.0):
            raise ValueError(
                f"{name} was requested, but no loss of a game measures how good the samples are. Pass "
                "kerasgan.callbacks.Evaluation or GANHealth to fit(), or call `kerasgan evaluate`."
            )


class Batch(NamedTuple):
    """One step's data as Keras passes it: real samples `x`, conditions or targets `y`, `sample_weight` (batch,)."""

    x: Any
    y: Any = None
    sample_weight: Any = None


class Moment(NamedTuple):
    """A point of the training, known on the host: `step` updates done and `images` real samples seen so far."""

    step: int = 0
    images: int = 0

    @property
    def kimg(self):
        """Thousands of real samples seen."""
        return self.images / 1000.0


class Plan(NamedTuple):
    """The contents of a compiled step: the phases that are `due`, the model's `stage`, and a changing batch size."""

    due: tuple[str, ...]
    stage: Any = None
    rows: int | None = None


@dataclasses.dataclass(frozen=True)
class Kimg:
    """A span of the training in thousands of real samples, for the argument `during` of `Phase`.

    Args:
        start: First moment of the span.
        end: First moment after the span. `None` for no end.

    Raises:
        ValueError: If the span is empty or starts before 0.
    """

    start: float = 0.0
    end: float | None = None

    def __post_init__(self):
        if not 0 <= self.start < (float("inf") if self.end is None else self.end):
            raise ValueError(f"Kimg({self.start}, {self.end}) is not a valid span; expected 0 <= start < end.")

    def __contains__(self, moment):
        return 1000 * self.start <= moment.images and (self.end is None or moment.images < 1000 * self.end)


@dataclasses.dataclass(frozen=True)
class Phase:
    """One player's move in a training step.

    Args:
        name: Name of the phase, unique in the game; its loss is logged as `<name>_loss`.
        trains: Names of the networks whose trainable variables the phase updates. The other state of these networks
            (batch statistics) is updated too; that of other networks is not.
        loss: Function of a `Batch` that returns the scalar mean loss and `{log name: scalar}`, in `keras.ops` only.
        optimizer: Name of the player whose optimizer is used.
        every: Interval in steps: the phase runs when `iterations % every == 0` (n_critic for a generator, the lazy
            interval of a penalty); or a function of `iterations` that returns whether it runs.
        keeps: Names of other attributes (states, variables or layers) that the phase may change, such as an image pool
            or a running mean.
        when: Function of a `Batch` that returns a boolean scalar, the same on all replicas: whether to apply the
            update. If not, the networks, their state and the optimizer stay unchanged, and `<name>_waited` logs it.
        during: Span of the training in which the phase runs, such as `Kimg(600, 1200)`. `None` for always.
    """

    name: str
    trains: tuple[str, ...]
    loss: Callable[[Batch], tuple[Any, dict[str, Any]]]
    optimizer: str
    every: int | Callable[[int], bool] = 1
    keeps: tuple[str, ...] = ()
    when: Callable[[Batch], Any] | None = None
    during: Kimg | None = None

    def is_due(self, moment):
        """Whether the phase runs at a `Moment`."""
        if self.during is not None and moment not in self.during:
            return False
        return bool(self.every(moment.step)) if callable(self.every) else moment.step % self.every == 0


@dataclasses.dataclass(frozen=True)
class Between:
    """A span of the training in steps, for the argument `every` of `Phase`.

    Args:
        start: First step in which the phase runs.
        end: First step in which it no longer runs. `None` for no end.
        interval: Interval in steps within the span, counted from its first step.
    """

    start: int = 0
    end: int | None = None
    interval: int = 1

    def __call__(self, step):
        return self.start <= step and (self.end is None or step < self.end) and (step - self.start) % self.interval == 0


# Results of `shared` methods in the running evaluation, separate for each replica's thread.
EVALUATION: contextvars.ContextVar[dict | None] = contextvars.ContextVar("evaluation", default=None)


# (index, number) of the micro-batch whose losses are evaluated; None for a whole batch.
MICRO_BATCH: contextvars.ContextVar[tuple | None] = contextvars.ContextVar("micro_batch", default=None)


@contextlib.contextmanager
def evaluating(known=()):
    """Starts an evaluation for the block and yields the results of its `shared` methods by key.

    Args:
        known: Initial results, as yielded by an earlier evaluation.
    """
    results = dict(known)
    token = EVALUATION.set(results)
    try:
        yield results
    finally:
        EVALUATION.reset(token)


class ForwardPass(NamedTuple):
    """The computation that phases share in an update "alternating_shared".

    Args:
        phase: Name of the phase whose networks were run.
        results: Results of `shared` methods, for `evaluating`.
        tensors: The floating-point tensors in the results, with respect to which the phase's loss is differentiated.
        pull_back: Function that takes this gradient and returns the gradient with respect to the phase's variables, and
            a list that holds the gradient with respect to the generated samples if the game is watched.
        states: Pairs (variable, new value) of the phase's states and of seeds.
    """

    phase: str
    results: dict
    tensors: list
    pull_back: Callable
    states: list


def tensors_of(results):
    """The floating-point tensors in results of `shared` methods, as a list."""
    flat = keras.tree.flatten([result for _, result in results.values()])
    return [tensor for tensor in flat if _is_float(tensor)]


def with_tensors(results, tensors):
    """Results of `shared` methods with the tensors of `tensors_of` replaced by other ones."""
    rest = iter(tensors)

    def replaced(tensor):
        return next(rest) if _is_float(tensor) else tensor

    return {key: (batch, keras.tree.map_structure(replaced, result)) for key, (batch, result) in results.items()}


def _is_float(tensor):
    return hasattr(tensor, "dtype") and keras.backend.is_float_dtype(keras.backend.standardize_dtype(tensor.dtype))


@contextlib.contextmanager
def micro_batch(index, number):
    """Marks the evaluation in the block as one of several micro-batches."""
    token = MICRO_BATCH.set((index, number))
    try:
        yield
    finally:
        MICRO_BATCH.reset(token)


def shared(method):
    """Decorator: evaluates a method of a game once for all losses that are differentiated together.

    In simultaneous updates all phases share one evaluation, so that one forward pass of the generator serves every
    player. In alternating updates each phase is a separate evaluation with new random numbers; in the update
    "alternating_shared" the evaluations share the results of the model's `forward_pass`. Results are separate for
    batches derived from another batch and for each value of additional arguments, which must be hashable.
    """

    @functools.wraps(method)
    def once(self, batch, *arguments):
        known, key = EVALUATION.get(), (id(self), method.__name__, id(batch), *arguments)
        if known is None:
            return method(self, batch, *arguments)
        if key not in known:
            known[key] = batch, method(self, batch, *arguments)  # holds the batch, so that its identity is not reused
        return known[key][1]

    return once
