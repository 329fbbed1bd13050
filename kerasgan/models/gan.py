"""GAN (Goodfellow et al. 2014, "Generative Adversarial Nets")."""

import dataclasses
import math
from typing import Any

import keras
import numpy as np
from keras import layers

from kerasgan.bases.latent import LatentModel, LatentRecipe
from kerasgan.game.optimizers import FlooredDecay
from kerasgan.game.recipe import SGD
from kerasgan.layers import Maxout, uniform

# The momentum grows over 250 epochs of 500 steps.
SLOWING_SGD = SGD(FlooredDecay(0.1, 1.000004, 1e-6), momentum=0.5, final_momentum=0.7, ramp_steps=125_000)


@dataclasses.dataclass(frozen=True)
class GANRecipe(LatentRecipe):
    batch_size: int = 100
    discriminator_optimizer: Any = SLOWING_SGD
    generator_optimizer: Any = SLOWING_SGD


@keras.saving.register_keras_serializable(package="kerasgan")
class GAN(LatentModel):
    """The original GAN: a ReLU generator and a maxout discriminator, both multi-layer perceptrons.

    The networks and the recipe are those of the authors' MNIST experiment. The paper does not specify them, so we
    follow the authors' published configuration, except that the discriminator's sigmoid is part of the loss.

    Args:
        image_shape: Shape (height, width, channels) of images in [-1, 1], or (size,) of vectors in any range.
        latent_dim: Length of the latent vectors, which are uniform with unit variance by default.
        latent_range: (low, high) of uniform latents. `None` for standard normal latents.
        units: Width of the generator's two hidden layers.
        maxout_units: Width of the discriminator's two maxout layers.
        pieces: Number of linear pieces of each maxout unit.
        dropout: Dropout rates of the discriminator: of its input, and of its hidden layers.
        **kwargs: Arguments of `kerasgan.LatentModel`.

    Examples:

    >>> model = GAN(image_shape=(8, 8, 1))
    >>> model.compile()
    >>> model.fit(images, epochs=100)
    >>> pictures = model.sample(16, seed=0)
    """

    recipe = GANRecipe()
    conditional = False

    def __init__(
        self,
        image_shape,
        latent_dim=100,
        latent_range=(-math.sqrt(3), math.sqrt(3)),
        units=1200,
        maxout_units=240,
        pieces=5,
        dropout=(0.2, 0.5),
        **kwargs,
    ):
        self.units, self.maxout_units, self.pieces, self.dropout = units, maxout_units, pieces, tuple(dropout)
        super().__init__(image_shape, latent_dim, latent_range, **kwargs)

    def build_generator(self):
        latents = x = keras.Input((self.latent_dim,), name="latents")
        for _ in range(2):
            x = layers.Dense(self.units, "relu", kernel_initializer=uniform(0.05))(x)
        size = math.prod(self.image_shape)
        x = layers.Dense(size, kernel_initializer=uniform(0.05), name="intensities")(x)
        if len(self.image_shape) == 3:  # from the paper's intensities in [0, 1] to [-1, 1]
            x = layers.Rescaling(2.0, -1.0)(layers.Activation("sigmoid")(x))
        return keras.Model(latents, layers.Reshape(self.image_shape, name="images")(x), name="generator")

    def build_discriminator(self):
        images = x = keras.Input(self.pack_shape, name="images")
        if len(self.image_shape) == 3:
            x = layers.Flatten()(layers.Rescaling(0.5, 0.5)(x))
        first, later = self.dropout
        for rate in (first, later):
            x = layers.Dropout(rate)(x)
            x = Maxout(self.maxout_units, self.pieces, uniform(0.005))(x)
        logits = layers.Dense(1, kernel_initializer=uniform(0.005), name="logits")(layers.Dropout(later)(x))
        return keras.Model(images, logits, name="discriminator")

    def adapt(self, images):
        """Sets the generator's output biases from the mean of each pixel, as the authors do before training.

        Args:
            images: Real images of shape (count, *image_shape), in [-1, 1].
        """
        mean = np.clip((np.mean(images, axis=0).ravel() + 1.0) / 2.0, 1e-3, 1.0 - 1e-3)
        for generator in (self.generator, self.ema_generator):
            generator.get_layer("intensities").bias.assign(np.log(mean / (1.0 - mean)))
