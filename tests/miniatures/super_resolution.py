"""Super-resolution by a factor of four in miniature, on a frozen feature network."""

import dataclasses
from typing import Any

import keras
import numpy as np
from keras import layers, ops

from kerasgan import AdversarialModel, Recipe, shared
from kerasgan.data.kinds import Images
from kerasgan.game.inference import Inference
from kerasgan.game.recipe import Adam
from kerasgan.objectives import losses

FACTOR = 4


@dataclasses.dataclass(frozen=True)
class SuperResolutionRecipe(Recipe):
    batch_size: int = 8
    ema_half_life: float = 40.0
    adversarial_weight: float = 1e-3
    discriminator_optimizer: Any = Adam(1e-4)
    generator_optimizer: Any = Adam(1e-4)


@keras.saving.register_keras_serializable(package="tests")
class MiniSuperResolution(AdversarialModel):
    """Large images of small ones: the distance in the features, and what a discriminator says (Ledig et al. 2017)."""

    recipe = SuperResolutionRecipe()

    def __init__(self, image_shape=(8, 8, 1), width=4, **kwargs):
        super().__init__(**kwargs)
        self.image_shape, self.width = tuple(image_shape), width
        self.small_shape = (image_shape[0] // FACTOR, image_shape[1] // FACTOR, image_shape[2])
        small = keras.Input(self.small_shape, name="small")
        x = layers.Conv2D(width, 3, padding="same", activation="relu")(small)
        x = layers.Conv2D(image_shape[2], 3, padding="same")(layers.UpSampling2D(FACTOR)(x))
        x = layers.Activation("linear", dtype=keras.config.floatx(), name="large")(x)
        large = keras.Input(self.image_shape, name="images")
        logits = layers.Dense(1)(layers.Flatten()(layers.Conv2D(width, 3, 2, activation="leaky_relu")(large)))
        seen = keras.Input(self.image_shape)
        features = layers.Conv2D(width, 3, activation="relu", use_bias=False, dtype=keras.config.floatx())
        frozen = keras.Model(seen, features(seen))
        features.set_weights([np.random.RandomState(3).standard_normal(features.kernel.shape)])  # on every engine
        self.add_networks(
            averaged=("generator",),
            frozen={"features": frozen},
            generator=keras.Model(small, x, name="generator"),
            discriminator=keras.Model(large, logits, name="discriminator"),
        )

    def data_specs(self):
        return Images(self.image_shape), None

    @shared
    def enlarged(self, batch):
        return self.generator(ops.average_pool(batch.x, FACTOR, FACTOR), training=True)

    def discriminator_loss(self, batch):
        judge, loss = self.discriminator, losses.get("non_saturating")
        return loss.discriminator(judge(batch.x, training=True), judge(self.enlarged(batch), training=True)), {}

    def generator_loss(self, batch):
        made = self.enlarged(batch)
        content = ops.mean(ops.square(self.features(made) - self.features(ops.cast(batch.x, made.dtype))))
        fooled = losses.get("non_saturating").generator(self.discriminator(made, training=True))
        return content + self.recipe.adversarial_weight * fooled, {"content": content}

    def call(self, inputs, training=False):
        """Large images, of large ones that are made small first."""
        return Inference(self.ema_generator).graph(ops.average_pool(inputs, FACTOR, FACTOR))
