"""GAN (Goodfellow et al. 2014, "Generative Adversarial Nets")."""

import dataclasses
import math
from typing import Any

import keras
import numpy as np
from keras import layers

from kerasgan.bases.latent import LatentModel, LatentRecipe
from kerasgan.game.optimizers import goodfellow_sgd
from kerasgan.layers import Maxout, uniform


@dataclasses.dataclass(frozen=True)
class GANRecipe(LatentRecipe):
    batch_size: int = 100
    discriminator_optimizer: Any = dataclasses.field(default_factory=goodfellow_sgd)
    generator_optimizer: Any = dataclasses.field(default_factory=goodfellow_sgd)


@keras.saving.register_keras_serializable(package="kerasgan")
class GAN(LatentModel):
    """The original GAN: a ReLU generator and a maxout discriminator, both multi-layer perceptrons.

    The networks and the recipe are those of the authors' MNIST experiment. The paper's text leaves them open; their
    published configuration is followed, the discriminator's sigmoid moved into the loss.

    Args:
        image_shape: (height, width, channels) of images in [-1, 1], or (size,) for vectors of any range.
        latent_dim: length of the latent vectors, uniform with unit variance.
        units: width of the generator's two hidden layers.
        maxout_units: width of the discriminator's two maxout layers.
        pieces: linear pieces a maxout unit.
        dropout: shares dropped in the discriminator: of its input, of its hidden layers.
        **kwargs: as for `kerasgan.LatentModel`.

    Examples:

    >>> model = GAN(image_shape=(8, 8, 1))
    >>> model.compile()
    >>> model.fit(images, epochs=100)
    >>> pictures = model.sample(16, seed=0)
    """

    recipe = GANRecipe()

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
        if kwargs.get("num_classes"):
            raise ValueError("num_classes was given, but GAN is unconditional. Use CGAN, or DCGAN with num_classes.")
        self.sizes = {"units": units, "maxout_units": maxout_units, "pieces": pieces, "dropout": tuple(dropout)}
        super().__init__(image_shape, latent_dim, latent_range, **kwargs)

    def build_generator(self):
        latents = x = keras.Input((self.latent_dim,), name="latents")
        for _ in range(2):
            x = layers.Dense(self.sizes["units"], "relu", kernel_initializer=uniform(0.05))(x)
        size = math.prod(self.image_shape)
        x = layers.Dense(size, kernel_initializer=uniform(0.05), name="intensities")(x)
        if len(self.image_shape) == 3:  # the paper's intensities in [0, 1], as images in [-1, 1]
            x = layers.Rescaling(2.0, -1.0)(layers.Activation("sigmoid")(x))
        return keras.Model(latents, layers.Reshape(self.image_shape, name="images")(x), name="generator")

    def build_discriminator(self):
        images = x = keras.Input(self.pack_shape, name="images")
        if len(self.image_shape) == 3:
            x = layers.Flatten()(layers.Rescaling(0.5, 0.5)(x))
        for rate in (self.sizes["dropout"][0], self.sizes["dropout"][1]):
            x = layers.Dropout(rate)(x)
            x = Maxout(self.sizes["maxout_units"], self.sizes["pieces"], uniform(0.005))(x)
        x = layers.Dropout(self.sizes["dropout"][1])(x)
        return keras.Model(
            images, layers.Dense(1, kernel_initializer=uniform(0.005), name="logits")(x), name="discriminator"
        )

    def adapt(self, images):
        """Sets the generator's output biases from the mean of each pixel, as the authors do before training.

        Args:
            images: real images in [-1, 1], shape (count, *image_shape).
        """
        mean = np.clip((np.mean(images, axis=0).ravel() + 1.0) / 2.0, 1e-3, 1.0 - 1e-3)
        for generator in (self.generator, self.ema_generator):
            generator.get_layer("intensities").bias.assign(np.log(mean / (1.0 - mean)))

    def get_config(self):
        return {**super().get_config(), **self.sizes}
