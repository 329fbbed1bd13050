"""Conditioning augmentation (Zhang et al. 2017, "StackGAN", section 3.2)."""

import keras
from keras import layers, ops

from kerasgan.game.randomness import draw_noise
from kerasgan.objectives.losses import at_least_float32


@keras.saving.register_keras_serializable(package="kerasgan")
class ConditioningAugmentation(layers.Layer):
    """Draws conditions around the mean that a dense layer computes: c = mu(t) + sigma(t) * epsilon.

    Noise is drawn in training and in sampling; `sample(noise="none")` uses the mean.

    Args:
        size: Length of the conditions.
        seed: Random seed.
        **kwargs: Keyword arguments of `keras.layers.Layer`.

    Call arguments:
        inputs: Vectors of captions, shape (batch, any).

    Returns:
        Conditions, means and logarithms of the standard deviations, each of shape (batch, size).
    """

    adds_noise = True

    def __init__(self, size, seed=None, **kwargs):
        super().__init__(**kwargs)
        self.size, self.seed = size, seed
        self.random = keras.random.SeedGenerator(seed)
        self.dense = layers.Dense(2 * size, name="dense", dtype=self.dtype_policy)

    def build(self, input_shape):
        self.dense.build(input_shape)

    def call(self, inputs):
        center, log_deviation = ops.split(self.dense(inputs), 2, axis=-1)
        noise = draw_noise((ops.shape(inputs)[0], self.size), self.random, center.dtype)
        return center + ops.exp(log_deviation) * noise, center, log_deviation

    def compute_output_spec(self, inputs):
        one = keras.KerasTensor((inputs.shape[0], self.size), dtype=self.compute_dtype)
        return one, one, one

    def get_config(self):
        return {**super().get_config(), "size": self.size, "seed": self.seed}


def normal_divergence(center, log_deviation):
    """Mean over the components of KL(N(mu, sigma^2) || N(0, 1)) = 1/2 (mu^2 + sigma^2 - 1) - log sigma.

    Args:
        center: Means, shape (batch, size).
        log_deviation: Logarithms of the standard deviations, shape (batch, size).

    Returns:
        A tensor of shape (batch,).
    """
    center, log_deviation = at_least_float32(center), at_least_float32(log_deviation)
    terms = 0.5 * (ops.square(center) + ops.exp(2.0 * log_deviation) - 1.0) - log_deviation
    return ops.sum(terms, axis=-1) / terms.shape[-1]
