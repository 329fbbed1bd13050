"""Random numbers of a training step as a pure function of (seed, step, phase, replica, generator).

Keras' `SeedGenerator` keeps its state in a variable that is not saved and that all replicas of a `tf.distribute`
strategy share, so that a resumed run repeats its noise and all replicas draw the same one. A training step therefore
does not let the generators count: at the start of each phase it gives each of them a state computed here from the step
counter, which is saved. Dropout, Gaussian noise and the latents then differ between replicas and go on exactly where a
run stopped, in any network, stock Keras layers included.
"""

import contextlib
import contextvars
import math

import keras
import numpy as np
from keras import ops


def is_seed_state(variable):
    """Whether a variable is the state of a `keras.random.SeedGenerator`."""
    return variable.name == "seed_generator_state"


def seed_states(seed, generators, step, phase, replica, part=None):
    """States for `generators` seed generators in one phase of one step on one replica.

    Args:
        seed: Python integer, the model's seed.
        generators: Python integer, how many states.
        step: integer tensor or number, the step counter.
        phase: Python integer, the phase's place in the game.
        replica: integer tensor or number.
        part: Integer tensor or number of the micro-batch, or `None` where a batch is not divided.

    Returns:
        `uint32` tensor of shape (generators, 2) with values below 2^31 - 2, which both engines' generators take.
    """
    columns = np.arange(2 * generators, dtype="uint32") ^ np.uint32(seed & 0xFFFFFFFF)
    mixed = _mix(ops.convert_to_tensor(columns))
    for number in (step, phase, replica, *([] if part is None else [part])):
        mixed = _mix(mixed + _word(0x9E3779B9) * (ops.cast(number, "uint32") + _word(1)))
    return ops.reshape(mixed % _word(2**31 - 2), (generators, 2))


def _mix(word):
    """Finaliser of MurmurHash3 (A. Appleby, public domain): a bijection of 32-bit words, every bit matters."""
    word = (word ^ ops.right_shift(word, _word(16))) * _word(0x85EBCA6B)
    word = (word ^ ops.right_shift(word, _word(13))) * _word(0xC2B2AE35)
    return word ^ ops.right_shift(word, _word(16))


def _word(value):
    return ops.convert_to_tensor(np.uint32(value))


class TensorSeed(keras.random.SeedGenerator):
    """A seed given as a tensor where `keras.random` wants a generator: `TensorSeed(s)` draws what the integer s draws.

    Args:
        seed: integer scalar tensor.
    """

    def __init__(self, seed):  # no variable is made, so the parent's constructor is not called
        self._seed = seed

    def next(self, ordered=True):
        seed = ops.cast(self._seed, "int64" if keras.backend.backend() == "tensorflow" else "uint32")
        return ops.stack([seed, ops.zeros_like(seed)])


def noise_states(network, seed, part=0):
    """States of a network's seed generators that make its random layers draw the same in every process.

    Args:
        network: a Keras model.
        seed: integer or integer tensor of 0 or more; its lower 32 bits count.
        part: integer, for several draws of one seed.

    Returns:
        [(variable, state)].
    """
    if isinstance(seed, (int, np.integer)):
        seed = np.uint32(seed & 0xFFFFFFFF)
    variables = [v for v in network.non_trainable_variables if is_seed_state(v)]
    states = seed_states(0, len(variables), seed, part, 0)
    return [(v, ops.cast(states[i], v.dtype)) for i, v in enumerate(variables)]


# Noise of layers in inference ----------------------------------------------------------------------------------------


class SeededNoise:
    """Where layers that add noise draw it from in inference: a function of the seed, the layer, the sample, the place.

    It depends neither on the batch that a sample is computed in nor on the engine.

    Args:
        seed: Integer or integer tensor of 0 or more.
        first: Integer or integer tensor, the index of the batch's first sample.
        strength: Number or scalar tensor that the noise is multiplied by: 0 for none.
        fixed: Whether all samples have the noise of sample 0.
    """

    def __init__(self, seed=0, first=0, strength=1.0, fixed=False):
        self.seed, self.first, self.strength, self.fixed = seed, first, strength, fixed
        self.layers = 0

    def normal(self, shape, dtype):
        """Standard normal noise of a shape (batch, ...) for the next layer, times the strength."""
        self.layers += 1
        count, width = shape[0], math.prod(shape[1:])
        samples = ops.zeros((count,), "uint32") if self.fixed else ops.cast(ops.arange(count), "uint32")
        if not self.fixed:
            samples = samples + ops.cast(self.first, "uint32")
        key = _mix(ops.cast(self.seed, "uint32") + _word(0x9E3779B9 * self.layers & 0xFFFFFFFF))
        rows = _mix(_mix(samples + key) + _word(0x85EBCA6B))
        places = ops.convert_to_tensor(np.arange(2 * width, dtype="uint32") * np.uint32(0x9E3779B9))
        words = _mix(_mix(rows[:, None] + places[None]) + key)
        uniform = (ops.cast(ops.right_shift(words, _word(8)), "float32") + 0.5) * 2.0**-24
        radius = ops.sqrt(-2.0 * ops.log(uniform[:, :width]))
        drawn = radius * ops.cos((2.0 * math.pi) * uniform[:, width:])
        return ops.cast(ops.reshape(drawn, shape) * ops.cast(self.strength, "float32"), dtype)


_NOISE: contextvars.ContextVar["SeededNoise | None"] = contextvars.ContextVar("noise", default=None)


@contextlib.contextmanager
def seeded_noise(noise):
    """Has `draw_noise` draw from a `SeededNoise` in the block."""
    token = _NOISE.set(noise)
    try:
        yield noise
    finally:
        _NOISE.reset(token)


def draw_noise(shape, generator, dtype=None):
    """Standard normal noise for a layer: fresh in training, of the seed of `sample` in inference.

    A layer that adds noise to its inputs calls it, and is then reproducible in `sample`, presets and exports.

    Args:
        shape: (batch, ...); the batch's size may be a tensor.
        generator: The layer's `keras.random.SeedGenerator`.
        dtype: Dtype of the noise; the default one by default.
    """
    dtype, noise = dtype or keras.config.floatx(), _NOISE.get()
    return keras.random.normal(shape, dtype=dtype, seed=generator) if noise is None else noise.normal(shape, dtype)


def adds_noise(network):
    """Whether a network has layers that call `draw_noise`, which say so by an attribute `adds_noise`."""
    layers = network._flatten_layers() if hasattr(network, "_flatten_layers") else []
    return any(getattr(layer, "adds_noise", False) for layer in layers)
