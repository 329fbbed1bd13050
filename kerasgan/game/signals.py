"""What a training step tells of the game's health at next to no cost, from tensors that it has computed anyway.

Off by default: a step measures only after `AdversarialModel.watch`, as `kerasgan.callbacks.GANHealth` asks for. The
means live in variables that are part of a step's state, but neither of the logs nor of checkpoints.
"""

import contextlib
import contextvars
import math
from collections.abc import Callable

import keras
import numpy as np
from keras import ops

DECAY = 0.99  # of the means, a step
SMALLEST_SATURATION = 1e-30
LOGITS = ("real_accuracy", "fake_accuracy", "margin", "log_saturation")
UPDATE = ("gradient_norm", "update_ratio", "sample_gradient")
PREFIX = "signals/"
WITH_SAMPLES = "generator"  # the phase whose loss is differentiated with respect to the samples as well

_OBSERVED: contextvars.ContextVar[dict | None] = contextvars.ContextVar("observed", default=None)
_PROBE: contextvars.ContextVar["Probe | None"] = contextvars.ContextVar("probe", default=None)
_OBSERVER: contextvars.ContextVar[Callable | None] = contextvars.ContextVar("observer", default=None)


@contextlib.contextmanager
def observed(observer):
    """Calls a function in place of every penalty in the block, with the penalty before its arguments.

    `compile()` finds the penalties of a loss in this way.
    """
    token = _OBSERVER.set(observer)
    try:
        yield
    finally:
        _OBSERVER.reset(token)


def penalty_observer():
    """The function that `observed` installed, or None."""
    return _OBSERVER.get()


class RecentMeans:
    """Exponential means of some signals over the steps, each over those steps in which it was finite.

    To Keras it looks like a metric without a name in the logs, which an epoch does not reset.

    Args:
        names: of the signals.
    """

    def __init__(self, names):
        self.names = names
        self.total, self.weight = (
            keras.Variable(np.zeros(len(names)), dtype="float32", trainable=False, aggregation="only_first_replica")
            for _ in range(2)
        )

    @property
    def variables(self):
        return [self.total, self.weight]

    def reset_state(self):
        """Nothing: the means go on over the epochs."""

    def result(self):
        """Nothing for the logs; `values` has the means."""
        return {}

    def update_state(self, values, weight=1.0):
        """Takes in a float32 vector of the signals of one step."""
        usable = ops.cast(ops.isfinite(values), "float32") * weight
        keep = 1.0 - (1.0 - DECAY) * usable
        values = ops.where(usable > 0, values, 0.0)
        self.total.assign(keep * self.total + (1.0 - DECAY) * usable * values)
        self.weight.assign(keep * self.weight + (1.0 - DECAY) * usable)

    def values(self):
        """`{name: mean}` on the host, of the signals that have been measured."""
        total, weight = (ops.convert_to_numpy(v) for v in self.variables)
        return {n: float(t / w) for n, t, w in zip(self.names, total, weight, strict=True) if w > 0}


def recent_means(phases):
    """`{name in a step's logs: RecentMeans}` of a game with phases of these names."""
    return {f"{PREFIX}logits": RecentMeans(LOGITS), **{f"{PREFIX}{name}": RecentMeans(UPDATE) for name in phases}}


@contextlib.contextmanager
def observing(on):
    """Collects in the dictionary that it gives what `observe_logits` is shown within, if it is on."""
    seen: dict = {}
    token = _OBSERVED.set(seen if on else None)
    try:
        yield seen
    finally:
        _OBSERVED.reset(token)


def observe_logits(real, fake, boundary=None):
    """Shows a discriminator's logits to whoever watches the game; to be called in the discriminator's loss.

    Args:
        real: D(x), of any shape.
        fake: D(G(z)).
        boundary: the logit at which the discriminator is undecided; None for losses in which only differences count
            (Wasserstein, relativistic): the middle of the two means.
    """
    seen = _OBSERVED.get()
    if seen is None:
        return
    real, fake = (ops.cast(ops.stop_gradient(logits), "float32") for logits in (real, fake))
    means, variances = (ops.mean(real), ops.mean(fake)), (ops.var(real), ops.var(fake))
    middle = (means[0] + means[1]) / 2.0 if boundary is None else boundary
    spread = ops.sqrt((variances[0] + variances[1]) / 2.0)
    saturation = ops.maximum(ops.mean(ops.sigmoid(fake)), SMALLEST_SATURATION)
    signals = {
        "real_accuracy": ops.mean(ops.cast(real > middle, "float32")),
        "fake_accuracy": ops.mean(ops.cast(fake < middle, "float32")),
        "margin": (means[0] - means[1]) / spread,
        "log_saturation": ops.log(saturation) / math.log(10.0),
    }
    seen[f"{PREFIX}logits"] = ops.stack([signals[name] for name in LOGITS])


class Probe:
    """Where the gradient of a loss with respect to the generated samples is taken.

    Args:
        zero: a tensor of zeros of the samples' shape to differentiate with respect to; None where the engine can
            differentiate with respect to the samples themselves.
    """

    def __init__(self, zero=None):
        self.zero, self.samples = zero, None

    def __call__(self, samples):
        if self.samples is not None:
            return samples
        self.samples = samples
        return samples if self.zero is None else samples + self.zero


@contextlib.contextmanager
def probing(probe):
    """Has `probed` go through a `Probe` (or None)."""
    token = _PROBE.set(probe)
    try:
        yield
    finally:
        _PROBE.reset(token)


def probed(samples):
    """The generated samples, seen by whoever watches the game; to be called where a generator has made them."""
    probe = _PROBE.get()
    return samples if probe is None else probe(samples)


def update_signals(gradients, before, after, factor, sample_gradient=None):
    """The signals of one player's update, as a float32 vector of `UPDATE`.

    Args:
        gradients: of the objective with respect to the player's variables.
        before: values of the variables before the update.
        after: values after it.
        factor: by which the objective is larger than the mean loss of this replica's batch.
        sample_gradient: gradient of the objective with respect to the samples, shape (batch, ...), or None.

    Returns:
        The norm of the mean loss' gradient; `|after - before| / |before|`, the learning rate included; and the median
        over the samples of `|gradient of a sample's own loss| sqrt(dimensions)`, or NaN.
    """
    factor = ops.cast(factor, "float32")
    steps = [b - a for a, b in zip(before, after, strict=True)]
    ratio = ops.divide_no_nan(_norm(steps), _norm(before))
    sample = ops.full((), float("nan"), "float32")
    if sample_gradient is not None:
        flat = ops.reshape(ops.cast(sample_gradient, "float32"), (ops.shape(sample_gradient)[0], -1))
        norms = ops.sqrt(ops.sum(ops.square(flat), axis=1) * flat.shape[1])
        sample = ops.median(norms) * ops.cast(ops.shape(flat)[0], "float32") / factor
    return ops.stack([_norm(gradients) / factor, ratio, ops.cast(sample, "float32")])


def _norm(tensors):
    return ops.sqrt(sum(ops.sum(ops.square(ops.cast(tensor, "float32"))) for tensor in tensors))
