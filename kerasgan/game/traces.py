"""Finds what each loss of a game logs and which penalties it evaluates, by tracing it once without computation.

A trace takes about as long as compiling the step. It is kept and reused if a game with the same configuration is
compiled again in this process, as in a grid of learning rates, after loading a file, or in a notebook.
"""

import contextlib
import dataclasses
import json
from typing import Any

import keras

from kerasgan.game.arguments import constructor_arguments
from kerasgan.game.phase import Batch
from kerasgan.game.signals import observed

KEPT = 256  # number of games, with a few strings each
_known: dict[tuple, dict[str, "Trace"]] = {}


@dataclasses.dataclass(frozen=True)
class Trace:
    """Logs and penalties of a phase's loss.

    Args:
        logs: Names of the logs, in order.
        penalties: Penalties that the loss evaluates.
    """

    logs: tuple[str, ...]
    penalties: tuple[Any, ...]


def traces_of(model):
    """The dictionary {name of a phase: Trace} of a model whose `game` and `recipe` are known."""
    identity = _identity(model)
    if identity in _known:
        return _known[identity]
    specs = [spec and spec.symbolic(model.recipe.largest_batch) for spec in model.data_specs()]
    found = {phase.name: _traced(model, phase, specs) for phase in model.game}
    if identity is not None:
        _known[identity] = found
        while len(_known) > KEPT:
            del _known[next(iter(_known))]
    return found


def _traced(model, phase, specs):
    with _noted_penalties() as noted:
        logs = model.trace(lambda x, y: model.evaluate_losses((phase,), Batch(x, y))[0][1], specs)
    return Trace(tuple(logs), tuple(dict.fromkeys(noted)))


@contextlib.contextmanager
def _noted_penalties():
    """Yields a list that collects the penalties that losses evaluate in the block."""
    noted = []

    def note(penalty, *arguments):
        noted.append(penalty)
        return penalty.measure(*arguments)  # only the names of the logs are needed

    with observed(note):
        yield noted


def _identity(model):
    """A key of everything that the traces depend on; None if it cannot be determined.

    This is the case for losses that are not methods of the model, and for families whose configuration lacks
    constructor arguments that their losses may depend on.
    """
    methods = [getattr(phase.loss, "__func__", None) for phase in model.game]
    if any(getattr(phase.loss, "__self__", None) is not model for phase in model.game):
        return None
    optional = ("seed", "condition", "frozen_layers", *getattr(model, "parts", ()))  # in the configuration if given
    try:
        config = {name: value for name, value in model.get_config().items() if name not in ("name", "seed")}
        if set(constructor_arguments(type(model))) - {*config, *optional}:
            return None
        text = json.dumps([config, model.recipe.rules(), [(phase.name, phase.when is None) for phase in model.game]])
    except (TypeError, ValueError, NotImplementedError):
        return None
    return type(model), tuple(methods), text, model.dtype_policy.name, keras.config.floatx()
