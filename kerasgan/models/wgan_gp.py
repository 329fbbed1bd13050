"""WGAN-GP (Gulrajani et al. 2017, "Improved Training of Wasserstein GANs")."""

import dataclasses
import functools
from typing import Any

import keras

from kerasgan.bases.latent import LatentRecipe
from kerasgan.game.recipe import optimizer
from kerasgan.models.dcgan import DCGAN
from kerasgan.objectives.penalties import GradientPenalty

adam = functools.partial(optimizer, "adam", learning_rate=1e-4, beta_1=0.0, beta_2=0.9)


@dataclasses.dataclass(frozen=True)
class WGANGPRecipe(LatentRecipe):
    """Algorithm 1: lambda = 10, five critic steps for one of the generator, Adam(1e-4, 0, .9)."""

    loss: Any = "wasserstein"
    penalties: tuple = (GradientPenalty(10.0),)
    generator_every: int = 5
    discriminator_optimizer: Any = dataclasses.field(default_factory=adam)
    generator_optimizer: Any = dataclasses.field(default_factory=adam)


@keras.saving.register_keras_serializable(package="kerasgan")
class WGANGP(DCGAN):
    """Wasserstein GAN with gradient penalty: the critic's slope is held at one between real and generated samples.

    DCGAN's networks, the critic with layer instead of batch normalization (section 4: the penalty is on each sample's
    gradient, which batch normalization would mix).

    Args:
        image_shape: (height, width, channels) of images in [-1, 1]; height and width multiples of 4.
        latent_dim: length of the latent vectors, standard normal.
        discriminator_normalization: "layer" or None.
        **kwargs: as for `DCGAN`.

    Examples:

    >>> model = WGANGP(image_shape=(64, 64, 3))
    >>> model.compile()
    >>> model.fit(images, epochs=25)
    >>> pictures = model.sample(64, seed=0)
    """

    recipe = WGANGPRecipe()

    def __init__(self, image_shape, latent_dim=128, latent_range=None, discriminator_normalization="layer", **kwargs):
        super().__init__(
            image_shape, latent_dim, latent_range, discriminator_normalization=discriminator_normalization, **kwargs
        )
