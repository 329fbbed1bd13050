"""WGAN-GP (Gulrajani et al. 2017, "Improved Training of Wasserstein GANs")."""

import dataclasses
from typing import Any

import keras

from kerasgan.bases.latent import LatentRecipe
from kerasgan.game.recipe import Adam
from kerasgan.models.dcgan import DCGAN
from kerasgan.objectives.penalties import GradientPenalty


@dataclasses.dataclass(frozen=True)
class WGANGPRecipe(LatentRecipe):
    """Settings of algorithm 1."""

    loss: Any = "wasserstein"
    penalties: tuple = (GradientPenalty(10.0),)
    generator_every: int = 5
    discriminator_optimizer: Any = Adam(1e-4, beta_1=0.0, beta_2=0.9)
    generator_optimizer: Any = Adam(1e-4, beta_1=0.0, beta_2=0.9)


@keras.saving.register_keras_serializable(package="kerasgan")
class WGANGP(DCGAN):
    """Wasserstein GAN with gradient penalty: keeps the critic's slope at one between real and generated samples.

    The networks are DCGAN's, but the critic has layer instead of batch normalization: the penalty applies to the
    gradient of each sample, and batch normalization mixes samples (section 4). The recipe "toy" is that of the authors'
    code for two-dimensional points.

    Args:
        image_shape: Shape (height, width, channels) of images in [-1, 1]. Height and width are multiples of 4.
        latent_dim: Length of the latent vectors.
        latent_range: (low, high) of uniform latents. `None` for standard normal latents, the default.
        discriminator_normalization: "layer" or `None`.
        **kwargs: Arguments of `DCGAN`.

    Examples:

    >>> model = WGANGP(image_shape=(64, 64, 3))
    >>> model.compile()
    >>> model.fit(images, epochs=25)
    >>> pictures = model.sample(64, seed=0)
    """

    recipe = WGANGPRecipe()
    recipes = {
        "toy": {
            "penalties": (GradientPenalty(0.1),),
            "discriminator_optimizer": Adam(1e-4, beta_1=0.5, beta_2=0.9),
            "generator_optimizer": Adam(1e-4, beta_1=0.5, beta_2=0.9),
        }
    }

    def __init__(self, image_shape, latent_dim=128, latent_range=None, discriminator_normalization="layer", **kwargs):
        super().__init__(
            image_shape, latent_dim, latent_range, discriminator_normalization=discriminator_normalization, **kwargs
        )
