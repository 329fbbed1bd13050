"""A StyleGAN2 in miniature: mapping, style mixing, noise, path length, mean style, adaptive augmentation."""

import dataclasses
from typing import Any

import keras
from keras import layers, ops

from kerasgan import LatentModel, LatentRecipe, Phase, shared
from kerasgan.game.engines import gradients, mean_over_replicas
from kerasgan.game.randomness import draw_noise
from kerasgan.game.recipe import Adam
from kerasgan.objectives.losses import at_least_float32
from kerasgan.objectives.penalties import R1

register = keras.saving.register_keras_serializable(package="tests")


@register
class Noise(layers.Layer):
    """Adds noise with a learned strength."""

    adds_noise = True

    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.generator = keras.random.SeedGenerator()

    def build(self, shape):
        self.strength = self.add_weight(name="strength", shape=(), initializer="ones")

    def call(self, x):
        shape = ops.shape(x)
        return x + self.strength * draw_noise((shape[0], shape[1], shape[2], 1), self.generator, x.dtype)


@dataclasses.dataclass(frozen=True)
class StyleRecipe(LatentRecipe):
    batch_size: int = 8
    penalties: tuple = (R1(1.0, interval=4),)
    views: tuple = ("ada:blit,color",)
    path_weight: float = 2.0
    mixing: float = 0.9
    discriminator_optimizer: Any = Adam(2e-3, beta_1=0.0, beta_2=0.99)
    generator_optimizer: Any = Adam(2e-3, beta_1=0.0, beta_2=0.99)


@register
class MiniStyle(LatentModel):
    """Styles scale the channels of a small synthesis network; truncation pulls them towards their mean."""

    recipe = StyleRecipe()
    parts = ("mapping", "generator", "discriminator")
    averaged = ("mapping", "generator")
    truncation_of = "styles"

    def __init__(self, image_shape, latent_dim=4, width=4, **kwargs):
        self.width = width
        super().__init__(image_shape, latent_dim, **kwargs)
        self.add_state(path_length=(), style_mean=(width,))

    def build_mapping(self):
        latents = keras.Input((self.latent_dim,), name="latents")
        x = layers.Dense(self.width, "leaky_relu")(latents)
        return keras.Model(latents, layers.Dense(self.width, name="styles")(x), name="mapping")

    def build_generator(self):
        styles = keras.Input((2, self.width), name="styles")
        x = layers.Reshape((4, 4, self.width))(layers.Dense(16 * self.width)(styles[:, 0]))
        x = Noise()(layers.Conv2D(self.width, 3, padding="same")(x))
        x = layers.UpSampling2D()(layers.LeakyReLU()(x))
        x = layers.Multiply()([x, layers.Reshape((1, 1, self.width))(layers.Dense(self.width)(styles[:, 1]))])
        x = layers.LeakyReLU()(Noise()(layers.Conv2D(self.width, 3, padding="same")(x)))
        x = layers.Conv2D(self.image_shape[-1], 1, name="images")(x)
        return keras.Model(styles, layers.Activation("linear", dtype=keras.config.floatx())(x), name="generator")

    def build_discriminator(self):
        images = keras.Input(self.image_shape, name="images")
        x = layers.Conv2D(self.width, 3, 2, padding="same", activation="leaky_relu")(images)
        return keras.Model(images, layers.Dense(1)(layers.Flatten()(x)), name="discriminator")

    def phases(self):
        *others, generator = super().phases()
        trains = ("mapping", "generator")
        path = Phase("path", trains, self.path_loss, "generator", every=4, keeps=("path_length",))
        return *others, dataclasses.replace(generator, trains=trains, keeps=("style_mean",)), path

    @shared
    def styles(self, batch):
        first, second = (self.mapping(self.latents_of(batch, part), training=True) for part in range(2))
        mixed = keras.random.uniform((ops.shape(first)[0], 1), seed=self.random) < self.recipe.mixing
        return ops.stack([first, ops.where(mixed, second, first)], axis=1)

    @shared
    def latents_of(self, batch, part):
        return self.draw_latents(ops.shape(batch.x)[0], self.random)

    @shared
    def generated(self, batch):
        return self.generator(self.styles(batch), training=True)

    def generator_loss(self, batch):
        mean = mean_over_replicas(ops.cast(ops.mean(self.styles(batch)[:, 0], axis=0), self.style_mean.dtype))
        self.style_mean.assign(self.style_mean + 0.005 * (ops.stop_gradient(mean) - self.style_mean))
        return super().generator_loss(batch)

    def path_loss(self, batch):
        styles = self.styles(batch)
        noise = keras.random.normal((ops.shape(styles)[0], *self.image_shape), seed=self.random) / 8.0
        (slope,) = gradients(lambda s: ops.sum(self.generator(s[0], training=True) * noise), [styles])
        lengths = ops.sqrt(ops.mean(ops.sum(ops.square(at_least_float32(slope)), axis=2), axis=1) + 1e-12)
        moved = ops.cast(mean_over_replicas(ops.mean(lengths)), self.path_length.dtype)
        target = self.path_length + 0.01 * (moved - self.path_length)
        self.path_length.assign(ops.stop_gradient(target))
        target = ops.cast(ops.stop_gradient(target), lengths.dtype)
        return 4 * self.recipe.path_weight * ops.mean(ops.square(lengths - target)), {"path": moved}

    def generator_inputs(self, latents, *conditions, truncation=None, ema=True):
        styles = (self.ema_mapping if ema else self.mapping)(latents)
        if truncation is not None:
            mean = ops.cast(self.style_mean, styles.dtype)
            styles = mean + ops.cast(truncation, styles.dtype) * (styles - mean)
        return [ops.stack([styles, styles], axis=1)]
