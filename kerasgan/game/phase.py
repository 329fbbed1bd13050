"""The words of a game: a batch of data, a player's move, and what several moves share."""

import contextvars
import dataclasses
import functools
from collections.abc import Callable
from typing import Any, NamedTuple


def refuse_validation(arguments):
    """Refuses what asks Keras for a validation.

    Args:
        arguments: of `fit`, by name.

    Raises:
        ValueError: that names what to use instead.
    """
    for name in ("validation_data", "validation_split", "evaluate()"):
        asked = arguments.get(name)
        if asked is not None and not (isinstance(asked, float) and asked == 0.0):
            raise ValueError(
                f"{name} was asked for, but no loss of a game tells how good the samples are. Pass "
                "kerasgan.callbacks.Evaluation or GANHealth to fit(), or call `kerasgan evaluate`."
            )


class Batch(NamedTuple):
    """One step's data as Keras passes it: real samples `x`, labels or targets `y`, `sample_weight` (batch,)."""

    x: Any
    y: Any = None
    sample_weight: Any = None


@dataclasses.dataclass(frozen=True)
class Phase:
    """One player's move in a training step.

    Args:
        name: unique in the game; its loss is logged as `<name>_loss`.
        trains: names of the networks whose trainable variables it updates; their other state (batch statistics) comes
            along, that of other networks stays untouched.
        loss: function of a `Batch` that returns the scalar mean loss and `{log name: scalar}`, in `keras.ops` only.
        optimizer: the player whose optimizer is used.
        every: runs when `iterations % every == 0`: n_critic for a generator, the lazy interval for a penalty; or a
            function of `iterations` that tells whether it runs, for a rhythm that changes.
        keeps: names of attributes (variables or layers) whose state it may change besides: an image pool, a mean.
        when: function of a `Batch` that returns a boolean scalar, the same on all replicas: whether the move is made.
            If not, its networks, their other state and the optimizer's stay as they are, and `<name>_waited` logs it.
    """

    name: str
    trains: tuple[str, ...]
    loss: Callable[[Batch], tuple[Any, dict[str, Any]]]
    optimizer: str
    every: int | Callable[[int], bool] = 1
    keeps: tuple[str, ...] = ()
    when: Callable[[Batch], Any] | None = None

    def is_due(self, step):
        """Whether it runs at a step."""
        return bool(self.every(step)) if callable(self.every) else step % self.every == 0


@dataclasses.dataclass(frozen=True)
class Between:
    """The rhythm of a phase that runs in some steps of the game only: an `every` of `Phase`.

    Args:
        start: the first step in which it runs.
        end: the first step in which it no longer runs; None for never.
    """

    start: int = 0
    end: int | None = None

    def __call__(self, step):
        return self.start <= step and (self.end is None or step < self.end)


# Results of `shared` methods in the evaluation that runs; a context of its own for each replica's thread.
EVALUATION: contextvars.ContextVar[dict | None] = contextvars.ContextVar("evaluation", default=None)


def shared(method):
    """Evaluate a method of a game once for all losses that are differentiated together, and hand out the same tensors.

    In simultaneous updates all phases share one evaluation: a generator's forward pass marked so feeds every player. In
    alternating updates each phase is an evaluation of its own, and draws anew. A batch that is made of another one, or
    further arguments (hashable ones), have results of their own.
    """

    @functools.wraps(method)
    def once(self, batch, *arguments):
        known, key = EVALUATION.get(), (id(self), method.__name__, id(batch), *arguments)
        if known is None:
            return method(self, batch, *arguments)
        if key not in known:
            known[key] = batch, method(self, batch, *arguments)  # keeps the batch, so that no other has its identity
        return known[key][1]

    return once
