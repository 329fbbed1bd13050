"""Inference of trained networks: compiled, in batches, with seeded noise."""

import keras
import numpy as np
from keras import ops
from keras.src.backend.common.stateless_scope import in_stateless_scope

from kerasgan.game.engines import compiled_inference
from kerasgan.game.randomness import SeededNoise, adds_noise, noise_states, seeded_noise


class Inference:
    """A network in inference, as used by `sample`, `translate`, `encode` and exports.

    Layers that add noise (`kerasgan.game.randomness.draw_noise`) draw it from the seed and the index of the sample, so
    that a sample does not depend on the batch size. Layers with a `SeedGenerator`, such as dropout in inference, draw
    from the seed and the index of the batch's first sample.

    Args:
        network: Built Keras model.
        finish: Function from the network's outputs to samples, such as the choice of one of several outputs. `None` for
            the outputs themselves.
    """

    def __init__(self, network, finish=None):
        self.network, self.finish = network, finish or (lambda outputs: outputs)
        self.call = compiled_inference(network, self.finish)

    @property
    def adds_noise(self):
        """Whether the `noise` argument has an effect."""
        return adds_noise(self.network)

    def __call__(self, inputs, seed=0, noise="random", batch_size=64):
        """Computes the outputs for given inputs in batches.

        Args:
            inputs: Tensor, array or list of them, with one row for each sample.
            seed: Seed of the noise, a non-negative integer.
            noise: "random"; "fixed", the same for all samples; "none"; or a factor for random noise.
            batch_size: Number of samples to process at once.

        Returns:
            A float32 array, or a dictionary of arrays (integers stay integers).

        Raises:
            ValueError: For a negative seed, a non-positive batch size, or an unknown noise.
        """
        values = list(inputs) if isinstance(inputs, (list, tuple)) else [inputs]
        if int(seed) < 0:
            raise ValueError(f"`seed` is {seed}; expected an integer of 0 or more.")
        if not isinstance(batch_size, (int, np.integer)) or batch_size < 1:
            raise ValueError(f"`batch_size` is {batch_size}; expected a positive integer.")
        strength, fixed = strength_of(noise)
        chunks, count = [], len(values[0])
        for start in range(0, count, batch_size):
            # Slices of tensors take longer than small networks.
            part = values if count <= batch_size else [value[start : start + batch_size] for value in values]
            part = [ops.convert_to_tensor(value) for value in part]
            part = part if len(part) > 1 else part[0]
            outputs = self.call(part, np.uint32(int(seed) & 0xFFFFFFFF), np.uint32(start), np.float32(strength), fixed)
            chunks.append(_each(_to_numpy, outputs))
        if not chunks:
            shapes = [tuple(value.shape) for value in values]
            shapes = self.network.compute_output_shape(shapes if len(shapes) > 1 else shapes[0])
            return _each(lambda shape: np.zeros(shape, "float32"), shapes)
        return _joined(chunks)

    def graph(self, inputs, seed=0, strength=1.0, fixed=False):
        """Computes the outputs as tensors; this method is traced for exports.

        Args:
            inputs: Tensor or list of tensors.
            seed: Integer or scalar integer tensor.
            strength: Number or scalar tensor that the noise is multiplied by.
            fixed: Whether all samples share the same noise.
        """
        states = noise_states(self.network, seed)
        with seeded_noise(SeededNoise(seed, 0, strength, fixed)):
            if in_stateless_scope():  # as in `predict` on JAX, whose scope knows the variables' values
                for variable, state in states:
                    variable.assign(state)
                return self.finish(self.network(inputs, training=False))
            with keras.StatelessScope(states):
                return self.finish(self.network(inputs, training=False))


def strength_of(noise):
    """The noise factor and whether all samples share the noise, from a `noise` argument.

    Raises:
        ValueError: For an unknown value.
    """
    known = {"random": (1.0, False), "fixed": (1.0, True), "none": (0.0, False)}
    if isinstance(noise, str) and noise in known:
        return known[noise]
    if isinstance(noise, (int, float)) and not isinstance(noise, bool) and noise >= 0:
        return float(noise), False
    raise ValueError(f"`noise` is {noise!r}; expected 'random', 'fixed', 'none' or a number of 0 or more.")


def _to_numpy(tensor):
    whole = keras.backend.standardize_dtype(tensor.dtype).startswith(("int", "uint"))
    return ops.convert_to_numpy(tensor if whole else ops.cast(tensor, "float32"))


def _each(fn, value):
    return {name: fn(part) for name, part in value.items()} if isinstance(value, dict) else fn(value)


def _joined(chunks):
    if len(chunks) == 1:  # without a copy, unless it is JAX's own memory, which is read-only
        return _each(lambda array: array if array.flags.writeable else array.copy(), chunks[0])
    if isinstance(chunks[0], dict):
        return {name: np.concatenate([chunk[name] for chunk in chunks]) for name in chunks[0]}
    return np.concatenate(chunks)
