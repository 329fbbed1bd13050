"""Measurements of the health of a training, at almost no cost, from tensors that a step computes anyway.

They are off until `AdversarialModel.watch` is called, as `kerasgan.callbacks.GANHealth` does. The means are variables
that are part of a step's state, but not of the logs or of checkpoints.
"""

import contextlib
import contextvars
import math
from collections.abc import Callable

import keras
import numpy as np
from keras import ops

DECAY = 0.99  # decay of the means per step
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
    """Calls a function in place of every penalty in the block, with the penalty and its arguments.

    `compile()` uses it to find the penalties of a loss.
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
    """Exponential moving averages of signals over the steps in which they are finite.

    To Keras this is a metric that does not appear in the logs and is not reset at each epoch.

    Args:
        names: Names of the signals.
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
        """Does nothing: the means continue over the epochs."""

    def result(self):
        """An empty dictionary for the logs; for the means, see `values`."""
        return {}

    def update_state(self, values, weight=1.0):
        """Adds a float32 vector of the signals of one step."""
        usable = ops.cast(ops.isfinite(values), "float32") * weight
        keep = 1.0 - (1.0 - DECAY) * usable
        values = ops.where(usable > 0, values, 0.0)
        self.total.assign(keep * self.total + (1.0 - DECAY) * usable * values)
        self.weight.assign(keep * self.weight + (1.0 - DECAY) * usable)

    def values(self):
        """The means on the host, `{name: mean}`, of the signals that have been measured."""
        total, weight = (ops.convert_to_numpy(v) for v in self.variables)
        return {n: float(t / w) for n, t, w in zip(self.names, total, weight, strict=True) if w > 0}


def recent_means(phases):
    """The `RecentMeans` of a game with phases of these names, by their names in a step's logs."""
    return {f"{PREFIX}logits": RecentMeans(LOGITS), **{f"{PREFIX}{name}": RecentMeans(UPDATE) for name in phases}}


@contextlib.contextmanager
def observing(on):
    """Yields a dictionary that collects the signals of `observe_logits` in the block, if `on` is True."""
    seen: dict = {}
    token = _OBSERVED.set(seen if on else None)
    try:
        yield seen
    finally:
        _OBSERVED.reset(token)


def observe_logits(real, fake, boundary=None):
    """Measures signals of a discriminator's logits, if the game is watched. Call it in the discriminator's loss.

    Args:
        real: Logits D(x), of any shape.
        fake: Logits D(G(z)).
        boundary: Logit at which the discriminator is undecided. `None` for the midpoint of the two means, for losses
            that use differences (Wasserstein, relativistic).
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
    """A point in a loss at which its gradient with respect to the generated samples is taken.

    Args:
        zero: Tensor of zeros of the samples' shape, with respect to which the engine differentiates. `None` for an
            engine that can differentiate with respect to the samples themselves.
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
    """Makes `probed` use a given `Probe`, or none if `None`, in the block."""
    token = _PROBE.set(probe)
    try:
        yield
    finally:
        _PROBE.reset(token)


def probed(samples):
    """Marks generated samples for signals if the game is watched. Call it on a generator's output."""
    probe = _PROBE.get()
    return samples if probe is None else probe(samples)


def update_signals(gradients, before, after, factor, sample_gradient=None):
    """Computes the signals of one player's update, as a float32 vector in the order of `UPDATE`.

    Args:
        gradients: Gradients of the objective with respect to the player's variables.
        before: Values of the variables before the update.
        after: Values of the variables after the update.
        factor: Ratio of the objective to the mean loss of this replica's batch.
        sample_gradient: Gradient of the objective with respect to the samples, of shape (batch, ...), or `None`.

    Returns:
        The norm of the gradient of the mean loss; `|after - before| / |before|`, including the learning rate; and the
        median over samples of `|gradient of a sample's own loss| sqrt(dimensions)`, or NaN.
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
