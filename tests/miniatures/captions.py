"""A caption-conditioned GAN in miniature, with mismatched captions (GAN-CLS: Reed et al. 2016, algorithm 1)."""

import keras
from keras import layers, ops

from kerasgan import LatentModel, LatentRecipe
from kerasgan.data.kinds import Captions
from kerasgan.objectives.losses import at_least_float32

KIND = Captions(("a", "red", "blue", "circle", "square"), length=4)


@keras.saving.register_keras_serializable(package="tests")
class MiniCaptions(LatentModel):
    """Images of sentences; the discriminator learns that a real image with another sentence is wrong."""

    recipe = LatentRecipe(batch_size=8, ema_half_life=40.0)

    def __init__(self, image_shape=(4, 4, 3), latent_dim=3, width=4, condition=KIND, **kwargs):
        self.width = width
        super().__init__(image_shape, latent_dim, condition=condition, **kwargs)

    def read_captions(self, captions):
        """Symbolic ids of captions as a vector."""
        words = layers.Embedding(self.conditions.kinds["captions"].size, self.width)(captions)
        return layers.GRU(self.width)(words)

    def build_generator(self):
        latents, (captions,) = keras.Input((self.latent_dim,), name="latents"), self.condition_inputs()
        x = layers.Concatenate()([latents, self.read_captions(captions)])
        x = layers.Dense(48, "tanh")(layers.Dense(8, "relu")(x))
        x = layers.Reshape((4, 4, 3), dtype=keras.config.floatx(), name="images")(x)
        return keras.Model([latents, captions], x, name="generator")

    def build_discriminator(self):
        images, (captions,) = keras.Input(self.image_shape, name="images"), self.condition_inputs()
        x = layers.Concatenate()([layers.Flatten()(images), self.read_captions(captions)])
        x = layers.Dense(1)(layers.LeakyReLU()(layers.Dense(8)(x)))
        return keras.Model([images, captions], x, name="discriminator")

    def discriminator_loss(self, batch):
        loss, logs = super().discriminator_loss(batch)
        # Pairs of samples swap their captions, so that a replica needs no other one.
        (captions,) = self.real_condition(batch)
        swapped = ops.reshape(ops.reshape(captions, (-1, 2, captions.shape[-1]))[:, ::-1], (-1, captions.shape[-1]))
        wrong = ops.mean(ops.softplus(at_least_float32(self.judge(batch.x, swapped))))
        return loss + 0.5 * wrong, {**logs, "mismatched": wrong}
