"""WGAN (Arjovsky, Chintala & Bottou 2017, "Wasserstein GAN")."""

import bisect
import dataclasses
from typing import Any

import keras

from kerasgan.bases.latent import LatentRecipe
from kerasgan.game.recipe import RMSprop
from kerasgan.models.dcgan import DCGAN

# Keras divides by sqrt(v + epsilon), the authors' Torch by sqrt(v) + 1e-8. The generator's gradients pass through
# clipped weights and are only 1e-5 to 1e-4, so that with Keras' default of 1e-7 its steps would be a tenth as long.
RMSPROP = RMSprop(5e-5, rho=0.99, epsilon=1e-16)


@dataclasses.dataclass(frozen=True)
class CriticRhythm:
    """Schedule of the generator's training steps that leaves the critic time to converge.

    Called with a step, it returns whether the generator is trained: in the last step of each block of critic steps.

    Args:
        critic_steps: Number of critic steps in a block (n_critic).
        long: Number of critic steps in a long block.
        first: Number of long blocks at the beginning.
        every: Interval of later long blocks: those whose number, counted from 0, is a multiple of it. `None` for no
            later long blocks.

    Raises:
        ValueError: For blocks without steps.
    """

    critic_steps: int = 5
    long: int = 100
    first: int = 25
    every: int | None = 500

    def __post_init__(self):
        least = {"critic_steps": 1, "long": 1, "first": 0, "every": 0}
        for name, value in ((name, getattr(self, name)) for name in least):
            if value is not None and value < least[name]:
                raise ValueError(f"`{name}` of the critic's rhythm is {value}; expected {least[name]} or more.")

    def critic_steps_until(self, iteration):
        """Number of steps up to and including a generator iteration, counted from 0."""
        long = min(iteration + 1, self.first)
        if self.every and iteration >= self.first:
            long += iteration // self.every - max(self.first - 1, 0) // self.every
            long += self.first == 0
        return self.critic_steps * (iteration + 1 - long) + self.long * long

    def __call__(self, step):
        steps = bisect.bisect_left(range(step + 1), step + 1, key=self.critic_steps_until)
        return self.critic_steps_until(steps) == step + 1


@dataclasses.dataclass(frozen=True)
class WGANRecipe(LatentRecipe):
    """Settings of algorithm 1 and of the authors' code.

    Args:
        long_generator_every: Number of critic steps in a long block; see `CriticRhythm`.
        long_first: Number of long blocks at the beginning.
        long_again_every: Interval of later long blocks. `None` for no later long blocks.
    """

    loss: Any = "wasserstein"
    clip_weights: float | None = 0.01
    generator_every: int = 5
    long_generator_every: int = 100
    long_first: int = 25
    long_again_every: int | None = 500
    discriminator_optimizer: Any = RMSPROP
    generator_optimizer: Any = RMSPROP


@keras.saving.register_keras_serializable(package="kerasgan")
class WGAN(DCGAN):
    """Wasserstein GAN: the discriminator is a critic, whose clipped weights keep it Lipschitz.

    The critic's loss, negated, estimates the Wasserstein distance up to the critic's Lipschitz constant, and falls as
    the samples improve. The networks are DCGAN's, with batch normalization; all weights of the critic are clipped to
    [-0.01, 0.01]. There are five critic steps per generator step, but a hundred for the generator's first 25 iterations
    and for every 500th. The paper trains the critic "till optimality"; these numbers, RMSProp's decay of 0.99 and its
    epsilon are those of the authors' code.

    Args:
        image_shape: Shape (height, width, channels) of images in [-1, 1]. Height and width are multiples of 4.
        latent_dim: Length of the latent vectors.
        latent_range: (low, high) of uniform latents. `None` for standard normal latents, the default.
        **kwargs: Arguments of `DCGAN`.

    Examples:

    >>> model = WGAN(image_shape=(64, 64, 3))
    >>> model.compile()
    >>> model.fit(images, epochs=25)
    >>> pictures = model.sample(64, seed=0)
    """

    recipe = WGANRecipe()

    def __init__(self, image_shape, latent_dim=100, latent_range=None, **kwargs):
        super().__init__(image_shape, latent_dim, latent_range, **kwargs)

    def phases(self):
        recipe = self.recipe
        rhythm = CriticRhythm(
            recipe.generator_every, recipe.long_generator_every, recipe.long_first, recipe.long_again_every
        )
        *others, generator = super().phases()
        return (*others, dataclasses.replace(generator, every=rhythm))
