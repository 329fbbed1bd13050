"""Random numbers of a training step as a pure function of (seed, step, phase, replica, generator).

Keras' `SeedGenerator` keeps its state in a variable that is not saved and that all replicas of a `tf.distribute`
strategy share, so that a resumed run repeats its noise and all replicas draw the same noise. A training step therefore
sets the state of each generator at the start of each phase, computed here from the saved step counter. Dropout,
Gaussian noise and latents then differ between replicas and continue exactly where a run stopped, even in standard Keras
layers.
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
    """Computes the states of `generators` seed generators in one phase of one step on one replica.

    Args:
        seed: Seed of the model, a Python integer.
        generators: Number of generators, a Python integer.
        step: Step counter, an integer or an integer tensor.
        phase: Index of the phase in the game, a Python integer.
        replica: Index of the replica, an integer or an integer tensor.
        part: Index of the micro-batch, an integer or an integer tensor. `None` for an undivided batch.

    Returns:
        A `uint32` tensor of shape (generators, 2) with values below 2^31 - 2, valid for both engines' generators.
    """
    columns = np.arange(2 * generators, dtype="uint32") ^ np.uint32(seed & 0xFFFFFFFF)
    mixed = _mix(ops.convert_to_tensor(columns))
    for number in (step, phase, replica, *([] if part is None else [part])):
        mixed = _mix(mixed + _word(0x9E3779B9) * (ops.cast(number, "uint32") + _word(1)))
    return ops.reshape(mixed % _word(2**31 - 2), (generators, 2))


def _mix(word):
    """Finaliser of MurmurHash3 (A. Appleby, public domain): a bijection of 32-bit words that mixes all bits."""
    word = (word ^ ops.right_shift(word, _word(16))) * _word(0x85EBCA6B)
    word = (word ^ ops.right_shift(word, _word(13))) * _word(0xC2B2AE35)
    return word ^ ops.right_shift(word, _word(16))


def _word(value):
    return ops.convert_to_tensor(np.uint32(value))


class TensorSeed(keras.random.SeedGenerator):
    """A tensor as the seed of `keras.random`: `TensorSeed(s)` gives the same numbers as the integer s.

    Args:
        seed: Integer scalar tensor.
    """

    def __init__(self, seed):  # no variable is created, so the parent's constructor is not called
        self._seed = seed

    def next(self, ordered=True):
        seed = ops.cast(self._seed, "int64" if keras.backend.backend() == "tensorflow" else "uint32")
        return ops.stack([seed, ops.zeros_like(seed)])


def noise_states(network, seed, part=0):
    """Computes states of a network's seed generators, so that its layers draw the same numbers in every process.

    Args:
        network: Keras model.
        seed: Non-negative integer or integer tensor, whose lower 32 bits are used.
        part: Index of the draw, for several draws with one seed.

    Returns:
        List of pairs (variable, state).
    """
    if isinstance(seed, (int, np.integer)):
        seed = np.uint32(seed & 0xFFFFFFFF)
    variables = [v for v in network.non_trainable_variables if is_seed_state(v)]
    states = seed_states(0, len(variables), seed, part, 0)
    return [(v, ops.cast(states[i], v.dtype)) for i, v in enumerate(variables)]


def gumbel_noise(shape, seed, dtype=None):
    """Standard Gumbel noise: after adding it to logits, their argmax is a sample of their softmax.

    Args:
        shape: Shape of the noise; the batch's size may be a tensor.
        seed: Seed as for `keras.random`.
        dtype: Dtype of the noise. Defaults to Keras' default dtype.
    """
    uniform = keras.random.uniform(shape, 1e-6, 1.0 - 1e-6, dtype=dtype, seed=seed)
    return -ops.log(-ops.log(uniform))


# Noise of layers in inference ----------------------------------------------------------------------------------------


class SeededNoise:
    """The source of noise for layers in inference: a function of the seed, the layer, the sample and the position.

    The noise depends neither on the batch in which a sample is computed nor on the engine.

    Args:
        seed: Non-negative integer or integer tensor.
        first: Integer or integer tensor, the index of the batch's first sample.
        strength: Number or scalar tensor that the noise is multiplied by. 0 for no noise.
        fixed: Whether all samples have the noise of sample 0.
    """

    def __init__(self, seed=0, first=0, strength=1.0, fixed=False):
        self.seed, self.first, self.strength, self.fixed = seed, first, strength, fixed
        self.layers = 0

    def normal(self, shape, dtype):
        """Standard normal noise of shape (batch, ...) for the next layer, times the strength."""
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
    """Makes `draw_noise` use a given `SeededNoise` in the block."""
    token = _NOISE.set(noise)
    try:
        yield noise
    finally:
        _NOISE.reset(token)


def draw_noise(shape, generator, dtype=None):
    """Standard normal noise for a layer: new in training, determined by the seed of `sample` in inference.

    Layers that add noise call this function to be reproducible in `sample`, presets and exports.

    Args:
        shape: (batch, ...); the batch's size may be a tensor.
        generator: The layer's `keras.random.SeedGenerator`.
        dtype: Dtype of the noise. Defaults to Keras' default dtype.
    """
    dtype, noise = dtype or keras.config.floatx(), _NOISE.get()
    return keras.random.normal(shape, dtype=dtype, seed=generator) if noise is None else noise.normal(shape, dtype)


def adds_noise(network):
    """Whether a network has layers that call `draw_noise`; they have the attribute `adds_noise`."""
    layers = network._flatten_layers() if hasattr(network, "_flatten_layers") else []
    return any(getattr(layer, "adds_noise", False) for layer in layers)
