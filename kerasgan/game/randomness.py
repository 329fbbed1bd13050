"""Random numbers of a training step as a pure function of (seed, step, phase, replica, generator).

Keras' `SeedGenerator` keeps its state in a variable that is not saved and that all replicas of a `tf.distribute`
strategy share, so that a resumed run repeats its noise and all replicas draw the same one. A training step therefore
does not let the generators count: at the start of each phase it gives each of them a state computed here from the step
counter, which is saved. Dropout, Gaussian noise and the latents then differ between replicas and go on exactly where a
run stopped, in any network, stock Keras layers included.
"""

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
