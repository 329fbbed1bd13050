"""Tiny games that the tests play, sound ones and broken ones."""

import keras
import numpy as np
from keras import layers, ops

from kerasgan import LatentModel, LatentRecipe

ON_TENSORFLOW = keras.backend.backend() == "tensorflow"
SIZE = 4


@keras.saving.register_keras_serializable(package="tests")
class Toy(LatentModel):
    """A sound game of perceptrons on vectors, with batch statistics and dropout in both networks."""

    recipe = LatentRecipe(batch_size=8, ema_half_life=40.0)

    def __init__(self, size=SIZE, latent_dim=3, **kwargs):
        super().__init__((size,) if isinstance(size, int) else size, latent_dim, **kwargs)

    def build_generator(self):
        latents = keras.Input((self.latent_dim,), name="latents")
        return keras.Model(latents, self.vectors(self.hidden(latents)), name="generator")

    def build_discriminator(self):
        images = keras.Input(self.image_shape, name="images")
        return keras.Model(images, layers.Dense(1, name="logits")(self.hidden(images)), name="discriminator")

    def hidden(self, x):
        x = layers.BatchNormalization(synchronized=ON_TENSORFLOW)(layers.Dense(5, "tanh")(x))
        return layers.Dropout(0.2)(x)

    def vectors(self, x):
        return layers.Dense(self.image_shape[0], name="vectors")(x)

    def get_config(self):
        config = super().get_config()
        (config["size"],) = config.pop("image_shape")
        return config


def linear_game(loss="wasserstein", recipe=None, kernels=(0.5, -0.3), **kwargs):
    """A compiled game of one weight each: G(z) = a z, D(x) = b x, SGD of rate 0.1.

    Args:
        loss: as in the recipe.
        recipe: further changes of the recipe.
        kernels: a and b.
        **kwargs: options of the discriminator's layer.
    """
    a, b = (keras.initializers.Constant(value) for value in kernels)
    generator = keras.Sequential([keras.Input((1,)), layers.Dense(1, use_bias=False, kernel_initializer=a)])
    discriminator = keras.Sequential(
        [keras.Input((1,)), layers.Dense(1, use_bias=False, kernel_initializer=b, **kwargs)]
    )
    model = LatentModel((1,), 1, generator=generator, discriminator=discriminator, seed=0)
    sgd = {f"{player}_optimizer": keras.optimizers.SGD(0.1) for player in ("generator", "discriminator")}
    model.compile(**{"loss": loss, **sgd, **(recipe or {})})
    return model


def vectors(count, size=SIZE, seed=0):
    """Standard normal float32 vectors."""
    return np.random.default_rng(seed).normal(size=(count, size)).astype("float32")


def weights(model):
    """Everything that training changes, as one flat list of arrays."""
    everything = [*model.variables, *model.optimizer.variables]
    return [np.array(ops.convert_to_numpy(v)) for v in everything if v.name != "seed_generator_state"]


def assert_equal(first, second):
    """Bit for bit."""
    assert len(first) == len(second)
    for a, b in zip(first, second, strict=True):
        np.testing.assert_array_equal(a, b)
