"""A token GAN in miniature: soft one-hot samples of a recurrent generator (Gumbel-softmax: Nie et al. 2019)."""

import keras
from keras import layers, ops

from kerasgan import LatentModel, LatentRecipe
from kerasgan.data.kinds import Tokens
from kerasgan.game.phase import shared
from kerasgan.objectives.losses import at_least_float32

KIND = Tokens(5, vocabulary=("", *"abcdef"))


@keras.saving.register_keras_serializable(package="tests")
class MiniTokens(LatentModel):
    """Words of five letters. The generator gives logits; what is sampled are the likeliest tokens."""

    recipe = LatentRecipe(batch_size=8, ema_half_life=40.0)

    def __init__(self, image_shape=KIND, latent_dim=3, width=6, temperature=0.5, **kwargs):
        self.width, self.temperature = width, temperature
        super().__init__(image_shape, latent_dim, **kwargs)

    def build_generator(self):
        latents = keras.Input((self.latent_dim,), name="latents")
        x = layers.GRU(self.width, return_sequences=True)(layers.RepeatVector(self.sample_kind.length)(latents))
        return keras.Model(latents, layers.Dense(self.sample_kind.vocabulary_size, name="logits")(x), name="generator")

    def build_discriminator(self):
        words = keras.Input((self.sample_kind.length, self.sample_kind.vocabulary_size), name="tokens")
        x = layers.LeakyReLU()(layers.Conv1D(self.width, 3, padding="same")(words))
        return keras.Model(words, layers.Dense(1)(layers.Flatten()(x)), name="discriminator")

    def real_samples(self, batch):
        return ops.one_hot(batch.x, self.sample_kind.vocabulary_size, dtype=keras.config.floatx())

    @shared
    def generated(self, batch):
        logits = at_least_float32(self.generator(self.latents(batch), training=True))
        uniform = keras.random.uniform(ops.shape(logits), 1e-6, 1.0 - 1e-6, dtype=logits.dtype, seed=self.random)
        gumbel = -ops.log(-ops.log(uniform))
        return ops.softmax((logits + gumbel) / self.temperature, axis=-1)

    def finished(self, outputs):
        return ops.cast(ops.argmax(outputs, axis=-1), "int32")
