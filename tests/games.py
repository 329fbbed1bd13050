"""One small game of each kind: what the base class has to play right under every strategy and after every resume."""

import dataclasses
from typing import Any

import keras
from keras import layers, ops

from kerasgan import DCGAN, AdversarialModel, LatentModel, LatentRecipe, Phase, shared
from kerasgan.data.kinds import Vectors
from kerasgan.game.recipe import Adam, Recipe
from kerasgan.layers import ImagePool
from kerasgan.objectives import losses
from kerasgan.objectives.penalties import R1, GradientPenalty
from kerasgan.testing import FamilyCase
from tests.toys import SIZE, Toy

BATCH = 12  # two and three replicas can share it

register = keras.saving.register_keras_serializable(package="tests")


def perceptron(name, inputs, outputs, width=6):
    """A small network of vectors: those that come in are joined, and each head that goes out has a size."""
    entries = [keras.Input((size,), name=f"{name}_{i}") for i, size in enumerate(inputs)]
    x = layers.Dense(width, "tanh")(layers.Concatenate()(entries) if len(entries) > 1 else entries[0])
    heads = [layers.Dense(size)(x) for size in outputs]
    return keras.Model(entries if len(entries) > 1 else entries[0], heads if len(heads) > 1 else heads[0], name=name)


@dataclasses.dataclass(frozen=True)
class HeadRecipe(LatentRecipe):
    """The recipe of a game with a third optimizer."""

    batch_size: int = 8
    ema_half_life: float = 40.0
    code_optimizer: Any = Adam(1e-3)


@register
class ExtraHead(LatentModel):
    """A head of the discriminator that tells the latents of a sample, trained with the generator (as in InfoGAN)."""

    recipe = HeadRecipe()

    def __init__(self, **kwargs):
        super().__init__((SIZE,), 3, **kwargs)

    def build_generator(self):
        return perceptron("generator", [3], [SIZE])

    def build_discriminator(self):
        return perceptron("discriminator", [SIZE], [1, 3])

    def phases(self):
        code = Phase("code", ("generator", "discriminator"), self.code_loss, "code")
        return (*super().phases(), code)

    def discriminate(self, images, labels=None):
        return super().discriminate(images, labels)[0]

    def code_loss(self, batch):
        latents = self.draw_latents(ops.shape(batch.x)[0], self.random)
        told = self.discriminator(self.generator(latents, training=True), training=True)[1]
        return ops.mean(ops.square(ops.cast(told, latents.dtype) - latents)), {}

    def get_config(self):
        config = super().get_config()
        return {name: value for name, value in config.items() if name not in ("image_shape", "latent_dim")}


@dataclasses.dataclass(frozen=True)
class TwoPlayers(Recipe):
    """The recipe of the games below."""

    batch_size: int = BATCH
    ema_half_life: float = 40.0
    discriminator_optimizer: Any = Adam(1e-3)
    generator_optimizer: Any = Adam(1e-3)


@register
class WithEncoder(AdversarialModel):
    """A third network that encodes samples; the discriminator sees pairs of sample and code (as in BiGAN)."""

    recipe = TwoPlayers()

    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.add_networks(
            averaged=("generator", "encoder"),
            generator=perceptron("generator", [3], [SIZE]),
            encoder=perceptron("encoder", [SIZE], [3]),
            discriminator=perceptron("discriminator", [SIZE, 3], [1]),
        )

    def phases(self):
        discriminator, generator = super().phases()
        return discriminator, dataclasses.replace(generator, trains=("generator", "encoder"))

    @shared
    def pairs(self, batch):
        latents = keras.random.normal((ops.shape(batch.x)[0], 3), seed=self.random)
        encoded = self.discriminator([batch.x, self.encoder(batch.x, training=True)], training=True)
        return encoded, self.discriminator([self.generator(latents, training=True), latents], training=True)

    def discriminator_loss(self, batch):
        return losses.get("non_saturating").discriminator(*self.pairs(batch)), {}

    def call(self, inputs, training=False):
        return self.ema_encoder(inputs)

    def generator_loss(self, batch):
        encoded, generated = self.pairs(batch)
        return losses.get("non_saturating").discriminator(generated, encoded), {}

    def data_specs(self):
        return Vectors(SIZE), None


@register
class TwoDomains(AdversarialModel):
    """Two generators between two domains, with memories of what they made (as in CycleGAN)."""

    recipe = TwoPlayers()

    def __init__(self, pool_size=16, **kwargs):
        super().__init__(**kwargs)
        self.pool_size = pool_size
        self.pool_x, self.pool_y = (ImagePool((SIZE,), pool_size, self.recipe.batch_size) for _ in range(2))
        self.add_networks(
            averaged=("to_x", "to_y"),
            to_x=perceptron("to_x", [SIZE], [SIZE]),
            to_y=perceptron("to_y", [SIZE], [SIZE]),
            critic_x=perceptron("critic_x", [SIZE], [1]),
            critic_y=perceptron("critic_y", [SIZE], [1]),
        )

    def phases(self):
        return (
            Phase("generator", ("to_x", "to_y"), self.generator_loss, "generator"),
            Phase(
                "discriminator",
                ("critic_x", "critic_y"),
                self.discriminator_loss,
                "discriminator",
                keeps=("pool_x", "pool_y"),
            ),
        )

    def call(self, inputs, training=False):
        return self.ema_to_y(inputs)

    def generator_loss(self, batch):
        fake_x, fake_y = self.to_x(batch.y, training=True), self.to_y(batch.x, training=True)
        loss = losses.get("least_squares")
        fooled = loss.generator(self.critic_x(fake_x)) + loss.generator(self.critic_y(fake_y))
        back = (ops.cast(self.to_x(fake_y), batch.x.dtype), ops.cast(self.to_y(fake_x), batch.y.dtype))
        cycle = ops.mean(ops.abs(back[0] - batch.x)) + ops.mean(ops.abs(back[1] - batch.y))
        return fooled + 10.0 * cycle, {"cycle": cycle}

    def discriminator_loss(self, batch):
        fake_x, fake_y = self.pool_x(self.to_x(batch.y)), self.pool_y(self.to_y(batch.x))
        loss = losses.get("least_squares")
        return (
            loss.discriminator(self.critic_x(batch.x), self.critic_x(fake_x))
            + loss.discriminator(self.critic_y(batch.y), self.critic_y(fake_y)),
            {},
        )

    def data_specs(self):
        return Vectors(SIZE), Vectors(SIZE)


def case(family, arguments=None, recipe=None):
    return FamilyCase(family, arguments or {}, recipe or {}, batch_size=BATCH)


GAMES = {
    "dcgan": case(DCGAN, {"image_shape": (8, 8, 1), "latent_dim": 4, "width": 4}),
    "critic": case(Toy, {}, {"loss": "wasserstein", "penalties": (GradientPenalty(10.0),), "generator_every": 5}),
    "lazy penalty": case(Toy, {}, {"penalties": (R1(1.0, interval=4),)}),
    "extra head": case(ExtraHead),
    "encoder": case(WithEncoder),
    "two domains": case(TwoDomains),
    "simultaneous": case(Toy, {}, {"update": "simultaneous"}),
    "shared pass": case(
        DCGAN, {"image_shape": (8, 8, 1), "latent_dim": 4, "width": 4}, {"update": "alternating_shared"}
    ),
}
