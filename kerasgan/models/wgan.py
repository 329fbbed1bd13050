"""WGAN (Arjovsky, Chintala & Bottou 2017, "Wasserstein GAN")."""

import bisect
import dataclasses
import functools
from typing import Any

import keras

from kerasgan.bases.latent import LatentRecipe
from kerasgan.game.recipe import optimizer
from kerasgan.models.dcgan import DCGAN

# Keras divides by sqrt(v + epsilon), the authors' Torch by sqrt(v) + 1e-8. With Keras' 1e-7 a generator whose gradients
# come through clipped weights, of 1e-5 to 1e-4, would take a tenth of its steps.
rmsprop = functools.partial(optimizer, "rmsprop", learning_rate=5e-5, rho=0.99, epsilon=1e-16)


@dataclasses.dataclass(frozen=True)
class CriticRhythm:
    """When the generator has its turn, so that the critic is near its optimum before: a function of the step.

    Each of the generator's iterations is the last of a block of critic steps.

    Args:
        critic_steps: critic steps in a block (n_critic).
        long: critic steps in a long block.
        first: this many blocks at the beginning are long.
        every: and, counted from 0, each block whose number is a multiple of this; None: no other.

    Raises:
        ValueError: for blocks of no step.
    """

    critic_steps: int = 5
    long: int = 100
    first: int = 25
    every: int | None = 500

    def __post_init__(self):
        least = {"critic_steps": 1, "long": 1, "first": 0, "every": 0}
        for name, value in ((name, getattr(self, name)) for name in least):
            if value is not None and value < least[name]:
                raise ValueError(f"{name} of the critic's rhythm is {value}, expected {least[name]} or more.")

    def critic_steps_until(self, iteration):
        """Steps up to and with a generator iteration, counted from 0."""
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
    """Algorithm 1 and the authors' training: the fields of `CriticRhythm` say when the critic is trained for longer."""

    loss: Any = "wasserstein"
    clip_weights: float | None = 0.01
    generator_every: int = 5
    long_generator_every: int = 100
    long_first: int = 25
    long_again_every: int | None = 500
    discriminator_optimizer: Any = dataclasses.field(default_factory=rmsprop)
    generator_optimizer: Any = dataclasses.field(default_factory=rmsprop)


@keras.saving.register_keras_serializable(package="kerasgan")
class WGAN(DCGAN):
    """Wasserstein GAN: the discriminator is a critic, whose clipped weights keep it Lipschitz.

    The critic's loss, negated, estimates the Wasserstein distance up to the critic's Lipschitz constant, and falls as
    the samples become better. DCGAN's networks, with batch normalization, all weights of the critic within .01; five
    critic steps for one of the generator, a hundred for its first 25 iterations and for every 500th: the paper trains
    the critic "till optimality", the numbers are those of the authors' code, as are RMSProp's decay of .99 and
    its epsilon.

    Args:
        image_shape: (height, width, channels) of images in [-1, 1]; height and width multiples of 4.
        latent_dim: length of the latent vectors, standard normal.
        **kwargs: as for `DCGAN`.

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
