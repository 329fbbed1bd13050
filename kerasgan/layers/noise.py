"""Noise on the feature maps of a generator (Karras et al. 2019, "A Style-Based Generator...", section 3.2)."""

import contextlib

import keras
from keras import ops

from kerasgan.game.randomness import draw_noise
from kerasgan.layers.initial import normal

MODES = ("random", "constant", "none")


@keras.saving.register_keras_serializable(package="kerasgan")
class Noise(keras.layers.Layer):
    """Adds a map of standard normal noise to all channels, multiplied by a learned strength that starts at 0.

    The noise depends on the attribute `mode`, both in training and in inference; `noise_mode` sets it for all layers of
    a network:

    - "random": a new map for each sample and call, from `kerasgan.game.randomness.draw_noise`: fresh in training; in
      inference determined by the arguments `seed` and `noise` of `sample`.
    - "constant": the same map for all samples, stored with the weights, as in published generators.
    - "none": no noise.

    Args:
        per_channel: Whether to learn a strength for each channel (StyleGAN) instead of one for all (StyleGAN2).
        mode: One of the modes above.
        seed: Seed of the random maps.
        **kwargs: Keyword arguments of `keras.layers.Layer`.

    Call arguments:
        inputs: Floats of shape (batch, height, width, channels), height and width known.

    Returns:
        The same shape.

    Raises:
        ValueError: For an unknown mode.
    """

    adds_noise = True

    def __init__(self, per_channel=False, mode="random", seed=None, **kwargs):
        super().__init__(**kwargs)
        self.per_channel, self.mode, self.seed = per_channel, check_mode(mode), seed
        self.random = keras.random.SeedGenerator(seed)

    def build(self, input_shape):
        shape = (input_shape[-1],) if self.per_channel else ()
        self.strength = self.add_weight(shape=shape, initializer="zeros", name="strength")
        self.constant = self.add_weight(
            shape=(*input_shape[1:3], 1),
            initializer=keras.initializers.get(normal(1.0)),
            trainable=False,
            name="constant",
        )

    def call(self, inputs):
        if self.mode == "none":
            return inputs
        if self.mode == "constant":
            noise = ops.convert_to_tensor(self.constant)
        else:
            shape = (ops.shape(inputs)[0], *inputs.shape[1:3], 1)
            noise = draw_noise(shape, self.random, self.compute_dtype)
        return inputs + ops.cast(noise, self.compute_dtype) * self.strength

    def compute_output_shape(self, input_shape):
        return input_shape

    def get_config(self):
        return {**super().get_config(), "per_channel": self.per_channel, "mode": self.mode, "seed": self.seed}


def check_mode(mode):
    """Returns the mode if it is one of `MODES`; otherwise raises an error."""
    if mode not in MODES:
        raise ValueError(f"mode is {mode!r}, expected one of {', '.join(map(repr, MODES))}.")
    return mode


def noise_layers(network):
    """All `Noise` layers of a network, including those of nested networks."""
    found: list[Noise] = []
    for layer in getattr(network, "layers", ()):
        found += [layer] if isinstance(layer, Noise) else noise_layers(layer)
    return found


@contextlib.contextmanager
def noise_mode(network, mode):
    """Sets the mode of all `Noise` layers of a network within the block.

    The mode is read when the network is called. A compiled function keeps the mode it was traced in: use a separate
    function for each mode.

    Args:
        network: A Keras model.
        mode: "random", "constant" or "none".
    """
    check_mode(mode)
    before = [(layer, layer.mode) for layer in noise_layers(network)]
    try:
        for layer, _ in before:
            layer.mode = mode
        yield
    finally:
        for layer, old in before:
            layer.mode = old
