"""An audio GAN in miniature: transposed convolutions of sounds, phase shuffle for each example, WGAN-GP."""

import dataclasses

import keras
from keras import layers, ops

from kerasgan import LatentModel, LatentRecipe
from kerasgan.data.kinds import Audio
from kerasgan.objectives.penalties import GradientPenalty


@dataclasses.dataclass(frozen=True)
class AudioRecipe(LatentRecipe):
    batch_size: int = 8
    loss: str = "wasserstein"
    penalties: tuple = (GradientPenalty(10.0),)
    generator_every: int = 2


@keras.saving.register_keras_serializable(package="tests")
class PhaseShuffle(layers.Layer):
    """Moves each sound by up to `radius` samples, filled up by reflection (Donahue et al. 2019, section 3.3)."""

    def __init__(self, radius=1, **kwargs):
        super().__init__(**kwargs)
        self.radius, self.generator = radius, keras.random.SeedGenerator()

    def call(self, x, training=False):
        if not training:
            return x
        length = x.shape[1]
        shifts = keras.random.randint((ops.shape(x)[0], 1), -self.radius, self.radius + 1, seed=self.generator)
        places = ops.abs(ops.arange(length, dtype="int32")[None] + shifts)
        places = (length - 1) - ops.abs((length - 1) - places)
        chosen = ops.one_hot(places, length, dtype=x.dtype)
        return ops.einsum("bij,bjc->bic", chosen, x)


@keras.saving.register_keras_serializable(package="tests")
class MiniAudio(LatentModel):
    """Sounds of 16 samples at 16 kHz, of classes."""

    recipe = AudioRecipe()

    def __init__(self, audio=Audio(16), latent_dim=3, width=4, **kwargs):  # noqa: B008
        self.width = width
        kwargs.pop("image_shape", None)
        self.audio = audio
        super().__init__(audio, latent_dim, **kwargs)

    def build_generator(self):
        latents, conditions = keras.Input((self.latent_dim,), name="latents"), self.condition_inputs()
        x = layers.Concatenate()([latents, *(layers.Flatten()(layers.Embedding(3, 2)(c)) for c in conditions)])
        x = layers.Reshape((4, self.width))(layers.Dense(4 * self.width, "relu")(x))
        x = layers.Conv1DTranspose(1, 5, 4, padding="same", activation="tanh", name="audio")(x)
        return keras.Model([latents, *conditions], x, name="generator")

    def build_discriminator(self):
        sounds, conditions = keras.Input(self.sample_kind.shape, name="audio"), self.condition_inputs()
        x = PhaseShuffle()(layers.LeakyReLU()(layers.Conv1D(self.width, 5, 2, padding="same")(sounds)))
        x = layers.Concatenate()(
            [layers.Flatten()(x), *(layers.Flatten()(layers.Embedding(3, 2)(c)) for c in conditions)]
        )
        return keras.Model([sounds, *conditions], layers.Dense(1)(x), name="discriminator")

    def get_config(self):
        config = super().get_config()
        return {**config, "audio": config.pop("image_shape")}

    @classmethod
    def from_config(cls, config):
        if isinstance(config["audio"], dict):
            config = {**config, "audio": keras.saving.deserialize_keras_object(config["audio"])}
        return super().from_config(config)
