"""Unrolled GAN (Metz, Poole, Pfau & Sohl-Dickstein 2017, "Unrolled Generative Adversarial Networks")."""

import dataclasses
import math
from typing import Any

import keras
from keras import layers, ops

from kerasgan.bases.latent import LatentModel, LatentRecipe
from kerasgan.game.engines import gradients, mean_over_replicas
from kerasgan.game.randomness import is_seed_state
from kerasgan.game.recipe import Adam
from kerasgan.game.signals import observed, observing

# Options of Keras optimizers whose effect on an update is not differentiated here.
CLIPPING = ("clipnorm", "clipvalue", "global_clipnorm")
UNKNOWN = (*CLIPPING, "amsgrad", "nesterov", "weight_decay", "use_ema", "gradient_accumulation_steps")


@dataclasses.dataclass(frozen=True)
class UnrolledGANRecipe(LatentRecipe):
    """Settings of the paper's ring of Gaussians (appendix A).

    Args:
        unrolled_steps: Number K of discriminator steps that the generator looks ahead; 0 for a plain GAN.
        discriminator_optimizer: `keras.optimizers.Adam` or `SGD`, without options that change the gradients.
    """

    batch_size: int = 512
    loss: Any = "minimax"
    unrolled_steps: int = 5
    discriminator_optimizer: Any = Adam(1e-4, beta_1=0.5)
    generator_optimizer: Any = Adam(1e-4, beta_1=0.5)


@keras.saving.register_keras_serializable(package="kerasgan")
class UnrolledGAN(LatentModel):
    """GAN whose generator anticipates the discriminator: its loss is evaluated after K more discriminator steps.

    Let f be the loss that the discriminator minimises and g the generator's. The discriminator takes plain steps on f,
    and the generator minimises g(theta_G, theta_D^K), where theta_D^(k+1) is theta_D^k after one update by the
    discriminator's own optimizer on f(theta_G, theta_D^k) (equations 4 to 8, with g = -f, the minimax loss). The
    gradient also flows through the K updates, so that the generator learns how the discriminator would react. The
    updates start from the optimizer's current state, including moments and step count, and are discarded afterwards.
    All of them, and the generator's loss, use the same batch of real and of generated samples, as in the authors' code.

    A step of the generator costs K + 1 evaluations of the discriminator and their second derivatives. Penalties of the
    recipe are part of f, but treat generated samples as constants.

    The networks are those of the ring (appendix A): two hidden layers of 128 ReLU units in the generator; one in the
    discriminator, whose input is divided by 4; orthogonal initial weights times 0.8. For images and conditional models,
    pass your own networks.

    Args:
        image_shape: Shape (height, width, channels) of images in [-1, 1], or (size,) of vectors in any range.
        latent_dim: Length of the latent vectors.
        latent_range: (low, high) of uniform latents. `None` for standard normal latents, the default.
        units: Width of the hidden layers.
        input_scale: Factor of the discriminator's input.
        **kwargs: Arguments of `kerasgan.LatentModel`.

    Examples:

    >>> model = UnrolledGAN(image_shape=(2,))
    >>> model.compile(unrolled_steps=10)
    >>> model.fit(points, epochs=100)
    >>> samples = model.sample(2500, seed=0)
    """

    recipe = UnrolledGANRecipe()

    def __init__(self, image_shape, latent_dim=256, latent_range=None, units=128, input_scale=0.25, **kwargs):
        if kwargs.get("num_classes") and not (kwargs.get("generator") and kwargs.get("discriminator")):
            raise ValueError(
                "`num_classes` was given, but the paper's networks are unconditional. Pass your own networks."
            )
        self.units, self.input_scale = units, input_scale
        super().__init__(image_shape, latent_dim, latent_range, **kwargs)

    def build_generator(self):
        latents = x = keras.Input((self.latent_dim,), name="latents")
        for _ in range(2):
            x = self._dense(self.units, "relu")(x)
        x = self._dense(math.prod(self.image_shape))(x)
        return keras.Model(latents, layers.Reshape(self.image_shape, name="images")(x), name="generator")

    def build_discriminator(self):
        images = keras.Input(self.pack_shape, name="images")
        x = layers.Rescaling(self.input_scale)(layers.Flatten()(images))
        x = self._dense(self.units, "relu")(x)
        return keras.Model(images, self._dense(1, name="logits")(x), name="discriminator")

    @staticmethod
    def _dense(units, activation=None, **options):
        return layers.Dense(units, activation, kernel_initializer=keras.initializers.Orthogonal(0.8), **options)

    def phases(self):
        steps = self.recipe.unrolled_steps
        if not isinstance(steps, int) or steps < 0:
            raise ValueError(f"`unrolled_steps` is {steps!r}; expected 0 (a plain GAN), 1, 2, ...")
        check_unrollable(self._discriminator_optimizer)
        return super().phases()

    @property
    def _discriminator_optimizer(self):
        rule = self.optimizer["discriminator"]
        return getattr(rule, "inner_optimizer", rule)  # unwraps a loss-scaling optimizer

    def generator_loss(self, batch):
        self.generated(batch)  # once for all steps, outside of their differentiation
        # Only variables that the phase trains or keeps are committed, so these assignments are discarded. They are
        # still undone, for phases that are evaluated together with this one in simultaneous updates.
        before = [(v, ops.copy(v)) for v in self.discriminator.variables if not is_seed_state(v)]
        with observing(False), observed(None):  # observe only steps that are actually taken
            self.unroll(batch)
        outcome = super().generator_loss(batch)
        for variable, value in before:
            variable.assign(value)
        return outcome

    def unroll(self, batch):
        """Updates the discriminator by the recipe's number of steps, within the current evaluation."""
        variables = self.discriminator.trainable_variables

        def loss(values):
            for variable, value in zip(variables, values, strict=True):
                variable.assign(value)
            return sum(self.discriminator.losses, self.discriminator_loss(batch)[0])

        values = [ops.copy(v) for v in variables]
        update = differentiable_updates(self._discriminator_optimizer)
        for _ in range(self.recipe.unrolled_steps):
            slopes = [mean_over_replicas(slope) for slope in gradients(loss, values)]
            values = update(values, slopes)
            for variable, value in zip(variables, values, strict=True):
                variable.assign(value)

    def fake_logits(self, batch):
        # Not shared as in the base class: the discriminator differs after each step.
        return self.judge(self.generated(batch), *self.fake_condition(batch))


def check_unrollable(rule):
    """Raises an error unless `differentiable_updates` supports an optimizer.

    Args:
        rule: `keras.optimizers.Optimizer`.

    Raises:
        ValueError: For an optimizer or an option that cannot be unrolled.
    """
    used = [name for name in UNKNOWN if getattr(rule, name, None)]
    if type(rule) not in (keras.optimizers.Adam, keras.optimizers.SGD) or used:
        raise ValueError(
            f"`discriminator_optimizer` is {type(rule).__name__} with {used or 'its options'}; Adam and SGD can be "
            "unrolled, without amsgrad, nesterov, weight decay, clipping, averages and accumulation."
        )


def differentiable_updates(rule):
    """An optimizer's next updates as a differentiable function, starting from its current state.

    Args:
        rule: Built `keras.optimizers.Adam` or `SGD`, which is not modified.

    Returns:
        A function `update(values, gradients) -> values` of lists of tensors, in the order of the variables that the
        optimizer was built with, to be called once per update. The learning rate is that of the first update.
    """

    def present(slots):
        return [ops.copy(slot) for slot in slots]

    rate = ops.cast(rule.learning_rate, keras.config.floatx())
    if isinstance(rule, keras.optimizers.SGD):
        velocities = present(rule.momentums) if rule.momentum else None

        def descend(values, slopes):
            nonlocal velocities
            moves = [-rate * slope for slope in slopes]
            if velocities is not None:
                moves = velocities = [rule.momentum * v + move for v, move in zip(velocities, moves, strict=True)]
            return [value + move for value, move in zip(values, moves, strict=True)]

        return descend

    first, second = present(rule._momentums), present(rule._velocities)
    step = ops.cast(rule.iterations, rate.dtype)

    def adapt(values, slopes):
        nonlocal first, second, step
        step = step + 1
        first = [m + (1 - rule.beta_1) * (slope - m) for m, slope in zip(first, slopes, strict=True)]
        second = [v + (1 - rule.beta_2) * (slope * slope - v) for v, slope in zip(second, slopes, strict=True)]
        pace = rate * ops.sqrt(1 - rule.beta_2**step) / (1 - rule.beta_1**step)
        return [value - pace * m / (root(v) + rule.epsilon) for value, m, v in zip(values, first, second, strict=True)]

    return adapt


def root(x):
    """Square root with slope 0 at 0, which avoids NaN for weights that never had a gradient."""
    positive = x > 0
    return ops.where(positive, ops.sqrt(ops.where(positive, x, 1.0)), 0.0)
